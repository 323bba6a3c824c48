"""Where two answers about the same rows differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

__all__ = ["ROUNDING", "Difference", "difference", "first_difference", "shown"]

ROUNDING: Final = 1e-9
"""A truncated run that differs by less is rounding: a sum of other length may be added up in another order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row in which two columns differ, and the others."""

    row: int
    left: Any
    right: Any
    rows: pl.Series


def first_difference(left: pl.Series, right: pl.Series, tolerance: float) -> Difference | None:
    """Find the first row in which two columns of one length differ.

    Parameters
    ----------
    left, right
        The columns; null equals null alone.
    tolerance
        Largest difference of equal numbers, relative to the larger of 1 and the left one.

    Returns
    -------
    Difference or None
        Nothing where they agree.
    """
    rows = (difference(left, right) > tolerance).arg_true()
    if not rows.len():
        return None
    row = int(rows[0])
    return Difference(row, left[row], right[row], rows)


def difference(left: pl.Series, right: pl.Series) -> pl.Series:
    """Measure how far two columns are apart, row by row.

    Parameters
    ----------
    left, right
        The columns.

    Returns
    -------
    polars.Series
        |left − right| / max(1, |left|) of numbers; infinite where one is null or two words differ, else 0.
    """
    table = pl.DataFrame({"a": _plain(left), "b": _plain(right)})
    a, b = pl.col("a"), pl.col("b")
    number = table.schema["a"].is_numeric() and table.schema["b"].is_numeric()
    apart = (a - b).abs() / pl.max_horizontal(a.abs(), pl.lit(1.0)) if number else (a != b).cast(pl.Float64) * 1e300
    same = a.eq_missing(b)
    one_missing = a.is_null() != b.is_null()
    return table.select(
        pl.when(same).then(0.0).when(one_missing).then(pl.lit(float("inf"))).otherwise(apart).fill_nan(float("inf"))
    ).to_series()


def _plain(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean or column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    return column.cast(pl.Float64) if column.dtype == pl.Null else column.cast(pl.String)


def shown(value: Any) -> str:
    """Write a value for people.

    Parameters
    ----------
    value
        A number, a word or nothing.

    Returns
    -------
    str
        The text.
    """
    return "nothing" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)
