"""How sure a mean is, for numbers that stand in an order: circular block bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mirrorfast.errors import DataError, ParameterError

__all__ = ["MeanInterval", "bootstrap_mean"]

#: Draws that are made at a time, so that long series take little memory.
_CELLS: Final = 4_000_000


@dataclass(frozen=True)
class MeanInterval:
    """A mean, where it may lie, and how often it came out above zero.

    Attributes
    ----------
    mean
        Of the values.
    low, high
        Bounds between which the mean of resampled values lies with the confidence asked for.
    above_zero
        Share of the resampled means that are above zero.
    confidence
        What was asked for.

    Examples
    --------
    >>> bootstrap_mean([1.0] * 50).low
    1.0
    """

    mean: float
    low: float
    high: float
    above_zero: float
    confidence: float


def bootstrap_mean(
    values: Any, *, confidence: float = 0.95, draws: int = 2000, block: int | None = None, seed: int = 0
) -> MeanInterval:
    """Resample neighbouring values in blocks, and say between which bounds their mean lies.

    Parameters
    ----------
    values : array_like, shape (n,)
        In their order, such as the excess return of every bar.
    confidence : float, default 0.95
        Probability of the interval, in (0, 1).
    draws : int, default 2000
        Resampled series, >= 100.
    block : int, optional
        Values of a block, from 1 to n; by default ``max(10, 2·n^(1/3))``, at most a quarter of n.
    seed : int, default 0
        Of the draws: the same seed gives the same numbers.

    Returns
    -------
    MeanInterval
        Percentile interval of the mean.

    Raises
    ------
    ParameterError
        For an option outside its range.
    DataError
        For fewer than 8 values, or one that is not finite.

    Notes
    -----
    Neighbouring returns of a position that is held are not independent; blocks keep what binds them. The series is
    closed to a circle, so that every value is drawn equally often.

    References
    ----------
    .. [1] D. Politis, J. Romano, "A Circular Block-Resampling Procedure for Stationary Data" (1992).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0, 1, 1000)
    >>> interval = bootstrap_mean(noise)
    >>> interval.low < 0 < interval.high
    True
    >>> bootstrap_mean(noise + 1).low > 0.8
    True
    """
    series = np.asarray(values, dtype=np.float64).reshape(-1)
    n = len(series)
    if not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence = {confidence}: expected a number between 0 and 1")
    if draws < 100:
        raise ParameterError(f"draws = {draws}: expected a whole number >= 100")
    if n < 8:
        raise DataError(f"values: {n} of them: expected at least 8")
    if not np.all(np.isfinite(series)):
        row = int(np.flatnonzero(~np.isfinite(series))[0])
        raise DataError(f"values: row {row} is {series[row]}: expected a finite number")
    length = min(max(10, round(2 * n ** (1 / 3))), max(n // 4, 1)) if block is None else block
    if not 1 <= length <= n:
        raise ParameterError(f"block = {block}: expected a whole number from 1 to {n}")
    # Sums of blocks by differences of running sums of a circle: a draw costs its blocks, not its values.
    around = np.concatenate([[0.0], np.cumsum(np.concatenate([series, series[: length - 1]]))])
    sums = around[length:] - around[:-length]
    count = -(-n // length)
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    step = max(1, _CELLS // count)
    for start in range(0, draws, step):
        part = slice(start, min(start + step, draws))
        picked = generator.integers(0, n, (part.stop - part.start, count))
        means[part] = sums[picked].sum(axis=1) / (count * length)
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return MeanInterval(
        mean=float(series.mean()),
        low=float(low),
        high=float(high),
        above_zero=float(np.mean(means > 0.0)),
        confidence=confidence,
    )
