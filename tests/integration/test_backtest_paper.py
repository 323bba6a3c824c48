"""Backtest and paper run the same engine: same bars, same intents, fills and equity, to the last bit."""

import json
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ledger import Ledger


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars()


@pytest.fixture(scope="module")
def paper(bars: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[mf.IntegratedTradingSystem, Ledger]:
    config = mf.TradingConfig(runs=tmp_path_factory.mktemp("runs"))
    system = mf.IntegratedTradingSystem(config, bars=bars, run="paper")
    summary = system.run()
    assert summary.status == "finished"
    return system, Ledger.open(system.ledger_target, create=False)


def table(ledger: Ledger, name: str) -> pl.DataFrame:
    return ledger.frame(name, "paper")


def test_equity_is_the_same_bit_for_bit(bars: pl.DataFrame, paper) -> None:
    backtest = mf.backtest(bars).equity
    live = table(paper[1], "equity")
    assert backtest.height == live.height == bars["timestamp"].n_unique()
    for column in ("equity", "cash", "drawdown"):
        assert backtest[column].to_list() == live[column].to_list()


def test_fills_are_the_same_bit_for_bit(bars: pl.DataFrame, paper) -> None:
    backtest = mf.backtest(bars).fills
    live = table(paper[1], "fills")
    assert backtest.height == live.height > 100
    for column in ("id", "order", "symbol", "side", "quantity", "price", "fee", "purpose"):
        assert backtest[column].to_list() == live[column].to_list(), column


def test_intents_are_the_same_bit_for_bit(bars: pl.DataFrame, paper) -> None:
    backtest = mf.backtest(bars).orders
    live = table(paper[1], "orders")
    assert backtest.height == live.height > 100
    for column in ("id", "symbol", "side", "type", "quantity", "trigger", "purpose", "reduce_only"):
        assert backtest[column].to_list() == live[column].to_list(), column


def test_decisions_carry_votes_and_reasons(paper) -> None:
    decisions = table(paper[1], "decisions")
    acted = decisions.filter(pl.col("order_id").is_not_null())
    assert acted.height > 50
    first = acted.row(0, named=True)
    votes = first["votes"] if isinstance(first["votes"], dict) else json.loads(first["votes"])
    assert set(votes) == {"ut_bot", "mean_reversion", "momentum_breakout"}
    reasons = first["reasons"] if isinstance(first["reasons"], list) else json.loads(first["reasons"])
    assert reasons
    assert all(isinstance(r, str) and r for r in reasons)


def test_journal_folds_to_the_ledger(paper) -> None:
    assert paper[1].verify("paper").is_sound


def test_two_runs_trade_alike(bars: pl.DataFrame, tmp_path: Path) -> None:
    prints = []
    for name in ("one", "two"):
        system = mf.IntegratedTradingSystem(
            mf.TradingConfig(runs=tmp_path), bars=bars.filter(pl.col("symbol") == "BTC/USD"), run=name
        )
        system.run()
        with Ledger.open(system.ledger_target, create=False) as ledger:
            prints.append(ledger.fingerprint(name))
    assert prints[0] == prints[1]
