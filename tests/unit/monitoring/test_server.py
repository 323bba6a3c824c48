"""The endpoint: what it serves, to whom, and that it never holds up who is watched."""

import asyncio
import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from mirrorfast.errors import ParameterError
from mirrorfast.monitoring import Health, MonitoringServer, parse_address


def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_figures() -> None:
    registry = CollectorRegistry()
    counter = Counter("things", "Things", registry=registry)
    with MonitoringServer(registry) as server:
        counter.inc(3)
        status, body = ask(server.url, "/metrics")
        samples = {s.name: s.value for f in text_string_to_metric_families(body.decode()) for s in f.samples}
        assert (status, samples["things_total"]) == (200, 3.0)
        assert ask(server.url, "/metrics", Accept="application/openmetrics-text")[1].endswith(b"# EOF\n")
        assert ask(server.url, "/")[0] == 404
        url = server.url
    with pytest.raises(urllib.error.URLError, match="refused"):
        ask(url, "/metrics")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(method: str) -> None:
    with MonitoringServer(CollectorRegistry()) as server:
        assert ask(server.url, "/metrics", method)[0] == 501


def test_health_and_readiness() -> None:
    health = Health()
    answers: dict[str, Any] = {"alive": None, "ready": "warming up"}
    health.alive("alive", lambda: answers["alive"])
    health.ready("ready", lambda: answers["ready"])
    with MonitoringServer(CollectorRegistry(), health) as server:
        assert ask(server.url, "/health") == (200, b'{"ok": true, "checks": {"alive": null}}')
        status, body = ask(server.url, "/ready")
        assert (status, json.loads(body)["checks"]["ready"]) == (503, "warming up")
        answers["ready"] = None
        assert ask(server.url, "/ready")[0] == 200
        answers["alive"] = "stuck"
        assert ask(server.url, "/health")[0] == 503
        assert ask(server.url, "/ready")[0] == 503


def test_a_question_that_fails_is_an_answer_without_secrets() -> None:
    health = Health()

    def fail() -> str | None:
        raise RuntimeError("token=abcdef012345")

    health.alive("broken", fail)
    good, answers = health.state("health")
    assert not good
    assert answers["broken"] == "RuntimeError: token=***"


def test_an_event_loop_that_stands_still_is_noticed() -> None:
    health = Health()
    loop = asyncio.new_event_loop()
    stand, go = threading.Event(), threading.Event()

    async def hold() -> None:
        stand.set()
        go.wait(60)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        health.loop(loop, within_s=30)
        assert health.state("health")[0]
        held = asyncio.run_coroutine_threadsafe(hold(), loop)
        assert stand.wait(60)
        health.loop(loop, within_s=0.01)
        assert "took no turn" in (health.state("health")[1]["event_loop"] or "")
        go.set()
        held.result(60)
    finally:
        go.set()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert health.state("health")[1]["event_loop"] == "the event loop has ended"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:9", 200),
        ("evil.example", 400),
        ("evil.example:80", 400),
        ("", 400),
    ],
)
def test_a_page_of_another_name_cannot_read_it(host: str, status: int) -> None:
    with MonitoringServer(CollectorRegistry()) as server:
        assert ask(server.url, "/metrics", Host=host)[0] == status


def test_a_silent_client_holds_nobody_up() -> None:
    with (
        MonitoringServer(CollectorRegistry()) as server,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as silent,
    ):
        silent.sendall(b"GET /met")
        assert ask(server.url, "/metrics")[0] == 200
    # And closing did not wait for it either.


def test_a_collector_that_fails_is_an_answer() -> None:
    class Broken:
        def describe(self) -> list[Any]:
            return []

        def collect(self) -> Any:
            raise RuntimeError("bug")

    registry = CollectorRegistry()
    registry.register(Broken())  # type: ignore[arg-type]
    with MonitoringServer(registry) as server:
        assert ask(server.url, "/metrics")[0] == 500
        assert ask(server.url, "/health")[0] == 200


def test_a_port_in_use_is_named() -> None:
    with MonitoringServer(CollectorRegistry()) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ParameterError, match=rf"127\.0\.0\.1:{port}: Address already in use"):
            MonitoringServer(CollectorRegistry(), port=port).__enter__()


def test_many_at_once() -> None:
    registry = CollectorRegistry()
    Counter("things", "Things", registry=registry)
    failures: list[object] = []
    with MonitoringServer(registry) as server:
        port = int(server.url.rpartition(":")[2])

        def read() -> None:
            for _ in range(10):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                connection.request("GET", "/metrics")
                answer = connection.getresponse()
                if answer.status != 200 or b"things_total 0.0" not in answer.read():
                    failures.append(answer.status)
                connection.close()

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.parametrize("text", ["", "x", "70000", "-1", "host:", "host:x", "::1:80", "80:host", "１２"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ParameterError, match="expected PORT or HOST:PORT"):
        parse_address(text)
