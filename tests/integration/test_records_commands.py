"""`status`, `positions`, `trades` and `journal` on a run: the ledger's own figures, in every form."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.analytics.audit import audit_decision, audit_trade, holdings
from mirrorfast.errors import ParameterError
from mirrorfast.execution.control import ask_to_halt
from mirrorfast.ledger import Ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs; `open` stops at a bar at which it holds something."""
    place = tmp_path_factory.mktemp("records")
    config = mf.TradingConfig(runs=place)
    bars = mf.sample_bars().filter(pl.col("timestamp").dt.date() < pl.date(2017, 8, 20))
    mf.IntegratedTradingSystem(config, bars=bars, run="whole").run()

    class Stop:
        def on_batch(self, update: Any) -> None:
            if update.done > 400 and len(system.engine.positions()) == 2:
                system.stop()

    system = mf.IntegratedTradingSystem(config, bars=bars, run="open")
    system.run(watch=lambda _system, _total: [Stop()])
    assert len(system.engine.positions()) == 2
    place.joinpath("positions.json").write_text(json.dumps(system.engine.positions()))
    return place


@pytest.fixture(autouse=True)
def _runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRRORFAST_RUNS", str(folder))
    monkeypatch.chdir(folder)


def answer(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "status")
    rows = {row["run"]: row for row in document["runs"]}
    assert (rows["whole"]["status"], rows["open"]["status"]) == ("finished", "interrupted")
    assert rows["open"]["positions"] == 2
    with Ledger.open(folder / "whole" / "ledger.sqlite") as ledger:
        equity = ledger.frame("equity", "whole")
        assert rows["whole"]["equity"] == equity["equity"][-1]
        assert rows["whole"]["last_bar"] == equity["ts"].dt.epoch("ms")[-1]
        assert rows["whole"]["trades"] == ledger.frame("trades", "whole").height
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "whole" in out
    assert "interrupted" in out
    assert len(answer(capsys, "status", "--run", "open")["runs"]) == 1


def test_status_says_who_halted_and_shows_what_is_damaged(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("whole", "open"):
        with Ledger.open(folder / name / "ledger.sqlite") as ledger:
            (tmp_path / name).mkdir()
            ledger.backup(tmp_path / name / "ledger.sqlite")
    torn = tmp_path / "whole" / "ledger.sqlite"
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 8192 * 4096])
    monkeypatch.setenv("MIRRORFAST_RUNS", str(tmp_path))
    ask_to_halt(tmp_path / "open", "news [bold]now[/bold]", who="ada")
    rows = {row["run"]: row for row in answer(capsys, "status")["runs"]}
    assert "damaged" in rows["whole"]["error"]
    assert rows["open"]["halted"] == "halted by ada (cli): news [bold]now[/bold]"
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert "unreadable" in out
    assert "news [bold]now[/bold]" in out


def test_positions_are_the_engines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "positions", "--run", "open")
    engine = json.loads((folder / "positions.json").read_text())
    assert [row["quantity"] for row in document["positions"]] == [p["quantity"] for p in engine]
    for row, held in zip(document["positions"], engine, strict=True):
        assert row["average_price"] == pytest.approx(held["average_price"], rel=1e-12)
        assert row["stop"] == held["stop"]
        assert row["unrealised"] == pytest.approx(held["unrealised"], rel=1e-9, abs=1e-9)
        assert row["since"] == held["opened_ts"]
    assert main(["positions", "--run", "open"]) == 0
    assert "BTC/USD" in capsys.readouterr().out


def test_trades(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "trades", "--run", "whole", "--last", "3")
    with Ledger.open(folder / "whole" / "ledger.sqlite") as ledger:
        trades = ledger.frame("trades", "whole")
    assert document["trades"] == trades.height > 10
    assert [row["pnl"] for row in document["rows"]] == trades["pnl"].tail(3).to_list()
    file = tmp_path / "trades.parquet"
    assert main(["trades", "--run", "whole", "--symbol", "BTC/USD", "--export", str(file)]) == 0
    assert pl.read_parquet(file).height == trades.filter(pl.col("symbol") == "BTC/USD").height
    capsys.readouterr()
    assert main(["trades", "--run", "whole", "--symbol", "BTCUSD"]) == 2
    assert "expected one of BTC/USD, EUR/USD" in capsys.readouterr().err
    assert main(["trades", "--export", "x.txt"]) == 2


