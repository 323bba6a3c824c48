import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from mirrorfast.config import InstrumentConfig, RiskConfig
from mirrorfast.errors import ConfigurationError, DataError, LedgerError, ParameterError, RiskRefusal
from mirrorfast.risk import Account, RiskManager

START = datetime(2024, 1, 1, tzinfo=UTC)
WIDE = {
    "max_position": 10.0,
    "correlation_cap_rho": 1.0,
    "max_heat": 10.0,
    "max_leverage": 10.0,
    "min_cash": 0.0,
    "rebalance_band": 0.0,
}


def bars(*symbols, n=80, price=100.0, spread=2.0):
    """Markets that stand at `price` and move by `spread` within each bar: ATR = spread."""
    rows = [
        {
            "symbol": symbol,
            "timestamp": START + timedelta(hours=i),
            "open": price,
            "high": price + spread / 2,
            "low": price - spread / 2,
            "close": price,
            "volume": 1.0,
        }
        for symbol in symbols
        for i in range(n)
    ]
    return pl.DataFrame(rows, schema_overrides={"timestamp": pl.Datetime("ms", "UTC")})


@pytest.fixture
def manager():
    manager = RiskManager(RiskConfig(**WIDE))
    manager.observe(bars("A/USD", "B/USD"))
    return manager


def test_a_position_risks_one_percent_at_its_stop(manager):
    decision = manager.evaluate({"A/USD": 0.6}, {"cash": 10_000})["A/USD"]
    assert (decision.verdict, decision.purpose, decision.approved) == ("approved", "entry", True)
    # 0.6 % of 10 000 over a stop distance of 2 ATR = 4.
    assert decision.order_quantity == decision.target_quantity == 15.0
    assert decision.stop_price == 96.0
    assert [step.rule for step in decision.steps] == [
        "sizing",
        "stop_distance",
        "position_cap",
        "correlation_cap",
        "heat",
        "leverage",
        "min_cash",
        "drawdown",
        "daily_loss",
        "precision",
    ]
    assert decision.reasons[0] == "sizing: target 0.600 puts 0.60 % of equity at risk"
    assert decision.require() is decision


def test_limits_are_shared_by_the_decisions_of_one_time():
    manager = RiskManager(RiskConfig(**(WIDE | {"max_heat": 0.015})))
    manager.observe(bars("A/USD", "B/USD", "C/USD"))
    decisions = manager.evaluate({"A/USD": 0.5, "B/USD": -1.0, "C/USD": 0.4}, Account(cash=10_000))
    assert list(decisions) == ["A/USD", "B/USD", "C/USD"]
    # The strongest first: B takes 1 %, A the other half of a percent, C nothing.
    assert decisions["B/USD"].verdict == "approved"
    assert decisions["A/USD"].order_quantity == pytest.approx(12.5)
    assert decisions["C/USD"].verdict == "refused"
    with pytest.raises(RiskRefusal, match=r"C/USD: portfolio heat: .* cut to 0.00 %"):
        decisions["C/USD"].require()
    # Asking again at the same time reckons afresh; what was ordered meanwhile must be told.
    again = manager.evaluate({"C/USD": 0.4}, Account(cash=10_000, pending={"B/USD": -25.0, "A/USD": 12.5}))
    assert again["C/USD"].verdict == "refused"


def test_equity_is_cash_and_positions(manager):
    by_cash = manager.evaluate({"A/USD": 1.0}, Account(cash=9_000, positions={"B/USD": 10.0}))
    by_equity = manager.evaluate({"A/USD": 1.0}, Account(equity=10_000, positions={"B/USD": 10.0}))
    assert by_cash["A/USD"].target_quantity == by_equity["A/USD"].target_quantity == 25.0


def test_exits_and_reversals(manager):
    held = Account(cash=8_500, positions={"A/USD": 15.0})
    assert manager.evaluate({"A/USD": 0.0}, held)["A/USD"].order_quantity == -15.0
    turned = manager.evaluate({"A/USD": -0.6}, held)["A/USD"]
    assert (turned.order_quantity, turned.target_quantity, turned.stop_price) == (-30.0, -15.0, 104.0)
    assert manager.evaluate({"A/USD": math.nan}, held)["A/USD"].verdict == "hold"


def test_precision(manager):
    exact = RiskManager(
        RiskConfig(**WIDE), instruments={"A/USD": InstrumentConfig(lot=2.0, tick=0.5, min_notional=1_000)}
    )
    exact.observe(bars("A/USD"))
    assert exact.evaluate({"A/USD": 0.6}, {"cash": 10_000})["A/USD"].order_quantity == 14.0
    refused = exact.evaluate({"A/USD": 0.3}, {"cash": 10_000})["A/USD"]
    assert (refused.verdict, refused.approved) == ("refused", False)
    assert refused.reasons[-1].startswith("minimum order")


