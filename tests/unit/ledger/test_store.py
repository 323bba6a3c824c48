import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mirrorfast.errors import LedgerError, MirrorfastError, ParameterError
from mirrorfast.ledger import Batch, Checkpoint, Ledger, events, migrate, opening
from mirrorfast.ledger.database import connect
from mirrorfast.ledger.schema import METADATA, SCHEMA_VERSION

#: The revision after this release's.
NEXT = f"{SCHEMA_VERSION + 1:04d}"
ORDER = {"id": 1, "symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": 1.0, "purpose": "entry"}


def writer_of(ledger, run="r", **options):
    return ledger.run(run, mode="replay", config={"a": 1}, symbols=["BTC/USD"], **options)


def equity_batch(ts, equity=1.5):
    batch = Batch(ts)
    batch.equity({"equity": equity})
    return batch


def state_of(ts):
    return Checkpoint(ts, b"engine", b"broker", {"row": ts})


@pytest.fixture
def sound(path, synthetic):
    """A finished run of 60 bars, closed."""
    synthetic.write_run(path, "r", bars=60)
    return path


# ---------------------------------------------------------------- opening


def test_the_revisions_make_exactly_the_tables(path):
    Ledger.open(path).close()
    engine = connect(path, readonly=True)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_new_ledger_leaves_no_other_files(path):
    Ledger.open(path).close()
    assert [p.name for p in path.parent.iterdir()] == ["ledger.sqlite"]


def test_folders_are_made(tmp_path):
    with Ledger.open(tmp_path / "a" / "b" / "ledger.sqlite") as ledger:
        assert ledger.runs().height == 0
        with pytest.raises(LedgerError, match="it has no runs"):
            ledger.latest_run()


