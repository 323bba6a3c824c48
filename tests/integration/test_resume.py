"""A run that is stopped or killed goes on where it was, and its ledger equals that of an uninterrupted one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mirrorfast.ledger import Ledger

MIRRORFAST = [sys.executable, "-m", "mirrorfast"]


def command(folder: Path, *extra: str) -> list[str]:
    return [*MIRRORFAST, "live", "--json", "--symbols", "BTC/USD", "--to", "2017-09-15", *extra]


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"MIRRORFAST_RUNS": str(folder)}


def finished(folder: Path, run: str) -> tuple[dict, str]:
    done = subprocess.run(
        command(folder, "--run", run), env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    with Ledger.open(folder / run / "ledger.sqlite", create=False) as ledger:
        return json.loads(done.stdout), ledger.fingerprint(run)


def test_kill_and_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    summary, whole = finished(tmp_path, "whole")
    assert summary["status"] == "finished"
    assert summary["trades"] > 5
    process = subprocess.Popen(
        command(tmp_path, "--run", "killed", "--speed", "700"),
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    ledger_file = tmp_path / "killed" / "ledger.sqlite"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if ledger_file.exists():
            with Ledger.open(ledger_file, create=False) as ledger:
                if ledger.has_run("killed") and ledger.last_checkpoint("killed") is not None:
                    break
        time.sleep(0.05)
    assert process.poll() is None, process.stderr.read()
    process.kill()
    process.wait()
    process.stderr.close()
    resumed, fingerprint = finished(tmp_path, "killed")
    assert resumed["status"] == "finished"
    assert fingerprint == whole
    assert resumed["trades"] == summary["trades"]


def test_interrupt_stops_at_a_bar_and_resume_goes_on(tmp_path: Path) -> None:
    _, whole = finished(tmp_path, "whole")
    process = subprocess.Popen(
        command(tmp_path, "--run", "stopped", "--speed", "500"),
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["status"] == "interrupted"
    assert summary["bars"] > 0
    _, fingerprint = finished(tmp_path, "stopped")
    assert fingerprint == whole


def test_another_configuration_under_the_same_name_is_refused(tmp_path: Path) -> None:
    finished(tmp_path, "once")
    done = subprocess.run(
        command(tmp_path, "--run", "once"),
        env=environment(tmp_path) | {"MIRRORFAST_CAPITAL": "20000"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "capital" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("times", [2])
def test_a_finished_run_is_shown_again(tmp_path: Path, times: int) -> None:
    results = [finished(tmp_path, "again") for _ in range(times)]
    assert results[0] == results[-1]
