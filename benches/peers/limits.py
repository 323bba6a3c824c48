"""Venues' own limits binding: how long a fetch takes against the least that the limit allows.

    python -m benches.peers.limits

Client and venue share one loop of virtual time, so the seconds are those of the limits alone, whatever the machine does.
Binance and Bybit stand with a tenth of their weight a window, OKX and Kraken with their own.
"""

import asyncio
from typing import Any

TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "1d")
# Venue's key, weight a window, its seconds, weight of a request; symbols, timeframes.
VENUES = {
    "binance": ("spot", 600, 60.0, 2, 120, 7),
    "bybit": ("bybit", 60, 5.0, 1, 80, 4),
    "okx": ("okx", 40, 2.0, 1, 80, 4),
    "kraken": ("kraken", 1, 1.0, 1, 50, 2),
}


async def one(name: str) -> dict[str, Any]:
    import mirrorfast as mf
    from mirrorfast.data.venue.limiter import RateLimiter, Window
    from mirrorfast.simulator import Simulator
    from mirrorfast.simulator.limits import Limits

    key, weight, seconds, cost, symbols, frames = VENUES[name]
    loop = asyncio.get_running_loop()
    async with Simulator(symbols=symbols, monotonic=loop.time) as venue:
        if name in ("binance", "bybit"):
            venue.limits[key] = Limits(weight, seconds, monotonic=loop.time)
        config = mf.DataConfig(base_url=venue.url, max_refills=0, suspect_factor=0, max_age_bars=1_000)
        async with mf.MarketDataFetcher(name, config) as fetcher:
            names = (await fetcher.fetch_markets())["symbol"].to_list()
            limiter = RateLimiter([Window(weight, seconds)], reserve=config.reserve if weight > 1 else 0.0)
            fetcher.client.limiter = fetcher.client.exchange.mf_limiter = limiter
            await asyncio.sleep(2 * seconds)
            before, start = fetcher.counters["requests"], loop.time()
            result = await fetcher.fetch_many(names, TIMEFRAMES[:frames], limit=20, check=False)
            took, asked = loop.time() - start, fetcher.counters["requests"] - before
    return {
        "requests": asked,
        "bound_s": ((asked * cost - 1) // weight) * seconds,
        "took_s": took,
        "failed": result.failures.height,
        "refused": venue.limits[key].refused,
    }


def main() -> None:
    from mirrorfast.simulator.virtual import run_virtual

    print(
        "| venue | requests | bound, s | took, s | ratio | failed | refused by the venue |\n|---|---|---|---|---|---|---|"
    )
    for name in VENUES:
        r = run_virtual(lambda name=name: one(name))
        ratio = r["took_s"] / r["bound_s"]
        print(
            f"| {name} | {r['requests']} | {r['bound_s']:.0f} | {r['took_s']:.1f} | {ratio:.3f} | {r['failed']} | {r['refused']} |"
        )


if __name__ == "__main__":
    main()
