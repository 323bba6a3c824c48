"""Reinforcement learning (SPEC §8): environments, training, evaluation and policies.

Everything is imported on first use: running a policy needs none of what training needs.
"""

import importlib
from typing import TYPE_CHECKING, Any

_LAZY = {
    "ActionCard": "mirrorfast.rl.card",
    "AgentEvaluation": "mirrorfast.rl.agent",
    "EnvironmentData": "mirrorfast.rl.environment_data",
    "Evaluation": "mirrorfast.rl.verdict",
    "ModelCard": "mirrorfast.rl.card",
    "ObservationCard": "mirrorfast.rl.card",
    "Policy": "mirrorfast.rl.policy",
    "PolicyStream": "mirrorfast.rl.observation",
    "RLTradingAgent": "mirrorfast.rl.agent",
    "Recipe": "mirrorfast.rl.recipe",
    "SyntheticMarket": "mirrorfast.rl.synthetic",
    "TradingEnvironment": "mirrorfast.rl.environment",
    "TradingVecEnv": "mirrorfast.rl.vec_env",
    "TradingVectorEnv": "mirrorfast.rl.vector_env",
    "evaluate_policy": "mirrorfast.rl.evaluation",
    "make_model": "mirrorfast.rl.making",
    "make_vec": "mirrorfast.rl.vector_env",
    "preset": "mirrorfast.rl.presets",
    "synthetic_market": "mirrorfast.rl.synthetic",
    "walk_forward_policy": "mirrorfast.rl.making",
}

if TYPE_CHECKING:
    from mirrorfast.rl.agent import AgentEvaluation, RLTradingAgent
    from mirrorfast.rl.card import ActionCard, ModelCard, ObservationCard
    from mirrorfast.rl.environment import TradingEnvironment
    from mirrorfast.rl.environment_data import EnvironmentData
    from mirrorfast.rl.evaluation import evaluate_policy
    from mirrorfast.rl.making import make_model, walk_forward_policy
    from mirrorfast.rl.observation import PolicyStream
    from mirrorfast.rl.policy import Policy
    from mirrorfast.rl.presets import preset
    from mirrorfast.rl.recipe import Recipe
    from mirrorfast.rl.synthetic import SyntheticMarket, synthetic_market
    from mirrorfast.rl.vec_env import TradingVecEnv
    from mirrorfast.rl.vector_env import TradingVectorEnv, make_vec
    from mirrorfast.rl.verdict import Evaluation

__all__ = [
    "ActionCard",
    "AgentEvaluation",
    "EnvironmentData",
    "Evaluation",
    "ModelCard",
    "ObservationCard",
    "Policy",
    "PolicyStream",
    "RLTradingAgent",
    "Recipe",
    "SyntheticMarket",
    "TradingEnvironment",
    "TradingVecEnv",
    "TradingVectorEnv",
    "evaluate_policy",
    "make_model",
    "make_vec",
    "preset",
    "synthetic_market",
    "walk_forward_policy",
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
