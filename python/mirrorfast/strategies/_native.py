"""The strategies of the catalogue: rules in Rust behind typed classes."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from mirrorfast import _core
from mirrorfast.errors import ParameterError
from mirrorfast.strategies.base import BaseStrategyAgent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FittedStrategyAgent", "NativeStrategyAgent", "StrategyStream"]


@cache
def _integers(name: str) -> frozenset[str]:
    row = next(row for row in _core.strategy_catalogue() if row["name"] == name)
    return frozenset(p["name"] for p in row["params"] if p["integer"])


class NativeStrategyAgent(BaseStrategyAgent):
    """A strategy of the catalogue; the same rule runs in backtests, paper and live."""

    def __init__(self, *, market: str = "crypto", timeframe: str = "medium", **params: float) -> None:
        self._context = (market, timeframe)
        checked = _core.strategy_params(self.name, params)
        whole = _integers(self.name)
        self._params = {name: int(value) if name in whole else value for name, value in checked.items()}

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters, by name."""
        return dict(self._params)

    @property
    def market(self) -> str:
        """Kind of market, which sets the periods of features."""
        return self._context[0]

    @property
    def timeframe(self) -> str:
        """Horizon, which sets the periods of features."""
        return self._context[1]

    @property
    def model(self) -> str | None:
        """Fitted model as JSON; None for a strategy that has none or fits its own."""
        return None

    def evaluate(self, df: Any) -> pl.Series:
        """Say what to hold on every row.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            Closed bars, sorted by (symbol, timestamp): ``timestamp open high low close volume`` and, with several
            symbols, ``symbol``.

        Returns
        -------
        polars.Series, shape (n,)
            Signals in [−1, 1]; null during the warm-up of each symbol.
        """
        return self.votes(df)["signal"]

    def confidence(self, df: Any) -> pl.Series:
        """Say how sure each signal is.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        polars.Series, shape (n,)
            Confidences in [0, 1]; null where there is no signal.
        """
        return self.votes(df)["confidence"]

    def votes(self, df: Any) -> pl.DataFrame:
        """Give signal and confidence in one pass.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        polars.DataFrame, shape (n, 2)
            ``signal`` and ``confidence``, null together during the warm-up.
        """
        table = df.collect() if isinstance(df, pl.LazyFrame) else df
        signal, confidence = _core.strategy_votes(
            table, self.name, self._params, market=self.market, timeframe=self.timeframe, model=self.model
        )
        return pl.DataFrame({"signal": pl.Series(signal), "confidence": pl.Series(confidence)})

    def stream(self) -> StrategyStream:
        """Start the strategy on one symbol, bar by bar.

        Returns
        -------
        StrategyStream
            Cold, with these parameters.
        """
        return StrategyStream(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return (self._params, self._context, self.model) == (other._params, other._context, other.model)

    def __hash__(self) -> int:
        return hash((type(self), tuple(self._params.items())))


class FittedStrategyAgent(NativeStrategyAgent):
    """A strategy that fits itself on the bars behind it, unless it is given a model fitted before."""

    def __init__(self, *, model: Mapping[str, Any] | str | None = None, **params: float) -> None:
        super().__init__(market="crypto", timeframe="medium", **params)
        self._model = None if model is None else model if isinstance(model, str) else json.dumps(model)
        self._check()

    def _check(self) -> None:
        _core.StrategyStream(self.name, self._params, model=self._model)

    @property
    def model(self) -> str | None:
        """Fitted model as JSON; None while the strategy fits its own."""
        return self._model

    def with_model(self, model: Mapping[str, Any] | str | None) -> Self:
        """Make a copy that judges by this model.

        Parameters
        ----------
        model : mapping, str or None
            Model as a mapping or JSON; None for one that fits itself.

        Returns
        -------
        BaseStrategyAgent
            The copy.
        """
        return type(self)(model=model, **self._params)


class StrategyStream:
    """A strategy of the catalogue on one symbol, bar by bar; the values are those of `evaluate`, bit for bit.

    Parameters
    ----------
    agent : BaseStrategyAgent
        A strategy of the catalogue on one symbol.

    Raises
    ------
    ParameterError
        If the agent is a strategy of your own, or one over several symbols.

    Examples
    --------
    >>> from mirrorfast.strategies import UTSignalAgent
    >>> stream = UTSignalAgent(atr_period=1).stream()
    >>> bars = [(10.0, 11.0, 9.0, 10.0), (10.0, 10.0, 8.0, 8.5), (8.5, 8.5, 5.0, 5.5)]
    >>> votes = [stream.update(open=o, high=h, low=l, close=c, volume=1.0) for o, h, l, c in bars]
    >>> [vote and vote[0] for vote in votes]
    [None, 0.0, -1.0]
    """

    def __init__(self, agent: BaseStrategyAgent) -> None:
        if not isinstance(agent, NativeStrategyAgent):
            raise ParameterError(f"agent = {agent!r}: expected a strategy of the catalogue")
        self._inner = _core.StrategyStream(
            agent.name, dict(agent.params), market=agent.market, timeframe=agent.timeframe, model=agent.model
        )

    @property
    def warm_up(self) -> int:
        """Bars before the first vote."""
        return self._inner.warm_up

    def update(
        self,
        *,
        open: float,  # noqa: A002 - the field's word
        high: float,
        low: float,
        close: float,
        volume: float,
        timestamp: int = 0,
    ) -> tuple[float, float] | None:
        """Take the next closed bar.

        Parameters
        ----------
        open, high, low, close, volume : float
            The bar.
        timestamp : int, default 0
            Open time in milliseconds; only a strategy with a fitted model looks at it.

        Returns
        -------
        tuple of float or None
            Signal and confidence; None while cold, and for a bar with a NaN or an infinity.
        """
        return self._inner.update(timestamp, open, high, low, close, volume)

    def reset(self) -> None:
        """Return to the state before the first bar."""
        self._inner.reset()

    def snapshot(self) -> bytes:
        """Write the state.

        Returns
        -------
        bytes
            For `restore` on a stream of the same strategy and parameters.
        """
        return self._inner.snapshot()

    def restore(self, state: bytes) -> None:
        """Take up a state.

        Parameters
        ----------
        state : bytes
            What `snapshot` wrote.
        """
        self._inner.restore(state)
