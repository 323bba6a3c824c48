"""Scores and state probabilities against scikit-learn and hmmlearn; both fit, Rust judges."""

import json

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast import _core


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).head(1_500)


def test_isolation_forest_judges_as_scikit_learn(bars: pl.DataFrame) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    past = bars.head(1_000)
    agent = mf.strategies.fit_anomaly_detection(past)
    columns = _core.strategy_observations(bars, "anomaly_detection", {})
    x = np.column_stack([pl.Series(c).to_numpy() for c in columns])
    known = np.isfinite(x).all(axis=1)
    seen = known & (np.arange(len(x)) < 1_000)
    forest = ensemble.IsolationForest(n_estimators=100, contamination=0.1, random_state=42).fit(
        x[seen].astype(np.float32)
    )
    strange = np.zeros(len(x), dtype=bool)
    strange[known] = forest.decision_function(x[known].astype(np.float32)) < 0.0
    votes = agent.votes(bars)
    assert votes["signal"].head(1_000).null_count() == 1_000
    assert votes["signal"].slice(1_000).null_count() == 0
    # A position is taken where scikit-learn sees an anomaly against the side held, and is never taken elsewhere.
    signal = votes["signal"].fill_null(0.0).to_numpy()
    held, since, expected = 0.0, 0, []
    for i in range(1_000, len(x)):
        since += 1
        if strange[i] and x[i, 0] != 0.0:
            held, since = -np.sign(x[i, 0]), 0
        elif since >= agent.params["hold"]:
            held = 0.0
        expected.append(held)
    assert np.array_equal(signal[1_000:], expected)
    assert 20 < strange[1_000:].sum() < 250


def test_hidden_markov_model_filters_as_hmmlearn(bars: pl.DataFrame) -> None:
    hmm = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed")
    agent = mf.strategies.fit_regime_change(bars.head(1_000))
    model = json.loads(agent.model)
    columns = _core.strategy_observations(bars, "regime_change", {})
    x = np.column_stack([pl.Series(c).to_numpy() for c in columns])
    first = int(np.flatnonzero(np.isfinite(x).all(axis=1))[0])
    z = (x[first:] - np.array(model["center"])) / np.array(model["scale"])
    reference = hmm.GaussianHMM(n_components=3, covariance_type="full")
    reference.startprob_, reference.transmat_ = np.array(model["start"]), np.array(model["transition"])
    reference.means_, reference.covars_ = np.array(model["means"]), np.array(model["covariances"])
    volatile = int(np.argmax(reference.means_[:, 1]))
    signal = agent.evaluate(bars)
    assert signal.head(1_000).null_count() == 1_000
    aside = 0
    for end in range(1_010, 1_500, 10):
        # The last row of the smoothed probabilities has no future to look at: it is the filtered one.
        filtered = reference.predict_proba(z[: end - first])[-1]
        if filtered[volatile] > 0.5:
            aside += 1
            assert signal[end - 1] == 0.0
    assert aside > 0


def test_models_are_for_their_own_strategies(bars: pl.DataFrame) -> None:
    model = {"max_samples": 4, "offset": -0.5, "trees": []}
    for agent in (mf.AnomalyDetectionAgent, mf.RegimeChangeAgent):
        with pytest.raises(mf.ParameterError, match="model"):
            agent(model=model)
    with pytest.raises(mf.DataError, match="at least 16"):
        mf.strategies.fit_anomaly_detection(bars.head(25))
    with pytest.raises(mf.ParameterError, match="anomaly_detection or regime_change"):
        _core.strategy_observations(bars, "ut_bot", {})
