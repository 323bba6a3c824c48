"""What stands between an intent and a venue: exact requests, the venue's words for them, outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROTECTIVE", "Outcome", "Request", "Sent", "VenueOrder", "VenueTrade", "Working"]

#: Purposes of orders that only ever make a position smaller, whatever they say of themselves.
REDUCING: Final = frozenset({"exit", "stop_loss", "take_profit", "time_exit", "flatten"})
#: Purposes of orders that wait for a price to protect a position.
PROTECTIVE: Final = frozenset({"stop_loss", "take_profit"})


class Outcome(StrEnum):
    """What is known after an order was sent.

    ``UNKNOWN`` is everything that is neither a venue's order id nor a venue's documented refusal.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One sending of one order, in exact decimals on the venue's grid.

    Attributes
    ----------
    order, attempt
        Number within the run, and which sending of it this is.
    client_id
        Made of run, order and attempt: the same sending always has the same.
    symbol
        ccxt's unified symbol.
    side, type
        ``buy`` or ``sell``; ``market``, ``limit``, ``stop``, ``stop_limit`` or ``trailing_stop``.
    quantity, price, trigger
        Exact.
    distance
        Of a trailing stop, in price units.
    reduce_only, purpose, tif
        As the engine says.
    """

    order: int
    attempt: int
    client_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal | None = None
    trigger: Decimal | None = None
    distance: Decimal | None = None
    reduce_only: bool = False
    purpose: str = "entry"
    tif: str = "gtc"

    @property
    def conditional(self) -> bool:
        """Waits at a trigger."""
        return self.type in ("stop", "stop_limit", "trailing_stop")

    @property
    def reduces(self) -> bool:
        """Makes a position smaller, never larger: allowed whatever else is forbidden."""
        return self.reduce_only or self.purpose in REDUCING

    def again(self, attempt: int, client_id: str, quantity: Decimal | None = None) -> Request:
        """Make the next sending of the same order, of what is left of it."""
        return replace(self, attempt=attempt, client_id=client_id, quantity=quantity or self.quantity)


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue tells it.

    Attributes
    ----------
    id
        The venue's number.
    client_id
        Ours, or whatever whoever sent it chose.
    symbol
        Unified symbol.
    status
        ``open``, ``closed``, ``canceled``, ``expired`` or ``rejected``.
    filled, quantity
        Exact.
    trades_of
        Number that its trades carry: a triggered stop of some venues is another order there.
    trades
        Its trades, where the answer has all of them.
    side, reduce_only
        As the venue says.
    """

    id: str
    client_id: str
    symbol: str
    status: str
    filled: Decimal
    quantity: Decimal
    trades_of: str
    trades: tuple[VenueTrade, ...] = ()
    side: str = ""
    reduce_only: bool = False

    @property
    def final(self) -> bool:
        """Nothing more comes of it but reports of what was."""
        return self.status != "open"


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """An execution as the venue tells it, exact."""

    id: str
    order: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    ts: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a request.

    Attributes
    ----------
    outcome
        What is known.
    order
        The order, where the venue told it.
    reason
        For people, without keys and signatures.
    kind
        What to do about a refusal: ``credentials``, ``balance``, ``filter``, ``timestamp``, ``throttled``,
        ``duplicate``, or ``refused``.
    code
        The venue's code.
    """

    outcome: Outcome
    order: VenueOrder | None = None
    reason: str = ""
    kind: str = ""
    code: str = ""


@dataclass(slots=True)
class Working:
    """An order of ours that is not closed: what is known of it in this process.

    Attributes
    ----------
    request
        Its last sending.
    symbol
        The engine's symbol id.
    decision, ts
        Of the engine's order.
    fence
        Monotonic time after which no copy of the request can be accepted any more.
    known
        The venue has shown it: an order number was seen.
    venue_id
        The venue's number.
    booked
        Quantity of the fills that were reported to the engine, of all attempts.
    attempt_booked
        Of the last attempt.
    cancelling
        Why it is being withdrawn; empty while it is not.
    suspended
        Withdrawn for the time of an exit that needs what it had locked; it comes back if the position does not go.
    missing
        Monotonic times of the answers "not found" in a row.
    """

    request: Request
    symbol: int
    decision: int
    ts: int
    fence: float
    known: bool = False
    venue_id: str | None = None
    booked: Decimal = Decimal(0)
    attempt_booked: Decimal = Decimal(0)
    cancelling: str = ""
    suspended: bool = False
    missing: list[float] = field(default_factory=list)
    from_journal: bool = False
    needs_operator: bool = False

    @classmethod
    def of_row(cls, row: Mapping[str, Any], symbol: int, fence: float) -> Working:
        """Take an order up from the journal."""
        request = Request(
            order=row["id"],
            attempt=row["attempt"],
            client_id=row["client_order_id"],
            symbol=row["symbol"],
            side=row["side"],
            type=row["type"],
            quantity=Decimal(row["quantity"]),
            price=_maybe(row["price"]),
            trigger=_maybe(row["trigger"]),
            reduce_only=bool(row["reduce_only"]),
            purpose=row["purpose"],
            tif=row["tif"],
        )
        filled = Decimal(row["filled"])
        return cls(
            request,
            symbol,
            row["decision"] or 0,
            row["ts"],
            fence,
            known=row["venue_order_id"] is not None,
            venue_id=row["venue_order_id"],
            booked=filled,
            attempt_booked=filled,
            cancelling=(row["reason"] or "replaced") if row["status"] == "cancelling" else "",
            from_journal=True,
        )


def _maybe(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
