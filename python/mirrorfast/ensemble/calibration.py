"""Calibrated confidence: what a strategy's claims were worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.ensemble.combiner import strategy_columns
from mirrorfast.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fit_calibration"]


def fit_calibration(
    signals: Any,
    *,
    strategies: Sequence[str] | None = None,
    horizon: int = 1,
    prior: float = 20.0,
) -> dict[str, list[tuple[float, float]]]:
    """Learn from past votes what each strategy's confidence is worth.

    Parameters
    ----------
    signals : DataFrame or Arrow table, shape (n, k)
        Signals, confidences and ``close`` of the past, as `StrategyTrainerAgent.evaluate` gives them.
    strategies : sequence of str, optional
        Strategies to calibrate; all by default.
    horizon : int, default 1
        Bars over which a vote is judged. Range: 1 and up.
    prior : float, default 20.0
        Imaginary votes of probability ½ that shrink small samples towards no edge.

    Returns
    -------
    dict of str to list of (float, float)
        Knots (claimed, calibrated) by strategy for ``Ensemble(calibration=…)``; a strategy without a vote is left out.

    Raises
    ------
    ShapeError
        If the table has no ``close``.

    Notes
    -----
    A vote hits when the close `horizon` bars later lies on its side. The hit rate is an isotonic regression on the
    confidence (pool adjacent violators), the calibrated confidence its edge: ``max(0, 2·P(hit) − 1)``. Fit on one span,
    use it on a later one.

    References
    ----------
    B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002.

    Examples
    --------
    >>> past = pl.DataFrame({"close": [1.0, 2.0, 3.0, 4.0], "up": [1.0, 1.0, 1.0, 1.0]})
    >>> fit_calibration(past, prior=0.0)
    {'up': [(1.0, 1.0)]}
    """
    frame = as_frame(signals, source="signals")
    if "close" not in frame.columns:
        raise ShapeError(f"columns of signals: got {', '.join(frame.columns)}, expected a column close")
    later = pl.col("close").shift(-horizon) / pl.col("close") - 1.0
    ahead = frame.select((later.over("symbol") if "symbol" in frame.columns else later).alias("ahead"))
    knots: dict[str, list[tuple[float, float]]] = {}
    for name in strategy_columns(frame) if strategies is None else strategies:
        claimed = frame[f"{name}_confidence"] if f"{name}_confidence" in frame.columns else pl.lit(1.0)
        votes = ahead.with_columns(signal=frame[name].cast(pl.Float64), claimed=claimed).filter(
            pl.col("ahead").is_not_null()
            & (pl.col("ahead") != 0.0)
            & pl.col("signal").is_not_null()
            & (pl.col("signal") != 0.0)
        )
        if votes.height:
            hit = votes.select((pl.col("signal").sign() == pl.col("ahead").sign()).cast(pl.Float64)).to_series()
            knots[name] = _core.fit_calibration(votes["claimed"].cast(pl.Float64), hit, prior)
    return knots
