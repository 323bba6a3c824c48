"""Models for the strategies that take one, fitted with scikit-learn and hmmlearn (the extra ``[train]``)."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ConfigurationError, ShapeError
from mirrorfast.strategies.anomaly_detection import AnomalyDetectionAgent
from mirrorfast.strategies.regime_change import RegimeChangeAgent

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["fit_anomaly_detection", "fit_regime_change"]


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
    are handed over and scored in Rust exactly as ``score_samples`` does. That is smaller and faster than a converted
    ONNX graph (which compares in single precision and rounds scores), and needs no runtime.

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
    return start.with_model({**model, "from_ts": _after(frame)})


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
    last = frame.select(pl.col("timestamp").max()).to_series()
    if last.dtype.is_temporal():
        last = last.cast(pl.Datetime("ms")).dt.epoch("ms")
    return int(last[0]) + 1


def _distribution(values: Any) -> list[float]:
    p = np.asarray(values, dtype=np.float64)
    return (p / p.sum()).tolist()  # type: ignore[no-any-return]
