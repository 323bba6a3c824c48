"""`mirrorfast live --notify`: a halt by command reaches a receiver, and a week that is over is reported."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_halt_and_a_week_are_told(receiver, tmp_path, root):
    environment = os.environ | {
        "PYTHONPATH": str(root / "python"),
        "MIRRORFAST_SECRETS": str(tmp_path),
        "MIRRORFAST_SECRET_NOTIFY": f"json://127.0.0.1:{receiver.server_port}/a-token-in-the-path",
    }
    mirrorfast = [sys.executable, "-m", "mirrorfast"]
    command = [*mirrorfast, "live", "--run", "demo", "--speed", "100", "--notify", "notify", "--json"]
    live = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait(lambda: any("week of 2017-07-0" in m["title"] for m in receiver.received), live)
        (tmp_path / "runs" / "demo" / "HALT").write_text("prices look wrong")
        wait(lambda: any(m["title"] == "demo: halt" for m in receiver.received), live)
        live.terminate()
        out, err = live.communicate(timeout=120)
    finally:
        live.kill()
        live.communicate()
    assert json.loads(out)["status"] == "interrupted"
    assert "a-token-in-the-path" not in out + err
    halt = next(m for m in receiver.received if m["title"] == "demo: halt")
    assert "prices look wrong" in halt["message"]
    assert halt["type"] == "failure"
    week = next(m for m in receiver.received if "week of" in m["title"])
    assert "What the risk engine held back" in week["message"]
    assert not [m for m in receiver.received if m["title"].endswith("fill")]


def wait(condition, process):
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until, "never came"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
