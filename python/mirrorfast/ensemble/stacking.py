"""Stacking: a meta-model over the strategies' positions, fitted out of fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mirrorfast.ensemble._folds import StackingTask
from mirrorfast.ensemble.model import StackedModel
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["fit_stacking"]


def fit_stacking(
    signals: Any,
    *,
    strategies: Sequence[str] | None = None,
    link: Literal["linear", "logistic"] = "linear",
    horizon: int = 1,
    folds: int = 5,
    embargo: int = 10,
    penalty: float = 1.0,
    estimator: Any = None,
) -> StackedModel:
    """Fit a meta-model to the returns that followed.

    Parameters
    ----------
    signals : DataFrame or Arrow table, shape (n, k)
        Signals, confidences and ``close`` of the past, as `StrategyTrainerAgent.evaluate` gives them.
    strategies : sequence of str, optional
        Strategies to use; all by default.
    link : {"linear", "logistic"}, default "linear"
        Regress the return (ridge), or the chance of a rise (penalised logistic regression).
    horizon : int, default 1
        Bars ahead whose return is learnt. Range: 1 and up.
    folds : int, default 5
        Blocks of time, each judged by a model fitted on the others. Range: 2 and up.
    embargo : int, default 10
        Bar times left out on both sides of the judged block, beyond `horizon`.
    penalty : float, default 1.0
        Strength of the quadratic penalty on the coefficients of standardised columns.
    estimator : scikit-learn estimator, optional
        A linear one (with ``coef_`` and ``intercept_``) to fit in place of the built-in, on the raw columns; for any
        other one see `fit_onnx_stacking`.

    Returns
    -------
    StackedModel
        Fitted on all rows; its scores and ``out_of_fold`` positions are from models that had not seen the row.

    Raises
    ------
    ShapeError
        If the table has no ``close``, no strategy, or too few rows for the folds.
    ParameterError
        For a number out of its range, or an estimator that is not linear.

    Notes
    -----
    Columns are ``signal·confidence`` (0 where there is none), the target is ``close[t + horizon] / close[t] − 1`` in
    its standard deviations. Rows within `horizon` + `embargo` bar times of a judged block are left out of its
    training. Real edges are small, and so would be the positions: scores are scaled so that 95 % of those of the
    fitted rows lie within [−1, 1].

    References
    ----------
    D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992; M. López de Prado, *Advances in Financial Machine
    Learning*, 2018, chapter 7.

    Examples
    --------
    >>> import math
    >>> wave = [100.0 + 5.0 * math.sin(t / 5.0) for t in range(400)]
    >>> rising = [1.0 if math.cos(t / 5.0) > 0.0 else -1.0 for t in range(400)]
    >>> table = pl.DataFrame({"close": wave, "good": rising, "bad": [-s for s in rising[3:] + rising[:3]]})
    >>> model = fit_stacking(table)
    >>> model.coefficients[0] > 0.0, model.score["hit_rate"] > 0.9
    (True, True)
    """
    if link not in ("linear", "logistic"):
        raise ParameterError(f"link = {link!r}: expected linear or logistic")
    if not penalty >= 0.0:
        raise ParameterError(f"penalty = {penalty}: expected a number >= 0")
    task = StackingTask.of(signals, strategies=strategies, horizon=horizon, folds=folds, embargo=embargo)
    builtin = _logistic if link == "logistic" else _ridge
    rule = builtin if estimator is None else _estimated(estimator)

    def fit(x: Array, y: Array) -> Callable[[Array], Array]:
        coefficients, intercept = _scaled(rule, x, y, penalty)
        return lambda rows: _position(rows @ coefficients + intercept, link)

    out_of_fold, score = task.out_of_fold(fit)
    coefficients, intercept = _scaled(rule, task.x[task.known], task.y[task.known], penalty)
    return StackedModel(
        task.names,
        tuple(float(c) for c in coefficients),
        intercept=float(intercept),
        link=link,
        horizon=horizon,
        score=score,
        out_of_fold=out_of_fold,
    )


def _position(score: Array, link: str) -> Array:
    # What the engine makes of a score; a test holds the two together.
    return np.tanh(0.5 * score) if link == "logistic" else np.clip(score, -1.0, 1.0)


def _scaled(fit: Any, x: Array, y: Array, penalty: float) -> tuple[Array, float]:
    coefficients, intercept = fit(x, y, penalty)
    size = float(np.quantile(np.abs(x @ coefficients + intercept), 0.95)) if len(x) else 0.0
    return (coefficients / size, intercept / size) if size > 0.0 else (coefficients, intercept)


def _standardised(x: Array) -> tuple[Array, Array, Array]:
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    deviation = np.where(deviation > 0.0, deviation, 1.0)
    return (x - mean) / deviation, mean, deviation


def _ridge(x: Array, y: Array, penalty: float) -> tuple[Array, float]:
    z, mean, deviation = _standardised(x)
    beta = np.linalg.solve(z.T @ z + max(penalty, 1e-9) * np.eye(z.shape[1]), z.T @ (y - y.mean())) / deviation
    return beta, float(y.mean() - mean @ beta)


def _logistic(x: Array, y: Array, penalty: float) -> tuple[Array, float]:
    z, mean, deviation = _standardised(x)
    design = np.column_stack([z, np.ones(len(z))])
    strength = np.diag([*np.full(z.shape[1], max(penalty, 1e-9)), 1e-9])
    up = (y > 0.0).astype(np.float64)
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30.0, 30.0)))
        gradient = design.T @ (up - p) - strength @ beta
        step = np.linalg.solve(design.T @ (design * (p * (1.0 - p))[:, None]) + strength, gradient)
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    slope = beta[:-1] / deviation
    return slope, float(beta[-1] - mean @ slope)


def _estimated(estimator: Any) -> Any:
    def fit(x: Array, y: Array, penalty: float) -> tuple[Array, float]:  # noqa: ARG001 - the estimator has its own
        target = (y > 0.0).astype(int) if hasattr(estimator, "predict_proba") else y
        fitted = estimator.fit(x, target)
        if not hasattr(fitted, "coef_"):
            raise ParameterError(f"estimator = {estimator!r}: expected a linear one, with coef_ and intercept_")
        return np.ravel(fitted.coef_).astype(np.float64), float(np.ravel(fitted.intercept_)[0])

    return fit
