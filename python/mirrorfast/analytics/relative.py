"""A run against a benchmark: alpha, beta, tracking error, information ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mirrorfast.errors import DataError, ParameterError

__all__ = ["relative_performance"]


def relative_performance(
    equity: Any, benchmark: Any, *, periods_per_year: float, risk_free: float = 0.0
) -> dict[str, float]:
    """Compare an equity curve with a benchmark's.

    Parameters
    ----------
    equity, benchmark : array of shape (n,)
        Equity at the same times, > 0.
    periods_per_year : float
        Bars a year, > 0.
    risk_free : float, default 0
        Risk-free return a bar.

    Returns
    -------
    dict of str to float
        ``alpha`` (a year), ``beta``, ``correlation``, ``tracking_error`` and ``information_ratio`` (a year),
        ``active_return`` (total return above the benchmark's), ``up_capture`` and ``down_capture`` (mean return in the
        benchmark's rising and falling bars over the benchmark's). NaN where undefined.

    Raises
    ------
    DataError
        For curves of different lengths, or a value that is not finite and > 0.
    ParameterError
        For bars a year that are not > 0.

    Notes
    -----
    With r and b the returns above the risk-free one and P the bars a year: ``beta = cov(r, b) / var(b)`` and ``alpha =
    (1 + mean(r − beta·b))^P − 1`` as empyrical-reloaded's; ``information_ratio = mean(r − b) / std(r − b, ddof=1)·√P``,
    which is quantstats' ``information_ratio`` annualised; ``tracking_error = std(r − b, ddof=1)·√P``.

    References
    ----------
    .. [1] empyrical-reloaded, https://github.com/stefan-jansen/empyrical-reloaded
    .. [2] quantstats, https://github.com/ranaroussi/quantstats

    Examples
    --------
    >>> figures = relative_performance([100, 102, 101, 104], [100, 101, 100.5, 102], periods_per_year=365)
    >>> round(figures["beta"], 3)
    1.989
    """
    if not periods_per_year > 0:
        raise ParameterError(f"periods_per_year = {periods_per_year}: expected a number > 0")
    own, other = _returns("equity", equity), _returns("benchmark", benchmark)
    if len(own) != len(other):
        raise DataError(f"benchmark has {len(other) + 1} rows: expected {len(own) + 1}, as many as equity")
    r, b = own - risk_free, other - risk_free
    names = ("alpha", "beta", "correlation", "tracking_error", "information_ratio")
    figures = dict.fromkeys(names, math.nan)
    if len(r) > 1:
        active = r - b
        spread = float(active.std(ddof=1))
        # A curve that equals its benchmark has no active return to measure; what rounding leaves of it is none either.
        still = spread <= 1e-12 * max(float(r.std(ddof=1)), float(b.std(ddof=1)))
        figures["tracking_error"] = 0.0 if still else spread * math.sqrt(periods_per_year)
        if not still:
            figures["information_ratio"] = float(active.mean()) / spread * math.sqrt(periods_per_year)
        variance, other_variance = float(r.var()), float(b.var())
        covariance = float(((r - r.mean()) * (b - b.mean())).mean())
        if other_variance > 0:
            beta = covariance / other_variance
            figures["beta"] = beta
            figures["alpha"] = math.expm1(periods_per_year * math.log1p(float((r - beta * b).mean())))
            if variance > 0:
                figures["correlation"] = covariance / math.sqrt(variance * other_variance)
    total = [math.prod((1.0 + x).tolist()) - 1.0 if len(x) else math.nan for x in (own, other)]
    figures["active_return"] = total[0] - total[1]
    for name, part in (("up_capture", b > 0), ("down_capture", b < 0)):
        figures[name] = float(r[part].mean() / b[part].mean()) if part.any() else math.nan
    return figures


def _returns(name: str, curve: Any) -> npt.NDArray[np.float64]:
    values = np.asarray(curve, dtype=np.float64)
    if values.ndim != 1:
        raise DataError(f"{name} of shape {values.shape}: expected one value a bar")
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(bad):
        raise DataError(f"{name}: row {bad[0]} is {values[bad[0]]}: expected a finite amount > 0")
    return values[1:] / values[:-1] - 1.0
