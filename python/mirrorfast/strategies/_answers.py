"""What a strategy of the user's own answers, brought into one shape.

Paper and live ask on every closed bar, so this is NumPy: a polars expression costs a trip through the query engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mirrorfast.errors import DataError, ShapeError
from mirrorfast.indicators._custom import answer

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Votes", "as_numbers", "as_votes"]

#: Signals and confidences, NaN together where there is no vote.
Votes = tuple["npt.NDArray[np.float64]", "npt.NDArray[np.float64]"]


def as_numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    """Turn a column of any library into numbers.

    Parameters
    ----------
    values : Series, array-like or one-column frame
        polars, pandas, NumPy, or a list. A pandas index plays no part: rows count by their place.
    what : str
        Name of the column in messages.

    Returns
    -------
    numpy.ndarray
        ``float64``; NaN where a value is missing.

    Raises
    ------
    ShapeError
        If it is no column, or holds anything but numbers and truth values.
    """
    if type(values) is np.ndarray and values.ndim == 1 and values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if type(values) is pl.Series and (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        return values.cast(pl.Float64).to_numpy(writable=True)
    table = answer(values, what)
    if table.width != 1:
        raise ShapeError(f"{what}: got {table.width} columns, expected one")
    series = table.to_series()
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise ShapeError(f"{what}: got {series.dtype} values, expected numbers")
    return series.cast(pl.Float64).to_numpy(writable=True)


def as_votes(signal: Any, confidence: Any, owner: str, frame: pl.DataFrame) -> Votes:
    """Check signals and confidences against the rows that they answer.

    Parameters
    ----------
    signal : array-like, shape (n,), or frame with a column ``signal`` and perhaps ``confidence``
        What ``evaluate`` returned.
    confidence : array-like, shape (n,), optional
        What ``confidence`` returned; None for 1 wherever there is a signal.
    owner : str
        Strategy, for messages.
    frame : polars.DataFrame, shape (n, k)
        The rows; ``symbol`` and ``timestamp`` go into messages.

    Returns
    -------
    tuple of numpy.ndarray, shape (n,)
        Signals and confidences, NaN together.

    Raises
    ------
    ShapeError
        If a column is missing, has another number of rows, or is not made of numbers.
    DataError
        If a signal lies outside [−1, 1] or a confidence outside [0, 1].
    """
    columns = getattr(signal, "columns", None)
    if columns is not None and not isinstance(signal, pl.Series):
        names = [str(name) for name in columns]
        if "signal" in names:
            confidence = signal["confidence"] if "confidence" in names and confidence is None else confidence
            signal = signal["signal"]
        elif len(names) != 1:
            raise ShapeError(f"{owner}: got columns {', '.join(names) or 'none'}, expected signal")
    signals = _within(as_numbers(signal, f"{owner}: signal"), f"{owner}: signal", frame, -1.0)
    missing = np.isnan(signals)
    if confidence is None:
        return signals, np.where(missing, np.nan, 1.0)
    sure = _within(as_numbers(confidence, f"{owner}: confidence"), f"{owner}: confidence", frame, 0.0)
    missing |= np.isnan(sure)
    return np.where(missing, np.nan, signals), np.where(missing, np.nan, sure)


def _within(values: npt.NDArray[np.float64], what: str, frame: pl.DataFrame, low: float) -> npt.NDArray[np.float64]:
    if len(values) != frame.height:
        raise ShapeError(f"{what}: got {len(values)} rows, expected {frame.height}{_where(frame, None)}")
    bad = (values < low) | (values > 1.0)
    if bad.any():
        row = int(bad.argmax())
        value = f"{float(values[row])} at row {row}{_where(frame, row)}"
        raise DataError(f"{what} = {value}: expected a number from {low:g} to 1")
    return values


def _where(frame: pl.DataFrame, row: int | None) -> str:
    parts = []
    if "symbol" in frame.columns and frame.height and (row is not None or frame["symbol"].n_unique() == 1):
        parts.append(str(frame["symbol"][row or 0]))
    if "timestamp" in frame.columns and row is not None:
        time = frame["timestamp"][row]
        parts.append(time.isoformat() if hasattr(time, "isoformat") else str(time))
    return f" ({', '.join(parts)})" if parts else ""
