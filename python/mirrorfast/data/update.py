"""Bring a store up to date from a venue: page by page, each on the disk before the next is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl

from mirrorfast.data.results import FAILURE_SCHEMA, Failure
from mirrorfast.data.timeframes import interval_ms, interval_of
from mirrorfast.data.venue.failures import kind_of
from mirrorfast.errors import DataError, ExchangeError, ParameterError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mirrorfast.data.fetcher import MarketDataFetcher
    from mirrorfast.data.store import MarketDataStore

__all__ = ["UpdateResult", "update_store"]

_log = get_logger(__name__)
# Series under way at once: enough to fill any venue's limit, few enough to bound what is in memory.
_SERIES = 32


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What an update brought.

    Attributes
    ----------
    bars
        New bars.
    series
        Series that are up to date.
    failures
        Series that are not: exchange, symbol, timeframe, kind, reason. What was stored of them stays.

    Examples
    --------
    >>> UpdateResult(0, 0, pl.DataFrame(schema=FAILURE_SCHEMA)).bars
    0
    """

    bars: int
    series: int
    failures: pl.DataFrame


def _begin(start: int | None) -> int:
    if start is None:
        raise DataError("not in the store yet: expected a start to download from")
    return start


async def update_store(
    fetcher: MarketDataFetcher,
    store: MarketDataStore,
    symbols: Sequence[str],
    timeframes: Sequence[str],
    *,
    start: int | None = None,
    end: int | None = None,
    progress: Callable[[str, str, int, bool], None] | None = None,
) -> UpdateResult:
    """Fetch what a store lacks of some series.

    Parameters
    ----------
    fetcher
        The venue.
    store
        Where bars go.
    symbols, timeframes
        The series.
    start
        First open time wanted, ms; only for series that begin later or are not there. Without it they must be there.
    end
        Bars open before this; all closed ones by default.
    progress
        Called with symbol, timeframe, new bars of a page, and whether the series is done.

    Returns
    -------
    UpdateResult
        New bars, and what failed. Run again, it goes on where it was.
    """
    failures: list[Failure] = []
    counts = [0, 0]
    slots = asyncio.Semaphore(_SERIES)

    async def span(symbol: str, timeframe: str, first: int, last: int | None) -> None:
        async for page in fetcher.pages(symbol, timeframe, start=first, end=last):
            added = await asyncio.to_thread(store.append, fetcher.name, symbol, timeframe, page)
            counts[0] += added
            if progress is not None:
                progress(symbol, timeframe, added, False)

    async def one(symbol: str, timeframe: str) -> None:
        async with slots:
            try:
                stored = store.span(fetcher.name, symbol, timeframe)
                if stored is None:
                    await span(symbol, timeframe, _begin(start), end)
                else:
                    if start is not None and start < stored[0]:
                        await span(symbol, timeframe, start, stored[0])
                    await span(symbol, timeframe, stored[1] + interval_ms(timeframe), end)
                counts[1] += 1
            except (ExchangeError, DataError, ParameterError) as error:
                kind = "store" if type(error) is DataError else kind_of(error)
                failures.append(Failure(fetcher.name, symbol, timeframe, kind, str(error)))
                _log.warning("series_not_updated", symbol=symbol, timeframe=timeframe, error=str(error))
            if progress is not None:
                progress(symbol, timeframe, 0, True)

    names = [interval_of(t) for t in timeframes]
    async with asyncio.TaskGroup() as group:
        for symbol in symbols:
            for name in names:
                group.create_task(one(symbol, name))
    return UpdateResult(counts[0], counts[1], pl.DataFrame([asdict(f) for f in failures], schema=FAILURE_SCHEMA))
