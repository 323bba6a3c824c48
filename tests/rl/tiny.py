"""A market of a few numbers, for what does not need a real one: the best answer is the sign that is shown."""

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

ROWS, COLUMNS = 3, 2


class Tiny(gym.Env):
    """Pays the action times the last number of the observation; ten steps an episode."""

    def __init__(self, discrete: bool = False) -> None:
        self.observation_space = gym.spaces.Box(-1, 1, (ROWS, COLUMNS), np.float32)
        self.action_space = gym.spaces.Discrete(3) if discrete else gym.spaces.Box(-1, 1, (1,), np.float32)
        self.discrete = discrete

    def _look(self) -> np.ndarray:
        self.shown = self.np_random.uniform(-1, 1, (ROWS, COLUMNS)).astype(np.float32)
        return self.shown

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 10
        return self._look(), {}

    def step(self, action):
        position = float(action) - 1.0 if self.discrete else float(action[0])
        reward = position * float(np.sign(self.shown[-1, 0]))
        self.left -= 1
        return self._look(), reward, False, self.left == 0, {}


def tiny_env(n: int = 4, *, discrete: bool = False) -> DummyVecEnv:
    return DummyVecEnv([lambda: Tiny(discrete)] * n)
