"""The document of a run: the same from the journal and from the loop, and what the engine itself says."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mirrorfast as mf
from mirrorfast.dashboard.book import Book
from mirrorfast.dashboard.ops import apply
from mirrorfast.dashboard.source import LedgerSource, LiveSource
from mirrorfast.dashboard.view import LIMITS, RunView
from mirrorfast.ledger import Ledger


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A run seen by the loop's observer, with the engine's own positions at its end."""
    folder = tmp_path_factory.mktemp("runs")
    bars = mf.sample_bars().filter(pl.col("timestamp") <= datetime(2017, 7, 16, 19, tzinfo=UTC))
    system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=bars, run="demo")
    seen = []

    def watch(system, total):
        with Ledger(system.ledger_target, busy_timeout_s=5.0, writable=False, immutable=False) as ledger:
            seen.append(LiveSource(ledger, system.run_id))
        return seen

    summary = system.run(watch=watch)
    seen[0].end(system.status)
    seen[0].poll()
    document = {}
    apply(document, seen[0].view.flush())
    return system, summary, document, bars


def test_the_loop_and_the_ledger_show_the_same(watched):
    _, summary, live, bars = watched
    with Ledger.open(summary.ledger) as ledger:
        source = LedgerSource(ledger, "demo", bars=bars)
        source.poll()
        source.close()
    told = {}
    apply(told, source.view.flush())
    assert live["account"]["trades"] > 20
    for part in set(live) - {"health", "clock", "log"}:
        assert told[part] == live[part], part


def test_positions_are_the_engines_own(watched):
    system, _, document, _ = watched
    expected = {system.symbols[p["symbol"]]: p for p in system.engine.positions()}
    assert expected, "the run should end with something held"
    assert document["positions"].keys() == expected.keys()
    for symbol, shown in document["positions"].items():
        own = expected[symbol]
        assert shown["quantity"] == pytest.approx(own["quantity"], rel=1e-12)
        assert shown["average"] == pytest.approx(own["average_price"], rel=1e-12)
        assert shown["last"] == own["last_price"]
        assert shown["unrealised"] == pytest.approx(own["unrealised"], rel=1e-9, abs=1e-9)
        assert shown["stop"] == own["stop"]


def test_figures_are_the_analyzers_own(watched):
    _, summary, document, _ = watched
    agent = mf.TradeAnalyzerAgent(summary.ledger, run="demo")
    account, costs = document["account"], agent.costs()
    assert account["trades"] == agent.frames.trades.height
    assert account["pnl"] == pytest.approx(costs["net_pnl"], rel=1e-9)
    assert account["equity"] == agent.frames.equity["equity"][-1]
    for row in agent.by("strategy").iter_rows(named=True):
        shown = document["strategies"][row["strategy"]]
        assert shown["trades"] == row["trades"]
        assert shown["pnl"] == pytest.approx(row["pnl"], rel=1e-9, abs=1e-12)
        assert shown["weight"] == row["weight"]


def test_a_ledger_is_followed_while_it_grows(helper, tmp_path):
    """Polled after every piece, or once at the end: the same document."""
    simulation = helper("synthetic_run").Simulation()
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        writer = ledger.run(
            "demo", mode="replay", config={"capital": 10_000.0}, symbols=["BTC/USD", "EUR/USD"], group=50
        )
        writer.begin()
        follower, document = LedgerSource(ledger, "demo"), {}
        for _ in range(400):
            if writer.write(simulation.step()):
                follower.poll()
                apply(document, follower.view.flush())
        writer.finish()
        follower.poll()
        apply(document, follower.view.flush())
        late, at_once = LedgerSource(ledger, "demo"), {}
        late.poll()
        apply(at_once, late.view.flush())
        follower.close()
        late.close()
    assert document["account"]["trades"] > 5
    for part in set(document) - {"health"}:
        assert document[part] == at_once[part], part


def test_a_run_that_is_not_there_is_named(helper, tmp_path):
    helper("synthetic_run").write_run(tmp_path / "ledger.sqlite", "demo", bars=2)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger, pytest.raises(mf.errors.LedgerError, match="'other'.*demo"):
        LedgerSource(ledger, "other")


def equity(view, count, start=0):
    for k in range(start, start + count):
        view.event(k, "equity", {"equity": str(100 + k), "cash": None, "exposure": None, "drawdown": None})


