"""The lock with an owner: who is refused, who may take over, what is said."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mirrorfast.errors import LedgerError
from mirrorfast.ledger.instance import InstanceLock, Owner, account_lock, is_held, ledger_lock, owner_of

HOLD = """
import sys
from pathlib import Path
from mirrorfast.ledger.instance import InstanceLock
with InstanceLock(Path(sys.argv[1]), "run other"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.lock"


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def left_by(path: Path, **changes: object) -> Owner:
    owner = replace(Owner.present("run old"), pid=4_000_000, started=77, **changes)
    path.write_text(json.dumps(asdict(owner)))
    return owner


def test_another_process_is_refused_and_named(path: Path) -> None:
    process = holder(path)
    try:
        assert is_held(path)
        with pytest.raises(LedgerError, match=rf"run mine: process {process.pid} on .*last sign of life.*holds it"):
            InstanceLock(path, "run mine").__enter__()
    finally:
        process.communicate("")
    assert not is_held(path)
    assert owner_of(path) is None
    with InstanceLock(path, "run mine"):
        assert owner_of(path) is not None


def test_a_killed_owner_is_followed_at_once(path: Path) -> None:
    process = holder(path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert owner_of(path) is not None  # it stands there still
    with InstanceLock(path, "run mine") as lock:
        assert owner_of(path).pid == os.getpid()  # type: ignore[union-attr]
        assert lock.lost is None


def test_a_second_one_in_the_same_process_is_refused(path: Path) -> None:
    with InstanceLock(path, "run a"), pytest.raises(LedgerError, match=f"process {os.getpid()} "):
        InstanceLock(path, "run a").__enter__()


def test_an_owner_on_another_machine_is_not_taken_over_from(path: Path) -> None:
    # Its last sign of life is years old, and still nothing is known of it.
    left_by(path, host="elsewhere", machine="m", boot="b", beat=1_500_000_000_000)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=rf"another machine.*if it has, remove {path}"):
        InstanceLock(path, "run a").__enter__()
    assert path.read_bytes() == before
    path.unlink()
    with InstanceLock(path, "run a"):
        pass


def test_an_owner_before_a_restart_of_this_machine_has_ended() -> None:
    present = replace(Owner.present("x"), machine="m")
    assert replace(present, boot="earlier", pid=1).why_not_gone(present) is None
    assert replace(present, boot="earlier", machine="other").why_not_gone(present) is not None
    assert replace(present, boot="", machine="").why_not_gone(replace(present, machine="")) is not None


def test_an_owner_that_lives_without_its_lock_is_not_taken_over_from(path: Path) -> None:
    process = holder(path)
    try:
        copy = path.read_bytes()
        path.unlink()  # a restored backup takes the file's place: the kernel's lock is on another file now
        path.write_bytes(copy)
        with pytest.raises(LedgerError, match="that process lives"):
            InstanceLock(path, "run a").__enter__()
    finally:
        process.communicate("")


def test_a_number_that_is_used_again_is_another_process(path: Path) -> None:
    owner = left_by(path)
    path.write_text(json.dumps(asdict(replace(owner, pid=1))))  # lives, but was started at another time
    with InstanceLock(path, "run a"):
        pass


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "null", "[1]", "x" * 5_000, "\x00" * 100])
def test_whatever_stands_in_the_file_the_kernel_decides(path: Path, text: str) -> None:
    path.write_text(text)
    assert owner_of(path) is None
    with InstanceLock(path, "run a"):
        assert owner_of(path) is not None


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lost_lock_is_noticed(path: Path, how: str) -> None:
    told, said = threading.Event(), []

    def lost(reason: str) -> None:
        said.append(reason)
        told.set()

    with InstanceLock(path, "run a", on_lost=lost, beat_s=0.01) as lock:
        path.unlink()
        if how == "replaced":
            path.write_text("")
        assert told.wait(60)
    assert "the lock of run a is lost" in said[0]
    assert lock.lost is not None


def test_signs_of_life(path: Path) -> None:
    seen = set()
    with InstanceLock(path, "run a", beat_s=0.001):
        for _ in range(100_000):
            owner = owner_of(path)
            assert owner is not None, "torn"
            seen.add(owner.beat)
            if len(seen) > 2:
                break
    assert len(seen) > 2


def test_accounts_and_prefixes(tmp_path: Path) -> None:
    with account_lock("binance", "key-1", "mf", folder=tmp_path):
        with pytest.raises(LedgerError, match="account of binance"):
            account_lock("binance", "key-1", "mf", folder=tmp_path).__enter__()
        with account_lock("binance", "key-1", "other", folder=tmp_path):
            pass
        with account_lock("binance", "key-2", "mf", folder=tmp_path):
            pass
    assert "key-1" not in "".join(f.name + f.read_text() for f in tmp_path.iterdir())


def test_one_daemon_per_ledger_file(tmp_path: Path) -> None:
    with ledger_lock(tmp_path / "new" / "ledger.sqlite"):
        with pytest.raises(LedgerError, match="holds it"):
            ledger_lock(tmp_path / "new" / "ledger.sqlite").__enter__()
        with ledger_lock(tmp_path / "other.sqlite"):
            pass


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"file"):
        InstanceLock(tmp_path / "file" / "lock", "run a").__enter__()
