"""Figures against a benchmark, and those of degenerate series, against empyrical-reloaded's and quantstats' values."""

import math

import numpy as np
import pytest

from mirrorfast.analytics.performance import performance
from mirrorfast.analytics.relative import relative_performance
from mirrorfast.errors import DataError, ParameterError

# empyrical-reloaded 0.7.1 `alpha(r, b, annualization=365)` and `beta(r, b)`, quantstats 0.0.86
# `information_ratio(r, b)`, which is a bar's and not a year's, on the returns below.
ALPHA, BETA, INFORMATION_RATIO = 0.00959736242524123, 0.9707646912995732, 0.002033894683100015

# empyrical-reloaded 0.7.1 with annualization=365: one return, ten zeros, losses only. Where it gives NaN, so do we.
DEGENERATE = {
    "one": (
        [0.01],
        {"total_return": 0.01, "annual_return": 36.78343433288728, "max_drawdown": 0.0, "value_at_risk": 0.01},
        ("annual_volatility", "sharpe", "sortino", "calmar", "omega"),
    ),
    "zero": (
        [0.0] * 10,
        {
            "total_return": 0.0,
            "annual_return": 0.0,
            "annual_volatility": 0.0,
            "max_drawdown": 0.0,
            "value_at_risk": 0.0,
        },
        ("sharpe", "sortino", "calmar", "omega", "tail_ratio"),
    ),
    "loss": (
        [-0.01, -0.02, -0.005, -0.03],
        {
            "total_return": -0.06361147000000011,
            "annual_return": -0.9975147631540497,
            "annual_volatility": 0.21181261372574894,
            "sharpe": -28.002345543404097,
            "sortino": -16.448350847852048,
            "calmar": -15.681366318905177,
            "omega": 0.0,
            "max_drawdown": -0.06361147000000017,
            "value_at_risk": -0.0285,
            "conditional_value_at_risk": -0.03,
            "tail_ratio": 0.20175438596491235,
        },
        ("recovery_bars", "profit_factor"),
    ),
}


def curves() -> tuple[np.ndarray, np.ndarray]:
    i = np.arange(500)
    r = 0.012 * np.sin(1.7 * i) + 0.006 * np.cos(0.31 * i * i) + 0.0004
    b = 0.010 * np.sin(1.7 * i + 0.4) + 0.004 * np.cos(0.17 * i * i) + 0.0003
    return tuple(np.concatenate([[1.0], np.cumprod(1 + x)]) for x in (r, b))


def test_equals_the_references() -> None:
    figures = relative_performance(*curves(), periods_per_year=365)
    assert figures["alpha"] == pytest.approx(ALPHA, rel=1e-10)
    assert figures["beta"] == pytest.approx(BETA, rel=1e-11)
    assert figures["information_ratio"] / math.sqrt(365) == pytest.approx(INFORMATION_RATIO, rel=1e-9)


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_series(name: str) -> None:
    returns, known, undefined = DEGENERATE[name]
    figures = performance(returns=returns, periods_per_year=365)
    assert {k: figures[k] for k in known} == pytest.approx(known, rel=1e-12, abs=1e-15)
    assert all(math.isnan(figures[k]) for k in undefined)


def test_an_empty_series_has_no_figures() -> None:
    # empyrical gives NaN for the total return and the drawdown too; here nothing was earned and nothing lost.
    figures = performance(returns=[], periods_per_year=365)
    assert (figures["bars"], figures["total_return"], figures["max_drawdown"]) == (0.0, 0.0, 0.0)
    assert all(math.isnan(figures[k]) for k in ("annual_return", "sharpe", "sortino", "calmar", "omega", "skew"))


def test_against_itself() -> None:
    curve, _ = curves()
    figures = relative_performance(curve, curve, periods_per_year=365)
    assert figures["beta"] == pytest.approx(1.0)
    assert figures["alpha"] == pytest.approx(0.0, abs=1e-12)
    assert (figures["tracking_error"], figures["active_return"]) == (0.0, 0.0)
    assert math.isnan(figures["information_ratio"])
    assert figures["up_capture"] == figures["down_capture"] == 1.0


def test_a_flat_benchmark_has_no_beta() -> None:
    curve, _ = curves()
    figures = relative_performance(curve, np.ones(len(curve)), periods_per_year=365)
    assert math.isnan(figures["beta"])
    assert math.isnan(figures["up_capture"])
    assert figures["information_ratio"] == pytest.approx(
        performance(equity=curve, periods_per_year=365)["sharpe"], rel=1e-12
    )


@pytest.mark.parametrize("rows", [0, 1])
def test_too_short_a_curve_has_no_figures(rows: int) -> None:
    assert all(math.isnan(v) for v in relative_performance([1.0] * rows, [1.0] * rows, periods_per_year=1).values())


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="benchmark has 3 rows: expected 2"):
        relative_performance([1.0, 2.0], [1.0, 2.0, 3.0], periods_per_year=1)
    with pytest.raises(DataError, match="equity: row 1 is 0"):
        relative_performance([1.0, 0.0], [1.0, 2.0], periods_per_year=1)
    with pytest.raises(ParameterError, match="periods_per_year"):
        relative_performance([1.0, 2.0], [1.0, 2.0], periods_per_year=0)
