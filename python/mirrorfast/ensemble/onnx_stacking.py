"""Stacking with any estimator of scikit-learn, kept and run as an ONNX graph."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.ensemble._folds import StackingTask, stacking_inputs
from mirrorfast.errors import ConfigurationError, ModelError, ShapeError
from mirrorfast.strategies.base import BaseStrategyAgent
from mirrorfast.strategies.registry import create

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["OnnxStackedModel", "StackedStrategyAgent", "fit_onnx_stacking"]

_CARD = "mirrorfast.stacking"


class OnnxStackedModel:
    """A fitted meta-model as an ONNX graph, with the names of its inputs inside.

    Parameters
    ----------
    graph : bytes
        What `save` wrote.

    Attributes
    ----------
    strategies : tuple of str
        Strategies in the order of the inputs.
    score : dict
        Out of fold: ``correlation`` of position and return, ``hit_rate`` of its side, ``rows`` judged.
    out_of_fold : polars.Series or None
        Position of each row by the model that had not seen it nor its neighbours; not kept in files.

    Raises
    ------
    ModelError
        If the bytes are no such graph.

    Examples
    --------
    >>> OnnxStackedModel(b"nonsense")
    Traceback (most recent call last):
    mirrorfast.errors.ModelError: graph: got no ONNX graph, expected one written by OnnxStackedModel.save
    """

    def __init__(self, graph: bytes) -> None:
        onnxruntime: Any = importlib.import_module("onnxruntime")

        options = onnxruntime.SessionOptions()
        # One thread: the graphs are small, and the same sums in the same order give the same bits.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
            card = json.loads(self._session.get_modelmeta().custom_metadata_map[_CARD])
            self.strategies: tuple[str, ...] = tuple(card["strategies"])
            self.horizon: int = card["horizon"]
            self.score: dict[str, float] = dict(card["score"])
            self._size: float = card["size"]
            self._output: str = card["output"]
        except KeyError as error:
            raise ModelError(
                f"graph: got one without {error}, expected one written by OnnxStackedModel.save"
            ) from error
        except Exception as error:
            # onnxruntime raises classes of its own that derive from Exception alone.
            raise ModelError("graph: got no ONNX graph, expected one written by OnnxStackedModel.save") from error
        self.out_of_fold: pl.Series | None = None
        self._graph = graph

    def save(self, path: str | Path) -> Path:
        """Write the graph.

        Parameters
        ----------
        path
            File to write.

        Returns
        -------
        pathlib.Path
            The file.
        """
        file = Path(path)
        file.write_bytes(self._graph)
        return file

    @classmethod
    def load(cls, path: str | Path) -> OnnxStackedModel:
        """Read a graph that `save` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        OnnxStackedModel
            The same model.

        Raises
        ------
        ModelError
            If the file cannot be read or is no such graph.
        """
        try:
            graph = Path(path).read_bytes()
        except OSError as error:
            raise ModelError(f"{path}: got {error!r}, expected a file written by OnnxStackedModel.save") from error
        return cls(graph)

    def _positions(self, x: Array) -> Array:
        if not len(x):
            return np.zeros(0)
        feeds = {self._session.get_inputs()[0].name: x.astype(np.float32)}
        raw = np.asarray(self._session.run([self._output], feeds)[0], dtype=np.float64)
        return _position(raw.reshape(len(x), -1), self._size)

    def predict(self, signals: Any) -> pl.Series:
        """Compute the position of every row.

        Parameters
        ----------
        signals : DataFrame or Arrow table, shape (n, k)
            As `Ensemble.combine` takes it.

        Returns
        -------
        polars.Series, shape (n,)
            Positions in [−1, 1]; null while no strategy has an opinion.
        """
        frame = as_frame(signals, source="signals")
        return self.combine(frame)["consensus"].alias("stacked")

    def combine(self, signals: Any, *, buy_threshold: float = 0.5, sell_threshold: float = -0.5) -> pl.DataFrame:
        """Combine a table of signals, as `Ensemble.combine` does.

        Parameters
        ----------
        signals : DataFrame or Arrow table, shape (n, k)
            As `Ensemble.combine` takes it.
        buy_threshold, sell_threshold : float, default 0.5, -0.5
            Position above (below) which the direction reads Buy (Sell).

        Returns
        -------
        polars.DataFrame, shape (n, k)
            The columns of `Ensemble.combine`. ``confidence`` is the size of the position; ``contribution_NAME`` is
            what the position would lose without that strategy, and need not add up to it.

        Raises
        ------
        ShapeError
            If the table lacks a strategy.
        """
        frame = as_frame(signals, source="signals")
        absent = [name for name in self.strategies if name not in frame.columns]
        if absent:
            raise ShapeError(f"columns of signals: got {', '.join(frame.columns)}, expected a column {absent[0]}")
        x = stacking_inputs(frame, self.strategies)
        position = self._positions(x)
        parts = {}
        for k, name in enumerate(self.strategies):
            without = x.copy()
            without[:, k] = 0.0
            parts[f"contribution_{name}"] = position - self._positions(without)
        warm = pl.sum_horizontal(pl.col(*self.strategies).is_not_null()).cast(pl.UInt32)
        known = pl.col("warm") > 0
        buy, sell = pl.col("consensus") > buy_threshold, pl.col("consensus") < sell_threshold
        words = pl.when(buy).then(pl.lit("Buy")).when(sell).then(pl.lit("Sell")).otherwise(pl.lit("Hold"))
        return (
            frame.select(warm=warm)
            .with_columns(consensus=pl.Series(position), gate=pl.lit("open"), **parts)
            .with_columns(pl.when(known).then("consensus").alias("consensus"))
            .with_columns(confidence=pl.col("consensus").abs().fill_null(0.0), direction=words)
            .with_columns(pl.when(known).then(name).otherwise(0.0).alias(name) for name in parts)
            .select("consensus", "confidence", "direction", "warm", "gate", *parts)
        )

    def agent(self, strategies: Mapping[str, BaseStrategyAgent] | None = None) -> StackedStrategyAgent:
        """Make a strategy of the model and the strategies that it reads.

        Parameters
        ----------
        strategies : mapping of str to BaseStrategyAgent, optional
            The strategies by the names of the inputs; by default those of the catalogue that bear these names.

        Returns
        -------
        StackedStrategyAgent
            A strategy whose signal is the model's position: it runs wherever a strategy of your own does.
        """
        return StackedStrategyAgent(self, strategies)

    def __repr__(self) -> str:
        return f"OnnxStackedModel({', '.join(self.strategies)})"


class StackedStrategyAgent(BaseStrategyAgent):
    """A meta-model and the strategies that it reads, as one strategy.

    Parameters
    ----------
    model : OnnxStackedModel
        The meta-model.
    strategies : mapping of str to BaseStrategyAgent, optional
        The strategies by the names of its inputs; by default those of the catalogue that bear these names.

    Examples
    --------
    >>> model = OnnxStackedModel.load("stack.onnx")  # doctest: +SKIP
    >>> StackedStrategyAgent(model).evaluate(bars)  # doctest: +SKIP
    """

    name: ClassVar[str] = "stacked"

    def __init__(self, model: OnnxStackedModel, strategies: Mapping[str, BaseStrategyAgent] | None = None) -> None:
        self._model = model
        known = strategies or {}
        self._agents = {name: known.get(name) or create(name) for name in model.strategies}

    def evaluate(self, df: Any) -> pl.Series:
        """Say what to hold on every row.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            Closed bars, sorted by (symbol, timestamp).

        Returns
        -------
        polars.Series, shape (n,)
            The model's positions; null while none of its strategies has an opinion.
        """
        frame = as_frame(df)
        columns: dict[str, pl.Series] = {}
        for name, agent in self._agents.items():
            votes = agent.votes(frame)
            columns[name], columns[f"{name}_confidence"] = votes["signal"], votes["confidence"]
        return self._model.predict(pl.DataFrame(columns))


def fit_onnx_stacking(
    signals: Any,
    estimator: Any,
    *,
    strategies: Sequence[str] | None = None,
    horizon: int = 1,
    folds: int = 5,
    embargo: int = 10,
) -> OnnxStackedModel:
    """Fit any estimator of scikit-learn to the returns that followed, and keep it as an ONNX graph.

    Parameters
    ----------
    signals : DataFrame or Arrow table, shape (n, k)
        Signals, confidences and ``close`` of the past, as `StrategyTrainerAgent.evaluate` gives them.
    estimator : scikit-learn estimator
        A regressor of the return, or a classifier of its sign (with ``predict_proba``).
    strategies : sequence of str, optional
        Strategies to use; all by default.
    horizon : int, default 1
        Bars ahead whose return is learnt. Range: 1 and up.
    folds : int, default 5
        Blocks of time, each judged by an estimator fitted on the others. Range: 2 and up.
    embargo : int, default 10
        Bar times left out on both sides of the judged block, beyond `horizon`.

    Returns
    -------
    OnnxStackedModel
        Fitted on all rows; its scores and ``out_of_fold`` positions are from estimators that had not seen the row.

    Raises
    ------
    ConfigurationError
        If scikit-learn or skl2onnx is not installed.
    ShapeError
        If the table has no ``close``, no strategy, or too few rows for the folds.
    ParameterError
        For a number out of its range.

    Notes
    -----
    As `fit_stacking`; the position is the prediction (or 2p − 1) over the size that 95 % of those of the fitted rows
    stay within. The graph computes in single precision.

    Examples
    --------
    >>> from sklearn.ensemble import GradientBoostingRegressor  # doctest: +SKIP
    >>> model = fit_onnx_stacking(past, GradientBoostingRegressor(random_state=0))  # doctest: +SKIP
    >>> mf.Ensemble("stacked", model=model).combine(signals)  # doctest: +SKIP
    """
    sklearn, skl2onnx = _library("sklearn"), _library("skl2onnx")
    task = StackingTask.of(signals, strategies=strategies, horizon=horizon, folds=folds, embargo=embargo)
    classifier = hasattr(estimator, "predict_proba")

    def raw(fitted: Any, x: Array) -> Array:
        return np.asarray(fitted.predict_proba(x) if classifier else fitted.predict(x)).reshape(len(x), -1)

    def trained(x: Array, y: Array) -> tuple[Any, float]:
        fitted = sklearn.base.clone(estimator).fit(x, (y > 0.0).astype(int) if classifier else y)
        size = float(np.quantile(np.abs(_edge(raw(fitted, x))), 0.95))
        return fitted, size if size > 0.0 else 1.0

    def fit(x: Array, y: Array) -> Callable[[Array], Array]:
        fitted, size = trained(x, y)
        return lambda rows: _position(raw(fitted, rows), size)

    out_of_fold, score = task.out_of_fold(fit)
    fitted, size = trained(task.x[task.known], task.y[task.known])
    kind = importlib.import_module("skl2onnx.common.data_types").FloatTensorType([None, len(task.names)])
    options = {id(fitted): {"zipmap": False}} if classifier else None
    graph = skl2onnx.convert_sklearn(fitted, initial_types=[("votes", kind)], options=options)
    card = {
        "strategies": list(task.names),
        "horizon": horizon,
        "size": size,
        "output": graph.graph.output[1 if classifier else 0].name,
        "score": score,
    }
    entry = graph.metadata_props.add()
    entry.key, entry.value = _CARD, json.dumps(card)
    model = OnnxStackedModel(graph.SerializeToString())
    model.out_of_fold = out_of_fold
    return model


def _edge(raw: Array) -> Array:
    """Return a prediction, or the lead of a rise over a fall."""
    return raw[:, -1] - raw[:, 0] if raw.shape[1] > 1 else raw[:, 0]


def _position(raw: Array, size: float) -> Array:
    return np.clip(_edge(raw) / size, -1.0, 1.0)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(f"{name} is not installed: pip install 'mirrorfast[research]'") from error
