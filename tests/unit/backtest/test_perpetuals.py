"""Perpetual swaps in runs: funding, liquidation and costs of a symbol's own, by hand and against the paper loop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.data import with_funding
from mirrorfast.errors import ConfigurationError, DataError, ParameterError, ShapeError

START = datetime(2024, 1, 1, tzinfo=UTC)
PERPETUAL = {"kind": "perpetual", "tick": 0.01, "lot": 0.001}
# One position of half the equity that nothing but the venue ends.
HOLD = {
    "max_position": 0.5,
    "max_heat": 1.0,
    "min_cash": 0.0,
    "daily_loss_limit": 0.99,
    "rebalance_band": 1.0,
    "sizing": {"method": "target"},
    "stop": {"kind": "none"},
    "drawdown": {"half": 0.97, "no_new_risk": 0.98, "halt": 0.99},
}
FREE = {
    "taker_fee": 0.0,
    "maker_fee": 0.0,
    "spread": 0.0,
    "slippage": {"fraction": 0.0},
    "funding": {"rate": 0.0},
}


def bars_of(closes: list[float], symbol: str = "BTC/USDT") -> pl.DataFrame:
    opens = [closes[0], *closes[:-1]]
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(closes),
            "timestamp": [START + timedelta(hours=k) for k in range(len(closes))],
            "open": opens,
            "high": [max(o, c) for o, c in zip(opens, closes, strict=True)],
            "low": [min(o, c) for o, c in zip(opens, closes, strict=True)],
            "close": closes,
            "volume": [1e6] * len(closes),
        }
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("ms", "UTC")))


def long_of(bars: pl.DataFrame) -> pl.Series:
    return pl.Series([1.0] * bars.height)


def run(bars: pl.DataFrame, *, funding: object = None, **settings: object) -> mf.BacktestResult:
    config = mf.TradingConfig(
        **{"instruments": {"BTC/USDT": PERPETUAL}, "costs": FREE, "risk": HOLD, "currency": "USDT"} | settings
    )
    return mf.backtest(bars, strategies=[long_of], config=config, funding=funding)


def test_constant_funding_by_hand() -> None:
    bars = bars_of([100.0] * 36)
    result = run(bars, costs=FREE | {"funding": {"rate": 0.001, "interval_ms": 4 * 3_600_000}})
    quantity = result.fills["quantity"][0]
    assert quantity == 50.0  # half of 10,000 at 100
    # Bought in the hour 15, when the true range is known; paid in 16, 20, 24, 28 and 32: 0.1 % of 5,000 each.
    assert result.fills["timestamp"].to_list() == [START + timedelta(hours=15)]
    assert result.equity["equity"][-1] == pytest.approx(10_000 - 5 * 5.0, abs=1e-9)
    paid = result.order_events.filter(pl.col("kind") == "funding")
    assert paid.height == 5


def test_funding_of_the_past_takes_the_constant_s_place() -> None:
    bars = bars_of([100.0] * 26 + [110.0] * 10)
    paid = pl.DataFrame({"timestamp": [START + timedelta(hours=h) for h in (8, 24, 32)], "rate": [0.5, -0.001, 0.002]})
    result = run(bars, funding=paid)
    # The first came before the position; in the hour 32 the 50 are worth 5,500.
    assert result.equity["equity"][-1] == pytest.approx(10_000 + 500 + 5.0 - 11.0, abs=1e-9)


def test_real_rates_to_the_last_decimal(shared_data: Path) -> None:
    """Three days of rates that Binance settled, on real bars of another year: the two never overlap in the data."""
    rates = pl.read_parquet(shared_data / "funding_binance_btcusd-perp_few.parquet").sort("timestamp").head(9)
    moved = rates.with_columns(pl.col("timestamp") + (START + timedelta(days=1) - rates["timestamp"][0]))
    bars = pl.read_parquet(shared_data / "binance_BTC-USDT_1h.parquet").with_columns(symbol=pl.lit("BTC/USDT"))
    window = mf.validate_bars(bars.select(bars_of([1.0]).columns).head(100))
    result = run(window, funding=moved)
    quantity, opened = result.fills["quantity"][0], result.fills["timestamp"][0]
    opens = dict(zip(window["timestamp"], window["open"], strict=True))
    due = [(ts, rate) for ts, rate in moved.iter_rows() if ts > opened]
    assert len(due) == 9
    by_hand = sum(quantity * opens[ts] * rate for ts, rate in due)
    marked = quantity * (window["close"][-1] - result.fills["price"][0])
    assert result.fills.height == 1
    assert result.equity["equity"][-1] == pytest.approx(10_000 + marked - by_hand, abs=1e-8)


def test_an_isolated_position_is_taken_away_at_its_price() -> None:
    closes = [100.0] * 17 + [99.0, 95.0, 91.0, 85.0, 85.0, 85.0]
    margin = {"mode": "isolated", "leverage": 10.0, "liquidation_fee": 0.01}
    instruments = {"BTC/USDT": PERPETUAL | {"maintenance_margin": 0.005}}
    result = run(bars_of(closes), costs=FREE | {"margin": margin}, instruments=instruments)
    bought, taken = result.fills.row(0, named=True), result.fills.row(1, named=True)
    # M + q(p − a) = f·q·p with M = q·a / 10: p = 0.9·a / (1 − 0.005).
    assert taken["price"] == pytest.approx(0.9 * 100.0 / 0.995, abs=0.01)
    lost = bought["quantity"] * (100.0 - taken["price"])
    assert lost + taken["fee"] == pytest.approx(bought["quantity"] * 100.0 / 10.0, rel=0.02)
    assert result.equity["equity"].min() > 10_000 - 1.01 * bought["quantity"] * 10.0


def test_margin_of_the_whole_account_carries_further() -> None:
    closes = [100.0] * 17 + [99.0, 95.0, 91.0, 85.0, 85.0, 85.0]
    result = run(bars_of(closes), costs=FREE | {"margin": {"mode": "cross", "leverage": 10.0}})
    assert result.fills.height == 1
    assert result.equity["equity"][-1] == pytest.approx(10_000 - 50 * 15.0)


@pytest.mark.parametrize("mode", ["unlimited", "isolated", "cross"])
def test_paper_is_the_backtest(mode: str, tmp_path: Path) -> None:
    bars = mf.sample_bars(["BTC/USD"]).head(900)
    stamps = bars["timestamp"].gather_every(8)
    paid = pl.DataFrame({"timestamp": stamps, "rate": [0.0003 * (-1) ** k for k in range(len(stamps))]})
    config = with_funding(
        mf.TradingConfig(
            runs=tmp_path,
            strategies=["ut_bot", "momentum_breakout"],
            instruments={"BTC/USD": {"kind": "perpetual", "tick": 0.01}},
            costs={"margin": {"mode": mode, "leverage": 3.0}},
            risk={"stop": {"kind": "none"}},
        ),
        paid,
    )
    tested = mf.backtest(bars, config=config)
    system = mf.IntegratedTradingSystem(config, bars=bars, run="paper")
    summary = system.run()
    assert summary.equity == tested.equity["equity"][-1]
    with mf.ledger.Ledger.open(system.ledger_target) as ledger:
        equity = ledger.frame("equity", "paper")
    assert equity["equity"].to_list() == tested.equity["equity"].to_list()
    assert tested.order_events.filter(pl.col("kind") == "funding").height > 10


def test_a_symbol_has_costs_of_its_own() -> None:
    both = pl.concat([bars_of([100.0, 101.0] * 30, "A/USDT"), bars_of([100.0, 101.0] * 30, "B/USDT")])
    config = mf.TradingConfig(
        currency="USDT",
        instruments={"B/USDT": {"taker_fee": 0.00002, "spread": 0.0, "slippage": 0.0}},
        risk=HOLD | {"max_position": 0.2},
    )
    result = mf.backtest(both, strategies=[long_of], config=config)
    first = {row["symbol"]: row for row in result.fills.sort("timestamp").unique("symbol", keep="first").to_dicts()}
    notional = {name: row["price"] * row["quantity"] for name, row in first.items()}
    assert first["A/USDT"]["fee"] == pytest.approx(0.001 * notional["A/USDT"])
    assert first["B/USDT"]["fee"] == pytest.approx(0.00002 * notional["B/USDT"])
    assert first["B/USDT"]["slippage"] == 0.0 < first["A/USDT"]["slippage"]


def test_the_bundled_currency_pair_pays_a_broker_s_costs() -> None:
    result = mf.backtest(mf.sample_bars(["EUR/USD"]), strategies=["ut_bot"])
    share = (result.fills["fee"] / (result.fills["price"] * result.fills["quantity"])).to_list()
    assert share == pytest.approx([0.00002] * len(share))
    assert share


RATES = pl.DataFrame({"symbol": ["BTC/USDT"], "timestamp": [START], "rate": [0.001]})


@pytest.mark.parametrize(
    ("rates", "kind", "error", "words"),
    [
        (RATES, "spot", ParameterError, "rates of BTC/USDT: expected a perpetual of the run"),
        (RATES.with_columns(symbol=pl.lit("ETH/USDT")), "perpetual", ParameterError, "rates of ETH/USDT"),
        (RATES.drop("rate"), "perpetual", ShapeError, "column rate is missing"),
        (RATES.with_columns(rate=pl.lit(float("nan"))), "perpetual", DataError, "no finite number"),
        (pl.concat([RATES, RATES]), "perpetual", DataError, "two rates for"),
    ],
)
def test_bad_rates(rates: pl.DataFrame, kind: str, error: type[Exception], words: str) -> None:
    config = mf.TradingConfig(instruments={"BTC/USDT": {"kind": kind}})
    with pytest.raises(error, match=words):
        with_funding(config, rates)


def test_margin_and_rates_that_move_exclude_each_other() -> None:
    config = mf.TradingConfig(
        costs={"margin": {"mode": "isolated"}}, currency="USD", rate_symbols={"EUR": "EUR/USD"}, strategies=["ut_bot"]
    )
    with pytest.raises((ParameterError, ConfigurationError), match="constant rates alone where margin is checked"):
        mf.backtest(mf.sample_bars(["EUR/USD"]), config=config)


def test_a_file_of_rates_named_by_the_configuration(tmp_path: Path) -> None:
    bars = bars_of([100.0] * 30)
    file = tmp_path / "rates.csv"
    RATES.with_columns(timestamp=pl.lit(START + timedelta(hours=24))).write_csv(file)
    named = mf.TradingConfig(strategies=["ut_bot"], currency="USDT", instruments={"BTC/USDT": PERPETUAL}, funding=file)
    assert with_funding(named).instruments["BTC/USDT"].funding == ((1704153600000, 0.001),)
    result = run(bars, funding=file)
    assert result.equity["equity"][-1] == pytest.approx(10_000 - 5.0)
    with pytest.raises(DataError, match="expected a Parquet or CSV file"):
        run(bars, funding=tmp_path / "none.csv")
