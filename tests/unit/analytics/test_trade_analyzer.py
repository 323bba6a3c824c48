from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from mirrorfast.analytics.frames import read_frames
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.errors import LedgerError, ParameterError
from mirrorfast.ledger import Batch, Ledger

HOUR = 3_600_000
T0 = 1_499_000_400_000  # Sunday 2017-07-02 13:00 UTC


@pytest.fixture(scope="module")
def agent(written):
    return TradeAnalyzerAgent(written, run="demo")


def decision(number, votes, regime, **more):
    signals = {name: {"signal": 1.0, "confidence": 0.5, "contribution": c} for name, c in votes.items()}
    fields = {
        "id": number,
        "symbol": "BTC/USD",
        "price": 100.0,
        "regime": regime,
        "votes": signals,
        "verdict": "approved",
    }
    return fields | more


def trade(side, pnl, entry, *, decision, closed="exit", mfe=0.05):
    return {
        "symbol": "BTC/USD",
        "side": side,
        "quantity": 1.0,
        "entry_ts": entry,
        "exit_ts": entry + 5 * HOUR,
        "entry_price": 100.0,
        "exit_price": 100.0,
        "gross": pnl + 3.0,
        "fees": 2.0,
        "funding": 1.0,
        "slippage": 0.5,
        "pnl": pnl,
        "pnl_fraction": pnl / 1000,
        "return_fraction": pnl / 100,
        "bars": 5,
        "mae": -0.01,
        "mfe": mfe,
        "exit": closed,
        "entry_decision": decision,
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Three trades whose every figure is known."""
    path = tmp_path_factory.mktemp("small") / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        writer = ledger.run("r", mode="paper", config={}, symbols=["BTC/USD"])
        writer.begin()
        batch = Batch(T0)
        batch.decision(decision(1, {"a": 0.3, "b": 0.1, "c": -0.2}, "trending"))
        batch.decision(
            decision(
                2,
                {"a": 0.1, "b": -0.4, "c": None},
                "volatile",
                verdict="reduced",
                reasons=[
                    "sizing: target -0.4 is 40.00 % of equity",
                    "per-position cap: 40.00 % of equity cut to 10.00 % (cap 10.00 %)",
                    "portfolio heat: 10.00 % of equity stands (all stops together may cost 6.00 %)",
                ],
            )
        )
        batch.decision(
            decision(
                3,
                {"a": 0.0, "b": 0.0, "c": 0.0},
                None,
                verdict="refused",
                reasons=[
                    "drawdown ladder: 10.00 % of equity cut to 0.00 % (equity is 16.00 % below its peak)",
                    "daily loss limit: 0.00 % of equity stands (no new risk after 3.00 % lost today)",
                ],
            )
        )
        batch.trade(trade("long", 8.0, T0, decision=1))
        batch.trade(trade("short", -4.0, T0 + 24 * HOUR, decision=2, closed="stop_loss", mfe=0.0))
        batch.trade(trade("long", 1.0, T0 + 7 * 24 * HOUR, decision=3))
        batch.weights({"a": 0.5, "b": 0.5}, {"a": "N/A"})
        writer.write(batch)
        for k, equity in enumerate([1000.0, 1008.0, 990.0, 1004.0, 1005.0]):
            step = Batch(T0 + k * 48 * HOUR)
            step.equity({"equity": equity, "cash": equity, "exposure": 0.0, "drawdown": 0.0})
            writer.write(step)
        last = Batch(T0 + 9 * 24 * HOUR)
        last.weights({"a": 0.6, "b": 0.4}, {"a": "B", "b": "F"})
        writer.write(last)
        writer.finish()
    return TradeAnalyzerAgent(path)


def test_money_goes_to_those_who_stood_for_the_trade(small):
    rows = {(r["trade"], r["strategy"]): r for r in small.attribution.iter_rows(named=True)}
    assert set(rows) == {(1, "a"), (1, "b"), (2, "b"), (3, "(none)")}
    assert rows[1, "a"]["share"] == pytest.approx(0.75)
    assert rows[1, "a"]["pnl"] == pytest.approx(6.0)
    assert rows[1, "b"]["fees"] == pytest.approx(0.5)
    assert rows[2, "b"]["pnl"] == -4.0  # short: only b was against
    assert rows[3, "(none)"]["pnl"] == 1.0


def test_strategies_come_with_weights_and_grades(small):
    table = small.by("strategy")
    assert table["strategy"].to_list() == ["a", "b", "c", "(none)"]
    assert table["trades"].to_list() == [1, 2, 0, 1]
    assert table["pnl"].to_list() == pytest.approx([6.0, -2.0, 0.0, 1.0])
    assert table["weight"].to_list() == [0.6, 0.4, None, None]
    assert table["grade"].to_list() == ["B", "F", None, None]
    assert table["win_rate"].to_list() == [1.0, 0.5, None, 1.0]
    assert table["profit_factor"].to_list() == [None, pytest.approx(0.5), None, None]
    assert table["pnl_share"].abs().sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("group", "labels"),
    [
        ("symbol", ["BTC/USD"]),
        ("regime", ["(none)", "trending", "volatile"]),
        ("hour", [13]),
        ("weekday", ["Monday", "Sunday"]),
        ("month", ["2017-07"]),
        ("exit", ["exit", "stop_loss"]),
        ("side", ["long", "short"]),
    ],
)
def test_groups(small, group, labels):
    table = small.by(group)
    assert table[group].cast(pl.Int64 if group == "hour" else pl.String).to_list() == labels
    assert table["trades"].sum() == 3
    assert table["pnl"].sum() == pytest.approx(5.0)


def test_group_figures(small):
    long, short = small.by("side").iter_rows(named=True)
    assert (long["trades"], long["win_rate"], long["profit_factor"], long["payoff"]) == (2, 1.0, None, None)
    assert long["average_pnl"] == 4.5
    assert (short["best"], short["worst"], short["bars"]) == (-4.0, -4.0, 5.0)
    assert short["profit_factor"] == 0.0


def test_unknown_groups_are_named(small):
    with pytest.raises(ParameterError, match="group 'colour': expected one of strategy, symbol"):
        small.by("colour")


def test_costs_add_up(small, agent):
    costs = small.costs()
    assert costs == pytest.approx(
        {"gross_pnl": 14.0, "fees": 6.0, "slippage": 1.5, "funding": 3.0, "net_pnl": 5.0, "cost_share": 10.5 / 15.5}
    )
    c = agent.costs()
    assert c["net_pnl"] == pytest.approx(c["gross_pnl"] - c["fees"] - c["funding"])


def test_round_trips_keep_what_was_known_at_the_entry(small):
    trips = small.round_trips
    assert trips["regime"].to_list() == ["trending", "volatile", "(none)"]
    assert trips["weekday"].to_list() == ["Sunday", "Monday", "Sunday"]
    assert trips["capture"].to_list() == [pytest.approx(1.6), None, pytest.approx(0.2)]


def test_weeks(small):
    weeks = small.weekly()
    assert weeks["week"].to_list() == [
        date(2017, 6, 26),
        date(2017, 7, 3),
        date(2017, 7, 10),
    ]
    assert weeks["trades"].to_list() == [1, 2, 0]
    assert weeks["return"].to_list() == pytest.approx([0.0, 0.004, 1005 / 1004 - 1])
    assert weeks["max_drawdown"].to_list() == pytest.approx([0.0, 990 / 1008 - 1, 0.0])
    assert (weeks["return"] + 1).product() == pytest.approx(1.005)


def test_refusals_name_the_rule_that_decided(small):
    rows = small.refusals()
    assert rows.rows() == [
        (
            "refused",
            "drawdown ladder",
            1,
            "drawdown ladder: 10.00 % of equity cut to 0.00 % (equity is 16.00 % below its peak)",
        ),
        ("reduced", "per-position cap", 1, "per-position cap: 40.00 % of equity cut to 10.00 % (cap 10.00 %)"),
    ]


def test_a_whole_run(agent):
    trades = agent.frames.trades
    assert trades.height > 30
    for group in ("strategy", "symbol", "regime", "hour", "exit"):
        assert agent.by(group)["pnl"].sum() == pytest.approx(trades["pnl"].sum())
        assert agent.by(group)["fees"].sum() == pytest.approx(trades["fees"].sum())
    assert agent.attribution.group_by("trade").agg(pl.col("share").sum())["share"].to_list() == pytest.approx(
        [1.0] * trades.height
    )
    equity = agent.frames.equity["equity"]
    assert (agent.weekly()["return"] + 1).product() == pytest.approx(equity[-1] / equity[0])


def test_metrics_are_those_of_performance(agent):
    pytest.importorskip("mirrorfast.analytics.performance")
    metrics = agent.metrics()
    equity = agent.frames.equity["equity"]
    assert metrics["total_return"] == pytest.approx(equity[-1] / equity[0] - 1)
    assert metrics["trades"] == agent.frames.trades.height
    assert metrics["win_rate"] == pytest.approx((agent.frames.trades["pnl"] > 0).mean())
    assert metrics["fees"] == agent.costs()["fees"]
    whole = agent.by("symbol")
    won, lost = (agent.frames.trades.filter(c)["pnl"].sum() for c in (pl.col("pnl") > 0, pl.col("pnl") < 0))
    assert metrics["profit_factor"] == pytest.approx(-won / lost)
    assert whole["trades"].sum() == metrics["trades"]


def test_an_empty_run_has_empty_tables(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        writer = ledger.run("r", mode="paper", config={}, symbols=["BTC/USD"])
        writer.begin()
        agent = TradeAnalyzerAgent(ledger)
        for group in ("strategy", "symbol", "regime", "hour", "exit"):
            assert agent.by(group).height == 0
        assert agent.weekly().height == agent.refusals().height == 0
        assert agent.costs()["net_pnl"] == 0.0
        writer.close()


def test_a_backtest_result_reads_like_its_ledger(written):
    """The backtest names some columns differently; the figures are the same."""
    agent = TradeAnalyzerAgent(written)
    f = agent.frames
    decisions = f.decisions.rename({"order_id": "order", "rule_position": "rule", "rl_position": "rl"}).with_columns(
        pl.col("order").fill_null(0), pl.col("reasons").list.join("; ")
    )
    result = SimpleNamespace(
        equity=f.equity,
        decisions=decisions,
        fills=f.fills,
        trades=f.trades,
        weights=f.weights,
        bars=pl.DataFrame({"symbol": ["BTC/USD", "EUR/USD"]}),
        risk_events=[(T0, "halted")],
    )
    other = TradeAnalyzerAgent(result)
    assert other.by("strategy").equals(agent.by("strategy"))
    assert other.by("regime").equals(agent.by("regime"))
    assert other.refusals().sort("rule", "verdict").equals(agent.refusals().sort("rule", "verdict"))
    assert other.frames.decisions["order_id"].to_list() == f.decisions["order_id"].to_list()
    assert other.frames.incidents["message"].to_list() == ["halted"]
    assert other.frames.incidents["timestamp"][0] == datetime.fromtimestamp(T0 / 1000, UTC)
    assert other.frames.symbols == ["BTC/USD", "EUR/USD"]


def test_sources_are_checked(tmp_path, agent):
    assert read_frames(agent.frames) is agent.frames
    with pytest.raises(ParameterError, match="source int: expected a Ledger"):
        read_frames(3)
    with pytest.raises(LedgerError, match="no such file"):
        read_frames(tmp_path / "none.sqlite")
