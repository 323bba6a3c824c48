"""check_bias: what looks ahead is caught, what does not passes, and the history that values need is measured."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.errors import DataError, ParameterError, UserCodeError


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars().group_by("symbol", maintain_order=True).head(600)


def peek(df: pl.DataFrame) -> pl.Series:
    return (df["close"].shift(-1) > df["close"]).cast(pl.Float64)


def peek_three(df: pl.DataFrame) -> np.ndarray:
    close = df["close"].to_numpy()
    return np.append(np.sign(close[3:] - close[:-3]), [0.0, 0.0, 0.0])


def centred(df: pl.DataFrame) -> pl.Series:
    return (df["close"] > df["close"].rolling_mean(9, center=True)).cast(pl.Float64)


def normalised(df: pl.DataFrame) -> pl.Series:
    return ((df["close"] - df["close"].mean()) / df["close"].std() / 10).clip(-1, 1)


def back_filled(df: pl.DataFrame) -> pl.Series:
    return pl.Series(np.where(df["volume"] > df["volume"].median(), 1.0, np.nan), nan_to_null=True).backward_fill()


def best_day(df: pl.DataFrame) -> pl.Series:
    return (df["high"] == df["high"].max()).cast(pl.Float64)


def peek_filter(df: pl.DataFrame) -> pl.Series:
    return df.select((pl.col("close") > pl.col("high").shift(-2).over("symbol")).cast(pl.Float64)).to_series()


def rare(df: pl.DataFrame) -> pl.Series:
    # Nothing is missing at the end, and hardly a bar has a signal: cuts anywhere would not show it.
    return (df["close"].shift(-1) > df["close"] * 1.02).fill_null(value=False).cast(pl.Float64)


@pytest.mark.parametrize(
    ("function", "ahead"),
    [
        (peek, 1),
        (peek_three, 3),
        (centred, 4),
        (normalised, None),
        (back_filled, None),
        (best_day, None),
        (peek_filter, 2),
        (rare, 1),
    ],
)
def test_planted_look_ahead_is_caught(function: Callable, ahead: int | None, bars: pl.DataFrame) -> None:
    report = mf.check_bias(function, bars)
    assert not report.ok
    assert set(report.findings["kind"]) == {"look_ahead"}
    if ahead is not None:
        assert report.findings["bars"].max() == ahead
    first = report.findings.row(0, named=True)
    bar = bars.filter(pl.col("symbol") == first["symbol"]).row(first["row"], named=True)
    assert bar["timestamp"] == first["timestamp"] <= first["end"]
    text = str(report)
    assert function.__name__ in text
    assert "BIASED" in text
    assert first["timestamp"].isoformat() in text
    if function is not back_filled:  # a few cuts may miss what no longer changes once it is filled
        with pytest.raises(mf.errors.BiasError, match=function.__name__):
            mf.backtest(bars, strategies=[function])


def trend(df: pl.DataFrame) -> pl.Series:
    return (df["close"] > df["close"].rolling_mean(30)).cast(pl.Float64)


def z_score(df: pl.DataFrame) -> pl.Series:
    close = df["close"]
    return ((close - close.rolling_mean(20)) / close.rolling_std(20) / 4).clip(-1, 1)


def expanding(df: pl.DataFrame) -> pl.Series:
    close = df["close"]
    return (close > close.cum_sum() / pl.Series(range(1, df.height + 1))).cast(pl.Float64)


@pytest.mark.parametrize(("function", "warm_up"), [(trend, 30), (z_score, 20), (expanding, None)])
def test_clean_ones_pass(function: Callable, warm_up: int | None, bars: pl.DataFrame) -> None:
    report = mf.check_bias(function, bars)
    assert report.ok, str(report)
    if warm_up is not None:
        # A window needs its length; comparing with a threshold may agree with less at the rows looked at.
        assert 1 <= (report.warm_up or 0) <= warm_up
    assert "no bias found" in str(report)
    assert mf.backtest(bars, strategies=[function]).trades.height > 0


@pytest.mark.parametrize("name", mf.strategies.catalogue()["name"].to_list())
def test_strategies_of_the_catalogue_pass(name: str, bars: pl.DataFrame) -> None:
    report = mf.check_bias(name, bars, kind="strategy", cuts=4)
    assert report.ok, str(report)


def test_every_feature_column_passes(bars: pl.DataFrame) -> None:
    names = mf.features.feature_catalogue()["name"].to_list()
    report = mf.check_bias(names, bars.group_by("symbol", maintain_order=True).head(320), cuts=3)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("subject", "options", "warm_up"),
    [
        ("sma", {"kind": "indicator", "params": {"period": 20}}, 20),
        ("roc", {"kind": "indicator", "params": {"period": 10}}, 11),
        ("vwap", {"kind": "indicator"}, None),
        ("return_1", {"kind": "feature"}, 2),
    ],
)
def test_warm_up_is_measured(subject: str, options: dict[str, Any], warm_up: int | None, bars: pl.DataFrame) -> None:
    report = mf.check_bias(subject, bars, **options)
    assert report.ok
    assert report.warm_up == warm_up
    assert ("remembers for ever" in str(report)) == (warm_up is None)
    spans = report.recursion["bars"]
    assert spans.is_sorted()
    if warm_up is not None:
        assert report.recursion.filter(pl.col("bars") >= warm_up)["difference"].max() <= 1e-6


def test_wilder_needs_as_many_bars_as_its_decay_says(bars: pl.DataFrame) -> None:
    # 13/14 of the past stays with each bar: 1e-6 of 100 is gone after ln(1e-8) / ln(13/14) = 249 bars at the most.
    loose = mf.check_bias("rsi", bars, tolerance=1e-2).warm_up
    tight = mf.check_bias("rsi", bars, tolerance=1e-6).warm_up
    assert loose is not None
    assert tight is not None
    assert 15 < loose < tight <= 250


def test_a_lookback_that_is_too_short(bars: pl.DataFrame) -> None:
    class Short(mf.BaseStrategyAgent):
        name = "short"
        lookback = 10

        def evaluate(self, df: pl.DataFrame) -> pl.Series:
            return (df["close"].ewm_mean(span=40, adjust=False) / df["close"] - 1).clip(-1, 1)

    report = mf.check_bias(Short(), bars)
    assert report.findings["kind"].to_list() == ["lookback"]
    assert report.findings["bars"][0] > 100
    assert "says lookback = 10, but needs" in str(report)
    with pytest.raises(mf.errors.BiasError, match="looks further back than its lookback of 10 bars"):
        mf.backtest(bars, strategies=[Short()])
    Short.lookback = 500
    assert mf.check_bias(Short(), bars).ok
    mf.backtest(bars, strategies=[Short()])


def test_custom_indicators_by_name(bars: pl.DataFrame) -> None:
    mf.TechnicalIndicators.register_custom("ahead", lambda b: b["close"].shift(-1))
    mf.TechnicalIndicators.register_custom("behind", lambda b: b["close"].shift(3), lookback=4)
    mf.TechnicalIndicators.register_custom("liar", lambda b: b["close"].shift(3), lookback=3)

    class Reads(mf.BaseStrategyAgent):
        name = "reads"
        features = ("ahead",)

        def evaluate(self, df: pl.DataFrame) -> pl.Series:
            return (df["ahead"] > df["close"]).cast(pl.Float64)

    try:
        assert mf.check_bias("ahead", bars).findings["kind"].to_list() == ["look_ahead", "look_ahead"]
        assert mf.check_bias("behind", bars).warm_up == 4
        assert mf.check_bias("behind", bars).ok
        assert mf.check_bias("liar", bars).findings["kind"].to_list() == ["lookback"]
        assert not mf.check_bias(Reads(), bars).ok
        with pytest.raises(mf.errors.BiasError, match="strategy reads looks ahead"):
            mf.backtest(bars, strategies=[Reads])
    finally:
        for name in ("ahead", "behind", "liar"):
            mf.TechnicalIndicators.unregister_custom(name)


def test_what_is_not_reproducible(bars: pl.DataFrame) -> None:
    rng = random.Random(5)
    report = mf.check_bias(lambda df: [rng.random() for _ in range(df.height)], bars)
    assert report.findings["kind"].to_list() == ["not_reproducible"]
    assert "the same bars gave" in str(report)


def test_refusals(bars: pl.DataFrame) -> None:
    for arguments, error, message in [
        (("nonsense", bars), ParameterError, "strategy, feature or indicator = 'nonsense'"),
        (("rsi", bars[:5]), DataError, "5 bar times: expected at least 20"),
        ((5, bars), ParameterError, "subject = 5"),
        ((lambda df: 1 / 0, bars), UserCodeError, "raised ZeroDivisionError on BTC/USD with 600 bars"),
        ((lambda df: df["close"].head(3), bars), DataError, "got 3, expected 600"),
    ]:
        with pytest.raises(error, match=message):
            mf.check_bias(*arguments)
    for options, message in [
        ({"cuts": 0}, "cuts = 0"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"kind": "x"}, "kind = 'x'"),
    ]:
        with pytest.raises(ParameterError, match=message):
            mf.check_bias("rsi", bars, **options)
