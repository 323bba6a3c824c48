"""What all lanes of an account share: the journal, the queue of reports to the engine, the gates, the book."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mirrorfast.errors import LedgerError
from mirrorfast.execution.gates import ACCOUNT
from mirrorfast.ledger import Batch
from mirrorfast.ledger.identifiers import client_order_id
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from mirrorfast.config.execution import ExecutionConfig
    from mirrorfast.execution.book import Book
    from mirrorfast.execution.gates import Gates
    from mirrorfast.execution.orders import Request, VenueTrade, Working
    from mirrorfast.execution.venue import TradingVenue
    from mirrorfast.ledger import RunWriter

__all__ = ["Closed", "Desk", "Filled", "Noticed"]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Filled:
    """A trade of ours that the engine has to hear of."""

    request: Request
    symbol: int
    decision: int
    trade: VenueTrade
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class Closed:
    """An order of which nothing more will come, and that is not filled."""

    order: int
    attempt: int
    symbol: int
    kind: str
    reason: str
    #: Why the engine asked for it, where it did.
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a person should know of."""

    kind: str
    message: str
    severity: str = "warning"
    details: dict[str, Any] = field(default_factory=dict)


class Desk:
    """Shared state of the order lanes.

    Parameters
    ----------
    venue, writer, gates, book
        Where orders go, what is remembered, what forbids, what is held.
    config
        Execution settings.
    symbols
        Names in the engine's order.
    """

    def __init__(
        self,
        venue: TradingVenue,
        writer: RunWriter,
        gates: Gates,
        book: Book,
        config: ExecutionConfig,
        symbols: list[str],
    ) -> None:
        self.venue, self.writer, self.gates, self.book, self.config = venue, writer, gates, book, config
        self.symbols = symbols
        self.reports: deque[Filled | Closed | Noticed] = deque()
        self.activity = asyncio.Event()
        self.prices: dict[str, Decimal] = {}
        #: Trades that are reported and not in the journal yet.
        self.reported: set[tuple[str, str]] = set()
        self.data_age_bars = 0.0

    @property
    def fills_wait(self) -> bool:
        """Trades are known that the book does not have yet."""
        return any(isinstance(report, Filled) for report in self.reports)

    def report(self, what: Filled | Closed | Noticed) -> None:
        """Queue something for the engine and the journal."""
        self.reports.append(what)
        self.activity.set()

    def notice(self, kind: str, message: str, severity: str = "warning", /, **details: Any) -> None:
        """Queue an incident."""
        self.report(Noticed(kind, message, severity, details))

    def status(self, order: Working, status: str, reason: str = "", venue_id: str | None = None) -> None:
        """Write down what became of a sending; what cannot be stored stays in memory and goes with the next commit."""
        batch = Batch(self.venue.now())
        batch.order_status(
            {
                "id": order.request.order,
                "attempt": order.request.attempt,
                "status": status,
                "reason": reason or None,
                "venue_order_id": venue_id,
            }
        )
        try:
            self.writer.write(batch)
        except LedgerError as error:
            self.storage_failed(error)

    def intent(self, request: Request) -> None:
        """Make another sending of an order durable.

        Raises
        ------
        LedgerError
            When it could not be stored: it must not be sent.
        """
        batch = Batch(self.venue.now())
        batch.order(
            {
                "id": request.order,
                "attempt": request.attempt,
                "client_order_id": request.client_id,
                "symbol": request.symbol,
                "side": request.side,
                "type": request.type,
                "quantity": request.quantity,
                "price": request.price,
                "trigger": request.trigger,
                "reduce_only": request.reduce_only,
                "purpose": request.purpose,
                "tif": request.tif,
            }
        )
        try:
            self.writer.record_intents(batch)
        except LedgerError as error:
            self.storage_failed(error)
            raise
        self.storage_works()

    def next_sending(self, request: Request, quantity: Decimal) -> Request:
        """Make the next sending of an order, of what is left of it."""
        attempt = self.writer.next_attempt(request.order)
        return request.again(attempt, client_order_id(self.writer.run, request.order, attempt), quantity)

    def storage_failed(self, error: LedgerError) -> None:
        """Take no new exposure while nothing can be stored."""
        self.gates.quarantine(ACCOUNT, "storage", f"the journal cannot be written: {error}")

    def storage_works(self) -> None:
        """Take note that the journal takes lines again."""
        self.gates.lift(ACCOUNT, "storage")

    def take_trades(self, order: Working, trades: list[VenueTrade]) -> None:
        """Report the trades of an order that are not booked yet."""
        request = order.request
        for trade in trades:
            key = (trade.symbol, trade.id)
            if key in self.reported or self.writer.has_trade(*key):
                continue
            self.reported.add(key)
            order.booked += trade.quantity
            order.attempt_booked += trade.quantity
            remaining = max(request.quantity - order.attempt_booked, Decimal(0))
            self.report(Filled(request, order.symbol, order.decision, trade, remaining))
