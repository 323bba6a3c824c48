"""Answers have the fields that Binance documents with its public examples, written as it writes them."""

from typing import Any

import pytest

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.fixtures import simulators  # noqa: F401 - a fixture
from mirrorfast.simulator.protocol import Answer, Call
from mirrorfast.simulator.user_events import execution_report

START = 1_509_020_400_000

# Names of the fields in the examples of developers.binance.com, and one of ours that has to have them all.
EXAMPLES = {
    "GET /api/v3/ticker/24hr": "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty"
    " bidPrice bidQty askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId"
    " count",
    "GET /api/v3/ticker/bookTicker": "symbol bidPrice bidQty askPrice askQty",
    "GET /api/v3/aggTrades": "a p q f l T m M",
    "GET /api/v3/trades": "id price qty quoteQty time isBuyerMaker isBestMatch",
    "GET /api/v3/depth": "lastUpdateId bids asks",
    "GET /api/v3/account": "makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade"
    " canWithdraw canDeposit brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions"
    " uid",
    "POST /api/v3/order": "symbol orderId orderListId clientOrderId transactTime price origQty executedQty"
    " origQuoteOrderQty cummulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode fills",
    "GET /api/v3/allOrders": "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty"
    " status timeInForce type side stopPrice icebergQty time updateTime isWorking origQuoteOrderQty workingTime"
    " selfTradePreventionMode",
    "GET /api/v3/myTrades": "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer"
    " isMaker isBestMatch",
    "GET /fapi/v1/ticker/24hr": "symbol priceChange priceChangePercent weightedAvgPrice lastPrice lastQty openPrice"
    " highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count",
    "GET /fapi/v1/premiumIndex": "symbol markPrice indexPrice estimatedSettlePrice lastFundingRate interestRate"
    " nextFundingTime time",
    "GET /fapi/v1/depth": "lastUpdateId E T bids asks",
    "POST /fapi/v1/order": "clientOrderId cumQty cumQuote executedQty orderId avgPrice origQty price reduceOnly side"
    " positionSide status stopPrice closePosition symbol timeInForce type origType updateTime workingType priceProtect"
    " priceMatch selfTradePreventionMode goodTillDate",
    "GET /fapi/v3/positionRisk": "symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit"
    " liquidationPrice isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin"
    " positionInitialMargin openOrderInitialMargin adl bidNotional askNotional updateTime",
    "GET /fapi/v1/userTrades": "buyer commission commissionAsset id maker orderId price qty quoteQty realizedPnl side"
    " positionSide symbol time",
    "GET /fapi/v1/income": "symbol incomeType income asset info time tranId tradeId",
}


@pytest.fixture
def venue() -> Simulator:
    made = Simulator(start=START, speed=0)
    for root in ("/api/v3", "/fapi/v1"):
        ask(made, f"POST {root}/order", side="BUY", type="MARKET", quantity="0.1")
    return made


def ask(venue: Simulator, name: str, **more: str) -> Any:
    method, path = name.split(" ")
    call = Call(method, path, {"symbol": "BTCUSDT", **more}, "", {}, "", venue.account.key)
    answer = venue.routes[method, path].handler(call)
    assert not isinstance(answer, Answer)
    return answer[-1] if isinstance(answer, list) else answer


@pytest.mark.parametrize("name", EXAMPLES)
def test_fields(venue: Simulator, name: str) -> None:
    more = {"side": "SELL", "type": "MARKET", "quantity": "0.05"} if name.startswith("POST") else {}
    row = ask(venue, name, **more)
    assert set(EXAMPLES[name].split()) - set(row) == set()


def test_klines_have_twelve_columns(venue: Simulator) -> None:
    import json

    call = Call("GET", "/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1h", "limit": "2"}, "", {}, "")
    rows = json.loads(venue.routes["GET", "/api/v3/klines"].handler(call).body)
    # [1499040000000, "0.01634790", …, "148976.11427815", 1499644799999, "2434.19055334", 308, "1756.87402397", …, "0"]
    kinds = [int, str, str, str, str, str, int, str, int, str, str, str]
    assert [[type(v) for v in row] for row in rows] == [kinds, kinds]
    assert all(len(row[1].partition(".")[2]) == 8 for row in rows)


def test_execution_report(venue: Simulator) -> None:
    (order,) = venue.account.spot.orders.values()
    report = execution_report("TRADE", order, order.executions[0], START)
    fields = "e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q W V"
    assert set(fields.split()) - set(report) == set()
    assert (report["x"], report["X"], report["l"]) == ("TRADE", "FILLED", "0.10000000")


def test_the_fixture_serves_from_a_thread(simulators: Any) -> None:  # noqa: F811 - the fixture
    import urllib.request

    first, second = simulators(start=START, speed=0), simulators(start=START + 1, speed=0)
    answers = [urllib.request.urlopen(v.url + "/api/v3/time").read() for v in (first, second)]
    assert answers == [b'{"serverTime":%d}' % START, b'{"serverTime":%d}' % (START + 1)]
