"""What every strategy is: bars in, the position wanted on every row out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.errors import DataError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BaseStrategyAgent"]


class BaseStrategyAgent:
    """A trading strategy.

    Derive from it and write `evaluate`; `confidence` is 1 wherever there is a signal unless you write that, too.
    Register the class with `mirrorfast.strategies.register` and it runs by name in backtests, paper and live.

    A signal is the position that the strategy wants to *hold* on that row, from −1 (fully short) to 1 (fully long): a
    state, not an event. Null is "no opinion" and takes no part in the ensemble. Row *t* may depend on rows up to *t*
    only; `mirrorfast.check_bias` finds out whether it does.

    Examples
    --------
    >>> import polars as pl
    >>> class AboveMean(BaseStrategyAgent):
    ...     name = "above_mean"
    ...
    ...     def evaluate(self, df: pl.DataFrame) -> pl.Series:
    ...         mean = df["close"].rolling_mean(3)
    ...         return (df["close"] > mean).cast(pl.Float64).alias("signal")
    >>> AboveMean().evaluate(pl.DataFrame({"close": [1.0, 2.0, 3.0, 1.0]})).to_list()
    [None, None, 1.0, 0.0]
    """

    name: ClassVar[str] = ""
    """Name in configuration, tables and ledger."""

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters, by name."""
        return {}

    def evaluate(self, df: Any) -> pl.Series:
        """Say what to hold on every row.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            Closed bars, sorted by (symbol, timestamp).

        Returns
        -------
        polars.Series, shape (n,)
            Signals in [−1, 1]; null where the strategy is not warm or has no opinion.
        """
        raise NotImplementedError(f"{type(self).__name__} has no evaluate method")

    def confidence(self, df: Any) -> pl.Series:
        """Say how sure each signal is.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        polars.Series, shape (n,)
            Confidences in [0, 1]; 1 wherever there is a signal, unless a strategy knows better.
        """
        signal = self.evaluate(df)
        return (
            pl.select(pl.when(signal.is_not_null() & ~signal.cast(pl.Float64).is_nan()).then(1.0))
            .to_series()
            .alias("confidence")
        )

    def votes(self, df: Any) -> pl.DataFrame:
        """Give signal and confidence together, checked.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        polars.DataFrame, shape (n, 2)
            ``signal`` and ``confidence``, null together where the strategy has no opinion.

        Raises
        ------
        ShapeError
            When the strategy answered with another number of rows.
        DataError
            When a signal lies outside [−1, 1] or a confidence outside [0, 1].
        """
        frame = as_frame(df)
        owner = self.name or type(self).__name__
        signal = _checked(self.evaluate(frame), f"{owner}: signal", frame.height, -1.0)
        confidence = _checked(self.confidence(frame), f"{owner}: confidence", frame.height, 0.0)
        table = pl.DataFrame({"signal": signal, "confidence": confidence})
        both = pl.col("signal").is_not_null() & pl.col("confidence").is_not_null()
        return table.select(pl.when(both).then(pl.col(name)).alias(name) for name in table.columns)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{type(self).__name__}({inside})"


def _checked(values: Any, what: str, rows: int, low: float) -> pl.Series:
    series = values if isinstance(values, pl.Series) else pl.Series(values)
    if series.len() != rows:
        raise ShapeError(f"{what}: got {series.len()} rows, expected {rows}")
    if not (series.dtype.is_numeric() or series.dtype in (pl.Null, pl.Boolean)):
        raise ShapeError(f"{what}: got {series.dtype} values, expected numbers")
    series = series.cast(pl.Float64).fill_nan(None)
    bad = series.is_between(low, 1.0).not_().arg_true()
    if bad.len():
        row = int(bad[0])
        raise DataError(f"{what} = {series[row]} at row {row}: expected a number from {low:g} to 1")
    return series
