"""Rows C1 to C6 of the fault matrix, for a ledger in a file: what was sent is there, what is not there was not sent."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mirrorfast.errors import LedgerError
from mirrorfast.ledger import Batch, Checkpoint, Ledger

ORDER = {"symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": 1.0, "purpose": "entry"}


def intent(number: int) -> Batch:
    batch = Batch(number)
    batch.order(ORDER | {"id": number})
    return batch


def begun(ledger: Ledger):
    writer = ledger.run("r", mode="live", config={}, symbols=["BTC/USD"], commit="each")
    writer.begin()
    return writer


def test_c1_an_intent_waits_for_another_writer(path: Path) -> None:
    with Ledger.open(path, busy_timeout_s=60.0) as ledger:
        writer = begun(ledger)
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        freed = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        freed.start()
        writer.record_intents(intent(1))  # returns once it is on the disk
        freed.join()
        other.close()
        assert [o["id"] for o in writer.open_orders()] == [1]
        assert ledger.rows("orders", "r")[0]["status"] == "intent"
        writer.close()


def test_c1_a_reader_holds_nobody_up(path: Path) -> None:
    with Ledger.open(path, busy_timeout_s=0.05) as ledger:
        writer = begun(ledger)
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        for number in range(1, 20):
            writer.record_intents(intent(number))
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (0,)  # its own moment
        reader.execute("ROLLBACK")
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (19,)
        reader.close()
        writer.close()


FILL_UP = """
import sys
from pathlib import Path
from mirrorfast.errors import LedgerError
from mirrorfast.ledger import Batch, Ledger
folder = Path(sys.argv[1])
sent = []
with Ledger.open(folder / "ledger.sqlite") as ledger:
    writer = ledger.run("r", mode="live", config={}, symbols=["BTC/USD"], commit="each")
    writer.begin()
    def send(number):
        batch = Batch(number)
        order = {"id": number, "symbol": "BTC/USD", "side": "buy", "type": "market"}
        batch.order(order | {"quantity": 1.0, "purpose": "entry"})
        writer.record_intents(batch)
        sent.append(number)          # only what was stored leaves
    send(1)
    with open(folder / "ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass
    refused = 0
    for number in range(2, 200):
        try:
            send(number)
        except LedgerError as error:
            assert "the disk is full" in str(error), error
            refused += 1
    assert refused > 0, "the disk was not full"
    assert [o["id"] for o in writer.open_orders()] == sent
    (folder / "ballast").unlink()
    send(1000)
    writer.finish("interrupted")
    assert [row["id"] for row in ledger.rows("orders", "r")] == sent
    assert ledger.verify("r").is_sound
print("sent", len(sent), "refused", refused)
"""


def test_c2_on_a_disk_that_is_really_full_no_intent_is_taken_for_stored(tmp_path: Path) -> None:
    """A file system of a megabyte, in a mount namespace of its own: it goes with its process."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    mount = f"mount -t tmpfs -o size=1m tmpfs {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace may be made here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$0" "$@"', sys.executable, "-c", FILL_UP, tmp_path],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "refused" in done.stdout


def test_c4_after_a_power_loss_no_intent_that_was_sent_is_missing(path: Path, tmp_path: Path) -> None:
    """What `record_intents` returned from is in the files as they are at that moment, without the shared memory."""
    with Ledger.open(path) as ledger:
        writer = begun(ledger)
        # A commit returns when the disk has it: the log is synced at each (2 is FULL).
        assert writer._connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert writer._connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        writer._connection.commit()
        for number in range(1, 30):
            writer.record_intents(intent(number))
            place = tmp_path / f"after{number}"
            place.mkdir()
            for file in (path, path.with_name(path.name + "-wal")):
                shutil.copy(file, place / file.name)
            if number % 7 == 0:
                filled = Batch(number)
                filled.fill(
                    {"id": number, "order": number, "symbol": "BTC/USD", "side": "buy", "quantity": 1.0, "price": 9.0}
                )
                writer.write(filled, checkpoint=lambda n=number: Checkpoint(n, b"engine", b"broker", {}))
        writer.close()
    for number in range(1, 30):
        with Ledger.open(tmp_path / f"after{number}" / path.name) as restored:
            assert [row["id"] for row in restored.rows("orders", "r")] == list(range(1, number + 1))
            assert restored.verify("r").is_sound
            again = restored.run("r", mode="live", config={}, symbols=["BTC/USD"], commit="each")
            again.resume()
            assert number in [o["id"] for o in again.open_orders()]
            again.close()


@pytest.mark.parametrize("damage", ["torn", "empty", "gone", "other"])
def test_c5_a_damaged_file_is_told_and_never_begun_anew(path: Path, damage: str) -> None:
    with Ledger.open(path) as ledger:
        writer = begun(ledger)
        for number in range(1, 200):
            writer.record_intents(intent(number))
        # The log is left beside the file, as after a kill.
        wal = path.with_name(path.name + "-wal")
        copies = {file: file.read_bytes() for file in (path, wal)}
        writer.close()
    for file, content in copies.items():
        file.write_bytes(content)
    if damage == "torn":
        wal.unlink()
        path.write_bytes(copies[path][:4096] + os.urandom(len(copies[path]) - 4096))
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"not a database at all" * 500)
    before = {file: file.read_bytes() for file in (path, wal) if file.exists()}
    with pytest.raises(LedgerError, match="damaged|empty|is gone|not a ledger"):
        Ledger.open(path)
    assert {file: file.read_bytes() for file in (path, wal) if file.exists()} == before
