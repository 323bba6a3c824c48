"""Probability of backtest overfitting by combinatorially symmetric cross-validation."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mirrorfast.errors import DataError, ParameterError

__all__ = ["BLOCKS", "Overfitting", "block_sums", "overfitting_of_blocks", "probability_of_overfitting"]

#: Blocks that returns are cut into: 12,870 ways to choose half of them.
BLOCKS: Final = 16
#: Splits judged at once: bounds the memory to this many rows of one number a trial.
_CHUNK: Final = 512

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overfitting:
    """What cross-validation says about choosing the best of many trials.

    Attributes
    ----------
    probability
        Share of the splits in which the trial that was best in one half is at or below the median in the other; about
        0.5 where choosing is worth nothing, NaN where it cannot be told.
    loss_probability
        Share of the splits in which that trial's Sharpe ratio in the other half is below 0.
    slope
        Slope of the ratio out of sample over the ratio in sample, over the splits; below 0 where the better a trial
        looks the worse it does.
    trials, blocks, splits
        How many were compared, and on how many splits.
    logits : shape (splits,)
        ln(rank / (1 − rank)) of the chosen trial out of sample.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(size=(400, 20))
    >>> noise[:, 3] += 1.0
    >>> probability_of_overfitting(noise, blocks=8).probability
    0.0
    """

    probability: float
    loss_probability: float
    slope: float
    trials: int
    blocks: int
    splits: int
    logits: Array = field(repr=False)


def block_sums(returns: Any, blocks: int = BLOCKS) -> Array:
    """Cut returns into consecutive blocks and keep what a Sharpe ratio over any of them needs.

    Parameters
    ----------
    returns : array of shape (n,)
        Returns of one trial.
    blocks : int, default 16
        Number of blocks; they differ in length by at most one.

    Returns
    -------
    numpy.ndarray, shape (blocks, 3)
        Number of returns, their sum, the sum of their squares.

    Raises
    ------
    DataError
        For fewer returns than blocks.

    Examples
    --------
    >>> block_sums([1.0, 2.0, 3.0, 4.0], 2).tolist()
    [[2.0, 3.0, 5.0], [2.0, 7.0, 25.0]]
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1 or len(values) < blocks:
        raise DataError(f"returns of shape {values.shape}: expected one row of at least {blocks} (one a block)")
    edges = np.linspace(0, len(values), blocks + 1).astype(np.int64)
    total = np.stack([np.add.reduceat(x, edges[:-1]) for x in (values, values * values)], axis=1)
    return np.column_stack([np.diff(edges).astype(np.float64), total])


def probability_of_overfitting(returns: Any, *, blocks: int = BLOCKS) -> Overfitting:
    """Estimate how likely the best of many trials is the best by luck.

    Parameters
    ----------
    returns : array of shape (n, trials)
        Returns of every trial over the same bars.
    blocks : int, default 16
        Blocks that the bars are cut into: an even number of at least 2, at most 20.

    Returns
    -------
    Overfitting
        The probability, and what it rests on.

    Raises
    ------
    DataError
        For fewer than two trials, fewer rows than blocks, or a value that is not finite.
    ParameterError
        For a number of blocks that cannot be halved.

    Notes
    -----
    For every choice of half of the blocks as training set, the trial with the highest Sharpe ratio there is ranked
    among all trials in the other half; equal ratios share their mean rank. A trial without variance has ratio 0.

    References
    ----------
    .. [1] D. Bailey, J. Borwein, M. López de Prado, Q. Zhu, "The Probability of Backtest Overfitting", Journal of
       Computational Finance 20 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(5).normal(size=(640, 50))
    >>> 0.2 < probability_of_overfitting(noise, blocks=10).probability < 0.8
    True
    """
    matrix = np.asarray(returns, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise DataError(f"returns of shape {matrix.shape}: expected (bars, trials) with at least two trials")
    if not np.isfinite(matrix).all():
        row, column = (int(x[0]) for x in np.nonzero(~np.isfinite(matrix)))
        raise DataError(f"returns: row {row}, trial {column} is {matrix[row, column]}: expected a finite number")
    return overfitting_of_blocks(np.stack([block_sums(column, blocks) for column in matrix.T]))


def overfitting_of_blocks(sums: Array) -> Overfitting:
    """Estimate the probability of overfitting from the sums of blocks.

    Parameters
    ----------
    sums : numpy.ndarray, shape (trials, blocks, 3)
        What :func:`block_sums` gives for every trial.

    Returns
    -------
    Overfitting
        As :func:`probability_of_overfitting`; NaN with fewer than two trials.

    Raises
    ------
    ParameterError
        For a number of blocks that cannot be halved.

    Examples
    --------
    >>> import numpy as np
    >>> good, bad = block_sums([0.01, 0.02] * 4, 4), block_sums([-0.01, 0.02] * 4, 4)
    >>> overfitting_of_blocks(np.stack([good, bad])).splits
    6
    """
    trials, blocks = sums.shape[:2]
    if blocks < 2 or blocks % 2 or blocks > 20:
        raise ParameterError(f"blocks = {blocks}: expected an even number from 2 to 20")
    if trials < 2:
        return Overfitting(math.nan, math.nan, math.nan, trials, blocks, 0, np.empty(0))
    chosen = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, half in enumerate(itertools.combinations(range(blocks), blocks // 2)):
        chosen[row, list(half)] = 1.0
    inside, outside, ranks = [], [], []
    for start in range(0, len(chosen), _CHUNK):
        mask = chosen[start : start + _CHUNK]
        seen, unseen = _sharpe(sums, mask), _sharpe(sums, 1.0 - mask)
        best = seen.argmax(axis=1)[:, None]
        value = np.take_along_axis(unseen, best, axis=1)
        below, equal = (unseen < value).sum(axis=1), (unseen == value).sum(axis=1)
        ranks.append((below + 0.5 * (equal + 1)) / (trials + 1))
        inside.append(np.take_along_axis(seen, best, axis=1)[:, 0])
        outside.append(value[:, 0])
    rank, x, y = (np.concatenate(parts) for parts in (ranks, inside, outside))
    logits = np.log(rank / (1.0 - rank))
    spread = float(np.square(x - x.mean()).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 1e-30 else math.nan
    return Overfitting(
        probability=float((logits <= 0).mean()),
        loss_probability=float((y < 0).mean()),
        slope=slope,
        trials=trials,
        blocks=blocks,
        splits=len(chosen),
        logits=logits,
    )


def _sharpe(sums: Array, mask: Array) -> Array:
    """Sharpe ratio of every trial over the blocks of every mask, shape (masks, trials)."""
    count, total, square = (mask @ sums[:, :, k].T for k in range(3))
    mean = total / count
    variance = square / count - mean * mean
    # What rounding leaves of a series without variance is no variance.
    flat = variance <= 1e-14 * square / count
    return np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
