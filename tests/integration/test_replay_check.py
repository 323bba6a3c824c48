"""`mirrorfast replay-check`: equal runs, tampered ledgers, unfinished runs, other bars."""

import json
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.backtest.replay import replay_check
from mirrorfast.errors import DataError, LedgerError
from mirrorfast.ledger import Ledger

SPAN = ["--to", "2017-08-15"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a finished run of the bundled market."""
    runs = tmp_path_factory.mktemp("runs")
    bars = mf.sample_bars().filter(pl.col("timestamp").dt.date() <= pl.date(2017, 8, 15))
    mf.IntegratedTradingSystem(mf.TradingConfig(runs=runs), bars=bars, run="mine").run()
    return runs


@pytest.fixture
def runs(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a copy that it may spoil."""
    shutil.copytree(recorded, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIRRORFAST_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def spoil(runs: Path, statement: str) -> None:
    with sqlite3.connect(runs / "mine" / "ledger.sqlite") as db:
        assert db.execute(statement).rowcount == 1
    db.close()


def test_an_untouched_run_is_equal(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay-check", "mine", *SPAN]) == 0
    assert "equals its backtest" in capsys.readouterr().out
    assert main(["replay-check", "mine", *SPAN, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["equal"] is True
    assert said["difference"] is None
    assert all(said["compared"][t] > 50 for t in ("decisions", "orders", "fills", "trades", "equity"))


def test_the_runs_bars_are_found_in_a_longer_file(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay-check", "mine"]) == 0
    assert "equals" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statement", "table", "column"),
    [
        ("UPDATE fills SET price = '2500.5' WHERE id = 20", "fills", "price"),
        ("UPDATE orders SET quantity = '9' WHERE id = 30", "orders", "quantity"),
        ("UPDATE decisions SET target = 0.123 WHERE id = 200", "decisions", "target"),
        ("UPDATE decisions SET verdict = 'refused' WHERE id = 15", "decisions", "verdict"),
        (
            "UPDATE equity SET equity = '9999.99' WHERE ts = (SELECT ts FROM equity LIMIT 1 OFFSET 40)",
            "equity",
            "equity",
        ),
        ("UPDATE trades SET pnl = '1' WHERE id = 7", "trades", "pnl"),
    ],
)
def test_a_changed_row_is_the_first_difference(runs, capsys, statement: str, table: str, column: str) -> None:
    spoil(runs, statement)
    assert main(["replay-check", "mine", *SPAN, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)["difference"]
    assert (said["table"], said["column"]) == (table, column)
    assert said["recorded"] != said["replayed"]
    assert main(["replay-check", "mine", *SPAN]) == 1
    out = capsys.readouterr().out
    assert "First difference" in out
    assert f"{column} is" in out


def test_the_earliest_of_several_differences_is_named(runs, capsys) -> None:
    spoil(runs, "UPDATE decisions SET target = 0.5 WHERE id = 900")
    spoil(runs, "UPDATE fills SET price = '1.5' WHERE id = 12")
    assert main(["replay-check", "mine", *SPAN, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["difference"]["table"] == "fills"


def test_a_missing_row_is_a_difference(runs, capsys) -> None:
    last = "SELECT max(id) FROM fills"
    spoil(runs, f"DELETE FROM fills WHERE id = ({last})")
    assert main(["replay-check", "mine", *SPAN]) == 1
    assert "the ledger has no such row" in capsys.readouterr().out


def test_other_bars_are_refused(runs, capsys) -> None:
    with Ledger.open(runs / "mine" / "ledger.sqlite", create=False) as ledger:
        moved = mf.sample_bars().with_columns(volume=pl.col("volume") + 1.0)
        with pytest.raises(DataError, match="not those of run 'mine'"):
            replay_check(ledger, "mine", moved)
        with pytest.raises(LedgerError, match="no such run"):
            replay_check(ledger, "other", moved)
    assert main(["replay-check", "mine", "--symbols", "BTC/USD"]) == 2
    assert "not those of run" in capsys.readouterr().err
    assert main(["replay-check", "absent"]) == 1


def test_a_run_that_was_stopped_is_compared_as_far_as_it_went(tmp_path: Path) -> None:
    bars = mf.sample_bars()
    system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=tmp_path), bars=bars, run="half")

    class Stop:
        def on_batch(self, update) -> None:
            if update.done == 700:
                system.stop()

    summary = system.run(watch=lambda *_: [Stop()])
    assert summary.status == "interrupted"
    with Ledger.open(system.ledger_target, create=False) as ledger:
        found = replay_check(ledger, "half", bars)
    assert found.difference is None
    assert found.compared["equity"] == 700
    assert found.compared["fills"] > 50


class AboveMean:
    """A strategy of one's own."""

    name = "above_mean"
    lookback = 60

    def evaluate(self, df: pl.DataFrame) -> pl.Series:
        return (df["close"] > df["close"].rolling_mean(30)).cast(pl.Float64) * 2 - 1


def test_votes_of_ones_own_strategies_are_taken_from_the_ledger(tmp_path: Path) -> None:
    bars = mf.sample_bars().filter(pl.col("timestamp").dt.date() <= pl.date(2017, 8, 1))
    config = mf.TradingConfig(runs=tmp_path, strategies=["ut_bot", AboveMean], ensemble={"method": "majority"})
    system = mf.IntegratedTradingSystem(config, bars=bars, run="own")
    assert system.run().status == "finished"
    with Ledger.open(system.ledger_target, create=False) as ledger:
        found = replay_check(ledger, "own", bars)
        assert found.difference is None
        assert found.compared["fills"] > 50
    with sqlite3.connect(tmp_path / "own" / "ledger.sqlite") as db:
        votes = json.loads(db.execute("SELECT votes FROM decisions WHERE id = 400").fetchone()[0])
        votes["above_mean"]["signal"] *= -1
        db.execute("UPDATE decisions SET votes = ? WHERE id = 400", (json.dumps(votes),))
    db.close()
    with Ledger.open(system.ledger_target, create=False) as ledger:
        assert replay_check(ledger, "own", bars).difference is not None
