"""The event loop: the same calls, in the same order, as the backtest makes in Rust; only feed and broker differ.

Per bar time: what the broker did until the close → engine → journal → orders that follow; then the closed bars →
engine → journal → orders. Intents are in the journal before the broker hears of them.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mirrorfast.execution.recorder import Recorder
from mirrorfast.ledger import Batch, Checkpoint

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mirrorfast._core import BrokerEvent, DecisionEngine, Fill, Intent, Step
    from mirrorfast.data.feed import BarBatch, Feed
    from mirrorfast.execution.broker import Broker
    from mirrorfast.ledger import RunWriter
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
    """

    ts: int
    done: int
    total: int | None
    equity: dict[str, Any]
    decisions: list[dict[str, Any]] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)


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


async def _until(ended: asyncio.Event, feed: AsyncGenerator[BarBatch, None]) -> AsyncGenerator[BarBatch, None]:
    """Pass batches on until an event; a bar that is being waited for then is not waited for."""
    stop = asyncio.create_task(ended.wait())
    coming: asyncio.Task[BarBatch] | None = None
    try:
        while not ended.is_set():
            coming = asyncio.ensure_future(anext(feed))
            await asyncio.wait({coming, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            try:
                batch = coming.result()
            except StopAsyncIteration:
                return
            yield batch
    finally:
        pending = [task for task in (stop, coming) if task is not None and not task.done()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


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
        self._stop = False
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
        last: int | None = None
        finished = True
        async with aclosing(self._feed.batches()) as feed:
            coming = feed if ended is None else _until(ended, feed)
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

    async def _one(self, batch: BarBatch, count: int) -> None:
        self._batch = Batch(batch.ts)
        self._update = Update(batch.ts, count, self._feed.total, {})
        await self._broker.settle(batch, self)
        self._note_held(batch)
        step = self._engine.on_bars(batch.ts, batch.rows, votes=self._own_votes(batch))
        self._update.decisions = self._recorder.decisions(self._batch, step)
        await self._act(step)
        while events := await self._broker.answers():
            await self.event(events)
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
        self._writer.write(self._batch, checkpoint=self.checkpoint)
        self._update.equity = equity
        for observer in self._observers:
            observer.on_batch(self._update)

    def _own_votes(self, batch: BarBatch) -> list[tuple[float, float]] | None:
        if self._voters is None:
            return None
        votes = self._voters.on_bars(batch.ts, batch.rows)
        for halt in self._voters.incidents():
            self._batch.incident(
                "strategy", f"strategy {halt['strategy']} halted: {halt['error']}", severity="error", details=halt
            )
        return votes

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

    async def fill(self, fill: Fill) -> None:
        """Book one fill and send what follows from it."""
        self._update.fills.append(self._recorder.fill(self._batch, fill, self._engine.rate(fill.symbol)))
        await self._act(self._engine.on_fill(fill))

    async def event(self, events: list[BrokerEvent]) -> None:
        """Take note of order events and send what follows from them."""
        self._recorder.events(self._batch, events)
        for e in events:
            await self._act(self._engine.on_event(e))

    async def _act(self, step: Step) -> None:
        self._update.trades += self._recorder.outcomes(self._batch, step)
        intents: list[Intent] = step.intents
        if not intents:
            return
        self._recorder.intents(self._batch, intents)
        if self._durable:
            # What is not on disk is not sent.
            self._writer.write(self._batch)
            self._batch = Batch(self._batch.ts)
        await self._broker.submit(intents)

    def checkpoint(self) -> Checkpoint:
        """State of the run after the last bar time.

        Returns
        -------
        Checkpoint
            Engine, broker and place in the feed: a run restored from it goes on bit for bit.
        """
        feed: dict[str, Any] = {"done": self._update.done, "after": self._update.ts}
        if self._voters is not None:
            feed["voters"] = self._voters.state()
        return Checkpoint(
            ts=self._update.ts,
            engine=self._engine.snapshot(),
            broker=self._broker.snapshot(),
            feed=feed,
        )
