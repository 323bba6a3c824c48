"""Timings of the trading environments (`make bench`); window 20 × 21, random actions: nearly every step trades."""

import numpy as np
import pytest

import mirrorfast as mf
from mirrorfast.rl import EnvironmentData

pytestmark = pytest.mark.benchmark

CONFIG = mf.RLConfig(episode_length=1_000)
STEPS = 200


@pytest.fixture(scope="module")
def data() -> EnvironmentData:
    return EnvironmentData(mf.sample_bars(), CONFIG)


def actions(n: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (STEPS, n, 1)).astype(np.float32)


@pytest.mark.parametrize("what", ["trading", "holding"])
@pytest.mark.parametrize("n", [64, 1_024])
def test_raw_batch(benchmark, data: EnvironmentData, n: int, what: str) -> None:
    batch = data.batch(n)
    for k in range(n):
        batch.reset(k)
    _, rows, width, _ = batch.shape
    observations, finals = np.zeros((2, n, rows, width), np.float32)
    rewards, terminated, truncated = np.zeros(n, np.float32), np.zeros(n, bool), np.zeros(n, bool)
    wanted = actions(n).reshape(STEPS, n) * (what == "trading")

    def run() -> None:
        for step in wanted:
            batch.step(step, observations, rewards, terminated, truncated, finals)

    benchmark(run)
    benchmark.extra_info["steps_per_second"] = n * STEPS / benchmark.stats.stats.median


def test_vec_env_of_64(benchmark, data: EnvironmentData) -> None:
    env = mf.TradingVecEnv(data, 64)
    env.reset()
    wanted = actions(64)

    def run() -> None:
        for step in wanted:
            env.step(step)

    benchmark(run)
    benchmark.extra_info["steps_per_second"] = 64 * STEPS / benchmark.stats.stats.median


def test_single_environment(benchmark, data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data)
    env.reset(seed=0)
    wanted = actions(1)[:, 0]

    def run() -> None:
        for action in wanted:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    benchmark(run)
    benchmark.extra_info["steps_per_second"] = STEPS / benchmark.stats.stats.median
