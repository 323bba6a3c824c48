"""PollFeed: closed bars of a venue by REST, asked for as they close."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import polars as pl

from mirrorfast.data.collect import BarCollector
from mirrorfast.data.suspect import SpikeGuard
from mirrorfast.data.timeframes import bar_open, interval_ms, interval_of
from mirrorfast.errors import ParameterError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from mirrorfast.data.feed import BarBatch
    from mirrorfast.data.fetcher import MarketDataFetcher

__all__ = ["PollFeed"]

_log = get_logger(__name__)
# Between two looks at symbols whose bar is late.
_AGAIN_S = 1.0


class PollFeed:
    """Gives the bars of some symbols as they close, after enough history to warm up.

    Parameters
    ----------
    fetcher
        The venue.
    symbols
        In the order of their ids.
    timeframe
        Timeframe key or interval.
    history
        Closed bar times to begin with.
    after
        Go on after this open time (ms) instead: where a resumed run left off.
    second
        Another venue with the same symbols, asked about bars far off the one before.

    Raises
    ------
    ParameterError
        When there is no symbol, the timeframe is unknown, or `history` is below 1.

    Notes
    -----
    A batch goes out when every symbol's bar is there, at the latest ``grace_s`` after its close. A symbol without a bar
    for more than ``max_age_bars`` is in quarantine, asked for all the same, and comes back by itself. All of it by the
    venue's time.

    A bar more than ``suspect_factor`` times off the last good one is asked for again. If it stays, it is held back, and
    its symbol is in quarantine, until the second venue or the next bar agrees: at the new level that bar goes out, at
    the old one the suspect bar is gone for good.
    """

    def __init__(
        self,
        fetcher: MarketDataFetcher,
        symbols: Sequence[str],
        timeframe: str,
        *,
        history: int = 1,
        after: int | None = None,
        second: MarketDataFetcher | None = None,
    ) -> None:
        if not symbols:
            raise ParameterError("symbols = []: expected at least one")
        if history < 1:
            raise ParameterError(f"history = {history}: expected a whole number >= 1")
        self._fetcher = fetcher
        self._symbols = list(symbols)
        self._timeframe = interval_of(timeframe)
        self._step = interval_ms(timeframe)
        self._history = history
        self._after = after
        self._second = second
        self._guard = SpikeGuard(fetcher.config.suspect_factor)
        self._collector: BarCollector | None = None

    @property
    def total(self) -> int | None:
        """No end: ``None``."""
        return None

    @property
    def quarantined(self) -> dict[str, str]:
        """Symbols that have fallen silent or whose bar is suspect, and why: no new exposure in them."""
        held = self._collector
        return {} if held is None else {**held.quarantined, **held.suspects}

    async def batches(self) -> AsyncGenerator[BarBatch, None]:
        """Give closed bars, one batch a bar time, for ever.

        Yields
        ------
        BarBatch
            Bars that open at one time. A time without any bar is left out.
        """
        client = self._fetcher.client
        await client.synchronise()
        newest = bar_open(client.now(), self._timeframe) - self._step
        after = newest - self._step * self._history if self._after is None else self._after
        held = self._collector = BarCollector(
            self._symbols,
            self._timeframe,
            after=after,
            max_age_bars=self._fetcher.config.max_age_bars,
            counters=client.counters,
        )
        await self._prepare()
        try:
            while True:
                ts = held.after + self._step
                await self._wait_for(ts + self._step)
                await self._fill(held, ts)
                await self._judge(held, ts)
                batch = held.take(ts)
                if batch is not None:
                    yield batch
        finally:
            await self._release()

    async def _prepare(self) -> None:
        """Begin what runs beside the polling: nothing here."""

    async def _release(self) -> None:
        """End it."""

    async def _wait_for(self, moment: int) -> None:
        """Wait for a moment of the venue's time."""
        client = self._fetcher.client
        while (left := (moment - client.now()) / 1_000) > 0:
            await asyncio.sleep(min(left, self._fetcher.config.clock_sync_s))
            await client.synchronise()

    async def _fill(self, held: BarCollector, ts: int) -> None:
        """Have the bars of one time, as far as they come within the grace."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._fetcher.config.grace_s
        while missing := held.missing(ts):
            await self._refill(held, missing)
            missing = held.missing(ts)
            if not missing or self._past(ts) or loop.time() >= ends:
                break
            await asyncio.sleep(min(_AGAIN_S, max(0.0, ends - loop.time())))
        if missing:
            _log.info("bars_missing", ts=ts, symbols=len(missing), first=missing[0])

    async def _judge(self, held: BarCollector, ts: int) -> None:
        """Hold back bars far off the one before, unless a second source has them too; the next bar decides later."""
        doubted = [symbol for symbol, bar in held.bars(ts).items() if self._guard.off(symbol, bar)]
        others: dict[str, tuple[float, ...]] = {}
        if doubted:
            await self._refill(held, doubted)  # an answer may have been wrong once
            if self._second is not None:
                others = await self._from_second(doubted, ts)
        for symbol, bar in held.bars(ts).items():
            off = symbol in doubted and self._guard.off(symbol, bar)
            other = others.get(symbol)
            confirmed = off and other is not None and self._guard.agrees(bar, other)
            if not self._guard.good(symbol, bar, confirmed=confirmed):
                self._fetcher.counters.add("suspects")
                held.hold(symbol, ts, f"suspect bar: close {bar[3]:g} is far off the one before")
            elif off:
                self._fetcher.counters.add("suspects_confirmed")

    async def _from_second(self, symbols: Sequence[str], ts: int) -> dict[str, tuple[float, ...]]:
        """Ask another venue for the bars of one time; what it does not have, it does not have."""
        if self._second is None:
            return {}
        answer = await self._second.fetch_many(symbols, [self._timeframe], limit=3, fresh=True, check=False)
        for failure in answer.failures.iter_rows(named=True):
            _log.info("second_source_silent", **failure)
        table = answer.bars[self._timeframe].filter(pl.col("timestamp").dt.epoch("ms") == ts)
        columns = ("symbol", "open", "high", "low", "close", "volume")
        return {symbol: tuple(numbers) for symbol, *numbers in table.select(columns).iter_rows()}

    def _past(self, ts: int) -> bool:
        """Whether a later bar has closed too: what is missing of this one is not merely late."""
        return self._fetcher.client.now() >= ts + 2 * self._step

    async def _refill(self, held: BarCollector, symbols: Sequence[str]) -> None:
        newest = bar_open(self._fetcher.client.now(), self._timeframe) - self._step
        count = max(1, (newest - held.after) // self._step) + 1
        result = await self._fetcher.fetch_many(symbols, [self._timeframe], limit=count, fresh=True, check=False)
        held.add_frame(result.bars[self._timeframe])
