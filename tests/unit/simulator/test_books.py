"""The ledger keeps its laws under any flow of orders: exact, never negative, everything explained by trades."""

import random
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.orders import Order
from mirrorfast.simulator.protocol import Call, Route, VenueError

START = 1_509_000_000_000
HOUR = 3_600_000
ZERO = Decimal(0)


def venue(**options: Any) -> Simulator:
    balances = {"USDT": 50_000, "BTC": 3, "EUR": 10_000, "BNB": "0.05"}
    return Simulator(start=START, speed=0, balances=balances, **options)


def send(simulator: Simulator, name: str, **params: Any) -> Any:
    """An endpoint's answer, without the network and the signature; a refusal as its code."""
    method, path = name.split(" ")
    route: Route = simulator.routes[method, path]
    call = Call(method, path, {k: str(v) for k, v in params.items()}, "", {}, "", simulator.account.key)
    try:
        return route.handler(call)
    except VenueError as error:
        return error.code


def check_spot(simulator: Simulator) -> None:
    books = simulator.account.spot
    explained = books.audit()
    locked: dict[str, Decimal] = {}
    for order in books.open_orders():
        instrument = simulator.market[order.symbol]
        asset = instrument.quote if order.buys else instrument.base
        locked[asset] = locked.get(asset, ZERO) + order.locked
        assert order.locked > 0
    for asset, balance in books.balances.items():
        assert balance.free >= 0, asset
        assert balance.locked == locked.get(asset, ZERO), asset
        assert balance.total == explained.get(asset, ZERO), asset
    check_orders(list(books.orders.values()), books.executions)


def check_orders(orders: list[Order], executions: list[Any]) -> None:
    for order in orders:
        assert ZERO <= order.filled <= order.quantity
        assert order.filled == sum((e.quantity for e in order.executions), ZERO)
        assert order.filled_quote == sum((e.quote for e in order.executions), ZERO)
        if order.price is not None:
            assert all(e.price <= order.price if order.buys else e.price >= order.price for e in order.executions)
        if order.status == "FILLED":
            assert order.left == 0
        if not order.is_open:
            assert order.locked == 0
    assert sum(len(o.executions) for o in orders) == len(executions)
    assert len({e.id for e in executions}) == len(executions)


sides = st.sampled_from(["BUY", "SELL"])
offsets = st.integers(-300, 300)
actions = st.one_of(
    st.tuples(st.just("MARKET"), sides, st.integers(1, 30_000), offsets),
    st.tuples(st.just("QUOTE"), sides, st.integers(1, 3_000), offsets),
    st.tuples(st.sampled_from(["LIMIT", "IOC", "FOK", "LIMIT_MAKER"]), sides, st.integers(1, 100_000), offsets),
    st.tuples(st.sampled_from(["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"]), sides, st.integers(1, 60_000), offsets),
    st.tuples(st.just("TRAILING"), sides, st.integers(1, 60_000), offsets),
    st.tuples(st.just("CANCEL"), sides, st.integers(0, 50), offsets),
    st.tuples(st.just("TIME"), sides, st.integers(1, 4 * HOUR), offsets),
)


