"""One environment: the interfaces it promises, its step, and the ledger behind its reward."""

import io
import math
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from gymnasium.utils.env_checker import data_equivalence
from hypothesis import given, settings
from hypothesis import strategies as st

import mirrorfast as mf
from mirrorfast.config import RLConfig
from mirrorfast.errors import ConfigurationError, DataError, ModelError, ParameterError, ShapeError
from mirrorfast.rl import EnvironmentData
from mirrorfast.rl.synthetic import synthetic_market

PLAIN = RLConfig(drawdown_penalty=0.0, turnover_penalty=0.0, reward_scaling=1.0, random_start=False)


@pytest.fixture(scope="module")
def bars(market: pl.DataFrame) -> pl.DataFrame:
    return market.group_by("symbol", maintain_order=True).head(700)


@pytest.fixture(scope="module")
def data(bars: pl.DataFrame) -> EnvironmentData:
    return EnvironmentData(bars)


def walk(n: int, seed: int = 0, scale: float = 100.0) -> pl.DataFrame:
    """Bars with gaps between close and open."""
    random = np.random.default_rng(seed)
    close = scale * np.exp(np.cumsum(0.01 * random.standard_normal(n)))
    opened = np.concatenate([close[:1], close[:-1]]) * (1 + 0.003 * random.standard_normal(n))
    stamp = np.datetime64("2024-01-01T00", "ms") + np.arange(n) * np.timedelta64(3_600_000, "ms")
    return pl.DataFrame(
        {
            "symbol": ["X/USD"] * n,
            "timestamp": pl.Series(stamp).cast(pl.Datetime("ms", "UTC")),
            "open": opened,
            "high": np.maximum(opened, close) * 1.002,
            "low": np.minimum(opened, close) * 0.998,
            "close": close,
            "volume": 50.0 + random.random(n),
        }
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "config", [RLConfig(), RLConfig(positions=(-1.0, 0.0, 1.0)), RLConfig(features=("price", "rsi"), lookback=3)]
)
@pytest.mark.parametrize("together", [False, True])
def test_checkers(bars: pl.DataFrame, config: RLConfig, together: bool) -> None:
    from stable_baselines3.common.env_checker import check_env as check_sb3

    env = mf.TradingEnvironment(bars, config, together=together, render_mode="rgb_array")
    check_gymnasium(env, skip_render_check=True)
    check_sb3(env)


def test_observations_fit_their_space(data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data)
    assert env.observation_space.shape == (20, 21)
    assert env.action_space.shape == (1,)
    observation, info = env.reset(seed=3)
    random = np.random.default_rng(0)
    done = False
    while not done:
        assert observation.dtype == np.float32
        assert np.isfinite(observation).all()
        assert env.observation_space.contains(observation)
        assert math.isfinite(info["equity"])
        observation, _, terminated, truncated, info = env.step(random.uniform(-1, 1, 1).astype(np.float32))
        done = terminated or truncated


def test_equal_seeds_give_equal_episodes(bars: pl.DataFrame) -> None:
    config = RLConfig(episode_length=50, cost_range=(0.5, 2.0))
    first, second = (mf.TradingEnvironment(bars, config) for _ in range(2))
    a, b = first.reset(seed=5), second.reset(seed=5)
    assert data_equivalence(a, b)
    for _ in range(40):
        action = first.action_space.sample()
        assert data_equivalence(first.step(action), second.step(action))
    starts = {
        tuple(mf.TradingEnvironment(bars, config).reset(seed=k)[1][n] for n in ("market", "start")) for k in range(8)
    }
    assert len(starts) > 5
    # An observation is the caller's: a later step does not change it.
    kept = first.reset(seed=5)[0]
    first.step(np.array([1.0], np.float32))
    assert data_equivalence(kept, a[0])


def test_options(data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data)
    when = data.bars_of(0)["timestamp"][300]
    _, info = env.reset(options={"symbol": "BTC/USD", "start": when})
    assert (info["symbols"], info["start"]) == (["BTC/USD"], 300)
    assert env.reset(options={"symbol": "EUR/USD", "start": 120})[1]["symbols"] == ["EUR/USD"]
    for options, message in (
        ({"symbol": "ETH/USD"}, "symbol = 'ETH/USD': expected one of BTC/USD, EUR/USD"),
        ({"start": 300}, "start = 300: expected together with a symbol"),
        ({"symbol": "BTC/USD", "start": 3}, "start = 3: expected a bar from"),
        ({"symbol": "BTC/USD", "start": datetime(1999, 1, 1, tzinfo=UTC)}, "expected the open time of a bar"),
        ({"place": 1}, "options: place is unknown"),
    ):
        with pytest.raises(ParameterError, match=message):
            env.reset(options=options)


