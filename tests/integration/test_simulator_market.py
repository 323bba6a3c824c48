"""Market data through real ccxt clients against the simulator on loopback."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.async_support as ccxt
import pytest

from mirrorfast.data import sample_bars
from mirrorfast.simulator import Simulator, connect
from mirrorfast.simulator.thread import running
from mirrorfast.simulator.unpatched import Authority, unpatched

# 2017-10-26 12:20 UTC: in the middle of a bar of the bundled market.
NOW = 1_509_020_400_000
HOUR = 3_600_000
SPOT = {"fetchMarkets": {"types": ["spot"]}}


def with_client(
    work: Callable[[Simulator, Any], Awaitable[Any]], cls: type = ccxt.binance, config: dict | None = None, **venue: Any
) -> Any:
    async def run() -> Any:
        async with Simulator(**{"start": NOW, "speed": 0, **venue}) as simulator:
            client: Any = connect(cls, simulator, **(config or {"options": SPOT, "enableRateLimit": False}))
            client.milliseconds = simulator.clock.reported
            try:
                return await work(simulator, client)
            finally:
                await client.close()

    return asyncio.run(run())


def test_markets() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        return await client.load_markets()

    markets = with_client(work)
    assert sorted(markets) == ["BTC/USDT", "EUR/USDT"]
    market = markets["BTC/USDT"]
    assert (market["id"], market["type"], market["active"]) == ("BTCUSDT", "spot", True)
    assert market["precision"]["price"] == 0.01
    assert market["limits"]["cost"]["min"] == 5.0


@pytest.mark.parametrize(
    ("cls", "symbol"),
    [(ccxt.binance, "BTC/USDT"), (ccxt.kraken, "BTC/USDT"), (ccxt.bybit, "BTC/USDT"), (ccxt.okx, "BTC/USDT"),
     (ccxt.binanceusdm, "BTC/USDT:USDT")],
)  # fmt: skip
def test_candles_are_the_recorded_bars(cls: type, symbol: str) -> None:
    bars = sample_bars(["BTC/USD"])
    expected = bars.filter(bars["timestamp"].dt.epoch("ms") + HOUR <= NOW).tail(20)

    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        rows = await client.fetch_ohlcv(symbol, "1h", limit=21)
        since = await client.fetch_ohlcv(symbol, "1h", since=NOW - 50 * HOUR, limit=5)
        return rows, since, await client.fetch_tickers([symbol])

    rows, since, tickers = with_client(work, cls, {"enableRateLimit": False})
    *closed, current = rows
    assert [r[0] for r in closed] == expected["timestamp"].dt.epoch("ms").to_list()
    for column, name in enumerate(("open", "high", "low", "close"), start=1):
        assert [r[column] for r in closed] == pytest.approx(expected[name].to_list(), abs=0.005)
    assert [r[5] for r in closed] == pytest.approx(expected["volume"].to_list(), abs=1e-4)
    # The real venues answer with the candle that is still open, and so does this one.
    assert current[0] == NOW // HOUR * HOUR
    assert [r[0] for r in since] == [NOW // HOUR * HOUR - 49 * HOUR + i * HOUR for i in range(5)]
    assert tickers[symbol]["last"] == current[4]
    assert tickers[symbol]["quoteVolume"] > 1e6


def test_pagination_over_history_is_complete() -> None:
    bars = sample_bars(["BTC/USD"])

    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        since = int(bars["timestamp"].dt.epoch("ms")[0])
        seen: list[list[float]] = []
        while True:
            page = await client.fetch_ohlcv("BTC/USDT", "1h", since=since, limit=1000)
            seen += page
            if len(page) < 1000:
                return seen
            since = int(page[-1][0]) + 1

    rows = with_client(work)
    times = [r[0] for r in rows]
    recorded = bars["timestamp"].dt.epoch("ms").to_list()
    assert times == [t for t in recorded if t <= NOW]
    assert len(times) > 2_000


def test_book_trades_and_prices_agree() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        book = await client.fetch_order_book("BTC/USDT", 20)
        trades = await client.fetch_trades("BTC/USDT", limit=30)
        ticker = await client.fetch_ticker("BTC/USDT")
        best = await client.fetch_bids_asks(["BTC/USDT"])
        return book, trades, ticker, best["BTC/USDT"]

    book, trades, ticker, best = with_client(work)
    assert len(book["bids"]) == len(book["asks"]) == 20
    assert [p for p, _ in book["bids"]] == sorted((p for p, _ in book["bids"]), reverse=True)
    assert book["bids"][0][0] < trades[-1]["price"] < book["asks"][0][0]
    assert ticker["last"] == trades[-1]["price"]
    assert (best["bid"], best["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert all(t["timestamp"] <= NOW for t in trades)


def test_twins_share_recordings() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        markets = await client.load_markets()
        name = next(s for s in markets if s.startswith("X0003"))
        a = await client.fetch_ohlcv(name, "4h", limit=3)
        return len(markets), a, venue

    count, rows, venue = with_client(work, symbols=200)
    assert count == 200
    assert len(rows) == 3
    assert len({id(i.series) for i in venue.market.values()}) == 2


def test_time_moves_with_the_wall_by_default() -> None:
    async def run() -> tuple[int, int, list]:
        async with Simulator() as venue:
            client: Any = connect(ccxt.binance, venue, options=SPOT)
            try:
                await client.load_markets()
                return (
                    await client.fetch_time(),
                    client.milliseconds(),
                    await client.fetch_ohlcv("BTC/USDT", "1h", limit=3),
                )
            finally:
                await client.close()

    server, local, rows = asyncio.run(run())
    assert abs(server - local) < 2_000
    assert local - 2 * HOUR < rows[-1][0] <= local


def test_weights_are_reported() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        await client.fetch_ohlcv("BTC/USDT", "1h", limit=10)
        await client.fetch_tickers()
        return client.last_response_headers["x-mbx-used-weight-1m"]

    assert with_client(work, monotonic=lambda: 7.0) == str(20 + 2 + 80)


def test_429_418_and_the_end_of_the_ban() -> None:
    real = [0.0]

    async def work(venue: Simulator, client: Any) -> Any:
        venue.limits["spot"].limit, venue.limits["spot"].patience = 22, 2
        await client.load_markets()
        answers = []
        for _ in range(4):
            with pytest.raises(ccxt.DDoSProtection) as caught:
                await client.fetch_tickers()
            answers.append((str(caught.value).split()[1], client.last_response_headers.get("Retry-After")))
        real[0] = 60.0 + 120.0
        await client.fetch_ohlcv("BTC/USDT", "1h", limit=10)
        return answers

    answers = with_client(work, monotonic=lambda: real[0])
    assert answers == [("429", "60"), ("429", "60"), ("418", "120"), ("418", "120")]


@pytest.mark.parametrize(
    ("fault", "parameters", "error"),
    [
        ("drop_before", {}, ccxt.NetworkError),
        ("error_before", {"status": 503}, ccxt.ExchangeNotAvailable),
        ("error_after", {"status": 502}, ccxt.ExchangeNotAvailable),
        ("drop_after", {}, ccxt.NetworkError),
        ("hold", {"delay": 0.01, "status": 504}, ccxt.NetworkError),
        ("delay", {"delay": 1.0}, ccxt.RequestTimeout),
        ("late_answer", {"delay": 1.0}, ccxt.RequestTimeout),
        ("rate_limit", {}, ccxt.DDoSProtection),
        ("ban", {"ban": 5}, ccxt.DDoSProtection),
        ("unknown_error", {"code": -9999}, ccxt.ExchangeError),
        ("unknown_status", {}, ccxt.NetworkError),
    ],
)
def test_faults_reach_the_client_as_errors(fault: str, parameters: dict, error: type[Exception]) -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        client.timeout = 300
        rule = venue.faults.add(fault, endpoint="*/klines", **parameters)
        with pytest.raises(error):
            await client.fetch_ohlcv("BTC/USDT", "1h", limit=3)
        assert rule.struck >= 1
        venue.faults.clear()

    with_client(work)


@pytest.mark.parametrize("cls", [ccxt.binance, ccxt.bybit, ccxt.okx, ccxt.kraken])
@pytest.mark.parametrize(
    "fault",
    ["candle_nan", "candle_null", "candle_infinite", "candle_zero", "candle_negative", "candle_crossed",
     "candle_duplicate", "candle_disorder", "candle_gap", "candle_revised", "candle_spike", "candle_stale"],
)  # fmt: skip
def test_bad_candles(cls: type, fault: str) -> None:
    """ccxt passes most of them on: they are what a fetcher has to refuse."""

    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        good = await client.fetch_ohlcv("BTC/USDT", "1h", limit=6)
        venue.faults.add(fault, endpoint="*[kOc][lHa][iLn]*", count=1)
        bad = await client.fetch_ohlcv("BTC/USDT", "1h", limit=6)
        assert len(venue.faults.struck) == 1
        assert await client.fetch_ohlcv("BTC/USDT", "1h", limit=6) == good
        return good, bad

    good, bad = with_client(work, cls, {"enableRateLimit": False})
    if fault == "candle_disorder":
        # ccxt sorts what it parses.
        assert sorted(map(str, bad)) == sorted(map(str, good))
    else:
        assert str(bad) != str(good)


@pytest.mark.parametrize("kind", ["empty", "null", "object", "list", "html", "truncated", "none_rows"])
def test_garbage(kind: str) -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        venue.faults.add("garbage", endpoint="*/klines", kind=kind)
        try:
            return await client.fetch_ohlcv("BTC/USDT", "1h", limit=3)
        except (ccxt.BaseError, AttributeError, TypeError) as error:
            return error

    result = with_client(work)
    # Either an error or rows without a price: never a plausible candle.
    assert isinstance(result, Exception) or all(row[4] is None for row in result)


def test_unknown_symbol_interval_and_endpoint() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        with pytest.raises(ccxt.BadSymbol):
            await client.public_get_klines({"symbol": "NOPE", "interval": "1h"})
        with pytest.raises(ccxt.BadRequest):
            await client.public_get_klines({"symbol": "BTCUSDT", "interval": "7h"})
        with pytest.raises(ccxt.BadRequest, match="-1102"):
            await client.public_get_klines({"interval": "1h"})
        with pytest.raises(ccxt.OperationFailed, match="No such endpoint"):
            await client.public_get_ticker({"symbol": "BTCUSDT"})

    with_client(work)


def test_who_goes_on_after_a_429_is_refused_and_then_banned() -> None:
    real = [0.0]

    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        limits = venue.limits["spot"]
        limits.patience = 3
        venue.faults.add("rate_limit", endpoint="*/klines", count=1, retry_after=7)
        for _ in range(3):
            with pytest.raises(ccxt.DDoSProtection, match="429"):
                await client.fetch_ohlcv("BTC/USDT", "1h")
        assert limits.during_pause == 2
        real[0] = 7.1
        await client.fetch_ohlcv("BTC/USDT", "1h")
        venue.faults.add("rate_limit", endpoint="*/klines", count=1, retry_after=7)
        answers = []
        for _ in range(6):
            with pytest.raises(ccxt.DDoSProtection) as caught:
                await client.fetch_ohlcv("BTC/USDT", "1h")
            answers.append(str(caught.value).split()[1])
        assert answers == ["429"] * 4 + ["418"] * 2

    with_client(work, monotonic=lambda: real[0])


def test_other_venues_have_their_own_limits() -> None:
    async def work(venue: Simulator, client: Any) -> Any:
        await client.load_markets()
        for _ in range(40):
            await client.fetch_ohlcv("BTC/USDT", "1h", limit=1)
        with pytest.raises(ccxt.RateLimitExceeded):
            await client.fetch_ohlcv("BTC/USDT", "1h", limit=1)
        await client.fetch_tickers()  # another endpoint, another budget

    with_client(work, ccxt.okx, {"enableRateLimit": False}, monotonic=lambda: 0.0)


def test_production_urls() -> None:
    async def run() -> Any:
        authority = Authority()
        async with (
            await Simulator(start=NOW, speed=0).start(tls=authority.server()) as venue,
            unpatched(ccxt.binance, venue, authority, enableRateLimit=False) as client,
        ):
            await client.load_markets()
            venue.faults.add("unknown_error", code=-1008, message="busy", status=503, endpoint="*/klines", count=1)
            # Binance's table of spot errors is chosen by the URL: only here it is the real venue's class.
            with pytest.raises(ccxt.OperationFailed):
                await client.fetch_ohlcv("BTC/USDT", "1h")
            return client.urls["api"]["public"], await client.fetch_ohlcv("BTC/USDT", "1h", limit=2)

    url, rows = asyncio.run(run())
    assert url == "https://api.binance.com/api/v3"
    assert len(rows) == 2


def test_admin_endpoint() -> None:
    def ask(url: str, method: str = "GET", body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    with running(Simulator(start=NOW, speed=0)) as venue:
        root = venue.url + "/_simulator/"
        rules = ask(root + "faults", "POST", {"name": "error_before", "endpoint": "*/time", "count": 1})
        assert [r["name"] for r in rules] == ["error_before"]
        with pytest.raises(urllib.error.HTTPError, match="503"):
            ask(venue.url + "/api/v3/time")
        assert ask(venue.url + "/api/v3/time") == {"serverTime": NOW}
        assert ask(root + "clock", "POST", {"advance": 5, "skew": 7})["time"] == NOW + 5
        assert ask(venue.url + "/api/v3/time") == {"serverTime": NOW + 12}
        assert ask(root + "instrument", "POST", {"symbol": "BTCUSDT", "status": "BREAK"})["status"] == "BREAK"
        assert ask(root + "state")["requests"] == {"GET /api/v3/time": 3}
        assert ask(root + "faults", "DELETE") == []
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(root + "faults", "POST", {"name": "nosuch"})
