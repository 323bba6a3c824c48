"""Orders and executions in the venue's books: exact decimals only."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

__all__ = ["OPEN", "Execution", "Order", "OrderPair", "Side"]

Side = Literal["BUY", "SELL"]

OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED"})
"""States of an order that rests or waits for its trigger."""

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill: the venue's number, price, quantity, fee and its asset, time in ms, and whether the order rested."""

    id: int
    order_id: int
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    time: int
    maker: bool
    realized: Decimal = _ZERO

    @property
    def quote(self) -> Decimal:
        """Price × quantity."""
        return self.price * self.quantity


@dataclass(slots=True)
class Order:
    """One order.

    Attributes
    ----------
    kind : str
        Binance's type: ``LIMIT``, ``MARKET``, ``STOP_LOSS`` ….
    stop : Decimal or None
        Price that triggers it, or activates its trailing.
    trailing : Decimal or None
        Trailing distance in basis points.
    working : bool
        False while it waits for its trigger.
    locked : Decimal
        What it still holds of the asset it would pay with.
    part : Decimal or None
        Share of it that fills at once; all it wants by default.
    barred : bool
        No trade of the market fills it.
    refused : bool
        It expires at its trigger.
    pair : OrderPair or None
        The order list that it belongs to.
    """

    id: int
    client_id: str
    symbol: str
    side: Side
    kind: str
    quantity: Decimal
    time: int
    price: Decimal | None = None
    stop: Decimal | None = None
    trailing: Decimal | None = None
    time_in_force: str = "GTC"
    quote_quantity: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    algo: bool = False
    status: str = "NEW"
    filled: Decimal = _ZERO
    filled_quote: Decimal = _ZERO
    locked: Decimal = _ZERO
    working: bool = True
    activated: bool = False
    extreme: Decimal | None = None
    updated: int = 0
    working_time: int = 0
    seen: int = -1
    liquidation: bool = False
    part: Decimal | None = None
    barred: bool = False
    refused: bool = False
    pair: "OrderPair | None" = None
    executions: list[Execution] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        """Quantity that is not filled."""
        return self.quantity - self.filled

    @property
    def buys(self) -> bool:
        """Whether it buys."""
        return self.side == "BUY"

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN

    @property
    def takes_profit(self) -> bool:
        """Whether its trigger (of a futures trailing stop: its activation) lies on the winning side."""
        return self.kind.startswith("TAKE_PROFIT") or self.kind == "TRAILING_STOP_MARKET"

    def crossed(self, price: Decimal) -> bool:
        """Tell whether a trade at this price triggers (or activates) it."""
        if self.stop is None:
            return True
        return price >= self.stop if self.buys != self.takes_profit else price <= self.stop


@dataclass(slots=True)
class OrderPair:
    """One cancels the other: two orders of which one may trade; they share what they would pay with."""

    id: int
    client_id: str
    symbol: str
    time: int
    orders: list[Order] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether one of them can still trade."""
        return any(order.is_open for order in self.orders)

    def other(self, order: Order) -> Order:
        """Tell the other one."""
        first, second = self.orders
        return second if order is first else first
