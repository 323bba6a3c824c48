"""Feeds: where closed bars come from. Every feed gives the same batches; only the clock differs."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from mirrorfast.data.schema import BAR_SCHEMA
from mirrorfast.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

__all__ = ["BarBatch", "Feed", "RecordedFeed", "ReplayFeed"]

Row = tuple[int, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class BarBatch:
    """Every bar that opened at one time and has closed.

    Attributes
    ----------
    ts
        Open time of the bars, milliseconds since the epoch, UTC.
    rows
        One ``(symbol id, open, high, low, close, volume)`` a bar, in symbol order.
    held
        Symbols whose bar is not among the rows though they are watched, and why: silent, or suspect.
    """

    ts: int
    rows: list[Row]
    held: tuple[tuple[int, str], ...] = ()


class Feed(Protocol):
    """A source of closed bars, in time order."""

    @property
    def total(self) -> int | None:
        """Number of batches to come in all, or ``None`` when there is no end."""

    def batches(self) -> AsyncGenerator[BarBatch, None]:
        """Give closed bars, one batch a bar time."""


class ReplayFeed:
    """Replays a table of bars, as fast as they are taken or at a chosen pace.

    Parameters
    ----------
    bars
        Bar table as :func:`mirrorfast.data.schema.validate_bars` returns it.
    symbols
        Symbols in the order of their ids; every symbol of the table must be among them.
    speed
        Bars per second and symbol; ``None`` for as fast as possible.
    after
        Batches up to and including this open time (ms) are skipped: where a resumed run goes on.

    Raises
    ------
    ParameterError
        When ``speed`` is not above 0.
    DataError
        When the table has a symbol that is not in ``symbols``, or no bars.

    Examples
    --------
    >>> import asyncio
    >>> import polars as pl
    >>> from datetime import datetime, UTC
    >>> bars = pl.DataFrame({"symbol": ["A"], "timestamp": [datetime(2024, 1, 1, tzinfo=UTC)], "open": [1.0],
    ...                      "high": [2.0], "low": [1.0], "close": [1.5], "volume": [10.0]})
    >>> feed = ReplayFeed(bars, ["A"])
    >>> async def first():
    ...     async for batch in feed.batches():
    ...         return batch
    >>> asyncio.run(first())
    BarBatch(ts=1704067200000, rows=[(0, 1.0, 2.0, 1.0, 1.5, 10.0)], held=())
    """

    def __init__(
        self, bars: pl.DataFrame, symbols: list[str], *, speed: float | None = None, after: int | None = None
    ) -> None:
        if speed is not None and not speed > 0:
            raise ParameterError(f"speed = {speed}: expected a number of bars per second > 0, or none for no limit")
        if bars.is_empty():
            raise DataError("bars: got 0 rows, expected at least one bar")
        ids = {name: k for k, name in enumerate(symbols)}
        unknown = [s for s in bars["symbol"].unique(maintain_order=True).to_list() if s not in ids]
        if unknown:
            raise DataError(f"symbol {unknown[0]!r} in the bars: expected one of {', '.join(symbols)}")
        table = bars.select(
            pl.col("timestamp").dt.epoch("ms").alias("ts"),
            pl.col("symbol").cast(pl.String).replace_strict(ids, return_dtype=pl.Int64).alias("id"),
            "open",
            "high",
            "low",
            "close",
            "volume",
        ).sort("ts", "id")
        self._all = table.select(pl.col("ts").n_unique()).item()
        if after is not None:
            table = table.filter(pl.col("ts") > after)
        self._table = table
        self._speed = speed
        self.skipped = self._all - table.select(pl.col("ts").n_unique()).item()

    @property
    def total(self) -> int:
        """Number of batches of the whole table, skipped ones included."""
        return int(self._all)

    def groups(self) -> Iterator[BarBatch]:
        """Give the same batches without a loop of events, as fast as they are asked for.

        Yields
        ------
        BarBatch
            The bars that open at one time.
        """
        now: int | None = None
        rows: list[Row] = []
        for ts, *rest in self._table.iter_rows():
            if ts != now:
                if now is not None:
                    yield BarBatch(now, rows)
                now, rows = ts, []
            rows.append(tuple(rest))
        if now is not None:
            yield BarBatch(now, rows)

    async def batches(self) -> AsyncGenerator[BarBatch, None]:
        """Give closed bars, one batch a bar time.

        Yields
        ------
        BarBatch
            The bars that open at one time.
        """
        due = time.monotonic()
        for k, batch in enumerate(self.groups()):
            if self._speed is not None:
                due += 1.0 / self._speed
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            elif k % 64 == 0:
                # Signals and the live view get their turn even when nothing is waited for.
                await asyncio.sleep(0)
            yield batch


class RecordedFeed:
    """Passes another feed's batches on and keeps them, for the report of a live run.

    Parameters
    ----------
    feed
        Any feed.
    symbols
        Symbols in the order of their ids.
    """

    def __init__(self, feed: Feed, symbols: list[str]) -> None:
        self._feed = feed
        self._symbols = symbols
        self._rows: list[tuple[Any, ...]] = []

    @property
    def total(self) -> int | None:
        """Number of batches to come in all, or ``None`` when there is no end."""
        return self._feed.total

    async def batches(self) -> AsyncGenerator[BarBatch, None]:
        """Give the batches of the other feed.

        Yields
        ------
        BarBatch
            Unchanged.
        """
        async with aclosing(self._feed.batches()) as batches:
            async for batch in batches:
                self._rows += [(self._symbols[row[0]], batch.ts, *row[1:]) for row in batch.rows]
                yield batch

    def joined(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Join what went by to the bars before it.

        Parameters
        ----------
        bars
            Validated bars.

        Returns
        -------
        polars.DataFrame
            All of them, each once.
        """
        seen = pl.DataFrame(self._rows, schema={**BAR_SCHEMA, "timestamp": pl.Int64}, orient="row").with_columns(
            pl.col("timestamp").cast(BAR_SCHEMA["timestamp"])
        )
        whole = pl.concat([bars, seen.select(bars.columns)])
        return whole.unique(["symbol", "timestamp"], keep="last").sort("symbol", "timestamp")
