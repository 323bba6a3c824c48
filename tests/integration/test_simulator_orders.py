"""Orders through real ccxt clients by production URLs: life, errors as the real venue's classes, faults, streams."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.account import KEY, SECRET
from mirrorfast.simulator.unpatched import Authority, unpatched

NOW = 1_509_020_400_000
HOUR = 3_600_000
SYMBOL = "BTC/USDT"
SWAP = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trade(authority: Authority) -> Callable[..., Any]:
    def run(work: Callable[[Simulator, Any], Awaitable[Any]], cls: type = ccxt.binance, **options: Any) -> Any:
        async def inside() -> Any:
            simulator = Simulator(**{"start": NOW, "speed": 0, **options})
            config = {
                "apiKey": KEY,
                "secret": SECRET,
                "enableRateLimit": False,
                "options": {"fetchCurrencies": False, "fetchMargins": False},
            }
            async with (
                await simulator.start(tls=authority.server()),
                unpatched(cls, simulator, authority, **config) as client,
            ):
                await client.load_markets()
                return await work(simulator, client)

        return asyncio.run(inside())

    return run


def last(venue: Simulator) -> float:
    instrument = venue.market["BTCUSDT"]
    return float(instrument.price(instrument.last(venue.clock.now()) or 0))


def test_life_of_orders(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        books = venue.account.spot
        bought = await client.create_order(SYMBOL, "market", "buy", 0.5)
        assert (bought["status"], bought["filled"]) == ("closed", 0.5)
        assert bought["fee"] == {"currency": "BTC", "cost": 0.0005}
        resting = await client.create_order(SYMBOL, "limit", "buy", 0.2, last(venue) * 0.98, {"clientOrderId": "mf-1"})
        assert resting["status"] == "open"
        balance = await client.fetch_balance()
        assert balance["USDT"]["used"] == pytest.approx(0.2 * resting["price"])
        assert [o["clientOrderId"] for o in await client.fetch_open_orders(SYMBOL)] == ["mf-1"]
        found = await client.fetch_order(None, SYMBOL, {"origClientOrderId": "mf-1"})
        assert found["id"] == resting["id"]
        assert (await client.cancel_order(resting["id"], SYMBOL))["status"] == "canceled"
        await client.create_order(SYMBOL, "limit", "sell", 0.1, last(venue) * 1.02)
        await client.create_order(SYMBOL, "limit", "sell", 0.1, last(venue) * 1.03)
        assert len(await client.cancel_all_orders(SYMBOL)) == 2
        trades = await client.fetch_my_trades(SYMBOL)
        assert [t["id"] for t in trades] == [str(e.id) for e in books.executions]
        assert len(await client.fetch_orders(SYMBOL)) == 4
        balance = await client.fetch_balance()
        for asset in ("BTC", "USDT"):
            assert Decimal(str(balance[asset]["total"])) == books.balances[asset].total == books.audit()[asset]

    trade(work)


def test_resting_and_stop_orders_fill_as_the_recording_goes(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        await client.create_order(SYMBOL, "market", "buy", 1.0)
        price = last(venue)
        below = await client.create_order(SYMBOL, "limit", "buy", 0.2, price * 0.995)
        stop = await client.create_order(SYMBOL, "market", "sell", 0.3, None, {"stopLossPrice": price * 0.99})
        profit = await client.create_order(
            SYMBOL, "limit", "sell", 0.3, price * 1.02, {"takeProfitPrice": price * 1.02}
        )
        trailing = {"trailingPercent": 1.5, "stopLossOrTakeProfit": "stopLoss"}
        trail = await client.create_order(SYMBOL, "market", "sell", 0.1, None, trailing)
        seen = []
        for _ in range(200):
            venue.clock.advance(HOUR)
            seen = [
                o["status"] for o in [await client.fetch_order(x["id"], SYMBOL) for x in (below, stop, profit, trail)]
            ]
            if set(seen) == {"closed"}:
                break
        assert seen == ["closed"] * 4
        fills = {t["order"]: t for t in await client.fetch_my_trades(SYMBOL)}
        assert fills[below["id"]]["takerOrMaker"] == "maker"
        assert fills[below["id"]]["price"] == below["price"]
        assert fills[stop["id"]]["takerOrMaker"] == "taker"
        assert fills[stop["id"]]["price"] <= price * 0.99
        assert fills[profit["id"]]["price"] >= profit["price"]

    trade(work)


@pytest.mark.parametrize(
    ("order", "error", "code"),
    [
        (("limit", "buy", 0.0001, 0.9), ccxt.BadRequest, "NOTIONAL"),
        (("limit", "buy", 0.5, 9.0), ccxt.InvalidOrder, "PERCENT_PRICE_BY_SIDE"),
        (("market", "buy", 5000, None), ccxt.InsufficientFunds, "insufficient balance"),
        (("market", "sell", 1.0, None), ccxt.InsufficientFunds, "insufficient balance"),
        (("limit", "buy", 0.01, 1.1, {"postOnly": True}), ccxt.InvalidOrder, "immediately match"),
        (("market", "buy", 0.01, None, {"stopLossPrice": 1.0}), ccxt.InvalidOrder, "trigger immediately"),
        (("limit", "buy", 0.01, 0.9, {"clientOrderId": "with space"}), ccxt.BadRequest, "-1100"),
    ],
)
def test_refusals(trade: Callable[..., Any], order: tuple, error: type[Exception], code: str) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        kind, side, amount, factor, *more = order
        price = None if factor is None else last(venue) * factor
        parameters = dict(more[0]) if more else {}
        if "stopLossPrice" in parameters:
            parameters["stopLossPrice"] *= last(venue)
        with pytest.raises(error, match=code):
            await client.create_order(SYMBOL, kind, side, amount, price, parameters)
        assert venue.account.spot.orders == {}

    trade(work)


def test_steps_are_checked_by_the_venue_too(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        request = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE"):
            await client.private_post_order({**request, "quantity": "0.00001", "price": "5000"})
        with pytest.raises(ccxt.InvalidOrder, match="PRICE_FILTER"):
            await client.private_post_order({**request, "quantity": "0.1", "price": "5000.001"})
        with pytest.raises(ccxt.BadRequest, match="-1111"):
            await client.private_post_order({**request, "quantity": "0.1000000001", "price": "5000"})
        with pytest.raises(ccxt.BadRequest, match="-1106"):
            await client.private_post_order({**request, "type": "MARKET", "quantity": "0.1"})
        with pytest.raises(ccxt.BadRequest, match="-1102"):
            await client.private_post_order({**request, "quantity": "0.1"})

    trade(work)


def test_client_ids_are_unique_among_open_orders(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        for symbol, error in ((SYMBOL, ccxt.InvalidOrder), (SWAP, ccxt.InvalidOrder)):
            price = last(venue) * 0.99
            first = await client.create_order(symbol, "limit", "buy", 0.1, price, {"clientOrderId": "mf-7"})
            with pytest.raises(error):
                await client.create_order(symbol, "limit", "buy", 0.1, price, {"clientOrderId": "mf-7"})
            await client.cancel_order(first["id"], symbol)
            again = await client.create_order(symbol, "limit", "buy", 0.1, price, {"clientOrderId": "mf-7"})
            assert again["id"] != first["id"]

    trade(work)


def test_unknown_orders(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        for symbol in (SYMBOL, SWAP):
            with pytest.raises(ccxt.OrderNotFound):
                await client.fetch_order("999", symbol)
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order("999", symbol)

    trade(work)


def test_keys_signatures_and_timestamps(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError, match="-1022"):
            await client.fetch_balance()
        client.secret, client.apiKey = SECRET, "nobody"
        with pytest.raises(ccxt.AuthenticationError, match="-2015"):
            await client.fetch_balance()
        client.apiKey = KEY
        client.milliseconds = venue.clock.now
        for skew in (20_000, -20_000):
            venue.clock.skew = skew
            with pytest.raises(ccxt.InvalidNonce, match="-1021"):
                await client.fetch_balance()
            await client.load_time_difference()
            await client.fetch_balance()
        with pytest.raises(ccxt.BadRequest, match="-1131"):
            await client.fetch_balance({"recvWindow": 60_001})

    trade(work)


def test_too_many_orders(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        venue.account.orders_10s.limit = 2
        for _ in range(2):
            await client.create_order(SYMBOL, "market", "buy", 0.01)
        with pytest.raises(ccxt.DDoSProtection, match="-1015"):
            await client.create_order(SYMBOL, "market", "buy", 0.01)
        assert len(venue.account.spot.orders) == 2

    trade(work, monotonic=lambda: 0.0)


@pytest.mark.parametrize(
    ("fault", "parameters", "placed"),
    [
        ("drop_before", {}, 0),
        ("error_before", {"status": 503}, 0),
        ("drop_after", {}, 1),
        ("late_answer", {"delay": 1.0}, 1),
        ("error_after", {"status": 502}, 1),
        ("error_after", {"status": 504}, 1),
        ("unknown_status", {"code": -1007}, 1),
        ("unknown_status", {"code": -1006}, 1),
        ("garbage", {"kind": "empty"}, 1),
        ("garbage", {"kind": "object"}, 1),
        ("garbage", {"kind": "null"}, 1),
        ("garbage", {"kind": "html"}, 1),
        ("garbage", {"kind": "truncated"}, 1),
        ("insufficient_balance", {}, 0),
        ("duplicate_order", {}, 0),
        ("filter_failure", {"filter": "LOT_SIZE"}, 0),
        ("unknown_error", {"code": -9000}, 0),
        ("bad_key", {}, 0),
        ("bad_signature", {}, 0),
        ("bad_timestamp", {}, 0),
    ],
)
def test_what_the_venue_did_when_an_order_failed(
    trade: Callable[..., Any], fault: str, parameters: dict, placed: int
) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        client.timeout = 300
        rule = venue.faults.add(fault, endpoint="*/order", method="POST", **parameters)
        order = None
        with contextlib.suppress(ccxt.BaseError, AttributeError, TypeError):
            order = await client.create_order(SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "mf-9"})
        # Garbage raises nothing: ccxt hands out an order without id and status.
        assert order is None or (order["id"], order["status"]) == (None, None)
        assert rule.struck == 1
        venue.faults.clear()
        client.timeout = 10_000
        assert len(venue.account.spot.orders) == placed
        if placed:
            found = await client.fetch_order(None, SYMBOL, {"origClientOrderId": "mf-9"})
            assert found["filled"] == 0.1
        else:
            with pytest.raises(ccxt.OrderNotFound):
                await client.fetch_order(None, SYMBOL, {"origClientOrderId": "mf-9"})

    trade(work)


def test_a_held_order_arrives_later_unless_its_window_is_over(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        venue.faults.add("hold", endpoint="*/order", method="POST", delay=0.2)
        for name, window in (("mf-a", 5_000), ("mf-b", 2_000)):
            parameters = {"clientOrderId": name, "recvWindow": window}
            with pytest.raises(ccxt.NetworkError):
                await client.create_order(SYMBOL, "market", "buy", 0.1, None, parameters)
            with pytest.raises(ccxt.OrderNotFound):
                await client.fetch_order(None, SYMBOL, {"origClientOrderId": name})
            venue.clock.advance(3_000)
            await asyncio.sleep(0.4)
        assert [o.client_id for o in venue.account.spot.orders.values()] == ["mf-a"]

    trade(work)


def test_cancel_races(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        for fault, filled, status in (("cancel_race", 0.2, "closed"), ("partial_race", 0.1, "canceled")):
            order = await client.create_order(SYMBOL, "limit", "buy", 0.2, last(venue) * 0.98)
            rule = venue.faults.add(fault, endpoint="*/order", method="DELETE", count=1)
            if status == "closed":
                with pytest.raises(ccxt.OrderNotFound):
                    await client.cancel_order(order["id"], SYMBOL)
            else:
                await client.cancel_order(order["id"], SYMBOL)
            assert rule.struck == 1
            final = await client.fetch_order(order["id"], SYMBOL)
            assert (final["filled"], final["status"]) == (filled, status)

    trade(work)


def test_a_lagging_replica_and_empty_balances(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        order = await client.create_order(SYMBOL, "limit", "buy", 0.2, last(venue) * 0.98)
        venue.faults.add("not_found", endpoint="*/order", method="GET", count=1)
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(order["id"], SYMBOL)
        assert (await client.fetch_order(order["id"], SYMBOL))["status"] == "open"
        venue.faults.add("empty_balances", endpoint="*/account", count=1)
        assert (await client.fetch_balance())["total"] == {}
        assert (await client.fetch_balance())["total"]["USDT"] > 0
        venue.faults.add("empty_list", endpoint="*/openOrders", count=1)
        assert await client.fetch_open_orders(SYMBOL) == []
        assert len(await client.fetch_open_orders(SYMBOL)) == 1

    trade(work)


def test_strangers_and_drift(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        venue.account.spot.deposit("USDT", Decimal("-250.5"))
        assert (await client.fetch_balance())["USDT"]["total"] == 99_749.5
        client.options["broker"] = {}
        await client.create_order(SYMBOL, "limit", "buy", 0.2, last(venue) * 0.98, {"clientOrderId": "by-hand"})
        assert [o["clientOrderId"] for o in await client.fetch_open_orders(SYMBOL)] == ["by-hand"]

    trade(work)


def test_futures(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        swap = {"type": "swap"}
        assert (await client.fetch_balance(swap))["USDT"]["total"] == 100_000
        await client.set_leverage(10, SWAP)
        await client.set_margin_mode("isolated", SWAP)
        with pytest.raises(ccxt.MarginModeAlreadySet):
            await client.set_margin_mode("isolated", SWAP)
        with pytest.raises(ccxt.InvalidOrder, match="ReduceOnly"):
            await client.create_order(SWAP, "market", "sell", 1, None, {"reduceOnly": True})
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order(SWAP, "market", "buy", 5000)
        order = await client.create_order(SWAP, "market", "buy", 2)
        assert (order["status"], order["filled"]) == ("closed", 2.0)
        (position,) = await client.fetch_positions([SWAP])
        assert (position["side"], position["contracts"], position["leverage"]) == ("long", 2.0, 10.0)
        assert position["marginMode"] == "isolated"
        assert 0 < position["liquidationPrice"] < position["entryPrice"]
        stop = await client.create_order(
            SWAP, "market", "sell", 2, None, {"stopLossPrice": last(venue) * 0.99, "reduceOnly": True}
        )
        assert [o["id"] for o in await client.fetch_open_orders(SWAP, params={"trigger": True})] == [stop["id"]]
        for _ in range(100):
            venue.clock.advance(HOUR)
            if not await client.fetch_positions([SWAP]):
                break
        trades = await client.fetch_my_trades(SWAP)
        assert sum(t["amount"] for t in trades if t["side"] == "sell") == 2.0
        assert (await client.fetch_funding_rate(SWAP))["fundingRate"] == 0.0001
        assert len(await client.fetch_funding_rate_history(SWAP, limit=5)) == 5
        books = venue.account.futures
        assert books.audit() == books.wallets
        total = (await client.fetch_balance(swap))["USDT"]["total"]
        assert Decimal(str(total)) == books.wallets["USDT"].quantize(Decimal("0.00000001"))

    trade(work)


def test_market_streams(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        wait = asyncio.wait_for
        await wait(client.watch_ohlcv_for_symbols([[SYMBOL, "1h"]]), 30)
        while len(client.ohlcvs[SYMBOL]["1h"]) < 4:
            await wait(client.watch_ohlcv_for_symbols([[SYMBOL, "1h"]]), 30)
        streamed = [list(row) for row in client.ohlcvs[SYMBOL]["1h"]]
        rest = {r[0]: r for r in await client.fetch_ohlcv(SYMBOL, "1h", limit=50)}
        assert all(rest[row[0]] == row for row in streamed[:-1])
        trades = await wait(client.watch_trades(SYMBOL), 5)
        quotes = await wait(client.watch_bids_asks([SYMBOL]), 5)
        assert quotes[SYMBOL]["bid"] < quotes[SYMBOL]["ask"]
        assert trades[-1]["price"] > 0
        assert await wait(client.watch_ohlcv(SWAP, "1h"), 5)

    trade(work, ccxt_pro.binance, speed=20_000)


def test_account_streams(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        for symbol, kind in ((SYMBOL, "spot"), (SWAP, "swap")):
            watching = asyncio.ensure_future(client.watch_orders(symbol))
            for _ in range(200):
                await asyncio.sleep(0.02)
                if any(c.account is venue.account and c.futures == (kind == "swap") for c in venue.streams.connections):
                    break
            sent = await client.create_order(symbol, "market", "buy", 0.1)
            assert (await asyncio.wait_for(watching, 5))[-1]["id"] == sent["id"]
            # ccxt hands out what is newest when it is asked; its cache has every order.
            for _ in range(200):
                if client.orders[-1]["status"] == "closed":
                    break
                await asyncio.sleep(0.02)
            assert (client.orders[-1]["symbol"], client.orders[-1]["filled"]) == (symbol, 0.1)

    trade(work, ccxt_pro.binance)


def test_futures_account_streams(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        client.options["watchPositions"] = {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False}
        positions = asyncio.ensure_future(client.watch_positions([SWAP]))
        orders = asyncio.ensure_future(client.watch_orders(SWAP))
        while not any(c.account is venue.account for c in venue.streams.connections):
            await asyncio.sleep(0.02)
        stop = await client.create_order(SWAP, "market", "buy", 0.2, None, {"triggerPrice": last(venue) * 1.05})
        (first,) = await asyncio.wait_for(orders, 5)
        assert (first["id"], first["status"]) == (stop["id"], "open")
        await client.create_order(SWAP, "market", "sell", 0.3)
        (position,) = await asyncio.wait_for(positions, 5)
        assert (position["symbol"], position["side"], position["contracts"]) == (SWAP, "short", 0.3)

    trade(work, ccxt_pro.binance)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        ("stream_gap", [1, 3, 4, 5, 6]),
        ("stream_duplicate", [1, 2, 2, 3, 4, 5, 6]),
        ("stream_disorder", [1, 3, 2, 4, 5, 6]),
        ("stream_delay", [1, 2, 3, 4, 5, 6]),
        ("stream_garbage", [1, "{", 3, 4, 5, 6]),
        ("stream_silence", [1]),
        ("stream_drop", [1]),
    ],
)
def test_stream_faults(fault: str | None, expected: list[object]) -> None:
    """On the wire, where the order of messages can be seen."""
    import json

    import aiohttp

    async def run() -> tuple[list[object], bool, int]:
        async with Simulator(start=NOW, speed=0) as venue, aiohttp.ClientSession() as session:
            if fault is not None:
                venue.faults.add(fault, endpoint="btcusdt@trade", after=1, count=1)
            got: list[object] = []
            first = venue.market["BTCUSDT"].series.position(venue.clock.now())
            async with session.ws_connect(venue.url + "/stream.binance.com/ws/btcusdt@trade") as socket:
                while not venue.streams.connections:
                    await asyncio.sleep(0.01)
                venue.clock.advance(HOUR // 2)
                while True:
                    try:
                        message = await socket.receive(timeout=0.5 if fault != "stream_delay" else 1.5)
                    except TimeoutError:
                        return got, False, first
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return got, True, first
                    try:
                        got.append(json.loads(message.data)["t"] - first)
                    except ValueError:
                        got.append(message.data)

    got, ended, _ = asyncio.run(run())
    assert got == expected
    assert ended == (fault == "stream_drop")


def test_a_cancel_whose_answer_is_dropped(trade: Callable[..., Any]) -> None:
    """aiohttp sends the DELETE again, and the venue no longer knows an open order."""

    async def work(venue: Simulator, client: Any) -> None:
        order = await client.create_order(SYMBOL, "limit", "buy", 0.2, last(venue) * 0.98)
        rule = venue.faults.add("drop_after", endpoint="*/order", method="DELETE", count=1)
        with pytest.raises((ccxt.OrderNotFound, ccxt.NetworkError)):
            await client.cancel_order(order["id"], SYMBOL)
        assert rule.struck == 1
        assert (await client.fetch_order(order["id"], SYMBOL))["status"] == "canceled"

    trade(work)


def test_partial_fills_arrive_bit_by_bit(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        order = await client.create_order(SYMBOL, "limit", "buy", 5, last(venue) * 0.999)
        seen = set()
        for _ in range(300):
            venue.clock.advance(HOUR // 12)
            found = await client.fetch_order(order["id"], SYMBOL)
            seen.add(found["status"] if found["filled"] in (0, 5) else "partial")
            if found["status"] == "closed":
                break
        assert seen == {"open", "partial", "closed"}
        trades = await client.fetch_order_trades(order["id"], SYMBOL)
        assert len(trades) > 2
        assert sum(Decimal(str(t["amount"])) for t in trades) == 5

    trade(work, participation=0.01)


def test_a_storm_of_faults_leaves_the_ledger_exact(trade: Callable[..., Any]) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        client.timeout = 500
        for fault in ("drop_before", "error_before", "drop_after", "error_after", "unknown_status", "garbage"):
            venue.faults.add(fault, probability=0.08, endpoint="*/order")
        sent = 0
        for number in range(120):
            side = "sell" if number % 3 == 0 else "buy"
            kind, price = (
                ("market", None) if number % 2 else ("limit", last(venue) * (0.999 if side == "buy" else 1.001))
            )
            with contextlib.suppress(ccxt.BaseError):
                await client.create_order(SYMBOL, kind, side, 0.02, price, {"clientOrderId": f"mf-{number}"})
                sent += 1
            venue.clock.advance(HOUR // 20)
        venue.faults.clear()
        books = venue.account.spot
        names = [o.client_id for o in books.orders.values()]
        assert 60 < len(names) == len(set(names))
        assert sent != len(names)  # what the client believes is not what happened
        balance = await client.fetch_balance()
        explained = books.audit()
        for asset in ("BTC", "USDT"):
            assert Decimal(str(balance[asset]["total"])) == explained[asset].quantize(Decimal("0.00000001"))

    trade(work, seed=5)
