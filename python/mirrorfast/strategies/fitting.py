"""Models for the strategies that take one, fitted with scikit-learn and hmmlearn (the extra ``[train]``)."""

from __future__ import annotations

import importlib
import json
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ConfigurationError, ParameterError, ShapeError
from mirrorfast.strategies._native import FittedStrategyAgent, last_ts
from mirrorfast.strategies.anomaly_detection import AnomalyDetectionAgent
from mirrorfast.strategies.regime_change import RegimeChangeAgent

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["fit", "fit_anomaly_detection", "fit_regime_change", "fit_rolling"]

_Agent = TypeVar("_Agent", bound=FittedStrategyAgent)
# The columns that the forest looks at, as its card names them.
_COLUMNS = ("log_return", "log_range", "log_volume_ratio")


def fit(agent: _Agent, bars: Any) -> _Agent:
    """Fit the model of a strategy to past bars.

    Parameters
    ----------
    agent : AnomalyDetectionAgent or RegimeChangeAgent
        The strategy.
    bars : DataFrame or Arrow table, shape (n, k)
        The past, of one symbol or several.

    Returns
    -------
    AnomalyDetectionAgent or RegimeChangeAgent
        A copy with the model. It is cold up to the last bar of `bars`.

    Raises
    ------
    ParameterError
        If the strategy has no model.
    ConfigurationError
        If scikit-learn or hmmlearn is not installed.
    ShapeError
        If there are fewer than 16 bars to learn from.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> agent = fit(mf.AnomalyDetectionAgent(), bars.head(1000))  # doctest: +SKIP
    """
    made: Any
    if isinstance(agent, AnomalyDetectionAgent):
        made = fit_anomaly_detection(bars, agent=agent)
    elif isinstance(agent, RegimeChangeAgent):
        made = fit_regime_change(bars, agent=agent)
    else:
        raise ParameterError(f"agent = {agent!r}: expected an AnomalyDetectionAgent or a RegimeChangeAgent")
    return made  # type: ignore[no-any-return]


def fit_rolling(agent: _Agent, bars: Any) -> _Agent:
    """Fit models to trailing windows, each for the bars after its own window.

    Parameters
    ----------
    agent : AnomalyDetectionAgent or RegimeChangeAgent
        The strategy; ``train_window`` and ``refit`` say, in bar times, how far back and how often.
    bars : DataFrame or Arrow table, shape (n, k)
        Bars of one symbol or several; a model learns from all of them.

    Returns
    -------
    AnomalyDetectionAgent or RegimeChangeAgent
        A copy with the models in the order of their times.

    Raises
    ------
    ParameterError
        If the strategy has no model.
    ConfigurationError
        If scikit-learn or hmmlearn is not installed.
    ShapeError
        If there are fewer bar times than one window and its warm-up.

    Notes
    -----
    A model whose window ends with bar time t judges the bars after t, until the next one does: walk-forward by
    construction, in a backtest as in live trading. Windows reach back ``train_window`` bar times and the warm-up of the
    observations.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> agent = fit_rolling(mf.RegimeChangeAgent(refit=250), bars)  # doctest: +SKIP
    """
    frame = as_frame(bars)
    p = agent.params
    warm_up = int(p.get("volume_period", p.get("period", 1)))
    window, every = int(p["train_window"]) + warm_up, int(p["refit"])
    times = frame["timestamp"].unique().sort()
    if times.len() < window:
        raise ShapeError(f"bars: got {times.len()} bar times, expected at least {window}: one window and its warm-up")
    models = []
    for end in range(window, times.len() + 1, every):
        past = frame.filter(pl.col("timestamp").is_between(times[end - window], times[end - 1]))
        models.append(json.loads(fit(agent, past).model or "null"))
    return agent.with_model(models)


def fit_anomaly_detection(bars: Any, *, agent: AnomalyDetectionAgent | None = None) -> AnomalyDetectionAgent:
    """Fit scikit-learn's isolation forest to past bars.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        The past, of one symbol or several.
    agent : AnomalyDetectionAgent, optional
        Parameters: contamination, trees, seed and volume_period count here.

    Returns
    -------
    AnomalyDetectionAgent
        The agent with the forest as its model. It is cold up to the last bar of `bars`: it judges what comes after.

    Raises
    ------
    ConfigurationError
        If scikit-learn is not installed.
    ShapeError
        If there are fewer than 16 bars to learn from.

    Notes
    -----
    ``IsolationForest(n_estimators=trees, contamination=contamination, random_state=seed)``; the arrays of its trees
    are handed over and scored in Rust exactly as ``score_samples`` does. ``agent.save_model("forest.onnx")`` writes it
    as ONNX, with a card, through skl2onnx; ``AnomalyDetectionAgent(model=Path("forest.onnx"))`` reads such a file, from
    here or elsewhere, and scores it in Rust, too: within 10⁻⁶ of onnxruntime, which computes in single precision and
    takes many times as long for one bar.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> agent = fit_anomaly_detection(bars.head(1000))  # doctest: +SKIP
    >>> agent.evaluate(bars)[1000:].null_count()  # doctest: +SKIP
    0
    """
    start = agent or AnomalyDetectionAgent()
    p = start.params
    frame = as_frame(bars)
    x = _observations(frame, start.name, dict(p))
    ensemble = _library("sklearn.ensemble")
    forest = ensemble.IsolationForest(
        n_estimators=int(p["trees"]), contamination=p["contamination"], random_state=int(p["seed"])
    ).fit(x.astype(np.float32))
    trees = [
        {
            "feature": tree.tree_.feature.tolist(),
            "threshold": tree.tree_.threshold.tolist(),
            "left": tree.tree_.children_left.tolist(),
            "right": tree.tree_.children_right.tolist(),
            "samples": tree.tree_.n_node_samples.tolist(),
        }
        for tree in forest.estimators_
    ]
    model = {"max_samples": int(forest.max_samples_), "offset": float(forest.offset_), "trees": trees}
    fitted_on = {"from_ts": _after(frame), "volume_period": int(p["volume_period"])}
    card = {
        "strategy": start.name,
        "columns": _COLUMNS,
        **fitted_on,
        "contamination": p["contamination"],
        "rows": len(x),
        "scikit_learn": _library("sklearn").__version__,
    }
    return start.with_model({**model, **fitted_on}, onnx=lambda: _as_onnx(forest, card))