def test_what_is_no_action_keeps_the_position(data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data, RLConfig(transaction_cost=0.01))
    env.reset(seed=0)
    info = env.step(np.array([0.8], np.float32))[4]
    held, fees = env.account()["quantities"], info["fees"]
    for k, bad in enumerate((np.nan, np.inf, 1.5, -1.0001)):
        info = env.step(np.array([bad], np.float32))[4]
        assert (env.account()["quantities"], info["fees"], info["refused"]) == (held, fees, k + 1)
    choice = mf.TradingEnvironment(data, RLConfig(positions=(-1.0, 0.0, 1.0)))
    choice.reset(seed=0)
    choice.step(2)
    assert choice.positions()[0] > 0.9
    for k, bad in enumerate((3, -1, np.nan, 0.5)):
        assert choice.step(bad)[4]["refused"] == k + 1
        assert choice.positions()[0] > 0.9
    assert choice.step(np.int64(0))[4]["refused"] == 4
    assert choice.positions()[0] < -0.9


@settings(max_examples=25)
@given(st.lists(st.floats(-1, 1), min_size=30, max_size=30), st.integers(0, 5), st.floats(0, 0.01))
def test_reward_and_ledger_agree(actions: list[float], seed: int, fee: float) -> None:
    """In sign and size (gym-anytrading#35): without penalties a reward is the log growth of the ledger's equity."""
    env = mf.TradingEnvironment(
        walk(140, seed), PLAIN.model_copy(update={"transaction_cost": fee, "features": ("price",), "capital": 500.0})
    )
    env.reset()
    total, before = 0.0, 500.0
    for action in actions:
        _, reward, terminated, _, info = env.step([action])
        ledger = env.account()
        assert ledger["equity"] == info["equity"]
        pnl = ledger["realised"] + ledger["unrealised"] - ledger["fees"]
        assert abs(pnl - (info["equity"] - 500.0)) < 1e-9 * 500
        assert abs(reward - math.log(info["equity"] / before)) < 1e-12
        assert (reward > 0) == (info["equity"] > before)
        before, total = info["equity"], total + reward
        if terminated:
            break
    assert abs(500.0 * math.exp(total) / before - 1) < 1e-9


@settings(max_examples=25)
@given(st.lists(st.floats(-1, 1), min_size=40, max_size=40), st.integers(0, 3))
def test_higher_fees_never_give_more(actions: list[float], seed: int) -> None:
    """freqtrade#7829."""
    table, last = walk(140, seed), math.inf
    for fee, slippage in ((0.0, 0.0), (0.001, 0.0), (0.001, 0.001), (0.01, 0.001)):
        config = PLAIN.model_copy(
            update={"transaction_cost": fee, "slippage": slippage, "features": ("price",), "drawdown_limit": 1.0}
        )
        env = mf.TradingEnvironment(table, config)
        env.reset()
        for action in actions:
            info = env.step([action])[4]
        # Positions are fractions of equity: what is left trades a little less, never more than float noise better.
        assert info["equity"] <= last * (1 + 1e-12)
        last = info["equity"]


@pytest.mark.parametrize(("price", "volume"), [(1e-7, 1.0), (1e5, 1e6)])
def test_scale_free(price: float, volume: float) -> None:
    table = walk(260)
    scaled = table.with_columns(pl.col("open", "high", "low", "close") * price, pl.col("volume") * volume)
    first, second = (mf.TradingEnvironment(t, RLConfig(random_start=False)) for t in (table, scaled))
    a, b = first.reset()[0], second.reset()[0]
    random = np.random.default_rng(1)
    for _ in range(100):
        np.testing.assert_allclose(a, b, atol=1e-5)
        action = random.uniform(-1, 1, 1).astype(np.float32)
        (a, r, *_), (b, q, *_) = first.step(action), second.step(action)
        assert abs(r - q) < 1e-6


