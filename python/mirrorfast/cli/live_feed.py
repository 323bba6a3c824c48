"""A live market for the paper broker: history to warm up, then bars as they close."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from mirrorfast.data.poll import PollFeed
from mirrorfast.data.timeframes import interval_of
from mirrorfast.errors import DataError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from mirrorfast.config import DataConfig, InstrumentConfig, TradingConfig
    from mirrorfast.data.feed import BarBatch, Feed
    from mirrorfast.data.fetcher import MarketDataFetcher
    from mirrorfast.execution.policy import TradingPolicy
    from mirrorfast.monitoring import DataMeter
    from mirrorfast.system import IntegratedTradingSystem

__all__ = ["LiveMarket"]

_log = get_logger(__name__)
# Symbols that are traded when none are named: the most traded of the venue.
_MOST = 10
# What a person wants to know of, where it has happened.
_TROUBLE = ("unavailable", "throttled", "banned", "garbage", "deadline", "reconnects", "stale", "gaps", "late_bars")


class LiveMarket:
    """An exchange as the source of a paper run.

    Parameters
    ----------
    exchange
        ccxt's name, or ``simulator``, which is started here.
    config
        The run's.
    symbols
        What is traded; the most traded markets where none are named.
    timeframe
        Timeframe key or interval.
    stream
        Bars by WebSocket rather than REST.
    limit
        Bar times after the history until the feed ends; no end by default.
    pace
        Of the simulator: bars a second; ``None`` for real time.
    """

    def __init__(
        self,
        exchange: str,
        config: TradingConfig,
        symbols: Sequence[str],
        timeframe: str,
        *,
        stream: bool = False,
        limit: int | None = None,
        pace: float | None = None,
    ) -> None:
        self._exchange = exchange
        self._config = config
        self._symbols = list(symbols)
        self._timeframe = interval_of(timeframe)
        self._stream = stream
        self._limit = limit
        self._pace = pace
        self._stack = ExitStack()
        self._now: MarketDataFetcher | None = None
        self._data = config.data
        #: Who counts what happens on the way to the venue.
        self.meter: DataMeter | None = None

    def reconnects(self) -> int:
        """Count the connections of the stream that were made again."""
        return 0 if self._now is None else self._now.counters["reconnects"]

    def health(self) -> dict[str, tuple[str, str]]:
        """Say how the venue is, for a dashboard: state and text by name."""
        if self._now is None:
            return {}
        found: dict[str, tuple[str, str]] = {}
        for kind, state in self._now.client.breaker_states.items():
            level = {"closed": "ok", "half-open": "warning"}.get(state, "error")
            found[f"breaker: {kind}"] = (level, state)
        counts = self._now.counters.snapshot()
        bad = [f"{counts[name]} {name.replace('_', ' ')}" for name in _TROUBLE if counts[name]]
        found["venue"] = ("ok", f"{counts['answers']:,} answers" + (f", {', '.join(bad)}" if bad else ""))
        return found

    def __enter__(self) -> Self:
        if self._exchange == "simulator":
            from mirrorfast.data.timeframes import interval_ms
            from mirrorfast.simulator import Simulator
            from mirrorfast.simulator.thread import running

            speed = 1.0 if self._pace is None else self._pace * interval_ms(self._timeframe) / 1_000
            venue = self._stack.enter_context(running(Simulator(speed=speed)))
            changes: dict[str, Any] = {"base_url": venue.url}
            if speed > 1:
                # Its time runs faster than ours can be carried on: it is asked all the time.
                changes["clock_sync_s"] = min(self._data.clock_sync_s, 0.1)
                changes["slack_s"] = max(self._data.slack_s, 2 * speed)
            self._data = self._data.model_copy(update=changes)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def data(self) -> DataConfig:
        """How the venue is reached."""
        return self._data

    @property
    def venue(self) -> str:
        """Ccxt's name of the venue."""
        return "binance" if self._exchange == "simulator" else self._exchange

    def system(
        self, run: str | None, *, policy: TradingPolicy | None = None, contracts: bool = False
    ) -> IntegratedTradingSystem:
        """Put the system of a run together, with the venue's history as its bars.

        Parameters
        ----------
        run
            Name of the run; one that exists is resumed.
        policy
            A trained policy.
        contracts
            Take precision and limits from the venue, for orders that go there.

        Returns
        -------
        IntegratedTradingSystem
            Ready to run.

        Raises
        ------
        DataError
            When a symbol's history cannot be had.
        ExchangeError
            When the venue cannot be asked.
        """
        from mirrorfast.system import IntegratedTradingSystem

        history = asyncio.run(self._history())
        traded = tuple(name for name in sorted(history["symbol"].unique()) if name not in self._config.watch)
        cfg = self._config.replace(symbols=traded, timeframe=self._timeframe)
        cfg = cfg.model_copy(update={"bars": None, "start": None, "end": None})
        if contracts:
            known = _instruments_of(cfg, run) or asyncio.run(self._instruments(cfg.symbols))
            cfg = cfg.model_copy(update={"instruments": known, "data": self._data})
        return IntegratedTradingSystem(
            cfg,
            bars=history,
            run=run,
            source=f"{self._exchange} {self._timeframe}",
            feed=self._opened,
            policy=policy,
        )

    async def _instruments(self, symbols: Sequence[str]) -> dict[str, InstrumentConfig]:
        from mirrorfast.config import InstrumentConfig
        from mirrorfast.execution.venue import TradingVenue

        venue = TradingVenue(self.venue, self._data, self._config.execution)
        try:
            await venue.reload_markets(symbols)
        finally:
            await venue.aclose()
        return {
            symbol: InstrumentConfig(
                tick=float(contract.tick),
                lot=float(contract.lot),
                min_quantity=float(contract.min_quantity),
                min_notional=float(contract.min_notional),
                shortable=not contract.spot,
            )
            for symbol, contract in venue.contracts.items()
        }

    async def _history(self) -> Any:
        async with self._fetcher(pro=False) as fetcher:
            names = self._symbols
            if not names:
                floor = self._data.min_volume or 1.0
                names = (await fetcher.fetch_markets(min_volume=floor))["symbol"].head(_MOST).to_list()
            names = [*names, *(name for name in self._config.watch if name not in names)]
            result = await fetcher.fetch_many(names, [self._timeframe])
        for failure in result.failures.iter_rows(named=True):
            _log.warning("symbol_left_out", **failure)
        if self._symbols and result.failures.height:
            row = result.failures.row(0, named=True)
            raise DataError(f"{row['symbol']}: {row['reason']}")
        bars = result.bars[self._timeframe]
        if bars.is_empty():
            raise DataError(f"{self._exchange}: no symbol has bars of {self._timeframe}")
        return bars.drop("exchange")

    @asynccontextmanager
    async def _opened(self, system: IntegratedTradingSystem, after: int | None) -> AsyncIterator[Feed]:
        from mirrorfast.data.stream import StreamFeed

        kind = StreamFeed if self._stream else PollFeed
        async with self._fetcher(pro=self._stream) as fetcher:
            self._now = fetcher
            warm_up = system.warm_up + 1
            feed = kind(fetcher, system.symbols, self._timeframe, history=warm_up, after=after)
            if self._limit is None:
                yield feed
            else:
                yield _Limited(feed, self._limit + (0 if after is not None else warm_up))

    @asynccontextmanager
    async def _fetcher(self, *, pro: bool) -> AsyncIterator[MarketDataFetcher]:
        from mirrorfast.data.fetcher import MarketDataFetcher

        async with MarketDataFetcher(self.venue, self._data, pro=pro) as fetcher:
            if self.meter is not None:
                self.meter.add(fetcher.counters)
            yield fetcher


