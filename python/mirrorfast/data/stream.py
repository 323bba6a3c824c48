"""StreamFeed: closed bars of a venue by WebSocket, with REST for what a stream leaves out."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.data.poll import PollFeed
from mirrorfast.data.venue.failures import translated
from mirrorfast.data.venue.hooks import Call
from mirrorfast.errors import ConfigurationError, TemporaryError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirrorfast.data.collect import BarCollector
    from mirrorfast.data.fetcher import MarketDataFetcher

__all__ = ["StreamFeed"]

_log = get_logger(__name__)
# Symbols of one subscription: venues bound the streams of a connection (Binance 200 a request, 1,024 in all).
_GROUP: Final = 100
# A look at whether the stream's bar has come, after its close.
_LOOK_S: Final = 0.05


class StreamFeed(PollFeed):
    """Gives the bars of some symbols as a stream closes them.

    Parameters
    ----------
    fetcher
        The venue, made with a ``ccxt.pro`` exchange.
    symbols, timeframe, history, after, second
        As in `PollFeed`.

    Raises
    ------
    ConfigurationError
        When the exchange has no stream of candles in ccxt.
    ParameterError
        As in `PollFeed`.

    Notes
    -----
    A candle of the stream is final when the same symbol's next candle has begun. Everything else is asked for by REST:
    symbols whose next candle did not begin, and all symbols once after every connection made again, for a stream does
    not repeat what was missed. A stream that says nothing for ``silence_s`` is taken for dead and connected anew.
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
        super().__init__(fetcher, symbols, timeframe, history=history, after=after, second=second)
        if not fetcher.client.exchange.has.get("watchOHLCVForSymbols"):
            raise ConfigurationError(
                f"exchange = {fetcher.name!r}: ccxt has no stream of candles of several symbols there: expected a "
                "ccxt.pro exchange that has one, or polling"
            )
        self._tasks: list[asyncio.Task[None]] = []
        self._running: dict[str, tuple[int, tuple[float, float, float, float, float]]] = {}
        self._connections = 0
        self._doubt = True  # something may have been missed: ask for everything

    async def _prepare(self) -> None:
        await self._fetcher.fetch_markets()
        self._connections = self._fetcher.client.connected
        groups = [self._symbols[k : k + _GROUP] for k in range(0, len(self._symbols), _GROUP)]
        self._tasks = [asyncio.create_task(self._listen(group)) for group in groups]

    async def _release(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _listen(self, symbols: list[str]) -> None:
        exchange, counters = self._fetcher.client.exchange, self._fetcher.counters
        config = self._fetcher.config
        failures = 0
        while True:
            try:
                async with asyncio.timeout(config.silence_s):
                    update = await exchange.watch_ohlcv_for_symbols([[s, self._timeframe] for s in symbols])
                failures = 0
                counters.add("stream_updates")
                self._note(update)
                continue
            except TimeoutError:
                _log.warning("stream_silent", exchange=self._fetcher.name, seconds=config.silence_s)
                await self._disconnect()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                problem = translated(error, Call(), f"{self._fetcher.name} stream")
                if not isinstance(problem, TemporaryError):
                    raise problem from error
                _log.warning("stream_lost", exchange=self._fetcher.name, error=str(problem))
            self._doubt = True
            counters.add("reconnects")
            failures += 1
            await asyncio.sleep(min(config.backoff_max_s, config.backoff_s * 2 ** min(failures - 1, 10)))

    async def _disconnect(self) -> None:
        """Close the sockets and forget what ccxt waits for on them; the next call connects anew."""
        exchange = self._fetcher.client.exchange
        clients, exchange.clients = dict(exchange.clients), {}
        for socket in clients.values():
            socket.reset(TimeoutError("silent"))
            await socket.close()

    def _note(self, update: Any) -> None:
        if not isinstance(update, dict) or self._collector is None:
            return
        if self._fetcher.client.connected != self._connections:
            # ccxt connects again without a word, and what was missed meanwhile never comes.
            if self._connections:
                self._doubt = True
            self._connections = self._fetcher.client.connected
        for symbol, frames in update.items():
            if symbol not in self._symbols:
                continue
            for row in frames.get(self._timeframe, ()) if isinstance(frames, dict) else ():
                self._candle(symbol, row)

    def _candle(self, symbol: str, row: Any) -> None:
        bar = _bar(row)
        if bar is None:
            self._fetcher.counters.add("rows_refused")
            return
        ts, numbers = bar
        known = self._running.get(symbol)
        follows = known is not None and ts == known[0] + self._step
        if known is not None and follows and self._collector is not None and not self._doubt:
            self._collector.add(symbol, *known)
        if known is None or ts >= known[0]:
            self._running[symbol] = (ts, numbers)

    async def _fill(self, held: BarCollector, ts: int) -> None:
        loop = asyncio.get_running_loop()
        for task in self._tasks:
            if task.done():
                task.result()  # a stream that cannot be had is an error of the feed
        if self._doubt:
            self._doubt = False
            await self._refill(held, self._symbols)
        # The stream has the slack for itself; REST has the rest of the grace.
        ends = loop.time() + min(self._fetcher.config.slack_s, self._fetcher.config.grace_s)
        while held.missing(ts) and not self._past(ts) and not self._doubt and loop.time() < ends:
            await asyncio.sleep(_LOOK_S)
        await super()._fill(held, ts)


def _bar(row: Any) -> tuple[int, tuple[float, float, float, float, float]] | None:
    """Read a candle of a stream; ``None`` for what is no bar."""
    if not isinstance(row, list | tuple) or len(row) < 6:
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in row[:6]):
        return None
    ts, o, h, low, c, v = row[:6]
    if ts <= 0 or not (0 < low <= min(o, c) and max(o, c) <= h) or v < 0:
        return None
    return int(ts), (float(o), float(h), float(low), float(c), float(v))
