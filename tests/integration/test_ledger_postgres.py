"""The same ledger on a PostgreSQL server: `MIRRORFAST_TEST_POSTGRES=postgresql+psycopg://user@host/db pytest …`."""

import importlib.util
import os
import sys
import uuid
from pathlib import Path

import pytest

from mirrorfast.errors import LedgerError
from mirrorfast.ledger import Ledger

SCRIPT = Path(__file__).parents[1] / "synthetic_run.py"
URL = os.environ.get("MIRRORFAST_TEST_POSTGRES")

pytestmark = pytest.mark.skipif(URL is None, reason="needs MIRRORFAST_TEST_POSTGRES")


@pytest.fixture(scope="module")
def synthetic():
    spec = importlib.util.spec_from_file_location("mirrorfast_synthetic_postgres", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_server_holds_the_same_rows_as_a_file(tmp_path, synthetic):
    run = f"t{uuid.uuid4().hex[:12]}"
    path = tmp_path / "ledger.sqlite"
    assert synthetic.write_run(URL, run, bars=200) == synthetic.write_run(path, run, bars=200)
    with Ledger.open(URL) as server, Ledger.open(path) as file:
        assert server.fingerprint(run) == file.fingerprint(run)
        assert server.verify(run).is_sound
        for table in ("events", "decisions", "orders", "fills", "trades", "equity", "weights"):
            assert server.rows(table, run) == file.rows(table, run), table
        assert server.frame("trades", run).equals(file.frame("trades", run))
        assert server.last_checkpoint(run) == file.last_checkpoint(run)


def test_one_writer_per_run_on_a_server():
    run = f"t{uuid.uuid4().hex[:12]}"
    with Ledger.open(URL) as ledger:
        options = {"mode": "paper", "config": {}, "symbols": ["BTC/USD"]}
        first = ledger.run(run, **options)
        first.begin()
        with pytest.raises(LedgerError, match="another process writes it"):
            ledger.run(run, **options).resume()
        first.close()
        second = ledger.run(run, **options)
        assert second.resume() is None
        second.close()
