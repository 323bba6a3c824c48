"""Binance spot trading: account, orders, trades."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from mirrorfast.simulator.account import Account
from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.faults import Faults, struck
from mirrorfast.simulator.filters import check_order, client_id, decimal
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.market_data import limit_of
from mirrorfast.simulator.orders import Execution, Order, Side
from mirrorfast.simulator.protocol import Call, Route, VenueError
from mirrorfast.simulator.spot_rows import cancelled_row, execution_row, list_row, order_row, placed_row

__all__ = ["SpotTrading"]

_T = TypeVar("_T", Order, Execution)
# What each type of order must have, besides symbol, side and type.
_NEEDS: Final = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT": ("quantity",),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_TRIGGERED: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


class SpotTrading:
    """Signed spot endpoints.

    Parameters
    ----------
    market : dict of str to Instrument
        Symbols.
    clock : SimulatedClock
        The venue's time.
    accounts : dict of str to Account
        By key.
    faults : Faults
        For the races of cancels with fills.
    """

    def __init__(
        self, market: dict[str, Instrument], clock: SimulatedClock, accounts: dict[str, Account], faults: Faults
    ) -> None:
        self.market, self.clock, self.accounts, self.faults = market, clock, accounts, faults
        root = "/api/v3/"
        signed: dict[tuple[str, str], tuple[Callable[[Call], Any], Any]] = {
            ("GET", "account"): (self.account, 20),
            ("POST", "order"): (self.create, 1),
            ("POST", "order/test"): (self.test, 1),
            ("GET", "order"): (self.query, 4),
            ("DELETE", "order"): (self.cancel, 1),
            ("POST", "order/cancelReplace"): (self.cancel_replace, 1),
            ("GET", "openOrders"): (self.open_orders, lambda c: 6 if "symbol" in c.params else 80),
            ("DELETE", "openOrders"): (self.cancel_all, 1),
            ("GET", "allOrders"): (self.all_orders, 20),
            ("GET", "myTrades"): (self.my_trades, 20),
            ("GET", "account/commission"): (self.commission, 20),
            ("GET", "rateLimit/order"): (lambda _: [], 40),
        }
        self.routes = {
            (method, root + name): Route(handler, weight, "signed", order=method == "POST" and name != "order/test")
            for (method, name), (handler, weight) in signed.items()
        }
        # What ccxt asks for when it loads markets with a key.
        self.routes["GET", "/sapi/v1/capital/config/getall"] = Route(self.coins, 10, "signed")
        self.routes["GET", "/sapi/v1/margin/allPairs"] = Route(lambda _: [], 1, "key")
        self.routes["GET", "/sapi/v1/margin/allAssets"] = Route(lambda _: [], 1, "key")
        self.routes["GET", "/sapi/v1/margin/isolated/allPairs"] = Route(lambda _: [], 10, "signed")

    def who(self, call: Call) -> Account:
        """Account of a request, up to the present moment."""
        account = self.accounts[call.account or ""]
        account.spot.advance(self.clock.now())
        return account

    def instrument(self, call: Call) -> Instrument:
        """Symbol of a request."""
        found = self.market.get(call.text("symbol"))
        if found is None or not found.listed:
            raise VenueError(-1121, "Invalid symbol.")
        return found

    def account(self, call: Call) -> Any:
        """Balances and permissions."""
        books = self.who(call).spot
        leave_out = call.params.get("omitZeroBalances") == "true"
        return {
            "makerCommission": int(books.maker * 10_000),
            "takerCommission": int(books.taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": f"{books.maker:.8f}", "taker": f"{books.taker:.8f}", "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self.clock.now(),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": f"{b.free:.8f}", "locked": f"{b.locked:.8f}"}
                for asset, b in sorted(books.balances.items())
                if b.total or not leave_out
            ],
            "permissions": ["SPOT"],
            "uid": 1,
        }  # fmt: skip

    def commission(self, call: Call) -> Any:
        """Fee rates of a symbol."""
        books, zero = self.who(call).spot, "0.00000000"
        rates = {"maker": f"{books.maker:.8f}", "taker": f"{books.taker:.8f}", "buyer": zero, "seller": zero}
        return {"symbol": self.instrument(call).id, "standardCommission": rates}

    def coins(self, _: Call) -> Any:
        """Assets, as ccxt's ``fetch_currencies`` reads them."""
        assets = sorted({a for i in self.market.values() for a in (i.base, i.quote)})
        return [
            {
                "coin": a, "name": a, "depositAllEnable": True, "withdrawAllEnable": True, "trading": True, "free": "0",
                "locked": "0", "freeze": "0", "withdrawing": "0", "ipoing": "0", "ipoable": "0", "storage": "0",
                "isLegalMoney": False, "networkList": [],
            }
            for a in assets
        ]  # fmt: skip

    def _order(self, call: Call, books_id: int) -> Order:
        """Read an order from a request, in the order of Binance's checks."""
        instrument = self.instrument(call)
        side, kind = call.text("side"), call.text("type")
        if side not in {"BUY", "SELL"}:
            raise VenueError(-1117, "Invalid side.")
        if kind not in _NEEDS:
            raise VenueError(-1116, "Invalid orderType.")
        for name in _NEEDS[kind]:
            call.text(name)
        force = call.params.get("timeInForce")
        if force is not None and force not in {"GTC", "IOC", "FOK"}:
            raise VenueError(-1115, "Invalid timeInForce.")
        if kind in {"MARKET", "STOP_LOSS", "TAKE_PROFIT", "LIMIT_MAKER"} and force is not None:
            raise VenueError(-1106, "Parameter 'timeInForce' sent when not required.")
        quantity, quote = decimal(call, "quantity"), decimal(call, "quoteOrderQty")
        price, stop = decimal(call, "price"), decimal(call, "stopPrice")
        trailing = decimal(call, "trailingDelta")
        if kind == "MARKET":
            if price is not None:
                raise VenueError(-1106, "Parameter 'price' sent when not required.")
            if (quantity is None) == (quote is None):
                raise VenueError(-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but not both.")
        elif quote is not None:
            raise VenueError(-1106, "Parameter 'quoteOrderQty' sent when not required.")
        if kind in _TRIGGERED:
            if stop is None and trailing is None:
                raise VenueError(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
        elif stop is not None or trailing is not None:
            name = "stopPrice" if stop is not None else "trailingDelta"
            raise VenueError(-1106, f"Parameter '{name}' sent when not required.")
        return Order(
            id=books_id,
            client_id=client_id(call, "newClientOrderId", f"sim{books_id}"),
            symbol=instrument.id,
            side=cast("Side", side),
            kind=kind,
            quantity=quantity if quantity is not None else Decimal(0),
            time=self.clock.now(),
            price=price,
            stop=stop,
            trailing=trailing,
            time_in_force=force or "GTC",
            quote_quantity=quote,
        )

    def checked(self, call: Call, account: Account) -> Order:
        """Read an order from a request and check it as the venue does."""
        books = account.spot
        order = self._order(call, books.next_id())
        instrument = self.market[order.symbol]
        now = self.clock.now()
        check_order(order, instrument, now, books.open_orders(order.symbol))
        if books.is_open_client_id(order.symbol, order.client_id):
            raise VenueError(-2010, "Duplicate order sent.")
        last = instrument.last(now)
        if (
            order.stop is not None
            and order.trailing is None
            and last is not None
            and order.crossed(instrument.price(last))
        ):
            raise VenueError(-2010, "Stop price would trigger immediately.")
        if order.kind == "LIMIT_MAKER" and order.price is not None:
            bids, asks = instrument.depth(now, 1)
            against = asks if order.buys else bids
            if against:
                touch = instrument.price(against[0][0])
                if order.price >= touch if order.buys else order.price <= touch:
                    raise VenueError(-2010, "Order would immediately match and take.")
        return order

    def test(self, call: Call) -> Any:
        """Check an order without placing it."""
        self.checked(call, self.who(call))
        return {}

    def create(self, call: Call) -> Any:
        """Place an order."""
        account = self.who(call)
        order = self.checked(call, account)
        struck(order, self.faults.draw("accept", call.method, call.path, (order.client_id,)))
        account.spot.place(order)
        default = "FULL" if order.kind in {"MARKET", "LIMIT"} else "ACK"
        return placed_row(order, call.params.get("newOrderRespType", default))

    def _found(self, call: Call, account: Account) -> Order | None:
        instrument = self.instrument(call)
        number, name = call.integer("orderId"), call.params.get("origClientOrderId")
        if number is None and name is None:
            raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return account.spot.find(instrument.id, number, name)

    def query(self, call: Call) -> Any:
        """One order."""
        order = self._found(call, self.who(call))
        if order is None:
            raise VenueError(-2013, "Order does not exist.")
        return order_row(order)

    def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        account = self.who(call)
        order = self._found(call, account)
        if order is not None and order.is_open:
            for fault in self.faults.draw("state", call.method, call.path, (order.client_id,)):
                part = Decimal(1) if fault.name == "cancel_race" else Decimal(str(fault.value("fraction")))
                lot = self.market[order.symbol].lot
                account.spot.fill(order, max(order.left * part // lot * lot, lot))
        if order is None or not order.is_open:
            raise VenueError(-2011, "Unknown order sent.")
        account.spot.cancel(order)
        return cancelled_row(
            order, call.params.get("newClientOrderId", f"sim{account.spot.next_id()}"), self.clock.now()
        )

    def cancel_all(self, call: Call) -> Any:
        """Cancel every open order of a symbol."""
        account = self.who(call)
        orders = account.spot.open_orders(self.instrument(call).id)
        if not orders:
            raise VenueError(-2011, "Unknown order sent.")
        rows: list[dict[str, Any]] = []
        for order in orders:
            if not order.is_open:
                continue  # went with the other of its pair
            account.spot.cancel(order)
            name = f"sim{account.spot.next_id()}"
            pair = order.pair
            rows.append(
                cancelled_row(order, name, self.clock.now())
                if pair is None
                else {**list_row(pair), "orderReports": [order_row(o) for o in pair.orders]}
            )
        return rows

    def cancel_replace(self, call: Call) -> Any:
        """Cancel an order and place another; what of the two failed is said in the venue's way."""
        account = self.who(call)
        books = account.spot
        if (mode := call.text("cancelReplaceMode")) not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
            raise VenueError(-1106, "Parameter 'cancelReplaceMode' is none of STOP_ON_FAILURE, ALLOW_FAILURE.")
        number, name = call.integer("cancelOrderId"), call.params.get("cancelOrigClientOrderId")
        if number is None and name is None:
            words = "Param 'cancelOrigClientOrderId' or 'cancelOrderId' must be sent, but both were empty/null!"
            raise VenueError(-1102, words)
        old = books.find(self.instrument(call).id, number, name)
        result: dict[str, Any] = {
            "cancelResult": "SUCCESS", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": None,
            "newOrderResponse": None,
        }  # fmt: skip
        if old is not None and old.is_open:
            books.cancel(old)
            result["cancelResponse"] = cancelled_row(old, f"sim{books.next_id()}", self.clock.now())
        else:
            unknown = {"code": -2011, "msg": "Unknown order sent."}
            result |= {"cancelResult": "FAILURE", "cancelResponse": unknown}
            if mode == "STOP_ON_FAILURE":
                raise VenueError(-2022, "Order cancel-replace failed.", 400, result)
        try:
            order = self.checked(call, account)
            struck(order, self.faults.draw("accept", call.method, call.path, (order.client_id,)))
            books.place(order)
        except VenueError as error:
            refused = {"code": error.code, "msg": error.message}
            result |= {"newOrderResult": "FAILURE", "newOrderResponse": refused}
            if result["cancelResult"] == "FAILURE":
                raise VenueError(-2022, "Order cancel-replace failed.", 400, result) from None
            raise VenueError(-2021, "Order cancel-replace partially failed.", 409, result) from None
        placed = placed_row(order, call.params.get("newOrderRespType", "FULL"))
        result |= {"newOrderResult": "SUCCESS", "newOrderResponse": placed}
        if result["cancelResult"] == "FAILURE":
            raise VenueError(-2021, "Order cancel-replace partially failed.", 409, result)
        return result

    def open_orders(self, call: Call) -> Any:
        """Open orders of one symbol or all."""
        account = self.who(call)
        symbol = self.instrument(call).id if "symbol" in call.params else None
        return [order_row(o) for o in account.spot.open_orders(symbol)]

    def all_orders(self, call: Call) -> Any:
        """Orders of a symbol by number or time."""
        account = self.who(call)
        symbol = self.instrument(call).id
        orders = [o for o in account.spot.orders.values() if o.symbol == symbol]
        number, limit = call.integer("orderId"), limit_of(call, 500, 1000)
        if number is not None:
            return [order_row(o) for o in orders if o.id >= number][:limit]
        chosen = list(_within(call, orders))
        cut = chosen[:limit] if "startTime" in call.params else chosen[-limit:]
        return [order_row(o) for o in cut]

    def my_trades(self, call: Call) -> Any:
        """Trades of the account in a symbol, by number, order or time."""
        account = self.who(call)
        symbol = self.instrument(call).id
        order, first, limit = call.integer("orderId"), call.integer("fromId"), limit_of(call, 500, 1000)
        found = [e for e in account.spot.executions if e.symbol == symbol and order in (None, e.order_id)]
        if first is not None:
            chosen = [e for e in found if e.id >= first][:limit]
        else:
            within = list(_within(call, found))
            chosen = within[:limit] if "startTime" in call.params else within[-limit:]
        return [execution_row(e) for e in chosen]


def _within(call: Call, items: Iterable[_T]) -> Iterable[_T]:
    start, end = call.integer("startTime", 0) or 0, call.integer("endTime", 2**62) or 2**62
    return (item for item in items if start <= item.time <= end)
