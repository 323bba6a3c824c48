"""Minutes of a venue's misbehaviour and of its limits, in seconds: client and venue in one loop of virtual time."""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.data.suspect import find_suspects
from mirrorfast.errors import TemporaryError
from mirrorfast.simulator import Simulator
from mirrorfast.simulator.limits import Limits
from mirrorfast.simulator.protocol import Call
from mirrorfast.simulator.virtual import run_virtual

pytest.importorskip("ccxt")
START = 1_512_000_000_000 - 1_512_000_000_000 % 3_600_000 + 600_000  # ten past the hour, in November 2017
KLINES = "*/klines"


def meet(
    work: Callable[[Simulator, mf.MarketDataFetcher], Coroutine[Any, Any, Any]],
    name: str = "binance",
    *,
    symbols: int = 10,
    prepare: Callable[[Simulator], None] = lambda _: None,
    **settings: Any,
) -> Any:
    """Run a client against a venue, both on the clock of one virtual loop."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        async with Simulator(start=START, symbols=symbols, monotonic=loop.time) as venue:
            prepare(venue)
            config = mf.DataConfig(base_url=venue.url, **{"candles": 120, **settings})
            async with mf.MarketDataFetcher(name, config) as fetcher:
                await fetcher.fetch_markets()
                return await work(venue, fetcher)

    return run_virtual(run)


def truth(venue: Simulator, symbol: str, interval: str, bars: int) -> list[tuple[Any, ...]]:
    """The newest closed candles, from the venue's records and past all its faults."""
    parameters = {"symbol": symbol.replace("/", ""), "interval": interval, "limit": str(bars + 1)}
    answer = venue.routes["GET", "/api/v3/klines"].handler(Call("GET", "/api/v3/klines", parameters, "", {}, ""))
    rows = json.loads(getattr(answer, "body", answer))
    now = venue.clock.now()
    return [(r[0], *(float(v) for v in r[1:6])) for r in rows if r[6] < now][-bars:]


def rows_of(bars: pl.DataFrame, symbol: str) -> list[tuple[Any, ...]]:
    table = bars.filter(pl.col("symbol") == symbol)
    return table.select(pl.col("timestamp").dt.epoch("ms"), "open", "high", "low", "close", "volume").rows()


def test_ten_minutes_of_a_venue_that_fails_in_thirty_per_cent_every_symbol_is_right_or_reported() -> None:
    minutes = 10
    timeframes = {"5m": "5m", "1h": "1h"}

    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        symbols = (await fetcher.fetch_markets())["symbol"].to_list()
        for kind, share in (("error_before", 0.1), ("delay", 0.06)):
            venue.faults.add(kind, endpoint=KLINES, probability=share, **({"delay": 60.0} if kind == "delay" else {}))
        for kind in ("empty", "null", "object", "html", "truncated", "none_rows"):
            venue.faults.add("garbage", endpoint=KLINES, probability=0.03, kind=kind)
        end, right, failed = loop.time() + 60 * minutes, 0, 0
        while loop.time() < end:
            result = await fetcher.fetch_many(symbols, list(timeframes), fresh=True)
            lost = set(result.failures.select("symbol", "timeframe").iter_rows())
            for timeframe, symbol in itertools.product(timeframes, symbols):
                found = rows_of(result.bars[timeframe], symbol)
                assert bool(found) != ((symbol, timeframe) in lost)
                if found:
                    expected = truth(venue, symbol, timeframe, 130)
                    assert found == expected[expected.index(found[0]) :][: len(found)]
                    assert len(found) == 120
                    assert found[-1][0] >= expected[-2][0]  # a bar may have closed since
            right, failed = right + len(symbols) * 2 - len(lost), failed + len(lost)
            await asyncio.sleep(20)
        struck = sum(rule.struck for rule in venue.faults.rules)
        asked = sum(entry.path.endswith("/klines") for entry in venue.log)
        assert 0.2 < struck / asked < 0.45
        return right, failed

    right, failed = meet(work, attempts=3, timeout_s=5.0)
    assert right > 4 * failed  # by repetition most of them come


