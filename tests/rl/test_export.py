"""ONNX gives the actions of torch; a model that does not fit its card, or this program, is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from stable_baselines3.common.vec_env import VecNormalize
from tiny import COLUMNS, ROWS, tiny_env

from mirrorfast.config import RLConfig
from mirrorfast.errors import ModelError, ParameterError, ShapeError
from mirrorfast.rl.card import CARD_KEY, ModelCard, ObservationCard
from mirrorfast.rl.export import export_model
from mirrorfast.rl.learner import make_learner
from mirrorfast.rl.policy import Policy

OBSERVATION = ObservationCard.of(1, ROWS, ["price", "position"])


def card(algorithm: str = "PPO", **changes) -> ModelCard:
    return ModelCard(**{"name": "tiny", "release": "0", "algorithm": algorithm, "observation": OBSERVATION} | changes)


def learner(algorithm: str = "PPO", *, discrete: bool = False, normalise: bool = False):
    env = tiny_env(discrete=discrete)
    if normalise:
        env = VecNormalize(env)
    cfg = RLConfig(
        algorithm=algorithm,
        n_steps=32,
        batch_size=32,
        n_epochs=2,
        net_arch=(8, 8),
        learning_starts=50,
        buffer_size=500,
        learning_rate=0.01,
    )
    return make_learner(cfg, env, seed=1).learn(300)


@pytest.fixture(scope="module")
def model():
    return learner()


@pytest.fixture
def file(model, tmp_path: Path) -> Path:
    export_model(model, tmp_path / "tiny.onnx", card())
    return tmp_path / "tiny.onnx"


@pytest.mark.parametrize(
    ("algorithm", "discrete", "normalise"),
    [
        ("PPO", False, False),
        ("PPO", False, True),
        ("PPO", True, False),
        ("A2C", False, False),
        ("A2C", True, True),
        ("SAC", False, False),
        ("SAC", False, True),
    ],
)
def test_actions_are_those_of_torch(algorithm: str, discrete: bool, normalise: bool, tmp_path: Path) -> None:
    model = learner(algorithm, discrete=discrete, normalise=normalise)
    real = np.random.default_rng(5).normal(0, 0.3, (200, ROWS, COLUMNS)).clip(-1, 1).astype(np.float32)
    levels = (-1.0, 0.0, 1.0) if discrete else ()
    written = export_model(model, tmp_path / "m.onnx", card(algorithm), levels=levels, observations=real)
    assert written.parity["observations"] == 10_200
    assert written.parity["max_difference"] <= 1e-5
    assert (written.normalised, written.action.levels) == (normalise, levels)
    policy = Policy.load(tmp_path / "m.onnx", expected=OBSERVATION)
    assert policy.card == written
    # Once more, by hand and one at a time.
    shown = model.get_vec_normalize_env().normalize_obs(real) if normalise else real
    theirs, _ = model.predict(shown, deterministic=True)
    theirs = np.asarray(levels, np.float32)[theirs] if discrete else theirs[:, 0]
    positions, confidence = policy.decide_many(real)
    ones = [policy.decide(one) for one in real]
    assert np.mean(np.abs(positions - theirs) <= 1e-5) > (0.98 if discrete else 0.9999)
    assert np.allclose([p for p, _ in ones], positions, atol=1e-6)
    assert np.allclose([c for _, c in ones], confidence, atol=1e-6)
    assert policy.predict(real[0]) == ones[0][0]
    assert np.array_equal(policy.predict(real), positions)
    assert np.all(np.abs(positions) <= 1)
    assert np.ptp(positions) > 0
    assert np.all((confidence >= 0) & (confidence <= 1))


def test_confidence_is_the_probability_of_the_side(model, file: Path) -> None:
    policy = Policy.load(file, expected=OBSERVATION)
    shown = np.random.default_rng(2).uniform(-1, 1, (1, ROWS, COLUMNS)).astype(np.float32)
    position, confidence = policy.decide(shown[0])
    drawn, _ = model.predict(np.repeat(shown, 40_000, axis=0), deterministic=False)
    right = np.mean(np.sign(drawn[:, 0]) == np.sign(position))
    assert 2 * right - 1 == pytest.approx(confidence, abs=0.02)


def test_writing_twice_gives_the_same_bytes(model, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_model(model, tmp_path / f"{name}.onnx", card())
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.onnx", "b.json", "b.onnx"]


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        (ObservationCard.of(2, ROWS, ["price", "position"]), "observation version 1 there, 2 here"),
        (ObservationCard.of(1, ROWS, ["price", "drawdown"]), "column 1 is position there, drawdown here"),
        (ObservationCard.of(1, 20, ["price", "position"]), r"observation shape \(3, 2\) there, \(20, 2\) here"),
        (OBSERVATION.model_copy(update={"column_hash": "ff"}), "column hash [0-9a-f]+ there, ff here"),
    ],
)
def test_another_observation_is_refused_by_name(file: Path, expected: ObservationCard, difference: str) -> None:
    with pytest.raises(ModelError, match=rf"tiny\.onnx: {difference}"):
        Policy.load(file, expected=expected)


def test_a_card_that_was_changed_is_refused(file: Path) -> None:
    beside = file.with_suffix(".json")
    document = json.loads(beside.read_text())
    beside.write_text(json.dumps(document | {"name": "other"}))
    with pytest.raises(ModelError, match="name of the card beside it differs from the card inside"):
        Policy.load(file, expected=OBSERVATION)
    beside.write_text(json.dumps(document | {"algorithm": "DQN"}))
    with pytest.raises(ModelError, match="algorithm = 'DQN': expected a model card"):
        Policy.load(file, expected=OBSERVATION)
    beside.unlink()
    assert Policy.load(file, expected=OBSERVATION).card.name == "tiny"


def test_a_graph_that_does_not_fit_its_card_is_refused(file: Path) -> None:
    graph = onnx.load(file)
    document = json.loads(graph.metadata_props[0].value)
    assert graph.metadata_props[0].key == CARD_KEY
    document["observation"]["lookback"] = 7
    graph.metadata_props[0].value = json.dumps(document)
    with pytest.raises(ModelError, match=r"observation has shape \[3, 2\]: the card says \[7, 2\]"):
        Policy(graph.SerializeToString())
    del graph.metadata_props[:]
    with pytest.raises(ModelError, match="the model has no card"):
        Policy(graph.SerializeToString())


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="expected an ONNX model"):
        Policy.load(tmp_path / "x.onnx", expected=OBSERVATION)
    with pytest.raises(ModelError, match="No such file"):
        Policy.load(tmp_path / "y.onnx", expected=OBSERVATION)


def test_shapes_and_missing_numbers(file: Path) -> None:
    policy = Policy.load(file, expected=OBSERVATION)
    for shape in ((COLUMNS,), (ROWS, COLUMNS + 1), (1, 1, ROWS, COLUMNS)):
        with pytest.raises(ShapeError, match=r"expected \(3, 2\) or \(n, 3, 2\)"):
            policy.predict(np.zeros(shape, np.float32))
    with pytest.raises(ShapeError):
        policy.decide(np.zeros((1, ROWS, COLUMNS), np.float32))
    assert policy.predict(np.zeros((0, ROWS, COLUMNS), np.float32)).shape == (0,)
    unknown = np.zeros((ROWS, COLUMNS), np.float32)
    unknown[1, 0] = np.nan
    position, _ = policy.decide(unknown)
    assert np.isnan(position)
    assert np.isfinite(policy.decide(np.zeros((ROWS, COLUMNS), np.float32))[0])


def test_nothing_is_written_when_the_actions_differ(model, tmp_path: Path, monkeypatch) -> None:
    original = type(model).predict

    def off(self, observation, **options):
        actions, state = original(self, observation, **options)
        return actions + np.float32(1e-4), state

    monkeypatch.setattr(type(model), "predict", off)
    with pytest.raises(ModelError, match="position differs from stable-baselines3 by 0.0001"):
        export_model(model, tmp_path / "m.onnx", card())
    assert list(tmp_path.iterdir()) == []


def test_levels_must_match_the_actions(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"levels = \(1.0,\): expected 3 positions"):
        export_model(learner(discrete=True), tmp_path / "m.onnx", card(), levels=(1.0,))


def test_running_a_policy_needs_no_torch(file: Path) -> None:
    code = f"""
import sys, numpy as np
sys.modules["torch"] = sys.modules["onnx"] = sys.modules["gymnasium"] = None
from mirrorfast.rl.card import ObservationCard
from mirrorfast.rl.policy import Policy
policy = Policy.load({str(file)!r}, expected=ObservationCard.of(1, 3, ["price", "position"]))
print(policy.predict(np.zeros((3, 2), np.float32)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert -1 <= float(done.stdout) <= 1
