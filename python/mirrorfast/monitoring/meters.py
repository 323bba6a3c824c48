"""What is counted: runs, orders, scans, trainings. Labels come from fixed lists, so that their number has a bound."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client import CollectorRegistry

    from mirrorfast._core import BrokerEvent, Fill, Intent
    from mirrorfast.data.feed import BarBatch

__all__ = ["DataMeter", "MeteredBroker", "RunMeter", "ScanMeter", "TrainingMeter"]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
#: Orders whose answer is waited for, at most; the oldest is forgotten.
_WAITING: Final = 10_000
#: Names in one label, at most; the rest is ``other``.
_NAMES: Final = 64


class _Names:
    """Lets a bounded number of names through: a label whose values come from outside must not grow for ever."""

    def __init__(self, most: int = _NAMES) -> None:
        self._known: set[str] = set()
        self._most = most

    def __call__(self, name: str) -> str:
        if name in self._known:
            return name
        if len(self._known) >= self._most:
            return "other"
        self._known.add(name)
        return name


class RunMeter:
    """Figures of a run; an observer of its loop.

    Parameters
    ----------
    registry
        Of ``prometheus_client``.
    capital
        Equity at the start.
    engine
        The decision engine: says whether trading is halted, the positions and the strategies' weights.
    strategies
        Names in the engine's order.
    run, mode
        Of the run.
    clock
        Seconds since the epoch.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from prometheus_client import CollectorRegistry
    >>> engine = SimpleNamespace(halted=None, weights=[0.5], positions=lambda: [])
    >>> registry = CollectorRegistry()
    >>> meter = RunMeter(registry, capital=100.0, engine=engine, strategies=["ut_bot"], run="demo")
    >>> account = {"equity": 90.0, "cash": 90.0, "exposure": 0.0, "drawdown": 0.1}
    >>> update = SimpleNamespace(ts=0, equity=account, bars=[()], decisions=[], fills=[], trades=[])
    >>> meter.on_batch(update)
    >>> registry.get_sample_value("mirrorfast_portfolio_pnl")
    -10.0
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        capital: float,
        engine: Any,
        strategies: Sequence[str],
        run: str,
        mode: str = "paper",
        clock: Callable[[], float] = time.time,
    ) -> None:
        from prometheus_client import Counter, Gauge, Info

        self._capital, self._engine, self._strategies, self._clock = capital, engine, list(strategies), clock
        self._name = _Names()
        self.last_bar: float | None = None
        Info("mirrorfast_run", "Which run this is", registry=registry).info({"run": run, "mode": mode})

        def gauge(name: str, text: str, labels: Sequence[str] = ()) -> Any:
            return Gauge(f"mirrorfast_{name}", text, labels, registry=registry)

        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Any:
            return Counter(f"mirrorfast_{name}", text, labels, registry=registry)

        self._equity = gauge("portfolio_equity", "Equity, quote currency")
        self._pnl = gauge("portfolio_pnl", "Equity less capital, quote currency")
        self._cash = gauge("portfolio_cash", "Cash, quote currency")
        self._exposure = gauge("portfolio_exposure", "Gross exposure, fraction of equity")
        self._drawdown = gauge("portfolio_drawdown", "Fall from the highest equity, a fraction")
        self._positions = gauge("portfolio_positions", "Open positions")
        self._halted = gauge("halted", "1 while trading is halted, by a person or by risk")
        self._bar_time = gauge("bar_timestamp_seconds", "Open time of the newest bar")
        self._seen = gauge("bar_seen_timestamp_seconds", "When the newest bar was taken, wall clock")
        self._weight = gauge("strategy_weight", "Weight of a strategy", ["strategy"])
        self._bars = counter("bar_times", "Bar times taken")
        self._decisions = counter("decisions", "Decisions by what risk said", ["verdict"])
        self._fills = counter("fills", "Executions", ["side"])
        self._fees = counter("fees_paid", "Fees paid, quote currency")
        self._trades = counter("trades", "Closed round trips", ["result"])

    def on_batch(self, update: Any) -> None:
        """Count one bar time.

        Parameters
        ----------
        update
            What it brought, an `execution.loop.Update`.
        """
        account = update.equity
        self._equity.set(account["equity"])
        self._pnl.set(account["equity"] - self._capital)
        self._cash.set(account["cash"])
        self._exposure.set(account["exposure"])
        self._drawdown.set(account["drawdown"])
        self._positions.set(len(self._engine.positions()))
        self._halted.set(self.halted is not None)
        if update.bars:  # between bars, a halt is told as well
            self._bar_time.set(update.ts / 1_000)
            self.last_bar = self._clock()
            self._seen.set(self.last_bar)
            self._bars.inc()
        for decision in update.decisions:
            self._decisions.labels(self._name(str(decision["verdict"]))).inc()
        for fill in update.fills:
            self._fills.labels(fill["side"]).inc()
            # A rebate is no payment, and a counter does not go back.
            self._fees.inc(max(0.0, fill["fee"]))
        for trade in update.trades:
            self._trades.labels("won" if trade["pnl"] > 0 else "lost").inc()
        for name, weight in zip(self._strategies[:_NAMES], self._engine.weights, strict=False):
            self._weight.labels(name).set(weight)

    #: Says whether a person halted the run; set by whoever has the switch.
    by_person: Callable[[], str | None] | None = None

    @property
    def halted(self) -> str | None:
        """Why trading is halted; ``None`` while it is not."""
        person = None if self.by_person is None else self.by_person()
        if person is not None:
            return person
        halt = self._engine.halted
        return None if halt is None else f"halted by risk: {halt.get('reason', 'unknown')}"

    def first_bar(self) -> str | None:
        """Answer whether there was a bar, for readiness.

        Returns
        -------
        str or None
            ``None`` once there was one.
        """
        return "no bar yet" if self.last_bar is None else None

    def fresh(self, within_s: float) -> Callable[[], str | None]:
        """Make the question whether bars still come.

        Parameters
        ----------
        within_s
            Longest time between two.

        Returns
        -------
        callable
            For `Health.ready`.
        """

        def check() -> str | None:
            if self.last_bar is None:
                return None
            age = self._clock() - self.last_bar
            return f"no bar for {age:.0f} s, expected one within {within_s:.0f}" if age > within_s else None

        return check


