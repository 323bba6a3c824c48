"""What every strategy is: bars in, the position wanted on every row out."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.errors import MirrorfastError, UserCodeError
from mirrorfast.strategies._answers import as_votes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from mirrorfast.strategies._answers import Votes

__all__ = ["BaseStrategyAgent"]


class BaseStrategyAgent:
    """A trading strategy.

    Derive from it and write `evaluate`; `confidence` is 1 wherever there is a signal unless you write that, too. Give
    an object or the class where strategies are listed, or register the class with `mirrorfast.strategies.register`, and
    it runs in backtests, paper and live.

    A signal is the position that the strategy wants to *hold* on that row, from −1 (fully short) to 1 (fully long): a
    state, not an event. Null and NaN are "no opinion" and take no part in the ensemble. Row *t* may depend on rows up
    to *t* only; `mirrorfast.check_bias` finds out whether it does.

    Notes
    -----
    A backtest calls `evaluate` once a symbol with all of its bars. Paper and live call it on every closed bar with the
    bars up to that one and take the last row: all bars of the run, or the last `lookback` of them. So it must be a
    function of its rows alone: what it keeps in ``self`` between calls is lost when a run resumes, and makes a backtest
    differ from the live run.

    A rule that remembers for ever (a cumulative sum, an exponential mean, a position held until an exit) either leaves
    `lookback` at None, and sees all bars of the run at a cost that grows with them; or it says after how many bars what
    came before no longer matters to it, and `mirrorfast.check_bias` measures whether that is so. Votes are rounded to
    nine decimals, so that a sum added up in another order gives the same vote.

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

    warm_up: int = 1
    """Bars of a symbol up to the first vote: rows before get none, and live does not call before. A strategy of the
    catalogue knows its own."""

    lookback: int | None = None
    """Bars that a row depends on, itself included; None for all since the first."""

    features: Sequence[str] = ()
    """Columns of `mirrorfast.compute_features`, registered ones included, that stand beside the bars in `evaluate`."""

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters, by name: numbers that the constructor takes and keeps under the same name."""
        names = list(inspect.signature(type(self)).parameters)
        values = {name: getattr(self, name, None) for name in names}
        return {name: value for name, value in values.items() if isinstance(value, int | float)}

    def evaluate(self, df: Any) -> pl.Series:
        """Say what to hold on every row.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            Closed bars, sorted by (symbol, timestamp), a polars frame with the columns ``symbol timestamp open high low
            close volume`` and `features`. Backtest, paper and live hand in one symbol at a time.

        Returns
        -------
        polars.Series, shape (n,)
            Signals in [−1, 1]; null where the strategy is not warm or has no opinion. A pandas series, a NumPy array or
            a list does, and so does a frame with the columns ``signal`` and ``confidence``.
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
        frame = as_frame(df)
        return _column("confidence", as_votes(self.evaluate(frame), None, self._owner, frame)[1])

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
        UserCodeError
            When the strategy raised something else.
        """
        signal, confidence = self.vote(as_frame(df))
        return pl.DataFrame([_column("signal", signal), _column("confidence", confidence)])

    def vote(self, frame: pl.DataFrame) -> Votes:
        """Give signal and confidence together, checked, as arrays: `votes` without the table.

        Parameters
        ----------
        frame : polars.DataFrame, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        tuple of numpy.ndarray, shape (n,)
            Signals and confidences, NaN together where the strategy has no opinion.

        Raises
        ------
        ShapeError, DataError, UserCodeError
            As `votes`.
        """
        owner = self._owner
        try:
            signal = self.evaluate(frame)
            plain = type(self).confidence is BaseStrategyAgent.confidence
            confidence = None if plain else self.confidence(frame)
        except MirrorfastError:
            raise
        except Exception as error:
            raise UserCodeError(f"{owner}: raised {type(error).__name__}: {error}") from error
        return as_votes(signal, confidence, owner, frame)

    @property
    def _owner(self) -> str:
        return self.name or type(self).__name__

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{type(self).__name__}({inside})"


def _column(name: str, values: npt.NDArray[np.float64]) -> pl.Series:
    return pl.Series(name, values, nan_to_null=True)
