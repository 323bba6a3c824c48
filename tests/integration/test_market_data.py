"""Fetcher, feeds, scanner and store against the simulated exchange, through the real ccxt classes, on loopback."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.data.poll import PollFeed
from mirrorfast.data.stream import StreamFeed
from mirrorfast.data.update import update_store
from mirrorfast.errors import ParameterError, StaleDataError
from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

START = 1_512_000_000_000 - 1_512_000_000_000 % 3_600_000 + 600_000  # ten past the hour, in November 2017
HOUR = 3_600_000
pytest.importorskip("ccxt")


@pytest.fixture
def venue() -> Iterator[Simulator]:
    """A venue whose time stands still."""
    with running(Simulator(start=START, speed=0, symbols=6)) as venue:
        yield venue


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another."""
    with running(Simulator(start=START, speed=0, symbols=2)) as venue:
        yield venue


def config(venue: Simulator, **changes: Any) -> mf.DataConfig:
    return mf.DataConfig(base_url=venue.url, **{"backoff_s": 0.01, "candles": 300, **changes})


def fetching(venue: Simulator, work: Callable[[mf.MarketDataFetcher], Any], **changes: Any) -> Any:
    async def run() -> Any:
        async with mf.MarketDataFetcher("binance", config(venue, **changes)) as fetcher:
            return await work(fetcher)

    return asyncio.run(run())


def klines(venue: Simulator) -> int:
    return sum(entry.path.endswith("/klines") for entry in venue.log)


def truth(symbol: str) -> pl.DataFrame:
    name = {"BTC/USDT": "BTC/USD", "EUR/USDT": "EUR/USD"}[symbol]
    return mf.sample_bars([name]).filter(pl.col("timestamp").dt.epoch("ms") + HOUR <= START)


def test_only_closed_bars_and_they_are_the_venues(venue: Simulator) -> None:
    bars = fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDT", "1h", limit=200))
    expected = truth("BTC/USDT").tail(200)
    assert bars["timestamp"].to_list() == expected["timestamp"].to_list()
    assert bars["timestamp"].dt.epoch("ms")[-1] + HOUR <= START
    for name in ("open", "high", "low", "close"):
        assert (bars[name] - expected[name]).abs().max() < 0.01  # the venue's price step


