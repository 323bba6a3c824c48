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


def hand_policy(
    encoder, *, column: int = 4, kind: str = "sound", lookback: int = 3, timeframe: str | None = "1h", size: int = 1
) -> bytes:
    """A policy of one weight, as an ONNX file: its wish is the last row's `column` (rsi of SPEC's features), clipped.

    ``nan``: the root of it, which is NaN below 0; ``wide``: three times it, which leaves the range.
    """
    import json

    from onnx import TensorProto, helper, numpy_helper

    from mirrorfast.rl.card import CARD_KEY, ActionCard, ModelCard
    from mirrorfast.rl.observation import observation_of

    observation = observation_of(encoder, lookback)
    rows, columns = observation.shape
    weights = np.zeros((rows * columns, size), np.float32)
    weights[(rows - 1) * columns + column] = 3.0 if kind == "wide" else 1.0
    nodes = [
        helper.make_node("Flatten", ["observation"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["wish"]),
        {
            "sound": helper.make_node("Clip", ["wish", "low", "high"], ["action"]),
            "nan": helper.make_node("Sqrt", ["wish"], ["action"]),
            "wide": helper.make_node("Identity", ["wish"], ["action"]),
        }[kind],
        helper.make_node("Abs", ["wish"], ["size"]),
        helper.make_node("Erf", ["size"], ["confidence"]),
    ]
    number = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("observation", number, ["n", rows, columns])],
        [helper.make_tensor_value_info(name, number, ["n", size]) for name in ("action", "confidence")],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.float32(-1), "low"),
            numpy_helper.from_array(np.float32(1), "high"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    card = ModelCard(
        name="hand",
        release="0",
        algorithm="PPO",
        observation=observation,
        action=ActionCard(size=size),
        encoder=json.loads(encoder.to_json()),
        timeframe=timeframe,
    )
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_json()
    return model.SerializeToString()
