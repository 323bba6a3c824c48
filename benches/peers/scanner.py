"""The scanner's job: 500 symbols × 1,000 bars, the last row of 31 indicators, as one DataFrame."""

import contextlib
from collections.abc import Callable

import numpy as np
import polars as pl

from benches.peers.harness import interleaved, table
from benches.peers.indicators import market

SYMBOLS, BARS = 500, 1000

# TA-Lib calls of the loop: (name, inputs, arguments); several outputs give several columns, 42 in all with their peers' names.
TALIB_31: list[tuple[str, str, tuple[float, ...]]] = [
    ("SMA", "c", (20,)),
    ("SMA", "c", (50,)),
    ("EMA", "c", (5,)),
    ("EMA", "c", (9,)),
    ("EMA", "c", (13,)),
    ("EMA", "c", (21,)),
    ("EMA", "c", (50,)),
    ("EMA", "c", (200,)),
    ("RSI", "c", (14,)),
    ("MACD", "c", ()),
    ("BBANDS", "c", (20,)),
    ("ATR", "hlc", (14,)),
    ("NATR", "hlc", (14,)),
    ("ADX", "hlc", (14,)),
    ("PLUS_DI", "hlc", (14,)),
    ("MINUS_DI", "hlc", (14,)),
    ("STOCH", "hlc", (14, 3, 0, 3, 0)),
    ("CCI", "hlc", (20,)),
    ("WILLR", "hlc", (14,)),
    ("MFI", "hlcv", (14,)),
    ("OBV", "cv", ()),
    ("CMF", "hlcv", (20,)),
    ("ROC", "c", (10,)),
    ("MOM", "c", (4,)),
    ("MOM", "c", (12,)),
    ("SUPERTREND", "hlc", (10, 3.0)),
    ("VWAP", "hlcv", ()),
    ("LINEARREG_SLOPE", "c", (14,)),
    ("STDDEV", "c", (20,)),
    ("AROON", "hl", (14,)),
    ("MIDPRICE", "hl", (9,)),
]

# The feature columns that answer the same question, for the narrow job.
OURS_31 = [
    "sma_20", "sma_50", "ema_5", "ema_9", "ema_13", "ema_21", "ema_50", "ema_200", "rsi", "macd", "macd_signal", "macd_hist",
    "bb_upper", "bb_lower", "bb_width", "bb_position", "atr", "natr", "adx", "plus_di", "minus_di", "stoch_k", "stoch_d", "cci",
    "williams_r", "mfi", "obv", "cmf", "roc", "momentum_short", "momentum_long", "supertrend_direction", "vwap", "linreg_slope",
    "volatility", "tenkan", "kijun", "senkou_a", "senkou_b", "volume_ratio",
]  # fmt: skip


def panel() -> tuple[pl.DataFrame, list[dict[str, np.ndarray]]]:
    """Bars of all symbols as one table and as arrays."""
    arrays = [market(BARS, seed) for seed in range(SYMBOLS)]
    timestamp = pl.datetime_range(
        pl.datetime(2024, 1, 1, time_zone="UTC"),
        pl.datetime(2024, 1, 1, time_zone="UTC") + pl.duration(hours=BARS - 1),
        "1h",
        eager=False,
    ).dt.cast_time_unit("ms")
    times = pl.select(timestamp.alias("timestamp"))["timestamp"]
    frames = [pl.DataFrame({"symbol": [f"S{k:03d}"] * BARS, "timestamp": times} | a) for k, a in enumerate(arrays)]
    return pl.concat(frames, rechunk=True), arrays


def talib_loop(arrays: list[dict[str, np.ndarray]]) -> Callable[[], pl.DataFrame]:
    """TA-Lib called symbol by symbol; the last value of every output goes into a DataFrame."""
    import talib

    key = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
    calls = [(getattr(talib, name), inputs, args) for name, inputs, args in TALIB_31]

    def job() -> pl.DataFrame:
        rows = []
        for a in arrays:
            row: list[float] = []
            for function, inputs, args in calls:
                out = function(*(a[key[i]] for i in inputs), *args)
                if isinstance(out, tuple):
                    row += [o[-1] for o in out]
                else:
                    row.append(out[-1])
            rows.append(row)
        return pl.DataFrame(rows, orient="row")

    return job


def polars_talib_over(frame: pl.DataFrame) -> Callable[[], pl.DataFrame]:
    """polars_talib, grouped by symbol, last value of what it has of the list."""
    import polars_talib as t

    c, h, lo, v = pl.col("close"), pl.col("high"), pl.col("low"), pl.col("volume")
    made = [t.sma(c, n).last().alias(f"sma{n}") for n in (20, 50)]
    made += [t.ema(c, n).last().alias(f"ema{n}") for n in (5, 9, 13, 21, 50, 200)]
    made += [t.rsi(c, 14).last().alias("rsi"), t.macd(c).last().alias("macd"), t.bbands(c, 20).last().alias("bb")]
    made += [f(h, lo, c, 14).last().alias(f.__name__) for f in (t.atr, t.natr, t.adx, t.plus_di, t.minus_di, t.willr)]
    made += [
        t.cci(h, lo, c, 20).last().alias("cci"),
        t.mfi(h, lo, c, v, 14).last().alias("mfi"),
        t.obv(c, v).last().alias("obv"),
    ]
    made += [t.roc(c, 10).last().alias("roc"), t.mom(c, 4).last().alias("m4"), t.mom(c, 12).last().alias("m12")]
    made += [
        t.linearreg_slope(c, 14).last().alias("ls"),
        t.stddev(c, 20).last().alias("sd"),
        t.aroon(h, lo, 14).last().alias("ar"),
    ]
    return lambda: frame.group_by("symbol", maintain_order=True).agg(made)


def run(rounds: int = 7) -> str:
    """The table of the scanner jobs."""
    import mirrorfast as mf

    frame, arrays = panel()
    jobs: dict[str, Callable[[], object]] = {
        "mirrorfast, the same columns, last row": lambda: mf.compute_features(
            frame, last_only=True, columns=OURS_31, threads=1
        ),
        "mirrorfast, all columns, last row": lambda: mf.compute_features(frame, last_only=True, threads=1),
        "mirrorfast, all columns, every row": lambda: mf.compute_features(frame, threads=1),
        "TA-Lib loop, 31 indicators": talib_loop(arrays),
    }
    with contextlib.suppress(ImportError, AttributeError):
        jobs["polars_talib, group_by"] = polars_talib_over(frame)
    timing = interleaved(jobs, rounds=rounds)
    rows = [
        [name, f"{timing.median(name) * 1e3:.1f}", f"{timing.ratio(name, 'TA-Lib loop, 31 indicators'):.1f}×"]
        for name in jobs
    ]
    columns = mf.compute_features(frame.head(BARS)).width
    note = (
        f"\n\n`all columns` are {columns} columns. Per column computed on every row, ours takes "
        f"{timing.median('mirrorfast, all columns, every row') / columns * 1e3:.2f} ms, the loop (42 outputs) "
        f"{timing.median('TA-Lib loop, 31 indicators') / 42 * 1e3:.2f} ms."
    )
    head = ["job", "CPU ms", "TA-Lib's time / its own"]
    return (
        f"{SYMBOLS} symbols × {BARS} bars, DataFrame built; median of {rounds} interleaved rounds.\n\n"
        + table(head, rows)
        + note
    )
