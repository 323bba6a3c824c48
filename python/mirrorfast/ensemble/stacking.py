"""Stacking: a meta-model over the strategies' positions, fitted out of fold."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.ensemble.combiner import Ensemble, strategy_columns
from mirrorfast.errors import ModelError, ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["StackedModel", "fit_stacking"]


@dataclass(frozen=True)
class StackedModel:
    """A fitted meta-model for ``Ensemble("stacked", model=…)``.

    Attributes
    ----------
    strategies
        Strategies in the order of the coefficients.
    coefficients
        Weight of each strategy's ``signal·confidence`` in the score.
    intercept
        Score with every strategy flat.
    link
        ``linear``: the score, clipped into [−1, 1], is the position. ``logistic``: 2p − 1 with p = 1 / (1 + e^−score).
    horizon
        Bars ahead that the model was fitted to.
    score
        Out of fold: ``correlation`` of position and return, ``hit_rate`` of its side, ``rows`` judged.
    out_of_fold
        Position of each row by the model that had not seen it nor its neighbours; null where there was none.

    Examples
    --------
    >>> model = StackedModel(("a", "b"), (0.5, -0.25), intercept=0.0, link="linear")
    >>> model.predict(pl.DataFrame({"a": [1.0, 1.0], "b": [0.0, 1.0]})).to_list()
    [0.5, 0.25]
    """

    strategies: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float = 0.0
    link: Literal["linear", "logistic"] = "linear"
    horizon: int = 1
    score: dict[str, float] = field(default_factory=dict)
    out_of_fold: pl.Series | None = field(default=None, repr=False, compare=False)

    def to_config(self) -> dict[str, Any]:
        """Write what the engine reads.

        Returns
        -------
        dict
            The ``[ensemble.stacked]`` table of a configuration.
        """
        coefficients = dict(zip(self.strategies, self.coefficients, strict=True))
        return {"link": self.link, "intercept": self.intercept, "coefficients": coefficients}

    def predict(self, signals: Any) -> pl.Series:
        """Compute the position of every row.

        Parameters
        ----------
        signals : DataFrame or Arrow table, shape (n, k)
            As `Ensemble.combine` takes it.

        Returns
        -------
        polars.Series, shape (n,)
            Positions in [−1, 1]; null while no strategy has an opinion.
        """
        ensemble = Ensemble("stacked", strategies=self.strategies, model=self)
        return ensemble.combine(signals)["consensus"].alias("stacked")

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON.

        Parameters
        ----------
        path
            File to write.

        Returns
        -------
        pathlib.Path
            The file.
        """
        file = Path(path)
        content = {**self.to_config(), "strategies": self.strategies, "horizon": self.horizon, "score": self.score}
        file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        return file

    @classmethod
    def load(cls, path: str | Path) -> StackedModel:
        """Read a model that `save` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        StackedModel
            The same model, without its out-of-fold positions.

        Raises
        ------
        ModelError
            If the file is not such a model.
        """
        try:
            content = json.loads(Path(path).read_text("utf-8"))
            strategies = tuple(content["strategies"])
            return cls(
                strategies,
                tuple(float(content["coefficients"][name]) for name in strategies),
                intercept=float(content["intercept"]),
                link=content["link"],
                horizon=int(content["horizon"]),
                score=dict(content["score"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: got {error!r}, expected a model written by StackedModel.save") from error


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
        A linear one (with ``coef_`` and ``intercept_``) to fit in place of the built-in, on the raw columns.

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
    frame = as_frame(signals, source="signals")
    for name, value, low in (("horizon", horizon, 1), ("folds", folds, 2), ("embargo", embargo, 0)):
        if value < low:
            raise ParameterError(f"{name} = {value}: expected a whole number from {low}")
    if link not in ("linear", "logistic"):
        raise ParameterError(f"link = {link!r}: expected linear or logistic")
    if not penalty >= 0.0:
        raise ParameterError(f"penalty = {penalty}: expected a number >= 0")
    names = tuple(strategy_columns(frame) if strategies is None else strategies)
    if "close" not in frame.columns or not names or not set(names) <= set(frame.columns):
        expected = ", ".join(("close", *names)) if names else "close and at least one column of signals"
        raise ShapeError(f"columns of signals: got {', '.join(frame.columns)}, expected {expected}")
    x = np.column_stack([_column(frame, name) for name in names])
    y, place = _target(frame, horizon)
    known = np.flatnonzero(np.isfinite(y) & (x != 0.0).any(axis=1))
    times = int(place.max(initial=-1)) + 1
    if known.size < 10 * folds or times < folds * (2 * (horizon + embargo) + 2):
        raise ShapeError(f"rows of signals: got {known.size} with a vote and a return, expected more for {folds} folds")
    builtin = _logistic if link == "logistic" else _ridge
    fit = builtin if estimator is None else _estimated(estimator)
    position = np.full(len(y), np.nan)
    edges = np.linspace(0, times, folds + 1).astype(int)
    gap = horizon + embargo
    for start, stop in pairwise(edges):
        seen = known[(place[known] < start - gap) | (place[known] >= stop + gap)]
        judged = np.flatnonzero((place >= start) & (place < stop))
        coefficients, intercept = _scaled(fit, x[seen], y[seen], penalty)
        position[judged] = _position(x[judged] @ coefficients + intercept, link)
    coefficients, intercept = _scaled(fit, x[known], y[known], penalty)
    judged = known[np.isfinite(position[known]) & (y[known] != 0.0)]
    held, after = position[judged], y[judged]
    sides = held != 0.0
    score = {
        "correlation": float(np.corrcoef(held, after)[0, 1]) if held.std() > 0.0 else 0.0,
        "hit_rate": float((np.sign(held[sides]) == np.sign(after[sides])).mean()) if sides.any() else 0.5,
        "rows": float(judged.size),
    }
    return StackedModel(
        names,
        tuple(float(c) for c in coefficients),
        intercept=float(intercept),
        link=link,
        horizon=horizon,
        score=score,
        out_of_fold=pl.Series("stacked", position).fill_nan(None),
    )


def _column(frame: pl.DataFrame, name: str) -> Array:
    signal = frame[name].cast(pl.Float64)
    beside = f"{name}_confidence"
    product = signal * frame[beside].cast(pl.Float64) if beside in frame.columns else signal
    return product.fill_nan(None).fill_null(0.0).to_numpy()


def _target(frame: pl.DataFrame, horizon: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return over the horizon in its standard deviations, and the place of each row in time."""
    later = pl.col("close").shift(-horizon) / pl.col("close") - 1.0
    ahead = frame.select(later.over("symbol") if "symbol" in frame.columns else later).to_series()
    if "timestamp" in frame.columns:
        place = frame["timestamp"].rank("dense").cast(pl.Int64) - 1
    elif "symbol" in frame.columns:
        place = frame.select(pl.int_range(pl.len()).over("symbol")).to_series()
    else:
        place = pl.int_range(frame.height, eager=True)
    y = ahead.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    deviation = float(np.nanstd(y)) if np.isfinite(y).any() else 0.0
    return (y / deviation if deviation > 0.0 else y), place.to_numpy().astype(np.int64)


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
