"""Shapes without a market: what a network is made for when its weights come from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from mirrorfast.rl._extra import needed

__all__ = ["spaces_env"]


def spaces_env(rows: int, columns: int) -> Any:
    """Make an environment that has shapes and nothing else.

    Parameters
    ----------
    rows, columns : int
        Of an observation.

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
    base = needed("stable_baselines3.common.vec_env", package="stable-baselines3").VecEnv

    class Spaces(base):  # type: ignore[misc, valid-type, unused-ignore]
        def reset(self) -> Any:
            return np.zeros((1, rows, columns), np.float32)

        def step_async(self, actions: Any) -> None:
            raise NotImplementedError("an environment that has shapes and nothing else")

        def step_wait(self) -> Any:
            raise NotImplementedError("an environment that has shapes and nothing else")

        def close(self) -> None:
            return None

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [None]

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            return None

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
            return [None]

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False]

    return Spaces(
        1,
        gymnasium.spaces.Box(-1.0, 1.0, (rows, columns), np.float32),
        gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32),
    )
