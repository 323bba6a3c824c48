"""A scan over the network: 500 symbols × 3 timeframes × 500 candles from the simulated exchange in its own process.

    python -m benches.peers.scan_live            # ours and the plain way, interleaved, then the warm scan
    python -m benches.peers.scan_live --memory   # resident memory over 100 scans of 50 symbols

The plain way is what one would write first: ccxt's fetch_ohlcv under asyncio.gather, a pandas frame a series, and the
indicators of the package `ta` (``--peer ta``, eleven of them), or the same eleven by pandas alone (``--peer pandas``).
Its rate limit is off and the venue's too: what is compared is work, not waiting. The venue renders its candles once
before the clock starts, and says what processor time it took: it must not be what is measured.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

TIMEFRAMES = ("5m", "1h", "1d")
SERVER = """
import asyncio, sys
from mirrorfast.simulator import Simulator
async def main():
    async with Simulator(symbols=int(sys.argv[1]), limits=False) as venue:
        for i in venue.market.values():
            for interval in ("5m", "1h", "1d"):
                i.candle_rows(interval, None, None, 1000, venue.clock.now())
        print(venue.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@contextlib.contextmanager
def venue(symbols: int) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(symbols)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.kill()
        process.wait()


def cpu_of(process: int) -> float:
    """Processor seconds that another process has used."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def delays(samples: list[float], step: float = 0.002) -> AsyncIterator[None]:
    """Sample how much later than asked the event loop wakes up, in ms."""

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(step)
            samples.append((time.perf_counter() - start - step) * 1_000)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


def figures(seconds: float, requests: int, samples: list[float], rows: int, cpu: float) -> dict[str, float]:
    samples.sort()
    return {
        "seconds": seconds,
        "requests_per_s": requests / seconds,
        "delay_p50_ms": samples[len(samples) // 2],
        "delay_p99_ms": samples[int(len(samples) * 0.99)],
        "delay_max_ms": samples[-1],
        "cpu_s": cpu,
        "rows": rows,
        "requests": requests,
    }


async def ours(url: str) -> dict[str, Any]:
    import mirrorfast as mf

    config = mf.DataConfig(base_url=url)
    async with mf.MarketDataFetcher("binance", config) as fetcher:
        await fetcher.fetch_markets()
        scanner, samples, cpu = mf.MomentumScanner(fetcher), [], time.process_time()
        before, start = fetcher.counters["requests"], time.perf_counter()
        async with delays(samples):
            results = await scanner.scan_multi_timeframe(TIMEFRAMES)
        took = time.perf_counter() - start
        asked = fetcher.counters["requests"] - before
        found = figures(took, asked, samples, sum(r.rows.height for r in results.values()), time.process_time() - cpu)
        before, start, cpu = fetcher.counters["requests"], time.perf_counter(), time.process_time()
        await scanner.scan_multi_timeframe(TIMEFRAMES)
        found["warm_s"] = time.perf_counter() - start
        found["warm_cpu_s"] = time.process_time() - cpu
        found["warm_requests"] = fetcher.counters["requests"] - before
        return found


async def plain(url: str, of: Any) -> dict[str, Any]:
    import ccxt.async_support as ccxt
    import pandas as pd

    from mirrorfast.simulator import connect

    client: Any = connect(ccxt.binance, url, enableRateLimit=False, options={"fetchMarkets": {"types": ["spot"]}})
    samples: list[float] = []
    try:
        symbols = list(await client.load_markets())
        cpu, start = time.process_time(), time.perf_counter()
        slots = asyncio.Semaphore(20)  # without it a thousand connections are opened, and time out

        async def one(symbol: str, timeframe: str) -> dict[str, Any]:
            async with slots:
                rows = await client.fetch_ohlcv(symbol, timeframe, limit=500)
            frame = pd.DataFrame(rows, columns=["ts", "open", "high", "low", "close", "volume"])
            return {"symbol": symbol, "timeframe": timeframe, **of(frame)}

        async with delays(samples):
            jobs = [one(symbol, timeframe) for timeframe in TIMEFRAMES for symbol in symbols]
            table = pd.DataFrame(await asyncio.gather(*jobs)).sort_values("score", ascending=False)
        took = time.perf_counter() - start
        return figures(took, len(jobs), samples, len(table), time.process_time() - cpu)
    finally:
        await client.close()


def with_ta(frame: Any) -> dict[str, float]:
    """The same eleven by the package `ta`."""
    import ta

    high, low, close, volume = (frame[c] for c in ("high", "low", "close", "volume"))
    columns = {
        "rsi": ta.momentum.RSIIndicator(close).rsi(), "hist": ta.trend.MACD(close).macd_diff(),
        "band": ta.volatility.BollingerBands(close).bollinger_pband(),
        "stochastic": ta.momentum.StochasticOscillator(high, low, close).stoch(),
        "atr": ta.volatility.AverageTrueRange(high, low, close).average_true_range(),
        "ema50": ta.trend.EMAIndicator(close, 50).ema_indicator(),
        "ema200": ta.trend.EMAIndicator(close, 200).ema_indicator(), "ratio": volume / volume.rolling(20).mean(),
        "short": ta.momentum.ROCIndicator(close, 4).roc() / 100,
        "long": ta.momentum.ROCIndicator(close, 12).roc() / 100,
        "volatility": close.pct_change().rolling(20).std(),
    }  # fmt: skip
    last = {name: float(series.iloc[-1]) for name, series in columns.items()}
    return last | {"score": abs(last["short"]) * 10 + abs(last["rsi"] - 50) / 30}


def indicators(frame: Any) -> dict[str, float]:
    """Eleven indicators by pandas."""
    close, volume = frame["close"], frame["volume"]
    change = close.diff()
    gain = change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-change.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean()
    macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    hist = macd - macd.ewm(span=9, adjust=False).mean()
    mean, std = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    low, high = frame["low"].rolling(14).min(), frame["high"].rolling(14).max()
    true = (frame["high"] - frame["low"]).ewm(alpha=1 / 14, adjust=False).mean()
    columns = {
        "rsi": 100 - 100 / (1 + gain / loss), "hist": hist, "band": (close - mean) / std,
        "stochastic": (close - low) / (high - low), "atr": true, "ema50": close.ewm(span=50, adjust=False).mean(),
        "ema200": close.ewm(span=200, adjust=False).mean(), "ratio": volume / volume.rolling(20).mean(),
        "short": close.pct_change(4), "long": close.pct_change(12), "volatility": close.pct_change().rolling(20).std(),
    }  # fmt: skip
    last = {name: float(series.iloc[-1]) for name, series in columns.items()}
    return last | {"score": abs(last["short"]) * 10 + abs(last["rsi"] - 50) / 30}


async def memory(url: str, scans: int) -> dict[str, Any]:
    import mirrorfast as mf
    from mirrorfast.data.venue.limiter import RateLimiter, Window

    async with mf.MarketDataFetcher("binance", mf.DataConfig(base_url=url)) as fetcher:
        # Ours would rightly wait: 100 scans are more than a minute's weight.
        fetcher.client.exchange.mf_limiter = RateLimiter([Window(1e9, 60)])
        scanner, resident = mf.MomentumScanner(fetcher), []
        for _ in range(scans):
            fetcher.forget()
            await scanner.scan_multi_timeframe(TIMEFRAMES)
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            resident.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        tenth = max(1, scans // 10)
        first, last = statistics.median(resident[tenth : 3 * tenth]), statistics.median(resident[-2 * tenth :])
        return {"scans": scans, "mib_early": first, "mib_late": last, "growth": last / first - 1}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--symbols", type=int, default=500)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory", action="store_true")
    options.add_argument("--peer", choices=["ta", "pandas"], default="ta")
    options.add_argument("--only", choices=["ours", "plain", "memory"])
    options.add_argument("--url")
    asked = options.parse_args()
    if asked.only:
        jobs = {
            "ours": ours,
            "plain": lambda url: plain(url, with_ta if asked.peer == "ta" else indicators),
            "memory": lambda url: memory(url, 100),
        }
        print(json.dumps(asyncio.run(jobs[asked.only](asked.url))))
        return

    def run(name: str) -> dict[str, Any]:
        # A venue for each: it says what weight its address has used, and ours would wait for what the other used.
        with venue(50 if asked.memory else asked.symbols) as (url, server):
            command = [
                sys.executable,
                "-m",
                "benches.peers.scan_live",
                "--only",
                name,
                "--url",
                url,
                "--peer",
                asked.peer,
            ]
            before = cpu_of(server)
            done = subprocess.run(command, capture_output=True, text=True)
            served = cpu_of(server) - before
        if done.returncode:
            raise SystemExit(done.stderr)
        found: dict[str, Any] = {**json.loads(done.stdout.splitlines()[-1]), "server_cpu_s": served}
        print(name, {k: round(v, 3) for k, v in found.items()}, flush=True)
        return found

    if asked.memory:
        run("memory")
        return
    rounds = [(run("ours"), run("plain")) for _ in range(asked.rounds)]
    for key in rounds[0][1]:
        mine, theirs = (statistics.median(r[k][key] for r in rounds) for k in (0, 1))
        print(f"{key:16} ours {mine:10.2f}   plain {theirs:10.2f}")
    ratio = statistics.median(o["seconds"] / p["seconds"] for o, p in rounds)
    print(f"time, ours / plain, median of {len(rounds)} rounds: {ratio:.3f}")


if __name__ == "__main__":
    main()
