"""Weights, grades and evaluation of registered strategies."""

import polars as pl
import pytest

import mirrorfast as mf


class Long(mf.BaseStrategyAgent):
    """Long, always."""

    def evaluate(self, df):
        return pl.repeat(1.0, df.height, eager=True)


@pytest.fixture
def trainer() -> mf.StrategyTrainerAgent:
    agent = mf.StrategyTrainerAgent()
    agent.register_strategy("trend", "ut_bot")
    agent.register_strategy("own", Long())
    return agent


def test_evaluate_feeds_the_ensemble(trainer: mf.StrategyTrainerAgent, market: pl.DataFrame) -> None:
    table = market.group_by("symbol", maintain_order=True).head(200)
    out = trainer.evaluate(table)
    assert out.columns == ["symbol", "timestamp", "close", "trend", "trend_confidence", "own", "own_confidence"]
    assert out["trend"].equals(mf.UTSignalAgent().evaluate(table).alias("trend"))
    combined = mf.Ensemble(weights=trainer.weights).combine(out)
    assert combined.height == 400
    assert combined["consensus"].null_count() == 0


def test_weights_follow_the_formula(trainer: mf.StrategyTrainerAgent) -> None:
    assert trainer.weights == {"trend": 0.5, "own": 0.5}
    pnl = [0.03, -0.01, 0.02]
    expected, seen = 0.5, []
    for value in pnl:
        seen.append(value)
        mean = sum(seen) / len(seen)
        std = (sum((x - mean) ** 2 for x in seen) / len(seen)) ** 0.5
        sharpe = mean / std if std > 0 else mean
        wins = sum(x > 0 for x in seen) / len(seen)
        expected += 0.1 * (0.1 * mean + 0.5 * (wins - 0.5) + min(max(0.1 * sharpe, -0.2), 0.2))
        assert trainer.update_performance("trend", value) == pytest.approx(expected, abs=1e-12)
    assert trainer.weights["own"] == 0.5


def test_grades(trainer: mf.StrategyTrainerAgent) -> None:
    assert trainer.grade_strategies() == {"trend": "N/A", "own": "N/A"}
    for value in (0.06, 0.07):
        trainer.update_performance("trend", value)
    trainer.update_performance("own", -0.05)
    assert trainer.grade_strategies() == {"trend": "A", "own": "F"}
    table = trainer.statistics()
    assert table["trades"].to_list() == [2, 1]
    assert table["mean"].to_list() == pytest.approx([0.065, -0.05])


def test_statistics_without_trades(trainer: mf.StrategyTrainerAgent) -> None:
    table = trainer.statistics()
    assert table["trades"].to_list() == [0, 0]
    assert table["sharpe"].null_count() == 2


def test_state_survives(trainer: mf.StrategyTrainerAgent) -> None:
    for k in range(15):
        trainer.update_performance("trend", 0.01 * (k % 3 - 1))
    other = mf.StrategyTrainerAgent()
    with pytest.raises(mf.ParameterError, match="got 2 strategies, expected 0"):
        other.restore(trainer.snapshot())
    other.register_strategy("trend", "ut_bot")
    other.register_strategy("own", Long())
    other.restore(trainer.snapshot())
    assert other.weights == trainer.weights
    assert other.update_performance("trend", 0.02) == trainer.update_performance("trend", 0.02)


def test_refusals(trainer: mf.StrategyTrainerAgent) -> None:
    for name, agent in [("trend", "vbsr"), ("two words", "vbsr"), ("third", "no_such"), ("third", 5)]:
        with pytest.raises(mf.ParameterError):
            trainer.register_strategy(name, agent)
    assert list(trainer.strategies) == ["trend", "own"]
    with pytest.raises(mf.ParameterError, match="expected one of trend, own"):
        trainer.update_performance("third", 0.1)
    with pytest.raises(mf.ParameterError, match="pnl = NaN"):
        trainer.update_performance("trend", float("nan"))
    with pytest.raises(mf.ParameterError, match="trainer.max_weight"):
        mf.StrategyTrainerAgent(max_weight=0.05)
    assert repr(trainer) == "StrategyTrainerAgent(trend, own)"
