"""The tests of the store once more, on a PostgreSQL server; and what only a server can do."""

import importlib.util
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from mirrorfast.errors import LedgerError, LedgerVersionError, ParameterError
from mirrorfast.ledger import Batch, Ledger
from mirrorfast.ledger.database import connect
from mirrorfast.ledger.instance import ledger_lock
from mirrorfast.ledger.migrate import SCRIPTS
from mirrorfast.ledger.schema import METADATA, SCHEMA_VERSION

pytestmark = pytest.mark.timeout(600)  # the first test starts the server

_spec = importlib.util.spec_from_file_location("mirrorfast_test_store", Path(__file__).with_name("test_store.py"))
_store = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _store
_spec.loader.exec_module(_store)

# Whatever is said of a ledger and not of a file.
SAME = (
    "test_rows_read_back_as_written",
    "test_orders_change_across_commits",
    "test_intents_go_with_what_came_before_them_and_with_a_state",
    "test_run_names_are_checked",
    "test_options_are_checked",
    "test_runs_begin_once_and_finish_once",
    "test_another_configuration_is_refused",
    "test_rows_without_a_checkpoint_cannot_be_resumed",
    "test_only_the_newest_checkpoints_stay",
    "test_live_resume_hands_back_open_orders",
    "test_equal_runs_have_equal_fingerprints",
    "test_readers_see_whole_transactions_while_a_writer_writes",
)
globals().update({name: getattr(_store, name) for name in SAME})


@pytest.fixture
def path(postgres):
    """Where those tests put their ledger."""
    return postgres