def test_a_missing_file_is_not_made_unasked(path):
    with pytest.raises(LedgerError, match="no such file"):
        Ledger.open(path, create=False)
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"time,open,high\n1,2,3\n", "not a ledger (it starts with b'time,open,high"),
        (b"SQLite format 3\x00" + b"\x00" * 4000, "the file is damaged"),
        (b"SQLite format 3\x00" + os.urandom(8000), "ledger"),
    ],
)
def test_other_files_are_refused_and_left_alone(path, content, message):
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=re.escape(message)):
        Ledger.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("create table notes (x)")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match="not a ledger \\(its tables are notes\\)"):
        Ledger.open(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(LedgerError, match="expected a file"):
        Ledger.open(tmp_path)


def test_a_lost_file_beside_its_log_is_refused(path):
    path.with_name(path.name + "-wal").write_bytes(b"x" * 100)
    with pytest.raises(LedgerError, match="it is gone, but its log"):
        Ledger.open(path)
    assert not path.exists()


def test_a_ledger_in_memory_is_refused():
    with pytest.raises(ParameterError, match="expected a file"):
        Ledger.open("sqlite:///:memory:")


def test_bad_urls_are_refused_without_their_password():
    for url in ("post gres://user:hunter2@host", "nosuchdb://user:hunter2@host/db"):
        with pytest.raises(ParameterError) as caught:
            Ledger.open(url)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_torn_file_is_refused(sound, share):
    size = sound.stat().st_size
    with sound.open("r+b") as file:
        file.truncate(int(size * share) // 4096 * 4096)
    before = sound.read_bytes()
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.open(sound)
    assert sound.read_bytes() == before


def test_random_damage_never_raises_anything_else(sound, tmp_path):
    """Overwritten bytes: refused, or (in free or text bytes) read; never another exception, never an empty ledger."""
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    rng, good, refused = random.Random(seed), sound.read_bytes(), 0
    for number in range(40):
        bad = tmp_path / f"bad{number}.sqlite"
        data = bytearray(good)
        start = rng.randrange(len(data) - 600)
        data[start : start + 600] = rng.randbytes(600)
        bad.write_bytes(data)
        try:
            with Ledger.open(bad) as ledger:
                assert ledger.verify("r").events > 0
        except (MirrorfastError, UnicodeDecodeError) as error:
            refused += isinstance(error, LedgerError)
    assert refused > 10


def test_a_newer_ledger_is_refused_with_both_versions(sound):
    connection = sqlite3.connect(sound)
    connection.execute("update meta set value = '99' where key = 'schema_version'")
    connection.execute("update meta set value = '9.1.0' where key = 'app_version'")
    connection.commit()
    connection.close()
    with pytest.raises(
        LedgerError,
        match=rf"written by mirrorfast 9\.1\.0 \(schema 99\); this is mirrorfast .* \(schema {SCHEMA_VERSION}\)",
    ):
        Ledger.open(sound)


def test_an_older_ledger_is_upgraded_after_a_copy(sound, tmp_path, monkeypatch):
    scripts = tmp_path / "revisions"
    shutil.copytree(Path(migrate.__file__).parent / "migrations", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / f"rev_{NEXT}_next.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '{NEXT}', '{SCHEMA_VERSION:04d}'\n"
        "branch_labels = depends_on = None\n"
        "def upgrade():\n    op.add_column('runs', sa.Column('note', sa.String))\n"
    )
    upgrade = migrate.upgrade
    monkeypatch.setattr(opening, "SCHEMA_VERSION", int(NEXT))
    monkeypatch.setattr(
        migrate, "upgrade", lambda engine, name: upgrade(engine, name, scripts=str(scripts), version=int(NEXT))
    )
    with Ledger.open(sound) as ledger:
        assert ledger.verify("r").is_sound
    backup = sound.with_name(f"ledger.sqlite.v{SCHEMA_VERSION}.bak")
    connection = sqlite3.connect(backup)
    assert connection.execute("select value from meta where key = 'schema_version'").fetchone() == (
        str(SCHEMA_VERSION),
    )
    connection.close()
    connection = sqlite3.connect(sound)
    assert connection.execute("select value from meta where key = 'schema_version'").fetchone() == (str(int(NEXT)),)
    assert connection.execute("select note from runs").fetchone() == (None,)
    connection.close()


def test_a_ledger_of_the_first_schema_keeps_its_rows(path, synthetic, monkeypatch):
    new = {"fill": {"rate", "attempt", "fee_currency", "fee_quantity"}, "trade": {"entry_rate", "exit_rate"}}
    with monkeypatch.context() as patch:
        # As the first release wrote it: neither events nor tables know of rates, attempts and fees as taken.
        for kind, names in new.items():
            patch.setitem(events.FIELDS, kind, tuple(f for f in events.FIELDS[kind] if f[0] not in names))
            patch.setitem(events._NAMES, kind, events._NAMES[kind] - names)
        synthetic.write_run(path, "r", bars=60)
    connection = sqlite3.connect(path)
    for table, names in (("fills", new["fill"]), ("trades", new["trade"])):
        for name in sorted(names):
            connection.execute(f"alter table {table} drop column {name}")
    connection.execute("update alembic_version set version_num = '0001'")
    connection.execute("update meta set value = '1' where key = 'schema_version'")
    fills = connection.execute("select * from fills order by id").fetchall()
    assert len(fills) > 3
    connection.commit()
    connection.close()
    with Ledger.open(path) as ledger:
        assert ledger.verify("r").is_sound
        frame = ledger.frame("fills", "r")
        assert frame.height == len(fills)
        assert frame["rate"].null_count() == len(fills)
    assert path.with_name("ledger.sqlite.v1.bak").exists()


def test_a_failed_upgrade_changes_nothing(sound, tmp_path, monkeypatch):
    scripts = tmp_path / "revisions"
    shutil.copytree(Path(migrate.__file__).parent / "migrations", scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / f"rev_{NEXT}_next.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '{NEXT}', '{SCHEMA_VERSION:04d}'\n"
        "branch_labels = depends_on = None\n"
        "def upgrade():\n    op.add_column('runs', sa.Column('note', sa.String))\n"
        "    op.execute('insert into nowhere values (1)')\n"
    )
    upgrade = migrate.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(opening, "SCHEMA_VERSION", int(NEXT))
        patch.setattr(
            migrate, "upgrade", lambda engine, name: upgrade(engine, name, scripts=str(scripts), version=int(NEXT))
        )
        with pytest.raises(LedgerError, match="nowhere"):
            Ledger.open(sound)
    with Ledger.open(sound) as ledger:
        assert ledger.verify("r").is_sound
    connection = sqlite3.connect(sound)
    assert "note" not in [row[1] for row in connection.execute("pragma table_info(runs)")]
    connection.close()


# ---------------------------------------------------------------- rights, space, locks


def test_an_unwritable_folder_is_named(tmp_path):
    with pytest.raises(LedgerError, match=r"/proc/none/ledger\.sqlite"):
        Ledger.open("/proc/none/ledger.sqlite")


def test_a_read_only_ledger_can_be_read(synthetic):
    """As another user, so that it holds for a test that runs as root, too."""
    code = (
        "import os, sys\n"
        "from mirrorfast.errors import LedgerError\n"
        "from mirrorfast.ledger import Ledger, migrate, verify\n"
        "folder = sys.argv[1]\n"
        # Everything is imported before the rights go: the interpreter may lie where only root reads.
        "Ledger.open(folder + '/warm/ledger.sqlite').runs()\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "ledger = Ledger.open(folder + '/shut/ledger.sqlite')\n"
        "assert ledger.verify('r').is_sound\n"
        "try: ledger.run('x', mode='replay', config={}, symbols=[]).begin()\n"
        "except LedgerError as error: print(error)\n"
        "try: Ledger.open(folder + '/shut/new.sqlite')\n"
        "except LedgerError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shut = folder / "shut"
        synthetic.write_run(shut / "ledger.sqlite", "r", bars=20)
        (shut / "ledger.sqlite.lock").unlink()
        (shut / "ledger.sqlite").chmod(0o444)
        shut.chmod(0o555)
        done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, timeout=60)
        shut.chmod(0o755)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "it cannot be written" in first
    assert "new.sqlite" in second
    assert "Permission denied" in second


def test_a_full_disk_loses_nothing_that_was_committed(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger, commit="each")
    writer.begin()
    writer.write(equity_batch(1), checkpoint=lambda: state_of(1))
    writer._connection.exec_driver_sql("PRAGMA max_page_count=40")
    writer._connection.commit()
    big = Batch(2)
    big.incident("test", "x" * 500_000)
    big.equity({"equity": 2.0})
    with pytest.raises(LedgerError, match="the disk is full"):
        writer.write(big, checkpoint=lambda: state_of(2))
    assert writer.waiting == 2
    assert ledger.frame("equity", "r").height == 1
    intents = Batch(3)
    intents.order(ORDER)
    with pytest.raises(LedgerError, match="the disk is full"):
        writer.record_intents(intents)
    assert writer.waiting == 2
    assert writer.open_orders() == []
    # Space again: what waited goes in, and the forgotten intent has left no trace.
    writer._connection.exec_driver_sql("PRAGMA max_page_count=100000")
    writer._connection.commit()
    writer.record_intents(intents)
    writer.finish(checkpoint=lambda: state_of(3))
    assert ledger.frame("equity", "r")["equity"].to_list() == [1.5, 2.0]
    assert ledger.rows("orders", "r")[0]["status"] == "intent"
    assert ledger.verify("r").is_sound
    ledger.close()


def test_a_locked_ledger_waits_a_bounded_time(path):
    ledger = Ledger.open(path, busy_timeout_s=0.3)
    writer = writer_of(ledger, commit="each")
    writer.begin()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    intents = Batch(3)
    intents.order(ORDER)
    start = time.monotonic()
    with pytest.raises(LedgerError, match="another process holds it"):
        writer.record_intents(intents)
    assert 0.25 < time.monotonic() - start < 5
    assert writer.waiting == 0
    other.execute("ROLLBACK")
    writer.record_intents(intents)
    assert ledger.rows("orders", "r")[0]["client_order_id"].startswith("mf-")
    other.close()
    writer.close()
    ledger.close()


def test_one_writer_per_run(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger)
    writer.begin()
    with pytest.raises(LedgerError, match="written by this very process"):
        writer_of(ledger).resume()
    code = (
        "import sys\nfrom mirrorfast.ledger import Ledger\nledger = Ledger.open(sys.argv[1])\n"
        "writer = ledger.run(sys.argv[2], mode='replay', config={'a': 1}, symbols=['BTC/USD'])\n"
        "print(writer.begin_or_resume())"
    )
    call = [sys.executable, "-c", code, str(path)]
    other = subprocess.run([*call, "r"], capture_output=True, text=True, timeout=60)
    assert "another process writes it" in other.stderr
    assert subprocess.run([*call, "other"], capture_output=True, text=True, timeout=60).stdout == "None\n"
    writer.close()
    assert subprocess.run([*call, "r"], capture_output=True, text=True, timeout=60).stdout == "None\n"
    ledger.close()


def test_readers_see_whole_transactions_while_a_writer_writes(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger, commit="each")
    writer.begin()
    stop, torn, reads = threading.Event(), [], []

    def read():
        with Ledger.open(path) as mine:
            while not stop.is_set():
                equity, incidents = mine.frame("equity", "r").height, mine.frame("incidents", "r").height
                reads.append(equity)
                # Both go in together; the second is read later, so it can only be ahead.
                if incidents < equity:
                    torn.append((equity, incidents))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for ts in range(150):
        batch = equity_batch(ts)
        batch.incident("test", "x")
        writer.write(batch)
    stop.set()
    for thread in threads:
        thread.join()
    writer.finish()
    assert torn == []
    assert len(reads) > 3
    ledger.close()


# ---------------------------------------------------------------- writing and reading


def test_rows_read_back_as_written(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger)
    writer.begin()
    batch = Batch(1_500_000_000_000)
    batch.decision(
        {"id": 1, "symbol": "BTC/USD", "price": 0.1, "votes": {"ut_bot": {"signal": 1.0}}, "reasons": ["a — ü"]}
    )
    batch.order(ORDER | {"decision": 1, "price": Decimal("0.30000000000000000001")})
    writer.write(batch)
    writer.finish()
    decision, order = ledger.rows("decisions", "r")[0], ledger.rows("orders", "r")[0]
    assert decision["price"] == Decimal("0.1")
    assert decision["votes"] == {"ut_bot": {"signal": 1.0}}
    assert decision["reasons"] == ["a — ü"]
    assert order["price"] == Decimal("0.30000000000000000001")
    assert order["reduce_only"] is False
    frame = ledger.frame("orders", "r", exact=True)
    assert frame["price"].to_list() == ["0.30000000000000000001"]
    assert ledger.frame("orders", "r").schema["ts"] == pl.Datetime("ms", "UTC")
    assert ledger.frame("orders", "none").columns == frame.columns
    with pytest.raises(ParameterError, match="expected one of"):
        ledger.frame("runs", "r")
    with pytest.raises(LedgerError, match=r"run 'x' .* the newest are r"):
        ledger.info("x")
    assert ledger.info("r")["symbols"] == ["BTC/USD"]
    assert ledger.latest_run() == "r"
    ledger.close()


def test_orders_change_across_commits(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger, commit="each")
    writer.begin()
    intents = Batch(1)
    intents.order(ORDER)
    writer.record_intents(intents)
    assert writer.next_attempt(1) == 2
    assert writer.next_attempt(2) == 1
    sent = Batch(2)
    sent.order_status({"id": 1, "status": "accepted", "venue_order_id": "77"})
    writer.write(sent)
    fill = Batch(3)
    fill.fill({"id": 1, "order": 1, "symbol": "BTC/USD", "side": "buy", "quantity": 1.0, "price": 9.0})
    writer.write(fill)
    row = ledger.rows("orders", "r")[0]
    assert (row["status"], row["venue_order_id"], row["filled"], row["updated"]) == ("filled", "77", Decimal(1), 3)
    assert ledger.verify("r").is_sound
    writer.close()
    ledger.close()


def test_a_venue_trade_is_booked_once(path):
    ledger = Ledger.open(path)
    writer = writer_of(ledger, commit="each")
    writer.begin()
    batch = Batch(1)
    batch.order(ORDER)
    fill = {"order": 1, "symbol": "BTC/USD", "side": "buy", "quantity": 0.1, "price": 9.0, "venue_trade_id": "t1"}
    batch.fill(fill | {"id": 1})
    writer.write(batch)
    again = Batch(2)
    again.fill(fill | {"id": 2})
    writer.write(again)
    assert writer.has_trade("BTC/USD", "t1")
    assert not writer.has_trade("BTC/USD", "t2")
    assert [row["id"] for row in writer.fills(1)] == [1]
    writer.close()
    assert ledger.frame("fills", "r").height == 1
    assert ledger.verify("r").is_sound
    ledger.close()


def test_intents_go_with_what_came_before_them_and_with_a_state(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger, commit="each")
        writer.begin()
        batch = equity_batch(1)
        batch.order(ORDER)
        writer.record_intents(batch, checkpoint=lambda: Checkpoint(1, b"engine", feed={}))
        assert ledger.last_checkpoint("r").seq == writer.seq == 2
        assert ledger.frame("equity", "r").height == 1
        writer.close()
        with pytest.raises(LedgerError, match="not begun, or closed"):
            writer.write(equity_batch(1))


@pytest.mark.parametrize("bad", ["", "a b", "../x", "-x", "x" * 65, "é"])
def test_run_names_are_checked(path, bad):
    with Ledger.open(path) as ledger, pytest.raises(ParameterError, match="run"):
        writer_of(ledger, bad)


def test_options_are_checked(path):
    with Ledger.open(path) as ledger:
        with pytest.raises(ParameterError, match="commit 'often'"):
            writer_of(ledger, commit="often")
        with pytest.raises(ParameterError, match="group 0"):
            writer_of(ledger, group=0)


# ---------------------------------------------------------------- resuming


def test_runs_begin_once_and_finish_once(path):
    with Ledger.open(path) as ledger:
        with pytest.raises(LedgerError, match="there is no such run"):
            writer_of(ledger).resume()
        writer = writer_of(ledger)
        writer.begin()
        writer.finish()
        with pytest.raises(LedgerError, match="it exists already"):
            writer_of(ledger).begin()
        with pytest.raises(LedgerError, match="it is finished"):
            writer_of(ledger).begin_or_resume()


def test_another_configuration_is_refused(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger)
        writer.begin()
        writer.finish("interrupted")
        with pytest.raises(LedgerError, match="its configuration was another \\(a: 1 then, 2 now\\)"):
            ledger.run("r", mode="replay", config={"a": 2}, symbols=["BTC/USD"]).resume()


def test_rows_without_a_checkpoint_cannot_be_resumed(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger, group=1)
        writer.begin()
        writer.write(equity_batch(1))
        writer.close()
        with pytest.raises(LedgerError, match="its journal ends at event 1, its checkpoint at 0"):
            writer_of(ledger).resume()


def test_a_damaged_checkpoint_is_refused(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger, group=1)
        writer.begin()
        writer.write(equity_batch(1), checkpoint=lambda: state_of(1))
        writer.close()
        assert ledger.last_checkpoint("r") == Checkpoint(1, b"engine", b"broker", {"row": 1}, 1)
        connection = sqlite3.connect(path)
        connection.execute("update checkpoints set engine = x'00'")
        connection.commit()
        connection.close()
        with pytest.raises(LedgerError, match="its checkpoint at event 1 is damaged"):
            writer_of(ledger).resume()


def test_only_the_newest_checkpoints_stay(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger, group=1)
        writer.begin()
        for ts in range(1, 6):
            writer.write(equity_batch(ts), checkpoint=lambda ts=ts: state_of(ts))
        assert [row["ts"] for row in ledger.rows("checkpoints", "r")] == [4, 5]
        writer.close()


def test_live_resume_hands_back_open_orders(path):
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger, commit="each")
        writer.begin()
        writer.write(equity_batch(1), checkpoint=lambda: state_of(1))
        intents = Batch(2)
        intents.order(ORDER)
        intents.order(ORDER | {"id": 2})
        writer.record_intents(intents)
        done = Batch(2)
        done.order_status({"id": 2, "status": "rejected", "reason": "min notional"})
        writer.write(done)
        writer.close()
        again = writer_of(ledger, commit="each")
        assert again.resume().ts == 1
        assert [(o["id"], o["status"]) for o in again.open_orders()] == [(1, "intent")]
        assert again.seq == 4
        closed = Batch(3)
        closed.order_status({"id": 1, "status": "never_sent"})
        closed.order_status({"id": 2, "status": "accepted"})  # late: changes nothing
        again.write(closed, checkpoint=lambda: state_of(3))
        again.finish()
        assert [(o["status"], o["reason"]) for o in ledger.rows("orders", "r")] == [
            ("never_sent", None),
            ("rejected", "min notional"),
        ]
        assert ledger.verify("r").is_sound
        assert ledger.info("r")["resumed"] == 1


# ---------------------------------------------------------------- comparing and verifying


def test_equal_runs_have_equal_fingerprints(path, synthetic):
    digests = [synthetic.write_run(path, run, bars=80, group=group) for run, group in (("a", 7), ("b", 500))]
    other = synthetic.write_run(path, "c", bars=80, seed=8)
    with Ledger.open(path) as ledger:
        assert ledger.fingerprint("a") == ledger.fingerprint("b") != ledger.fingerprint("c")
        assert digests[0] == digests[1] != other
        assert ledger.runs()["id"].to_list() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("update fills set price = '1' where id = 1", "fills: id 1: price is '1'"),
        ("update orders set status = 'accepted' where id = 1", "orders: id 1, attempt 1: status is 'accepted'"),
        ("delete from decisions where id = 3", "decisions: id 3 is missing"),
        (
            "insert into equity (run, ts, seq, equity) values ('r', 1, 1, '5')",
            "equity: ts 1 is in the table but not in the journal",
        ),
        ("delete from events where seq = 5", "events: 1 lines are missing before event 6"),
        (
            "update events set payload = replace(payload, '10000', '10001') where seq = 3",
            "events: event 3 (equity) is not the one",
        ),
    ],
)
def test_verify_finds_what_was_changed(sound, change, problem):
    with Ledger.open(sound) as ledger:
        assert ledger.verify("r").is_sound
    connection = sqlite3.connect(sound)
    connection.execute(change)
    connection.commit()
    connection.close()
    with Ledger.open(sound) as ledger:
        result = ledger.verify("r")
    assert not result.is_sound
    assert any(problem in line for line in result.problems), result.problems


