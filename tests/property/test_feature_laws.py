"""The three laws of SPEC over every feature column, on random and on real bars."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import mirrorfast as mf
from mirrorfast.data import validate_bars


def names(text: str) -> list[str]:
    return text.split()


PRICES = ["open", "high", "low", "close"]
IN_PRICE = names("""
    price ema_5 ema_9 ema_13 ema_21 ema_50 ema_200 sma_20 sma_50 macd macd_signal macd_hist linreg_slope atr
    bb_upper bb_middle bb_lower tenkan kijun senkou_a senkou_b vwap poc_price anchored_poc fixed_poc
    value_area_high value_area_low fib_nearest_retracement fib_nearest_extension
""")
IN_VOLUME = ["volume", "obv"]
FILES = [
    "binance_BTC-USDT_1h",
    "binance_SOL-USDT_4h",
    "binance_DOGE-USDT_1h",
    "binance_TRX-USDT_1h",
    "fxcm_EUR-USD_1d",
    "usa_SPY_1d",
]


def random_bars(seed: int, rows: int = 260, *, symbols: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for k in range(symbols):
        close = 10 ** rng.uniform(-6, 4) * np.exp(np.cumsum(rng.standard_t(3, rows) * 0.01))
        opened = close * np.exp(rng.normal(0, 0.004, rows))
        parts.append(
            pl.DataFrame(
                {
                    "symbol": f"S{k}",
                    "timestamp": pl.Series(np.arange(rows) * 3_600_000).cast(pl.Datetime("ms", "UTC")),
                    "open": opened,
                    "high": np.maximum(opened, close) * np.exp(rng.exponential(0.003, rows)),
                    "low": np.minimum(opened, close) * np.exp(-rng.exponential(0.003, rows)),
                    "close": close,
                    "volume": rng.exponential(100, rows) * (rng.random(rows) > 0.05),
                }
            )
        )
    return pl.concat(parts)


def real_bars(directory: Path, name: str) -> pl.DataFrame:
    # Currency files come without volumes: a market in which nothing is traded.
    raw = pl.read_parquet(directory / f"{name}.parquet").with_columns(pl.col("volume").fill_null(0.0))
    return validate_bars(raw, symbol=name).head(1_500)


def check_scale(bars: pl.DataFrame, k: float, m: float, market: str) -> None:
    before = mf.compute_features(bars, market=market)
    scaled = bars.with_columns(pl.col(PRICES) * k, volume=pl.col("volume") * m)
    after = mf.compute_features(scaled, market=market)
    back = after.with_columns(pl.col(IN_PRICE) / k, pl.col(IN_VOLUME) / m, volume_usd=pl.col("volume_usd") / (k * m))
    catalogue = mf.features.feature_catalogue()
    judged = catalogue.filter(
        pl.col("group").is_in(["scores", "classification", "enhanced"]) | (pl.col("kind") != "float")
    )
    decisions = judged["name"].to_list()
    assert len(decisions) > 30
    assert_frame_equal(back.select(decisions), before.select(decisions), rel_tol=1e-9, abs_tol=1e-9)
    free = [name for name in catalogue["name"] if name not in {*decisions, *IN_PRICE, *IN_VOLUME, "volume_usd"}]
    # An oscillator over a window that barely moves divides rounding by little.
    assert_frame_equal(back.select(free), before.select(free), rel_tol=1e-6, abs_tol=1e-7)
    assert_frame_equal(back.select(IN_PRICE), before.select(IN_PRICE), rel_tol=1e-8, abs_tol=1e-9 * bars["close"].max())
    assert_frame_equal(
        back.select(IN_VOLUME), before.select(IN_VOLUME), rel_tol=1e-8, abs_tol=1e-9 * bars["volume"].max()
    )


def check_causal(bars: pl.DataFrame, cut: int) -> None:
    whole = mf.compute_features(bars)
    for symbol, part in bars.group_by("symbol", maintain_order=True):
        past = mf.compute_features(part.head(cut))
        assert_frame_equal(past, whole.filter(pl.col("symbol") == symbol[0]).head(cut), check_exact=True)


def check_stream(bars: pl.DataFrame, cuts: list[int]) -> None:
    whole = mf.compute_features(bars)
    stream = mf.FeatureStream()
    pieces = []
    numbered = bars.with_columns(n=pl.int_range(pl.len()).over("symbol"))
    edges = [0, *sorted(cuts), 10**9]
    for low, high in pairwise(edges):
        piece = numbered.filter(pl.col("n").is_between(low, high, closed="left")).drop("n")
        if not piece.height:
            continue
        pieces.append(stream.update(piece))
        saved = stream.snapshot()
        stream = mf.FeatureStream()
        stream.restore(saved)
    got = pl.concat(pieces).sort("symbol", "timestamp", maintain_order=True)
    assert_frame_equal(got, whole, check_exact=True)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), k=st.floats(-7, 7), m=st.floats(-7, 7), market=st.sampled_from(["crypto", "forex"]))
def test_scale_on_random_bars(seed: int, k: float, m: float, market: str) -> None:
    check_scale(random_bars(seed), 10**k, 10**m, market)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), cut=st.integers(1, 260))
def test_causality_on_random_bars(seed: int, cut: int) -> None:
    check_causal(random_bars(seed), cut)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 260), max_size=6))
def test_stream_on_random_bars(seed: int, cuts: list[int]) -> None:
    check_stream(random_bars(seed), cuts)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("k", "m"), [(10.0, 3.7), (0.001, 1e6), (1.1, 0.3), (1e7, 1e-7)])
def test_scale_on_real_bars(shared_data: Path, name: str, k: float, m: float) -> None:
    check_scale(real_bars(shared_data, name), k, m, "forex" if "EUR" in name else "crypto")


@pytest.mark.parametrize("name", FILES)
def test_causality_on_real_bars(shared_data: Path, name: str) -> None:
    bars = real_bars(shared_data, name)
    for cut in (1, 50, 333, 901):
        check_causal(bars, cut)


@pytest.mark.parametrize("name", FILES)
def test_stream_on_real_bars(shared_data: Path, name: str) -> None:
    check_stream(real_bars(shared_data, name), [1, 40, 41, 399, 1_111])


def test_the_bundled_market_obeys_the_laws(market: pl.DataFrame) -> None:
    bars = pl.concat([part.head(700) for part in market.partition_by("symbol")])
    check_scale(bars, 123.4, 0.07, "crypto")
    check_causal(bars, 321)
    check_stream(bars, [5, 250, 251])
