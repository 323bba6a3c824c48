"""The catalogue of indicators as a table."""

from functools import cache
from typing import Any

import polars as pl

from mirrorfast import _core
from mirrorfast.errors import ParameterError

__all__ = ["catalogue", "entries", "entry"]

_PARAM = pl.Struct(
    {"name": pl.String, "default": pl.Float64, "min": pl.Float64, "max": pl.Float64, "integer": pl.Boolean}
)
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "name": pl.String,
    "family": pl.String,
    "inputs": pl.List(pl.String),
    "params": pl.List(_PARAM),
    "outputs": pl.List(pl.String),
    "warm_up": pl.Int64,
    "summary": pl.String,
}


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Rows of the catalogue by name, in its order.

    Returns
    -------
    dict of str to dict
        The columns of :func:`catalogue` for every indicator.
    """
    return {row["name"]: row for row in _core.catalogue()}


def entry(name: str) -> dict[str, Any]:
    """One row of the catalogue.

    Parameters
    ----------
    name : str
        Name of the indicator.

    Returns
    -------
    dict
        Its columns.

    Raises
    ------
    ParameterError
        If there is no such indicator.
    """
    found = entries().get(name)
    if found is None:
        raise ParameterError(f"indicator = {name!r}: expected a name of mirrorfast.indicators.catalogue()")
    return found


def catalogue() -> pl.DataFrame:
    """Every indicator with what it takes, gives and needs.

    Returns
    -------
    polars.DataFrame
        One row per indicator: ``name``, ``family``, ``inputs`` (list of column names), ``params`` (list of structs
        ``name``, ``default``, ``min``, ``max``, ``integer``), ``outputs`` (list of names), ``warm_up`` (rows before the
        first complete one, with the defaults) and ``summary``.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> import polars as pl
    >>> mf.indicators.catalogue().filter(pl.col("name") == "macd").select("family", "outputs", "warm_up").row(0)
    ('trend', ['macd', 'macd_signal', 'macd_hist'], 33)
    """
    return pl.DataFrame(list(entries().values()), schema=_SCHEMA)
