"""A run that is halted opens nothing, keeps or closes what it holds, and stays so until a person lifts it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.execution.control import ask_to_halt, ask_to_resume
from mirrorfast.ledger import Ledger


class At:
    """Does something once at a bar of a run."""

    def __init__(self, acts: dict[int, Any]) -> None:
        self.acts = acts

    def on_batch(self, update: Any) -> None:
        act = self.acts.pop(update.done, None)
        if act is not None:
            act()


def system(folder: Path, run: str, **changes: Any) -> mf.IntegratedTradingSystem:
    config = mf.TradingConfig(runs=folder, strategies=["sma_cross"], **changes)
    return mf.IntegratedTradingSystem(config, bars=mf.sample_bars(["BTC/USD"]).head(1_200), run=run)


def ran(made: mf.IntegratedTradingSystem, acts: dict[int, Any]) -> Ledger:
    made.run(watch=lambda _system, _total: [At(acts)])
    return Ledger.open(made.ledger_target, create=False)


def first_entry(folder: Path) -> tuple[int, pl.DataFrame]:
    """Bar after which the undisturbed run holds its first position."""
    with ran(system(folder, "free"), {}) as ledger:
        fills, equity = ledger.frame("fills", "free"), ledger.frame("equity", "free")
    at = int((equity["ts"] <= fills["ts"][0]).sum())
    return at, fills


def position(fills: pl.DataFrame) -> float:
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    return float(fills.select((sign * pl.col("quantity")).sum()).item())


@pytest.mark.parametrize("policy", ["keep", "close"])
def test_a_halt_opens_nothing(tmp_path: Path, policy: str) -> None:
    at, free = first_entry(tmp_path)
    assert free.height > 4
    made = system(tmp_path, policy)
    halt_at, lift_at = at + 3, at + 500

    def halt() -> None:
        ask_to_halt(made.directory, "news", who="ada", policy=policy)  # type: ignore[arg-type]

    def lift() -> None:
        ask_to_resume(made.directory, "over", who="bob")

    with ran(made, {halt_at: halt, lift_at: lift}) as ledger:
        times = ledger.frame("equity", policy)["ts"]
        fills, orders = ledger.frame("fills", policy), ledger.frame("orders", policy)
        incidents = ledger.frame("incidents", policy)
        said = incidents.filter(pl.col("kind").is_in(["halt", "resume"]))
        assert ledger.verify(policy).is_sound
    began, ended = times[halt_at], times[lift_at]
    assert said["kind"].to_list() == ["halt", "resume"]
    assert said["ts"].to_list() == [began, ended]
    assert said["message"].to_list() == ["halted by ada (cli): news", "halt lifted by bob: over"]
    assert json.loads(said["details"][0])["halt"]["policy"] == policy
    # What closes is sent before the bar at which the halt was noticed, and meets its open.
    during = fills.filter((pl.col("ts") >= began) & (pl.col("ts") < ended))
    assert during.filter(pl.col("purpose").is_in(["entry", "resize"])).is_empty()
    before = fills.filter(pl.col("ts") < began)
    assert position(before) != 0.0
    left = position(pl.concat([before, during]))
    if policy == "close":
        assert left == 0.0
        assert during["purpose"].to_list() == ["flatten"]
    else:
        assert during.filter(~pl.col("purpose").is_in(["stop_loss", "exit"])).is_empty()
        never = orders.filter(pl.col("status") == "never_sent")
        assert never.height > 0
        assert never["reason"].unique().to_list() == ["halted by ada (cli): news"]
        assert never.filter(~pl.col("ts").is_between(began, ended)).is_empty()
    # Lifted, it trades again.
    assert not fills.filter((pl.col("ts") > ended) & (pl.col("purpose") == "entry")).is_empty()
    assert not (made.directory / "HALT").exists()


def test_keep_holds_a_position_and_its_stop(tmp_path: Path) -> None:
    at, _ = first_entry(tmp_path)
    made = system(tmp_path, "held")
    seen: list[list[dict[str, Any]]] = []

    def halt() -> None:
        seen.append(made.engine.positions())
        ask_to_halt(made.directory, "news", who="ada", policy="keep")

    ran(made, {at + 1: halt, at + 4: lambda: seen.append(made.engine.positions())}).close()
    before, after = seen
    assert before[0]["quantity"] == after[0]["quantity"] != 0.0
    assert after[0]["stop"] is not None


def test_a_resting_entry_is_withdrawn(tmp_path: Path) -> None:
    at, _ = first_entry(tmp_path)
    made = system(tmp_path, "withdrawn")
    # Sent on the close of the bar before, it waits for the open.
    with ran(made, {at - 1: lambda: ask_to_halt(made.directory, "news", who="ada")}) as ledger:
        orders = ledger.frame("orders", "withdrawn")
        assert ledger.frame("fills", "withdrawn").is_empty()
    first = orders.row(0, named=True)
    assert (first["purpose"], first["status"]) == ("entry", "cancelled")
    assert set(orders["status"][1:].to_list()) == {"never_sent"}


def test_it_survives_a_restart_and_a_resumed_run_is_still_halted(tmp_path: Path) -> None:
    at, _ = first_entry(tmp_path)
    made = system(tmp_path, "again")

    def halt() -> None:
        ask_to_halt(made.directory, "news", who="ada", policy="close")

    ran(made, {at + 2: halt, at + 20: made.stop}).close()
    (made.directory / "HALT").unlink()  # as if the folder had been cleaned; the journal knows
    later = system(tmp_path, "again")
    with ran(later, {}) as ledger:
        fills = ledger.frame("fills", "again")
        assert ledger.info("again")["status"] == "finished"
        assert ledger.verify("again").is_sound
        assert fills["purpose"].to_list() == ["entry", "flatten"]
    assert (later.directory / "HALT").exists()


def test_a_run_that_starts_halted_trades_nothing(tmp_path: Path) -> None:
    assert main(["halt", "--reason", "not today", "--config", config_file(tmp_path)]) == 0
    with ran(system(tmp_path / "runs", "late"), {}) as ledger:
        assert ledger.frame("fills", "late").is_empty()
        assert ledger.frame("incidents", "late")["kind"].to_list() == ["halt"]
        assert ledger.frame("decisions", "late").height == 1_200


def test_a_person_lifts_a_halt_by_drawdown(tmp_path: Path) -> None:
    # So tight that the run halts by itself soon.
    risk = {"drawdown": {"half": 0.0008, "no_new_risk": 0.0009, "halt": 0.001, "recovery": 0.0005}}
    with ran(system(tmp_path, "deep", risk=risk), {}) as ledger:
        incidents = ledger.frame("incidents", "deep")
        halted = incidents.filter(pl.col("message").str.contains("halt"))["ts"][0]
        times = ledger.frame("equity", "deep")["ts"]
        assert ledger.frame("fills", "deep").filter(pl.col("ts") > halted + pl.duration(hours=2)).is_empty()
    made = system(tmp_path, "lifted", risk=risk)
    lift_at = int((times <= halted).sum()) + 10
    with ran(made, {lift_at: lambda: ask_to_resume(made.directory, "understood", who="ada")}) as ledger:
        assert not ledger.frame("fills", "lifted").filter(pl.col("ts") > times[lift_at]).is_empty()


# ---------------------------------------------------------------- the commands, and a process


def config_file(folder: Path) -> str:
    file = folder / "mirrorfast.toml"
    file.write_text(f'runs = "{folder / "runs"}"\n')
    return str(file)


def running(folder: Path, run: str) -> subprocess.Popen[str]:
    words = ["live", "--json", "--symbols", "BTC/USD", "--speed", "20", "--run", run, "--config", config_file(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mirrorfast", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (folder / "runs" / run / "run.lock").exists() or not (folder / "runs" / run / "run.lock").read_text():
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["status"] == "interrupted"


def test_commands_halt_and_resume_a_running_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = running(tmp_path, "demo")
    config = ["--config", config_file(tmp_path)]
    try:
        assert main(["halt", "--reason", "news", "--run", "demo", "--wait", "100", "--json", *config]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] is True
        assert document["runs"][0]["pid"] == process.pid
        assert document["runs"][0]["halt"]["reason"] == "news"
        assert main(["resume", "--reason", "over", "--run", "demo", *config]) == 2  # nobody at a terminal said yes
        assert "--yes" in capsys.readouterr().err
        assert main(["resume", "--reason", "over", "--run", "demo", "--yes", *config]) == 0
        deadline = time.monotonic() + 100
        while (tmp_path / "runs" / "demo" / "RESUME").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # And once more, by a signal.
        os.kill(process.pid, signal.SIGUSR1)
        while not (tmp_path / "runs" / "demo" / "HALT").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop(process)
    with Ledger.open(tmp_path / "runs" / "demo" / "ledger.sqlite", create=False) as ledger:
        kinds = ledger.frame("incidents", "demo").filter(pl.col("kind").is_in(["halt", "resume"]))["kind"].to_list()
    assert kinds[:2] == ["halt", "resume"]
    assert set(kinds[2:]) <= {"halt"}  # stopped before the next bar it is only in the file


def test_two_processes_of_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = running(tmp_path, "demo")
    try:
        words = ["live", "--symbols", "BTC/USD", "--run", "demo", "--config", config_file(tmp_path)]
        assert main(words) == 1
        assert f"process {process.pid} on" in capsys.readouterr().err
    finally:
        stop(process)


def test_bad_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", config_file(tmp_path)]
    for words in (
        ["halt", "--reason", "", *config],
        ["halt", "--reason", "x", "--run", "none", *config],
        ["halt", "--reason", "x", "--run", "../etc", *config],
        ["halt", "--reason", "x", "--ledger", "/nowhere", *config],
        ["halt", *config],
        ["resume", "--reason", "x", "--yes", *config],
    ):
        assert main(words) == 2, words
        assert capsys.readouterr().err.count("\n") == 1
