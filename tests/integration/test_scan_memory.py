"""A scan that is repeated keeps nothing of those before."""

import asyncio
import gc
import os
from pathlib import Path

import pytest

import mirrorfast as mf
from mirrorfast.data.venue.limiter import RateLimiter, Window
from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

pytest.importorskip("ccxt")


def resident() -> int:
    """Bytes of memory that the process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("symbols", "scans"), [(8, 12), pytest.param(500, 100, marks=[pytest.mark.slow, pytest.mark.timeout(7_200)])]
)
def test_memory_is_steady(symbols: int, scans: int) -> None:
    async def run(url: str) -> float:
        async with mf.MarketDataFetcher("binance", mf.DataConfig(base_url=url, candles=300)) as fetcher:
            # Ours would rightly wait: so many scans are more than a minute's weight.
            fetcher.client.limiter = fetcher.client.exchange.mf_limiter = RateLimiter([Window(1e9, 60)])
            scanner, held = mf.MomentumScanner(fetcher), []
            for _ in range(scans):
                fetcher.forget()
                result = await scanner.scan_market("1h")
                assert result.rows.height + result.failures.height >= symbols // 2
                held.append(resident())
            return min(held[-3:]) / max(held[2 : scans // 3])

    with running(Simulator(symbols=symbols, limits=False)) as venue:
        assert asyncio.run(run(venue.url)) <= 1.05