def perform(simulator: Simulator, action: tuple[str, str, int, int]) -> Any:
    kind, side, amount, offset = action
    instrument = simulator.market["BTCUSDT"]
    last = instrument.price(instrument.last(simulator.clock.now()) or 0)
    price = (last * (1 + Decimal(offset) / 10_000)).quantize(instrument.tick)
    common = {"symbol": "BTCUSDT", "side": side}
    quantity = instrument.quantity(amount)
    if kind == "TIME":
        simulator.clock.advance(amount)
        return send(simulator, "GET /api/v3/openOrders")
    if kind == "CANCEL":
        orders = simulator.account.spot.open_orders()
        return orders and send(
            simulator, "DELETE /api/v3/order", symbol="BTCUSDT", orderId=orders[amount % len(orders)].id
        )
    if kind == "MARKET":
        return send(simulator, "POST /api/v3/order", **common, type="MARKET", quantity=quantity)
    if kind == "QUOTE":
        return send(simulator, "POST /api/v3/order", **common, type="MARKET", quoteOrderQty=amount)
    if kind in {"LIMIT", "IOC", "FOK"}:
        force = "GTC" if kind == "LIMIT" else kind
        more = {"type": "LIMIT", "timeInForce": force, "price": price}
    elif kind == "LIMIT_MAKER":
        more = {"type": kind, "price": price}
    elif kind == "TRAILING":
        more = {"type": "STOP_LOSS", "trailingDelta": 10 + abs(offset)}
    elif kind == "STOP_LOSS_LIMIT":
        more = {"type": kind, "stopPrice": price, "price": price, "timeInForce": "GTC"}
    else:
        more = {"type": kind, "stopPrice": price}
    return send(simulator, "POST /api/v3/order", **common, **more, quantity=quantity)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(actions, min_size=1, max_size=40),
    st.sampled_from([None, 0.001, 0.05]),
    st.sampled_from([None, "BNB"]),
)
def test_any_flow_of_spot_orders_keeps_the_ledger(
    flow: list[tuple[str, str, int, int]], participation: float | None, fee_asset: str | None
) -> None:
    simulator = venue(participation=participation, fee_asset=fee_asset, fee_price=10.0)
    for action in flow:
        perform(simulator, action)
        check_spot(simulator)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["MARKET", "LIMIT", "STOP", "REDUCE", "LEVERAGE", "CANCEL", "TIME"]),
            sides,
            st.integers(1, 3_000_000),
            offsets,
        ),
        min_size=1,
        max_size=40,
    ),
    st.booleans(),
)
def test_any_flow_of_futures_orders_keeps_the_ledger(flow: list[tuple[str, str, int, int]], isolated: bool) -> None:
    simulator = Simulator(start=START, speed=0, futures_balances={"USDT": 20_000})
    books = simulator.account.futures
    if isolated:
        assert send(simulator, "POST /fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")["code"] == 200
    for kind, side, amount, offset in flow:
        instrument = simulator.futures["BTCUSDT"]
        price = (books.mark("BTCUSDT") * (1 + Decimal(offset) / 10_000)).quantize(instrument.tick)
        common = {"symbol": "BTCUSDT", "side": side, "quantity": instrument.quantity(amount)}
        if kind == "TIME":
            simulator.clock.advance(amount * 5)
            send(simulator, "GET /fapi/v1/openOrders")
        elif kind == "LEVERAGE":
            send(simulator, "POST /fapi/v1/leverage", symbol="BTCUSDT", leverage=amount % 126)
        elif kind == "CANCEL":
            send(simulator, "DELETE /fapi/v1/allOpenOrders", symbol="BTCUSDT")
        elif kind == "STOP":
            send(simulator, "POST /fapi/v1/algoOrder", **common, type="STOP_MARKET", triggerPrice=price)
        elif kind == "LIMIT":
            send(simulator, "POST /fapi/v1/order", **common, type="LIMIT", price=price, timeInForce="GTC")
        else:
            send(simulator, "POST /fapi/v1/order", **common, type="MARKET", reduceOnly=str(kind == "REDUCE").lower())
        explained = books.audit()
        assert books.wallets == {asset: explained[asset] for asset in books.wallets}
        signed = sum((e.quantity if e.side == "BUY" else -e.quantity for e in books.executions), ZERO)
        position = books.positions.get("BTCUSDT")
        assert signed == (ZERO if position is None else position.amount)
        if position is not None and position.amount == 0:
            assert (position.entry, position.wallet) == (ZERO, ZERO)
        check_orders(list(books.orders.values()), books.executions)


