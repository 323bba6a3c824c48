"""What a line-up of strategies may be made of: labels, longer bars, fitted models, comparisons of symbols."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.strategies import AnomalyDetectionAgent


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).head(1500)


def longer(bars: pl.DataFrame, every: str) -> pl.DataFrame:
    grouped = bars.group_by_dynamic("timestamp", every=every, group_by="symbol")
    ohlc = pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last()
    return grouped.agg(*ohlc, pl.col("volume").sum(), n=pl.len()).filter(pl.col("n") == 4).drop("n")


def test_a_strategy_stands_in_a_run_several_times(bars: pl.DataFrame) -> None:
    strategies = ["ut_bot", {"name": "slow_bot", "kind": "ut_bot", "timeframe": "4h", "params": {"sensitivity": 2}}]
    decisions = mf.backtest(bars, strategies=strategies).decisions
    alone = mf.backtest(bars, strategies=["ut_bot"]).decisions
    assert decisions["vote_ut_bot"].equals(alone["vote_ut_bot"])
    # What the slow one says is what it says about bars of four hours, from the close of each on.
    four = longer(bars, "4h")
    said = mf.UTSignalAgent(sensitivity=2).evaluate(four)
    votes = four.select(timestamp=pl.col("timestamp") + pl.duration(hours=3), expected=said)
    both = decisions.select("timestamp", "vote_slow_bot").join(votes, on="timestamp", how="left", maintain_order="left")
    both = both.with_columns(pl.col("expected").forward_fill())
    assert both["vote_slow_bot"].drop_nulls().n_unique() > 1
    assert both["vote_slow_bot"].equals(both["expected"].rename("vote_slow_bot"), null_equal=True)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ({"name": "ut_bot", "timeframe": "90m"}, "strategies.ut_bot.timeframe .* whole multiple"),
        ({"name": "ut_bot", "timeframe": "soon"}, "strategies.ut_bot.timeframe"),
        ({"name": "mine", "kind": "ut_bott"}, "ut_bot"),
        ({"name": "mean_reversion", "kind": "ut_bot"}, "another label"),
        ({"name": "x", "source": "a:B", "kind": "ut_bot"}, "strategy of your own"),
        ({"name": "pairs_trading"}, "at least two"),
        ({"name": "anomaly_detection", "model": "/nowhere/model.json"}, "model.json"),
    ],
)
def test_line_ups_that_cannot_be(bars: pl.DataFrame, strategy: dict[str, Any], message: str) -> None:
    with pytest.raises((mf.ParameterError, mf.ConfigurationError), match=message):
        mf.backtest(bars, strategies=[strategy])


def test_a_fitted_model_votes_in_the_engine(bars: pl.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    agent = mf.strategies.fit_anomaly_detection(bars.head(700))
    rest = bars.tail(800)
    by_object = mf.backtest(rest, strategies=[agent]).decisions
    path = tmp_path / "model.json"
    agent.save_model(path)
    assert json.loads(path.read_text())
    by_file = mf.backtest(rest, strategies=[{"name": "anomaly_detection", "model": path}]).decisions
    own_fit = mf.backtest(rest, strategies=["anomaly_detection"]).decisions
    votes = "vote_anomaly_detection"
    assert by_object[votes].equals(by_file[votes])
    assert by_object[votes].equals(agent.evaluate(rest).rename(votes), null_equal=True)
    assert not by_object[votes].equals(own_fit[votes])
    with pytest.raises(mf.ParameterError, match="no model to save"):
        AnomalyDetectionAgent().save_model(path)


def test_pairs_are_traded_in_a_backtest(bars: pl.DataFrame) -> None:
    swing = (pl.int_range(pl.len()) % 40 - 20).abs() / 20 - 0.5
    factor = (1 + 0.02 * swing) * 0.5
    twin = bars.with_columns(pl.col("open", "high", "low", "close") * factor, symbol=pl.lit("TWIN/USD")).with_columns(
        high=pl.max_horizontal("open", "high", "low", "close"), low=pl.min_horizontal("open", "high", "low", "close")
    )
    both = pl.concat([bars, twin])
    result = mf.backtest(both, strategies=["pairs_trading"])
    votes = result.decisions.pivot("symbol", index="timestamp", values="vote_pairs_trading").drop_nulls()
    assert (votes["BTC/USD"] * votes["TWIN/USD"] <= 0).all()
    assert (votes["BTC/USD"] != 0).sum() > 5
    assert set(result.trades["symbol"]) == {"BTC/USD", "TWIN/USD"}
    expected = mf.PairsTradingAgent().evaluate(both)
    assert result.decisions.sort("symbol", "timestamp")["vote_pairs_trading"].equals(
        expected.rename("vote_pairs_trading"), null_equal=True
    )
