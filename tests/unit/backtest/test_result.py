"""Benchmark, attribution, months and resampled trades of a backtest."""

import json
import math

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.errors import ParameterError


@pytest.fixture(scope="module")
def result(two: pl.DataFrame) -> mf.BacktestResult:
    return mf.backtest(two)


def test_the_benchmark_buys_once_and_pays(two: pl.DataFrame, result: mf.BacktestResult) -> None:
    from mirrorfast.backtest.benchmark import buy_and_hold

    held = buy_and_hold(two, result.config)
    assert held.fills.height == 2
    assert held.trades.height == 0
    assert held.equity["timestamp"].equals(result.equity["timestamp"])
    assert held.equity.equals(result.benchmark)
    shared, own = result.config.costs, result.config.instruments["EUR/USD"]
    by_symbol = {row["symbol"]: row for row in held.fills.iter_rows(named=True)}
    worth = result.config.capital
    for symbol, fill in by_symbol.items():
        bars = two.filter(pl.col("symbol") == symbol)
        bar = bars.row(by_predicate=pl.col("timestamp") == fill["timestamp"], named=True)
        tick = 0.01 if symbol == "BTC/USD" else 0.00001
        fee, spread, slippage = (
            (own.taker_fee, own.spread, own.slippage)
            if symbol == "EUR/USD"
            else (shared.taker_fee, shared.spread, shared.slippage.fraction)
        )
        # No fill is outside its bar's range.
        wanted = min(bar["open"] * (1 + spread / 2 + slippage), bar["high"])
        assert fill["price"] == pytest.approx(wanted, abs=2 * tick)
        notional = fill["quantity"] * fill["price"]
        assert fill["fee"] == pytest.approx(notional * fee, rel=1e-9)
        assert notional == pytest.approx(result.config.capital / 2, rel=0.005)
        worth += fill["quantity"] * (bars["close"][-1] - fill["price"]) - fill["fee"]
    assert held.final_equity == pytest.approx(worth, rel=1e-12)


def test_dearer_trading_leaves_the_holder_less(two: pl.DataFrame) -> None:
    ends = [mf.backtest(two, costs={"taker_fee": fee}).benchmark["equity"][-1] for fee in (0.0, 0.005, 0.02)]
    assert ends[0] > ends[1] > ends[2]


def test_nobody_sells_the_benchmark_in_a_crash(two: pl.DataFrame) -> None:
    half = two.with_row_index().with_columns(pl.int_range(pl.len()).over("symbol").alias("k"))
    fall = (1.0 - pl.col("k") / pl.col("k").max().over("symbol") * 0.9).clip(0.1)
    crash = half.with_columns(pl.col("open", "high", "low", "close") * fall).drop("index", "k")
    crash = crash.with_columns(
        high=pl.max_horizontal("open", "high", "close"), low=pl.min_horizontal("open", "low", "close")
    )
    result = mf.backtest(crash)
    assert result.benchmark["equity"][-1] < 4000
    assert result.benchmark["exposure"][-1] > 0.9


def test_figures_against_the_benchmark(result: mf.BacktestResult) -> None:
    stats = result.benchmark_stats
    assert stats["active_return"] == pytest.approx(
        result.stats["total_return"] - stats["benchmark_total_return"], rel=1e-9
    )
    assert stats["benchmark_sharpe"] == mf.performance(result.benchmark)["sharpe"]
    assert all(math.isfinite(stats[k]) for k in ("alpha", "beta", "information_ratio", "tracking_error"))


def test_holding_has_beta_one(two: pl.DataFrame) -> None:
    from dataclasses import replace

    result = mf.backtest(two)
    alike = replace(result, equity=result.benchmark)
    assert alike.benchmark_stats["beta"] == pytest.approx(1.0)
    assert alike.benchmark_stats["alpha"] == pytest.approx(0.0, abs=1e-12)


def test_a_benchmark_waits_as_long_as_the_run(two: pl.DataFrame) -> None:
    from datetime import UTC, datetime

    start = datetime(2017, 8, 15, tzinfo=UTC)
    waits = mf.backtest(two, trade_from=start).benchmark
    assert set(waits.filter(pl.col("timestamp") <= start)["equity"]) == {10_000.0}
    assert waits["exposure"][-1] > 0.9