def test_the_trail_of_every_trade_is_whole(folder: Path) -> None:
    with Ledger.open(folder / "whole" / "ledger.sqlite") as ledger:
        trades = ledger.frame("trades", "whole")
        for number in trades["id"].to_list()[:40]:
            trail = audit_trade(ledger, "whole", number)
            trade = trail["trades"][0]
            assert trade["id"] == number
            decisions = {d["id"] for d in trail["decisions"]}
            assert trade["entry_decision"] in decisions
            assert all(o["decision"] in decisions for o in trail["orders"] if o["decision"] is not None)
            orders = {o["id"] for o in trail["orders"]}
            assert trail["fills"]
            assert all(f["order"] in orders for f in trail["fills"])
            assert {trade["entry_ts"], trade["exit_ts"]} <= {f["ts"] for f in trail["fills"]}
            assert trail["decisions"][0]["votes"]
        with pytest.raises(ParameterError, match="no such trade"):
            audit_trade(ledger, "whole", 10**9)


def test_the_trail_of_a_decision(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(folder / "whole" / "ledger.sqlite") as ledger:
        entry = ledger.frame("trades", "whole")["entry_decision"][0]
        trail = audit_decision(ledger, "whole", entry)
        assert trail["decisions"][0]["reasons"]
        assert any(o["purpose"] == "entry" for o in trail["orders"])
        assert trail["trades"][0]["entry_decision"] == entry
        with pytest.raises(ParameterError, match="no such decision"):
            audit_decision(ledger, "whole", 0)
        assert holdings(ledger, "whole") == [] or holdings(ledger, "whole")[0]["quantity"] != 0.0
    assert main(["journal", "show", "whole", "--decision", str(entry)]) == 0
    out = capsys.readouterr().out
    for word in ("votes:", "risk:", "order", "fill", "trade"):
        assert word in out
    assert main(["trades", "--run", "whole", "--audit", "1"]) == 0
    assert answer(capsys_drained(capsys), "journal", "show", "whole", "--decision", str(entry))["trades"]


def capsys_drained(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    capsys.readouterr()
    return capsys


def test_journal_show(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "journal", "show", "whole", "--kind", "order", "--kind", "fill", "--last", "7")
    assert len(document["events"]) == 7
    assert {event["kind"] for event in document["events"]} <= {"order", "fill"}
    first = document["events"][0]["seq"]
    later = answer(capsys, "journal", "show", "whole", "--after", str(first), "--last", "5")
    assert all(event["seq"] > first for event in later["events"])
    assert main(["journal", "show", "whole", "--last", "3"]) == 0
    assert capsys.readouterr().out.count("\n") >= 3
    assert main(["journal", "show", "whole", "--kind", "ordr"]) == 2
    assert main(["journal", "show", "none"]) == 1


def test_journal_verify_and_backup(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "journal", "verify", "whole")["ok"] is True
    copy = tmp_path / "copy.sqlite"
    document = answer(capsys, "journal", "backup", str(copy), "--run", "whole")
    assert document["runs"] == {"whole": True}
    assert document["bytes"] == copy.stat().st_size
    assert main(["journal", "backup", str(copy), "--run", "whole"]) == 1  # never over another
    connection = sqlite3.connect(copy)
    connection.execute("update fills set price = '1' where id = 1")
    connection.commit()
    connection.close()
    capsys.readouterr()
    document = answer(capsys, "journal", "verify", "whole", "--ledger", str(copy), status=1)
    assert document["problems"][0].startswith("fills: id 1: price")
    assert main(["journal", "verify", "whole", "--ledger", str(copy)]) == 1
    assert re.search(r"fills: id 1: price is '1', the journal says", capsys.readouterr().out)


def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIRRORFAST_RUNS", str(tmp_path / "none"))
    assert main(["status"]) == 0
    assert "mirrorfast live" in capsys.readouterr().out
    for words in (["positions"], ["trades"], ["journal", "verify"], ["positions", "--run", "x"]):
        assert main(words) == 1, words
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["positions", "--run", "../x"]) == 2
