"""Shapes without a market: what a network is made for when its weights come from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from mirrorfast.rl._extra import needed

__all__ = ["spaces_env"]


def spaces_env(rows: int, columns: int, choices: int = 0) -> Any:
    """Make an environment that has shapes and nothing else.

    Parameters
    ----------
    rows, columns : int
        Of an observation.
    choices : int, default 0
        Actions to choose from; 0 for any position.

    Returns
    -------
    VecEnv
        One environment of stable-baselines3; it cannot be stepped.

    Raises
    ------
    ConfigurationError
        Without the extra ``train``.
    """
    gymnasium = needed("gymnasium")
    vec_env = needed("stable_baselines3.common.vec_env", package="stable-baselines3")
    empty = gymnasium.Env()
    empty.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (rows, columns), np.float32)
    box = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
    empty.action_space = gymnasium.spaces.Discrete(choices) if choices else box
    return vec_env.DummyVecEnv([lambda: empty])
