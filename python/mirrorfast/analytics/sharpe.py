"""How far a Sharpe ratio can be believed: probabilistic, deflated, and the track record that it needs.

The figures of a run come from the core (:func:`mirrorfast.performance`); these functions take moments instead of
returns, for what has no returns at hand: the trials of a sweep, a published record. A test holds both to the same
values.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

from mirrorfast.errors import ParameterError

__all__ = ["deflated_sharpe", "expected_maximum_sharpe", "minimum_track_record_length", "probabilistic_sharpe"]

_NORMAL: Final = NormalDist()
_EULER: Final = 0.5772156649015329


def probabilistic_sharpe(
    sharpe: float, *, bars: float, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float:
    """Give the probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio a bar, not annualised.
    bars : float
        Number of returns it was measured on, > 1.
    skew, kurtosis : float, default 0 and 3
        Skewness and (not excess) kurtosis of the returns; those of the normal distribution by default.
    benchmark : float, default 0
        Sharpe ratio a bar to compare with.

    Returns
    -------
    float
        Probability in [0, 1]; NaN where the moments contradict each other (no positive variance of the estimate).

    Raises
    ------
    ParameterError
        For `bars` of at most 1.

    Notes
    -----
    ``Φ((SR − SR*)·√(n − 1) / √(1 − γ₃·SR + (γ₄ − 1)/4·SR²))``.

    References
    ----------
    .. [1] D. Bailey, M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012).

    Examples
    --------
    >>> round(probabilistic_sharpe(0.1, bars=250), 3)
    0.942
    """
    if not bars > 1:
        raise ParameterError(f"bars = {bars}: expected a number > 1")
    variance = _variance(sharpe, skew, kurtosis)
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(bars - 1.0) / math.sqrt(variance)) if variance > 0 else math.nan


def expected_maximum_sharpe(n_trials: float, variance: float) -> float:
    """Give the Sharpe ratio that the best of many strategies without skill is expected to show.

    Parameters
    ----------
    n_trials : float
        Independent trials, >= 1.
    variance : float
        Variance of the trials' Sharpe ratios, >= 0.

    Returns
    -------
    float
        In the unit of the ratios; 0 for one trial.

    Raises
    ------
    ParameterError
        For a number outside its range.

    Notes
    -----
    ``√V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e)))`` with Euler's constant γ.

    References
    ----------
    .. [1] D. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).

    Examples
    --------
    >>> round(expected_maximum_sharpe(100, 0.5 / 250), 4)
    0.1132
    """
    if not n_trials >= 1:
        raise ParameterError(f"n_trials = {n_trials}: expected a number >= 1")
    if not variance >= 0:
        raise ParameterError(f"variance = {variance}: expected a number >= 0")
    if n_trials == 1:
        return 0.0
    # The upper quantiles by symmetry: 1 − 1/N would lose the digits of 1/N.
    first = -_NORMAL.inv_cdf(1.0 / n_trials)
    second = -_NORMAL.inv_cdf(1.0 / (n_trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second)


def deflated_sharpe(
    sharpe: float, *, bars: float, n_trials: float, variance: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Give the probability that the best of many trials has skill.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio a bar of the trial that was chosen.
    bars : float
        Number of returns, > 1.
    n_trials : float
        Trials that it was chosen from, >= 1.
    variance : float
        Variance of the trials' Sharpe ratios a bar.
    skew, kurtosis : float, default 0 and 3
        Skewness and (not excess) kurtosis of the chosen trial's returns.

    Returns
    -------
    float
        Probability that its true Sharpe ratio is above what the best of so many trials without skill would show.

    Raises
    ------
    ParameterError
        For a number outside its range.

    References
    ----------
    .. [1] D. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).

    Examples
    --------
    >>> bar = 2.5 / 250**0.5
    >>> round(deflated_sharpe(bar, bars=1250, n_trials=100, variance=0.5 / 250, skew=-3.0, kurtosis=10.0), 4)
    0.9004
    """
    benchmark = expected_maximum_sharpe(n_trials, variance)
    return probabilistic_sharpe(sharpe, bars=bars, skew=skew, kurtosis=kurtosis, benchmark=benchmark)


def minimum_track_record_length(
    sharpe: float, *, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0, confidence: float = 0.95
) -> float:
    """Give the number of bars after which a Sharpe ratio can be told from a benchmark.

    Parameters
    ----------
    sharpe : float
        Sharpe ratio a bar.
    benchmark : float, default 0
        Sharpe ratio a bar to be above.
    skew, kurtosis : float, default 0 and 3
        Skewness and (not excess) kurtosis of the returns.
    confidence : float, default 0.95
        Probability wanted, in (0, 1).

    Returns
    -------
    float
        Bars, fractional; infinite where the ratio is not above the benchmark, NaN where the moments contradict each
        other.

    Raises
    ------
    ParameterError
        For a confidence outside (0, 1).

    Notes
    -----
    ``1 + (1 − γ₃·SR + (γ₄ − 1)/4·SR²)·(Φ⁻¹(confidence) / (SR − SR*))²``.

    References
    ----------
    .. [1] D. Bailey, M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012).

    Examples
    --------
    >>> round(minimum_track_record_length(0.1), 1)
    272.9
    """
    if not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence = {confidence}: expected a probability in (0, 1)")
    if not sharpe > benchmark:
        return math.nan if math.isnan(sharpe) else math.inf
    variance = _variance(sharpe, skew, kurtosis)
    if not variance > 0:
        return math.nan
    return 1.0 + variance * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def _variance(sharpe: float, skew: float, kurtosis: float) -> float:
    return 1.0 - skew * sharpe + 0.25 * (kurtosis - 1.0) * sharpe * sharpe
