"""Everything that a run writes is searched for its secrets: logs at DEBUG, ledger, journal, figures, report."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

START = 1_512_000_000_000
pytest.importorskip("ccxt")

PROGRAM = """
import asyncio, hmac, logging, sys, urllib.error
import ccxt.async_support as ccxt
import mirrorfast as mf
from mirrorfast.execution.control import ask_to_halt
from mirrorfast.ledger import Batch, Ledger
from mirrorfast.monitoring import MonitoringServer, Health
from mirrorfast.simulator import connect
from mirrorfast.telemetry import configure_logging, get_logger
from prometheus_client import CollectorRegistry, Counter
from pathlib import Path

url, folder = sys.argv[1], Path(sys.argv[2])
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)   # whatever any library says
configure_logging("DEBUG", format="json")
log = get_logger("mirrorfast.test")
key, secret = mf.get_secret("binance.api_key"), mf.get_secret("binance.secret")
log.info("keys", key=key, secret=secret, both=[key, {"deep": secret}], text=f"{key} {secret!r}")

async def trade(batch):
    client = connect(ccxt.binance, url, apiKey=key.get_secret_value(), secret=secret.get_secret_value())
    client.logger.setLevel(logging.DEBUG)                          # whole requests and answers, headers included
    client.options["fetchMarkets"] = {"types": ["spot"]}
    failures = []
    try:
        client.milliseconds = lambda: 1_512_000_000_000
        await client.load_markets()
        await client.create_order("BTC/USDT", "market", "buy", 0.01)
        for call in (
            lambda: client.create_order("BTC/USDT", "limit", "buy", 1e9, 1.0),
            lambda: client.cancel_order("4711", "BTC/USDT"),
            lambda: client.fetch_order("4712", "BTC/USDT"),
        ):
            try:
                await call()
            except Exception as error:
                failures.append(error)
        # What an exception of a dropped connection says: method, whole address, query and all.
        query = "symbol=BTCUSDT&orderId=1&timestamp=1512000000000"
        digest = hmac.new(secret.get_secret_value().encode(), query.encode(), "sha256").hexdigest()
        signed = {"url": f"{url}/api/v3/order?{query}&signature={digest}", "headers": {"X-MBX-APIKEY": client.apiKey}}
        failures.append(ccxt.NetworkError(f"binance DELETE {signed['url']} {signed['headers']}"))
        for error in failures:
            log.warning("order_failed", error=error, reason=str(error), exc_info=error)
            batch.incident("order", str(error), severity="error", details={"error": repr(error), "request": signed})
            batch.order_status({"id": 1, "status": "rejected", "reason": str(error)})
    finally:
        await client.close()
    return len(failures)

config = mf.TradingConfig(runs=folder, strategies=["sma_cross"])
system = mf.IntegratedTradingSystem(config, bars=mf.sample_bars(["BTC/USD"]).head(400), run="searched")
system.directory.mkdir(parents=True)
ask_to_halt(system.directory, f"the key is {key.get_secret_value()}", who="ada")
system.run()
with Ledger.open(folder / "own.sqlite") as ledger:
    writer = ledger.run("own", mode="paper", config={}, symbols=["BTC/USDT"])
    writer.begin()
    batch = Batch(1)
    batch.order({"id": 1, "symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": 1, "purpose": "entry"})
    count = asyncio.run(trade(batch))
    writer.write(batch)
    writer.finish()
registry = CollectorRegistry()
import urllib.request
def question():
    raise RuntimeError(f"cannot sign with {secret.get_secret_value()}")
health = Health()
health.alive("signing", question)
with MonitoringServer(registry, health) as server:
    Path(folder / "metrics.txt").write_bytes(urllib.request.urlopen(server.url + "/metrics").read())
    try:
        urllib.request.urlopen(server.url + "/health")
    except urllib.error.HTTPError as error:
        Path(folder / "health.txt").write_bytes(error.read())
print(count, "failures")
raise RuntimeError(f"the end: {secret.get_secret_value()} signature=0123456789abcdef0123456789abcdef")
"""


def forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, base64.b64encode(raw), raw.hex().encode(), raw[::-1], raw[2:-2]]


@pytest.mark.timeout(600)
def test_everything_a_run_writes_is_free_of_secrets(tmp_path: Path) -> None:
    with running(Simulator(start=START, speed=0, symbols=2)) as venue:
        account = venue.add_account("searched-key-0123456789", "searched-secret-9876543210", balances={"USDT": 10_000})
        assert account is not None
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "ignore", "-c", PROGRAM, venue.url, str(tmp_path)],
            env=os.environ
            | {
                "MIRRORFAST_SECRET_BINANCE_API_KEY": "searched-key-0123456789",
                "MIRRORFAST_SECRET_BINANCE_SECRET": "searched-secret-9876543210",
            },
            capture_output=True,
            timeout=500,
        )
    log = done.stderr
    assert b"failures" in done.stdout, log[-3_000:].decode()
    (tmp_path / "stderr.txt").write_bytes(log)
    (tmp_path / "stdout.txt").write_bytes(done.stdout)
    # The search means something only if what carries secrets was written at all.
    for word in (b"X-MBX-APIKEY", b"signature=***", b"order_failed", b"RuntimeError: the end: ***", b"fetch"):
        assert word in log, word
    searched = [file for file in tmp_path.rglob("*") if file.is_file()]
    kinds = {file.suffix for file in searched}
    assert {".sqlite", ".html", ".txt"} <= kinds, kinds
    for file in searched:
        content = file.read_bytes()
        for secret in ("searched-key-0123456789", "searched-secret-9876543210"):
            for form in forms(secret):
                assert form not in content, f"{form!r} in {file}: {context(content, form)!r}"
        # No signature either: 64 hex digits after its name.
        assert not re.search(rb"signature[\"'=: ]{1,4}[0-9a-f]{32}", content), file


def context(content: bytes, form: bytes) -> bytes:
    at = content.index(form)
    return content[max(0, at - 200) : at + 60]
