"""IntegratedTradingSystem: the one place where concrete parts are picked and put together."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.backtest.benchmark import buy_and_hold
from mirrorfast.backtest.own import check_own
from mirrorfast.backtest.runner import traded_bars
from mirrorfast.config import TradingConfig
from mirrorfast.data.digest import bars_digest
from mirrorfast.data.feed import Feed, RecordedFeed, ReplayFeed
from mirrorfast.data.files import read_bars
from mirrorfast.data.funding import with_funding
from mirrorfast.data.sample import sample_bars
from mirrorfast.data.schema import bar_interval, require_bars, select_bars, validate_bars
from mirrorfast.errors import ConfigurationError
from mirrorfast.execution.control import KillSwitch
from mirrorfast.execution.loop import Observer, Outcome, TradingLoop
from mirrorfast.execution.policy import PolicySession, TradingPolicy, blended
from mirrorfast.execution.simulated import SimulatedBroker
from mirrorfast.ledger import Ledger
from mirrorfast.ledger.identifiers import check_run
from mirrorfast.ledger.instance import LOCK_FILE, InstanceLock
from mirrorfast.ledger.weights import last_weights
from mirrorfast.monitoring.supervisor import supervised
from mirrorfast.strategies.lineup import Lineup
from mirrorfast.strategies.voting import VoteStream
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from mirrorfast.execution.account import LiveAccount
    from mirrorfast.execution.broker import Broker
    from mirrorfast.ledger import RunWriter

__all__ = ["AccountMaker", "FeedOpener", "IntegratedTradingSystem", "RunSummary"]

FeedOpener = Callable[["IntegratedTradingSystem", int | None], AbstractAsyncContextManager[Feed]]
"""Opens the feed of a live run."""

AccountMaker = Callable[["IntegratedTradingSystem", "RunWriter", KillSwitch], "LiveAccount"]
"""Makes the account of a run with real money."""

_log = get_logger(__name__)


@dataclass(frozen=True)
class RunSummary:
    """How a run ended and where its records are.

    Attributes
    ----------
    run
        Identifier; give it again to resume.
    status
        ``finished``, or ``interrupted`` for one that can be resumed.
    bars, trades
        Bars of the whole run so far, and closed round trips.
    capital, equity
        At the start and now, account currency.
    stats
        Figures of SPEC §9.
    ledger, report
        Where the ledger is, and the HTML report.
    strategies
        One row a strategy: trades, share of the profit, weight and grade.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bars = mf.sample_bars(["EUR/USD"]).head(300)
    ...     summary = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=bars, run="demo").run()
    >>> summary.run, summary.capital
    ('demo', 10000.0)
    """

    run: str
    status: str
    bars: int
    trades: int
    capital: float
    equity: float
    stats: dict[str, float]
    ledger: str
    report: Path | None
    strategies: list[dict[str, Any]] = field(default_factory=list)


def _target(config: TradingConfig, run: str) -> str | Path:
    url = config.ledger
    return config.runs / run / "ledger.sqlite" if url is None else url.get_secret_value()


class IntegratedTradingSystem:
    """A whole trading system from one configuration: feed, engine, broker, ledger, analytics and report.

    Parameters
    ----------
    config
        What to trade and how; the defaults paper-trade the bundled market.
    bars : DataFrame or Arrow table, optional
        Bars to replay; by default those that the configuration names, else the bundled market (BTC/USD and EUR/USD,
        July to December 2017).
    run
        Identifier; one that exists is resumed. A new one is made of the time by default.
    speed
        Bars per second and symbol; ``None`` for as fast as possible.
    source
        Where the bars came from, for error messages.
    feed : callable, optional
        Opens the feed of a live run: called with this system and the open time (ms) after which to go on, or
        ``None``; returns an asynchronous context manager of a `Feed`. `bars` are then the history before it: they name
        symbols and timeframe.
    policy : Policy, optional
        A trained policy. It and the strategies share the decision as the configuration's ``meta`` says, by
        ``confidence_blend`` where it says nothing.

    Raises
    ------
    ConfigurationError
        When the run exists with another configuration or other bars.
    DataError
        When the bars break SPEC §1 or are too few.
    LedgerError
        When the ledger cannot be used.
    BiasError
        When a strategy of your own looks ahead, unless the configuration's `bias_check` says otherwise.

    Notes
    -----
    Orders go to a simulated exchange in this process, unless `ExecutionDaemon` says otherwise. A strategy of your own
    that raises, or answers with something that is no vote, votes no more for the rest of the run; the ledger and the
    report say so.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     config = mf.TradingConfig(runs=folder)
    ...     summary = mf.IntegratedTradingSystem(config, bars=mf.sample_bars(["BTC/USD"]).head(600)).run()
    >>> summary.status, summary.bars
    ('finished', 600)
    """

    def __init__(
        self,
        config: TradingConfig | None = None,
        *,
        bars: Any = None,
        run: str | None = None,
        speed: float | None = None,
        source: str = "bars",
        feed: FeedOpener | None = None,
        policy: TradingPolicy | None = None,
    ) -> None:
        self.run_id = check_run(run or f"{datetime.now(UTC):%Y%m%d-%H%M%S}")
        self._policy = policy
        given = config or TradingConfig()
        self.config = with_funding(self._taught(given if policy is None else blended(given)))
        if bars is None:
            path = self.config.bars
            bars, source = (sample_bars(), "bundled market") if path is None else (read_bars(path), str(path))
        self.bars: pl.DataFrame = select_bars(
            validate_bars(bars, source=source),
            symbols=self.config.bar_symbols,
            start=self.config.start,
            end=self.config.end,
            source=source,
        )
        self.symbols: list[str] = self.bars["symbol"].unique(maintain_order=True).to_list()
        self.lineup = Lineup.of(self.config)
        self.interval = bar_interval(self.bars)
        self.engine_json = self.config.to_engine_json(self.symbols, interval=self.interval, own=self.lineup.own_names)
        self.strategies = self.lineup.names
        self.engine = _core.DecisionEngine(self.engine_json)
        minimum = max(self.engine.warm_up, self.lineup.warm_up) + 2
        require_bars(
            traded_bars(self.bars, self.config), minimum, source=source, reason="the strategies' warm-up and one trade"
        )
        check_own(self.lineup, self.bars, self.config, self.interval)
        self._speed = speed
        self._source = source
        self._open_feed = feed
        self._make_account: AccountMaker | None = None
        self._loop: TradingLoop | None = None
        self._ended: asyncio.Event | None = None
        self._stopping = False
        self._status = "new"
        self._switch: KillSwitch | None = None
        #: What is put around the broker of the next run, such as meters; set by an observer's maker at the latest.
        self.around_broker: Callable[[Any], Any] | None = None

    @property
    def halted_by_person(self) -> str | None:
        """Who halted the run and why.

        Returns
        -------
        str or None
            ``None`` while nobody did.
        """
        halt = None if self._switch is None else self._switch.halted
        return None if halt is None else halt.sentence

    def _taught(self, config: TradingConfig) -> TradingConfig:
        """Give the strategies the weights of the run that the configuration names; a resumed run keeps its own."""
        teacher = config.weights_from
        if teacher is None:
            return config
        weights: dict[str, float] | None = None
        for name in (self.run_id, check_run(teacher)):
            target = _target(config, name)
            if isinstance(target, Path) and not target.exists():
                continue
            with Ledger.open(target, create=False) as ledger:
                if not ledger.has_run(name):
                    continue
                if name == teacher:
                    weights = last_weights(ledger, name)
                else:
                    engine = ledger.info(name)["config"]["engine"]
                    weights = {s["name"]: s["weight"] for s in (*engine["strategies"], *engine["external"])}
            break
        if weights is None:
            raise ConfigurationError(f"weights_from = {teacher!r}: expected a run in {_target(config, teacher)}")
        taught = [s.model_copy(update={"weight": weights.get(s.name, s.weight)}) for s in config.strategies]
        return config.model_copy(update={"strategies": tuple(taught)})

    @property
    def directory(self) -> Path:
        """Directory of this run.

        Returns
        -------
        pathlib.Path
            Below the configured ``runs`` directory.
        """
        return self.config.runs / self.run_id

    @property
    def ledger_target(self) -> str | Path:
        """Where the ledger is.

        Returns
        -------
        str or pathlib.Path
            The configured database URL, else ``ledger.sqlite`` in the run's directory.
        """
        return _target(self.config, self.run_id)

    @property
    def status(self) -> str:
        """How this process's part of the run stands.

        Returns
        -------
        str
            ``new``, ``running``, ``finished`` or ``interrupted``.
        """
        return self._status

    def trade_on(self, account: AccountMaker) -> None:
        """Send the orders of this run to a venue: real money. Use `ExecutionDaemon`, which checks first.

        Parameters
        ----------
        account
            Called with this system, the run's writer and its kill switch; returns a `LiveAccount`.

        Raises
        ------
        ConfigurationError
            When the run has no live feed: recorded bars are no reason to trade.
        """
        if self._open_feed is None:
            raise ConfigurationError("live trading of a replay: expected a live feed")
        self._make_account = account

    def stop(self) -> None:
        """Ask a running system to end at the next bar boundary."""
        self._stopping = True
        if self._ended is not None:
            self._ended.set()
        if self._loop is not None:
            self._loop.stop()

    def run(
        self, *, watch: Callable[[IntegratedTradingSystem, int | None], list[Observer]] | None = None
    ) -> RunSummary:
        """Run to the end of the feed, or until :meth:`stop` or Ctrl-C.

        Parameters
        ----------
        watch
            Called with this system and the number of bar times to come (``None``: no end);
            returns observers of the loop.

        Returns
        -------
        RunSummary
            Figures of the run, and where ledger and report are.

        Raises
        ------
        ConfigurationError
            When the run exists with another configuration or other bars.
        LedgerError
            When the ledger cannot be read or written.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with Ledger.open(self.ledger_target) as ledger:
            stored = ledger.info(self.run_id) if ledger.has_run(self.run_id) else None
            identity = self._identity()
            if stored is not None:
                self._same(ledger.name, stored["config"], identity)
            if stored is None or stored["status"] != "finished":
                outcome = asyncio.run(self._drive(ledger, identity, watch))
                _log.info("run ended", run=self.run_id, finished=outcome.finished, batches=outcome.batches)
            return self._summary(ledger)

    async def _drive(
        self,
        ledger: Ledger,
        identity: dict[str, Any],
        watch: Callable[[IntegratedTradingSystem, int | None], list[Observer]] | None,
    ) -> Outcome:
        live = self._make_account is not None
        run = ledger.run(
            self.run_id,
            mode="live" if live else "paper",
            config=identity,
            symbols=self.symbols,
            commit="each" if live else "group",
            group=self._group,
        )
        switch = KillSwitch(self.directory, shared=self.config.runs, policy=self.config.control.on_halt)
        switch.recall(ledger, self.run_id)
        self._switch = switch
        with (
            InstanceLock(self.directory / LOCK_FILE, f"run {self.run_id!r}", on_lost=_halting(switch)),
            _interruptible(self.stop),
            switch.listen(asyncio.get_running_loop()),
            run as writer,
        ):
            checkpoint = writer.begin_or_resume()
            self._status = "running"
            done, after = 0, None
            if checkpoint is not None:
                self.engine.restore(checkpoint.engine)
                done, after = checkpoint.feed["done"], checkpoint.feed["after"] or None
            resumed = {} if checkpoint is None else checkpoint.feed
            voters = self._voters(after, resumed.get("voters", {}))
            session = self._session(after, resumed.get("policy", {}))
            state = b"" if checkpoint is None else checkpoint.broker
            async with (
                self._broker(writer, switch, state) as (broker, account),
                self._feed(after) as feed,
                supervised(f"run {self.run_id}"),
            ):
                observers = tuple(watch(self, feed.total) if watch else ())
                loop = TradingLoop(
                    engine=self.engine,
                    broker=broker if self.around_broker is None else self.around_broker(broker),
                    feed=feed,
                    writer=writer,
                    symbols=self.symbols,
                    strategies=self.strategies,
                    durable=live,
                    observers=observers,
                    voters=voters,
                    policy=session,
                    after=after,
                    switch=switch,
                )
                self._loop = loop
                if self._stopping:
                    loop.stop()
                if account is not None:
                    await account.reconcile(loop)
                outcome = await self._stoppable(loop, done)
                if account is not None:
                    # A live run has positions and orders that outlive the process: it is never finished.
                    outcome = replace(outcome, finished=False)
                    await account.drain()
                    await loop.settle_now()
                if isinstance(feed, RecordedFeed):
                    self.bars = feed.joined(self.bars)
            end = loop.checkpoint if outcome.batches or live else None
            self._status = "finished" if outcome.finished else "interrupted"
            writer.finish(self._status, checkpoint=end)
            return outcome

    @property
    def _group(self) -> int:
        """Bar times that are committed together: about those of a second, for whoever reads the ledger meanwhile."""
        if self._open_feed is not None:
            return 1
        return 500 if self._speed is None else max(1, min(500, round(self._speed)))

    @asynccontextmanager
    async def _broker(
        self, writer: RunWriter, switch: KillSwitch, state: bytes
    ) -> AsyncIterator[tuple[Broker, LiveAccount | None]]:
        """Give the broker, and the account behind it where it is real."""
        if self._make_account is None:
            paper = SimulatedBroker(self.engine_json)
            if state:
                paper.restore(state)
            yield paper, None
            return
        account = self._make_account(self, writer, switch)
        try:
            await account.open(state)
            yield account.broker, account
        finally:
            await account.aclose()

    def _voters(self, after: int | None, state: dict[str, Any]) -> VoteStream | None:
        if not self.lineup.own:
            return None
        voters = VoteStream(self.lineup.own, self.symbols, config=self.config, timeframe=self._timeframe)
        if after is not None:
            # Strategies keep no state of their own: with the bars behind them they go on as if nothing had happened.
            voters.warm(self.bars.filter(pl.col("timestamp").dt.epoch("ms") <= after))
        voters.restore(state)
        return voters

    def _session(self, after: int | None, state: dict[str, Any]) -> PolicySession | None:
        if self._policy is None:
            return None
        session = self._policy.session(
            self.symbols,
            timeframe=self._timeframe,
            market_of=self.config.market_of,
            largest=self.config.risk.max_position,
        )
        if after is not None:
            session.warm(self.bars.filter(pl.col("timestamp").dt.epoch("ms") <= after))
        session.restore(state)
        return session

    @property
    def warm_up(self) -> int:
        """Bars before every strategy votes and the policy is asked.

        Returns
        -------
        int
            Of each symbol.
        """
        policy = 0 if self._policy is None else self._policy.warm_up
        return max(self.engine.warm_up, self.lineup.warm_up, policy)

    @property
    def _timeframe(self) -> str:
        return self.interval if self.config.timeframe == "auto" else self.config.timeframe

    def _feed(self, after: int | None) -> AbstractAsyncContextManager[Feed]:
        if self._open_feed is None:
            return nullcontext(ReplayFeed(self.bars, self.symbols, speed=self._speed, after=after))
        return _recording(self._open_feed(self, after), self.symbols)

    async def _stoppable(self, loop: TradingLoop, done: int) -> Outcome:
        """Run the loop; a live feed may be hours from its next bar, so a stop does not wait for it."""
        if self._open_feed is None:
            return await loop.run(done=done)
        self._ended = asyncio.Event()
        if self._stopping:
            self._ended.set()
        return await loop.run(done=done, ended=self._ended)

    def _identity(self) -> dict[str, Any]:
        """Say what makes two starts the same run: configuration and bars, nothing of where or when."""
        bars = bars_digest(self.bars) if self._open_feed is None else self._source
        identity: dict[str, Any] = {"engine": json.loads(self.engine_json), "bars": bars}
        if self.lineup.own:
            identity["own"] = self.lineup.identity()
        if self._policy is not None:
            identity["policy"] = self._policy.identity()
        return identity

    def _same(self, ledger_name: str, stored: dict[str, Any], identity: dict[str, Any]) -> None:
        for part, what in (
            ("engine", "configuration"),
            ("bars", "bars"),
            ("own", "source text of a strategy"),
            ("policy", "policy"),
        ):
            if stored.get(part) != identity.get(part):
                detail = _difference(stored.get(part), identity.get(part))
                raise ConfigurationError(
                    f"run {self.run_id!r} in {ledger_name} was started with another {what}{detail}: "
                    f"choose another --run, or start with the same {what} to resume"
                )

    def _summary(self, ledger: Ledger) -> RunSummary:
        from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
        from mirrorfast.report import write_report

        run = ledger.info(self.run_id)
        equity = ledger.frame("equity", self.run_id)
        analyzer = TradeAnalyzerAgent(ledger, run=self.run_id)
        report = self.directory / "report.html"
        last = equity["ts"][-1] if equity.height else None
        times = (None, None) if last is None else (equity["ts"][0], last)
        seen = self.bars.filter(pl.col("timestamp").is_between(*times)) if equity.height else self.bars.head(0)
        hold = None
        if equity.height:
            hold = buy_and_hold(seen, self.config.model_copy(update={"symbols": ()}), interval=self.interval).equity
        write_report(ledger, run=self.run_id, path=report, bars=self.bars, benchmark=hold)
        return RunSummary(
            run=self.run_id,
            status=run["status"],
            bars=seen.height,
            trades=ledger.frame("trades", self.run_id).height,
            capital=float(self.config.capital),
            equity=float(equity["equity"][-1]) if equity.height else float(self.config.capital),
            stats=analyzer.metrics(),
            ledger=ledger.name,
            report=report,
            strategies=analyzer.by("strategy").to_dicts(),
        )


