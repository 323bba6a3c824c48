import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from mirrorfast.analytics.performance import performance, trade_performance
from mirrorfast.errors import DataError, ParameterError

START = datetime(2024, 1, 1, tzinfo=UTC)


def frame(equity, hours=24, **more):
    times = [START + timedelta(hours=hours * i) for i in range(len(equity))]
    return pl.DataFrame(
        {"timestamp": times, "equity": equity, **more}, schema_overrides={"timestamp": pl.Datetime("ms", "UTC")}
    )


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name] == pytest.approx(b[name], rel=1e-12, nan_ok=True), name


def test_annualised_by_the_bars_seen():
    equity = [100.0, 101.0, 100.0, 102.0, 103.0]
    assert performance(frame(equity))["periods_per_year"] == pytest.approx(365)
    assert performance(frame(equity, hours=1))["periods_per_year"] == pytest.approx(8760)
    # Five bars a week, as stocks trade.
    days = [START + timedelta(days=d) for d in range(365 * 2) if (START + timedelta(days=d)).weekday() < 5]
    stocks = performance(equity=np.linspace(100, 120, len(days)), timestamps=days)
    assert stocks["periods_per_year"] == pytest.approx(261, abs=0.5)
    assert performance(equity)["periods_per_year"] == 365
    assert performance(frame(equity), periods_per_year=252)["periods_per_year"] == 252


def test_every_way_of_saying_the_same():
    values = [100.0, 101.0, 99.0, 102.0]
    expected = performance(equity=values, periods_per_year=365)
    same(performance(values, periods_per_year=365), expected)
    same(performance(np.array(values), periods_per_year=365), expected)
    same(performance(pl.Series("equity", values), periods_per_year=365), expected)
    same(performance({"equity": values}, periods_per_year=365), expected)
    same(performance(pl.DataFrame({"anything": values}), periods_per_year=365), expected)
    returns = np.diff(values) / np.array(values)[:-1]
    for data in (returns, pl.Series("returns", returns), pl.DataFrame({"return": returns}), [math.nan, *returns]):
        got = performance(data, periods_per_year=365)
        assert got["bars"] == 3
        assert got["sharpe"] == pytest.approx(expected["sharpe"], rel=1e-9)
    # All gains: only the name tells.
    assert performance(pl.Series("returns", [0.01, 0.02]))["total_return"] == pytest.approx(0.0302)
    assert performance([0.01, 0.02])["total_return"] == pytest.approx(1.0)
    assert performance([0.0, 0.0])["bars"] == 2
    # An account that lost more than everything is still an account.
    assert performance([100.0, 50.0, -10.0])["total_return"] == -1.0


def test_pandas_is_understood():
    pd = pytest.importorskip("pandas", reason="pandas comes with the test extra")
    values = [100.0, 101.0, 99.0, 102.0]
    expected = performance(equity=values, periods_per_year=365)
    same(performance(pd.Series(values, name="equity"), periods_per_year=365), expected)
    index = pd.date_range("2024-01-01", periods=4, tz="UTC")
    table = pd.DataFrame({"timestamp": index, "equity": values})
    same(performance(table), performance(frame(values)))


def test_edge_cases_are_nan_and_never_infinite():
    for data in ([], [100.0], [100.0, 101.0], [100.0] * 30, [100.0, 90.0, 80.0], [100.0, 110.0, 120.0]):
        figures = performance(equity=data)
        assert not any(math.isinf(v) for v in figures.values()), data
    assert math.isnan(performance(equity=[])["total_return"])
    one = performance(equity=[100.0])
    assert (one["total_return"], one["bars"]) == (0.0, 0.0)
    flat = performance(equity=[100.0] * 30)
    assert flat["total_return"] == 0.0
    assert all(math.isnan(flat[name]) for name in ("sharpe", "sortino", "calmar", "omega", "skew", "deflated_sharpe"))
    losing = performance(returns=[-0.1, -0.1, -0.2])
    assert losing["omega"] == 0.0
    assert losing["max_drawdown"] == pytest.approx(-0.352)
    assert math.isnan(losing["recovery_bars"])
    assert math.isnan(performance(returns=[0.01] * 50)["sharpe"])
    assert math.isnan(performance(equity=[100.0, 101.0])["win_rate"])


def test_exposure_turnover_and_trades():
    equity = frame([1000.0, 1010.0, 1005.0, 985.0], exposure=[0.0, 0.5, 0.0, 0.0])
    trades = pl.DataFrame(
        {
            "pnl": [10.0, -25.0],
            "pnl_fraction": [0.01, -0.025],
            "quantity": [1.0, 2.0],
            "entry_price": [100.0, 100.0],
            "exit_price": [110.0, 90.0],
        }
    )
    figures = performance(equity, trades=trades)
    assert figures["exposure"] == pytest.approx(1 / 3)
    # 210 and 380 traded, mean equity 1 000, three of 365 days.
    assert figures["turnover"] == pytest.approx(590 / 1000 * 365 / 3)
    assert performance(equity, trades=trades, traded=1000.0)["turnover"] == pytest.approx(365 / 3)
    assert (figures["trades"], figures["win_rate"], figures["profit_factor"]) == (2.0, 0.5, 0.4)
    assert figures["expectancy"] == pytest.approx(-0.0075)
    assert figures["payoff"] == pytest.approx(0.4)
    by_returns = performance(returns=[0.01, -0.005], trades=trades)
    assert by_returns["profit_factor"] == 0.4
    none = performance(equity, trades=trades.clear())
    assert none["trades"] == 0.0
    assert math.isnan(none["win_rate"])


def test_trade_performance():
    figures = trade_performance({"pnl": [30.0, -10.0, -20.0, 0.0], "bars": [1, 2, 3, 4], "fees": [1.0] * 4})
    assert (figures["trades"], figures["win_rate"], figures["pnl"], figures["fees"]) == (4.0, 0.25, 0.0, 4.0)
    assert (figures["payoff"], figures["longest_losing_streak"], figures["average_bars"]) == (3.0, 3.0, 2.5)
    assert math.isnan(figures["average_mae"])
    with pytest.raises(DataError, match="expected pnl among them"):
        trade_performance({"profit": [1.0]})


def test_bad_input_is_named():
    with pytest.raises(DataError, match=r"equity = NaN at row 1: expected a finite number"):
        performance(equity=[1.0, math.nan])
    with pytest.raises(DataError, match=r"equity = 0 at row 0"):
        performance(equity=[0.0, 1.0])
    with pytest.raises(DataError, match=r"returns = -1.5 at row 1"):
        performance(returns=[0.1, -1.5])
    with pytest.raises(DataError, match="rising timestamps"):
        performance(equity=[1.0, 2.0], timestamps=[5, 5])
    with pytest.raises(DataError, match="length of ts: got 1, expected 2"):
        performance(equity=[1.0, 2.0], timestamps=[5])
    with pytest.raises(DataError, match="expected one of equity, returns, return"):
        performance(pl.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(DataError, match="expected numbers"):
        performance(equity=["a", "b"])
    with pytest.raises(ParameterError, match="exactly one"):
        performance()
    with pytest.raises(ParameterError, match="exactly one"):
        performance([1.0], returns=[0.1])
    for option, value in {"periods_per_year": 0.0, "risk_free": math.nan, "tail": 0.5, "n_trials": 0}.items():
        with pytest.raises(ParameterError, match=option):
            performance(equity=[1.0, 2.0], **{option: value})
    with pytest.raises(ParameterError, match="trial_sharpes"):
        performance(equity=[1.0, 2.0], trial_sharpes=[0.1])
