"""Reinforcement learning: environment, training, evaluation, and the policies that come out of it (SPEC §8).

Everything is imported on first use: running a policy needs none of what training needs.
"""

import importlib
from typing import TYPE_CHECKING, Any

_LAZY = {
    "ActionCard": "mirrorfast.rl.card",
    "EnvironmentData": "mirrorfast.rl.environment_data",
    "ModelCard": "mirrorfast.rl.card",
    "ObservationCard": "mirrorfast.rl.card",
    "Policy": "mirrorfast.rl.policy",
    "SyntheticMarket": "mirrorfast.rl.synthetic",
    "TradingEnvironment": "mirrorfast.rl.environment",
    "TradingVecEnv": "mirrorfast.rl.vec_env",
    "TradingVectorEnv": "mirrorfast.rl.vector_env",
    "make_vec": "mirrorfast.rl.vector_env",
    "synthetic_market": "mirrorfast.rl.synthetic",
}

if TYPE_CHECKING:
    from mirrorfast.rl.card import ActionCard, ModelCard, ObservationCard
    from mirrorfast.rl.environment import TradingEnvironment
    from mirrorfast.rl.environment_data import EnvironmentData
    from mirrorfast.rl.policy import Policy
    from mirrorfast.rl.synthetic import SyntheticMarket, synthetic_market
    from mirrorfast.rl.vec_env import TradingVecEnv
    from mirrorfast.rl.vector_env import TradingVectorEnv, make_vec

__all__ = [
    "ActionCard",
    "EnvironmentData",
    "ModelCard",
    "ObservationCard",
    "Policy",
    "SyntheticMarket",
    "TradingEnvironment",
    "TradingVecEnv",
    "TradingVectorEnv",
    "make_vec",
    "synthetic_market",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