def test_the_curve_stays_bounded_and_spans_the_run():
    view, document = RunView("demo", ["A"]), {}
    for k in range(20):
        equity(view, 997, k * 997)
        apply(document, view.flush())
        assert len(document["equity"]) < LIMITS["equity"]
    times = [ts for ts, *_ in document["equity"]]
    assert times[0] == 0
    assert len(times) > LIMITS["equity"] / 2.2
    assert {b - a for a, b in pairwise(times)} == {32}
    assert document["account"]["equity"] == 100 + 20 * 997 - 1


def test_flushing_often_or_once_is_the_same():
    often, once = RunView("demo", ["A"]), RunView("demo", ["A"])
    a, b = {}, {}
    for k in range(2_500):
        equity(often, 1, k)
        apply(a, json.loads(json.dumps(often.flush())))
    equity(once, 2_500)
    apply(b, once.flush())
    assert a == b


def test_refusals_bar_after_bar_are_one_row(helper):
    run = helper("dashboard_run")
    view, document = RunView("demo", ["A"]), {}
    reasons = ["cap: 10 % of equity stands (cap)", "drawdown ladder: 10 % cut to 0 %"]
    for k in range(5):
        view.event(k, "decision", run.decision(k, "A", 1.0, verdict="refused", reasons=reasons) | {
            "rl_position": None, "method": None, "stop_price": None})  # fmt: skip
    apply(document, view.flush())
    assert [d["id"] for d in document["decisions"]] == [0]
    assert document["decisions"][0]["reasons"] == [reasons[1]]
    assert document["streaks"] == {"A": {"id": 0, "times": 5, "ts": 4}}


def test_undefined_numbers_are_null():
    view, document = RunView("demo", ["A"]), {}
    view.event(1, "equity", {"equity": "1", "cash": None, "exposure": float("nan"), "drawdown": None})
    apply(document, view.flush())
    assert document["account"]["exposure"] is None
    json.dumps(document, allow_nan=False)


fills = st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(50, 150)), min_size=1, max_size=30)


@given(fills)
def test_a_position_is_the_sum_of_its_fills(fills):
    book, total, money = Book(), 0, 0.0
    for k, (quantity, price) in enumerate(fills):
        book.fill("A", float(quantity), float(price), order=k, ts=k)
        total, money = total + quantity, money - quantity * price
    book.price("A", 100.0)
    held = book.position("A")
    assert (held is None) == (total == 0)
    if held is not None:
        assert held["quantity"] == total
        assert min(p for _, p in fills) - 1e-9 <= held["average"] <= max(p for _, p in fills) + 1e-9


def test_heat_is_what_the_stops_cost():
    book = Book()
    book.fill("A", 2.0, 100.0, order=1, ts=1)
    assert book.heat == 200.0, "without a stop all of it"
    book.order(2, "A", 90.0, 2.0, "intent")
    book.order(3, "A", 130.0, 2.0, "intent")  # takes profit: protects nothing
    book.price("A", 104.0)
    assert book.heat == pytest.approx(28.0)
    assert book.position("A")["stop"] == 90.0
    book.ended(2, "cancelled")
    assert book.position("A")["stop"] is None
    book.order(4, "A", 95.0, 2.0, "intent")
    book.fill("A", -2.0, 95.0, order=4, ts=2)
    assert book.position("A") is None
    assert book.heat == 0.0


def test_other_currencies_count_at_their_rate():
    book = Book()
    book.fill("A/JPY", 2.0, 1_000.0, order=1, ts=1, rate=0.01)
    book.order(2, "A/JPY", 900.0, 2.0, "intent")
    book.price("A/JPY", 1_100.0)
    shown = book.position("A/JPY")
    assert shown["average"] == 1_000.0
    assert (shown["value"], shown["unrealised"]) == (pytest.approx(22.0), pytest.approx(2.0))
    assert book.heat == pytest.approx(4.0)


def test_operations():
    document = {}
    apply(document, [("set", ["a", "b"], 1), ("add", ["c"], [1, 2, 3], 2), ("add", ["c"], [4], 2), ("del", ["a", "b"])])
    assert document == {"a": {}, "c": [3, 4]}
    with pytest.raises(ValueError, match="move"):
        apply(document, [("move", ["a"], 1)])
