"""The kill switch as a file: asked for, engaged, lifted, lost, restored."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from mirrorfast.errors import ParameterError
from mirrorfast.execution.control import KillSwitch, ask_to_halt, ask_to_resume, halt_of
from mirrorfast.ledger import Batch, Ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "runs" / "demo"
    made.mkdir(parents=True)
    return made


def test_asked_engaged_lifted(folder: Path) -> None:
    switch = KillSwitch(folder, shared=folder.parent)
    assert switch.check() is None
    ask_to_halt(folder, "news", who="ada", policy="close")
    change = switch.check()
    assert change is not None
    assert (change.kind, change.halt) == ("halt", switch.halted)
    assert (switch.halted.reason, switch.halted.who, switch.halted.policy) == ("news", "ada", "close")
    assert halt_of(folder).engaged is not None  # who asked can see that it was taken note of
    assert switch.check() is None
    ask_to_resume(folder, "over", who="bob")
    change = switch.check()
    assert (change.kind, change.who, change.reason) == ("resume", "bob", "over")
    assert switch.halted is None
    assert switch.check() is None
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "the cat is on the keyboard", "{", "[1, 2]", '{"policy": "sell!", "when": "x"}', "\xff"]
)
def test_any_file_of_that_name_halts(folder: Path, text: str) -> None:
    (folder / "HALT").write_text(text, encoding="latin-1")
    switch = KillSwitch(folder, policy="close")
    change = switch.check()
    assert change.kind == "halt"
    assert change.halt.source == "file"
    assert change.halt.policy == "close"
    assert change.halt.who
    if text.startswith("the cat"):
        assert change.halt.reason == text


def test_a_folder_of_that_name_halts_too(folder: Path) -> None:
    (folder / "HALT").mkdir()
    assert KillSwitch(folder).check().kind == "halt"


def test_one_file_halts_every_run_and_the_next_one(folder: Path) -> None:
    first, second = KillSwitch(folder, shared=folder.parent), KillSwitch(folder.parent / "later", shared=folder.parent)
    ask_to_halt(folder.parent, "everything", who="ada")
    assert first.check().halt.reason == "everything"
    assert second.check().halt.reason == "everything"
    # Each keeps its own now: lifting one file is not enough.
    ask_to_resume(folder, "over", who="ada")
    assert first.check() is None
    (folder.parent / "HALT").unlink()
    assert first.check().kind == "resume"
    assert second.check() is None
    assert second.halted is not None


def test_a_file_that_vanished_is_no_leave(folder: Path) -> None:
    switch = KillSwitch(folder)
    ask_to_halt(folder, "news", who="ada")
    switch.check()
    (folder / "HALT").unlink()
    assert switch.check().kind == "halt_restored"
    assert switch.halted is not None
    assert halt_of(folder).reason == "news"
    assert switch.check() is None


def test_leave_of_an_earlier_halt_does_not_lift_the_next(folder: Path) -> None:
    ask_to_resume(folder, "early", who="ada")
    ask_to_halt(folder, "news", who="ada")
    switch = KillSwitch(folder)
    assert switch.check().kind == "halt"
    (folder / "HALT").unlink()
    assert switch.check().kind == "halt_restored"


def test_it_survives_a_restart(folder: Path) -> None:
    ask_to_halt(folder, "news", who="ada")
    KillSwitch(folder).check()
    assert KillSwitch(folder).check().halt.reason == "news"


def test_it_survives_the_loss_of_its_folder(folder: Path) -> None:
    with Ledger.open(folder.parent / "ledger.sqlite") as ledger:
        writer = ledger.run("demo", mode="paper", config={}, symbols=["X"])
        writer.begin()
        switch = KillSwitch(folder)
        ask_to_halt(folder, "news", who="ada", policy="close")
        batch = Batch(1_500_000_000_000)
        change = switch.check()
        batch.incident(change.kind, change.sentence, severity="critical", details=change.details())
        writer.write(batch)
        writer.finish("interrupted")
        (folder / "HALT").unlink()
        folder.rmdir()
        later = KillSwitch(folder)
        later.recall(ledger, "demo")
        halt = later.check().halt
        assert (halt.reason, halt.who, halt.policy) == ("news", "ada", "close")
        other = KillSwitch(folder.parent / "other")
        other.recall(ledger, "other")
        assert other.check() is None


def test_from_within_and_by_signal(folder: Path) -> None:
    async def run() -> KillSwitch:
        switch = KillSwitch(folder)
        with switch.listen(asyncio.get_running_loop()):
            os.kill(os.getpid(), signal.SIGUSR1)
            while not (folder / "HALT").exists():
                await asyncio.sleep(0)
        return switch

    before = signal.getsignal(signal.SIGUSR1)
    switch = asyncio.run(run())
    assert signal.getsignal(signal.SIGUSR1) in (before, signal.SIG_DFL)
    assert switch.check().halt.source == "signal"
    switch.ask("again", who="x", source="lock")  # a halt in force stays as it is
    assert switch.halted.source == "signal"


def test_where_no_file_can_be_written_the_halt_holds_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    switch = KillSwitch(tmp_path / "file" / "run")
    switch.ask("disk full", who="mirrorfast", source="lock")
    assert switch.check().kind == "halt"
    assert switch.check() is None
    assert switch.halted.reason == "disk full"


def test_a_person_lifts_what_the_risk_engine_halted(folder: Path) -> None:
    switch = KillSwitch(folder)
    ask_to_resume(folder, "understood", who="ada")
    change = switch.check()
    assert (change.kind, change.halt, change.who) == ("resume", None, "ada")
    assert switch.check() is None


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_wanted(folder: Path, reason: str) -> None:
    for ask in (ask_to_halt, ask_to_resume):
        with pytest.raises(ParameterError, match="expected why"):
            ask(folder, reason)
        with pytest.raises(ParameterError, match="expected the folder"):
            ask(folder / "none", "news")
    assert list(folder.iterdir()) == []


def test_what_is_written_holds_no_secret(folder: Path) -> None:
    ask_to_halt(folder, "GET /order?signature=0a1b2c3d4e5f failed", who="ada")
    assert "0a1b2c3d4e5f" not in (folder / "HALT").read_text()
    assert json.loads((folder / "HALT").read_text())["reason"].startswith("GET /order")
