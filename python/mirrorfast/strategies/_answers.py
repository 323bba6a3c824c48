"""What a strategy of the user's own answers, brought into one shape."""

from __future__ import annotations

from typing import Any

import polars as pl

from mirrorfast.errors import DataError, ShapeError
from mirrorfast.indicators._custom import answer

__all__ = ["as_numbers", "as_votes"]


def as_numbers(values: Any, what: str) -> pl.Series:
    """Turn a column of any library into numbers.

    Parameters
    ----------
    values : Series, Index, array-like or one-column frame
        polars, pandas, NumPy, pyarrow, or a list. A pandas index plays no part: rows count by their place.
    what : str
        Name of the column in messages.

    Returns
    -------
    polars.Series
        ``Float64``; null where a value is null or NaN.

    Raises
    ------
    ShapeError
        If it is no column, or holds anything but numbers and truth values.
    """
    table = answer(values, what)
    if table.width != 1:
        raise ShapeError(f"{what}: got {table.width} columns, expected one")
    series = table.to_series()
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise ShapeError(f"{what}: got {series.dtype} values, expected numbers")
    return series.cast(pl.Float64)


def as_votes(signal: Any, confidence: Any, owner: str, frame: pl.DataFrame) -> pl.DataFrame:
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
    polars.DataFrame, shape (n, 2)
        ``signal`` and ``confidence``, null together.

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
    if confidence is None:
        sure = pl.select(pl.when(signals.is_not_null()).then(1.0)).to_series()
    else:
        sure = _within(as_numbers(confidence, f"{owner}: confidence"), f"{owner}: confidence", frame, 0.0)
    table = pl.DataFrame({"signal": signals, "confidence": sure}, schema_overrides={"confidence": pl.Float64})
    both = pl.col("signal").is_not_null() & pl.col("confidence").is_not_null()
    return table.select(pl.when(both).then(pl.col(name)).alias(name) for name in table.columns)


def _within(series: pl.Series, what: str, frame: pl.DataFrame, low: float) -> pl.Series:
    if series.len() != frame.height:
        raise ShapeError(f"{what}: got {series.len()} rows, expected {frame.height}{_where(frame, None)}")
    bad = series.is_between(low, 1.0).not_().arg_true()
    if bad.len():
        row = int(bad[0])
        where = _where(frame, row)
        raise DataError(f"{what} = {series[row]} at row {row}{where}: expected a number from {low:g} to 1")
    return series


def _where(frame: pl.DataFrame, row: int | None) -> str:
    parts = []
    if "symbol" in frame.columns and frame.height and (row is not None or frame["symbol"].n_unique() == 1):
        parts.append(str(frame["symbol"][row or 0]))
    if "timestamp" in frame.columns and row is not None:
        time = frame["timestamp"][row]
        parts.append(time.isoformat() if hasattr(time, "isoformat") else str(time))
    return f" ({', '.join(parts)})" if parts else ""