def test_the_future_does_not_show(bars: pl.DataFrame) -> None:
    """Bars cut off or changed alter no observation before them, and no scale of a fitted encoder (FinRL#938)."""
    btc = bars.filter(pl.col("symbol") == "BTC/USD")
    train, encoder = btc[:400], mf.TradingEnvironment(btc[:400]).encoder
    changed = btc.with_columns(
        pl.when(pl.int_range(pl.len()) < 500).then(pl.col(c)).otherwise(pl.col(c) * 2)
        for c in ("open", "high", "low", "close", "volume")
    )
    seen = []
    for table in (btc, changed, btc[:500]):
        env = mf.TradingEnvironment(table, encoder=encoder)
        assert env.encoder.to_json() == encoder.to_json()
        observation, _ = env.reset(options={"start": 470})
        seen.append(np.stack([observation, *(env.step([0.4])[0] for _ in range(28))]))
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert mf.TradingEnvironment(train).encoder == encoder
    assert mf.TradingEnvironment(changed).encoder != mf.TradingEnvironment(btc).encoder


def test_own_features(bars: pl.DataFrame) -> None:
    btc = bars.filter(pl.col("symbol") == "BTC/USD")
    leak = btc.select(future=(pl.col("close").shift(-1) / pl.col("close") - 1).fill_null(0.0))
    config = PLAIN.model_copy(update={"features": ("future", "rsi"), "lookback": 1})
    env = mf.TradingEnvironment(btc, config, features=leak)
    observation, info = env.reset()
    assert observation.shape == (1, 6)
    # Who looks at the future wins: the environment can be exploited where it leaks (FinRL#1248).
    for _ in range(200):
        observation, _, _, _, info = env.step(np.sign(observation[0, :1]))
    free = mf.TradingEnvironment(
        btc, config.model_copy(update={"transaction_cost": 0.0, "slippage": 0.0}), features=leak
    )
    observation, _ = free.reset()
    for _ in range(200):
        observation, _, _, _, info = free.step(np.sign(observation[0, :1]))
    assert info["equity"] > 12_000
    for features, message in (
        (leak[:10], "features: got 10 rows, expected one for each of the 700 bars"),
        (None, "features = future: expected a feature column"),
    ):
        with pytest.raises((ShapeError, ParameterError), match=message):
            mf.TradingEnvironment(btc, config, features=features)


def test_together(bars: pl.DataFrame) -> None:
    late = bars.filter((pl.col("symbol") == "BTC/USD") | (pl.int_range(pl.len()).over("symbol") >= 100))
    shifted = late.with_columns(
        pl.when(pl.col("symbol") == "EUR/USD")
        .then(
            pl.col("timestamp") - (late.filter(pl.col("symbol") == "EUR/USD")["timestamp"][0] - late["timestamp"][100])
        )
        .otherwise(pl.col("timestamp"))
        .alias("timestamp")
    )
    env = mf.TradingEnvironment(shifted, PLAIN, together=True)
    assert env.observation_space.shape == (20, 42)
    assert env.action_space.shape == (2,)
    common = set(shifted.filter(symbol="BTC/USD")["timestamp"]) & set(shifted.filter(symbol="EUR/USD")["timestamp"])
    assert env.data.native.rows == [len(common)]
    _, info = env.reset()
    assert info["symbols"] == ["BTC/USD", "EUR/USD"]
    env.step([0.5, -0.25])
    assert [round(p, 1) for p in env.positions()] == [0.5, -0.2] or [round(p, 2) for p in env.positions()] == [
        0.5,
        -0.25,
    ]
    with pytest.raises(ShapeError, match="action: got 1, expected 2"):
        env.step([0.5])
    apart = shifted.with_columns(
        pl.when(pl.col("symbol") == "EUR/USD")
        .then(pl.col("timestamp").dt.offset_by("30y"))
        .otherwise(pl.col("timestamp"))
    )
    with pytest.raises(ShapeError, match="no time at which every symbol has a bar"):
        mf.TradingEnvironment(apart, PLAIN, together=True)


def test_render(data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data, RLConfig(random_start=False), render_mode="rgb_array")
    env.reset()
    before = env.render()
    for _ in range(60):
        env.step([0.9])
    after = env.render()
    assert before is not None
    assert after is not None
    assert after.shape == (240, 480, 3)
    assert after.dtype == np.uint8
    assert (before != after).any()
    human = mf.TradingEnvironment(data, render_mode="human")
    human.reset(seed=1, options={"symbol": "BTC/USD"})
    with redirect_stdout(io.StringIO()) as out:
        human.step([0.5])
    assert out.getvalue().startswith("BTC/USD step 1: price ")
    assert mf.TradingEnvironment(data).render() is None


