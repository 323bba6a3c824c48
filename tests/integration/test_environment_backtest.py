"""The training environment and the backtest: the same actions give the same equity."""

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf

PERMISSIVE = {
    "min_target": 0.0,
    "sizing": {"method": "target"},
    "stop": {"kind": "none"},
    "max_position": 1.0,
    "max_heat": 100.0,
    "max_leverage": 100.0,
    "min_cash": 0.0,
    "drawdown": {"half": 1.0, "no_new_risk": 1.0, "halt": 1.0},
    "daily_loss_limit": 1.0,
    "rebalance_band": 0.0,
}


@pytest.mark.parametrize(("band", "smallest"), [(0.0, 0.0), (0.25, 0.1)])
@pytest.mark.parametrize(("symbol", "n"), [("BTC/USD", 700), ("EUR/USD", 500)])
def test_one_symbol(market: pl.DataFrame, symbol: str, n: int, band: float, smallest: float) -> None:
    bars = market.filter(pl.col("symbol") == symbol).head(n)
    config = mf.RLConfig(random_start=False, drawdown_limit=1.0, rebalance_band=band, min_target=smallest)
    env = mf.TradingEnvironment(bars, config)
    _, info = env.reset()
    first = info["start"]
    random = np.random.default_rng(7)
    # Long, short, flips, flat, small steps, and all of it.
    actions = random.uniform(-1, 1, n).astype(np.float32)
    actions[::7] = 0.0
    actions[3::11] = np.sign(actions[3::11])
    actions[5::13] = actions[4:-1:13][: len(actions[5::13])]
    equity = {first: info["equity"]}
    for t in range(first, n - 1):
        equity[t + 1] = env.step(actions[t : t + 1])[4]["equity"]
    result = backtest(bars, config, actions[:, None], first)
    compare(result.equity["equity"].to_numpy(), equity, first)
    assert result.fills.height > (50 if band else 300)
    assert env.account()["fees"] > 100
    np.testing.assert_allclose(env.account()["fees"], result.fills["fee"].sum(), rtol=1e-9)


def test_several_symbols(market: pl.DataFrame) -> None:
    one = market.filter(pl.col("symbol") == "BTC/USD").head(400)
    late = market.filter(pl.col("symbol") == "BTC/USD")[2_000:2_400]
    other = late.with_columns(pl.lit("ETH/USD").alias("symbol"), one["timestamp"].alias("timestamp"))
    bars = pl.concat([one, other])
    config = mf.RLConfig(random_start=False, drawdown_limit=1.0, max_position=0.5)
    env = mf.TradingEnvironment(bars, config, together=True)
    _, info = env.reset()
    first = info["start"]
    actions = np.random.default_rng(2).uniform(-1, 1, (400, 2)).astype(np.float32)
    equity = {first: info["equity"]}
    for t in range(first, 399):
        equity[t + 1] = env.step(actions[t])[4]["equity"]
    compare(backtest(bars, config, actions, first).equity["equity"].to_numpy(), equity, first)


def backtest(bars: pl.DataFrame, config: mf.RLConfig, actions: np.ndarray, first: int) -> mf.BacktestResult:
    position = (actions.astype(np.float64) * config.max_position).T.ravel()
    n = len(actions)
    policy = bars.select("symbol", "timestamp", position=pl.Series(position)).with_columns(
        pl.when(pl.int_range(pl.len()).over("symbol") < first).then(0.0).otherwise(pl.col("position")).alias("position")
    )
    trading = mf.TradingConfig(
        capital=config.capital,
        # The environment charges all symbols alike.
        instruments={
            name: one.model_copy(update=dict.fromkeys(("taker_fee", "maker_fee", "spread", "slippage")))
            for name, one in mf.TradingConfig().instruments.items()
        },
        meta={"mode": "rl_only"},
        strategies=["ut_bot"],
        adapt_weights=False,
        risk={**PERMISSIVE, "rebalance_band": config.rebalance_band, "min_target": config.min_target},
        costs={
            "taker_fee": config.transaction_cost,
            "maker_fee": config.transaction_cost,
            "spread": 0.0,
            "slippage": {"model": "fixed", "fraction": config.slippage},
        },
    )
    assert n * bars["symbol"].n_unique() == bars.height
    return mf.backtest(bars, config=trading, policy=policy)


def compare(backtested: np.ndarray, stepped: dict[int, float], first: int) -> None:
    assert backtested[first] == stepped[first]
    np.testing.assert_allclose([stepped[t] for t in sorted(stepped)], backtested[first:], rtol=1e-9)
    assert abs(stepped[max(stepped)] / stepped[first] - 1) > 0.01
