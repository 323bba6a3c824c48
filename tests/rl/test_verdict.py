"""A verdict that can say no: luck is not taken for skill, and skill is found."""

import math

import numpy as np
import pytest

from mirrorfast.errors import DataError
from mirrorfast.rl.verdict import Played, judge

HOURS = 8760.0
N = 4000
TIMES = np.arange(N) * 3_600_000


def market(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.01, N)


def run(contender: str, growth: np.ndarray, *, seed: int = 0, symbol: str = "A", fold: int = 0) -> Played:
    return Played(contender, symbol, seed, fold, TIMES[: len(growth)], growth, float(len(growth)) / 10)


def benchmarks(returns: np.ndarray) -> list[Played]:
    noise = np.random.default_rng(9).choice([-1.0, 1.0], len(returns))
    return [
        run("buy & hold", returns),
        run("flat", 0 * returns),
        run("random", noise * returns - 0.001),
        run("rules", 0.1 * returns),
    ]


def test_skill_is_found() -> None:
    returns = market(0)
    policy = [run("policy", 0.002 + 0.1 * market(10 + s), seed=s) for s in range(3)]
    result = judge([*policy, *benchmarks(returns)], bars_per_year=HOURS)
    assert result.verdict.startswith("evidence of skill over buy & hold and flat and random and rules at 95 %")
    assert result.deflated_sharpe > 0.99
    assert result.comparisons["evidence"].all()
    row = result.table.row(0, named=True)
    assert row["contender"] == "policy"
    assert row["growth"] == pytest.approx(np.mean([math.expm1(p.growth.sum()) for p in policy]))
    assert row["spread"] == pytest.approx(np.std([math.expm1(p.growth.sum()) for p in policy], ddof=1))
    assert row["turnover"] == pytest.approx(0.1)


def test_luck_is_not_taken_for_skill() -> None:
    """Of a hundred policies that trade at random, few may be called better than the market."""
    called = 0
    for k in range(100):
        returns = market(k)
        side = np.repeat(np.random.default_rng(k + 500).choice([-1.0, 0.0, 1.0], N // 20), 20)
        result = judge([run("policy", side * returns), *benchmarks(returns)], bars_per_year=HOURS, draws=300)
        called += result.verdict.startswith("evidence")
    assert called <= 3


def test_more_seeds_are_not_more_data() -> None:
    returns = market(0)
    lucky = 0.5 * market(7) + 0.0002
    one = judge([run("policy", lucky), *benchmarks(returns)], bars_per_year=HOURS)
    many = judge([*(run("policy", lucky, seed=s) for s in range(10)), *benchmarks(returns)], bars_per_year=HOURS)
    for name in ("low", "high"):
        assert one.comparisons[name].to_list() == pytest.approx(many.comparisons[name].to_list())


def test_what_loses_is_called_so() -> None:
    returns = np.abs(market(1))
    result = judge([run("policy", -returns), *benchmarks(returns)], bars_per_year=HOURS)
    assert result.verdict.startswith("worse than buy & hold at 95 %: excess -")


def test_a_better_hold_is_not_enough() -> None:
    returns = market(2) - 0.002
    result = judge([run("policy", 0.01 * returns), *benchmarks(returns)], bars_per_year=HOURS)
    assert result.verdict.startswith("better than buy & hold at 95 %")
    assert "but no evidence of skill over flat" in result.verdict


def test_symbols_of_other_hours_are_averaged_by_time() -> None:
    first = Played("policy", "A", 0, 0, np.arange(10), np.full(10, 0.01), 0.0)
    second = Played("policy", "B", 0, 0, np.arange(5, 15), np.full(10, 0.03), 0.0)
    flat = [Played("flat", p.symbol, 0, 0, p.times, p.growth * 0, 0.0) for p in (first, second)]
    result = judge([first, second, *flat], bars_per_year=1.0)
    expected = (5 * 0.01 + 5 * 0.02 + 5 * 0.03) / 15
    assert result.comparisons["excess"][0] == pytest.approx(expected)


def test_other_bars_are_refused() -> None:
    with pytest.raises(DataError, match="flat was played over 100 bar times, the policy over 4000"):
        judge([run("policy", market(0)), run("flat", np.zeros(100))], bars_per_year=HOURS)
    with pytest.raises(DataError, match="none of the policy"):
        judge([run("flat", np.zeros(100))], bars_per_year=HOURS)


def test_the_report_is_json() -> None:
    result = judge([run("policy", np.zeros(N)), *benchmarks(market(0))], bars_per_year=HOURS, facts={"symbols": ["A"]})
    document = result.to_dict()
    assert document["symbols"] == ["A"]
    assert document["contenders"][0]["sharpe"] is None
    assert document["deflated_sharpe"] is None
    assert "no evidence" in str(result)
