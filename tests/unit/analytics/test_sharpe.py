"""Probabilistic and deflated Sharpe ratios: published numbers, limits, and the core's own values."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from mirrorfast.analytics.performance import performance
from mirrorfast.analytics.sharpe import (
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record_length,
    probabilistic_sharpe,
)
from mirrorfast.errors import ParameterError


def test_the_published_example() -> None:
    # Bailey & López de Prado (2014), "A numerical example": 5 years of days, 100 trials, V = 1/2 a year, SR 2.5 a year,
    # skewness −3, kurtosis 10. The paper gives SR0 = 0.1132 and DSR = 0.9004; with 46 trials 0.9505.
    variance, bar = 0.5 / 250, 2.5 / math.sqrt(250)
    assert expected_maximum_sharpe(100, variance) == pytest.approx(0.1132, abs=5e-5)
    shape = {"bars": 1250, "variance": variance, "skew": -3.0, "kurtosis": 10.0}
    assert deflated_sharpe(bar, n_trials=100, **shape) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(bar, n_trials=46, **shape) == pytest.approx(0.9505, abs=5e-5)


def test_one_trial_is_the_probabilistic_ratio() -> None:
    assert expected_maximum_sharpe(1, 3.0) == 0.0
    single = deflated_sharpe(0.05, bars=500, n_trials=1, variance=1.0, skew=-0.5, kurtosis=5.0)
    assert single == probabilistic_sharpe(0.05, bars=500, skew=-0.5, kurtosis=5.0)


def test_equals_the_core_on_the_same_returns() -> None:
    generator = np.random.default_rng(7)
    r = generator.standard_t(4, 700) * 0.01 + 0.0005
    ratios = generator.normal(0, 0.03, 40)
    figures = performance(returns=r, trial_sharpes=ratios)
    centred = r - r.mean()
    shape = {
        "skew": float((centred**3).mean() / (centred**2).mean() ** 1.5),
        "kurtosis": float((centred**4).mean() / (centred**2).mean() ** 2),
    }
    ratio = float(r.mean() / r.std(ddof=1))
    assert probabilistic_sharpe(ratio, bars=700, **shape) == pytest.approx(figures["probabilistic_sharpe"], rel=1e-10)
    deflated = deflated_sharpe(ratio, bars=700, n_trials=40, variance=float(ratios.var(ddof=1)), **shape)
    assert deflated == pytest.approx(figures["deflated_sharpe"], rel=1e-10)


def test_the_record_is_just_long_enough() -> None:
    n = minimum_track_record_length(0.08, benchmark=0.02, skew=-0.7, kurtosis=6.0, confidence=0.95)
    assert probabilistic_sharpe(0.08, bars=n, skew=-0.7, kurtosis=6.0, benchmark=0.02) == pytest.approx(0.95, abs=1e-12)
    assert minimum_track_record_length(0.02, benchmark=0.02) == math.inf
    assert math.isnan(minimum_track_record_length(math.nan))


def test_the_expected_maximum_is_that_of_simulated_noise() -> None:
    trials = 50
    best = np.random.default_rng(3).normal(size=(20_000, trials)).max(axis=1).mean()
    assert expected_maximum_sharpe(trials, 1.0) == pytest.approx(best, rel=0.02)


def test_the_ratio_of_noise_is_uniform() -> None:
    r = np.random.default_rng(11).normal(size=(2000, 250))
    values = [probabilistic_sharpe(float(x.mean() / x.std(ddof=1)), bars=250) for x in r]
    for level in (0.1, 0.5, 0.9):
        assert np.mean(np.array(values) < level) == pytest.approx(level, abs=0.03)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: probabilistic_sharpe(0.1, bars=1), "bars"),
        (lambda: expected_maximum_sharpe(0, 1.0), "n_trials"),
        (lambda: expected_maximum_sharpe(2, -1.0), "variance"),
        (lambda: minimum_track_record_length(0.1, confidence=1.0), "confidence"),
    ],
)
def test_bad_input_is_named(call, field: str) -> None:
    with pytest.raises(ParameterError, match=field):
        call()


def test_the_normal_distribution_is_the_libraries() -> None:
    assert probabilistic_sharpe(0.1, bars=101, kurtosis=1.0) == pytest.approx(NormalDist().cdf(1.0), rel=1e-12)
