"""Numbers and times as they stand in text files."""

import re
from typing import Final

import polars as pl

from mirrorfast.errors import DataError

__all__ = ["parse_number", "parse_time"]

# ISO 8601 first; then CryptoDataDownload's hours, Dukascopy, MetaTrader and HistData. 01/02/2017 is left out: nobody
# can tell day from month.
_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y-%m-%d %I:%M %p",
    "%d.%m.%Y %H:%M:%S%.f",
    "%d.%m.%Y %H:%M",
    "%Y.%m.%d %H:%M:%S%.f",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H:%M:%S%.f",
)
_OFFSET: Final = r"(?:[Zz]|UTC|GMT|[+-]\d{2}:?\d{2})$"
_EXPECTED_TIME: Final = "ISO 8601 such as 2024-01-31T15:00:00Z, or Unix time"


def parse_number(series: pl.Series, *, source: str, first_line: int) -> pl.Series:
    """Read a column of numbers.

    Parameters
    ----------
    series : polars.Series, shape (n,), String
        The text.
    source : str
        Name of the file, for messages.
    first_line : int
        Line of the first row in that file.

    Returns
    -------
    polars.Series, shape (n,), Float64
        The numbers; empty cells are null.

    Raises
    ------
    DataError
        For the first text that is no number.

    Examples
    --------
    >>> parse_number(pl.Series("close", ["1.5", "2e3"]), source="a.csv", first_line=2).to_list()
    [1.5, 2000.0]
    """
    numbers = series.cast(pl.Float64, strict=False)
    _refuse(series, numbers, source, first_line, "a number")
    return numbers


def parse_time(series: pl.Series, *, source: str, first_line: int, time_zone: str) -> pl.Series:
    """Read a column of times.

    Parameters
    ----------
    series : polars.Series, shape (n,), String
        Unix times (s, ms, µs, ns) or dates in one of the common notations, all in the same one.
    source : str
        Name of the file, for messages.
    first_line : int
        Line of the first row in that file.
    time_zone : str
        IANA zone of times without an offset.

    Returns
    -------
    polars.Series, shape (n,)
        Datetimes with a time zone, or the Unix times as numbers.

    Raises
    ------
    DataError
        For the first text that is no time, or a column where some times carry an offset and some do not.

    Examples
    --------
    >>> times = pl.Series("timestamp", ["2024-01-31T15:00:00+01:00"])
    >>> parse_time(times, source="a.csv", first_line=2, time_zone="UTC").item().isoformat()
    '2024-01-31T14:00:00+00:00'
    """
    text = series.drop_nulls()
    if text.is_empty():
        return series.cast(pl.Int64, strict=False)
    if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text[0]) and not re.fullmatch(r"(19|20)\d{6}", text[0]):
        whole = series.cast(pl.Int64, strict=False)
        numbers = whole if whole.null_count() == series.null_count() else series.cast(pl.Float64, strict=False)
        _refuse(series, numbers, source, first_line, f"a time in the notation of the first row ({text[0]})")
        return numbers
    with_offset = text.str.contains(_OFFSET)
    if with_offset.any() and not with_offset.all():
        first = bool(with_offset[0])
        differs = series.str.contains(_OFFSET) != first
        row = int(differs.fill_null(value=False).arg_true()[0])
        rest = "with an offset, as in the rows above" if first else "without an offset, as in the rows above"
        msg = f"{source}: line {first_line + row}: timestamp = {series[row]}: expected a time {rest}"
        raise DataError(msg)
    return _by_format(series, source, first_line, None if with_offset.all() else time_zone)


def _by_format(series: pl.Series, source: str, first_line: int, time_zone: str | None) -> pl.Series:
    clean = series.str.replace(r"[Tt](\d)", " $1").str.replace(r"-([AP]M)$", ":00 $1")
    clean = clean.str.replace(r"\s*(?:[Zz]|UTC|GMT)$", "+0000")
    clean = clean.str.replace(r"\s*([+-]\d{2}):?(\d{2})$", "$1$2") if time_zone is None else clean
    best: pl.Series | None = None
    for layout in ("%Y%m%d", *_FORMATS):
        pattern = layout if time_zone is not None else f"{layout}%z"
        parsed = clean.str.strptime(pl.Datetime("ms"), pattern, strict=False)
        if best is None or parsed.null_count() < best.null_count():
            best = parsed
        if best.null_count() == series.null_count():
            break
    assert best is not None  # noqa: S101 - the list of layouts is not empty
    _refuse(series, best, source, first_line, _EXPECTED_TIME)
    if time_zone is None:
        return best
    local = best.dt.replace_time_zone(time_zone, ambiguous="null", non_existent="null")
    _refuse(series, local, source, first_line, f"a time that the clocks of {time_zone} show exactly once")
    return local


def _refuse(text: pl.Series, parsed: pl.Series, source: str, first_line: int, expected: str) -> None:
    failed = (parsed.is_null() & text.is_not_null()).arg_true()
    if len(failed):
        row = int(failed[0])
        msg = f"{source}: line {first_line + row}: {text.name} = {text[row]}: expected {expected}"
        raise DataError(msg)
