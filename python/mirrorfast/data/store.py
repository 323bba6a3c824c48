"""MarketDataStore: bars in Parquet files, a month each, that only ever grow.

``exchange=binance/symbol=BTC%2FUSDT/timeframe=1h/month=2024-05/bars.parquet``. A month is written beside the old file,
synced and renamed over it: whatever happens meanwhile, a reader and the next start find the old file or the new one.
Each file carries a checksum of its values. Stored bars are never changed.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import polars as pl

from mirrorfast.data.candles import CANDLE_SCHEMA
from mirrorfast.data.schema import BAR_COLUMNS, validate_bars
from mirrorfast.data.timeframes import interval_of
from mirrorfast.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MarketDataStore"]

_FILE: Final = "bars.parquet"
_KEYS: Final = ("exchange", "symbol", "timeframe", "month")
_HIVE: Final = pl.Schema(dict.fromkeys(_KEYS, pl.String()))


class MarketDataStore:
    """Bars of any exchanges, symbols and timeframes in a folder.

    Parameters
    ----------
    folder : str or Path
        Where; made with the first bar.

    Notes
    -----
    Readers need no lock. Writers of one series exclude each other, and a killed one holds nothing back.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = MarketDataStore(folder)
    ...     added = store.append("demo", "BTC/USD", "1h", mf.sample_bars(["BTC/USD"]).head(1_000))
    ...     again = store.append("demo", "BTC/USD", "1h", mf.sample_bars(["BTC/USD"]).head(1_001))
    ...     months = store.scan(symbols=["BTC/USD"]).select(pl.len()).collect().item()
    >>> added, again, months
    (1000, 1, 1001)
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def append(self, exchange: str, symbol: str, timeframe: str, bars: pl.DataFrame) -> int:
        """Store bars that are not there yet; those that are stay as they are.

        Parameters
        ----------
        exchange, symbol, timeframe : str
            Series; the timeframe as a key or an interval.
        bars : polars.DataFrame
            Columns of a bar; a ``symbol`` column is not needed.

        Returns
        -------
        int
            How many were new. All of them are on the disk when it returns.

        Raises
        ------
        DataError
            If a bar cannot be used, the disk does not take it, or somebody else is writing this series.
        """
        if bars.is_empty():
            return 0
        clean = validate_bars(bars, symbol=symbol, source=f"{exchange} {symbol} {timeframe}").select(
            CANDLE_SCHEMA.names()
        )
        place = self._place(exchange, symbol, timeframe)
        place.mkdir(parents=True, exist_ok=True)
        added = 0
        with _writing(place):
            months = clean.with_columns(month=pl.col("timestamp").dt.strftime("%Y-%m")).partition_by(
                "month", as_dict=True, maintain_order=True, include_key=False
            )
            for (month,), part in sorted(months.items()):
                file = place / f"month={month}" / _FILE
                old = pl.read_parquet(file, hive_partitioning=False) if file.exists() else None
                new = part if old is None else part.join(old, on="timestamp", how="anti", maintain_order="left")
                if not new.height:
                    continue
                whole = new if old is None else pl.concat([old, new]).sort("timestamp")
                _replace(file, whole)
                added += new.height
        return added

    def scan(
        self,
        *,
        exchange: str | None = None,
        symbols: Sequence[str] | None = None,
        timeframe: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pl.LazyFrame:
        """Read lazily; files of other series and months are not opened.

        Parameters
        ----------
        exchange, timeframe : str, optional
            All by default.
        symbols : sequence of str, optional
            All by default.
        start, end : datetime, optional
            First open time, and the time before which bars open; UTC where they carry no zone.

        Returns
        -------
        polars.LazyFrame
            ``exchange timeframe`` and the columns of a bar, sorted by (exchange, timeframe, symbol, timestamp).

        Raises
        ------
        DataError
            If there is no such series.
        """
        low, high = _utc(start), _utc(end)
        wanted = None if symbols is None else set(symbols)
        interval = None if timeframe is None else interval_of(timeframe)
        files = [
            file
            for file, (venue, symbol, frame, month) in self._files()
            if (exchange is None or venue == exchange)
            and (wanted is None or symbol in wanted)
            and (interval is None or frame == interval)
            and (low is None or month >= f"{low:%Y-%m}")
            and (high is None or month <= f"{high:%Y-%m}")
        ]
        if not files:
            asked = ", ".join(str(v) for v in (exchange, symbols and ", ".join(symbols), timeframe, start, end) if v)
            raise DataError(
                f"{self.folder}: no bars of {asked or 'anything'} in the store: mirrorfast data list shows it"
            )
        frame = pl.scan_parquet(files, hive_partitioning=True, hive_schema=_HIVE)
        if low is not None:
            frame = frame.filter(pl.col("timestamp") >= low)
        if high is not None:
            frame = frame.filter(pl.col("timestamp") < high)
        return frame.select("exchange", "timeframe", *BAR_COLUMNS).sort("exchange", "timeframe", "symbol", "timestamp")

    def read(self, exchange: str, timeframe: str, symbols: Sequence[str] | None = None, **span: Any) -> pl.DataFrame:
        """Read the bars of one exchange and timeframe.

        Parameters
        ----------
        exchange, timeframe : str
            Which.
        symbols : sequence of str, optional
            All by default.
        **span
            ``start`` and ``end``, as in `scan`.

        Returns
        -------
        polars.DataFrame
            Bars as every layer takes them.

        Raises
        ------
        DataError
            If there is no such series.
        """
        lazy = self.scan(exchange=exchange, timeframe=timeframe, symbols=symbols, **span)
        return lazy.select(BAR_COLUMNS).collect()

    def span(self, exchange: str, symbol: str, timeframe: str) -> tuple[int, int] | None:
        """Tell what of a series is stored, from the files' heads alone.

        Parameters
        ----------
        exchange, symbol, timeframe : str
            Series.

        Returns
        -------
        tuple of int and int, or None
            Open times of its first and last bar, ms; ``None`` when nothing is.
        """
        files = sorted(self._place(exchange, symbol, timeframe).glob(f"month=*/{_FILE}"))
        if not files:
            return None
        return int(_head(files[0])["first"]), int(_head(files[-1])["last"])

    def list(self) -> pl.DataFrame:
        """List what is stored.

        Returns
        -------
        polars.DataFrame
            ``exchange symbol timeframe first last bars files bytes``, one row a series.
        """
        rows = []
        for file, (exchange, symbol, timeframe, _) in self._files():
            head = _head(file)
            rows.append(
                (
                    exchange,
                    symbol,
                    timeframe,
                    int(head["first"]),
                    int(head["last"]),
                    int(head["bars"]),
                    file.stat().st_size,
                )
            )
        stamp = pl.Datetime("ms", "UTC")
        schema: dict[str, Any] = dict.fromkeys(_KEYS[:3], pl.String)
        schema |= {"first": stamp, "last": stamp, "bars": pl.Int64, "bytes": pl.Int64}
        table = pl.DataFrame(rows, schema=schema, orient="row")
        return (
            table.group_by("exchange", "symbol", "timeframe")
            .agg(
                pl.col("first").min(),
                pl.col("last").max(),
                pl.col("bars").sum(),
                pl.len().alias("files"),
                pl.col("bytes").sum(),
            )
            .sort("exchange", "symbol", "timeframe")
        )  # fmt: skip

    def verify(self) -> pl.DataFrame:
        """Read everything, and compare it with its checksums.

        Returns
        -------
        polars.DataFrame
            ``file problem``: one row for each file that is damaged, out of order or in the wrong place. No row: all is
            well.
        """
        problems = []
        for file, (_, symbol, _, month) in self._files():
            found = _problem(file, symbol, month)
            if found is not None:
                problems.append((str(file.relative_to(self.folder)), found))
        return pl.DataFrame(problems, schema={"file": pl.String, "problem": pl.String}, orient="row")

    def _place(self, exchange: str, symbol: str, timeframe: str) -> Path:
        parts = {"exchange": exchange, "symbol": symbol, "timeframe": interval_of(timeframe)}
        return self.folder.joinpath(*(f"{key}={quote(value, safe='')}" for key, value in parts.items()))

    def _files(self) -> Iterator[tuple[Path, tuple[str, ...]]]:
        pattern = "/".join(f"{key}=*" for key in _KEYS)
        for file in sorted(self.folder.glob(f"{pattern}/{_FILE}")):
            parts = file.relative_to(self.folder).parts[:-1]
            yield file, tuple(unquote(part.partition("=")[2]) for part in parts)


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Hold a series for writing; the system lets go of it with the process."""
    try:
        import fcntl
    except ImportError as error:
        raise ConfigurationError(
            f"store = {str(place)!r}: expected a POSIX system (Linux, macOS, WSL) to write on, for its locks end with "
            "the process that holds them; reading works everywhere"
        ) from error
    held = os.open(place, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{place}: another process is writing this series") from None
        for left in place.glob("month=*/*.part"):
            left.unlink()  # of a writer that was killed
        yield
    finally:
        os.close(held)


def _replace(file: Path, frame: pl.DataFrame) -> None:
    file.parent.mkdir(exist_ok=True)
    part = file.with_suffix(".part")
    stamps = frame["timestamp"].dt.epoch("ms")
    head = {"sha256": _checksum(frame), "bars": str(frame.height), "first": str(stamps[0]), "last": str(stamps[-1])}
    try:
        with part.open("wb") as out:
            frame.write_parquet(out, metadata=head, compression="zstd")
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the name may be lost with the power
        finally:
            os.close(folder)
    except OSError as error:
        raise DataError(f"{file}: cannot be written: {error.strerror}") from error


def _checksum(frame: pl.DataFrame) -> str:
    digest = hashlib.sha256()
    for name in CANDLE_SCHEMA:
        digest.update(name.encode())
        digest.update(frame[name].to_physical().to_numpy().tobytes())
    return digest.hexdigest()


def _head(file: Path) -> dict[str, str]:
    try:
        return pl.read_parquet_metadata(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: not a readable file of the store: run mirrorfast data verify") from error


def _problem(file: Path, symbol: str, month: str) -> str | None:
    try:
        frame = pl.read_parquet(file, hive_partitioning=False)
        head = pl.read_parquet_metadata(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        return f"unreadable: {str(error).splitlines()[0]}"
    if frame.schema != CANDLE_SCHEMA:
        return f"columns {', '.join(frame.columns)}"
    if head.get("sha256") != _checksum(frame):
        return "the values are not those of the checksum"
    try:
        validate_bars(frame, symbol=symbol, source=file.name)
    except DataError as error:
        return str(error)
    if not (frame["timestamp"].dt.strftime("%Y-%m") == month).all():
        return f"bars of another month than {month}"
    return None


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
