"""The training loop: equal seeds, checkpoints, resuming, early stopping."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from tiny import COLUMNS, ROWS, tiny_env

from mirrorfast.config import RLConfig
from mirrorfast.errors import ConfigurationError, ModelError, ParameterError
from mirrorfast.rl.learner import load_weights, make_learner, read_state, save_learner
from mirrorfast.rl.presets import preset
from mirrorfast.rl.training import Look, run_training

SMALL = {"n_envs": 4, "n_steps": 16, "batch_size": 32, "n_epochs": 2, "net_arch": (8,), "look_every": 128}


def config(algorithm: str = "PPO", **changes) -> RLConfig:
    return RLConfig(algorithm=algorithm, **{"total_timesteps": 384, **SMALL, **changes})


def weights(model) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in model.policy.parameters()]


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def trained(cfg: RLConfig, **options):
    model = make_learner(cfg, tiny_env(cfg.n_envs), seed=options.pop("make_seed", 3))
    return model, run_training(model, cfg, seed=options.pop("seed", 3), **options)


@pytest.mark.parametrize("algorithm", ["PPO", "A2C"])
def test_interrupted_training_ends_with_the_same_bits(algorithm: str, tmp_path: Path) -> None:
    cfg = config(algorithm)
    whole, record = trained(cfg)
    assert record.steps == record.kept == 384
    short = cfg.model_copy(update={"total_timesteps": 128})
    trained(short, checkpoints=tmp_path)
    resumed, again = trained(cfg, checkpoints=tmp_path, resume=True, make_seed=99)
    assert (again.steps, resumed.num_timesteps) == (384, 384)
    assert same(whole, resumed)
    other, _ = trained(cfg, seed=4)
    assert not same(whole, other)


def test_sac_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    cfg = config("SAC", learning_starts=32, train_freq=4, gradient_steps=2, buffer_size=1000)
    trained(cfg.model_copy(update={"total_timesteps": 128}), checkpoints=tmp_path)
    model, record = trained(cfg, checkpoints=tmp_path, resume=True)
    assert record.steps == 384
    assert model.learning_starts == 128 + 32


def test_the_best_weights_are_kept_and_patience_ends_training(tmp_path: Path) -> None:
    seen = []

    def look(model) -> float:
        seen.append(weights(model))
        return {1: 0.1, 2: 0.3}.get(len(seen), 0.2)

    cfg = config(total_timesteps=128 * 10, patience=3)
    model, record = trained(cfg, look=look, checkpoints=tmp_path)
    assert record.looks == [
        Look(128, 0.1, True),
        Look(256, 0.3, True),
        Look(384, 0.2, False),
        Look(512, 0.2, False),
        Look(640, 0.2, False),
    ]
    assert (record.kept, record.steps, record.stopped_early) == (256, 640, True)
    assert all(np.array_equal(a, b) for a, b in zip(weights(model), seen[1], strict=True))
    # A training that had ended is not begun again, and gives the same weights.
    again, later = trained(cfg, look=look, checkpoints=tmp_path, resume=True)
    assert len(seen) == 5
    assert (later.kept, later.stopped_early) == (256, True)
    assert same(model, again)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    cfg = config(total_timesteps=128)
    trained(cfg, checkpoints=tmp_path, identity={"data": "a", "lookback": 20})
    with pytest.raises(ConfigurationError, match=r"last\.zip: data = 'a' then, 'b' now"):
        trained(cfg, checkpoints=tmp_path, resume=True, identity={"data": "b", "lookback": 20})
    with pytest.raises(ConfigurationError, match="resume = True: expected a folder"):
        trained(cfg, resume=True)


def test_files_hold_no_pickled_objects(tmp_path: Path) -> None:
    cfg = config(total_timesteps=128)
    model, _ = trained(cfg)
    save_learner(model, tmp_path / "a.zip", {"steps": 128})
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "data" not in archive.namelist()
    assert read_state(tmp_path / "a.zip") == {"steps": 128}
    fresh = make_learner(cfg, tiny_env(), seed=77)
    assert not same(model, fresh)
    load_weights(fresh, tmp_path / "a.zip")
    assert same(model, fresh)
    wide = make_learner(config(net_arch=(16,)), tiny_env(), seed=1)
    with pytest.raises(ModelError, match="weights do not fit the configuration"):
        load_weights(wide, tmp_path / "a.zip")


@pytest.mark.parametrize("content", [b"nonsense", b""])
def test_a_file_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="expected a file written by RLTradingAgent.save"):
        read_state(path)
    with pytest.raises(ModelError, match="No such file"):
        read_state(tmp_path / "b.zip")


def test_it_learns_what_is_shown() -> None:
    cfg = preset("fast", n_envs=16, n_steps=64, batch_size=512, total_timesteps=20_000, look_every=20_000)
    cfg = cfg.model_copy(update={"net_arch": (16,), "gamma": 0.1, "learning_rate": 0.01})
    model, _ = trained(cfg)
    shown = np.random.default_rng(1).uniform(-1, 1, (500, ROWS, COLUMNS)).astype(np.float32)
    actions, _ = model.predict(shown, deterministic=True)
    assert np.mean(actions[:, 0] * np.sign(shown[:, -1, 0])) > 0.5


def test_the_step_size_falls_over_the_whole_training() -> None:
    cfg = config(learning_rate=0.01, learning_rate_end=0.0, total_timesteps=512)
    model = make_learner(cfg, tiny_env(), seed=0)
    rates = []
    run_training(model, cfg, seed=0, look=lambda m: rates.append(m.lr_schedule(1.0)) or 0.0)
    assert rates == pytest.approx([0.0075, 0.005, 0.0025, 0.0])


def test_minibatches_are_equal() -> None:
    model = make_learner(config(batch_size=50), tiny_env(), seed=0)
    assert model.batch_size == 32


def test_wrong_algorithm_or_preset() -> None:
    with pytest.raises(ParameterError, match="algorithm = 'SAC' with discrete actions"):
        make_learner(config("SAC"), tiny_env(discrete=True))
    with pytest.raises(ParameterError, match="preset = 'quick': expected one of reference, fast"):
        preset("quick")
    with pytest.raises(ParameterError, match="algorithm = 'DQN'"):
        preset("fast", "DQN")