class MeteredBroker:
    """Counts and times what goes to a broker and comes back; everything else is the broker's own.

    Parameters
    ----------
    broker
        The broker.
    registry
        Of ``prometheus_client``.
    clock
        Seconds that only go on.
    """

    def __init__(
        self, broker: Any, registry: CollectorRegistry, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        from prometheus_client import Counter, Histogram

        self._broker, self._clock = broker, clock
        self._waiting: OrderedDict[int, float] = OrderedDict()
        self._sent = Counter(
            "mirrorfast_orders_sent", "Orders and withdrawals handed over", ["kind"], registry=registry
        )
        self._outcomes = Counter(
            "mirrorfast_order_outcomes", "What became of orders: accepted, rejected, …", ["outcome"], registry=registry
        )
        self._submit = Histogram(
            "mirrorfast_submit_seconds", "Time to hand orders over", registry=registry, buckets=_SECONDS
        )
        self._answer = Histogram(
            "mirrorfast_order_answer_seconds",
            "Time from handing an order over to the first word of it",
            registry=registry,
            buckets=_SECONDS,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def settle(self, batch: BarBatch, settlement: Any) -> None:
        """Settle, and count what is told meanwhile.

        Parameters
        ----------
        batch, settlement
            As for the broker.
        """
        await self._broker.settle(batch, _Told(self, settlement))

    async def submit(self, intents: list[Intent]) -> None:
        """Hand orders over.

        Parameters
        ----------
        intents
            As for the broker.
        """
        began = self._clock()
        for intent in intents:
            self._sent.labels(intent.kind).inc()
            if intent.kind == "submit":
                self._waiting[intent.order_id] = began
        while len(self._waiting) > _WAITING:
            self._waiting.popitem(last=False)
        await self._broker.submit(intents)
        self._submit.observe(self._clock() - began)

    async def answers(self) -> list[BrokerEvent]:
        """Order events since the last call.

        Returns
        -------
        list of BrokerEvent
            The broker's.
        """
        events: list[BrokerEvent] = await self._broker.answers()
        self.told(events)
        return events

    def told(self, events: Iterable[BrokerEvent]) -> None:
        """Count order events.

        Parameters
        ----------
        events
            What the broker said.
        """
        for event in events:
            self._outcomes.labels(event.kind).inc()
            self._answered(event.order)

    def filled(self, fill: Fill) -> None:
        """Count an execution.

        Parameters
        ----------
        fill
            What the broker said.
        """
        self._outcomes.labels("filled" if fill.as_dict()["remaining"] == 0 else "partially_filled").inc()
        self._answered(fill.order)

    def _answered(self, order: int) -> None:
        began = self._waiting.pop(order, None)
        if began is not None:
            self._answer.observe(self._clock() - began)


class _Told:
    def __init__(self, meter: MeteredBroker, settlement: Any) -> None:
        self._meter, self._settlement = meter, settlement

    async def fill(self, fill: Fill) -> None:
        self._meter.filled(fill)
        await self._settlement.fill(fill)

    async def event(self, events: list[BrokerEvent]) -> None:
        self._meter.told(events)
        await self._settlement.event(events)


class DataMeter:
    """What happened on the way to the venues, of all fetchers together.

    Parameters
    ----------
    registry
        Of ``prometheus_client``.

    Examples
    --------
    >>> from prometheus_client import CollectorRegistry
    >>> from mirrorfast.data.venue.counters import Counters
    >>> registry = CollectorRegistry()
    >>> meter, counters = DataMeter(registry), Counters("binance")
    >>> meter.add(counters)
    >>> counters.add("requests", 3)
    >>> registry.get_sample_value("mirrorfast_data_requests_total", {"exchange": "binance"})
    3.0
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sources: list[Any] = []
        registry.register(self)

    def add(self, source: Any) -> None:
        """Have a fetcher's figures collected from now on.

        Parameters
        ----------
        source
            Whatever has ``collect``; one of an exchange that is known already takes its place.
        """
        same = [s for s in self._sources if getattr(s, "exchange", None) == getattr(source, "exchange", None)]
        # Copies: another thread may be collecting.
        self._sources = [s for s in self._sources if s not in same] + [source]

    def collect(self) -> Iterable[Any]:
        """Give the figures, each name once.

        Yields
        ------
        prometheus_client.core.Metric
            With a sample for each exchange.
        """
        families: dict[str, Any] = {}
        for source in self._sources:
            for metric in source.collect():
                if metric.name in families:
                    families[metric.name].samples.extend(metric.samples)
                else:
                    families[metric.name] = metric
        return list(families.values())


class ScanMeter:
    """Figures of scans that are repeated.

    Parameters
    ----------
    registry
        Of ``prometheus_client``.
    clock
        Seconds since the epoch.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import polars as pl
    >>> from prometheus_client import CollectorRegistry
    >>> registry = CollectorRegistry()
    >>> meter = ScanMeter(registry)
    >>> rows = pl.DataFrame({"signal": ["Strong Buy", "Neutral"]})
    >>> meter.on_scan([SimpleNamespace(timeframe="1h", rows=rows, failures=pl.DataFrame({"kind": []}))], 2.5)
    >>> registry.get_sample_value("mirrorfast_scanner_symbols", {"timeframe": "1h"})
    2.0
    """

    def __init__(self, registry: CollectorRegistry, *, clock: Callable[[], float] = time.time) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self._clock, self._name, self._label = clock, _Names(), _Names()
        self._symbols = Gauge(
            "mirrorfast_scanner_symbols", "Symbols of the last scan", ["timeframe"], registry=registry
        )
        self._signals = Gauge(
            "mirrorfast_scanner_signals", "Signals of the last scan", ["timeframe", "signal"], registry=registry
        )
        self._failures = Counter(
            "mirrorfast_scanner_failures", "Series that could not be scanned", ["timeframe"], registry=registry
        )
        self._duration = Histogram(
            "mirrorfast_scanner_duration_seconds", "Time of a scan", registry=registry, buckets=_SECONDS
        )
        self._last = Gauge("mirrorfast_scanner_last_timestamp_seconds", "When the last scan ended", registry=registry)
        self.last: float | None = None

    def first_scan(self) -> str | None:
        """Answer whether there was a scan, for readiness.

        Returns
        -------
        str or None
            ``None`` once there was one.
        """
        return "no scan yet" if self.last is None else None

    def on_scan(self, results: Sequence[Any], seconds: float) -> None:
        """Note a scan.

        Parameters
        ----------
        results
            One `ScanResult` a timeframe.
        seconds
            What it took.
        """
        for result in results:
            frame = self._name(str(result.timeframe))
            self._symbols.labels(frame).set(result.rows.height)
            self._failures.labels(frame).inc(result.failures.height)
            if "signal" in result.rows.columns:
                for label, count in result.rows["signal"].value_counts().iter_rows():
                    self._signals.labels(frame, self._label(str(label))).set(count)
        self._duration.observe(seconds)
        self.last = self._clock()
        self._last.set(self.last)


class TrainingMeter:
    """Figures of a training of the policy; an observer of it.

    Parameters
    ----------
    registry
        Of ``prometheus_client``.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Gauge

        self._steps = Gauge("mirrorfast_rl_steps", "Steps of the training so far", registry=registry)
        self._figures = Gauge(
            "mirrorfast_rl_validation", "Figures on the validation span, by name", ["figure"], registry=registry
        )

    def on_steps(self, steps: int) -> None:
        """Note the steps.

        Parameters
        ----------
        steps
            Done, in all.
        """
        self._steps.set(steps)

    def on_look(self, look: Any) -> None:
        """Note a look at the validation span.

        Parameters
        ----------
        look
            Its numbers become figures.
        """
        from dataclasses import asdict

        for name, value in asdict(look).items():
            if isinstance(value, int | float):
                self._figures.labels(name).set(value)