def test_the_moments_of_asking_do_not_change_the_fills() -> None:
    def run(step: int) -> list[tuple[Decimal, Decimal, int]]:
        simulator = venue(participation=0.001)
        assert isinstance(perform(simulator, ("LIMIT", "BUY", 60_000, -40)), dict)
        assert isinstance(perform(simulator, ("STOP_LOSS", "SELL", 20_000, -80)), dict)
        for _ in range(48 * HOUR // step):
            simulator.clock.advance(step)
            send(simulator, "GET /api/v3/openOrders")
        return [(e.price, e.quantity, e.time) for e in simulator.account.spot.executions]

    fills = run(HOUR // 4)
    assert len(fills) > 3
    assert fills == run(48 * HOUR)


def test_a_market_order_walks_the_book() -> None:
    simulator = venue()
    _, asks = simulator.market["BTCUSDT"].depth(START, 3)
    perform(simulator, ("MARKET", "BUY", asks[0][1] + asks[1][1] + 1, 0))
    fills = simulator.account.spot.executions
    assert [int(e.price * 100) for e in fills] == [asks[0][0], asks[1][0], asks[2][0]]
    assert fills[2].quantity == Decimal("0.0001")


def test_an_empty_book_trades_nothing() -> None:
    simulator = venue()
    simulator.market["BTCUSDT"].empty_book = True
    answer = perform(simulator, ("MARKET", "SELL", 100, 0))
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.00000000")
    check_spot(simulator)


def test_a_halted_symbol_refuses_and_fills_nothing() -> None:
    simulator = venue()
    assert perform(simulator, ("LIMIT", "BUY", 10_000, -1))["status"] == "NEW"
    simulator.market["BTCUSDT"].status = "BREAK"
    simulator.clock.advance(24 * HOUR)
    assert perform(simulator, ("MARKET", "SELL", 100, 0)) == -1013
    assert [o.filled for o in simulator.account.spot.open_orders()] == [ZERO]
    simulator.market["BTCUSDT"].status = "TRADING"
    send(simulator, "GET /api/v3/openOrders")
    assert simulator.account.spot.open_orders() == []


def test_fees_in_a_third_coin_until_it_is_spent() -> None:
    simulator = venue(fee_asset="BNB", fee_price=10.0)
    for _ in range(3):
        perform(simulator, ("MARKET", "BUY", 500, 0))
    fees = [(e.fee_asset, e.fee) for e in simulator.account.spot.executions]
    assert fees[0][0] == "BNB"
    assert fees[-1][0] == "BTC"
    check_spot(simulator)


def test_liquidation_takes_no_more_than_the_isolated_margin() -> None:
    simulator = Simulator(start=START, speed=0, futures_balances={"USDT": 20_000})
    books = simulator.account.futures
    send(simulator, "POST /fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    send(simulator, "POST /fapi/v1/leverage", symbol="BTCUSDT", leverage=100)
    bought = send(simulator, "POST /fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="10.0000")
    assert bought["status"] == "FILLED"
    margin = books.positions["BTCUSDT"].wallet
    before = books.wallets["USDT"]
    for _ in range(72):
        simulator.clock.advance(HOUR)
        send(simulator, "GET /fapi/v3/positionRisk")
        if books.positions["BTCUSDT"].amount == 0:
            break
    assert books.executions[-1].order_id in books.orders
    assert books.orders[books.executions[-1].order_id].kind == "LIQUIDATION"
    assert books.wallets["USDT"] >= before - margin
    assert books.audit() == books.wallets


def test_funding_is_paid_every_eight_hours() -> None:
    simulator = Simulator(start=START, speed=0, futures_balances={"USDT": 20_000})
    books = simulator.account.futures
    send(simulator, "POST /fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1000")
    simulator.clock.advance(24 * HOUR)
    rows = send(simulator, "GET /fapi/v1/income", incomeType="FUNDING_FEE")
    assert [r["time"] % (8 * HOUR) for r in rows] == [0, 0, 0]
    assert all(float(r["income"]) > 0 for r in rows)  # shorts receive a positive rate
    assert books.audit() == books.wallets


def test_the_flows_above_do_trade() -> None:
    """A law that nothing exercises says nothing: a plain random flow reaches every state of an order."""
    rng = random.Random(3)
    simulator = venue(participation=0.001)
    kinds = ["MARKET", "QUOTE", "LIMIT", "IOC", "FOK", "LIMIT_MAKER", "STOP_LOSS", "TAKE_PROFIT", "TRAILING", "CANCEL"]
    for _ in range(400):
        perform(
            simulator, (rng.choice(kinds), rng.choice(["BUY", "SELL"]), rng.randint(1, 3_000), rng.randint(-200, 200))
        )
        perform(simulator, ("TIME", "BUY", rng.randint(1, HOUR), 0))
    check_spot(simulator)
    books = simulator.account.spot
    assert len(books.executions) > 200
    assert {o.status for o in books.orders.values()} >= {"FILLED", "CANCELED", "EXPIRED"}
    assert {e.maker for e in books.executions} == {True, False}
    assert any(len(o.executions) > 1 for o in books.orders.values())
    assert any(o.trailing is not None and o.filled > 0 for o in books.orders.values())
