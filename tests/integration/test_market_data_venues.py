"""The same bars through the real ccxt classes of four venues, on loopback."""

import asyncio
from collections.abc import Iterator

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

START = 1_512_000_600_000
pytest.importorskip("ccxt")


@pytest.fixture
def venue() -> Iterator[Simulator]:
    with running(Simulator(start=START, speed=0)) as venue:
        yield venue


def bars(venue: Simulator, name: str, kind: str = "spot") -> tuple[pl.DataFrame, dict[str, int]]:
    async def run() -> tuple[pl.DataFrame, dict[str, int]]:
        config = mf.DataConfig(base_url=venue.url, candles=200, kind=kind)  # type: ignore[arg-type]
        async with mf.MarketDataFetcher(name, config) as fetcher:
            markets = await fetcher.fetch_markets(quote="")
            symbol = next(s for s in markets["symbol"] if s.startswith("BTC/"))
            return await fetcher.fetch_ohlcv(symbol, "1h"), fetcher.counters.snapshot()

    return asyncio.run(run())


@pytest.mark.parametrize("name", ["binance", "kraken", "bybit", "okx"])
def test_venue_gives_the_recorded_bars(venue: Simulator, name: str) -> None:
    got, counts = bars(venue, name)
    expected = mf.sample_bars(["BTC/USD"]).filter(pl.col("timestamp").dt.epoch("ms") + 3_600_000 <= START).tail(200)
    assert got["exchange"].unique().to_list() == [name]
    assert got["timestamp"].to_list() == expected["timestamp"].to_list()
    for column in ("open", "high", "low", "close"):
        assert (got[column] - expected[column]).abs().max() < 0.01
    assert (got["volume"] - expected["volume"]).abs().max() < 0.01
    assert counts["rows_refused"] == counts["garbage"] == 0


def test_swaps_of_binance(venue: Simulator) -> None:
    got, _ = bars(venue, "binance", "swap")
    assert got.height == 200
    assert got["symbol"][0].endswith(":USDT")