def test_backups_are_whole_and_never_overwrite(sound, tmp_path):
    with Ledger.open(sound) as ledger:
        copy = ledger.backup(tmp_path / "copy.sqlite")
        with Ledger.open(copy) as other:
            assert other.fingerprint("r") == ledger.fingerprint("r")
        with pytest.raises(LedgerError, match="exists already"):
            ledger.backup(copy)


def test_every_table_has_a_key_with_the_run():
    for table in METADATA.tables.values():
        if table.name not in {"meta", "runs"}:
            assert table.primary_key.columns.keys()[0] == "run"
        assert all(not isinstance(c.type, sa.Float) or isinstance(c.type, sa.Double) for c in table.columns)


@pytest.mark.benchmark
def test_half_a_year_of_hours_costs_less_than_two_seconds(path, synthetic):
    """4,400 bars of two symbols, in processor time: building, normalising, hashing and committing."""
    simulation = synthetic.Simulation()
    with Ledger.open(path) as ledger:
        writer = writer_of(ledger)
        writer.begin()
        spent = 0.0
        for _ in range(4400):
            batch = simulation.step()
            raw = [(event.kind, {"ts": event.ts, **event.payload}) for event in batch.events]
            start = time.process_time()
            again = Batch(batch.ts)
            for kind, fields in raw:
                again.add(kind, fields)
            writer.write(again, checkpoint=lambda: state_of(1))
            spent += time.process_time() - start
        start = time.process_time()
        writer.finish()
        spent += time.process_time() - start
    print(f"{spent:.2f} s")  # noqa: T201
    assert spent < 2.0
