"""Our own timings (`make bench`): crossing, features, engine, backtest, bar to order. Never decides a test."""

import json

import numpy as np
import pytest

import mirrorfast as mf
from mirrorfast import _core

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def bars():
    return mf.sample_bars()


def test_crossing_of_a_short_series(benchmark) -> None:
    x = np.arange(100.0)
    benchmark(lambda: mf.indicators.sma(x, period=20))


def test_rsi_of_a_million_rows(benchmark) -> None:
    x = 100.0 + np.cumsum(np.random.default_rng(1).normal(0.0, 1.0, 1_000_000)) * 0.01
    out = np.empty_like(x)
    benchmark(lambda: _core.compute_into("rsi", [x], {"period": 14}, [out]))


def test_backtest_of_the_bundled_market(benchmark, bars) -> None:
    result = benchmark(lambda: mf.backtest(bars))
    benchmark.extra_info["bars_per_second"] = bars.height / result.seconds


def test_backtest_without_records(benchmark, bars) -> None:
    benchmark(lambda: mf.backtest(bars, decisions=False))


def test_one_closed_bar_to_intents(benchmark, bars) -> None:
    """One symbol, all default strategies, through Python: what stands between a closed bar and an order."""
    btc = bars.filter(bars["symbol"] == "BTC/USD")
    rows = btc.select(btc["timestamp"].dt.epoch("ms"), "open", "high", "low", "close", "volume").rows()
    engine = _core.DecisionEngine(mf.TradingConfig().to_engine_json(["BTC/USD"]))
    for ts, *ohlcv in rows[:500]:
        engine.on_bars(ts, [(0, *ohlcv)])
    state = {"k": 500}

    def one() -> object:
        if state["k"] == len(rows):
            state["k"] = 500
        ts, *ohlcv = rows[state["k"]]
        state["k"] += 1
        return engine.on_bars(ts, [(0, *ohlcv)]).intents

    benchmark(one)
    benchmark.extra_info["config"] = json.loads(mf.TradingConfig().to_engine_json(["BTC/USD"]))["timeframe"]
