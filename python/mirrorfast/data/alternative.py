"""Alternative data: what moves markets and is no price: fear and greed, Bitcoin's dominance, or one's own file."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ConfigurationError, DataError, ParameterError, ShapeError, TemporaryError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["ALTERNATIVE_COLUMNS", "AlternativeSource", "FileSource", "HttpSource", "fetch_alternative"]

_log = get_logger(__name__)
ALTERNATIVE_COLUMNS: Final = ("fear_greed", "btc_dominance")
"""Columns that the features join as-of; a row of bars without a value has the neutral 50."""


class AlternativeSource(Protocol):
    """Something that knows values by the time of their publication."""

    async def fetch(self) -> pl.DataFrame:
        """Give ``timestamp`` (publication, UTC) and one or more of ``fear_greed`` and ``btc_dominance`` (0 to 100)."""


class FileSource:
    r"""Values from a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        File with ``timestamp`` and at least one of the columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "mood.csv")
    ...     _ = file.write_text("timestamp,fear_greed\n2024-01-01T00:00:00Z,71\n")
    ...     values = asyncio.run(FileSource(file).fetch())
    >>> values["fear_greed"].to_list()
    [71.0]
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def fetch(self) -> pl.DataFrame:
        """Read the file.

        Returns
        -------
        polars.DataFrame
            ``timestamp`` and the columns.

        Raises
        ------
        DataError
            If it cannot be read, or a value lies outside 0 to 100.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> pl.DataFrame:
        try:
            if self._path.suffix.lower() in (".parquet", ".pq"):
                table = pl.read_parquet(self._path)
            else:
                table = pl.read_csv(self._path, try_parse_dates=True)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{self._path}: not readable: {str(error).splitlines()[0]}") from error
        return checked(table, str(self._path))


class HttpSource:
    """Values from a JSON document: a list of records somewhere in it.

    Parameters
    ----------
    url : str
        Address.
    column : {"fear_greed", "btc_dominance"}
        What the values are.
    records : sequence of str, default ("data",)
        Keys to the list of records, or to one record.
    time, value : str, default "timestamp", "value"
        Keys of a record: publication in Unix seconds or milliseconds, and the number.
    timeout_s : float, default 10
        Longest time for the answer.

    Notes
    -----
    The defaults are the form of the Crypto Fear & Greed Index of alternative.me (``/fng/?limit=0``).
    """

    def __init__(
        self,
        url: str,
        column: str,
        *,
        records: Sequence[str] = ("data",),
        time: str = "timestamp",
        value: str = "value",
        timeout_s: float = 10.0,
    ) -> None:
        if column not in ALTERNATIVE_COLUMNS:
            raise ParameterError(f"column = {column!r}: expected one of {', '.join(ALTERNATIVE_COLUMNS)}")
        self._url, self._column = url, column
        self._records, self._time, self._value, self._timeout_s = tuple(records), time, value, timeout_s

    async def fetch(self) -> pl.DataFrame:
        """Ask for the document.

        Returns
        -------
        polars.DataFrame
            ``timestamp`` and the column.

        Raises
        ------
        ConfigurationError
            If aiohttp is not installed.
        TemporaryError
            If it cannot be had.
        DataError
            If it has another form.
        """
        try:
            import aiohttp
        except ImportError as error:
            raise ConfigurationError('aiohttp is not installed: pip install "mirrorfast[exchange]"') from error
        try:
            limit = aiohttp.ClientTimeout(total=self._timeout_s)
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(self._url) as answer:
                text = await answer.text(errors="replace")
                if answer.status != 200:
                    raise TemporaryError(f"{self._url}: status {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TemporaryError(f"{self._url}: {type(error).__name__}") from error
        return await asyncio.to_thread(self._read, text)

    def _read(self, text: str) -> pl.DataFrame:
        try:
            found: Any = json.loads(text)
            for key in self._records:
                found = found[key]
            rows = found if isinstance(found, list) else [found]
            times = [float(row[self._time]) for row in rows]
            values = [float(row[self._value]) for row in rows]
            stamps = [int(t * 1_000 if t < 1e11 else t) for t in times]
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            where = ".".join((*self._records, f"[{self._time}, {self._value}]"))
            raise DataError(f"{self._url}: expected numbers at {where}: {type(error).__name__}") from error
        return checked(pl.DataFrame({"timestamp": stamps, self._column: values}), self._url)


async def fetch_alternative(sources: Sequence[AlternativeSource]) -> pl.DataFrame | None:
    """Ask all sources; one that fails is left out, and its column stays neutral.

    Parameters
    ----------
    sources : sequence of AlternativeSource
        Any number.

    Returns
    -------
    polars.DataFrame or None
        What `mirrorfast.compute_features` takes as ``alternative``; ``None`` if there is nothing.

    Examples
    --------
    >>> asyncio.run(fetch_alternative([])) is None
    True
    """
    done = await asyncio.gather(*(source.fetch() for source in sources), return_exceptions=True)
    tables = []
    for source, got in zip(sources, done, strict=True):
        if isinstance(got, pl.DataFrame):
            tables.append(got)
        elif isinstance(got, TemporaryError | DataError):
            _log.warning("alternative_data_absent", source=type(source).__name__, error=str(got))
        else:
            raise got
    return pl.concat(tables, how="diagonal").sort("timestamp") if tables else None


def checked(table: Any, source: str) -> pl.DataFrame:
    """Bring a table of alternative data into shape.

    Parameters
    ----------
    table
        ``timestamp`` (datetime, date, or Unix ms) and some of the columns.
    source
        Its name in messages.

    Returns
    -------
    polars.DataFrame
        Sorted by time.

    Raises
    ------
    ShapeError
        If a column is missing.
    DataError
        If a value lies outside 0 to 100.

    Examples
    --------
    >>> checked(pl.DataFrame({"timestamp": [0], "fear_greed": [50]}), "x")["fear_greed"].dtype
    Float64
    """
    frame = as_frame(table, source=source)
    names = [name for name in ALTERNATIVE_COLUMNS if name in frame.columns]
    if "timestamp" not in frame.columns or not names:
        found = ", ".join(frame.columns)
        raise ShapeError(f"{source}: expected timestamp and one of {', '.join(ALTERNATIVE_COLUMNS)}; found {found}")
    stamp = frame["timestamp"]
    if isinstance(stamp.dtype, pl.Datetime) and stamp.dtype.time_zone is not None:
        stamp = stamp.dt.convert_time_zone("UTC").cast(pl.Datetime("ms", "UTC"))
    elif stamp.dtype.is_temporal():
        stamp = stamp.cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    elif stamp.dtype.is_numeric():
        stamp = stamp.cast(pl.Int64).cast(pl.Datetime("ms", "UTC"))
    else:
        raise ShapeError(f"{source}: column timestamp is {stamp.dtype}: expected a datetime or Unix time in ms")
    made = frame.select(stamp.alias("timestamp"), *(pl.col(name).cast(pl.Float64) for name in names))
    for name in names:
        bad = made.filter(pl.col(name).is_not_null() & ~pl.col(name).is_between(0, 100))
        if bad.height:
            raise DataError(f"{source}: {name} = {bad[name][0]}: expected a number from 0 to 100")
    return made.drop_nulls("timestamp").sort("timestamp")
