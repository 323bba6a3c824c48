"""The weekly report: what it says is what the tables say, in every format."""

import json
import re
from datetime import UTC, date, datetime

import polars as pl
import pytest

from mirrorfast.analytics.frames import read_frames
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.errors import ParameterError
from mirrorfast.ledger import Batch, Ledger
from mirrorfast.report import weekly_report


@pytest.fixture(scope="module")
def report(written):
    return weekly_report(written, run="demo", week=date(2017, 7, 20))


def test_the_week_is_monday_to_sunday(report):
    assert report.monday == date(2017, 7, 17)
    assert report.span == (datetime(2017, 7, 17, tzinfo=UTC), datetime(2017, 7, 24, tzinfo=UTC))


def test_by_default_the_week_of_the_last_bar(written):
    frames = read_frames(written, run="demo")
    last = frames.equity["timestamp"].max().date()
    assert 0 <= (last - weekly_report(frames).monday).days < 7


def test_figures_are_of_the_week(report, written):
    frames = read_frames(written, run="demo")
    closed = frames.trades.filter(pl.col("exit_time").is_between(*report.span, closed="left"))
    assert closed.height > 3
    assert report.this["trades"] == closed.height
    assert report.this["pnl"] == pytest.approx(closed["pnl"].sum())
    equity = frames.equity.filter(pl.col("timestamp") < report.span[1])
    before = frames.equity.filter(pl.col("timestamp") < report.span[0])
    assert report.this["equity"] == equity["equity"][-1]
    assert report.this["return"] == pytest.approx(equity["equity"][-1] / before["equity"][-1] - 1)
    assert report.last["equity"] == before["equity"][-1]


def test_money_of_the_strategies_is_that_of_the_week(report):
    assert report.strategies["pnl"].sum() == pytest.approx(report.this["pnl"])
    assert report.strategies["weight_before"].null_count() < report.strategies.height


def test_movers_compare_the_ends_of_two_weeks(report, written):
    decisions = read_frames(written, run="demo").decisions
    for row in report.movers.iter_rows(named=True):
        own = decisions.filter(pl.col("symbol") == row["symbol"])
        ends = [own.filter(pl.col("timestamp") < moment)["price"][-1] for moment in report.span]
        assert (row["price_before"], row["price"]) == tuple(ends)
        assert row["change"] == pytest.approx(ends[1] / ends[0] - 1)
    assert report.movers["change"].is_sorted(descending=True)


def test_refusals_and_incidents_are_of_the_week(written):
    frames = read_frames(written, run="demo")
    total = TradeAnalyzerAgent(frames).refusals()["decisions"].sum()
    weeks = {weekly_report(frames, week=day).monday for day in frames.equity["timestamp"].dt.date().unique()}
    assert sum(weekly_report(frames, week=day).refusals["decisions"].sum() for day in weeks) == total > 0


def test_a_week_without_bars_is_empty_not_wrong(written):
    report = weekly_report(written, run="demo", week=date(2001, 1, 1))
    assert set(report.this.values()) == {None}
    assert report.headline == "Nothing was recorded in the week of 01 January 2001"
    told = json.loads(report.to_json())
    assert told["movers"] == []
    assert "No symbol was seen" in report.to_markdown()
    assert "No symbol was seen" in report.to_html()


def test_formats_say_the_same(report):
    told = json.loads(report.to_json())
    markdown, html = report.to_markdown(), report.to_html()
    assert told["headline"] == report.headline
    plain = re.sub(r"<[^>]+>", "", html)
    for title in ("This week and last", "Movers", "Strategies", "Incidents", "What the risk engine held back"):
        assert title in markdown
        assert title in plain
    for row in told["strategies"]:
        assert row["strategy"].replace("_", " ").lower() in plain.lower()


def test_the_page_needs_nothing_and_runs_nothing(report):
    html = report.to_html()
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.findall(r"(?:src|href)=", html)


def test_text_stays_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>|`*"
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        writer = ledger.run("demo", mode="paper", config={}, symbols=[evil])
        writer.begin()
        batch = Batch(1_500_000_000_000)
        batch.decision({"id": 1, "symbol": evil, "price": 1.0, "verdict": "refused", "reasons": [evil]})
        batch.incident(evil, evil)
        batch.equity({"equity": 1.0})
        writer.write(batch)
        writer.finish()
        report = weekly_report(ledger, run="demo")
    assert "<img" not in report.to_html()
    assert "<img" not in report.to_markdown().replace("\\<img", "")


def test_a_run_without_bars_has_no_week(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        writer = ledger.run("demo", mode="paper", config={}, symbols=["A"])
        writer.begin()
        writer.finish()
        with pytest.raises(ParameterError, match="at least one bar"):
            weekly_report(ledger)
