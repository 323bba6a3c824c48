"""The real loop, journal, broker and ccxt client against the simulator, with an engine that does as it is told."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from mirrorfast.config import DataConfig, ExecutionConfig
from mirrorfast.data.feed import BarBatch
from mirrorfast.execution.account import LiveAccount
from mirrorfast.execution.control import KillSwitch
from mirrorfast.execution.loop import TradingLoop
from mirrorfast.ledger import Ledger
from mirrorfast.ledger.events import FINAL_STATUSES
from mirrorfast.simulator import Simulator
from mirrorfast.simulator.account import KEY, SECRET

HOUR = 3_600_000
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
QUICK = {
    "recv_window_ms": 300,
    "clock_slack_ms": 100,
    "order_timeout_s": 0.6,
    "not_found_span_s": 0.15,
    "poll_s": 0.2,
    "reconcile_s": 600.0,
    "stream": False,
}
PATIENT = {"backoff_s": 0.01, "backoff_max_s": 0.1, "timeout_s": 2.0, "breaker_failures": 50, "attempts": 6}


@dataclass
class Intent:
    """What an engine asks of a broker."""

    body: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return dict(self.body)


@dataclass
class Step:
    intents: list[Any] = field(default_factory=list)
    decisions: list[Any] = field(default_factory=list)
    trades: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)


class ScriptedEngine:
    """Sends what it is told to, and remembers what became of it; its state survives a restart."""

    def __init__(self) -> None:
        self.todo: list[Callable[[], Intent]] = []
        self.next_order = 1
        self.position = 0.0
        self.working: dict[int, float] = {}
        self.events: list[tuple[str, int]] = []
        self.halted = False
        self.worth = 100_000.0
        self.on_fill_send: list[Callable[[Any], Intent | None]] = []

    def order(self, side: str, kind: str, quantity: float, *, price: float | None = None, **more: Any) -> int:
        """Have an order sent with the next bar."""
        number = self.next_order
        self.next_order += 1

        def make() -> Intent:
            self.working[number] = quantity
            body = {
                "kind": "submit", "id": number, "decision": number, "symbol": 0, "side": side, "type": kind,
                "quantity": quantity, "price": price, "trigger": None, "distance": None, "reduce_only": False,
                "purpose": "entry", "tif": "gtc", "oco": 0, "ts": 0,
            }  # fmt: skip
            return Intent(body | more)

        self.todo.append(make)
        return number

    def withdraw(self, number: int) -> None:
        """Have an order withdrawn with the next bar."""
        self.todo.append(lambda: Intent({"kind": "cancel", "id": number, "symbol": 0, "reason": "replaced"}))

    def on_bars(self, ts: int, rows: Any, *, votes: Any = None, policy: Any = None) -> Step:
        todo, self.todo = self.todo, []
        return Step([make() for make in todo])

    def on_fill(self, fill: Any) -> Step:
        f = fill.as_dict()
        self.position += f["quantity"] * (1 if f["side"] == "buy" else -1)
        if f["remaining"] == 0:
            self.working.pop(f["order"], None)
        elif f["order"] in self.working:
            self.working[f["order"]] = f["remaining"]
        made = [intent for make in self.on_fill_send if (intent := make(f)) is not None]
        return Step(made)

    def rate(self, symbol: int) -> float:
        return 1.0

    def halt(self, ts: int, *, close: bool) -> Step:
        """Withdraw what would open or enlarge a position; with `close` sell what is held."""
        self.halted = True
        return Step([Intent({"kind": "cancel", "id": n, "symbol": 0, "reason": "halt"}) for n in sorted(self.working)])

    def withhold(self, intent: Any, ts: int) -> Step:
        self.working.pop(intent.as_dict()["id"], None)
        return Step()

    def lift_halt(self) -> None:
        self.halted = False

    def on_event(self, event: Any) -> Step:
        self.events.append((event.kind, event.order))
        if event.closes:
            self.working.pop(event.order, None)
        return Step()

    @property
    def equity(self) -> dict[str, float]:
        return {"equity": self.worth, "cash": self.worth, "exposure": 0.0, "drawdown": 0.0}

    def snapshot(self) -> bytes:
        state = [self.next_order, self.position, sorted(self.working.items()), self.events]
        return json.dumps(state).encode()

    def restore(self, state: bytes) -> None:
        self.next_order, self.position, working, events = json.loads(state)
        self.working = {int(k): v for k, v in working}
        self.events = [tuple(e) for e in events]


class ScriptedFeed:
    """Bars when the test says so."""

    total = None

    def __init__(self) -> None:
        self.queue: asyncio.Queue[BarBatch] = asyncio.Queue()

    async def batches(self) -> AsyncGenerator[BarBatch, None]:
        while True:
            yield await self.queue.get()


class Rig:
    """One process's worth of live execution.

    Parameters
    ----------
    venue
        The simulator.
    folder
        Of the ledger and the kill switch.
    symbol
        Spot or swap.
    """

    def __init__(
        self, venue: Simulator, folder: Path, symbol: str = SPOT, *, busy_timeout_s: float = 5.0, **config: Any
    ) -> None:
        self.busy_timeout_s = busy_timeout_s
        self.venue, self.folder, self.symbol = venue, folder, symbol
        self.config = ExecutionConfig(**(QUICK | config))
        self.data = DataConfig(base_url=venue.url, kind="swap" if symbol == SWAP else "spot", **PATIENT)
        self.engine = ScriptedEngine()
        self.feed = ScriptedFeed()
        self.count = 0
        self.switch = KillSwitch(folder)

    async def __aenter__(self) -> Self:
        self.ledger = Ledger.open(self.folder / "ledger.sqlite", busy_timeout_s=self.busy_timeout_s)
        self.writer = self.ledger.run("r", mode="live", config={}, symbols=[self.symbol], commit="each")
        checkpoint = self.writer.begin_or_resume()
        self.account = LiveAccount(
            "binance", self.data, self.config, self.writer, symbols=[self.symbol], interval_ms=HOUR,
            switch=self.switch, key=SecretStr(KEY), secret=SecretStr(SECRET),
        )  # fmt: skip
        after = None
        if checkpoint is not None:
            self.engine.restore(checkpoint.engine)
            after = checkpoint.feed["after"]
        await self.account.open(None if checkpoint is None else checkpoint.broker)
        self.loop = TradingLoop(
            engine=self.engine,  # type: ignore[arg-type]
            broker=self.account.broker, feed=self.feed, writer=self.writer, symbols=[self.symbol], strategies=[],
            durable=True, after=after, switch=self.switch,
        )  # fmt: skip
        await self.account.reconcile(self.loop)
        self.ended = asyncio.Event()
        self.running = asyncio.ensure_future(self.loop.run(ended=self.ended))
        return self

    async def __aexit__(self, *error: object) -> None:
        self.ended.set()
        try:
            await asyncio.wait_for(self.running, 20)
        finally:
            await self.account.aclose()
            self.writer.close()
            self.ledger.close()

    @property
    def broker(self) -> Any:
        return self.account.broker

    async def bar(self, age_ms: int = 0) -> None:
        """Let a bar close, and wait until everything that follows from it has settled."""
        books = self.venue.futures if self.symbol == SWAP else self.venue.market
        instrument = books["BTCUSDT"]
        price = float(instrument.price(instrument.last(self.venue.clock.now()) or 0))
        self.count += 1
        ts = self.venue.clock.now() - HOUR - age_ms + self.count
        await self.feed.queue.put(BarBatch(ts, [(0, price, price, price, price, 1.0)]))
        await asyncio.sleep(0.01)
        await self.quiet()

    async def quiet(self, timeout_s: float = 20.0) -> None:
        """Wait until nothing is under way and everything is booked."""
        end = time.monotonic() + timeout_s
        calm = 0
        while calm < 3:
            assert time.monotonic() < end, f"still busy: {self.broker.working()}"
            assert not self.running.done() or self.running.result() is None
            busy = any(lane.busy for lane in self.broker.lanes.values())
            calm = 0 if busy or self.broker.desk.reports or not self.feed.queue.empty() else calm + 1
            await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Wait for something."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, "it never came"
            await asyncio.sleep(0.01)

    def row(self, order: int, attempt: int | None = None) -> dict[str, Any]:
        row = self.writer.order(order, attempt)
        assert row is not None
        return row

    def price(self, factor: float = 1.0) -> float:
        books = self.venue.futures if self.symbol == SWAP else self.venue.market
        instrument = books["BTCUSDT"]
        return round(float(instrument.price(instrument.last(self.venue.clock.now()) or 0)) * factor, 2)


# ---------------------------------------------------------------- the oracle


def check(venue: Simulator, folder: Path, symbol: str = SPOT, *, excused: str = "") -> dict[str, Any]:
    """Hold the journal against the simulator's own ledger: invariants 1 to 4, 6 and 7."""
    swap = symbol == SWAP
    books = venue.account.futures if swap else venue.account.spot
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        assert ledger.verify("r").is_sound, ledger.verify("r").problems
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        # The text that is stored, not what a data frame makes of it.
        orders, fills, incidents = (
            [dict(row) for row in connection.execute(f"select * from {table} order by seq")]
            for table in ("orders", "fills", "incidents")
        )
    ours = {o["client_order_id"]: o for o in orders}
    at_venue = [o for o in books.orders.values() if o.client_id.startswith("mf-")]
    numbers = {o.id for o in at_venue}
    # 2: every order of ours at the venue is in the book, and open in both or in neither.
    for o in at_venue:
        assert o.client_id in ours, f"{o.client_id} is at the venue and not in the book"
        row = ours[o.client_id]
        if o.is_open:
            assert row["status"] not in FINAL_STATUSES, (o.client_id, row["status"])
    open_at_venue = {o.client_id for o in at_venue if o.is_open}
    for name, row in ours.items():
        if row["status"] not in FINAL_STATUSES and row["status"] != "needs_operator":
            assert name in open_at_venue, f"{name} is {row['status']} in the book and not open at the venue"
    # 1: one decision, one order: what filled of all its sendings is never more than it wanted.
    wanted, got = {}, defaultdict(Decimal)
    for o in orders:
        wanted[o["id"]] = max(wanted.get(o["id"], Decimal(0)), Decimal(o["quantity"]))
    for o in at_venue:
        got[ours[o.client_id]["id"]] += o.filled
    for number, quantity in got.items():
        assert quantity <= wanted[number], f"order {number}: {quantity} filled of {wanted[number]}"
    # 1, 3: the same trades, exactly, each once.
    executions = {str(e.id): e for e in books.executions if e.order_id in numbers}
    booked = {f["venue_trade_id"]: f for f in fills if not str(f["venue_trade_id"]).startswith("adopted")}
    assert len(booked) == len([f for f in fills if not str(f["venue_trade_id"]).startswith("adopted")])
    assert set(booked) == set(executions), (set(executions) - set(booked), set(booked) - set(executions))
    for name, e in executions.items():
        f = booked[name]
        assert (Decimal(f["quantity"]), Decimal(f["price"])) == (e.quantity, e.price)
        assert (Decimal(f["fee_quantity"]), f["fee_currency"]) == (e.fee, e.fee_asset)
        assert f["side"] == e.side.lower()
    # 4: position = what the venue says our trades came to.
    sign = {"buy": 1, "sell": -1}
    held = sum((sign[f["side"]] * Decimal(f["quantity"]) for f in fills), Decimal(0))
    if not swap:
        held -= sum((Decimal(f["fee_quantity"]) for f in fills if f["fee_currency"] == "BTC"), Decimal(0))
        foreign = sum((m.amount for m in books.movements if m.asset == "BTC"), Decimal(0))
        theirs = [e for e in books.executions if e.order_id not in numbers]
        for e in theirs:
            foreign += (1 if e.side == "BUY" else -1) * e.quantity - (e.fee if e.fee_asset == "BTC" else 0)
        total = books.balance("BTC").total
        assert total == books.audit().get("BTC", Decimal(0))
        if not excused:
            assert held == total - foreign, (held, total, foreign)
    elif not excused:
        assert held == books.position("BTCUSDT").amount, (held, books.position("BTCUSDT"))
    if excused:
        assert any(i["kind"] == "quarantine" and excused in i["message"] for i in incidents), incidents
    # 6: nothing secret in anything that was written.
    for file in folder.iterdir():
        text = file.read_bytes()
        for secret in (KEY.encode(), SECRET.encode(), b"signature="):
            assert secret not in text, f"{secret!r} in {file.name}"
    return {"orders": orders, "fills": fills, "incidents": incidents}


def run(work: Awaitable[Any]) -> Any:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(work)  # type: ignore[arg-type]


# ---------------------------------------------------------------- real kills


def until_killed(work: Callable[[], Awaitable[None]]) -> None:
    """Run something in a process of its own, which has to end by SIGKILL, by its own hand at the point it chose."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(work())  # type: ignore[arg-type]
        except BaseException:  # noqa: BLE001 - the exit status tells
            import traceback

            traceback.print_exc()
        os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it ended by itself: {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill() -> None:
    """End this process as a power cut would end it."""
    os.kill(os.getpid(), signal.SIGKILL)
