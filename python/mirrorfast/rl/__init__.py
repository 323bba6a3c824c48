"""Reinforcement learning (SPEC §8): environments, training, evaluation and policies.

Everything is imported on first use: running a policy needs none of what training needs.
"""

import importlib
from typing import TYPE_CHECKING, Any

_LAZY = {
    "EnvironmentData": "mirrorfast.rl.environment_data",
    "TradingEnvironment": "mirrorfast.rl.environment",
    "TradingVecEnv": "mirrorfast.rl.vec_env",
    "TradingVectorEnv": "mirrorfast.rl.vector_env",
    "make_vec": "mirrorfast.rl.vector_env",
}

if TYPE_CHECKING:
    from mirrorfast.rl.environment import TradingEnvironment
    from mirrorfast.rl.environment_data import EnvironmentData
    from mirrorfast.rl.vec_env import TradingVecEnv
    from mirrorfast.rl.vector_env import TradingVectorEnv, make_vec

__all__ = ["EnvironmentData", "TradingEnvironment", "TradingVecEnv", "TradingVectorEnv", "make_vec"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
