"""Scores and state probabilities against scikit-learn and hmmlearn; both fit, Rust judges."""

import json
from pathlib import Path

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


def test_onnx_is_scored_in_rust_as_by_onnxruntime(bars: pl.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    past, rest = bars.head(1_000), bars.tail(500)
    agent = mf.AnomalyDetectionAgent(trees=60, contamination=0.08).fit(past)
    path = tmp_path / "forest.onnx"
    agent.save_model(path)
    session = onnxruntime.InferenceSession(path)
    card = json.loads(session.get_modelmeta().custom_metadata_map["mirrorfast.card"])
    assert card["columns"] == ["log_return", "log_range", "log_volume_ratio"]
    assert card["contamination"] == 0.08
    assert card["from_ts"] == int(past["timestamp"].dt.epoch("ms").max()) + 1

    # Scores, row by row: a strategy that holds for one bar takes a position exactly where the score lies below the
    # offset, with a confidence that follows from the score.
    read = mf.AnomalyDetectionAgent(trees=60, contamination=0.08, hold=1, model=path)
    model = json.loads(read.model)
    assert model["from_ts"] == card["from_ts"]
    assert len(model["trees"]) == 60
    columns = _core.strategy_observations(bars, "anomaly_detection", {})
    x = np.column_stack([pl.Series(c).to_numpy() for c in columns])[1_000:].astype(np.float32)
    decision = session.run(["scores"], {"bars": x})[0].ravel()
    votes = read.votes(bars).slice(1_000)
    taken = votes["signal"].to_numpy() != 0.0
    near = np.abs(decision) < 1e-6
    strange = (decision < 0) & (x[:, 0] != 0.0)
    assert np.array_equal(taken[~near], strange[~near])
    assert taken.sum() > 10
    fresh = taken & np.concatenate([[True], votes["signal"].to_numpy()[1:] != votes["signal"].to_numpy()[:-1]])
    ours = (votes["confidence"].to_numpy() - 0.5) / 0.5 * (1.0 + model["offset"])
    assert np.abs(ours + decision)[fresh].max() <= 1e-6

    # The file, its bytes and the configuration's path say the same; JSON compares in double precision, too.
    by_bytes = mf.AnomalyDetectionAgent(trees=60, contamination=0.08, hold=1, model=path.read_bytes())
    assert by_bytes.votes(bars).equals(read.votes(bars))
    assert agent.evaluate(bars).equals(agent.with_model(path).evaluate(bars))
    strategy = {"name": "anomaly_detection", "model": path}
    decided = mf.backtest(rest, strategies=[strategy]).decisions["vote_anomaly_detection"]
    expected = mf.AnomalyDetectionAgent(model=path).evaluate(rest)
    assert decided.equals(expected.rename("vote_anomaly_detection"), null_equal=True)


def test_files_that_hold_no_such_forest(bars: pl.DataFrame, tmp_path: Path) -> None:
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    from sklearn.linear_model import LinearRegression

    other = LinearRegression().fit(np.eye(3), np.arange(3.0))
    path = tmp_path / "other.onnx"
    path.write_bytes(skl2onnx.to_onnx(other, np.eye(3, dtype=np.float32)).SerializeToString())
    for model in (path, path.read_bytes()[:40], b"", b"{}"):
        with pytest.raises(mf.ParameterError, match="onnx file|without a tree"):
            mf.AnomalyDetectionAgent(model=model)
    with pytest.raises(mf.ConfigurationError, match="missing.onnx"):
        mf.AnomalyDetectionAgent(model=tmp_path / "missing.onnx")
    with pytest.raises(mf.ParameterError, match="the strategy whose model ONNX can hold"):
        mf.RegimeChangeAgent(model=path)
    agent = mf.AnomalyDetectionAgent(trees=5).fit(bars.head(300))
    with pytest.raises(mf.ParameterError, match=r"volume_period = 30: expected 20"):
        mf.AnomalyDetectionAgent(volume_period=30, model=agent.model)
    with pytest.raises(mf.ParameterError, match="no model that ONNX can hold"):
        agent.with_model(agent.model).save_model(path)


def test_a_model_does_not_judge_what_it_was_fitted_on(bars: pl.DataFrame) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    agent = mf.AnomalyDetectionAgent(trees=5).fit(bars.head(600))
    with pytest.warns(UserWarning, match="inside what it was fitted on"):
        assert agent.evaluate(bars.head(600)).null_count() == 600
    assert agent.evaluate(bars.head(601)).null_count() == 600


@pytest.mark.parametrize("name", ["anomaly_detection", "regime_change"])
def test_models_fitted_again_and_again_judge_after_their_windows(bars: pl.DataFrame, name: str) -> None:
    pytest.importorskip("sklearn" if name == "anomaly_detection" else "hmmlearn", reason="not installed")
    kind = mf.AnomalyDetectionAgent if name == "anomaly_detection" else mf.RegimeChangeAgent
    start = kind(train_window=200, refit=150, **({"trees": 10} if name == "anomaly_detection" else {}))
    some = bars.head(700)
    agent = start.fit_rolling(some)
    models = json.loads(agent.model)
    assert [m["from_ts"] for m in models] == [
        int(some["timestamp"].dt.epoch("ms")[220 + 150 * k - 1]) + 1 for k in range(4)
    ]
    votes = agent.votes(some)
    assert votes["signal"].null_count() == 220
    # A bar more or less in the future changes no model before it, hence no vote.
    fewer = start.fit_rolling(some.head(600)).votes(some.head(600))
    assert fewer.equals(votes.head(600), null_equal=True)
    # Each stretch is what its own model says of it.
    if name == "anomaly_detection":
        alone = start.with_model(models[1]).evaluate(some)
        held = int(start.params["hold"])
        assert alone[370 + held : 520].equals(votes["signal"][370 + held : 520])
    with pytest.raises(mf.DataError, match="got 219 bar times, expected at least 220"):
        start.fit_rolling(bars.head(219))
    decided = mf.backtest(some, strategies=[agent]).decisions[f"vote_{name}"]
    assert decided.equals(votes["signal"].rename(f"vote_{name}"), null_equal=True)


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
