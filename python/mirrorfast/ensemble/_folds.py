"""Blocks of time for stacking: each is judged by a model that saw neither it nor its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.ensemble.combiner import strategy_columns
from mirrorfast.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.int64]

__all__ = ["StackingTask", "stacking_inputs"]


@dataclass(frozen=True)
class StackingTask:
    """What a meta-model learns from, and how it is judged."""

    names: tuple[str, ...]
    x: Array
    y: Array
    place: Rows
    known: Rows
    folds: int
    gap: int

    @classmethod
    def of(
        cls, signals: Any, *, strategies: Sequence[str] | None, horizon: int, folds: int, embargo: int
    ) -> StackingTask:
        """Read columns and target, and check that there is enough to learn from."""
        frame = as_frame(signals, source="signals")
        for name, value, low in (("horizon", horizon, 1), ("folds", folds, 2), ("embargo", embargo, 0)):
            if value < low:
                raise ParameterError(f"{name} = {value}: expected a whole number from {low}")
        names = tuple(strategy_columns(frame) if strategies is None else strategies)
        if "close" not in frame.columns or not names or not set(names) <= set(frame.columns):
            expected = ", ".join(("close", *names)) if names else "close and at least one column of signals"
            raise ShapeError(f"columns of signals: got {', '.join(frame.columns)}, expected {expected}")
        x = stacking_inputs(frame, names)
        y, place = _target(frame, horizon)
        known = np.flatnonzero(np.isfinite(y) & (x != 0.0).any(axis=1))
        times = int(place.max(initial=-1)) + 1
        if known.size < 10 * folds or times < folds * (2 * (horizon + embargo) + 2):
            got = f"{known.size} with a vote and a return"
            raise ShapeError(f"rows of signals: got {got}, expected more for {folds} folds")
        return cls(names, x, y, place, known, folds, horizon + embargo)

    def out_of_fold(
        self, fit: Callable[[Array, Array], Callable[[Array], Array]]
    ) -> tuple[pl.Series, dict[str, float]]:
        """Judge every block by `fit` on the others; positions and what they were worth."""
        position = np.full(len(self.y), np.nan)
        edges = np.linspace(0, int(self.place.max()) + 1, self.folds + 1).astype(int)
        for start, stop in pairwise(edges):
            outside = (self.place < start - self.gap) | (self.place >= stop + self.gap)
            seen = self.known[outside[self.known]]
            judged = np.flatnonzero((self.place >= start) & (self.place < stop))
            position[judged] = fit(self.x[seen], self.y[seen])(self.x[judged])
        rows = self.known[np.isfinite(position[self.known]) & (self.y[self.known] != 0.0)]
        held, after = position[rows], self.y[rows]
        sides = held != 0.0
        score = {
            "correlation": float(np.corrcoef(held, after)[0, 1]) if held.std() > 0.0 else 0.0,
            "hit_rate": float((np.sign(held[sides]) == np.sign(after[sides])).mean()) if sides.any() else 0.5,
            "rows": float(rows.size),
        }
        return pl.Series("stacked", position).fill_nan(None), score


def stacking_inputs(frame: pl.DataFrame, names: Sequence[str]) -> Array:
    """Return ``signal·confidence`` of each strategy, 0 where it has no opinion."""
    return np.column_stack([_column(frame, name) for name in names])


def _column(frame: pl.DataFrame, name: str) -> Array:
    signal = frame[name].cast(pl.Float64)
    beside = f"{name}_confidence"
    product = signal * frame[beside].cast(pl.Float64) if beside in frame.columns else signal
    return product.fill_nan(None).fill_null(0.0).to_numpy()


def _target(frame: pl.DataFrame, horizon: int) -> tuple[Array, Rows]:
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
