"""Binance spot order lists: one cancels the other."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.simulator.account import Account
from mirrorfast.simulator.faults import struck
from mirrorfast.simulator.filters import client_id, decimal
from mirrorfast.simulator.market_data import limit_of
from mirrorfast.simulator.orders import Order, OrderPair
from mirrorfast.simulator.protocol import Call, Route, VenueError
from mirrorfast.simulator.spot_rows import list_row, order_row

if TYPE_CHECKING:
    from mirrorfast.simulator.spot_trading import SpotTrading

__all__ = ["SpotLists"]

_STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
_PROFITS: Final = frozenset({"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_LEG: Final = ("type", "price", "stopPrice", "trailingDelta", "timeInForce", "newClientOrderId")


class SpotLists:
    """Signed endpoints of order lists.

    Parameters
    ----------
    spot : SpotTrading
        Reads and checks the orders.
    """

    def __init__(self, spot: "SpotTrading") -> None:
        self.spot = spot
        self.routes = {
            ("POST", "/api/v3/orderList/oco"): Route(self.create, 1, "signed", order=True),
            ("POST", "/api/v3/order/oco"): Route(self.create_old, 1, "signed", order=True),
            ("GET", "/api/v3/orderList"): Route(self.query, 4, "signed"),
            ("DELETE", "/api/v3/orderList"): Route(self.cancel, 1, "signed"),
            ("GET", "/api/v3/openOrderList"): Route(self.open_lists, 6, "signed"),
            ("GET", "/api/v3/allOrderList"): Route(self.all_lists, 20, "signed"),
        }

    def create(self, call: Call) -> Any:
        """Place a list whose orders are told apart by where they lie: above and below the last price."""
        legs = {}
        for side in ("above", "below"):
            call.text(f"{side}Type")
            leg = (
                {"newClientOrderId": call.params[f"{side}ClientOrderId"]}
                if f"{side}ClientOrderId" in call.params
                else {}
            )
            for name in _LEG[:-1]:
                value = call.params.get(side + name[0].upper() + name[1:])
                if value is not None:
                    leg[name] = value
            legs[side] = leg
        return self._placed(call, legs["above"], legs["below"])

    def create_old(self, call: Call) -> Any:
        """Place a list by the older endpoint: a limit order, and a stop with or without a limit."""
        limit = {"type": "LIMIT_MAKER", "price": call.text("price")}
        stop = {"type": "STOP_LOSS", "stopPrice": call.text("stopPrice")}
        if "stopLimitPrice" in call.params:
            stop |= {
                "type": "STOP_LOSS_LIMIT",
                "price": call.params["stopLimitPrice"],
                "timeInForce": call.text("stopLimitTimeInForce"),
            }
        for leg, name in ((limit, "limitClientOrderId"), (stop, "stopClientOrderId")):
            if name in call.params:
                leg["newClientOrderId"] = call.params[name]
        above, below = (limit, stop) if call.text("side") == "SELL" else (stop, limit)
        return self._placed(call, above, below)

    def _placed(self, call: Call, above: dict[str, str], below: dict[str, str]) -> Any:
        account = self.spot.who(call)
        books, sells = account.spot, call.text("side") == "SELL"
        profit, stop = (above, below) if sells else (below, above)
        if profit["type"] not in _PROFITS or stop["type"] not in _STOPS:
            raise VenueError(-1106, "Parameters 'aboveType' and 'belowType' do not make an OCO.")
        shared = {name: call.text(name) for name in ("symbol", "side", "quantity")}
        requests = [
            Call(call.method, call.path, shared | leg, "", call.headers, call.address) for leg in (above, below)
        ]
        self._check(requests[0], requests[1])
        orders = [self.spot.checked(request, account) for request in requests]
        if orders[0].client_id == orders[1].client_id:
            raise VenueError(-2010, "Duplicate order sent.")
        pair = OrderPair(books.next_id(), "", orders[0].symbol, books.clock.now(), orders)
        pair.client_id = client_id(call, "listClientOrderId", f"list{pair.id}")
        if any(p.client_id == pair.client_id and p.is_open for p in books.pairs.values()):
            raise VenueError(-2010, "Duplicate order sent.")
        for order in orders:
            struck(order, self.spot.faults.draw("accept", call.method, call.path, (order.client_id,)))
        books.place_pair(pair, max(orders, key=_cost))
        return {**list_row(pair), "orderReports": [order_row(order) for order in orders]}

    def _check(self, above: Call, below: Call) -> None:
        instrument = self.spot.instrument(above)
        last = instrument.price(instrument.last(self.spot.clock.now()) or 0)
        # Trailing orders follow the price: they lie on no side of it.
        up, down = (decimal(c, "stopPrice") or decimal(c, "price") for c in (above, below))
        if (up is not None and up <= last) or (down is not None and down >= last):
            raise VenueError(-2010, "The relationship of the prices for the orders is not correct.")

    def _found(self, call: Call, account: Account, name: str) -> OrderPair | None:
        number, given = call.integer("orderListId"), call.params.get(name)
        if number is None and given is None:
            raise VenueError(-1102, f"Param '{name}' or 'orderListId' must be sent, but both were empty/null!")
        pairs = account.spot.pairs
        if number is not None:
            return pairs.get(number)
        return next((p for p in reversed(pairs.values()) if p.client_id == given), None)

    def query(self, call: Call) -> Any:
        """One list."""
        pair = self._found(call, self.spot.who(call), "origClientOrderId")
        if pair is None:
            raise VenueError(-2018, "Order list does not exist.")
        return list_row(pair)

    def cancel(self, call: Call) -> Any:
        """Cancel both orders of a list."""
        account = self.spot.who(call)
        self.spot.instrument(call)
        pair = self._found(call, account, "listClientOrderId")
        if pair is None or not pair.is_open:
            raise VenueError(-2011, "Unknown order list sent.")
        account.spot.cancel(next(order for order in pair.orders if order.is_open))
        return {**list_row(pair), "orderReports": [order_row(order) for order in pair.orders]}

    def open_lists(self, call: Call) -> Any:
        """List the lists of which an order can still trade."""
        return [list_row(p) for p in self.spot.who(call).spot.pairs.values() if p.is_open]

    def all_lists(self, call: Call) -> Any:
        """List all, by number or time."""
        first, limit = call.integer("fromId", 0) or 0, limit_of(call, 500, 1000)
        start, end = call.integer("startTime", 0) or 0, call.integer("endTime", 2**62) or 2**62
        pairs = self.spot.who(call).spot.pairs.values()
        return [list_row(p) for p in pairs if p.id >= first and start <= p.time <= end][:limit]


def _cost(order: Order) -> Decimal:
    """Tell what an order would pay at most, in quote currency; a sale always pays its quantity."""
    return (order.price or order.stop or Decimal(0)) * order.quantity