@asynccontextmanager
async def _recording(opening: AbstractAsyncContextManager[Feed], symbols: list[str]) -> AsyncIterator[Feed]:
    async with opening as feed:
        yield RecordedFeed(feed, symbols)


def _halting(switch: KillSwitch) -> Callable[[str], None]:
    """Whoever may no longer be alone stops trading."""

    def lost(reason: str) -> None:
        switch.ask(reason, who="mirrorfast", source="lock")

    return lost


class _interruptible:  # noqa: N801 - reads as a statement
    """Ctrl-C and SIGTERM ask once to stop; a second Ctrl-C ends the process as usual."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def __enter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._set: list[signal.Signals] = []
        for sig in (signal.SIGINT, signal.SIGTERM):
            try:
                self._loop.add_signal_handler(sig, self._caught, sig)
            except (NotImplementedError, RuntimeError, ValueError):
                continue  # Windows, or not the main thread: Ctrl-C then ends the process at once
            self._set.append(sig)

    def _caught(self, sig: signal.Signals) -> None:
        self._loop.remove_signal_handler(sig)
        self._stop()

    def __exit__(self, *_: object) -> None:
        for sig in self._set:
            self._loop.remove_signal_handler(sig)


def _difference(old: Any, new: Any, path: str = "") -> str:
    """Name the first field in which two configurations differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    return f" ({path}: {old!r} then, {new!r} now)" if path else ""
