"""The agent learns where there is something to learn, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mirrorfast.rl.agent import RLTradingAgent
from mirrorfast.rl.presets import preset
from mirrorfast.rl.span import Span
from mirrorfast.rl.synthetic import SyntheticMarket, synthetic_market

# What was chosen on paths of other seeds than those below: steps, bars to learn from, numbers.
TUNED = {
    "sine": (131_072, 20_000, {"gamma": 0.95}),
    "trend": (131_072, 20_000, {"gamma": 0.95}),
    "ou": (262_144, 200_000, {"gamma": 0.95, "net_arch": (16, 16)}),
    "random_walk": (65_536, 200_000, {"net_arch": (16, 16)}),
}


def learnt(name: str, seed: int, *, share: float = 1.0) -> RLTradingAgent:
    steps, bars, numbers = TUNED[name]
    market = synthetic_market(name, bars, seed=seed)
    return trained(market, seed, steps=int(steps * share), **numbers)


def trained(market: SyntheticMarket, seed: int, *, steps: int, beside: pl.DataFrame | None = None, **numbers):
    own = market.config.model_dump(exclude_defaults=True)
    options = {"learning_rate": 3e-3, "learning_rate_end": 1e-4, "validation": 0.0, "look_every": 10**9}
    config = preset("fast", **(own | options | {"total_timesteps": steps} | numbers))
    shown = beside if beside is not None else (market.features if market.features.width else None)
    return RLTradingAgent("PPO", config).train(market.bars, features=shown, seed=seed)


def earned(agent: RLTradingAgent, market: SyntheticMarket, features: pl.DataFrame | None = None) -> np.ndarray:
    """Log growth of each bar of a path that the agent has not seen."""
    shown = features if features is not None else (market.features if market.features.width else None)
    span = Span.for_test(market.bars, agent.config, agent.encoder, features=shown)
    _, growth, _ = span.test(span.symbols[0], [lambda seen, _at: agent.predict(seen)])
    return growth[:, 0]


def share_of_best(name: str, seed: int, *, share: float = 1.0) -> float:
    unseen = synthetic_market(name, 10_000, seed=1000 + seed)
    return float(earned(learnt(name, seed, share=share), unseen).sum() / unseen.growth())


def test_a_sine_is_learnt() -> None:
    assert share_of_best("sine", 11, share=0.5) > 0.7


def test_a_trend_is_learnt_with_its_costs() -> None:
    assert share_of_best("trend", 11, share=0.5) > 0.7


def future(market: SyntheticMarket) -> pl.DataFrame:
    """The return of the bar after the next open, which nobody can know; scaled to [−1, 1] by the encoder."""
    close = market.bars["close"].to_numpy()
    leak = np.append(np.log(close[1:] / close[:-1]), 0.0)
    return pl.DataFrame({"leak": leak})


def test_a_leak_is_exploited_and_a_shuffled_one_is_not() -> None:
    """An agent that cannot use the future when it is shown would prove nothing when it earns nothing."""
    market, unseen = (synthetic_market("random_walk", n, seed=s) for n, s in ((20_000, 1), (5_000, 2)))
    numbers = {"features": ("leak",), "lookback": 1, "gamma": 0.5}
    agent = trained(market, 0, steps=49_152, beside=future(market), **numbers)
    known = earned(agent, unseen, future(unseen))
    assert known.sum() > 5.0
    assert known.mean() > 20 * known.std() / len(known) ** 0.5
    order = np.random.default_rng(3)
    shuffled = [
        f.sample(fraction=1.0, shuffle=True, seed=int(order.integers(99))) for f in map(future, (market, unseen))
    ]
    agent = trained(market, 0, steps=49_152, beside=shuffled[0], **numbers)
    blind = earned(agent, unseen, shuffled[1])
    assert blind.mean() < 3 * blind.std() / len(blind) ** 0.5


def test_higher_fees_never_give_more() -> None:
    market = synthetic_market("sine", 2_000, seed=5)
    side = np.sign(np.sin(np.arange(2_000) / 7.6))
    grown = []
    for cost in (0.0, 0.001, 0.003, 0.01):
        config = market.config.model_copy(update={"transaction_cost": cost, "lookback": 4})
        span = Span.for_training(market.bars, config.model_copy(update={"validation": 0.0}))[0]
        _, growth, _ = span.test(span.symbols[0], [lambda _seen, at: side[at : at + 1].astype(np.float32)])
        grown.append(growth.sum())
    assert grown == sorted(grown, reverse=True)
    assert grown[0] > grown[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sine", "trend", "ou"])
def test_nine_tenths_of_the_best_by_every_seed(name: str) -> None:
    shares = [share_of_best(name, seed) for seed in range(1, 6)]
    assert min(shares) >= 0.9, shares


@pytest.mark.slow
def test_nothing_is_found_in_a_random_walk() -> None:
    growth = np.concatenate(
        [earned(learnt("random_walk", s), synthetic_market("random_walk", 10_000, seed=1000 + s)) for s in range(5)]
    )
    assert growth.mean() <= 2 * growth.std() / len(growth) ** 0.5
