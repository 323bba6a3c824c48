"""`Ensemble`: strategy signals × confidences → consensus, direction and each strategy's part in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.ensemble.model import StackedModel
from mirrorfast.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mirrorfast.ensemble.onnx_stacking import OnnxStackedModel

__all__ = ["METHODS", "Ensemble", "EnsembleStream", "strategy_columns"]

METHODS = ("weighted", "majority", "stacked", "dynamic", "bayesian", "regime", "correlation")
"""Ways to combine votes."""

_SUFFIX = "_confidence"
_NOT_STRATEGIES = frozenset(
    {"symbol", "timestamp", "exchange", "timeframe", "market_regime", "return", "signal", "confidence"}
    | {"open", "high", "low", "close", "price", "volume"}
)
_IDENTITY = ("symbol", "timestamp")
# Methods with numbers of their own, and what those are called.
_OPTIONS = {
    "dynamic": ("half_life", "learning_rate", "min_share"),
    "bayesian": ("forgetting", "edge", "half_life", "clip"),
    "correlation": ("threshold", "window", "half_life"),
    "stacked": ("link", "intercept", "coefficients"),
}


def strategy_columns(signals: pl.DataFrame) -> list[str]:
    """Find the strategies in a table of signals.

    Parameters
    ----------
    signals : polars.DataFrame
        A table as `StrategyTrainerAgent.evaluate` gives it.

    Returns
    -------
    list of str
        The numeric columns that are neither a confidence nor one of ``symbol timestamp exchange timeframe open high low
        close price volume return market_regime signal confidence``.

    Examples
    --------
    >>> strategy_columns(pl.DataFrame({"close": [1.0], "ut_bot": [1.0], "ut_bot_confidence": [0.5]}))
    ['ut_bot']
    """
    return [
        name
        for name, dtype in signals.schema.items()
        if name not in _NOT_STRATEGIES and not name.endswith(_SUFFIX) and (dtype.is_numeric() or dtype == pl.Null)
    ]


class Ensemble:
    """Joins the votes of several strategies into one position a row.

    Parameters
    ----------
    method : str, default "weighted"
        ``weighted``: Σ w·signal·confidence / Σ w. ``majority``: one strategy, one vote. ``stacked``: a meta-model
        fitted out of fold. ``dynamic``: weights follow recent risk-adjusted performance. ``bayesian``: weights are
        posterior probabilities of the strategies as forecasters. ``regime``: weights depend on ``market_regime``.
        ``correlation``: of strategies that say the same, the better one counts.
    strategies : sequence of str, optional
        Strategies and their order; by default those found in the table, see `strategy_columns`.
    weights : mapping of str to float, optional
        Factor on a strategy's weight, ≥ 0; 1 where none is named. `StrategyTrainerAgent.weights` fits here.
    buy_threshold, sell_threshold : float, default 0.5, -0.5
        Consensus above (below) which the direction reads Buy (Sell).
    min_agree : int, default 1
        Strategies that must share the consensus's direction, else it is held back at 0.
    required : sequence of str, optional
        Strategies each of which must share the direction, else the consensus is held back at 0.
    signal_half_life : float, optional
        Bars after which an unchanged signal counts half; by default signals do not age.
    diversity_bonus : float, default 0.0
        Weight gained by a strategy whose signal has nothing in common with the others', as a fraction.
    similarity_window : int, default 100
        Bars of the correlation that the bonus looks at.
    calibration : mapping of str to sequence, optional
        Map of confidence by strategy, as `fit_calibration` gives it.
    priority : sequence of str, optional
        Who decides a tie of the majority, the most trusted first.
    regime_weights : mapping, optional
        For ``regime``: regime → strategy → factor, over the defaults by style (a trend follower 1.5 in a trend, 0.5 in
        a range; reversion the other way round).
    model : StackedModel or OnnxStackedModel, optional
        For ``stacked``: what `fit_stacking` or `fit_onnx_stacking` gave. The latter takes none of the stages before
        and after it: only the thresholds count.
    **options : float
        Numbers of the method. ``dynamic``: half_life 50, learning_rate 10, min_share 0.05. ``bayesian``: forgetting
        0.99, edge 0.2, half_life 50, clip 3. ``correlation``: threshold 0.85, window 100, half_life 50.

    Raises
    ------
    ParameterError
        For an unknown method or option, or a number out of its range.

    Notes
    -----
    What a method learns at row *t* comes from returns up to *t* and votes before *t*: the past of the consensus never
    changes. Every symbol has its own combiner.

    Examples
    --------
    >>> signals = pl.DataFrame({"a": [1.0, 1.0], "a_confidence": [0.8, 0.8], "b": [-1.0, None]})
    >>> Ensemble("weighted", weights={"b": 0.2}).combine(signals)["consensus"].to_list()
    [0.5, 0.8]
    """

    def __init__(
        self,
        method: str = "weighted",
        *,
        strategies: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        buy_threshold: float = 0.5,
        sell_threshold: float = -0.5,
        min_agree: int = 1,
        required: Sequence[str] = (),
        signal_half_life: float | None = None,
        diversity_bonus: float = 0.0,
        similarity_window: int = 100,
        calibration: Mapping[str, Sequence[tuple[float, float]]] | None = None,
        priority: Sequence[str] = (),
        regime_weights: Mapping[str, Mapping[str, float]] | None = None,
        model: StackedModel | OnnxStackedModel | None = None,
        **options: Any,
    ) -> None:
        if method not in METHODS:
            raise ParameterError(f"method = {method!r}: expected one of {', '.join(METHODS)}")
        known = _OPTIONS.get(method, ())
        for name in options:
            if name not in known:
                raise ParameterError(f"{name} = {options[name]!r}: expected one of {', '.join(known) or 'no option'}")
        if (model is not None) and (method != "stacked" or options):
            raise ParameterError("model: expected method 'stacked' and no option beside it")
        self._network = None if model is None or isinstance(model, StackedModel) else model
        self.method = method
        self.strategies = None if strategies is None else list(strategies)
        config: dict[str, Any] = {
            "method": method,
            "buy_threshold": buy_threshold,
            "sell_threshold": sell_threshold,
            "min_agree": min_agree,
            "required": list(required),
            "weights": dict(weights or {}),
            "signal_half_life": signal_half_life,
            "diversity_bonus": diversity_bonus,
            "similarity_window": similarity_window,
            "calibration": {name: [list(knot) for knot in knots] for name, knots in (calibration or {}).items()},
            "priority": list(priority),
            "regime": {regime: dict(factors) for regime, factors in (regime_weights or {}).items()},
        }
        if isinstance(model, StackedModel):
            config["stacked"] = model.to_config()
        elif options:
            config[method] = options
        self._config = config

    @property
    def config(self) -> dict[str, Any]:
        """What the engine reads: the ``[ensemble]`` table of a configuration."""
        self._refuse_network()
        return json.loads(json.dumps(self._config))  # type: ignore[no-any-return]

    def combine(self, signals: Any) -> pl.DataFrame:
        """Combine a table of signals.

        Parameters
        ----------
        signals : DataFrame or Arrow table, shape (n, k)
            A column of signals in [−1, 1] a strategy (null: no opinion), ``NAME_confidence`` in [0, 1] beside it (1
            where there is none), and where they are known ``symbol`` and ``timestamp`` (sorted by both), ``close`` or
            ``return`` (what the learning methods judge by), ``market_regime``.

        Returns
        -------
        polars.DataFrame, shape (n, k)
            ``symbol`` and ``timestamp`` if given, ``consensus`` (null while no strategy has an opinion),
            ``confidence`` (share of the weight behind the direction, each part times its confidence), ``direction``
            (Buy, Sell, Hold), ``warm`` (strategies with an opinion), ``gate`` (``open``, or ``required`` or
            ``min_agree`` where that held the consensus back), ``contribution_NAME`` (they add up to the consensus, but
            for a stacked model's intercept) and, with the correlation filter, ``dropped``: who was set aside for whom.

        Raises
        ------
        ShapeError
            If the table has no strategy, lacks one, or a learning method finds no returns.
        DataError
            For a signal or confidence out of its range; the message names row and strategy.

        Examples
        --------
        >>> signals = pl.DataFrame({"close": [10.0, 11.0, 12.0], "up": [1.0, 1.0, 1.0], "down": [-1.0, -1.0, -1.0]})
        >>> out = Ensemble("bayesian").combine(signals)
        >>> out["contribution_up"][2] > -out["contribution_down"][2]
        True
        """
        frame = as_frame(signals, source="signals")
        if self._network is not None:
            buy, sell = self._config["buy_threshold"], self._config["sell_threshold"]
            table = self._network.combine(frame, buy_threshold=buy, sell_threshold=sell)
            return pl.concat([frame.select(c for c in _IDENTITY if c in frame.columns), table], how="horizontal")
        names = strategy_columns(frame) if self.strategies is None else self.strategies
        absent = [name for name in names if name not in frame.columns]
        if absent or not names:
            expected = f"a column {absent[0]}" if absent else "at least one column of signals"
            raise ShapeError(f"columns of signals: got {', '.join(frame.columns)}, expected {expected}")
        table = pl.DataFrame(
            _core.combine_votes(
                json.dumps(self._config),
                names,
                [frame[name].cast(pl.Float64) for name in names],
                [_confidence(frame, name) for name in names],
                _runs(frame),
                returns=self._returns(frame),
                regimes=_regimes(frame),
            )
        )
        identity = [name for name in _IDENTITY if name in frame.columns]
        table = table.with_columns(pl.col("direction", "gate").cast(pl.String))
        return pl.concat([frame.select(identity), table], how="horizontal")

    def _returns(self, frame: pl.DataFrame) -> pl.Series | None:
        if "return" in frame.columns:
            return frame["return"].cast(pl.Float64)
        price = next((name for name in ("close", "price") if name in frame.columns), None)
        if price is None:
            if self.method in ("dynamic", "bayesian", "correlation"):
                raise ShapeError(
                    f"columns of signals: got {', '.join(frame.columns)}, expected close or return for the method "
                    f"{self.method}"
                )
            return None
        # As the engine does it: `pct_change` rounds differently.
        close = pl.col(price).cast(pl.Float64)
        change = close / close.shift(1) - 1.0
        return frame.select(change.over("symbol") if "symbol" in frame.columns else change).to_series()

    def stream(self, strategies: Sequence[str] | None = None) -> EnsembleStream:
        """Start the ensemble on one symbol, bar by bar.

        Parameters
        ----------
        strategies : sequence of str, optional
            Strategies and their order, where the ensemble was made without them.

        Returns
        -------
        EnsembleStream
            In the state before the first bar.

        Raises
        ------
        ParameterError
            If no strategies are named.
        """
        names = list(strategies) if strategies is not None else self.strategies
        if not names:
            raise ParameterError("strategies = None: expected the names of the strategies")
        return EnsembleStream(self, names)

    def _refuse_network(self) -> None:
        if self._network is not None:
            raise ParameterError(
                "model: an ONNX meta-model runs over tables alone; register model.agent(…) as a strategy to run it live"
            )

    def __repr__(self) -> str:
        return f"Ensemble({self.method!r})"


class EnsembleStream:
    """An ensemble on one symbol, bar by bar; the values are those of `Ensemble.combine`, bit for bit.

    Parameters
    ----------
    ensemble : Ensemble
        What to run.
    strategies : sequence of str
        Strategies and their order.

    Examples
    --------
    >>> stream = Ensemble("majority").stream(["a", "b", "c"])
    >>> stream.combine({"a": (1.0, 0.9), "b": (1.0, 0.6), "c": (-1.0, 0.9)})["consensus"]
    0.5
    """

    def __init__(self, ensemble: Ensemble, strategies: Sequence[str]) -> None:
        self.strategies = list(strategies)
        self._inner = _core.Combiner(json.dumps(ensemble.config), self.strategies)

    def combine(
        self,
        votes: Mapping[str, tuple[float, float] | None],
        *,
        weights: Mapping[str, float] | None = None,
        regime: str | None = None,
    ) -> dict[str, Any]:
        """Take the votes on the bar that just closed.

        Parameters
        ----------
        votes : mapping of str to (signal, confidence) or None
            A strategy that is absent or None has no opinion.
        weights : mapping of str to float, optional
            The trainer's weights; 1 where none is named.
        regime : str, optional
            ``trending``, ``ranging``, ``volatile`` or ``normal``.

        Returns
        -------
        dict
            ``consensus`` (None while no strategy has an opinion), ``confidence``, ``direction``, ``warm``, ``gate`` and
            ``contributions`` by strategy.

        Raises
        ------
        ParameterError
            For a strategy that is not of the ensemble.
        """
        for name in (*votes, *(weights or ())):
            if name not in self.strategies:
                raise ParameterError(f"strategy = {name!r}: expected one of {', '.join(self.strategies)}")
        given = None if weights is None else [float(weights.get(name, 1.0)) for name in self.strategies]
        return self._inner.combine([votes.get(name) for name in self.strategies], weights=given, regime=regime)

    def observe(self, realised_return: float) -> None:
        """Tell the return of the bar that followed the votes before; call it before the next `combine`.

        Parameters
        ----------
        realised_return : float
            Change of the close as a fraction.
        """
        self._inner.observe(realised_return)

    @property
    def weights(self) -> dict[str, float]:
        """Weights that the last call of `combine` used, after every stage."""
        return self._inner.weights

    @property
    def dropped(self) -> list[tuple[str, str, float]]:
        """Strategies that the last call set aside, as (dropped, kept, correlation)."""
        return self._inner.dropped

    def reset(self) -> None:
        """Return to the state before the first bar."""
        self._inner.reset()

    def snapshot(self) -> bytes:
        """Write the state.

        Returns
        -------
        bytes
            For `restore` on a stream of the same ensemble.
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


def _confidence(frame: pl.DataFrame, name: str) -> pl.Series:
    column = f"{name}{_SUFFIX}"
    if column in frame.columns:
        return frame[column].cast(pl.Float64)
    return pl.repeat(1.0, frame.height, dtype=pl.Float64, eager=True)


def _runs(frame: pl.DataFrame) -> list[int]:
    if "symbol" not in frame.columns:
        return [frame.height]
    runs = frame["symbol"].rle().struct.unnest()
    if runs["value"].n_unique() != runs.height:
        raise ShapeError("rows of signals: got a symbol in more than one place, expected rows sorted by symbol")
    return runs["len"].to_list()


def _regimes(frame: pl.DataFrame) -> pl.Series | None:
    if "market_regime" not in frame.columns:
        return None
    words = pl.Series(_core.market_regimes()).to_list()
    column = frame["market_regime"].cast(pl.String)
    unknown = column.filter(column.is_not_null() & ~column.is_in(words))
    if unknown.len():
        raise ParameterError(f"market_regime = {unknown[0]!r}: expected one of {', '.join(words)}")
    return column.replace_strict(words, [float(k) for k in range(len(words))], return_dtype=pl.Float64)
