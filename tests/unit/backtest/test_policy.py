"""A policy's actions as an input of a backtest."""

from typing import Any

import polars as pl
import pytest

import mirrorfast as mf


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).head(600)


def run(bars: pl.DataFrame, policy: Any, mode: str = "rl_only", **more: Any) -> mf.BacktestResult:
    # Weights that follow trades would make two runs differ in more than is looked at.
    config = mf.TradingConfig(meta={"mode": mode}, strategies=["ut_bot"], adapt_weights=False)
    return mf.backtest(bars, config=config, policy=policy, **more)


def test_a_policy_decides_where_the_mode_says_so(bars: pl.DataFrame) -> None:
    wish = [0.8 if k // 50 % 2 else -0.6 for k in range(bars.height)]
    policy = bars.select("timestamp", position=pl.Series(wish))
    decisions = run(bars, policy).decisions
    assert decisions["rl"].to_list() == wish
    assert decisions["target"].to_list() == wish
    assert run(bars, policy).fills.height > 10
    # The rules alone do not ask it.
    rules = run(bars, policy, mode="rule_only")
    assert rules.fills.equals(run(bars, None, mode="rule_only").fills)


def test_bars_without_a_row_follow_the_rules(bars: pl.DataFrame) -> None:
    some = bars[100:200].select("timestamp", position=pl.lit(0.5), confidence=pl.lit(0.9))
    decisions = run(bars, some, mode="confidence_blend").decisions
    assert decisions["rl"].is_not_null().sum() == 100
    spoken = decisions[100:200]
    # Sure of itself: 70 % of the position.
    expected = spoken["rule"].fill_null(0.0) * 0.3 + 0.35
    assert (spoken["target"] - expected).abs().max() < 1e-12  # type: ignore[operator]
    assert decisions[200:]["target"].equals(decisions[200:]["rule"].rename("target"))


def test_several_symbols_need_names() -> None:
    bars = mf.sample_bars().filter(pl.int_range(pl.len()).over("symbol") < 300)
    policy = bars.select(
        "symbol", "timestamp", position=pl.when(pl.col("symbol") == "BTC/USD").then(0.4).otherwise(-0.4)
    )
    decisions = run(bars, policy).decisions
    assert set(decisions.filter(pl.col("symbol") == "BTC/USD")["target"]) == {0.4}
    assert set(decisions.filter(pl.col("symbol") != "BTC/USD")["target"]) == {-0.4}
    with pytest.raises(mf.errors.ShapeError, match="column symbol is missing"):
        run(bars, policy.drop("symbol"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": pl.lit(1.5)}, "position = 1.5 .* from -1 to 1"),
        ({"confidence": pl.lit(-0.1)}, "confidence = -0.1 .* from 0 to 1"),
        ({"timestamp": pl.lit("2020-01-01").str.to_datetime()}, "two rows"),
        ({"timestamp": pl.col("timestamp") + pl.duration(minutes=1)}, "open time of one of the bars"),
    ],
)
def test_bad_actions_are_named(bars: pl.DataFrame, change: dict[str, pl.Expr], message: str) -> None:
    policy = bars.head(50).select("timestamp", position=pl.lit(0.5)).with_columns(**change)
    with pytest.raises(mf.DataError, match=message):
        run(bars, policy)


def test_a_policy_counts_from_the_first_bar_that_may_be_traded(bars: pl.DataFrame) -> None:
    since = bars["timestamp"][300]
    wish = [0.8 if k // 50 % 2 else -0.6 for k in range(bars.height)]
    policy = bars.select("timestamp", position=pl.Series(wish), confidence=pl.lit(0.5))
    for mode in ("rl_only", "confidence_blend", "regime_adaptive"):
        free, late = (run(bars, policy, mode=mode, trade_from=start) for start in (None, since))
        # Asked all along, followed from there on, with the shares of the configuration.
        assert late.decisions["rl"].to_list() == wish
        assert late.decisions["method"].equals(free.decisions["method"])
        assert set(late.decisions["target"][:300]) == {0.0}
        assert late.decisions["target"][300:].equals(free.decisions["target"][300:])
        assert late.orders["timestamp"].min() > since  # type: ignore[operator]
        assert late.equity["equity"][:301].to_list() == [10_000.0] * 301
        assert late.fills.height > 5
    # A time between two bars, also without a zone, begins with the later one.
    between = (since - pl.Series([1]).cast(pl.Duration("us"))[0]).replace(tzinfo=None)
    assert run(bars, policy, trade_from=between).fills.equals(run(bars, policy, trade_from=since).fills)
    assert run(bars, None, mode="rl_only", trade_from=since).fills.height == 0