def test_stops_follow_the_position():
    manager = RiskManager(RiskConfig(stop={"trailing": True, "break_even_at_r": 1.0}, **WIDE))
    manager.observe(bars("A/USD"))
    manager.evaluate({"A/USD": 1.0}, {"cash": 10_000})
    assert manager.protect("A/USD", 25.0, 101.0) == 97.0
    assert manager.advance_stop("A/USD", 25.0, 101.0, best_price=102.0, last_price=101.0) == 98.0
    assert manager.advance_stop("A/USD", 25.0, 101.0, best_price=105.0, last_price=104.0) == 101.0
    assert manager.advance_stop("A/USD", 25.0, 101.0, best_price=105.0, last_price=100.0) == 101.0
    assert manager.measures("A/USD")["stop"] == 101.0
    assert manager.protect("A/USD", 0.0, 0.0) is None


def test_the_ladder_halts_and_a_person_lifts_it(manager):
    assert manager.update_equity(10_000) is None
    assert manager.update_equity(8_900).kind == "daily_loss"
    assert manager.state["level"] == "half"
    event = manager.update_equity(7_900)
    assert event.kind == "drawdown_halt"
    assert event.drawdown == pytest.approx(0.21)
    halted = manager.evaluate({"A/USD": 1.0}, Account(cash=6_900, positions={"A/USD": 10.0}))["A/USD"]
    assert (halted.order_quantity, halted.purpose) == (-10.0, "flatten")

    revived = RiskManager(RiskConfig(**WIDE))
    revived.restore(manager.snapshot())
    assert revived.halted == manager.halted
    assert revived.halted.reason == "drawdown"
    assert revived.halted.time == START + timedelta(hours=80)
    assert revived.evaluate({"B/USD": 1.0}, Account(cash=7_900))["B/USD"].verdict == "hold"
    assert revived.lift_halt().equity == 7_900
    assert revived.halted is None
    revived.update_equity(7_900)
    assert revived.evaluate({"B/USD": 1.0}, Account(cash=7_900), timestamp=START + timedelta(days=9))["B/USD"].approved


def test_kelly_learns_from_trades():
    manager = RiskManager(RiskConfig(sizing={"method": "kelly", "kelly_window": 5}, **WIDE))
    manager.observe(bars("A/USD"))
    before = manager.evaluate({"A/USD": 1.0}, {"cash": 10_000})["A/USD"].steps[0]
    for _ in range(5):
        manager.record_trade(-0.01)
    after = manager.evaluate({"A/USD": 1.0}, {"cash": 10_000})["A/USD"].steps[0]
    assert (before.after, after.after) == (0.01, 0.0025)


def test_correlation_and_measures():
    manager = RiskManager()
    closes = [100.0 * (1 + 0.01 * math.sin(1.3 * i)) for i in range(60)]
    for symbol, sign in (("A/USD", 1.0), ("B/USD", -1.0)):
        values = [c if sign > 0 else 10_000.0 / c for c in closes]
        frame = bars(symbol, n=60).with_columns(
            open=pl.Series(values), close=pl.Series(values), high=pl.Series(values), low=pl.Series(values)
        )
        manager.observe(frame)
    assert manager.correlation("A/USD", "B/USD") == pytest.approx(-1.0)
    assert math.isnan(manager.correlation("A/USD", "C/USD"))
    assert manager.measures("A/USD")["volatility"] > 0


def test_errors_say_what_to_do(manager):
    with pytest.raises(ConfigurationError, match="max_heat"):
        RiskConfig(max_heat=-1)
    with pytest.raises(DataError, match=r"X/USD: price = None"):
        manager.evaluate({"X/USD": 1.0}, {"cash": 10_000})
    with pytest.raises(DataError, match=r"X/USD: price = None"):
        manager.evaluate({"A/USD": 1.0}, Account(cash=10_000, positions={"X/USD": 1.0}))
    with pytest.raises(ParameterError, match="exactly one"):
        Account(positions={})
    with pytest.raises(ParameterError, match=r"positions\['A/USD'\] = nan"):
        Account(cash=1.0, positions={"A/USD": math.nan})
    with pytest.raises(ParameterError, match="leverage = 0.5"):
        Account(cash=1.0, leverage=0.5)
    with pytest.raises(ParameterError, match="no bar was observed"):
        RiskManager().update_equity(10_000)
    with pytest.raises(ParameterError, match="time zone"):
        manager.update_equity(10_000, timestamp=datetime(2024, 1, 1))  # noqa: DTZ001 - the fault under test
    with pytest.raises(LedgerError, match="another risk configuration"):
        RiskManager().restore(manager.snapshot())
    with pytest.raises(LedgerError, match="not of a RiskManager"):
        manager.restore(b"garbage")
    with pytest.raises(DataError):
        manager.observe(bars("A/USD").with_columns(high=pl.lit(1.0)))
