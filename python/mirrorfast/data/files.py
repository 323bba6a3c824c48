"""Bars from a user's own files: Parquet, CSV, or a directory of them."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import polars as pl

from mirrorfast.data.schema import BAR_COLUMNS, validate_bars
from mirrorfast.data.text import parse_number, parse_time
from mirrorfast.errors import DataError, ShapeError

__all__ = ["read_bars", "symbol_of"]

# Headers in use by exchanges, data vendors and charting tools, most specific first; compared without case and spaces.
_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "symbol": ("symbol", "ticker", "pair", "instrument", "market"),
    "timestamp": (
        "timestamp", "open_time", "opentime", "time", "datetime", "date_time", "date", "gmttime", "gmt_time",
        "unix", "unix_timestamp", "ts", "ts_ms", "t", "",
    ),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price", "max"),
    "low": ("low", "l", "low_price", "min"),
    "close": ("close", "c", "close_price", "last"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base", "tick_volume", "volume_(base)"),
}  # fmt: skip
_QUOTES: Final = frozenset(
    [
        "USDT",
        "USDC",
        "BUSD",
        "TUSD",
        "FDUSD",
        "DAI",
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "CHF",
        "AUD",
        "CAD",
        "NZD",
        "TRY",
        "BTC",
        "ETH",
        "BNB",
    ]
)
_SUFFIXES: Final = (".parquet", ".pq", ".csv", ".tsv", ".txt")


def read_bars(
    path: str | Path,
    *,
    symbol: str | None = None,
    time_zone: str = "UTC",
    on_bad: Literal["raise", "drop"] = "raise",
) -> pl.DataFrame:
    r"""Read bars from a Parquet file, a CSV file, or every such file of a directory.

    Parameters
    ----------
    path : str or Path
        The file or directory. CSV needs a header; names are matched without case (``Time``, ``unix``, ``vol`` …).
    symbol : str, optional
        Symbol of a file without such a column; by default the pair in its name (``binance_BTC-USDT_1h.csv`` →
        ``BTC/USDT``), else the name without its ending.
    time_zone : str, default "UTC"
        IANA zone of times that carry none. Times with an offset keep their own.
    on_bad : {"raise", "drop"}, default "raise"
        What `validate_bars` does with bad rows.

    Returns
    -------
    polars.DataFrame, shape (n, 7)
        Validated bars: the columns of `BAR_SCHEMA`, sorted by (symbol, timestamp).

    Raises
    ------
    DataError
        If the file is absent, empty, not a table, or holds a bad row; the message names file, line or row, column,
        value and what was expected. Lines count from 1 as editors do, rows of Parquet from 0.
    ShapeError
        If a column is missing or has the wrong type.

    Examples
    --------
    >>> import tempfile
    >>> text = "Date,Open,High,Low,Close,Volume\n2024-01-01,1,2,0.5,1.5,10\n2024-01-02,1.5,2,1,1.2,7\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "kraken_BTC-USD_1d.csv")
    ...     _ = file.write_text(text)
    ...     bars = read_bars(file)
    >>> bars.row(0, named=True)["symbol"], bars["close"].to_list()
    ('BTC/USD', [1.5, 1.2])
    """
    path = Path(path)
    if not path.is_dir():
        return _read_file(path, symbol, time_zone, on_bad)
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES[:4] and p.is_file())
    if not files:
        msg = f"{path}: no *.parquet or *.csv in this directory: expected at least one file of bars"
        raise DataError(msg)
    frames = [_read_file(file, symbol, time_zone, on_bad) for file in files]
    owner: dict[str, Path] = {}
    for file, frame in zip(files, frames, strict=True):
        for name in frame["symbol"].unique().to_list():
            if name in owner:
                msg = f"{file}: symbol {name} is in {owner[name].name} too: expected each symbol in one file"
                raise DataError(msg)
            owner[name] = file
    return pl.concat(frames).sort("symbol", "timestamp", maintain_order=True)


def symbol_of(path: str | Path) -> str:
    """Tell a file's symbol from its name.

    Parameters
    ----------
    path : str or Path
        Path of the file.

    Returns
    -------
    str
        ``BASE/QUOTE`` if the name holds a pair with a known quote currency, else the name without its ending.

    Examples
    --------
    >>> symbol_of("data/binance_ETH-USDT_4h.parquet"), symbol_of("GOOGL.csv")
    ('ETH/USDT', 'GOOGL')
    """
    stem = Path(path).stem
    words = re.split(r"[-_]", stem.upper())
    pairs = [f"{base}/{quote}" for base, quote in pairwise(words) if quote in _QUOTES and base.isalnum()]
    # The last one: before it may stand the venue (binance_BTC-USDT_1h).
    return pairs[-1] if pairs else stem


def _read_file(path: Path, symbol: str | None, time_zone: str, on_bad: Literal["raise", "drop"]) -> pl.DataFrame:
    head = _head(path)
    if head.startswith(b"PAR1"):
        frame, first_line = _read_parquet(path), None
    else:
        frame, first_line = _read_csv(path, head, time_zone)
    frame = _renamed(frame, path)
    if "symbol" not in frame.columns and symbol is None:
        symbol = symbol_of(path)
    return validate_bars(
        frame, source=str(path), symbol=symbol, on_bad=on_bad, time_zone=time_zone, first_line=first_line
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
    except FileNotFoundError:
        msg = f"{path}: no such file: expected a Parquet or CSV file of bars"
        raise DataError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise DataError(msg) from error
    if not head.strip():
        msg = f"{path}: the file is empty: expected a Parquet or CSV file of bars"
        raise DataError(msg)
    return head


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{path}: not a readable Parquet file: {_first_line(error)}"
        raise DataError(msg) from error


def _read_csv(path: Path, head: bytes, time_zone: str) -> tuple[pl.DataFrame, int]:
    if b"\x00" in head or _is_binary(head):
        msg = f"{path}: a binary file that is not Parquet: expected a Parquet or CSV file of bars"
        raise DataError(msg)
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    # Vendors put a line of attribution above the header; the header is the first line that names a price.
    skip = next((i for i, line in enumerate(lines[:5]) if re.search(r"\bclose\b|\bc\b", line, re.IGNORECASE)), 0)
    separator = max(",;\t", key=lines[skip].count)
    try:
        # Everything as text: a value that is no number is then named with its line, as it stands in the file.
        frame = pl.read_csv(path, infer_schema=False, separator=separator, skip_lines=skip, raise_if_empty=True)
    except pl.exceptions.NoDataError:
        msg = f"{path}: no rows: expected a header and at least one bar"
        raise ShapeError(msg) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        msg = f"{path}: not a readable CSV file: {_first_line(error)}"
        raise DataError(msg) from error
    first_line = skip + 2
    frame = _renamed(frame.select(pl.all().str.strip_chars()), path)
    columns = []
    for series in frame:
        if series.name in BAR_COLUMNS[2:]:
            columns.append(parse_number(series, source=str(path), first_line=first_line))
        elif series.name == "timestamp":
            columns.append(parse_time(series, source=str(path), first_line=first_line, time_zone=time_zone))
        else:
            columns.append(series)
    return pl.DataFrame(columns), first_line


def _is_binary(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut by the end of the sample is no sign of a binary file.
        return error.start < len(head) - 4
    return False


def _renamed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    # polars marks the second of two equal headers; here they are still two columns of one meaning.
    headers = {name: re.sub(r"_duplicated_\d+$", "", name) for name in frame.columns}
    plain = {name: re.sub(r"[\s.]+", "_", header.strip().lower()) for name, header in headers.items()}
    names: dict[str, str] = {}
    for target, aliases in _ALIASES.items():
        matches = sorted((aliases.index(key), name) for name, key in plain.items() if key in aliases)
        if len(matches) > 1 and matches[0][0] == matches[1][0]:
            pair = sorted(headers[name] for _, name in matches[:2])
            msg = f"{path}: columns {pair[0]!r} and {pair[1]!r} both mean {target}: expected one"
            raise ShapeError(msg)
        if matches:
            names[matches[0][1]] = target
    return frame.select([pl.col(name).alias(target) for name, target in names.items()])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