def fit_regime_change(
    bars: Any, *, agent: RegimeChangeAgent | None = None, states: int = 3, iterations: int = 100, seed: int = 42
) -> RegimeChangeAgent:
    """Fit hmmlearn's Gaussian hidden Markov model to past bars.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        The past, of one symbol or several.
    agent : RegimeChangeAgent, optional
        Parameters: period counts here.
    states : int, default 3
        Hidden states. Range: 2 to 16.
    iterations : int, default 100
        Rounds of expectation maximisation at most.
    seed : int, default 42
        Seed of the first guess.

    Returns
    -------
    RegimeChangeAgent
        The agent with the model. It is cold up to the last bar of `bars`: it judges what comes after.

    Raises
    ------
    ConfigurationError
        If hmmlearn is not installed.
    ShapeError
        If there are fewer than 16 bars to learn from.

    Notes
    -----
    Observations are (log return, log of its standard deviation over ``period`` bars), standardised; covariances are
    full. hmmlearn fits, and looks at the whole span to do so; states are filtered in Rust, from the past alone.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> agent = fit_regime_change(bars.head(1000))  # doctest: +SKIP
    >>> agent.evaluate(bars)[1000:].null_count()  # doctest: +SKIP
    0
    """
    start = agent or RegimeChangeAgent()
    frame = as_frame(bars)
    x = _observations(frame, start.name, dict(start.params))
    lengths = _lengths(frame, start.name, dict(start.params))
    center, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    library = _library("hmmlearn.hmm")
    hmm = library.GaussianHMM(n_components=states, covariance_type="full", n_iter=iterations, random_state=seed)
    with warnings.catch_warnings():
        # That a fit stops short of its tolerance is no fault: the model is as good as `iterations` allow.
        warnings.simplefilter("ignore")
        hmm.fit((x - center) / scale, lengths)
    model = {
        "center": center.tolist(),
        "scale": scale.tolist(),
        "start": _distribution(hmm.startprob_),
        "transition": [_distribution(row) for row in hmm.transmat_],
        "means": hmm.means_.tolist(),
        "covariances": ((hmm.covars_ + hmm.covars_.transpose(0, 2, 1)) / 2.0).tolist(),
        "from_ts": _after(frame),
    }
    return start.with_model(model)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ConfigurationError(f"{package} is not installed: pip install 'mirrorfast[research]'") from error


def _columns(frame: pl.DataFrame, name: str, params: dict[str, float]) -> pl.DataFrame:
    columns = _core.strategy_observations(frame, name, params)
    return pl.DataFrame({f"x{k}": pl.Series(column) for k, column in enumerate(columns)})


def _observations(frame: pl.DataFrame, name: str, params: dict[str, float]) -> npt.NDArray[np.float64]:
    table = _columns(frame, name, params).drop_nulls()
    if table.height < 16:
        raise ShapeError(f"bars: got {table.height} to learn from, expected at least 16 after the warm-up")
    return table.to_numpy()


def _lengths(frame: pl.DataFrame, name: str, params: dict[str, float]) -> list[int]:
    if "symbol" not in frame.columns:
        return [_columns(frame, name, params).drop_nulls().height]
    table = _columns(frame, name, params).with_columns(frame["symbol"]).drop_nulls()
    return table["symbol"].rle().struct.field("len").to_list()


def _after(frame: pl.DataFrame) -> int:
    """One millisecond after the last bar opened."""
    return last_ts(frame) + 1


def _as_onnx(forest: Any, card: dict[str, Any]) -> bytes:
    skl2onnx = _library("skl2onnx")
    kind = importlib.import_module("skl2onnx.common.data_types").FloatTensorType([None, len(_COLUMNS)])
    # The operator sets of the oldest onnxruntime that is supported.
    graph = skl2onnx.convert_sklearn(forest, initial_types=[("bars", kind)], target_opset={"": 17, "ai.onnx.ml": 3})
    entry = graph.metadata_props.add()
    entry.key, entry.value = "mirrorfast.card", json.dumps(card)
    return graph.SerializeToString()  # type: ignore[no-any-return]


def _distribution(values: Any) -> list[float]:
    p = np.asarray(values, dtype=np.float64)
    return (p / p.sum()).tolist()  # type: ignore[no-any-return]
