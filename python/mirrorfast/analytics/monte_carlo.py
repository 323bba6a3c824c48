"""Monte Carlo: what other orders and draws of the same trades would have come to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast.errors import DataError, ParameterError

__all__ = ["MonteCarlo", "monte_carlo"]

Method = Literal["bootstrap", "shuffle", "block"]
Array = npt.NDArray[np.float64]

#: Points of a path that are kept for its cone.
_POINTS: Final = 200
#: Numbers held at once while paths are drawn.
_CELLS: Final = 4_000_000
_BANDS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class MonteCarlo:
    """Distributions over resampled orders of trades.

    Attributes
    ----------
    capital
        Equity at the start.
    final_equity, max_drawdown : shape (paths,)
        Of every path; drawdowns <= 0.
    ruin_probability
        Share of the paths that lost `ruin` of the capital at some trade.
    ruin
        That part of the capital.
    method, trades, paths, seed
        How they were drawn.
    cone : polars.DataFrame
        ``trade`` (closed so far), ``p5 p25 p50 p75 p95`` of equity over the paths.

    Examples
    --------
    >>> drawn = monte_carlo({"pnl_fraction": [0.02, -0.01, 0.03, -0.02]}, capital=1000.0, paths=500, seed=1)
    >>> drawn.final_equity.shape, drawn.ruin_probability
    ((500,), 0.0)
    """

    capital: float
    final_equity: Array = field(repr=False)
    max_drawdown: Array = field(repr=False)
    ruin_probability: float
    ruin: float
    method: Method
    trades: int
    paths: int
    seed: int
    cone: pl.DataFrame = field(repr=False)

    def quantiles(self) -> pl.DataFrame:
        """Quantiles of final equity, total return and maximum drawdown.

        Returns
        -------
        polars.DataFrame
            ``quantile final_equity total_return max_drawdown``; NaN without trades.
        """
        final = np.quantile(self.final_equity, _BANDS) if self.trades else np.full(len(_BANDS), self.capital)
        # The bad end first in both: the deepest drawdown is the 5 % quantile, as the lowest equity is.
        fall = np.quantile(self.max_drawdown, _BANDS) if self.trades else np.zeros(len(_BANDS))
        return pl.DataFrame(
            {
                "quantile": _BANDS,
                "final_equity": final,
                "total_return": final / self.capital - 1.0,
                "max_drawdown": fall,
            }
        )

    def __str__(self) -> str:
        low, middle, high = self.quantiles()["total_return"].to_list()[::2]
        deep = float(self.quantiles()["max_drawdown"][0])
        return (
            f"{self.paths:,} paths of {self.trades:,} trades ({self.method}): return {low:+.1%} to {high:+.1%} in nine "
            f"of ten, {middle:+.1%} in the middle; one in twenty falls deeper than {deep:.1%}; "
            f"probability of losing {self.ruin:.0%}: {self.ruin_probability:.1%}"
        )


def monte_carlo(
    trades: Any,
    *,
    capital: float,
    paths: int = 1000,
    method: Method = "bootstrap",
    block: int | None = None,
    ruin: float = 0.5,
    seed: int = 0,
) -> MonteCarlo:
    """Resample closed trades into other histories.

    Parameters
    ----------
    trades : frame
        Closed trades in order, with ``pnl_fraction``: profit after costs as a fraction of equity at the entry.
    capital : float
        Equity at the start of every path, > 0.
    paths : int, default 1000
        How many to draw, >= 1.
    method : {"bootstrap", "shuffle", "block"}, default "bootstrap"
        Trades drawn with replacement; the same trades in another order; or blocks of neighbouring trades drawn with
        replacement, which keeps streaks (circular block bootstrap).
    block : int, optional
        Trades of a block, >= 1; the cube root of their number by default. Only for ``"block"``.
    ruin : float, default 0.5
        Part of the capital whose loss counts as ruin, in (0, 1].
    seed : int, default 0
        Of the draws: the same seed gives the same numbers.

    Returns
    -------
    MonteCarlo
        Distributions; of the capital alone where there is no trade.

    Raises
    ------
    DataError
        When there is no column ``pnl_fraction``, or a value in it is not finite.
    ParameterError
        For an option outside its range.

    Notes
    -----
    A path is ``capital · Π (1 + f)``: trades compound one after the other, so those that ran at the same time in
    different symbols do not offset each other within a bar. A path that reaches 0 stays there.

    References
    ----------
    .. [1] B. Efron, "Bootstrap Methods", Annals of Statistics 7 (1979).
    .. [2] D. Politis, J. Romano, "A Circular Block-Resampling Procedure for Stationary Data" (1992).

    Examples
    --------
    >>> shuffled = monte_carlo({"pnl_fraction": [0.1, -0.1]}, capital=100.0, method="shuffle", paths=50)
    >>> [sorted({round(float(x), 9) for x in values}) for values in (shuffled.final_equity, shuffled.max_drawdown)]
    [[99.0], [-0.1]]
    """
    if method not in get_args(Method):
        raise ParameterError(f"method = {method!r}: expected one of {', '.join(get_args(Method))}")
    if block is not None and (method != "block" or block < 1):
        raise ParameterError(f"block = {block} with method {method!r}: expected a whole number >= 1 with 'block'")
    for name, value, fine, wanted in (
        ("capital", capital, math.isfinite(capital) and capital > 0, "an amount > 0"),
        ("paths", paths, paths >= 1, "a whole number >= 1"),
        ("ruin", ruin, 0.0 < ruin <= 1.0, "a fraction in (0, 1]"),
    ):
        if not fine:
            raise ParameterError(f"{name} = {value}: expected {wanted}")
    fractions = _fractions(trades)
    n = len(fractions)
    length = min(n, block or max(1, round(n ** (1 / 3)))) if n else 0
    points = np.unique(np.linspace(0, n, min(n, _POINTS) + 1).astype(np.int64))
    kept = np.empty((paths, len(points)))
    fall = np.zeros(paths)
    ruined = np.zeros(paths, dtype=bool)
    generator = np.random.default_rng(seed)
    some = max(1, _CELLS // max(n, 1))
    for start in range(0, paths, some):
        part = slice(start, min(start + some, paths))
        drawn = fractions[_draw(generator, method, part.stop - part.start, n, length)]
        path = np.empty((part.stop - part.start, n + 1))
        path[:, 0] = capital
        np.multiply(capital, np.cumprod(np.maximum(1.0 + drawn, 0.0), axis=1), out=path[:, 1:])
        fall[part] = (path / np.maximum.accumulate(path, axis=1) - 1.0).min(axis=1)
        ruined[part] = (path <= capital * (1.0 - ruin)).any(axis=1)
        kept[part] = path[:, points]
    bands = np.quantile(kept, _BANDS, axis=0)
    cone = pl.DataFrame({"trade": points} | {f"p{q:.0%}"[:-1]: row for q, row in zip(_BANDS, bands, strict=True)})
    return MonteCarlo(
        capital=float(capital),
        final_equity=kept[:, -1].copy(),
        max_drawdown=fall,
        ruin_probability=float(ruined.mean()),
        ruin=float(ruin),
        method=method,
        trades=n,
        paths=paths,
        seed=seed,
        cone=cone,
    )


def _fractions(trades: Any) -> Array:
    frame = trades if isinstance(trades, pl.DataFrame) else pl.DataFrame(trades)
    if "pnl_fraction" not in frame.columns:
        raise DataError(f"trades: columns are {frame.columns}: expected pnl_fraction among them")
    column = frame["pnl_fraction"].cast(pl.Float64)
    bad = (~column.is_finite().fill_null(value=False)).arg_true()
    if len(bad):
        raise DataError(f"trades: row {bad[0]}, pnl_fraction is {column[int(bad[0])]}: expected a finite number")
    return column.to_numpy()


def _draw(generator: np.random.Generator, method: Method, paths: int, n: int, length: int) -> npt.NDArray[np.int64]:
    """Positions of the drawn trades, shape (paths, n)."""
    if n == 0 or method == "bootstrap":
        return generator.integers(0, max(n, 1), size=(paths, n))
    if method == "shuffle":
        return generator.permuted(np.tile(np.arange(n), (paths, 1)), axis=1)
    starts = generator.integers(0, n, size=(paths, -(-n // length)))
    rows = (starts[:, :, None] + np.arange(length)).reshape(paths, -1)[:, :n]
    return np.asarray(rows % n, dtype=np.int64)