def test_constant_prices() -> None:
    flat = walk(200).with_columns(pl.lit(3.0).alias(c) for c in ("open", "high", "low", "close"))
    env = mf.TradingEnvironment(flat, RLConfig(transaction_cost=0.0, slippage=0.0, turnover_penalty=0.0))
    observation, _ = env.reset(seed=0)
    for action in (1.0, -1.0, 0.3):
        observation, reward, _, _, info = env.step([action])
        assert np.isfinite(observation).all()
        assert abs(reward) < 1e-12
        assert abs(info["equity"] - 10_000.0) < 1e-8


def bad_cases() -> list[Any]:
    table = walk(200)
    nan = table.with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(float("nan")).otherwise(pl.col("close")).alias("close")
    )
    fitted = mf.TradingEnvironment(table, RLConfig(features=("rsi",))).encoder
    return [
        (table[:60], {}, DataError, "composite_score = not finite in all 60 rows"),
        (
            table[:18],
            {"config": RLConfig(features=("rsi",))},
            ShapeError,
            r"got 18, expected at least 21 \(lookback 20",
        ),
        (table, {"config": RLConfig(lookback=500)}, ShapeError, "got 200, expected at least 501"),
        (table[:0], {}, DataError, "bars"),
        (nan, {}, DataError, "close = nan"),
        (table, {"config": RLConfig(features=("ema_9",))}, ParameterError, "in units of price"),
        (table, {"config": RLConfig(features=("nonsense",))}, ParameterError, "features = nonsense"),
        (
            table,
            {"config": RLConfig(features=("adx",)), "encoder": fitted},
            ModelError,
            "lacks adx and has rsi besides",
        ),
        (table, {"render_mode": "ansi"}, ParameterError, "render_mode = 'ansi'"),
        (
            table,
            {"config": RLConfig(features=("own",)), "features": pl.DataFrame({"own": [math.nan] * 200})},
            DataError,
            "own = not finite",
        ),
    ]


@pytest.mark.parametrize("case", range(10))
def test_bad_input(case: int) -> None:
    table, options, error, message = bad_cases()[case]
    with pytest.raises(error, match=message):
        mf.TradingEnvironment(table, **options)


def test_bad_actions_and_settings(data: EnvironmentData) -> None:
    env = mf.TradingEnvironment(data)
    with pytest.raises(ParameterError, match="reset first"):
        env.step([0.0])
    env.reset(seed=0)
    for action in ([0.1, 0.2], np.zeros((1, 2), np.float32), "up", []):
        with pytest.raises(ShapeError, match="action"):
            env.step(action)
    env = mf.TradingEnvironment(data, RLConfig(episode_length=2))
    env.reset(seed=0)
    assert not env.step([0.0])[3]
    assert env.step([0.0])[3]
    with pytest.raises(ParameterError, match="reset first"):
        env.step([0.0])
    for values in ({"positions": (0.5,)}, {"positions": (0.0, 2.0)}, {"cost_range": (2.0, 1.0)}, {"episode_length": 0}):
        with pytest.raises(ConfigurationError, match=next(iter(values))):
            RLConfig(**values)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="costs below 1"):
        RLConfig(transaction_cost=0.5, cost_range=(1.0, 2.0))


@pytest.mark.parametrize("name", ["sine", "ou", "trend"])
def test_the_best_policy_of_a_synthetic_market_is_best(name: Any) -> None:
    market = synthetic_market(name, 1_500, seed=4)
    best = market.growth()
    random = np.random.default_rng(0)
    others = {
        "flat": np.zeros(1_500),
        "long": np.ones(1_500),
        "late": np.roll(market.positions, 3),
        "opposite": -market.positions,
        "timid": 0.5 * market.positions,
        "noisy": np.where(random.random(1_500) < 0.1, -market.positions, market.positions),
    }
    worse = {key: market.growth(value) for key, value in others.items()}
    assert best > 0.5
    assert all(value < best for value in worse.values()), (best, worse)
    # Costs matter to it: with higher ones it trades less.
    dear = synthetic_market(name, 1_500, seed=4, cost=0.02)
    assert np.abs(np.diff(dear.positions)).sum() <= np.abs(np.diff(market.positions)).sum()
    assert market.bars.equals(synthetic_market(name, 1_500, seed=4).bars)


def test_nothing_beats_flat_on_a_random_walk() -> None:
    market = synthetic_market("random_walk", 1_000)
    assert market.growth() == 0.0
    with pytest.raises(ParameterError, match="name = 'square'"):
        synthetic_market("square")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="at least 100 bars"):
        synthetic_market("sine", 50)
