"""Twenty common indicators on one long series: ours into caller-owned arrays, each peer by its fastest documented call."""

from collections.abc import Callable

import numpy as np

from benches.peers.harness import Job, interleaved, table

ROWS = 1_000_000


def market(n: int = ROWS, seed: int = 7) -> dict[str, np.ndarray]:
    """A random walk with ranges and volumes."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, n)))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * (1.0 + rng.uniform(0.0, 0.002, n))
    low = np.minimum(open_, close) * (1.0 - rng.uniform(0.0, 0.002, n))
    volume = rng.uniform(1.0, 1000.0, n)
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume}


# name → (our row, our parameters)
OURS: dict[str, tuple[str, dict[str, float]]] = {
    "SMA20": ("sma", {"period": 20}),
    "EMA20": ("ema", {"period": 20}),
    "RSI14": ("rsi", {"period": 14}),
    "MACD": ("macd", {}),
    "BBANDS20": ("bbands", {"period": 20}),
    "ATR14": ("atr", {"period": 14}),
    "ADX14": ("adx", {"period": 14}),
    "STOCH14_3_3": ("stoch", {}),
    "OBV": ("obv", {}),
    "CCI20": ("cci", {"period": 20}),
    "MFI14": ("mfi", {"period": 14}),
    "WILLR14": ("willr", {"period": 14}),
    "ROC10": ("roc", {"period": 10}),
    "VWAP": ("vwap", {}),
    "ICHIMOKU": ("ichimoku", {}),
    "SUPERTREND": ("supertrend", {}),
    "DONCHIAN20": ("donchian", {"period": 20}),
    "KELTNER20": ("keltner", {}),
    "AROON14": ("aroon", {"period": 14}),
    "LINREG_SLOPE14": ("linreg_slope", {"period": 14}),
}


# Columns that no peer has are left out where there are some, so that all write the same ones.
COLUMNS = {"BBANDS20": 3, "ICHIMOKU": 4, "AROON14": 2}


def ours(m: dict[str, np.ndarray]) -> dict[str, Job]:
    from mirrorfast import _core

    rows = {row["name"]: row for row in _core.catalogue()}
    jobs: dict[str, Job] = {}
    for label, (name, params) in OURS.items():
        inputs = [m[c] for c in rows[name]["inputs"]]
        count = len(rows[name]["outputs"])
        wanted = COLUMNS.get(label, count)
        outputs = [np.empty(len(m["close"])) if k < wanted else None for k in range(count)]
        jobs[label] = lambda name=name, inputs=inputs, params=params, outputs=outputs: _core.compute_into(
            name, inputs, params, outputs
        )
    return jobs


def talib(m: dict[str, np.ndarray]) -> dict[str, Job]:
    import talib as t

    o, h, lo, c, v = (m[k] for k in ("open", "high", "low", "close", "volume"))
    del o

    def ichimoku() -> object:
        tenkan, kijun, b = t.MIDPRICE(h, lo, 9), t.MIDPRICE(h, lo, 26), t.MIDPRICE(h, lo, 52)
        return tenkan, kijun, (tenkan + kijun) / 2.0, b

    return {
        "SMA20": lambda: t.SMA(c, 20),
        "EMA20": lambda: t.EMA(c, 20),
        "RSI14": lambda: t.RSI(c, 14),
        "MACD": lambda: t.MACD(c),
        "BBANDS20": lambda: t.BBANDS(c, 20),
        "ATR14": lambda: t.ATR(h, lo, c, 14),
        "ADX14": lambda: t.ADX(h, lo, c, 14),
        "STOCH14_3_3": lambda: t.STOCH(h, lo, c, 14, 3, 0, 3, 0),
        "OBV": lambda: t.OBV(c, v),
        "CCI20": lambda: t.CCI(h, lo, c, 20),
        "MFI14": lambda: t.MFI(h, lo, c, v, 14),
        "WILLR14": lambda: t.WILLR(h, lo, c, 14),
        "ROC10": lambda: t.ROC(c, 10),
        "VWAP": lambda: t.VWAP(h, lo, c, v),
        "ICHIMOKU": ichimoku,
        "SUPERTREND": lambda: t.SUPERTREND(h, lo, c, 10, 3.0),
        "DONCHIAN20": lambda: t.DONCHIAN(h, lo, 20),
        "KELTNER20": lambda: t.KC(h, lo, c, 20, 10, 2.0),
        "AROON14": lambda: t.AROON(h, lo, 14),
        "LINREG_SLOPE14": lambda: t.LINEARREG_SLOPE(c, 14),
    }


def polars_talib(m: dict[str, np.ndarray]) -> dict[str, Job]:
    import polars as pl
    import polars_talib as t

    frame = pl.DataFrame(m)
    c, h, lo, v = pl.col("close"), pl.col("high"), pl.col("low"), pl.col("volume")
    expressions = {
        "SMA20": t.sma(c, 20),
        "EMA20": t.ema(c, 20),
        "RSI14": t.rsi(c, 14),
        "MACD": t.macd(c),
        "BBANDS20": t.bbands(c, 20),
        "ATR14": t.atr(h, lo, c, 14),
        "ADX14": t.adx(h, lo, c, 14),
        "OBV": t.obv(c, v),
        "CCI20": t.cci(h, lo, c, 20),
        "MFI14": t.mfi(h, lo, c, v, 14),
        "WILLR14": t.willr(h, lo, c, 14),
        "ROC10": t.roc(c, 10),
        "AROON14": t.aroon(h, lo, 14),
        "LINREG_SLOPE14": t.linearreg_slope(c, 14),
    }
    return {name: (lambda e=e: frame.select(e)) for name, e in expressions.items()}


def newtulipy(m: dict[str, np.ndarray]) -> dict[str, Job]:
    import tulipy as t  # the name that newtulipy installs

    h, lo, c, v = (m[k] for k in ("high", "low", "close", "volume"))
    return {
        "SMA20": lambda: t.sma(c, 20),
        "EMA20": lambda: t.ema(c, 20),
        "RSI14": lambda: t.rsi(c, 14),
        "MACD": lambda: t.macd(c, 12, 26, 9),
        "BBANDS20": lambda: t.bbands(c, 20, 2),
        "ATR14": lambda: t.atr(h, lo, c, 14),
        "ADX14": lambda: t.adx(h, lo, c, 14),
        "STOCH14_3_3": lambda: t.stoch(h, lo, c, 14, 3, 3),
        "OBV": lambda: t.obv(c, v),
        "CCI20": lambda: t.cci(h, lo, c, 20),
        "MFI14": lambda: t.mfi(h, lo, c, v, 14),
        "WILLR14": lambda: t.willr(h, lo, c, 14),
        "ROC10": lambda: t.roc(c, 10),
        "AROON14": lambda: t.aroon(h, lo, 14),
        "LINREG_SLOPE14": lambda: t.linregslope(c, 14),
    }


def tulip_rs(m: dict[str, np.ndarray]) -> dict[str, Job]:
    from tulip_rs import indicators as t

    h, lo, c, v = (m[k] for k in ("high", "low", "close", "volume"))
    return {
        "SMA20": lambda: t.sma.indicator([c], [20.0]),
        "EMA20": lambda: t.ema.indicator([c], [20.0]),
        "RSI14": lambda: t.rsi.indicator([c], [14.0]),
        "MACD": lambda: t.macd.indicator([c], [12.0, 26.0, 9.0]),
        "BBANDS20": lambda: t.bbands.indicator([c], [20.0, 2.0]),
        "ATR14": lambda: t.atr.indicator([h, lo, c], [14.0]),
        "ADX14": lambda: t.adx.indicator([h, lo, c], [14.0]),
        "STOCH14_3_3": lambda: t.stoch.indicator([h, lo, c], [14.0, 3.0, 3.0]),
        "OBV": lambda: t.obv.indicator([c, v], []),
        "CCI20": lambda: t.cci.indicator([h, lo, c], [20.0]),
        "MFI14": lambda: t.mfi.indicator([h, lo, c, v], [14.0]),
        "WILLR14": lambda: t.willr.indicator([h, lo, c], [14.0]),
        "ROC10": lambda: t.roc.indicator([c], [10.0]),
        "VWAP": lambda: t.vwap.indicator([h, lo, c, v], []),
        "ICHIMOKU": lambda: t.ichimoku.indicator([h, lo, c], [9.0, 26.0]),
        "SUPERTREND": lambda: t.supertrend.indicator([h, lo, c], [10.0, 3.0]),
        "DONCHIAN20": lambda: t.donchianchannel.indicator([h, lo], [20.0]),
        "KELTNER20": lambda: t.keltnerchannel.indicator([h, lo, c], [20.0, 2.0]),
        "AROON14": lambda: t.aroon.indicator([h, lo], [14.0]),
    }


PEERS: dict[str, tuple[str, Callable[[dict[str, np.ndarray]], dict[str, Job]]]] = {
    "TA-Lib": ("TA-Lib", talib),
    "polars_talib": ("polars-talib", polars_talib),
    "newtulipy": ("newtulipy", newtulipy),
    "tulip_rs": ("tulip-rs", tulip_rs),
}


def run(rounds: int = 7) -> str:
    """The table of nanoseconds a row, and what it comes to."""
    m = market()
    mine = ours(m)
    peers: dict[str, dict[str, Job]] = {}
    absent = []
    for label, (_, make) in PEERS.items():
        try:
            peers[label] = make(m)
        except ImportError:
            absent.append(label)
    rows, sums = [], {"mirrorfast": 0.0, "TA-Lib": 0.0}
    for name, job in mine.items():
        jobs = {"mirrorfast": job} | {p: of[name] for p, of in peers.items() if name in of}
        broken = [p for p in jobs if not _works(jobs[p])]
        for p in broken:
            del jobs[p]
        timing = interleaved(jobs, rounds=rounds)
        best = min((p for p in jobs if p != "mirrorfast"), key=timing.median)
        for total in sums:
            sums[total] += timing.median(total)
        rows.append(
            [name]
            + [f"{timing.median(p) / ROWS * 1e9:.2f}" if p in jobs else "–" for p in ("mirrorfast", *peers)]
            + [f"{best} {timing.ratio('mirrorfast', best):.2f}×", f"{timing.ratio('mirrorfast', 'TA-Lib'):.2f}×"]
        )
    head = ["indicator", "mirrorfast", *peers, "best peer", "TA-Lib"]
    total = f"\n\nSum of the 20: mirrorfast {sums['mirrorfast'] / ROWS * 1e9:.1f} ns a row, TA-Lib {sums['TA-Lib'] / ROWS * 1e9:.1f} ns: {sums['TA-Lib'] / sums['mirrorfast']:.2f}×."
    return (
        f"CPU nanoseconds a row, {ROWS:,} rows, median of {rounds} interleaved rounds; × is the peer's time over ours. "
        "All write the same columns.\n\n"
        + table(head, rows)
        + total
        + (f"\n\nNot installed, not timed: {', '.join(absent)}." if absent else "")
    )


def _works(job: Job) -> bool:
    try:
        job()
    except (AttributeError, TypeError, ValueError):
        return False
    return True