def _instruments_of(cfg: TradingConfig, run: str | None) -> dict[str, InstrumentConfig] | None:
    """Give the precision and limits that a run was started with, under which its engine goes on."""
    from mirrorfast.config import InstrumentConfig
    from mirrorfast.ledger import Ledger

    if run is None:
        return None
    target = cfg.runs / run / "ledger.sqlite" if cfg.ledger is None else cfg.ledger.get_secret_value()
    if cfg.ledger is None and not (cfg.runs / run / "ledger.sqlite").exists():
        return None
    with Ledger.open(target, create=False) as ledger:
        if not ledger.has_run(run):
            return None
        stored = ledger.info(run)["config"]["engine"]["symbols"]
    names = InstrumentConfig.model_fields.keys() - {"quote"}
    return {row["instrument"]["symbol"]: InstrumentConfig(**{k: row["instrument"][k] for k in names}) for row in stored}


class _Limited:
    """The first batches of a feed."""

    def __init__(self, feed: Feed, count: int) -> None:
        self._feed, self._count = feed, count

    @property
    def total(self) -> int | None:
        return self._count

    async def batches(self) -> AsyncGenerator[BarBatch, None]:
        left = self._count
        async with aclosing(self._feed.batches()) as batches:
            async for batch in batches:
                yield batch
                left -= 1
                if left <= 0:
                    return
