"""`mirrorfast live --dashboard` and `mirrorfast dashboard` as programs: token, halt by the page, journal, exit."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from mirrorfast.ledger import Ledger


class Program:
    def __init__(self, folder, root, *arguments):
        environment = os.environ | {"PYTHONPATH": str(root / "python"), "MIRRORFAST_SECRETS": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mirrorfast", *arguments],
            cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        found = re.fullmatch(r"Dashboard  (http://127\.0\.0\.1:\d+)/\n", self.process.stderr.readline())
        assert found, self.process.stderr.read()
        self.url, self.token = found[1], self.process.stderr.readline().split()[1]

    def ask(self, path, values=None):
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("GET" if values is None else "POST", path, json.dumps(values), headers)
        answer = connection.getresponse()
        text = json.loads(answer.read())
        connection.close()
        return answer.status, text

    def until(self, condition):
        end = time.monotonic() + 120
        while True:
            document = self.ask("/api/state")[1]["document"]
            if condition(document):
                return document
            assert time.monotonic() < end, document
            time.sleep(0.1)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path, root):
    started = []

    def run(*arguments):
        port = ["--port", "0"] if arguments[0] == "dashboard" else ["--dashboard", "--dashboard-port", "0"]
        started.append(Program(tmp_path, root, *arguments, *port))
        return started[-1]

    yield run
    for program in started:
        program.process.kill()
        program.process.communicate()


def test_a_halt_from_the_page_stops_the_run_and_is_journaled(start, tmp_path):
    live = start("live", "--run", "demo", "--speed", "60", "--dashboard-control", "--json")
    live.until(lambda d: d["account"].get("trades", 0) > 0)
    status, ticket = live.ask("/control/request", {"action": "halt", "reason": "prices look wrong"})
    assert status == 200
    assert live.ask("/control/confirm", {"ticket": ticket["ticket"], "phrase": "halt demo"}) == (200, {"done": "halt"})
    live.until(lambda d: d["control"]["halted"] and any(i[2] == "halt" for i in d["incidents"]))
    # Another process sees the same of the ledger, and has no say.
    other = start("dashboard", "demo")
    seen = other.until(lambda d: any(i[2] == "halt" for i in d["incidents"]))
    assert "prices look wrong" in seen["control"]["reason"]
    assert not seen["control"]["allowed"]
    assert other.ask("/control/request", {"action": "resume", "reason": "why not"})[0] == 403
    assert other.end()[0] == 0
    code, out, err = live.end()
    assert code == 0
    assert json.loads(out)["status"] == "interrupted"
    assert live.token not in out + err
    with Ledger.open(tmp_path / "runs" / "demo" / "ledger.sqlite") as ledger:
        (halt,) = [row for row in ledger.rows("incidents", "demo") if row["kind"] == "halt"]
        assert halt["details"]["halt"]["source"] == "dashboard"
        assert halt["details"]["halt"]["reason"] == "prices look wrong"
        entries = [o for o in ledger.rows("orders", "demo") if o["seq"] > halt["seq"] and o["purpose"] == "entry"]
        assert {o["status"] for o in entries} <= {"never_sent"}


def test_a_dashboard_without_a_ledger_says_so(tmp_path, root):
    environment = os.environ | {"PYTHONPATH": str(root / "python")}
    command = [sys.executable, "-m", "mirrorfast", "dashboard"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "no ledger in runs" in done.stderr
