"""The learning agent's numbers (SPEC §8)."""

import json
from typing import Literal, Self

from pydantic import field_validator, model_validator

from mirrorfast.config.base import Settings, option

__all__ = ["RLConfig"]


class RLConfig(Settings):
    """Trading environment and training of the policy.

    Examples
    --------
    >>> RLConfig(algorithm="SAC").learning_rate
    0.0003
    """

    algorithm: Literal["PPO", "SAC", "A2C"] = option("PPO", "learning algorithm of stable-baselines3")
    features: tuple[str, ...] = option(
        (),
        "what the policy sees of the market: names of SPEC §8, other feature columns free of units, or columns of your "
        "own; empty: the 17 of SPEC §8",
    )
    lookback: int = option(20, "rows of one observation", unit="bars", ge=1, le=10_000)
    max_position: float = option(1.0, "largest position, either way", unit="fraction of equity", gt=0, le=10)
    transaction_cost: float = option(0.003, "fee on the traded notional", unit="fraction", ge=0, lt=1)
    slippage: float = option(0.0005, "distance of a fill from the next open", unit="fraction of price", ge=0, lt=1)
    cost_range: tuple[float, float] = option(
        (1.0, 1.0), "factors between which fee and slippage of an episode are drawn", unit="lowest, highest factor"
    )
    positions: tuple[float, ...] = option(
        (), "actions to choose from, in [-1, 1]; empty: any number", unit="fraction of max_position"
    )
    min_target: float = option(0.0, "a target of at most this size is flat", unit="fraction of equity", ge=0, le=1)
    rebalance_band: float = option(
        0.0, "a position is left alone where its target is this near", unit="fraction of the position", ge=0, le=10
    )
    episode_length: int | None = option(
        None, "steps of an episode; absent: to the end of the data", unit="steps", ge=1, le=10**9
    )
    random_start: bool = option(True, "an episode starts at any bar, else at the first")
    reward_scaling: float = option(3.0, "factor on the reward", unit="factor", gt=0, le=1e6)
    drawdown_penalty: float = option(
        0.1, "taken from the reward for each unit by which drawdown grows", unit="log return", ge=0, le=100
    )
    turnover_penalty: float = option(
        0.0001, "taken from the reward for each unit of position traded", unit="log return", ge=0, le=100
    )
    drawdown_limit: float = option(0.5, "drawdown that ends an episode", unit="fraction of equity", gt=0, le=1)
    capital: float = option(10_000.0, "equity at the start of an episode", unit="quote currency", gt=0, le=1e15)
    total_timesteps: int = option(100_000, "length of training", unit="steps", ge=1, le=10**12)
    learning_rate: float = option(3e-4, "step size of the optimiser", unit="1", gt=0, le=1)
    n_steps: int = option(
        2048, "steps of each environment between two updates (PPO, A2C)", unit="steps", ge=1, le=10**7
    )
    batch_size: int = option(64, "size of a minibatch", unit="steps", ge=1, le=10**7)
    n_epochs: int = option(10, "passes over the collected steps (PPO)", unit="passes", ge=1, le=10_000)
    gamma: float = option(0.99, "discount", unit="1 a step", gt=0, le=1)
    gae_lambda: float = option(0.95, "bias-variance trade of the advantage (PPO, A2C)", unit="1", ge=0, le=1)
    clip_range: float = option(0.2, "largest change of the probability ratio (PPO)", unit="1", gt=0, le=1)
    ent_coef: float = option(0.01, "weight of entropy in the loss", unit="1", ge=0, le=10)
    seed: int = option(0, "seed of every random number", unit="1", ge=0, le=2**32 - 1)
    n_envs: int = option(8, "environments stepped together", unit="environments", ge=1, le=65_536)
    net_arch: tuple[int, ...] = option((64, 64), "widths of the hidden layers of the network", max_length=8)
    learning_rate_end: float | None = option(
        None, "step size at the end, reached in a straight line; absent: it stays", unit="1", ge=0, le=1
    )
    buffer_size: int = option(100_000, "steps that are remembered (SAC)", unit="steps", ge=1, le=10**8)
    learning_starts: int = option(1000, "steps before the first update (SAC)", unit="steps", ge=0, le=10**9)
    train_freq: int = option(1, "steps of each environment between two updates (SAC)", unit="steps", ge=1, le=10**6)
    gradient_steps: int = option(1, "minibatches of one update (SAC)", unit="minibatches", ge=1, le=10**6)
    validation: float = option(
        0.2, "last part of the training span that picks the weights; 0: the last ones", unit="share", ge=0, lt=0.9
    )
    look_every: int = option(
        20_000,
        "steps between two looks at the validation span, which are checkpoints, too",
        unit="steps",
        ge=1,
        le=10**12,
    )
    patience: int = option(
        0, "looks without a better result that end training; 0: never", unit="looks", ge=0, le=10_000
    )
    threads: int = option(
        1, "threads of torch; two are 11 to 33 times slower on a busy machine", unit="threads", ge=1, le=1024
    )

    @field_validator("positions")
    @classmethod
    def _positions(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if values and (len(values) < 2 or len(set(values)) < len(values) or not all(-1 <= v <= 1 for v in values)):
            raise ValueError("expected two or more different numbers from -1 to 1")
        return values

    @model_validator(mode="after")
    def _range(self) -> Self:
        low, high = self.cost_range
        if not 0.0 <= low <= high <= 1_000.0:
            raise ValueError(
                f"cost_range = {self.cost_range}: expected two factors from 0 to 1000, the lower one first"
            )
        if max(self.transaction_cost, self.slippage) * high >= 1.0:
            raise ValueError(f"cost_range = {self.cost_range}: expected costs below 1 at the highest factor")
        return self

    def to_environment_json(self) -> str:
        """Write what the training environment needs as JSON.

        Returns
        -------
        str
            A JSON object of the core.

        Examples
        --------
        >>> json.loads(RLConfig().to_environment_json())["lookback"]
        20
        """
        names = {
            *("lookback", "max_position", "transaction_cost", "slippage", "cost_range", "reward_scaling"),
            *("drawdown_penalty", "turnover_penalty", "drawdown_limit", "min_target", "rebalance_band", "capital"),
            *("episode_length", "random_start"),
        }
        return json.dumps(self.model_dump(mode="json", include=names), sort_keys=True)
