"""The event loop: the same calls, in the same order, as the backtest makes in Rust; only feed and broker differ.

Per bar time: what the broker did until the close → engine → journal → orders that follow; then the closed bars →
engine → journal → orders. Intents are in the journal before the broker hears of them.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from mirrorfast.errors import LedgerError
from mirrorfast.execution.recorder import Recorder
from mirrorfast.execution.waiting import Waiting
from mirrorfast.ledger import Batch, Checkpoint
from mirrorfast.ledger.events import FINAL_STATUSES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Mapping

    from mirrorfast._core import BrokerEvent, DecisionEngine, Fill, Intent, Step
    from mirrorfast.data.feed import BarBatch, Feed, Row
    from mirrorfast.execution.broker import Broker, LiveBroker
    from mirrorfast.execution.control import KillSwitch
    from mirrorfast.execution.policy import PolicySession
    from mirrorfast.ledger import RunWriter
    from mirrorfast.ledger.events import Event
    from mirrorfast.strategies.voting import VoteStream

__all__ = ["Observer", "Outcome", "TradingLoop"]


class Observer(Protocol):
    """Somebody who watches a run: a live view, metrics, a dashboard."""

    def on_batch(self, update: Update) -> None:
        """One bar time is done."""


@dataclass(slots=True)
class Update:
    """What one bar time brought.

    Attributes
    ----------
    ts
        Open time of the bars, ms.
    done, total
        Batches so far, and in all where that is known.
    equity
        The account: ``equity``, ``cash``, ``exposure``, ``drawdown``.
    decisions, fills, trades
        With symbol names.
    bars
        The closed bars: ``(symbol id, open, high, low, close, volume)``.
    events
        Everything of this bar time that goes to the journal, in order.
    """

    ts: int
    done: int
    total: int | None
    equity: dict[str, Any]
    decisions: list[dict[str, Any]] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    bars: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    finished
        The feed came to its end; otherwise the run was stopped and can be resumed.
    batches, bars
        Seen in this process.
    last_ts
        Open time of the last bars, ms, or ``None`` when there were none.
    """

    finished: bool
    batches: int
    bars: int
    last_ts: int | None


# What may always be sent: it only ever protects.
_PROTECTIVE = frozenset({"stop_loss", "take_profit"})
# How often a loop that waits for a bar looks at its kill switch.
_IDLE_S = 1.0


