"""The learning agent's numbers (SPEC §8)."""

from typing import Literal

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
    lookback: int = option(20, "rows of one observation", unit="bars", ge=1, le=10_000)
    max_position: float = option(1.0, "largest position, either way", unit="fraction of equity", gt=0, le=10)
    transaction_cost: float = option(0.003, "fee on the traded notional", unit="fraction", ge=0, lt=1)
    slippage: float = option(0.0005, "distance of a fill from the next open", unit="fraction of price", ge=0, lt=1)
    reward_scaling: float = option(3.0, "factor on the reward", unit="factor", gt=0, le=1e6)
    drawdown_penalty: float = option(
        0.1, "taken from the reward for each unit by which drawdown grows", unit="log return", ge=0, le=100
    )
    turnover_penalty: float = option(
        0.0001, "taken from the reward for each unit of position traded", unit="log return", ge=0, le=100
    )
    drawdown_limit: float = option(0.5, "drawdown that ends an episode", unit="fraction of equity", gt=0, le=1)
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
        20_000, "steps between two looks at the validation span, which are checkpoints, too", unit="steps", ge=1
    )
    patience: int = option(
        0, "looks without a better result that end training; 0: never", unit="looks", ge=0, le=10_000
    )
    threads: int = option(1, "threads of torch; two are 11 to 33 times slower on a busy machine", ge=1, le=1024)