def execute(url, *statements):
    engine = connect(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_server_holds_the_same_rows_as_a_file(postgres, tmp_path, synthetic):
    file = tmp_path / "ledger.sqlite"
    assert synthetic.write_run(postgres, "r", bars=200) == synthetic.write_run(file, "r", bars=200)
    with Ledger.open(postgres) as server, Ledger.open(file) as other:
        assert server.fingerprint("r") == other.fingerprint("r")
        assert server.verify("r").is_sound
        for table in ("events", "decisions", "orders", "fills", "trades", "equity", "weights"):
            assert server.rows(table, "r") == other.rows(table, "r"), table
        assert server.frame("trades", "r").equals(other.frame("trades", "r"))
        assert server.last_checkpoint("r") == other.last_checkpoint("r")


def test_the_revisions_make_exactly_the_tables(postgres):
    Ledger.open(postgres).close()
    engine = connect(postgres, readonly=True)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_many_that_make_a_ledger_at_once_make_one(postgres, synthetic):
    failures = []

    def make(number):
        try:
            synthetic.write_run(postgres, f"r{number}", bars=10)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=make, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Ledger.open(postgres) as ledger:
        assert ledger.runs().height == 6
        assert all(ledger.verify(f"r{k}").is_sound for k in range(6))


def test_a_venue_trade_is_booked_once(postgres):
    with Ledger.open(postgres) as ledger:
        writer = _store.writer_of(ledger, commit="each")
        writer.begin()
        batch = Batch(1)
        batch.order(_store.ORDER)
        fill = {"order": 1, "symbol": "BTC/USD", "side": "buy", "quantity": 0.1, "price": 9.0, "venue_trade_id": "t1"}
        batch.fill(fill | {"id": 1})
        writer.write(batch)
        again = Batch(2)
        again.fill(fill | {"id": 2})
        writer.write(again)  # told again: skipped
        writer.close()
        assert ledger.frame("fills", "r").height == 1


def test_a_locked_ledger_waits_a_bounded_time(postgres):
    with Ledger.open(postgres, busy_timeout_s=0.3) as ledger:
        writer = _store.writer_of(ledger, commit="each")
        writer.begin()
        intents = Batch(3)
        intents.order(_store.ORDER)
        engine = connect(postgres)
        with engine.begin() as other:
            other.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
            start = time.monotonic()
            with pytest.raises(LedgerError, match="another process holds it"):
                writer.record_intents(intents)
            assert time.monotonic() - start > 0.25
            assert writer.waiting == 0
        engine.dispose()
        writer.record_intents(intents)
        assert ledger.rows("orders", "r")[0]["status"] == "intent"
        writer.close()


def test_one_writer_per_run(postgres):
    with Ledger.open(postgres) as ledger:
        first = _store.writer_of(ledger)
        first.begin()
        with pytest.raises(LedgerError, match="another process writes it"):
            _store.writer_of(ledger).resume()
        first.close()
        second = _store.writer_of(ledger)
        assert second.resume() is None
        second.close()


def test_one_daemon_per_server_and_its_name(postgres):
    with ledger_lock(postgres), pytest.raises(LedgerError, match=r"mirrorfast \d+ on .* holds it"):
        ledger_lock(postgres).__enter__()
    with ledger_lock(postgres):
        pass


def test_a_daemon_hears_that_its_connection_is_gone(postgres):
    told, said = threading.Event(), []

    def lost(reason):
        said.append(reason)
        told.set()

    with ledger_lock(postgres, on_lost=lost, beat_s=0.02):
        execute(
            postgres,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mirrorfast %%' "
            "AND datname = current_database() AND pid <> pg_backend_pid()",
        )
        assert told.wait(60)
    assert "connection to the server is lost" in said[0]


def test_a_lost_connection_stores_no_intent(postgres):
    with Ledger.open(postgres) as ledger:
        writer = _store.writer_of(ledger, commit="each")
        writer.begin()
        execute(
            postgres,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()",
        )
        intents = Batch(3)
        intents.order(_store.ORDER)
        with pytest.raises(LedgerError):
            writer.record_intents(intents)
        assert writer.open_orders() == []
        writer.close()
        again = _store.writer_of(ledger, commit="each")
        again.begin_or_resume()
        again.record_intents(intents)
        assert len(again.open_orders()) == 1
        again.close()


def test_a_newer_ledger_is_refused(postgres):
    Ledger.open(postgres).close()
    execute(postgres, "UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(LedgerVersionError, match="schema 99"):
        Ledger.open(postgres)


def test_another_programs_database_is_refused(postgres):
    execute(postgres, "CREATE TABLE customers (id int)")
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger.open(postgres)


@pytest.mark.parametrize("revision", range(1, SCHEMA_VERSION + 1))
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_every_released_schema_is_upgraded(request, tmp_path, backend, revision):
    target = request.getfixturevalue("postgres") if backend == "postgresql" else tmp_path / "ledger.sqlite"
    if backend == "sqlite":
        sqlite3.connect(target).close()
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    engine = connect(target)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, f"{revision:04d}")
        meta = METADATA.tables["meta"]
        rows = [{"key": "schema_version", "value": str(revision)}, {"key": "app_version", "value": "0.0.1"}]
        connection.execute(sa.insert(meta), rows)
    engine.dispose()
    with Ledger.open(target) as ledger:
        writer = _store.writer_of(ledger)
        writer.begin()
        writer.write(_store.equity_batch(1))
        writer.finish()
        assert ledger.verify("r").is_sound
    engine = connect(target, readonly=True)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
    assert (tmp_path / f"ledger.sqlite.v{revision}.bak").exists() == (backend == "sqlite" and revision < SCHEMA_VERSION)


def test_a_backup_of_a_server_is_the_servers_business(postgres, tmp_path):
    with Ledger.open(postgres) as ledger, pytest.raises(LedgerError, match="pg_dump"):
        ledger.backup(tmp_path / "copy")


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path):
    url = f"postgresql+psycopg://me:hunter2-hunter2@/x?host={tmp_path}"
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url)
    assert "hunter2" not in str(caught.value)
    assert "me:***@" in str(caught.value)


def test_a_driver_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ParameterError, match=r"mirrorfast\[postgres\]"):
        Ledger.open("postgresql+psycopg://me@/x")