def test_markets(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        return await f.fetch_markets(), await f.fetch_markets(min_volume=1.0), await f.fetch_markets(quote="XYZ")

    every, liquid, none = fetching(venue, work)
    assert every.height == 6
    assert liquid["quote_volume"].is_sorted(descending=True)
    assert liquid["quote_volume"].min() >= 1.0
    assert none.height == 0


def test_fifty_callers_are_one_request_and_a_close_ends_the_cache(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> tuple[int, int, int]:
        await asyncio.gather(*(f.fetch_ohlcv("BTC/USDT", "1h") for _ in range(50)))
        first = klines(venue)
        await f.fetch_ohlcv("BTC/USDT", "1h")
        second = klines(venue)
        venue.clock.advance(HOUR)
        f.client.time.note(venue.clock.now())
        bars = await f.fetch_ohlcv("BTC/USDT", "1h")
        assert (
            bars["timestamp"].dt.epoch("ms")[-1] + HOUR
            <= venue.clock.now()
            < bars["timestamp"].dt.epoch("ms")[-1] + 2 * HOUR
        )
        return first, second, klines(venue)

    assert fetching(venue, work) == (1, 1, 2)


def test_cancelled_callers_do_not_spoil_it_for_the_others(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> int:
        await f.fetch_markets()
        tasks = [asyncio.create_task(f.fetch_ohlcv("BTC/USDT", "1h")) for _ in range(10)]
        await asyncio.sleep(0)
        for task in tasks[:9]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(d, asyncio.CancelledError) for d in done[:9])
        assert f.client.limiter.waiting == 0
        return int(done[9].height)

    assert fetching(venue, work) == 300


def test_history_by_pages(venue: Simulator) -> None:
    start = datetime(2017, 7, 10, 12, 30, tzinfo=UTC)
    bars = fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDT", "1h", start=start))
    expected = truth("BTC/USDT").filter(pl.col("timestamp") >= start)
    assert bars.height == expected.height > 3_000
    assert bars["timestamp"].to_list() == expected["timestamp"].to_list()


def test_unknown_symbol_names_the_nearest(venue: Simulator) -> None:
    with pytest.raises(ParameterError, match="BTC/USDT"):
        fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDR", "1h"))
    with pytest.raises(ParameterError, match="binance"):
        fetching(venue, lambda _: mf.MarketDataFetcher("binanze").aclose())


@pytest.mark.parametrize("kind", ["empty", "null", "object", "list", "html", "truncated", "none_rows"])
def test_garbage_never_becomes_a_bar(venue: Simulator, kind: str) -> None:
    good = fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDT", "1h"))
    venue.faults.add("garbage", endpoint="*/klines", count=2, kind=kind)

    async def work(f: mf.MarketDataFetcher) -> tuple[pl.DataFrame, int]:
        return await f.fetch_ohlcv("BTC/USDT", "1h"), f.counters["garbage"]

    bars, garbage = fetching(venue, work)
    assert bars.equals(good)
    assert garbage == 2


@pytest.mark.parametrize(
    "fault", ["candle_nan", "candle_null", "candle_infinite", "candle_zero", "candle_negative", "candle_crossed",
              "candle_duplicate", "candle_disorder", "candle_gap"],
)  # fmt: skip
def test_bad_rows_are_asked_for_again(venue: Simulator, fault: str) -> None:
    good = fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDT", "1h"))
    venue.faults.add(fault, endpoint="*/klines", count=1, row=100)

    async def work(f: mf.MarketDataFetcher) -> tuple[pl.DataFrame, dict[str, int]]:
        return await f.fetch_ohlcv("BTC/USDT", "1h"), f.counters.snapshot()

    bars, counts = fetching(venue, work)
    assert bars.equals(good)
    seen = {"candle_duplicate": "rows_duplicate", "candle_gap": "gaps_refilled"}
    if fault != "candle_disorder":
        assert counts[seen.get(fault, "rows_refused")] >= 1


def test_stale_candles_are_said_to_be(venue: Simulator) -> None:
    venue.faults.add("candle_stale", endpoint="*/klines", rows=5)
    with pytest.raises(StaleDataError, match="BTC/USDT 1h"):
        fetching(venue, lambda f: f.fetch_ohlcv("BTC/USDT", "1h"))


def test_ban_lets_nothing_out_until_it_ends(venue: Simulator) -> None:
    venue.faults.add("ban", endpoint="*/klines", count=1, ban=2)

    async def work(f: mf.MarketDataFetcher) -> tuple[Any, float]:
        await f.fetch_markets()
        start = time.monotonic()
        return await f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h", "1d"]), time.monotonic() - start

    result, took = fetching(venue, work, concurrency=1)
    assert result.failures.height == 0
    assert took >= 1.9
    assert sum(entry.status == 418 for entry in venue.log) == 1


def test_long_ban_fails_fast(venue: Simulator) -> None:
    venue.faults.add("ban", endpoint="*/klines", count=1, ban=600)

    async def work(f: mf.MarketDataFetcher) -> Any:
        return await f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h", "1d"])

    result = fetching(venue, work, concurrency=1, max_pause_s=5)
    assert result.failures["kind"].to_list() == ["closed"] * 4
    assert klines(venue) == 1


def test_third_of_everything_fails_and_the_rest_is_right(venue: Simulator) -> None:
    good = fetching(venue, lambda f: f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h"])).bars["1h"]
    for name, share in (("error_before", 0.1), ("drop_after", 0.1), ("garbage", 0.1)):
        venue.faults.add(name, endpoint="*/klines", probability=share)

    async def work(f: mf.MarketDataFetcher) -> list[Any]:
        await f.fetch_markets()
        return [await f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h"], fresh=True) for _ in range(40)]

    failed = 0
    for result in fetching(venue, work, breaker_open_s=0.05):
        failed += result.failures.height
        for symbol in ("BTC/USDT", "EUR/USDT"):
            there = result.bars["1h"].filter(symbol=symbol)
            lost = symbol in result.failures["symbol"]
            # A gap whose refill failed is a gap; what is there is right.
            assert lost == there.is_empty()
            assert there.join(good, on=good.columns, how="anti", nulls_equal=True).is_empty()
    assert failed < 40


def test_dead_venue_opens_the_breaker_and_it_closes_again(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> None:
        symbols = (await f.fetch_markets())["symbol"].to_list()
        venue.faults.add("error_before", endpoint="*/klines")
        result = await f.fetch_many(symbols, ["1h", "1d"])
        assert result.failures.height == 12
        assert f.client.breaker("candles").state != "closed"
        asked = klines(venue)
        assert asked < 12 * 2  # not four tries each
        venue.faults.clear()
        await asyncio.sleep(0.6)
        result = await f.fetch_many(symbols, ["1h"])
        assert result.failures.height == 0
        assert f.client.breaker("candles").state == "closed"

    fetching(venue, work, attempts=2, breaker_open_s=0.3, breaker_max_open_s=0.3, concurrency=4)


def test_weight_is_counted_as_the_venue_counts_it(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> tuple[float, int]:
        symbols = (await f.fetch_markets())["symbol"].to_list()
        await f.fetch_many(symbols, ["1h", "1d"])
        held = f.client.limiter._held[0]
        return held.used(asyncio.get_running_loop().time()), sum(entry.weight for entry in venue.log)

    ours, theirs = fetching(venue, work)
    assert ours == pytest.approx(theirs)


def test_clock_steps_change_nothing(venue: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    good = fetching(venue, lambda f: f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h"])).bars["1h"]
    real = time.time_ns

    async def work(f: mf.MarketDataFetcher) -> list[pl.DataFrame]:
        results = []
        for step in (3_600, -3_600, 0):
            monkeypatch.setattr(time, "time_ns", lambda step=step: real() + step * 10**9)
            monkeypatch.setattr(time, "time", lambda step=step: real() / 1e9 + step)
            results.append((await f.fetch_many(["BTC/USDT", "EUR/USDT"], ["1h"], fresh=True)).bars["1h"])
        return results

    assert all(bars.equals(good) for bars in fetching(venue, work))


def test_scan_reports_what_failed_and_what_changed(venue: Simulator) -> None:
    async def work(f: mf.MarketDataFetcher) -> tuple[Any, Any, Any]:
        scanner = mf.MomentumScanner(f)
        first = await scanner.scan_market("1h")
        venue.faults.add("candle_stale", endpoint="*/klines", rows=9)
        f.forget()
        second = await scanner.scan_market("1h")
        return first, second, scanner

    first, second, scanner = fetching(venue, work)
    assert first.rows.height == 6
    assert first.rows["enhanced_score"].is_sorted(descending=True)
    assert set(first.rows["exchange"]) == {"binance"}
    assert (first.failures.height, first.changes.height) == (0, 0)
    assert second.rows.height == 0
    assert set(second.failures["kind"]) == {"stale"}
    assert second.changes.height == 0  # not gone: not known
    assert scanner.scan_results["1h"] is second
    bars = truth("BTC/USDT").tail(300)
    mine = first.rows.filter(symbol="BTC/USDT")["rsi"].item()
    assert mine == pytest.approx(mf.compute_features(bars, timeframe="1h", last_only=True)["rsi"].item(), abs=0.05)


def test_scan_of_two_venues_when_one_is_dead(venue: Simulator, other: Simulator) -> None:
    other.faults.add("error_before")

    async def run() -> Any:
        async with (
            mf.MarketDataFetcher("binance", config(venue)) as one,
            mf.MarketDataFetcher("binance", config(other, attempts=1)) as two,
        ):
            return await mf.MomentumScanner([one, two]).scan_multi_timeframe(["1h", "4h"])

    results = asyncio.run(run())
    for name in ("1h", "4h"):
        assert results[name].rows.height == 6
        assert results[name].failures["symbol"].to_list() == ["*"]
        assert results[name].rows["multi_tf_confirmed"].null_count() == 0


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(PollFeed, None), (StreamFeed, None), (StreamFeed, "stream_drop"), (StreamFeed, "stream_silence")],
)
def test_feed_gives_the_batches_of_the_replay(kind: type[PollFeed], fault: str | None) -> None:
    from mirrorfast.data.feed import ReplayFeed

    with running(Simulator(start=START, speed=3_600)) as venue:
        if fault is not None:
            venue.faults.add(fault, endpoint="*kline*", count=2, after=3)
        changes = {"clock_sync_s": 0.05, "slack_s": 1.0, "grace_s": 5.0, "silence_s": 1.0}

        async def run() -> list[Any]:
            async with mf.MarketDataFetcher("binance", config(venue, **changes), pro=kind is StreamFeed) as fetcher:
                feed, got = kind(fetcher, ["BTC/USDT"], "1h", history=5), []
                async for batch in feed.batches():
                    got.append(batch)
                    if len(got) == 9:
                        return got
                raise AssertionError

        got = asyncio.run(asyncio.wait_for(run(), 60))
    ends = got[-1].ts
    bars = mf.sample_bars(["BTC/USD"]).filter(pl.col("timestamp").dt.epoch("ms").is_between(got[0].ts, ends))

    async def replay() -> list[Any]:
        return [batch async for batch in ReplayFeed(bars, ["BTC/USD"]).batches()]

    expected = asyncio.run(replay())
    assert [batch.ts for batch in got] == [batch.ts for batch in expected]
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.rows[0][1:5] == pytest.approx(theirs.rows[0][1:5], abs=0.01)


def test_store_keeps_what_a_killed_update_had_stored(venue: Simulator, tmp_path: Path) -> None:
    venue.faults.add("delay", endpoint="*/klines", delay=0.2)
    code = (
        "import sys\nfrom mirrorfast.__main__ import main\n"
        "sys.exit(main(['data','download','--symbols','BTC/USDT','--from','2017-07-02','--timeframe','1h',"
        "'--store',sys.argv[1]]))"
    )
    environment = os.environ | {"MIRRORFAST_DATA__BASE_URL": venue.url}
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment, stderr=subprocess.PIPE)
    store, ends = mf.MarketDataStore(tmp_path), time.monotonic() + 180
    while store.span("binance", "BTC/USDT", "1h") is None and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    stored = store.read("binance", "1h")
    expected = truth("BTC/USDT").filter(pl.col("timestamp") >= datetime(2017, 7, 2, tzinfo=UTC))
    assert 0 < stored.height < expected.height, said.decode()
    assert stored["timestamp"].to_list() == expected["timestamp"].head(stored.height).to_list()
    assert store.verify().is_empty()
    venue.faults.clear()
    # What the killed one still had under way is answered before anything is counted.
    asked = -1
    while asked != klines(venue):
        asked = klines(venue)
        time.sleep(0.7)

    async def work(f: mf.MarketDataFetcher) -> Any:
        return await update_store(f, store, ["BTC/USDT"], ["1h"])

    result = fetching(venue, work)
    assert result.bars == expected.height - stored.height
    # Only the rest: its pages, and one more at either end.
    assert klines(venue) - asked <= -(-result.bars // 1_000) + 3
    whole = store.read("binance", "1h")
    assert whole["timestamp"].to_list() == expected["timestamp"].to_list()
    assert whole.head(stored.height).equals(stored)
    assert store.verify().is_empty()


def test_live_on_the_simulator_ends_with_a_report(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    words = [
        "live",
        "--exchange",
        "simulator",
        "--symbols",
        "BTC/USDT",
        "--timeframe",
        "1h",
        "--speed",
        "4",
        "--limit",
        "3",
    ]
    assert main([*words, "--run", "x", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["status"] == "finished"
    assert summary["bars"] > 20
    assert Path(summary["report"]).read_text("utf-8").startswith("<!DOCTYPE html>")


def test_scan_command_on_a_schedule(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["scan", "--exchange", "simulator", "--timeframe", "1h", "--every", "1s", "--times", "2", "--export", "out"]
    assert main(words) == 0
    assert capsys.readouterr().out.count("Scan of 2 symbols, 1h") == 2
    assert len(list((tmp_path / "out").glob("scan_results_1h_*.parquet"))) >= 1
