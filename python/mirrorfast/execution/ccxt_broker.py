"""The broker of a real venue: the engine's intents become exact requests, the venue's answers become fills."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from mirrorfast import _core
from mirrorfast.errors import LedgerError
from mirrorfast.execution.desk import Closed, Desk, Filled, Noticed
from mirrorfast.execution.lane import Lane
from mirrorfast.execution.orders import PROTECTIVE, REDUCING, Request, VenueTrade, Working
from mirrorfast.ledger.identifiers import client_order_id
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mirrorfast._core import BrokerEvent, Fill, Intent
    from mirrorfast.config.execution import ExecutionConfig
    from mirrorfast.data.feed import BarBatch
    from mirrorfast.execution.book import Book
    from mirrorfast.execution.broker import Settlement
    from mirrorfast.execution.gates import Gates
    from mirrorfast.execution.venue import TradingVenue
    from mirrorfast.ledger import RunWriter

__all__ = ["CcxtBroker"]

_log = get_logger(__name__)
_WITHDRAWN: Final = frozenset({"replaced", "position_closed", "oco", "halt", "expired", "operator"})
#: How soon what could not be stored is tried again.
_STORE_AGAIN_S: Final = 1.0


class CcxtBroker:
    """Sends the engine's orders to a venue through ccxt and reports what the venue proves.

    Parameters
    ----------
    venue
        The account, opened.
    writer
        The run's journal, begun or resumed.
    gates, book
        What forbids, and the exact book, which is filled from the journal here.
    config
        Execution settings.
    symbols
        Names in the engine's order.
    interval_ms
        Step of the bars.

    Notes
    -----
    Intents must be durable before :meth:`submit`; `TradingLoop` with ``durable=True`` sees to that. Orders of one
    symbol go one after the other, those of several beside each other. Stops are the venue's own where it has them;
    where it has them only with a limit, they get one 2 % below the trigger; a trailing stop of a venue without one is
    a stop that the engine moves.
    """

    def __init__(
        self,
        venue: TradingVenue,
        writer: RunWriter,
        gates: Gates,
        book: Book,
        config: ExecutionConfig,
        *,
        symbols: list[str],
        interval_ms: int,
    ) -> None:
        self.venue, self.writer, self.config = venue, writer, config
        self.desk = Desk(venue, writer, gates, book, config, symbols)
        self.symbols = symbols
        self._interval = interval_ms
        self.lanes = {symbol: Lane(symbol, self.desk) for symbol in symbols}
        self.baseline: dict[str, Decimal] | None = None
        self.funding_since: int | None = None
        self._unsent: list[BrokerEvent] = []
        fills = writer.fills()
        book.replay(fills, self._trade_of_row)
        self._next_fill = max((row["id"] for row in fills), default=0) + 1

    @staticmethod
    def _trade_of_row(row: Mapping[str, Any]) -> VenueTrade:
        return VenueTrade(
            id=row["venue_trade_id"] or "",
            order="",
            symbol=row["symbol"],
            side=row["side"],
            quantity=Decimal(row["quantity"]),
            price=Decimal(row["price"]),
            fee=Decimal(row["fee_quantity"] or row["fee"]),
            fee_currency=row["fee_currency"] or "",
            maker=row["liquidity"] == "maker",
            ts=row["ts"],
        )

    # ------------------------------------------------------------------ engine → venue

    async def submit(self, intents: list[Intent]) -> None:
        """Put orders and withdrawals into the lanes of their symbols; their intents are durable already.

        Parameters
        ----------
        intents
            In the engine's order.
        """
        for intent in intents:
            order = intent.as_dict()
            symbol = self.symbols[order["symbol"]]
            if order["kind"] == "cancel":
                self.lanes[symbol].cancel(order["id"], str(order["reason"]))
            else:
                self.lanes[symbol].place(self._working(order, symbol))

    def _working(self, order: Mapping[str, Any], symbol: str) -> Working:
        request = Request(
            order=order["id"],
            attempt=1,
            client_id=client_order_id(self.writer.run, order["id"], 1),
            symbol=symbol,
            side=str(order["side"]),
            type=str(order["type"]),
            quantity=_exact(order["quantity"]),
            price=_maybe(order["price"]),
            trigger=_maybe(order["trigger"]),
            distance=_maybe(order["distance"]),
            reduce_only=bool(order["reduce_only"]),
            purpose=str(order["purpose"]),
            tif=str(order["tif"]),
        )
        return Working(request, order["symbol"], order["decision"] or 0, order["ts"], fence=0.0)

    def unstored(self, intents: list[Intent], why: str) -> list[Intent]:
        """Take note of orders that could not be stored: they are not sent.

        Parameters
        ----------
        intents
            Which.
        why
            What the journal said.

        Returns
        -------
        list of Intent
            Exits and stops, to be stored and sent later. Entries the engine decides anew.
        """
        self.desk.storage_failed(LedgerError(why))
        later = []
        for intent in intents:
            order = intent.as_dict()
            if order["kind"] == "cancel":
                # Needs no line before it: were it forgotten, a restart would find the order open, or gone.
                self.lanes[self.symbols[order["symbol"]]].cancel(order["id"], str(order["reason"]))
            elif order["reduce_only"] or order["purpose"] in REDUCING:
                later.append(intent)
            else:
                event = _event(order["id"], order["symbol"], self.now(), "cancelled", "operator")
                self._unsent.append(event)
        loop = asyncio.get_running_loop()
        loop.call_later(_STORE_AGAIN_S, self.desk.activity.set)
        return later

    # ------------------------------------------------------------------ venue → engine

    def now(self) -> int:
        """Tell the venue's time, ms."""
        return self.venue.now()

    async def news(self) -> None:
        """Wait until there is something to report."""
        await self.desk.activity.wait()

    async def settle(self, batch: BarBatch, settlement: Settlement) -> None:
        """Report what happened up to this bar, and take its prices.

        Parameters
        ----------
        batch
            The bars that just closed.
        settlement
            Who is told.
        """
        for row in batch.rows:
            self.desk.prices[self.symbols[row[0]]] = _exact(row[4])
        self.desk.data_age_bars = (self.now() - batch.ts - self._interval) / self._interval
        await self.report(settlement)

    async def report(self, settlement: Settlement) -> None:
        """Report what happened, in the order in which it happened.

        Parameters
        ----------
        settlement
            Who is told.
        """
        desk = self.desk
        desk.activity.clear()
        if desk.gates.quarantined.get("*", {}).get("storage"):
            self._try_storage()
        while self._unsent:
            await settlement.event([self._unsent.pop(0)])
        while desk.reports:
            match desk.reports.popleft():
                case Filled() as filled:
                    await self._fill(filled, settlement)
                case Closed() as closed:
                    await self._closed(closed, settlement)
                case Noticed() as noticed:
                    settlement.note(
                        "incident",
                        {
                            "severity": noticed.severity,
                            "kind": noticed.kind,
                            "message": noticed.message,
                            "details": noticed.details,
                            "ts": self.now(),
                        },
                    )

    def _try_storage(self) -> None:
        try:
            self.writer.flush()
        except LedgerError:
            asyncio.get_running_loop().call_later(_STORE_AGAIN_S, self.desk.activity.set)
        else:
            self.desk.storage_works()

    async def _fill(self, filled: Filled, settlement: Settlement) -> None:
        trade, request = filled.trade, filled.request
        key = (trade.symbol, trade.id)
        self.desk.reported.discard(key)
        if self.writer.has_trade(*key):
            return
        contract = self.venue.contracts[trade.symbol]
        fee_price = None
        if trade.fee and trade.fee_currency not in ("", contract.base, contract.quote):
            fee_price = await self.venue.price(f"{trade.fee_currency}/{contract.quote}")
        shown = self.desk.book.book(trade, fee_price)
        number, liquidity = self._next_fill, "maker" if trade.maker else "taker"
        exact: dict[str, Any] = {
            "id": number,
            "ts": trade.ts,
            "order": request.order,
            "symbol": trade.symbol,
            "side": trade.side,
            "quantity": trade.quantity,
            "price": trade.price,
            "fee": shown.fee_quote,
            "liquidity": liquidity,
            "purpose": request.purpose,
            "venue_trade_id": trade.id,
            "attempt": request.attempt if request.order else None,
            "fee_currency": trade.fee_currency or None,
            "fee_quantity": trade.fee,
        }
        self._next_fill += 1
        if not shown.quantity:
            settlement.note("fill", exact)
            return
        fill: Fill = _core.Fill(
            id=number,
            order=request.order,
            decision=filled.decision,
            symbol=filled.symbol,
            side=trade.side,
            quantity=float(shown.quantity),
            price=float(trade.price),
            fee=float(shown.fee),
            slippage=0.0,
            liquidity=liquidity,
            purpose=request.purpose,
            ts=trade.ts,
            remaining=float(filled.remaining),
        )
        await settlement.fill(fill, exact)

    async def _closed(self, closed: Closed, settlement: Settlement) -> None:
        withdrawn = closed.withdrawn if closed.withdrawn in _WITHDRAWN else "operator"
        event = _event(closed.order, closed.symbol, self.now(), closed.kind, withdrawn)
        await settlement.event([event], closed.reason or None)

    async def answers(self) -> list[BrokerEvent]:
        """Give nothing: everything comes by :meth:`report`."""
        return []

    def on_equity(self, ts: int, equity: Mapping[str, Any]) -> None:
        """Look at the account after a bar.

        Parameters
        ----------
        ts
            Open time of the bar, ms.
        equity
            The engine's account.
        """
        self.desk.gates.on_equity(ts + self._interval, equity["equity"], equity["drawdown"])

    # ------------------------------------------------------------------ state

    def snapshot(self) -> bytes:
        """State for a checkpoint: what of the account is not ours. Orders and fills stand in the journal."""
        state = {
            "baseline": None if self.baseline is None else {k: str(v) for k, v in sorted(self.baseline.items())},
            "funding_since": self.funding_since,
        }
        return json.dumps(state, sort_keys=True).encode()

    def restore(self, state: bytes) -> None:
        """Take up a state of :meth:`snapshot`.

        Parameters
        ----------
        state
            Its bytes.
        """
        if not state:
            return
        document = json.loads(state)
        if document["baseline"] is not None:
            self.baseline = {k: Decimal(v) for k, v in document["baseline"].items()}
        self.funding_since = document["funding_since"]

    def adopt_open_orders(self) -> int:
        """Take up the orders of the journal whose end is not known.

        Returns
        -------
        int
            How many.
        """
        # Whatever was under way when the earlier process ended was sent before now.
        fence = self.venue.monotonic() + self.venue.window_s
        rows = self.writer.open_orders()
        for row in rows:
            if row["symbol"] in self.lanes:
                order = Working.of_row(row, self.symbols.index(row["symbol"]), fence)
                order.needs_operator = False
                self.lanes[row["symbol"]].adopt(order)
        return len(rows)

    def working(self) -> list[Working]:
        """Give every order of ours that is not closed."""
        return [order for lane in self.lanes.values() for order in lane.orders.values()]

    def poke(self) -> None:
        """Ask for every open order, in its turn."""
        for lane in self.lanes.values():
            for number in list(lane.orders):
                lane.sync(number)

    def protected(self, symbol: str) -> bool:
        """Tell whether a position has its stop at the venue, or an exit is under way."""
        lane = self.lanes[symbol]
        return any(
            (o.request.purpose in PROTECTIVE and o.known and not o.suspended and not o.cancelling)
            or (o.request.reduces and o.request.purpose not in PROTECTIVE)
            for o in lane.orders.values()
        )

    async def settled(self) -> None:
        """Wait until no lane has anything under way."""
        for lane in self.lanes.values():
            await lane.settled()

    async def aclose(self) -> None:
        """Stop the lanes; what is under way stays as it is in the journal."""
        for lane in self.lanes.values():
            await lane.aclose()


def _event(order: int, symbol: int, ts: int, kind: str, reason: str) -> BrokerEvent:
    return _core.BrokerEvent(order=order, symbol=symbol, ts=ts, kind=kind, reason=reason)


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


def _maybe(value: float | None) -> Decimal | None:
    return None if value is None else _exact(value)
