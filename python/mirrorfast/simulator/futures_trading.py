"""Binance USD-M futures trading: account, positions, orders and conditional orders."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, cast

from mirrorfast.simulator.account import Account
from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.faults import Faults, struck
from mirrorfast.simulator.filters import MAX_PRICE, client_id, decimal
from mirrorfast.simulator.futures_books import FUNDING_EVERY, MAINTENANCE, FuturesBooks, Position
from mirrorfast.simulator.futures_rows import algo_row, futures_row, position_row, trade_row
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.market_data import limit_of
from mirrorfast.simulator.orders import Order, Side
from mirrorfast.simulator.protocol import Call, Route, VenueError

__all__ = ["FuturesTrading"]

_PLAIN: Final = frozenset({"LIMIT", "MARKET"})
_CONDITIONAL: Final = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
_PRICED: Final = frozenset({"LIMIT", "STOP", "TAKE_PROFIT"})


class FuturesTrading:
    """Signed futures endpoints, and what the funding endpoints say.

    Parameters
    ----------
    market : dict of str to Instrument
        Perpetuals.
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
        signed: dict[str, tuple[Any, int]] = {
            "POST /fapi/v1/order": (self.create, 1),
            "PUT /fapi/v1/order": (self.amend, 1),
            "GET /fapi/v1/order": (self.query, 1),
            "DELETE /fapi/v1/order": (self.cancel, 1),
            "GET /fapi/v1/openOrder": (self.query, 1),
            "GET /fapi/v1/openOrders": (self.open_orders, 1),
            "DELETE /fapi/v1/allOpenOrders": (self.cancel_all, 1),
            "GET /fapi/v1/allOrders": (self.all_orders, 5),
            "GET /fapi/v1/userTrades": (self.trades, 5),
            "POST /fapi/v1/algoOrder": (self.create_algo, 1),
            "GET /fapi/v1/algoOrder": (self.query_algo, 1),
            "DELETE /fapi/v1/algoOrder": (self.cancel_algo, 1),
            "GET /fapi/v1/openAlgoOrders": (self.open_algos, 1),
            "DELETE /fapi/v1/algoOpenOrders": (self.cancel_algos, 1),
            "GET /fapi/v1/allAlgoOrders": (self.all_algos, 5),
            "GET /fapi/v2/account": (self.account, 5),
            "GET /fapi/v3/account": (self.account, 5),
            "GET /fapi/v2/balance": (self.balance, 5),
            "GET /fapi/v3/balance": (self.balance, 5),
            "GET /fapi/v2/positionRisk": (self.position_risk, 5),
            "GET /fapi/v3/positionRisk": (self.position_risk, 5),
            "POST /fapi/v1/leverage": (self.leverage, 1),
            "POST /fapi/v1/marginType": (self.margin_type, 1),
            "GET /fapi/v1/positionSide/dual": (lambda _: {"dualSidePosition": False}, 30),
            "POST /fapi/v1/positionSide/dual": (self.position_side, 1),
            "GET /fapi/v1/leverageBracket": (self.brackets, 1),
            "GET /fapi/v1/income": (self.incomes, 30),
            "GET /fapi/v1/symbolConfig": (self.symbol_config, 5),
        }
        self.routes = {}
        for name, (handler, weight) in signed.items():
            method, path = name.split(" ")
            placing = method == "POST" and path in {"/fapi/v1/order", "/fapi/v1/algoOrder"}
            self.routes[method, path] = Route(handler, weight, "signed", order=placing)
        self.routes["GET", "/fapi/v1/premiumIndex"] = Route(self.premium_index, 10)
        self.routes["GET", "/fapi/v1/fundingRate"] = Route(self.funding_rates, 1)
        self.routes["GET", "/fapi/v1/fundingInfo"] = Route(self.funding_info, 1)

    def _books(self, call: Call) -> FuturesBooks:
        books = self.accounts[call.account or ""].futures
        books.advance(self.clock.now())
        return books

    def _instrument(self, call: Call) -> Instrument:
        found = self.market.get(call.text("symbol"))
        if found is None or not found.listed:
            raise VenueError(-1121, "Invalid symbol.")
        return found

    def _read(self, call: Call, books: FuturesBooks, *, algo: bool) -> Order:
        i = self._instrument(call)
        side, kind = call.text("side"), call.text("type")
        if side not in {"BUY", "SELL"}:
            raise VenueError(-1117, "Invalid side.")
        if kind not in (_CONDITIONAL if algo else _PLAIN):
            if not algo and kind in _CONDITIONAL:
                words = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
                raise VenueError(-4120, words)
            raise VenueError(-1116, "Invalid orderType.")
        price = decimal(call, "price")
        if kind in _PRICED:
            call.text("price")
        elif price is not None:
            raise VenueError(-1106, "Parameter 'price' sent when not required.")
        trailing = decimal(call, "callbackRate")
        if kind == "TRAILING_STOP_MARKET":
            stop = decimal(call, "activatePrice")
            if trailing is None or not Decimal("0.1") <= trailing <= 10:
                raise VenueError(-2021, "Invalid callBack rate.")
        else:
            stop = decimal(call, "triggerPrice") or decimal(call, "stopPrice")
            if algo and stop is None:
                call.text("triggerPrice")
        close = call.params.get("closePosition") == "true"
        quantity = abs(books.position(i.id).amount) if close else decimal(call, "quantity")
        if quantity is None:
            call.text("quantity")
        number = books.next_id()
        order = Order(
            id=number,
            client_id=client_id(call, "clientAlgoId" if algo else "newClientOrderId", f"sim{number}"),
            symbol=i.id,
            side=cast("Side", side),
            kind=kind,
            quantity=quantity or Decimal(0),
            time=self.clock.now(),
            price=price,
            stop=stop,
            trailing=None if trailing is None else trailing * 100,
            time_in_force=call.params.get("timeInForce", "GTC"),
            reduce_only=call.params.get("reduceOnly", "false").lower() == "true",
            close_position=close,
            algo=algo,
        )
        self._check(order, i, books)
        return order

    def _check(self, o: Order, i: Instrument, books: FuturesBooks) -> None:
        if i.status != "TRADING":
            raise VenueError(-4108, "This symbol is in settling.")
        if o.time_in_force not in {"GTC", "IOC", "FOK", "GTX", "GTD"}:
            raise VenueError(-1115, "Invalid timeInForce.")
        if o.quantity <= 0:
            raise VenueError(-4003, "Quantity less than or equal to zero.")
        if o.quantity % i.lot:
            raise VenueError(-1111, "Precision is over the maximum defined for this asset.")
        if o.quantity > i.quantity(i.max_lots):
            raise VenueError(-4005, "Quantity greater than max quantity.")
        for price in (o.price, o.stop):
            if price is not None and not 0 < price <= MAX_PRICE:
                raise VenueError(-4002, "Price greater than max price.")
            if price is not None and price % i.tick:
                raise VenueError(-4014, "Price not increased by tick size.")
        mark = books.mark(i.id)
        if o.price is not None and mark:
            if o.buys and o.price > mark * i.percent_up:
                raise VenueError(-4016, f"Limit price can't be higher than {mark * i.percent_up:.{i.price_digits}f}.")
            if not o.buys and o.price < mark * i.percent_down:
                raise VenueError(-4024, f"Limit price can't be lower than {mark * i.percent_down:.{i.price_digits}f}.")
        reduces = o.reduce_only or o.close_position
        if not reduces and (o.price or o.stop or mark) * o.quantity < i.min_notional:
            words = f"Order's notional must be no smaller than {i.min_notional} (unless you choose reduce only)."
            raise VenueError(-4164, words)
        if books.is_open_client_id(i.id, o.client_id):
            raise VenueError(-4116, "ClientOrderId is duplicated.")
        if o.stop is not None and o.trailing is None and o.crossed(mark):
            raise VenueError(-2021, "Order would immediately trigger.")
        if o.time_in_force == "GTX" and o.price is not None:
            bids, asks = i.depth(self.clock.now(), 1)
            against = asks if o.buys else bids
            touch = i.price(against[0][0]) if against else None
            if touch is not None and (o.price >= touch if o.buys else o.price <= touch):
                words = "Due to the order could not be executed as maker, the Post Only order will be rejected."
                raise VenueError(-5022, words)

    def create(self, call: Call) -> Any:
        """Place an order."""
        books = self._books(call)
        return futures_row(books.place(self._accepted(call, books, algo=False)))

    def create_algo(self, call: Call) -> Any:
        """Place a conditional order."""
        books = self._books(call)
        return algo_row(books.place(self._accepted(call, books, algo=True)))

    def _accepted(self, call: Call, books: FuturesBooks, *, algo: bool) -> Order:
        order = self._read(call, books, algo=algo)
        struck(order, self.faults.draw("accept", call.method, call.path, (order.client_id,)))
        return order

    def amend(self, call: Call) -> Any:
        """Give a resting limit order another quantity and price."""
        books = self._books(call)
        order = self._found(call, books)
        call.text("side"), call.text("quantity"), call.text("price")
        quantity, price = decimal(call, "quantity") or Decimal(0), decimal(call, "price") or Decimal(0)
        if order is None or not order.is_open:
            raise VenueError(-2013, "Order does not exist.")
        if order.price is None or order.side != call.params["side"]:
            raise VenueError(-4140 if order.price is None else -1117, "Invalid order to modify.")
        if (quantity, price) == (order.quantity, order.price):
            raise VenueError(-5027, "No need to modify the order.")
        wanted = replace(order, client_id=f"{order.client_id}?", quantity=quantity, price=price, stop=None)
        self._check(wanted, self.market[order.symbol], books)
        books.amend(order, quantity, price)
        return futures_row(order)

    def _found(self, call: Call, books: FuturesBooks) -> Order | None:
        number, name = call.integer("orderId"), call.params.get("origClientOrderId")
        if number is None and name is None:
            raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        order = books.find(self._instrument(call).id, number, name)
        # A conditional order is an order from its trigger on.
        return order if order is None or not order.algo or order.working else None

    def _found_algo(self, call: Call, books: FuturesBooks) -> Order | None:
        number, name = call.integer("algoId"), call.params.get("clientAlgoId")
        for o in books.orders.values():
            if o.algo and (o.id == number or (number is None and o.client_id == name)):
                return o
        return None

    def query(self, call: Call) -> Any:
        """One order."""
        order = self._found(call, self._books(call))
        if order is None or (call.path.endswith("openOrder") and not order.is_open):
            raise VenueError(-2013, "Order does not exist.")
        return futures_row(order)

    def query_algo(self, call: Call) -> Any:
        """One conditional order."""
        order = self._found_algo(call, self._books(call))
        if order is None:
            raise VenueError(-2013, "Order does not exist.")
        return algo_row(order)

    def cancel(self, call: Call) -> Any:
        """Cancel one order."""
        books = self._books(call)
        order = self._found(call, books)
        if order is not None and order.is_open:
            for fault in self.faults.draw("state", call.method, call.path, (order.client_id,)):
                part = Decimal(1) if fault.name == "cancel_race" else Decimal(str(fault.value("fraction")))
                lot = self.market[order.symbol].lot
                books.fill(order, max(order.left * part // lot * lot, lot))
        if order is None or not order.is_open:
            raise VenueError(-2011, "Unknown order sent.")
        books.cancel(order)
        return futures_row(order)

    def cancel_algo(self, call: Call) -> Any:
        """Cancel one conditional order."""
        books = self._books(call)
        order = self._found_algo(call, books)
        if order is None or not order.is_open:
            raise VenueError(-2011, "Unknown order sent.")
        books.cancel(order)
        return {"algoId": order.id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}

    def _open(self, call: Call, *, algo: bool) -> list[Order]:
        symbol = self._instrument(call).id if "symbol" in call.params else None
        return [o for o in self._books(call).open_orders(symbol) if (o.algo and not o.working) == algo]

    def open_orders(self, call: Call) -> Any:
        """Open orders."""
        return [futures_row(o) for o in self._open(call, algo=False)]

    def open_algos(self, call: Call) -> Any:
        """Conditional orders that wait."""
        return [algo_row(o) for o in self._open(call, algo=True)]

    def cancel_all(self, call: Call) -> Any:
        """Cancel every open order of a symbol."""
        call.text("symbol")
        for order in self._open(call, algo=False):
            self._books(call).cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def cancel_algos(self, call: Call) -> Any:
        """Cancel every waiting conditional order of a symbol."""
        call.text("symbol")
        for order in self._open(call, algo=True):
            self._books(call).cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def all_orders(self, call: Call) -> Any:
        """Orders of a symbol."""
        symbol = self._instrument(call).id
        orders = [o for o in self._books(call).orders.values() if o.symbol == symbol and (not o.algo or o.working)]
        first, start = call.integer("orderId", 0) or 0, call.integer("startTime", 0) or 0
        end = call.integer("endTime", 2**62) or 2**62
        return [futures_row(o) for o in orders if o.id >= first and start <= o.time <= end][
            -limit_of(call, 500, 1000) :
        ]

    def all_algos(self, call: Call) -> Any:
        """Conditional orders of a symbol."""
        symbol = self._instrument(call).id
        return [algo_row(o) for o in self._books(call).orders.values() if o.symbol == symbol and o.algo]

    def trades(self, call: Call) -> Any:
        """Trades of a symbol."""
        symbol = self._instrument(call).id
        first, start = call.integer("fromId", 0) or 0, call.integer("startTime", 0) or 0
        end, order = call.integer("endTime", 2**62) or 2**62, call.integer("orderId")
        found = [
            e
            for e in self._books(call).executions
            if e.symbol == symbol and e.id >= first and start <= e.time <= end and order in (None, e.order_id)
        ]
        return [trade_row(e) for e in found[-limit_of(call, 500, 1000) :]]

    def account(self, call: Call) -> Any:
        """Wallets, margins and positions."""
        books = self._books(call)
        assets = [self._asset(books, asset) for asset in sorted(books.wallets)]
        rows = [self._position(books, p) for p in books.positions.values() if p.amount]
        names = (
            "walletBalance",
            "unrealizedProfit",
            "marginBalance",
            "initialMargin",
            "maintMargin",
            "availableBalance",
        )
        totals = {name: f"{sum(Decimal(a[name]) for a in assets):.8f}" for name in names}
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            **{"total" + k[0].upper() + k[1:]: v for k, v in totals.items() if k != "availableBalance"},
            "totalUnrealizedProfit": totals["unrealizedProfit"],
            "availableBalance": totals["availableBalance"],
            "maxWithdrawAmount": totals["availableBalance"],
            "assets": assets,
            "positions": rows,
        }

    def _asset(self, books: FuturesBooks, asset: str) -> dict[str, Any]:
        held, ordered, gain = books.margin(asset)
        wallet, free = books.wallets[asset], books.available(asset)
        maintenance = sum(
            (abs(p.amount) * books.mark(p.symbol) * MAINTENANCE for p in books.positions.values() if p.amount),
            Decimal(0),
        )
        values = {
            "walletBalance": wallet,
            "unrealizedProfit": gain,
            "marginBalance": wallet + gain,
            "maintMargin": maintenance,
            "initialMargin": held + ordered,
            "positionInitialMargin": held,
            "openOrderInitialMargin": ordered,
            "crossWalletBalance": wallet,
            "crossUnPnl": gain,
            "availableBalance": free,
            "maxWithdrawAmount": max(free, Decimal(0)),
        }
        return {
            "asset": asset,
            **{k: f"{v:.8f}" for k, v in values.items()},
            "marginAvailable": True,
            "updateTime": self.clock.now(),
        }

    def balance(self, call: Call) -> Any:
        """Wallets."""
        books = self._books(call)
        rows = [self._asset(books, asset) for asset in sorted(books.wallets)]
        return [{"accountAlias": "sim", "balance": r["walletBalance"], **r} for r in rows]

    def _position(self, books: FuturesBooks, p: Position) -> dict[str, Any]:
        return position_row(p, self.market[p.symbol], books.mark(p.symbol), books.wallets)

    def position_risk(self, call: Call) -> Any:
        """Positions; the third version lists only those that are held."""
        books = self._books(call)
        names = [self._instrument(call).id] if "symbol" in call.params else list(self.market)
        if call.path.startswith("/fapi/v3"):
            names = [n for n in names if n in books.positions and books.positions[n].amount]
        return [self._position(books, books.position(n)) for n in names]

    def leverage(self, call: Call) -> Any:
        """Set the leverage of a symbol."""
        value = call.integer("leverage")
        if value is None or not 1 <= value <= 125:
            raise VenueError(-4028, f"Leverage {value} is not valid")
        symbol = self._instrument(call).id
        self._books(call).position(symbol).leverage = value
        return {"leverage": value, "maxNotionalValue": "1000000000", "symbol": symbol}

    def margin_type(self, call: Call) -> Any:
        """Set cross or isolated margin of a symbol."""
        wanted = call.text("marginType")
        if wanted not in {"ISOLATED", "CROSSED"}:
            raise VenueError(-4045, "Invalid margin type.")
        books, symbol = self._books(call), self._instrument(call).id
        position = books.position(symbol)
        if position.isolated == (wanted == "ISOLATED"):
            raise VenueError(-4046, "No need to change margin type.")
        if position.amount or books.open_orders(symbol):
            raise VenueError(-4048, "Margin type cannot be changed if there exists position.")
        position.isolated = wanted == "ISOLATED"
        return {"code": 200, "msg": "success"}

    def position_side(self, call: Call) -> Any:
        """One-way mode is the only one here."""
        if call.text("dualSidePosition") == "true":
            raise VenueError(-4061, "Order's position side does not match user's setting.")
        raise VenueError(-4059, "No need to change position side.")

    def brackets(self, call: Call) -> Any:
        """Leverage brackets: one for every size."""
        names = [self._instrument(call).id] if "symbol" in call.params else list(self.market)
        one = {
            "bracket": 1, "initialLeverage": 125, "notionalCap": 1_000_000_000, "notionalFloor": 0,
            "maintMarginRatio": float(MAINTENANCE), "cum": 0.0,
        }  # fmt: skip
        return [{"symbol": n, "brackets": [one]} for n in names]

    def symbol_config(self, call: Call) -> Any:
        """Leverage and margin type of symbols."""
        books = self._books(call)
        names = [self._instrument(call).id] if "symbol" in call.params else list(self.market)
        return [
            {
                "symbol": n, "marginType": "ISOLATED" if books.position(n).isolated else "CROSSED",
                "isAutoAddMargin": "false", "leverage": books.position(n).leverage, "maxNotionalValue": "1000000000",
            }
            for n in names
        ]  # fmt: skip

    def incomes(self, call: Call) -> Any:
        """List changes of the wallets."""
        books, kind, symbol = self._books(call), call.params.get("incomeType"), call.params.get("symbol")
        start, end = call.integer("startTime", 0) or 0, call.integer("endTime", 2**62) or 2**62
        rows = [
            {
                "symbol": i.symbol, "incomeType": i.kind, "income": f"{i.amount:.8f}", "asset": i.asset, "info": i.kind,
                "time": i.time, "tranId": n, "tradeId": "",
            }
            for n, i in enumerate(books.income)
            if kind in (None, i.kind) and symbol in (None, i.symbol) and start <= i.time <= end
        ]  # fmt: skip
        return rows[: limit_of(call, 100, 1000)]

    def premium_index(self, call: Call) -> Any:
        """Mark prices and the funding to come."""
        now, one = self.clock.now(), "symbol" in call.params
        rows = []
        for i in [self._instrument(call)] if one else self.market.values():
            price = i.price_text(i.last(now) or 0)
            rows.append(
                {
                    "symbol": i.id, "markPrice": price, "indexPrice": price, "estimatedSettlePrice": price,
                    "lastFundingRate": self._rate(), "interestRate": "0.00010000",
                    "nextFundingTime": (now // FUNDING_EVERY + 1) * FUNDING_EVERY, "time": now,
                }
            )  # fmt: skip
        return rows[0] if one else rows

    def _rate(self) -> str:
        books = next(iter(self.accounts.values())).futures
        return f"{books.funding_rate:.8f}"

    def funding_rates(self, call: Call) -> Any:
        """Past funding."""
        i, now = self._instrument(call), self.clock.now()
        start = max(call.integer("startTime", 0) or 0, i.series.start)
        end = min(call.integer("endTime", now) or now, now, i.series.end)
        times = range(-(-start // FUNDING_EVERY) * FUNDING_EVERY, end + 1, FUNDING_EVERY)
        limit = limit_of(call, 100, 1000)
        chosen = times[:limit] if "startTime" in call.params else times[-limit:]
        return [
            {
                "symbol": i.id, "fundingTime": t, "fundingRate": self._rate(),
                "markPrice": i.price_text(i.last(t) or 0),
            }
            for t in chosen
        ]  # fmt: skip

    def funding_info(self, call: Call) -> Any:  # noqa: ARG002 - a handler
        """Symbols with their funding intervals."""
        return [
            {
                "symbol": n, "adjustedFundingRateCap": "0.02", "adjustedFundingRateFloor": "-0.02",
                "fundingIntervalHours": 8,
            }
            for n in self.market
        ]  # fmt: skip
