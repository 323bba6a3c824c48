"""Metrics against empyrical-reloaded's and pandas' values, and against the formulas written out."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from mirrorfast.analytics.performance import performance

# empyrical-reloaded 0.7.1 with annualization=365 and pandas 3.1.1 (skew, kurtosis) on the returns below.
REFERENCE = {
    "total_return": 0.25109879107566746,
    "annual_return": 0.17766799138788225,
    "annual_volatility": 0.1798910284739612,
    "sharpe": 0.9989783149192153,
    "sortino": 1.505991572928928,
    "calmar": 2.5355665789332944,
    "omega": 1.129390079071866,
    "max_drawdown": -0.07007033176096944,
    "value_at_risk": -0.014335096861267875,
    "conditional_value_at_risk": -0.01582459492273614,
    "tail_ratio": 1.1239127740193688,
    "skew": 0.0667949841861463,
    "kurtosis": -1.0338456674347711,
}


def returns():
    i = np.arange(500)
    return 0.012 * np.sin(1.7 * i) + 0.006 * np.cos(0.31 * i * i) + 0.0004


@pytest.mark.parametrize("name", REFERENCE)
def test_equals_the_reference(name):
    figures = performance(returns=returns(), periods_per_year=365)
    assert figures[name] == pytest.approx(REFERENCE[name], rel=1e-11)


def test_equals_the_formulas_on_random_curves():
    rng = np.random.default_rng(20240105)
    for n in (2, 3, 10, 250, 2000):
        r = rng.normal(0.0003, 0.01, n)
        equity = 1000 * np.concatenate([[1.0], np.cumprod(1 + r)])
        rf = 0.0001
        f = performance(equity=equity, periods_per_year=252, risk_free=rf)
        x = r - rf
        assert f["sharpe"] == pytest.approx(x.mean() / x.std(ddof=1) * math.sqrt(252), rel=1e-9)
        downside = math.sqrt(np.mean(np.minimum(x, 0) ** 2))
        if downside:
            assert f["sortino"] == pytest.approx(x.mean() / downside * math.sqrt(252), rel=1e-9)
            assert f["omega"] == pytest.approx(np.maximum(x, 0).sum() / np.maximum(-x, 0).sum(), rel=1e-9)
        assert f["annual_volatility"] == pytest.approx(r.std(ddof=1) * math.sqrt(252), rel=1e-9)
        drawdown = (equity / np.maximum.accumulate(equity) - 1).min()
        assert f["max_drawdown"] == pytest.approx(drawdown, abs=1e-12)
        assert f["annual_return"] == pytest.approx((equity[-1] / equity[0]) ** (252 / n) - 1, rel=1e-9)
        assert f["value_at_risk"] == pytest.approx(np.percentile(r, 5), rel=1e-9)
        worst = np.sort(r)[: int((n - 1) * 0.05) + 1]
        assert f["conditional_value_at_risk"] == pytest.approx(worst.mean(), rel=1e-9)
        assert f["tail_ratio"] == pytest.approx(abs(np.percentile(r, 95)) / abs(np.percentile(r, 5)), rel=1e-9)


def test_the_deflated_sharpe_ratio():
    normal = NormalDist()
    r = returns()
    n, mean, std = len(r), r.mean(), r.std(ddof=1)
    centred = r - mean
    m2 = np.mean(centred**2)
    skew, kurtosis = np.mean(centred**3) / m2**1.5, np.mean(centred**4) / m2**2
    sharpe = mean / std
    trials = np.array([0.02, -0.03, 0.05, 0.01, 0.04, -0.01])
    euler = 0.5772156649015329
    expected = math.sqrt(trials.var(ddof=1)) * (
        (1 - euler) * normal.inv_cdf(1 - 1 / 6) + euler * normal.inv_cdf(1 - 1 / (6 * math.e))
    )
    spread = math.sqrt(1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2)
    deflated = normal.cdf((sharpe - expected) * math.sqrt(n - 1) / spread)
    got = performance(returns=r, trial_sharpes=trials)
    assert got["deflated_sharpe"] == pytest.approx(deflated, rel=1e-9)
    plain = performance(returns=r)
    assert plain["probabilistic_sharpe"] == pytest.approx(normal.cdf(sharpe * math.sqrt(n - 1) / spread), rel=1e-9)
    assert performance(returns=r, n_trials=50)["deflated_sharpe"] < plain["deflated_sharpe"]