@pytest.mark.parametrize("part", ["strategy", "symbol"])
def test_parts_add_up_to_the_whole(result: mf.BacktestResult, part: str) -> None:
    table = result.stats_by(part)
    assert table[part].to_list() == (
        ["ut_bot", "mean_reversion", "momentum_breakout"] if part == "strategy" else ["BTC/USD", "EUR/USD"]
    )
    assert table["pnl"].sum() == pytest.approx(result.trades["pnl"].sum(), rel=1e-9)
    if part == "symbol":
        assert table["trades"].sum() == result.trades.height
        for row in table.iter_rows(named=True):
            own = result.trades.filter(pl.col("symbol") == row["symbol"])
            assert row["win_rate"] == pytest.approx((own["pnl"] > 0).mean())
            # The curve of a part is its booked profit on the whole capital.
            assert row["total_return"] == pytest.approx(own["pnl"].sum() / 10_000.0, rel=1e-9)
            assert 0.0 < row["exposure"] < 1.0


def test_a_single_strategy_owns_every_trade(two: pl.DataFrame) -> None:
    result = mf.backtest(two, strategies=["ut_bot"], ensemble="majority")
    (row,) = result.stats_by("strategy").iter_rows(named=True)
    figures = mf.performance(equity=[1.0], trades=result.trades)
    assert row["pnl"] == pytest.approx(result.trades["pnl"].sum())
    for name in ("trades", "win_rate", "profit_factor", "expectancy", "payoff"):
        assert row[name] == pytest.approx(figures[name])


def test_a_part_that_never_traded_has_a_row(two: pl.DataFrame) -> None:
    quiet = mf.backtest(
        two, strategies=["ut_bot", "regime_change"], ensemble={"method": "majority", "required": ["ut_bot"]}
    )
    table = quiet.stats_by("strategy")
    assert table.height >= 2
    with pytest.raises(ParameterError, match="part"):
        quiet.stats_by("hour")


def test_months_compound_to_the_total(result: mf.BacktestResult) -> None:
    months = result.monthly()
    assert months["month"].dt.strftime("%Y-%m").to_list() == ["2017-07", "2017-08", "2017-09"]
    assert math.prod(1 + r for r in months["return"]) - 1 == pytest.approx(result.stats["total_return"], rel=1e-9)
    held = result.benchmark["equity"][-1] / result.benchmark["equity"][0]
    assert math.prod(1 + r for r in months["benchmark"]) == pytest.approx(held, rel=1e-9)
    assert months["trades"].sum() == result.trades.height
    assert months["pnl"].sum() == pytest.approx(result.trades["pnl"].sum())


def test_resampled_trades(result: mf.BacktestResult) -> None:
    drawn = result.monte_carlo(paths=200, method="shuffle")
    assert drawn.trades == result.trades.height
    expected = 10_000.0 * math.prod(1 + f for f in result.trades["pnl_fraction"])
    assert drawn.final_equity == pytest.approx(expected, rel=1e-9)


def test_a_run_that_hit_the_drawdown_ladder_reports(two: pl.DataFrame, tmp_path) -> None:
    result = mf.backtest(two, risk={"drawdown": {"half": 0.01, "no_new_risk": 0.02, "halt": 0.05, "recovery": 0.005}})
    assert result.risk_events
    text = result.tearsheet(tmp_path / "r.html").read_text("utf-8")
    assert "drawdown_half" in text
    for section in ("Against buy and hold", "What luck could have done", "same costs", "Information ratio"):
        assert section in text
    said = json.loads(result.tearsheet(tmp_path / "r.json").read_text("utf-8"))
    assert said["buy_and_hold_return"] == pytest.approx(result.benchmark_stats["benchmark_total_return"])
    assert said["against_buy_and_hold"]["beta"] == pytest.approx(result.benchmark_stats["beta"])
    assert said["figures_by"]["symbol"]["EUR/USD"]["trades"] == result.stats_by("symbol")["trades"][1]
    assert [row["quantile"] for row in said["resampled"]] == [0.05, 0.25, 0.5, 0.75, 0.95]
