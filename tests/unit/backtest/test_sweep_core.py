"""`_core.run_sweep`, tables that are checked once, runs without decisions: the same figures as `mf.backtest`."""

import math

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast import _core
from mirrorfast.backtest.runner import prepare_bars

GRID = [(fast, slow) for fast in (5, 10, 20) for slow in (30, 50)]


def options(fast: int, slow: int) -> dict:
    return {
        "strategies": [{"name": "sma_cross", "params": {"fast_period": fast, "slow_period": slow}}, "ut_bot"],
        "risk": {"max_position": 0.5, "rebalance_band": 0.1},
    }


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_sweep_equals_single_backtests(market: pl.DataFrame, threads: int | None) -> None:
    _, bars = prepare_bars(market, mf.TradingConfig())
    configs = [
        mf.TradingConfig().replace(**options(*pair)).to_engine_json(bars.symbols, interval="1h") for pair in GRID
    ]
    rows = pl.DataFrame(_core.run_sweep(bars, configs, threads=threads, equity=True))
    assert rows.height == len(GRID)
    assert rows["total_return"].n_unique() == len(GRID)
    for pair, row in zip(GRID, rows.iter_rows(named=True), strict=True):
        single = mf.backtest(market, **options(*pair))
        assert single.trades.height > 10
        figures = {name: None if math.isnan(value) else value for name, value in single.stats.items()}
        assert {name: row[name] for name in figures} == figures
        assert row["final_equity"] == single.final_equity
        assert row["equity"] == single.equity["equity"].to_list()


def test_sweep_refuses_what_a_backtest_refuses(market: pl.DataFrame) -> None:
    good = mf.TradingConfig().to_engine_json(["BTC/USD", "EUR/USD"], interval="1h")
    with pytest.raises(mf.ParameterError, match="threads = 0"):
        _core.run_sweep(market, [good], threads=0)
    with pytest.raises(mf.ConfigurationError, match="engine configuration"):
        _core.run_sweep(market, [good, "{"])
    with pytest.raises(mf.DataError, match="symbols of the bars"):
        _core.run_sweep(market.filter(pl.col("symbol") == "BTC/USD"), [good])
    assert pl.DataFrame(_core.run_sweep(market, [])).height == 0


def test_a_run_without_decisions_trades_the_same(market: pl.DataFrame) -> None:
    whole, lean = (mf.backtest(market, decisions=keep) for keep in (True, False))
    assert whole.decisions.height == market.height
    assert lean.decisions.is_empty()
    for name in ("equity", "orders", "order_events", "fills", "trades", "weights"):
        assert getattr(lean, name).equals(getattr(whole, name)), name
    least = mf.backtest(market, decisions=False, orders=False)
    assert least.orders.is_empty()
    assert least.order_events.is_empty()
    assert least.fills.equals(whole.fills)
    assert least.stats == pytest.approx(whole.stats, nan_ok=True, rel=0, abs=0)


def test_bars_are_looked_at_once(market: pl.DataFrame) -> None:
    table, checked = prepare_bars(market, mf.TradingConfig())
    assert table is market
    assert checked.symbols == ["BTC/USD", "EUR/USD"]
    assert sum(checked.rows) == len(checked) == market.height
    assert checked.step_ms == 3_600_000
    shuffled = market.sort("timestamp", "symbol")
    table, again = prepare_bars(shuffled, mf.TradingConfig())
    assert table.equals(market)
    assert again.symbols == checked.symbols
    broken = market.with_columns(high=pl.when(pl.int_range(pl.len()) == 7).then(0.5).otherwise("high"))
    with pytest.raises(mf.DataError, match=r"bars: row 7 \(BTC/USD\): high = 0.5"):
        mf.backtest(broken)
    with pytest.raises(mf.DataError, match="expected a name"):
        mf.backtest(market.with_columns(symbol=pl.lit("")).head(100))
    one = market.group_by("symbol", maintain_order=True).head(1)
    with pytest.raises(mf.DataError, match="two of one symbol"):
        mf.backtest(one)


def test_all_in_lets_every_signal_have_its_way(market: pl.DataFrame) -> None:
    bars = market.filter(pl.col("symbol") == "BTC/USD")
    result = mf.backtest(bars, strategies=[{"name": "sma_cross", "params": {"short": 0}}], risk=mf.RiskConfig.all_in())
    exposure = result.equity["exposure"]
    entry = result.fills.filter(pl.col("side") == "buy")
    assert entry.height > 20
    assert set(result.fills["purpose"]) <= {"entry", "exit"}
    held = exposure.filter(exposure > 0)
    assert held.min() > 0.9
    with pytest.raises(mf.ConfigurationError, match="max_position"):
        mf.RiskConfig.all_in(0.0)
