"""The strategies of the catalogue: rules in Rust behind typed classes."""

from __future__ import annotations

import json
import warnings
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.strategies.base import BaseStrategyAgent

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["FittedModel", "FittedStrategyAgent", "NativeStrategyAgent", "StrategyStream", "last_ts", "model_text"]

FittedModel: TypeAlias = "Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | bytes | PathLike[str] | None"


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


def model_text(name: str, model: Any) -> str | None:
    """Give a fitted model as the text that the core takes.

    Parameters
    ----------
    name : str
        Strategy that takes it.
    model : mapping, sequence of mappings, str, bytes, path or None
        As JSON, as objects, as the bytes of an ONNX file, or a file of either kind, told by ``.onnx``.

    Returns
    -------
    str or None
        JSON; None for None.

    Raises
    ------
    ConfigurationError
        If the file cannot be read.
    ParameterError
        If an ONNX file holds no model of this strategy.

    Examples
    --------
    >>> model_text("anomaly_detection", {"offset": -0.5})
    '{"offset": -0.5}'
    """
    if model is None or isinstance(model, str):
        return model
    if isinstance(model, bytes):
        return _core.strategy_model_from_onnx(name, model)
    if isinstance(model, PathLike):
        path = Path(model).expanduser()
        try:
            if path.suffix == ".onnx":
                return _core.strategy_model_from_onnx(name, path.read_bytes())
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{name}.model = {str(model)!r}: {error}") from error
    return json.dumps(model)


class FittedStrategyAgent(NativeStrategyAgent):
    """A strategy that fits itself on the bars behind it, unless it is given a model fitted before, or several."""

    def __init__(self, *, model: FittedModel = None, **params: float) -> None:
        super().__init__(market="crypto", timeframe="medium", **params)
        self._model = model_text(self.name, model)
        self._onnx: Callable[[], bytes] | None = None
        _core.StrategyStream(self.name, self._params, model=self._model)

    @property
    def model(self) -> str | None:
        """Fitted model as JSON; None while the strategy fits its own."""
        return self._model

    def with_model(self, model: FittedModel, *, onnx: Callable[[], bytes] | None = None) -> Self:
        """Make a copy that judges by this model.

        Parameters
        ----------
        model : mapping, sequence of mappings, str, bytes, path or None
            Model as a mapping, as JSON or as ONNX; several in the order of their ``from_ts``, each of which judges from
            then until the next; None for one that fits itself.
        onnx : callable, optional
            Writes the same model as the bytes of an ONNX file, for `save_model`.

        Returns
        -------
        BaseStrategyAgent
            The copy.
        """
        made = type(self)(model=model, **self._params)
        made.remember_onnx(onnx)
        return made

    def remember_onnx(self, write: Callable[[], bytes] | None) -> None:
        """Keep what writes the model as ONNX.

        Parameters
        ----------
        write : callable or None
            Gives the file's bytes.
        """
        self._onnx = write

    def fit(self, bars: Any) -> Self:
        """Fit the model to past bars, with scikit-learn or hmmlearn (the extra ``[research]``).

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, k)
            The past, of one symbol or several; all of it is learnt from.

        Returns
        -------
        BaseStrategyAgent
            A copy with the model. It is cold up to the last bar of `bars`: it judges what comes after.

        Raises
        ------
        ConfigurationError
            If the library is not installed.
        ShapeError
            If there are fewer than 16 bars to learn from.
        """
        from mirrorfast.strategies import fitting

        return fitting.fit(self, bars)

    def fit_rolling(self, bars: Any) -> Self:
        """Fit models to the bars behind, again and again, as the strategy would do by itself.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, k)
            Bars of one symbol or several.

        Returns
        -------
        BaseStrategyAgent
            A copy with one model for every ``refit`` bar times, each fitted on the ``train_window`` bar times before
            and judging from then until the next. It is cold up to the end of the first window.

        Raises
        ------
        ConfigurationError
            If the library is not installed.
        ShapeError
            If there are fewer bar times than one window.
        """
        from mirrorfast.strategies import fitting

        return fitting.fit_rolling(self, bars)

    def votes(self, df: Any) -> pl.DataFrame:
        """Give signal and confidence in one pass.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            The rows given to `evaluate`.

        Returns
        -------
        polars.DataFrame, shape (n, 2)
            ``signal`` and ``confidence``, null together during the warm-up, and before the time of a given model.

        Warns
        -----
        UserWarning
            If every bar lies inside the window that the given model was fitted on, so that none is judged.
        """
        votes = super().votes(df)
        if self._model is not None and votes.height > 0 and votes["signal"].null_count() == votes.height:
            self._warn_of_the_past(df)
        return votes

    def _warn_of_the_past(self, df: Any) -> None:
        models = json.loads(self._model or "[]")
        begin = (models[0] if isinstance(models, list) else models).get("from_ts")
        last = last_ts(as_frame(df))
        if begin is not None and last < begin:
            msg = (
                f"{self.name}.model judges from {begin} ms; the bars end at {last} ms, inside what it was fitted on: "
                "no vote there, for it would look ahead"
            )
            warnings.warn(msg, stacklevel=4)

    def save_model(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a file, for ``model`` of a strategy's configuration.

        Parameters
        ----------
        path : path-like
            File, which is replaced. ``.onnx`` writes an isolation forest as ONNX, with a card in the metadata
            (``mirrorfast.card``): columns, end of the window, contamination. Under any other name: JSON.

        Raises
        ------
        ParameterError
            While the strategy fits its own; for ``.onnx``, if the model is no single forest fitted in this process.
        ConfigurationError
            For ``.onnx``, if skl2onnx is not installed.
        """
        if self._model is None:
            raise ParameterError(f"{self.name}: no model to save, expected a fitted one")
        if Path(path).suffix != ".onnx":
            Path(path).write_text(self._model, encoding="utf-8")
            return
        if self._onnx is None:
            raise ParameterError(f"{self.name}: no model that ONNX can hold, expected one isolation forest just fitted")
        Path(path).write_bytes(self._onnx())


def last_ts(frame: pl.DataFrame) -> int:
    """Tell when the last bar opened.

    Parameters
    ----------
    frame : polars.DataFrame
        Bars.

    Returns
    -------
    int
        Milliseconds.

    Examples
    --------
    >>> last_ts(pl.DataFrame({"timestamp": [0, 60_000]}))
    60000
    """
    last = frame.select(pl.col("timestamp").max()).to_series()
    if last.dtype.is_temporal():
        last = last.cast(pl.Datetime("ms")).dt.epoch("ms")
    return int(last[0])


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