def test_breaker_opens_and_closes_as_specified() -> None:
    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> None:
        loop, times = asyncio.get_running_loop(), []
        breaker = fetcher.client.breaker("candles")
        rule = venue.faults.add("error_before", endpoint=KLINES)
        served = venue.faults.draw

        def note(stage: Any, method: str, path: str, clients: Any = ()) -> Any:
            if stage == "before" and path.endswith("/klines"):
                times.append(loop.time())
            return served(stage, method, path, clients)

        venue.faults.draw = note  # type: ignore[method-assign]

        async def ask() -> None:
            while True:
                try:
                    await fetcher.fetch_ohlcv("BTC/USDT", "1h", limit=50)
                except TemporaryError:
                    await asyncio.sleep(0.05)
                else:
                    return

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        while len(times) < 8:  # five failures, then probes
            await asyncio.sleep(0.01)
        venue.faults.remove(rule)
        await asyncio.gather(*asking)
        # Nothing while it is open, one probe alone, twice as long after each that fails.
        probes = times[5:]
        waits = [b - a for a, b in itertools.pairwise(times[4:])]
        assert len(probes) >= 4
        for wait, least in zip(waits, (5.0, 10.0, 20.0, 40.0), strict=False):
            assert least <= wait <= least + 1.5
        assert breaker.state == "closed"
        assert fetcher.counters["breaker_opened"] == 4
        assert fetcher.counters["breaker_refused"] > 0

    # One try a call: what is seen is the breaker, not the repetitions.
    meet(work, attempts=1, cache_ttl_s=0.001)


def test_a_banned_venue_gets_no_request_until_the_ban_ends() -> None:
    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> None:
        loop = asyncio.get_running_loop()
        symbols = (await fetcher.fetch_markets())["symbol"].to_list()
        venue.faults.add("ban", endpoint=KLINES, after=7, count=1, ban=300)
        result = await fetcher.fetch_many(symbols, ["1h", "1d"])
        assert set(result.failures["kind"]) <= {"banned", "closed"}
        assert result.failures.height >= 10
        banned = max(entry.time for entry in venue.log if entry.status == 418)
        under_way = fetcher.client.concurrency
        for _ in range(29):
            await asyncio.sleep(10)
            again = await fetcher.fetch_many(symbols, ["1h"], fresh=True)
            assert set(again.failures["kind"]) == {"closed"}
        # Those that were on their way when the ban fell, and not one more.
        assert venue.limits["spot"].during_ban <= under_way
        assert not [entry for entry in venue.log if entry.time > banned + 1_000]
        start = loop.time()
        await asyncio.sleep(15)
        assert (await fetcher.fetch_many(symbols, ["1h"], fresh=True)).failures.is_empty()
        assert loop.time() - start < 20

    meet(work, symbols=20, max_pause_s=5.0)


# Weight a window, its seconds, weight of a request for candles: the venues' own ratios, with fewer requests a window.
BOUND = {
    "binance": ("spot", 600, 60.0, 2, 700),
    "bybit": ("bybit", 60, 5.0, 1, 250),
    "okx": ("okx", 40, 2.0, 1, 250),
    "kraken": ("kraken", 60, 60.0, 1, 75),
}


