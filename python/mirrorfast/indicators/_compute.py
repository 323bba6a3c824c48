"""Columns into the core and results out of it: what every indicator function shares."""

import numbers
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast import _core
from mirrorfast.errors import DataError, ShapeError

__all__ = ["ArrowArray", "ArrowStream", "Values", "column", "compute", "frame", "labelled", "series", "title"]


class ArrowArray(Protocol):
    """Anything that hands out one Arrow array: ``pyarrow.Array``, an array of nanoarrow or arro3."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """Hand out the array through the Arrow PyCapsule interface."""


class ArrowStream(Protocol):
    """Anything that hands out Arrow arrays in chunks: a Series of polars or pandas, ``pyarrow.ChunkedArray``."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand out the chunks through the Arrow PyCapsule interface."""


#: A column of numbers, whoever made it.
Values: TypeAlias = pl.Series | npt.NDArray[Any] | Sequence[float | None] | ArrowArray | ArrowStream


def column(name: str, values: Values) -> object:
    """Bring a column into a form that the core reads without asking what it is.

    Parameters
    ----------
    name : str
        Name of the input, for messages.
    values : array-like, shape (n,)
        Numbers of any integer or float type; 64-bit floats in one run of memory are not copied.

    Returns
    -------
    object
        An Arrow producer, or an aligned NumPy array of 64-bit floats.

    Raises
    ------
    DataError
        If an entry is neither a number nor missing.
    ShapeError
        If the values are not one-dimensional.
    """
    if isinstance(values, np.ndarray):
        return _from_numpy(name, values)
    if type(values).__module__.partition(".")[0] == "pandas":
        # A nullable column has its own idea of an array; as objects, both kinds of missing value are told apart below.
        array = values.to_numpy()  # type: ignore[union-attr]
        return _from_sequence(name, array.tolist()) if array.dtype == object else _from_numpy(name, array)
    if isinstance(values, pl.Series) or hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        if isinstance(values, pl.Series) and values.dtype == pl.Object:
            raise DataError(f"type of {name}: got Object, expected a numeric column")
        # The Arrow reader of the core knows no column of nulls without a type.
        return values.cast(pl.Float64) if isinstance(values, pl.Series) and values.dtype == pl.Null else values
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return _from_sequence(name, values)
    kind = type(values).__name__
    raise ShapeError(
        f"type of {name}: got {kind}, expected an Arrow array, a NumPy array, a Series or a list of numbers"
    )


def _from_numpy(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.ndim != 1:
        raise ShapeError(f"dimensions of {name}: got {values.ndim}, expected 1")
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    if values.dtype.kind == "M" and name == "timestamp":
        missing = np.isnat(values)
        values = values.astype("datetime64[ms]").astype(np.float64)
        values[missing] = np.nan
    if values.dtype.kind == "O":
        return _from_sequence(name, values.tolist())
    if values.dtype.kind not in "fiu":
        raise DataError(f"type of {name}: got {values.dtype}, expected numbers")
    return np.require(values, np.float64, ["C", "A"])


def _from_sequence(name: str, values: Sequence[Any]) -> npt.NDArray[np.float64]:
    if name == "timestamp":
        values = [_milliseconds(value) if isinstance(value, datetime) else value for value in values]
    for row, value in enumerate(values):
        number = isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)
        if not number and not _is_missing(value):
            raise DataError(f"{name} = {value!r} at row {row}: expected a number, or None where there is none")
    return np.array([np.nan if _is_missing(v) else float(v) for v in values], dtype=np.float64)


def _milliseconds(value: datetime) -> float:
    # A time without a zone is UTC, as everywhere in the data layer.
    return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1e3)


def _is_missing(value: object) -> bool:
    # pandas.NA, without importing pandas for it.
    return value is None or type(value).__name__ == "NAType"


def title(name: str, params: Mapping[str, float]) -> str:
    """Name of a single output: that of the indicator and its parameters.

    Parameters
    ----------
    name : str
        Name of the indicator.
    params : mapping of str to float
        Parameters in the catalogue's order.

    Returns
    -------
    str
        ``rsi_14``, ``kama_10_2_30``, ``bop``.

    Examples
    --------
    >>> title("rsi", {"period": 14}), title("sar", {"acceleration": 0.02, "maximum": 0.2}), title("bop", {})
    ('rsi_14', 'sar_0.02_0.2', 'bop')
    """
    return "_".join([name, *(f"{value:g}" for value in params.values())])


def labelled(name: str, values: ArrowArray) -> pl.Series:
    """Take over an Arrow array without copying it.

    Parameters
    ----------
    name : str
        Name of the series; what polars takes from an Arrow array has none.
    values : Arrow array, shape (n,)
        Result of the core.

    Returns
    -------
    polars.Series, shape (n,)
        The same memory.
    """
    return pl.Series(values).alias(name)


def compute(
    name: str, inputs: Mapping[str, Values], params: Mapping[str, Any], *, strict: bool = True
) -> list[ArrowArray]:
    """Run an indicator over columns.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    inputs : mapping of str to array-like, shape (n,)
        Columns in the catalogue's order.
    params : mapping of str to float
        Parameters that differ from the defaults, or all of them.
    strict : bool, default True
        Refuse a window that is longer than the columns; otherwise they have no values.

    Returns
    -------
    list of Arrow arrays
        One per output, null where there is no value.

    Raises
    ------
    ParameterError
        If the indicator or a parameter is unknown, out of range, or longer than the columns.
    DataError
        If a column holds something else than numbers.
    ShapeError
        If the columns differ in length.
    """
    return _core.compute(name, [column(key, values) for key, values in inputs.items()], dict(params), strict)


def series(name: str, inputs: Mapping[str, Values], params: Mapping[str, Any]) -> pl.Series:
    """Run an indicator with one output: see :func:`compute`.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    inputs : mapping of str to array-like, shape (n,)
        Columns in the catalogue's order.
    params : mapping of str to float
        Parameters in the catalogue's order.

    Returns
    -------
    polars.Series, shape (n,)
        Named by :func:`title`.
    """
    (only,) = compute(name, inputs, params)
    return labelled(title(name, params), only)


def frame(name: str, inputs: Mapping[str, Values], params: Mapping[str, Any], outputs: Sequence[str]) -> pl.DataFrame:
    """Run an indicator with several outputs: see :func:`compute`.

    Parameters
    ----------
    name : str
        Name in the catalogue.
    inputs : mapping of str to array-like, shape (n,)
        Columns in the catalogue's order.
    params : mapping of str to float
        Parameters in the catalogue's order.
    outputs : sequence of str
        Names of the outputs, in the catalogue's order.

    Returns
    -------
    polars.DataFrame, shape (n, len(outputs))
        A column per output.
    """
    columns = compute(name, inputs, params)
    return pl.DataFrame([labelled(key, values) for key, values in zip(outputs, columns, strict=True)])
