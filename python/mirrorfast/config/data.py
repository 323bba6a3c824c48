"""How market data is fetched from a venue: limits, patience, caches."""

from typing import Literal

from mirrorfast.config.base import Settings, option

__all__ = ["DataConfig"]


class DataConfig(Settings):
    """Fetching of market data; the defaults suit the public interface of a large exchange.

    Examples
    --------
    >>> DataConfig(quote="USDC").cache_ttl_s
    300.0
    """

    kind: Literal["spot", "swap"] = option("spot", "markets that are scanned: spot, or perpetual swaps")
    quote: str = option("USDT", "quote currency of the markets that are scanned", min_length=1)
    min_volume: float = option(
        0.0, "least volume of the last 24 hours of a market that is scanned", unit="quote currency", ge=0, le=1e15
    )
    candles: int = option(500, "closed bars fetched for each symbol", unit="bars", ge=1, le=100_000)
    base_url: str | None = option(
        None,
        "address that takes the place of the venue's own, for a simulator or a proxy, such as http://127.0.0.1:9000",
    )
    concurrency: int | None = option(
        None, "requests under way at one time; absent: 5 a processor, at least 20, at most 100", unit="requests", ge=1,
        le=1_000,
    )  # fmt: skip
    timeout_s: float = option(10.0, "longest time for one answer", unit="seconds", gt=0, le=600)
    deadline_s: float = option(
        30.0, "longest time for one call with its repetitions, without its turn in the rate limit", unit="seconds",
        gt=0, le=3_600,
    )  # fmt: skip
    attempts: int = option(4, "tries of one call", unit="tries", ge=1, le=20)
    backoff_s: float = option(
        0.5, "bound of the random wait before the first repetition; it doubles", unit="seconds", gt=0, le=600
    )
    backoff_max_s: float = option(20.0, "largest bound of that wait", unit="seconds", gt=0, le=3_600)
    reserve: float = option(0.03, "part of the venue's rate limit that is kept for orders", unit="share", ge=0, lt=1)
    max_pause_s: float = option(
        60.0,
        "a call does not wait for a venue that is closed to us for longer than this",
        unit="seconds",
        ge=0,
        le=86_400,
    )
    breaker_failures: int = option(
        5, "failures in a row after which a venue's kind of call is left alone", unit="failures", ge=1, le=1_000
    )
    breaker_open_s: float = option(
        5.0, "time until one call may try again; it doubles while that fails", unit="seconds", gt=0, le=3_600
    )
    breaker_max_open_s: float = option(60.0, "largest such time", unit="seconds", gt=0, le=86_400)
    cache_ttl_s: float = option(
        300.0, "time for which an answer is kept; a bar that closes ends it", unit="seconds", gt=0, le=604_800
    )
    cache_entries: int = option(4_096, "series that are kept", unit="series", ge=1, le=1_000_000)
    clock_sync_s: float = option(300.0, "how often the venue is asked for its time", unit="seconds", gt=0, le=86_400)
    max_refills: int = option(
        2,
        "gaps of one series that are asked for again; more are taken for a market that closes",
        unit="gaps",
        ge=0,
        le=100,
    )
    max_age_bars: int = option(2, "a series whose newest bar is older than this is stale", unit="bars", ge=1, le=1_000)
    suspect_factor: float = option(
        3.0, "a bar beyond this many times the close before is suspect until a second source or the next bar agrees; "
        "0: none is", unit="times", ge=0, le=1_000,
    )  # fmt: skip
    markets_s: float = option(
        3_600.0, "how often the venue's markets are loaded anew", unit="seconds", gt=0, le=604_800
    )
    slack_s: float = option(5.0, "time that a venue may take to publish a bar", unit="seconds", ge=0, le=3_600)
    grace_s: float = option(
        10.0,
        "time after a bar's close for which a feed waits for symbols that are late",
        unit="seconds",
        ge=0,
        le=3_600,
    )
    silence_s: float = option(
        30.0, "a stream that says nothing for this long is taken for dead", unit="seconds", gt=0, le=3_600
    )