@pytest.mark.parametrize("name", list(BOUND))
def test_time_is_within_five_per_cent_of_the_limits_own_bound_and_never_a_429(name: str) -> None:
    key, weight, seconds, cost, requests = BOUND[name]

    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> None:
        from mirrorfast.data.venue.limiter import RateLimiter, Window

        loop = asyncio.get_running_loop()
        window = fetcher.client.facts.windows[0]
        if name in ("binance", "bybit"):
            window = Window(weight, seconds)
            venue.limits[key] = Limits(weight, seconds, monotonic=loop.time)
        # A fresh limiter on both sides: loading the markets is not what is timed.
        fetcher.client.limiter = fetcher.client.exchange.mf_limiter = RateLimiter([window])
        await asyncio.sleep(2 * seconds)
        symbols = (await fetcher.fetch_markets())["symbol"].to_list()
        timeframes = ["1m", "5m", "15m", "30m", "1h", "4h", "1d"][: -(-requests // len(symbols))]
        before, start = fetcher.counters["requests"], loop.time()
        result = await fetcher.fetch_many(symbols, timeframes, limit=20, check=False)
        took, asked = loop.time() - start, fetcher.counters["requests"] - before
        assert result.failures.is_empty()
        # The first window is let go at once; each further request waits for its share.
        bound = ((asked * cost - 1) // window.weight) * window.seconds
        assert bound >= 2 * window.seconds
        assert bound <= took <= 1.05 * bound
        assert fetcher.counters["throttled"] == 0
        assert venue.limits[key].refused == 0
        assert not [entry for entry in venue.log if entry.status in (403, 418, 429)]

    meet(work, name, symbols=100 if name != "kraken" else 40, max_refills=0, suspect_factor=0, max_age_bars=1_000)


def test_a_spike_is_asked_for_again_and_if_it_stays_the_series_is_a_failure() -> None:
    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> None:
        symbols = (await fetcher.fetch_markets())["symbol"].to_list()
        venue.faults.add("candle_spike", endpoint=KLINES, count=1)  # of one answer: the second is right
        result = await fetcher.fetch_many(symbols, ["1h"])
        assert result.failures.is_empty()
        assert find_suspects(result.bars["1h"], 3.0).is_empty()
        rule = venue.faults.add("candle_spike", endpoint=KLINES)  # the newest closed bar of every answer
        result = await fetcher.fetch_many(symbols[:3], ["1h"], fresh=True)
        assert result.failures["kind"].to_list() == ["suspect"] * 3
        assert result.bars["1h"].is_empty()
        venue.faults.remove(rule)
        venue.faults.add("candle_spike", endpoint=KLINES, row=-30)  # off and back, long ago
        result = await fetcher.fetch_many(symbols[:3], ["1h"], fresh=True)
        assert result.failures.is_empty()
        assert result.suspects["symbol"].to_list() == sorted(symbols[:3])
        assert all(9 < ratio < 11 for ratio in result.suspects["ratio"])
        assert fetcher.counters["suspects"] == 6

    meet(work, symbols=4)


def test_markets_are_loaded_anew_and_changes_are_told() -> None:
    from mirrorfast.data.market_watch import MarketChange, MarketWatch
    from mirrorfast.errors import ExchangeError
    from mirrorfast.simulator.control import change_symbol

    async def work(venue: Simulator, fetcher: mf.MarketDataFetcher) -> None:
        told: list[list[MarketChange]] = []
        watch = MarketWatch(fetcher)

        async def check(changes: list[MarketChange]) -> None:
            told.append(changes)

        end = watch.subscribe(check)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(10)
        step = float(venue.market["BTCUSDT"].lot)
        change_symbol(venue, "BTCUSDT", status="BREAK", lot="0.001")
        assert told == []
        await asyncio.sleep(3_600)  # the documented period
        assert {(c.symbol, c.what, c.before, c.after) for c in told[0]} >= {
            ("BTC/USDT", "active", True, False), ("BTC/USDT", "amount_step", step, 0.001),
        }  # fmt: skip
        assert fetcher.client.exchange.markets["BTC/USDT"]["precision"]["amount"] == 0.001
        assert "BTC/USDT" not in (await fetcher.fetch_markets())["symbol"].to_list()
        change_symbol(venue, "BTCUSDT", status="TRADING")
        await asyncio.sleep(61)
        loads = fetcher.counters["market_loads"]
        changes = await asyncio.gather(*(watch.reload("precision") for _ in range(20)))  # twenty refused orders
        assert fetcher.counters["market_loads"] == loads + 1
        assert all([(c.what, c.after) for c in found] == [("active", True)] for found in changes)
        assert await watch.reload("precision") == []  # that was just done
        venue.faults.add("error_before", endpoint="*/exchangeInfo")
        await asyncio.sleep(61)
        with pytest.raises(ExchangeError):
            await watch.reload("precision")
        assert fetcher.client.exchange.markets["BTC/USDT"]["active"] is True  # as they were
        venue.faults.clear()
        change_symbol(venue, "EURUSDT", status="DELISTED")
        await asyncio.sleep(7_200)
        assert [(c.symbol, c.what, c.after) for c in told[-1]] == [("EUR/USDT", "listed", False)]
        end()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert fetcher.counters["market_changes"] == sum(len(changes) for changes in told)

    meet(work, symbols=2)


def test_two_venues_of_different_kinds_are_scanned_together_and_kept_apart() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with (
            Simulator(start=START, symbols=4, monotonic=loop.time) as one,
            Simulator(start=START, symbols=3, monotonic=loop.time) as two,
            mf.MarketDataFetcher("binance", mf.DataConfig(base_url=one.url, candles=300)) as binance,
            mf.MarketDataFetcher("kraken", mf.DataConfig(base_url=two.url, candles=300)) as kraken,
        ):
            two.faults.add("error_before", endpoint="*/OHLC", after=2, count=40)
            result = await mf.MomentumScanner([binance, kraken]).scan_market("1h")
            places = result.rows.select("exchange", "symbol").rows()
            assert len(places) == len(set(places))
            assert result.rows.filter(exchange="binance").height == 4
            assert 0 < result.failures.height == 3 - result.rows.filter(exchange="kraken").height
            assert set(result.failures["exchange"]) == {"kraken"}
            both = result.rows.group_by("symbol").len().filter(pl.col("len") == 2)["symbol"].to_list()
            assert both  # the same symbol on two venues: the same recording, so the same scores
            for symbol in both:
                pair = result.rows.filter(symbol=symbol)
                assert pair["price"].n_unique() == 1
                scores = pair["enhanced_score"].to_list()
                assert scores[0] == pytest.approx(scores[1])
            kraken_only = [entry.path for entry in two.log if entry.path.startswith("/0/public/OHLC")]
            assert kraken_only
            assert not [entry for entry in two.log if entry.status == 429]

    run_virtual(run)
