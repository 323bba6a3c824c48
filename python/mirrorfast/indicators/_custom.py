"""Indicators of the user's own: what is kept of them, and what they return brought into columns."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from mirrorfast.errors import MirrorfastError, ShapeError, UserCodeError

__all__ = ["Custom", "Registered", "answer", "call"]

#: A user's own indicator: takes the bars of one symbol, returns as many rows.
Custom = Callable[[pl.DataFrame], Any]

_PRICES: Final = ("open", "high", "low", "close", "volume")


class Registered(NamedTuple):
    """An indicator of the user's own, and how many bars a row of it depends on."""

    function: Custom
    lookback: int | None


def call(name: str, custom: Registered, bars: pl.DataFrame) -> pl.DataFrame:
    """Ask an indicator of the user's own about the bars of one symbol; prices and volumes come as ``Float64``."""
    numbers = [c.cast(pl.Float64) if c.name in _PRICES and c.dtype != pl.Float64 else c for c in bars.get_columns()]
    try:
        result = custom.function(pl.DataFrame(numbers).rechunk())
    except MirrorfastError:
        raise
    except Exception as error:
        raise UserCodeError(
            f"indicator {name}: raised {type(error).__name__}{_place(bars)}, {bars.height} rows: {error}"
        ) from error
    columns = answer(result, name)
    if columns.height != bars.height:
        raise ShapeError(f"rows of {name}: got {columns.height}, expected {bars.height}{_place(bars)}")
    return columns


def answer(result: Any, name: str) -> pl.DataFrame:
    """Bring what an indicator returned into columns: numbers as ``Float64`` without NaN, truth values, text."""
    if isinstance(result, pl.DataFrame):
        return pl.DataFrame([_column(values, f"{name}.{values.name}") for values in result.get_columns()])
    if hasattr(result, "columns") and hasattr(result, "items"):  # pandas
        return pl.DataFrame([_column(_series(v, str(k)), f"{name}.{k}").alias(str(k)) for k, v in result.items()])
    return _column(_series(result, name), name).alias(name).to_frame()


def _series(values: Any, name: str) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    if isinstance(values, str | bytes | dict | pl.LazyFrame) or not hasattr(values, "__len__"):
        raise ShapeError(f"{name}: got {type(values).__name__}, expected one column or a table of columns")
    if hasattr(values, "to_numpy") and hasattr(values, "notna"):  # pandas: rows count by their place
        kind = getattr(values.dtype, "kind", "O")
        if kind in "iuf":
            values = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            values = values.astype(object).where(values.notna(), None).tolist()
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ShapeError(f"{name}: got an array of shape {values.shape}, expected one column")
    try:
        # A list may mix whole numbers, others and None.
        return pl.Series(values, strict=not isinstance(values, list | tuple))
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ShapeError(f"{name}: got {type(values).__name__}, expected one column: {error}") from error


def _column(values: pl.Series, what: str) -> pl.Series:
    if values.dtype == pl.Null or values.dtype.is_numeric():
        # By way of NumPy, as a stream asks on every bar: a polars expression costs a trip through the query engine.
        return pl.Series(values.name, values.cast(pl.Float64).to_numpy(), nan_to_null=True)
    if values.dtype in (pl.Boolean, pl.String):
        return values
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        return values.cast(pl.String)
    raise ShapeError(f"{what}: got {values.dtype} values, expected numbers, truth values or text")


def _place(bars: pl.DataFrame) -> str:
    parts = [str(bars[column][-1]) for column in ("symbol", "timestamp") if column in bars.columns and bars.height]
    return f" on {' up to '.join(parts)}" if parts else ""