class TradingLoop:
    """Drives an engine from a feed through a broker into a journal.

    Parameters
    ----------
    engine
        The decision engine, fresh or restored.
    broker, feed, writer
        Where orders go, where bars come from, where everything is written.
    symbols, strategies
        Names in the engine's order.
    durable
        Commit intents before each send (live); otherwise the writer commits whole groups of bars together with a
        checkpoint, and a run that dies goes on from the last one.
    observers
        Who is told of every bar time.
    voters
        The user's own strategies, which vote beside the engine's.
    policy
        A policy, whose wish the engine's meta controller blends with the consensus.
    after
        Open time of the last bars that the engine has taken in an earlier process of this run, ms.
    switch
        The kill switch, looked at before every bar time, and every second while a live feed is waited for.
    """

    def __init__(
        self,
        *,
        engine: DecisionEngine,
        broker: Broker,
        feed: Feed,
        writer: RunWriter,
        symbols: list[str],
        strategies: list[str],
        durable: bool = False,
        observers: tuple[Observer, ...] = (),
        voters: VoteStream | None = None,
        policy: PolicySession | None = None,
        after: int | None = None,
        switch: KillSwitch | None = None,
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._feed = feed
        self._writer = writer
        self._symbols = symbols
        self._recorder = Recorder(symbols, strategies)
        self._durable = durable
        self._observers = observers
        self._voters = voters
        self._policy = policy
        self._live: LiveBroker | None = cast("LiveBroker", broker) if hasattr(broker, "news") else None
        self._switch = switch
        self._stop = False
        self._taken = (0, after or 0)
        self._unstored: list[Intent] = []
        self._batch = Batch(0)
        self._update = Update(0, 0, None, {})
        self._held: dict[int, str] = {}

    def stop(self) -> None:
        """Ask the loop to end after the bar time at hand."""
        self._stop = True

    async def run(self, *, done: int = 0, ended: asyncio.Event | None = None) -> Outcome:
        """Take the feed to its end, or until :meth:`stop`.

        Parameters
        ----------
        done
            Batches that an earlier process of this run has done.
        ended
            Set by whoever stops the loop: then it does not wait for the next bar of a live feed.

        Returns
        -------
        Outcome
            How it ended. Everything up to there is committed, with a checkpoint.
        """
        batches = bars = 0
        self._taken = (done, self._taken[1])
        last: int | None = None
        finished = True
        async with aclosing(self._feed.batches()) as feed:
            coming = feed if ended is None and self._live is None else self._coming(feed, ended)
            async for batch in coming:
                if self._stop:
                    finished = False
                    break
                await self._one(batch, done + batches + 1)
                batches += 1
                bars += len(batch.rows)
                last = batch.ts
        finished = finished and not (ended is not None and ended.is_set())
        return Outcome(finished, batches, bars, last)

    async def _coming(
        self, feed: AsyncGenerator[BarBatch, None], ended: asyncio.Event | None
    ) -> AsyncGenerator[BarBatch, None]:
        """Pass batches on until the end; a bar that is being waited for then is not waited for.

        What a live broker has to say meanwhile is booked at once: a position does not wait a bar for its stop.
        """
        live = self._live
        tasks = Waiting()
        try:
            while ended is None or not ended.is_set():
                tasks.start("bar", lambda: anext(feed))
                if ended is not None:
                    tasks.start("end", ended.wait)
                if live is not None:
                    tasks.start("news", live.news)
                await tasks.any(_IDLE_S)
                await self._idle()
                if live is not None and tasks.take("news") is not None:
                    await self._between(live)
                if not tasks.done("bar"):
                    continue
                try:
                    batch = tasks.result("bar")
                except StopAsyncIteration:
                    return
                yield batch
        finally:
            await tasks.cancel()

    async def _between(self, live: LiveBroker) -> None:
        """Book what happened between two bars, and commit it with the state that follows from it."""
        self._batch = Batch(live.now())
        await live.report(self)
        await self._store_again()
        if self._batch.events:
            self._store()

    async def settle_now(self) -> None:
        """Book what a live broker has to say, outside of :meth:`run`: before the first bar, and after the last."""
        if self._live is not None:
            await self._between(self._live)

    def _store(self) -> None:
        """Commit the batch; what a live run cannot store stays in memory, and no new exposure is taken meanwhile."""
        batch, self._batch = self._batch, Batch(self._batch.ts)
        try:
            self._writer.write(batch, checkpoint=self.checkpoint)
        except LedgerError as error:
            if self._live is None:
                raise
            self._live.unstored([], str(error))

    async def _one(self, batch: BarBatch, count: int) -> None:
        self._batch = Batch(batch.ts)
        self._update = Update(batch.ts, count, self._feed.total, {}, bars=batch.rows)
        await self._obey(batch.ts)
        await self._broker.settle(batch, self)
        self._note_held(batch)
        await self._store_again()
        step = self._engine.on_bars(
            batch.ts, batch.rows, votes=self._own_votes(batch), policy=self._policy_wishes(batch)
        )
        self._taken = (count, batch.ts)
        self._update.decisions = self._recorder.decisions(self._batch, step)
        await self._act(step)
        await self._answered()
        equity = self._engine.equity
        self._batch.equity(
            {
                "ts": batch.ts,
                "equity": equity["equity"],
                "cash": equity["cash"],
                "exposure": equity["exposure"],
                "drawdown": equity["drawdown"],
            }
        )
        self._update.events += self._batch.events
        self._store()
        if self._live is not None:
            self._live.on_equity(batch.ts, equity)
        self._update.equity = equity
        for observer in self._observers:
            observer.on_batch(self._update)

    async def _answered(self) -> None:
        while events := await self._broker.answers():
            await self.event(events)

    async def _idle(self) -> None:
        """Obey the kill switch between bars; before the first bar of this process there is nothing to withdraw."""
        if self._switch is None or not self._update.done:
            return
        self._batch = Batch(self._update.ts)
        self._update = Update(self._update.ts, self._update.done, self._feed.total, self._engine.equity)
        await self._obey(self._update.ts)
        if self._batch.events:
            self._update.events += self._batch.events
            self._store()
            if self._live is None:
                self._writer.flush(checkpoint=self.checkpoint)
            for observer in self._observers:
                observer.on_batch(self._update)

    async def _obey(self, ts: int) -> None:
        """Do what a person asked for by the kill switch, and journal it."""
        change = None if self._switch is None else self._switch.check()
        if change is None:
            return
        severity = "info" if change.kind == "resume" else "critical"
        self._batch.incident(change.kind, change.sentence, severity=severity, details=change.details())
        if change.kind == "resume":
            self._engine.lift_halt()
        elif change.kind == "halt" and change.halt is not None:
            await self._act(self._engine.halt(ts, close=change.halt.policy == "close"))
            await self._answered()

    async def _withheld(self, intents: list[Intent]) -> list[Intent]:
        """Keep back what would open or enlarge a position; the journal has it as never sent."""
        halt = None if self._switch is None else self._switch.halted
        if halt is None:
            return intents
        free = []
        for intent in intents:
            order = intent.as_dict()
            if order["kind"] != "submit" or order["reduce_only"] or order["purpose"] in _PROTECTIVE:
                free.append(intent)
                continue
            self._recorder.intents(self._batch, [intent])
            self._batch.order_status(
                {"id": order["id"], "ts": order["ts"], "status": "never_sent", "reason": halt.sentence}
            )
            await self._act(self._engine.withhold(intent, order["ts"]))
        return free

    def _own_votes(self, batch: BarBatch) -> list[tuple[float, float]] | None:
        if self._voters is None:
            return None
        votes = self._voters.on_bars(batch.ts, batch.rows)
        for halt in self._voters.incidents():
            self._batch.incident(
                "strategy", f"strategy {halt['strategy']} halted: {halt['error']}", severity="error", details=halt
            )
        return votes

    def _policy_wishes(self, batch: BarBatch) -> list[tuple[float, float] | None] | None:
        if self._policy is None:
            return None
        wishes = self._policy.on_bars(batch.ts, batch.rows, self._engine)
        for bad in self._policy.incidents():
            self._batch.incident("policy", bad["text"], severity="error", details=bad)
        return wishes

    def _note_held(self, batch: BarBatch) -> None:
        """Write down whose bars the feed holds back, and whose come again: without a bar nothing is decided."""
        held = dict(batch.held)
        for number in sorted(held.keys() - self._held.keys()):
            name = self._symbols[number]
            self._batch.incident("data", f"{name} held back: {held[number]}", details={"symbol": name})
        for number in sorted(self._held.keys() - held.keys()):
            name = self._symbols[number]
            self._batch.incident("data", f"{name} has bars again", severity="info", details={"symbol": name})
        self._held = held

    async def fill(self, fill: Fill, exact: Mapping[str, Any] | None = None) -> None:
        """Book one fill and send what follows from it."""
        rate = self._engine.rate(fill.symbol)
        self._update.fills.append(self._recorder.fill(self._batch, fill, rate, exact))
        await self._act(self._engine.on_fill(fill))

    def note(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Record something of which the engine need not hear."""
        self._batch.add(kind, fields)

    async def event(self, events: list[BrokerEvent], words: str | None = None) -> None:
        """Take note of order events and send what follows from them."""
        self._recorder.events(self._batch, events, words)
        for e in events:
            await self._act(self._engine.on_event(e))

    async def _act(self, step: Step) -> None:
        self._update.trades += self._recorder.outcomes(self._batch, step)
        intents = await self._withheld(step.intents)
        if not intents:
            return
        if not self._durable:
            self._recorder.intents(self._batch, intents)
            await self._broker.submit(intents)
            return
        await self._record_and_submit(intents)

    async def _record_and_submit(self, intents: list[Intent]) -> None:
        self._recorder.intents(self._batch, intents, withdrawals=self._is_open)
        batch, self._batch = self._batch, Batch(self._batch.ts)
        try:
            # What is not on disk, together with the state that knows of it, is not sent.
            self._writer.record_intents(batch, checkpoint=self.checkpoint)
        except LedgerError as error:
            if self._live is None:
                raise
            self._unstored += self._live.unstored(intents, str(error))
            return
        self._update.events += batch.events
        await self._broker.submit(intents)

    async def _store_again(self) -> None:
        """Try again to store, and then send, the exits and stops that could not be stored."""
        if self._unstored:
            intents, self._unstored = self._unstored, []
            await self._record_and_submit(intents)

    def _is_open(self, order: int) -> bool:
        row = self._writer.order(order)
        return row is not None and row["status"] not in FINAL_STATUSES

    def checkpoint(self) -> Checkpoint:
        """State of the run after the last bar time.

        Returns
        -------
        Checkpoint
            Engine, broker and place in the feed: a run restored from it goes on bit for bit.
        """
        done, after = self._taken
        feed: dict[str, Any] = {"done": done, "after": after}
        if self._voters is not None:
            feed["voters"] = self._voters.state()
        if self._policy is not None:
            feed["policy"] = self._policy.state()
        return Checkpoint(
            ts=after,
            engine=self._engine.snapshot(),
            broker=self._broker.snapshot(),
            feed=feed,
        )
