"""The venue's books: resting orders meet the trades of the recorded path, in exact decimals.

How orders fill, and nothing else does:

- The order book stands one tick to each side of the last trade, each further tick with more quantity
  (`Instrument.depth`). It is whole again for every order: what one order takes is not missing for the next.
- A market order, a limit order that crosses, and a triggered stop take from the book as it stands at that moment, at
  the book's prices, level by level, as takers. What the book's thousand levels do not have expires.
- A resting limit order fills at its own price, as maker, by the first trade at or through it that comes after it;
  with ``participation`` only that part of each trade's quantity, so it may fill in parts.
- A stop triggers by the first trade at or beyond its trigger; a trailing stop follows the best trade since its
  activation.
- Trades are taken in the order of their times, symbols of one moment by name. So the result depends on the recording
  and the moments of the requests, not on how often anybody asks.
"""

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.orders import Execution, Order, OrderPair
from mirrorfast.simulator.protocol import VenueError
from mirrorfast.simulator.series import Trade

if TYPE_CHECKING:
    from itertools import count

__all__ = ["LEVELS", "Books"]

LEVELS: Final = 1_000
"""Levels of the book that a taker can reach."""

_BASIS: Final = Decimal(10_000)
Listener = Callable[[str, Order, Execution | None], None]


class Books(ABC):
    """Orders of one account on one market; what they pay with is the subclass's business.

    Parameters
    ----------
    market : dict of str to Instrument
        Symbols.
    clock : SimulatedClock
        The venue's time.
    participation : Decimal or None
        Part of a trade's quantity that a resting order gets; all it wants by default.
    ids : iterator of int
        Order and trade numbers.
    """

    def __init__(
        self, market: dict[str, Instrument], clock: SimulatedClock, participation: Decimal | None, ids: "count[int]"
    ) -> None:
        self.market, self.clock, self.participation = market, clock, participation
        self.orders: dict[int, Order] = {}
        self.executions: list[Execution] = []
        self.pairs: dict[int, OrderPair] = {}
        self.listeners: list[Listener] = []
        self._open: dict[str, dict[int, Order]] = {}
        self._by_client: dict[tuple[str, str], Order] = {}
        self._ids = ids

    # What the account pays with.

    @abstractmethod
    def reserve(self, order: Order) -> None:
        """Lock what a new order may need; refuses with the venue's error."""

    @abstractmethod
    def release(self, order: Order) -> None:
        """Unlock what an order holds that will not trade any more."""

    @abstractmethod
    def affordable(self, order: Order, price: Decimal, quantity: Decimal) -> Decimal:
        """How much of a quantity the account can pay at this price; what exceeds it expires."""

    @abstractmethod
    def settle(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool, time: int) -> Execution:
        """Move assets for a fill and say what it was."""

    def moved(self, instrument: Instrument, trade: Trade) -> None:  # noqa: B027 - spot has nothing to do
        """Look at a trade after the orders have; futures mark positions by it."""

    # Questions.

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        chosen = self._open.values() if symbol is None else [self._open.get(symbol, {})]
        return sorted((o for orders in chosen for o in orders.values()), key=lambda o: o.id)

    def find(self, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """Order by the venue's number, or the newest with a client id."""
        if order_id is not None:
            found = self.orders.get(order_id)
            if found is not None and found.symbol == symbol and (client_id is None or found.client_id == client_id):
                return found
            return None
        return self._by_client.get((symbol, client_id or ""))

    def is_open_client_id(self, symbol: str, client_id: str) -> bool:
        """Whether an open order has this client id."""
        found = self._by_client.get((symbol, client_id))
        return found is not None and found.is_open

    # Orders.

    def next_id(self) -> int:
        """Next number for an order or a trade."""
        return next(self._ids)

    def place(self, order: Order, *, funded: bool = False) -> Order:
        """Accept an order that has passed every check, and trade what trades at once.

        Parameters
        ----------
        order : Order
            The order.
        funded : bool, default False
            The other order of its pair has locked what it may need.

        Returns
        -------
        Order
            The same order.

        Raises
        ------
        VenueError
            If the account cannot pay.
        """
        now = self.clock.now()
        self.advance(now)
        instrument = self.market[order.symbol]
        order.seen = instrument.series.position(now)
        order.working = order.stop is None and order.trailing is None
        order.updated = now
        order.working_time = now if order.working else 0
        if not funded:
            self.reserve(order)
        self.orders[order.id] = order
        self._by_client[order.symbol, order.client_id] = order
        self._open.setdefault(order.symbol, {})[order.id] = order
        self._tell("NEW", order, None)
        if order.trailing is not None and order.stop is None:
            order.activated, order.extreme = True, instrument.price(instrument.last(now) or 0)
        if order.working:
            self._work(order, instrument, now)
            if order.part is not None and order.is_open:
                self.fill(order, self._share(order, order.left, instrument))
        return order

    def place_pair(self, pair: OrderPair, needy: Order) -> None:
        """Accept two orders of which one cancels the other.

        Parameters
        ----------
        pair : OrderPair
            The pair with both orders.
        needy : Order
            The one that may need more; it locks for both.

        Raises
        ------
        VenueError
            If the account cannot pay; then neither is accepted.
        """
        self.pairs[pair.id] = pair
        try:
            self.place(needy)
        except VenueError:
            del self.pairs[pair.id]
            raise
        other = pair.other(needy)
        needy.pair = other.pair = pair
        self.place(other, funded=True)

    def amend(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Give an open order another quantity and price; one that crosses then trades at once.

        Parameters
        ----------
        order : Order
            The order.
        quantity, price : Decimal
            The new ones. No more than is filled cancels it.

        Raises
        ------
        VenueError
            If the account cannot pay; the order stays as it was.
        """
        now = self.clock.now()
        if quantity <= order.filled:
            self._close(order, "CANCELED", now)
            return
        before = (order.quantity, order.price)
        self.release(order)
        order.quantity, order.price = quantity, price
        try:
            self.reserve(order)
        except VenueError:
            order.quantity, order.price = before
            self.reserve(order)
            raise
        order.updated = now
        self._tell("AMENDMENT", order, None)
        self._work(order, self.market[order.symbol], now)

    def cancel(self, order: Order, status: str = "CANCELED") -> None:
        """End an open order, and the other one of its pair."""
        now, pair = self.clock.now(), order.pair
        self._close(order, status, now)
        if pair is not None and (other := pair.other(order)).is_open:
            self._close(other, status, now)

    def advance(self, now: int) -> None:
        """Let open orders meet every trade up to a moment."""
        for instrument, trade in heapq.merge(
            *(self._coming(symbol, now) for symbol in self.watched()), key=lambda pair: (pair[1].time, pair[0].id)
        ):
            for order in list(self._open.get(instrument.id, {}).values()):
                if order.is_open and trade.id > order.seen:
                    order.seen = trade.id
                    self._meet(order, instrument, trade)
            self.moved(instrument, trade)

    def watched(self) -> list[str]:
        """Symbols whose trades matter to this account."""
        return sorted(symbol for symbol, orders in self._open.items() if orders)

    def seen(self, symbol: str) -> int:
        """Tell the last trade that everything of the account on a symbol has met."""
        return min((o.seen for o in self._open.get(symbol, {}).values()), default=2**62)

    def fill(self, order: Order, quantity: Decimal, price: Decimal | None = None, *, maker: bool = True) -> None:
        """Fill a part of an open order now, whatever the market does."""
        at = price if price is not None else order.price
        if at is None:
            instrument = self.market[order.symbol]
            at = instrument.price(instrument.last(self.clock.now()) or 0)
        self._execute(order, at, min(quantity, order.left), maker=maker, time=self.clock.now())

    def _coming(self, symbol: str, now: int) -> Iterator[tuple[Instrument, Trade]]:
        instrument = self.market[symbol]
        if instrument.status != "TRADING":
            return
        series = instrument.series
        for number in range(self.seen(symbol) + 1, series.position(now) + 1):
            yield instrument, series.trade(number)

    def _meet(self, order: Order, instrument: Instrument, trade: Trade) -> None:
        price = instrument.price(trade.price)
        if not order.working:
            if not self._triggered(order, price):
                return
            if order.refused:
                self._close(order, "EXPIRED", trade.time)
                return
            self._alone(order, trade.time)
            order.working, order.working_time = True, trade.time
            self._work(order, instrument, trade.time)
            return
        if order.barred or order.price is None or (price > order.price if order.buys else price < order.price):
            return
        quantity = order.left
        if self.participation is not None:
            lots = (instrument.quantity(trade.quantity) * self.participation / instrument.lot).to_integral_value(
                ROUND_FLOOR
            )
            quantity = min(quantity, lots * instrument.lot)
        if quantity > 0:
            self._execute(order, order.price, quantity, maker=True, time=trade.time)

    def _triggered(self, order: Order, price: Decimal) -> bool:
        if order.trailing is None:
            return order.crossed(price)
        if not order.activated:
            if not order.crossed(price):
                return False
            order.activated, order.extreme = True, price
        best = price if order.extreme is None else order.extreme
        best = min(best, price) if order.buys else max(best, price)
        order.extreme = best
        move = best * order.trailing / _BASIS
        return price >= best + move if order.buys else price <= best - move

    def _work(self, order: Order, instrument: Instrument, now: int) -> None:
        """Take from the book what crosses; the rest rests or expires."""
        if order.barred:
            return
        offers = list(self._offers(order, instrument, now))
        if order.time_in_force == "FOK" and sum((q for _, q in offers), Decimal(0)) < order.left:
            self._close(order, "EXPIRED", now)
            return
        most: Decimal | None = None
        for price, offered in offers:
            wanted = self._wanted(order, instrument, price)
            quantity = self.affordable(order, price, min(offered, wanted))
            if order.part is not None:
                most = self._share(order, wanted, instrument) if most is None else most
                quantity = min(quantity, most)
                most -= quantity
            if quantity <= 0:
                break
            self._execute(order, price, quantity, maker=False, time=now)
            if not order.is_open:
                return
        if most is not None:
            order.part = None  # once: what rests fills as everybody's
        if order.is_open and (order.price is None or order.time_in_force in {"IOC", "FOK"}):
            bought = order.quote_quantity is not None and order.filled > 0
            self._close(order, "FILLED" if bought else "EXPIRED", now)

    @staticmethod
    def _share(order: Order, quantity: Decimal, instrument: Instrument) -> Decimal:
        return max(quantity * (order.part or Decimal(1)) // instrument.lot * instrument.lot, instrument.lot)

    def _wanted(self, order: Order, instrument: Instrument, price: Decimal) -> Decimal:
        if order.quote_quantity is None:
            return order.left
        lots = ((order.quote_quantity - order.filled_quote) / price / instrument.lot).to_integral_value(ROUND_FLOOR)
        return lots * instrument.lot

    def _offers(self, order: Order, instrument: Instrument, now: int) -> Iterator[tuple[Decimal, Decimal]]:
        bids, asks = instrument.depth(now, LEVELS)
        for ticks, lots in asks if order.buys else bids:
            price = instrument.price(ticks)
            if order.price is not None and (price > order.price if order.buys else price < order.price):
                return
            yield price, instrument.quantity(lots)

    def _execute(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool, time: int) -> None:
        self._alone(order, time)
        execution = self.settle(order, price, quantity, maker=maker, time=time)
        order.executions.append(execution)
        self.executions.append(execution)
        order.filled += quantity
        order.filled_quote += execution.quote
        order.updated = time
        if order.quote_quantity is not None:
            order.quantity = order.filled
        done = order.left <= 0 and order.quote_quantity is None
        order.status = "FILLED" if done else "PARTIALLY_FILLED"
        if done:
            self.release(order)
            self._open[order.symbol].pop(order.id, None)
        self._tell("TRADE", order, execution)

    def _alone(self, order: Order, now: int) -> None:
        """End the other order of a pair when this one begins to trade; what it had locked is this one's."""
        if order.pair is None or not (other := order.pair.other(order)).is_open:
            return
        order.locked, other.locked = order.locked + other.locked, Decimal(0)
        self._close(other, "EXPIRED", now)

    def _close(self, order: Order, status: str, now: int) -> None:
        if not order.is_open:
            raise VenueError(-2011, "Unknown order sent.")
        order.status, order.updated = status, now
        self.release(order)
        self._open[order.symbol].pop(order.id, None)
        self._tell("TRADE_END" if status == "FILLED" else status, order, None)

    def _tell(self, what: str, order: Order, execution: Execution | None) -> None:
        for listener in self.listeners:
            listener(what, order, execution)
