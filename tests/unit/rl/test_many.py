"""Many environments at once: equal to single ones, and at home in stable-baselines3 and gymnasium."""

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from gymnasium.vector import AutoresetMode

import mirrorfast as mf
from mirrorfast.config import RLConfig
from mirrorfast.errors import ParameterError, ShapeError
from mirrorfast.rl import EnvironmentData

CONFIG = RLConfig(episode_length=30, cost_range=(0.5, 1.5))


@pytest.fixture(scope="module")
def data(market: pl.DataFrame) -> EnvironmentData:
    return EnvironmentData(market.group_by("symbol", maintain_order=True).head(600), CONFIG)


def actions(n: int, steps: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).uniform(-1.02, 1.02, (steps, n, 1)).astype(np.float32)


def test_vec_env_is_its_environments(data: EnvironmentData) -> None:
    n = 5
    vec = mf.TradingVecEnv(data, n, seed=11)
    singles = [mf.TradingEnvironment(data) for _ in range(n)]
    for k, env in enumerate(singles):
        env._core.reseed(0, 11, k)
    seen = vec.reset()
    for k, env in enumerate(singles):
        np.testing.assert_array_equal(seen[k], env.reset()[0])
    ends = 0
    for step in actions(n, 75):
        seen, rewards, dones, infos = vec.step(step)
        for k, env in enumerate(singles):
            observation, reward, terminated, truncated, info = env.step(step[k])
            assert rewards[k] == np.float32(reward)
            assert dones[k] == (terminated or truncated)
            if dones[k]:
                ends += 1
                np.testing.assert_array_equal(infos[k]["terminal_observation"], observation)
                assert infos[k]["TimeLimit.truncated"] == truncated
                assert infos[k]["episode"]["equity"] == info["equity"]
                assert infos[k]["episode"]["l"] == 30
                observation, _ = env.reset()
            else:
                assert infos[k] == {}
            np.testing.assert_array_equal(seen[k], observation)
    assert ends == 2 * n


def test_vector_env_is_the_vec_env(data: EnvironmentData) -> None:
    vec, vector = mf.TradingVecEnv(data, 6, seed=2), mf.make_vec(data, 6, seed=2)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert vector.observation_space.shape == (6, 20, 21)
    assert vector.action_space.shape == (6, 1)
    np.testing.assert_array_equal(vec.reset(), vector.reset()[0])
    for step in actions(6, 40):
        seen, rewards, dones, infos = vec.step(step)
        observations, gains, terminated, truncated, info = vector.step(step)
        np.testing.assert_array_equal(seen, observations)
        np.testing.assert_array_equal(rewards, gains)
        np.testing.assert_array_equal(dones, terminated | truncated)
        for k in np.flatnonzero(dones):
            np.testing.assert_array_equal(infos[k]["terminal_observation"], info["final_obs"][k])
            assert info["final_info"]["equity"][k] == infos[k]["episode"]["equity"]
    with pytest.raises(ParameterError, match="seed: got 2, expected one for each of 6"):
        vector.reset(seed=[1, 2])
    with pytest.raises(ParameterError, match="options: nonsense"):
        vector.reset(options={"nonsense": 1})
    mask = np.array([True] + [False] * 5)
    vector.reset(options={"reset_mask": mask, "symbol": "EUR/USD"})
    assert vector.native.episode(0)["symbols"] == ["EUR/USD"]


def test_what_is_handed_out_stays(data: EnvironmentData) -> None:
    vec = mf.TradingVecEnv(data, 4, seed=0)
    kept = [vec.reset()]
    copies = [kept[0].copy()]
    for step in actions(4, 30):
        kept.append(vec.step(step)[0])
        copies.append(kept[-1].copy())
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    # A part of an array holds all of it.
    row = vec.step(actions(4, 1)[0])[0][2]
    copy = row.copy()
    for step in actions(4, 20):
        vec.step(step)
    np.testing.assert_array_equal(row, copy)


def test_stable_baselines_can_train_on_it(data: EnvironmentData) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stable_baselines3 import A2C, SAC
        from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

        vec = VecNormalize(VecMonitor(mf.TradingVecEnv(data, 4)), norm_obs=False)
        model = A2C("MlpPolicy", vec, n_steps=16, seed=1, device="cpu").learn(512)
        assert model.num_timesteps == 512
        assert len(model.ep_info_buffer or ()) > 0
        SAC("MlpPolicy", mf.TradingVecEnv(data, 2), learning_starts=20, buffer_size=200, device="cpu").learn(60)


def test_the_interface_of_stable_baselines(data: EnvironmentData) -> None:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import is_vecenv_wrapped

    vec = mf.TradingVecEnv(data, 3)
    vec.seed(7)
    first = vec.reset()
    vec.seed(7)
    np.testing.assert_array_equal(first, vec.reset())
    assert not np.array_equal(first, vec.reset())
    vec.set_options({"symbol": "BTC/USD", "start": 100})
    vec.reset()
    assert vec.env_method("bar") == [100, 100, 100]
    assert vec.get_attr("symbols", [0, 2]) == [["BTC/USD"]] * 2
    assert vec.get_attr("config")[0] is vec.config
    assert [info["start"] for info in vec.reset_infos] == [100] * 3
    vec.step(np.full((3, 1), 0.5, np.float32))
    assert all(0.4 < p[0] < 0.6 for p in vec.env_method("positions"))
    assert vec.env_method("account", indices=1)[0]["equity"] == vec.get_attr("equity", 1)[0]
    assert vec.env_is_wrapped(Monitor) == [True] * 3
    assert not is_vecenv_wrapped(vec, Monitor)
    vec.set_attr("note", 1)
    assert vec.get_attr("note") == [1, 1, 1]
    with pytest.raises(ParameterError, match="expected all environments"):
        vec.set_attr("note", 1, [0])
    for call in (lambda: vec.get_attr("nonsense"), lambda: vec.env_method("nonsense")):
        with pytest.raises(AttributeError, match="nonsense"):
            call()


def test_choices(data: EnvironmentData) -> None:
    vec = mf.TradingVecEnv(data, 3, RLConfig(positions=(-1.0, 0.0, 1.0)))
    vec.reset()
    vec.step(np.array([0, 1, 2]))
    positions = [p[0] for p in vec.env_method("positions")]
    assert positions[0] < -0.9
    assert positions[1] == 0.0
    assert positions[2] > 0.9


def test_bad_input(data: EnvironmentData) -> None:
    for n in (0, -1, 2.5):
        with pytest.raises(ParameterError, match="n_envs"):
            mf.TradingVecEnv(data, n)  # type: ignore[arg-type]
    vec = mf.TradingVecEnv(data, 3)
    with pytest.raises(ParameterError, match="reset first"):
        vec.step(np.zeros((3, 1), np.float32))
    vec.reset()
    for shape in ((3, 2), (2, 1), ()):
        with pytest.raises(ShapeError, match="action: got shape"):
            vec.step(np.zeros(shape, np.float32))
    vec.step(np.full((3, 1), np.nan, np.float32))
    assert vec.get_attr("refused") == [1, 1, 1]
    with pytest.raises(ParameterError, match="features = "):
        mf.TradingVecEnv(data, 3, RLConfig(features=("rsi",)))
