"""Pairs, longer bars and labels go through paper trading as through a backtest, also where a run is interrupted."""

from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ledger import Ledger

STRATEGIES = ["pairs_trading", {"name": "slow", "kind": "scanner_signal", "timeframe": "4h"}, "ut_bot"]


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    one = mf.sample_bars(["BTC/USD"]).head(1400)
    swing = 1 + 0.02 * ((pl.int_range(pl.len()) % 40 - 20).abs() / 20 - 0.5)
    prices = [pl.col(name) * swing * 0.5 for name in ("open", "high", "low", "close")]
    twin = one.with_columns(prices, symbol=pl.lit("TWIN/USD")).with_columns(
        high=pl.max_horizontal("open", "high", "low", "close"), low=pl.min_horizontal("open", "high", "low", "close")
    )
    return pl.concat([one, twin])


class StopAfter:
    """Asks the system to stop after some bar times."""

    def __init__(self, system: mf.IntegratedTradingSystem, count: int) -> None:
        self.system = system
        self.left = count

    def on_batch(self, update: object) -> None:
        self.left -= 1
        if self.left == 0:
            self.system.stop()


def test_paper_equals_the_backtest_and_goes_on_after_stops(tmp_path: Path, bars: pl.DataFrame) -> None:
    config = mf.TradingConfig(runs=tmp_path, strategies=STRATEGIES)
    whole = mf.IntegratedTradingSystem(config, bars=bars, run="whole")
    summary = whole.run()
    backtest = mf.backtest(bars, config=config)
    assert summary.equity == backtest.equity["equity"][-1]
    assert summary.trades == backtest.trades.height > 20
    votes = backtest.decisions["vote_pairs_trading"].drop_nulls()
    assert (votes != 0).sum() > 10

    parts = 0
    for count in (1, 333, 500, 0):
        system = mf.IntegratedTradingSystem(config, bars=bars, run="parts")
        outcome = system.run(watch=lambda s, _, n=count: [StopAfter(s, n)])
        parts += outcome.status == "interrupted"
    assert parts == 3
    with Ledger.open(tmp_path / "whole" / "ledger.sqlite") as a, Ledger.open(tmp_path / "parts" / "ledger.sqlite") as b:
        assert a.fingerprint("whole") == b.fingerprint("parts")
