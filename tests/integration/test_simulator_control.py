"""What a test decides about orders, symbols and money, order lists and amendments: through real ccxt clients."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro as ccxt_pro
import pytest

from mirrorfast.errors import ParameterError
from mirrorfast.simulator import Simulator, connect
from mirrorfast.simulator.account import KEY, SECRET
from mirrorfast.simulator.control import by_hand, change_symbol, ledger, move_money, settle_order

NOW = 1_509_020_400_000
HOUR = 3_600_000
SYMBOL, SWAP = "BTC/USDT", "BTC/USDT:USDT"


def trade(work: Callable[[Simulator, Any], Awaitable[Any]], cls: type = ccxt.binance, **options: Any) -> Any:
    async def inside() -> Any:
        async with Simulator(**{"start": NOW, "speed": 0, "balances": {"USDT": 100_000, "BTC": 3}, **options}) as venue:
            client = connect(
                cls,
                venue,
                apiKey=KEY,
                secret=SECRET,
                enableRateLimit=False,
                options={
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                    "fetchMarkets": {"types": ["spot", "linear"]},
                },
            )
            try:
                await client.load_markets()
                return await work(venue, client)
            finally:
                await client.close()

    return asyncio.run(inside())


def last(venue: Simulator) -> float:
    instrument = venue.market["BTCUSDT"]
    return float(instrument.price(instrument.last(venue.clock.now()) or 0))


def exact(venue: Simulator) -> bool:
    spot = venue.account.spot
    return spot.audit() == {asset: b.total for asset, b in spot.balances.items()}


def until(venue: Simulator, price: float, *, above: bool) -> None:
    """Let time pass until the market has traded beyond a price."""
    for _ in range(24 * 60):
        venue.clock.advance(HOUR)
        venue.account.spot.advance(venue.clock.now())
        venue.account.futures.advance(venue.clock.now())
        if (last(venue) >= price) if above else (last(venue) <= price):
            return
    raise AssertionError(f"the recording never trades beyond {price}")


async def oco(client: Any, side: str, quantity: str, profit: float, stop: float, **names: str) -> Any:
    top, low = (profit, stop) if side == "SELL" else (stop, profit)
    market = client.market(SYMBOL)
    legs = {"above": ("LIMIT_MAKER", top), "below": ("STOP_LOSS", low)}
    if side == "BUY":
        legs = {"above": ("STOP_LOSS", top), "below": ("LIMIT_MAKER", low)}
    request = {"symbol": market["id"], "side": side, "quantity": quantity, **names}
    for place, (kind, price) in legs.items():
        request[f"{place}Type"] = kind
        request[f"{place}Price" if kind == "LIMIT_MAKER" else f"{place}StopPrice"] = client.price_to_precision(
            SYMBOL, price
        )
    return await client.private_post_orderlist_oco(request)


@pytest.mark.parametrize(("side", "profits"), [("SELL", True), ("SELL", False), ("BUY", True), ("BUY", False)])
def test_of_an_order_list_one_trades_and_the_other_ends(side: str, profits: bool) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        near, far = (0.03, 0.5) if profits else (0.5, 0.03)  # which of the two the market reaches
        sign = 1 if side == "SELL" else -1
        profit, stop = price * (1 + sign * near), price * (1 - sign * far)
        placed = await oco(client, side, "0.5", profit, stop, listClientOrderId="mf-list")
        assert placed["listOrderStatus"] == "EXECUTING"
        held = venue.account.spot.balance("BTC" if side == "SELL" else "USDT").locked
        most = Decimal("0.5") if side == "SELL" else Decimal(client.price_to_precision(SYMBOL, max(profit, stop))) / 2
        assert held == most  # once, not twice
        assert len(await client.fetch_open_orders(SYMBOL)) == 2
        until(venue, profit if profits else stop, above=(side == "SELL") == profits)
        orders = {o["status"]: o for o in await client.fetch_orders(SYMBOL)}
        assert set(orders) == {"closed", "expired"}
        assert orders["closed"]["filled"] == 0.5
        assert ("maker" in orders["closed"]["info"]["type"].lower()) == profits
        assert (await client.private_get_orderlist({"orderListId": placed["orderListId"]}))[
            "listOrderStatus"
        ] == "ALL_DONE"
        assert await client.private_get_openorderlist() == []
        assert all(b.locked == 0 for b in venue.account.spot.balances.values())
        assert exact(venue)

    trade(work)


def test_order_lists_are_checked_cancelled_and_told_of() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        with pytest.raises(ccxt.BaseError, match="relationship of the prices"):
            await oco(client, "SELL", "0.5", price * 0.99, price * 0.9)
        with pytest.raises(ccxt.InsufficientFunds):
            await oco(client, "SELL", "3.5", price * 1.1, price * 0.9)
        assert venue.account.spot.pairs == {}
        assert venue.account.spot.balance("BTC").locked == 0
        first = await oco(
            client, "SELL", "0.5", price * 1.1, price * 0.9, aboveClientOrderId="mf-tp", belowClientOrderId="mf-sl"
        )
        await client.cancel_order(None, SYMBOL, {"origClientOrderId": "mf-sl"})  # one of the two ends both
        assert await client.fetch_open_orders(SYMBOL) == []
        second = await oco(client, "SELL", "0.5", price * 1.1, price * 0.9)
        gone = await client.private_delete_orderlist({"symbol": "BTCUSDT", "orderListId": second["orderListId"]})
        assert {o["status"] for o in gone["orderReports"]} == {"CANCELED"}
        with pytest.raises(ccxt.OrderNotFound):
            await client.private_delete_orderlist({"symbol": "BTCUSDT", "orderListId": first["orderListId"]})
        prices = {"price": 1.1, "stopPrice": 0.9, "stopLimitPrice": 0.89}
        old = {name: f"{price * factor:.2f}" for name, factor in prices.items()}
        old |= {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", "stopLimitTimeInForce": "GTC"}
        await client.private_post_order_oco(old)
        assert len(await client.private_delete_openorders({"symbol": "BTCUSDT"})) == 1
        assert len(await client.private_get_allorderlist()) == 3
        assert exact(venue)

    trade(work)


def test_an_order_is_replaced_and_a_futures_order_amended() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        order = await client.create_order(SYMBOL, "limit", "buy", 0.2, price * 0.9, {"clientOrderId": "mf-1"})
        new = await client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.3, price * 0.91, {"clientOrderId": "mf-2"})
        assert new["id"] != order["id"]
        assert [o["clientOrderId"] for o in await client.fetch_open_orders(SYMBOL)] == ["mf-2"]
        with pytest.raises(ccxt.BaseError, match="-2022"):  # gone: nothing is placed
            await client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.3, price * 0.91)
        with pytest.raises(ccxt.BaseError, match="-2021") as partly:  # cancelled, and the new one refused
            await client.edit_order(new["id"], SYMBOL, "limit", "buy", 900, price * 0.91)
        assert '"newOrderResult":"FAILURE"' in str(partly.value)
        assert await client.fetch_open_orders(SYMBOL) == []
        swap = await client.create_order(SWAP, "limit", "buy", 0.2, price * 0.97, {"clientOrderId": "mf-3"})
        changed = await client.edit_order(swap["id"], SWAP, "limit", "buy", 0.1, price * 0.96)
        assert (changed["id"], changed["clientOrderId"], changed["amount"]) == (swap["id"], "mf-3", 0.1)
        with pytest.raises(ccxt.ExchangeError, match="-5027"):
            await client.edit_order(swap["id"], SWAP, "limit", "buy", 0.1, price * 0.96)
        await client.edit_order(swap["id"], SWAP, "limit", "buy", 0.1, price * 1.01)  # now it crosses
        assert (await client.fetch_order(swap["id"], SWAP))["status"] == "closed"
        assert exact(venue)

    trade(work)


def test_a_fault_may_be_for_one_order_alone() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue) * 0.9
        rule = venue.faults.add("drop_after", method="POST", client="mf-7*")
        lagging = venue.faults.add("not_found", method="GET", client="mf-8", count=1)
        for name in ("mf-6", "mf-7", "mf-8"):
            make = client.create_order(SYMBOL, "limit", "buy", 0.1, price, {"clientOrderId": name})
            if name == "mf-7":
                with pytest.raises(ccxt.NetworkError):
                    await make
            else:
                order = await make
        assert rule.struck == 1
        assert len(await client.fetch_open_orders(SYMBOL)) == 3
        assert (await client.fetch_order(None, SYMBOL, {"origClientOrderId": "mf-6"}))["status"] == "open"
        with pytest.raises(ccxt.OrderNotFound):  # by number, and still that order
            await client.fetch_order(order["id"], SYMBOL)
        assert (await client.fetch_order(order["id"], SYMBOL))["clientOrderId"] == "mf-8"
        assert lagging.struck == 1

    trade(work)


@pytest.mark.parametrize("late", [False, True])
def test_a_held_order_is_processed_after_the_first_not_found(late: bool) -> None:
    async def work(venue: Simulator, client: Any) -> None:
        venue.faults.add("hold", method="POST", client="mf-a", until="not_found", count=1)
        with pytest.raises(ccxt.NetworkError):
            await client.create_order(
                SYMBOL, "market", "buy", 0.1, None, {"clientOrderId": "mf-a", "recvWindow": 2_000}
            )
        await client.create_order(SYMBOL, "market", "buy", 0.2, None, {"clientOrderId": "mf-b"})
        assert [o.client_id for o in venue.account.spot.orders.values()] == ["mf-b"]
        if late:
            venue.clock.advance(2_001)
        query = {"origClientOrderId": "mf-a"}
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(None, SYMBOL, query)
        if late:  # the fence: what comes after its window is refused
            with pytest.raises(ccxt.OrderNotFound):
                await client.fetch_order(None, SYMBOL, query)
        else:
            assert (await client.fetch_order(None, SYMBOL, query))["filled"] == 0.1

    trade(work)


def test_fills_on_command_and_orders_that_fill_in_part() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        venue.faults.add("partial_fill", method="POST", client="mf-part*", fraction=0.25)
        venue.faults.add("no_fill", method="POST", client="mf-still")
        rests = await client.create_order(SYMBOL, "limit", "buy", 0.4, price * 0.9, {"clientOrderId": "mf-part-1"})
        assert (rests["filled"], rests["status"]) == (0.1, "open")
        taken = await client.create_order(SYMBOL, "market", "buy", 0.4, None, {"clientOrderId": "mf-part-2"})
        assert (taken["filled"], taken["status"]) == (0.1, "expired")
        crosses = await client.create_order(SYMBOL, "limit", "buy", 0.4, price * 1.1, {"clientOrderId": "mf-part-3"})
        assert (crosses["filled"], crosses["status"]) == (0.1, "open")
        await client.create_order(SYMBOL, "limit", "sell", 0.4, price * 0.99, {"clientOrderId": "mf-still"})
        venue.clock.advance(24 * HOUR)
        still = {"origClientOrderId": "mf-still"}
        assert (await client.fetch_order(None, SYMBOL, still))["filled"] == 0
        settle_order(venue, "fill", client_id="mf-still", quantity="0.3", price=price, maker=False)
        with pytest.raises(ParameterError, match="at most 0.1"):
            settle_order(venue, "fill", client_id="mf-still", quantity="0.3")
        assert (await client.fetch_order(None, SYMBOL, still))["filled"] == 0.3
        settle_order(venue, "expire", client_id="mf-still")
        assert (await client.fetch_order(None, SYMBOL, still))["status"] == "expired"
        with pytest.raises(ParameterError, match="expected an open order"):
            settle_order(venue, "cancel", client_id="mf-still")
        assert exact(venue)

    trade(work)


def test_a_stop_that_is_refused_or_fills_in_part_at_its_trigger() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        venue.faults.add("trigger_refused", method="POST", client="mf-no")
        venue.faults.add("partial_fill", method="POST", client="mf-some")
        for name in ("mf-no", "mf-some"):
            parameters = {"stopLossPrice": price * 0.97, "clientOrderId": name}
            await client.create_order(SYMBOL, "market", "sell", 0.4, None, parameters)
        await client.create_order(SWAP, "market", "buy", 0.4)
        venue.faults.add("trigger_refused", method="POST", client="mf-swap")
        await client.create_order(
            SWAP,
            "market",
            "sell",
            0.4,
            None,
            {"stopLossPrice": price * 0.97, "reduceOnly": True, "clientOrderId": "mf-swap"},
        )
        until(venue, price * 0.97, above=False)
        found = {o["clientOrderId"]: o for o in await client.fetch_orders(SYMBOL)}
        assert (found["mf-no"]["status"], found["mf-no"]["filled"]) == ("expired", 0)
        assert (found["mf-some"]["status"], found["mf-some"]["filled"]) == ("expired", 0.2)
        assert ledger(venue)["futures"]["positions"]["BTCUSDT"]["amount"] == "0.4"  # unprotected now
        assert exact(venue)

    trade(work)


def test_halts_delistings_and_filters_that_change() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        price = last(venue)
        order = await client.create_order(SYMBOL, "limit", "buy", 0.123, price * 0.99)
        change_symbol(venue, "BTCUSDT", status="BREAK")
        venue.clock.advance(72 * HOUR)
        assert (await client.fetch_order(order["id"], SYMBOL))["filled"] == 0
        with pytest.raises(ccxt.BaseError, match="Market is closed"):
            await client.create_order(SYMBOL, "market", "buy", 0.1)
        assert (await client.load_markets(reload=True))[SYMBOL]["active"] is False
        change_symbol(venue, "BTCUSDT", status="TRADING", lot="0.01", tick="0.1", min_notional=50)
        market = (await client.load_markets(reload=True))[SYMBOL]
        least = market["limits"]["cost"]["min"]
        assert (market["precision"]["amount"], market["precision"]["price"], least) == (
            0.01,
            0.1,
            50,
        )
        client.markets[SYMBOL]["precision"]["amount"] = 0.001  # as a client that has not looked again
        with pytest.raises(ccxt.InvalidOrder, match="LOT_SIZE"):
            await client.create_order(SYMBOL, "market", "buy", 0.123)
        change_symbol(venue, "BTCUSDT", status="DELISTED")
        with pytest.raises(ccxt.BadSymbol):
            await client.fetch_ticker(SYMBOL)
        assert SYMBOL not in await client.load_markets(reload=True)
        with pytest.raises(ParameterError, match="expected a multiple of"):
            change_symbol(venue, "BTCUSDT", lot="0.0000015")

    trade(work)


def test_another_process_reads_the_ledger_and_moves_money_and_orders() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        def ask(path: str, body: Any) -> Any:
            data = json.dumps(body).encode() if body else None
            request = urllib.request.Request(f"{venue.url}/_simulator/{path}", data)
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)

        async def post(path: str, **body: Any) -> Any:
            return await asyncio.to_thread(ask, path, body)

        await client.create_order(SYMBOL, "limit", "buy", 0.5, last(venue) * 0.9, {"clientOrderId": "mf-1"})
        assert (await post("order", action="fill", client_id="mf-1", quantity="0.2"))["filled"] == "0.2"
        before = venue.account.spot.balance("USDT").total
        assert Decimal(await post("money", asset="USDT", amount="-0.1")) == before - Decimal("0.1")
        await post("trade", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1", newClientOrderId="web_1")
        await post("trade", market="futures", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.3")
        await post("instrument", symbol="BTCUSDT", market="futures", status="BREAK")
        assert venue.futures["BTCUSDT"].status == "BREAK"
        books = await post("ledger")
        spot = books["spot"]
        assert {o["client_id"]: o["filled"] for o in spot["orders"]} == {"mf-1": "0.2", "web_1": "0.1"}
        assert [m["amount"] for m in spot["movements"]] == ["100000", "3", "-0.1"]
        assert [(e["client_id"], e["quantity"], e["fee_asset"]) for e in spot["executions"]] == [
            ("mf-1", "0.2", "BTC"), ("web_1", "0.1", "USDT"),
        ]  # fmt: skip
        for asset, total in spot["audit"].items():
            held = spot["balances"][asset]
            assert Decimal(held["free"]) + Decimal(held["locked"]) == Decimal(total)
        assert books["futures"]["positions"]["BTCUSDT"]["amount"] == "0.3"
        with pytest.raises(ParameterError, match="at most"):
            move_money(venue, "BTC", -10)
        with pytest.raises(ParameterError, match="-2010"):
            by_hand(venue, symbol="BTCUSDT", side="SELL", type="MARKET", quantity="90")

    trade(work)


def test_account_streams_tell_of_lists_and_amendments() -> None:
    async def work(venue: Simulator, client: Any) -> None:
        watching = asyncio.ensure_future(client.watch_orders(SYMBOL))
        for _ in range(100):
            await asyncio.sleep(0.02)
            if any(c.account is not None for c in venue.streams.connections):
                break
        dropped = venue.faults.add("stream_gap", client="mf-tp")
        await oco(
            client,
            "SELL",
            "0.5",
            last(venue) * 1.1,
            last(venue) * 0.9,
            aboveClientOrderId="mf-tp",
            belowClientOrderId="mf-sl",
        )
        orders = await asyncio.wait_for(watching, 5)
        assert {o["clientOrderId"] for o in orders} == {"mf-sl"}
        assert dropped.struck >= 1

    trade(work, ccxt_pro.binance)
