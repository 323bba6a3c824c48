"""The server: who may look, from where, what control needs, and what a stream promises."""

import http.client
import json
import logging
import re
import socket
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mirrorfast import telemetry
from mirrorfast.dashboard import DashboardServer
from mirrorfast.dashboard.control import Confirmations
from mirrorfast.dashboard.security import Sessions, origins_of
from mirrorfast.dashboard.server import dashboard_token
from mirrorfast.errors import ConfigurationError, ParameterError


@pytest.fixture(scope="module")
def helpers(helper):
    return helper("dashboard_run")


@pytest.fixture(scope="module")
def watched(helpers, tmp_path_factory):
    with helpers.WatchedRun(tmp_path_factory.mktemp("run")) as run:
        run.step()
        yield run


@pytest.fixture
def controlled(helpers, tmp_path):
    control = helpers.FakeControl()
    with helpers.WatchedRun(tmp_path, control=control) as run:
        yield run, control


def status_of(error):
    return error.value.response.status_code


# ---------------------------------------------------------------- who, and from where


@pytest.mark.parametrize("path", ["/", "/login", "/api/state", "/?page=1"])
def test_without_the_token_there_is_only_the_question(watched, path):
    status, headers, text = watched.ask(path)
    assert status == 401
    assert "BTC/USD" not in text
    assert "set-cookie" not in headers


def test_the_token_opens_a_session(watched, helpers):
    status, cookie, _ = watched.login()
    assert status == 303
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(re.split(r"; ?", cookie))
    assert helpers.TOKEN not in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    assert watched.ask("/", headers=session)[0] == 200
    state = json.loads(watched.ask("/api/state", headers=session)[2])
    assert state["document"]["run"]["symbols"] == ["BTC/USD", "EUR/USD"]


def test_a_program_shows_the_token_with_every_request(watched, helpers):
    assert watched.ask("/api/state", headers={"Authorization": f"Bearer {helpers.TOKEN}"})[0] == 200
    assert watched.ask("/api/state", headers={"Authorization": "Bearer another one entirely"})[0] == 401
    assert watched.ask("/api/state", headers={"Authorization": "Basic " + helpers.TOKEN})[0] == 401


@pytest.mark.parametrize("token", ["", "wrong", "correct horse battery stapl", "ö" * 30])
def test_a_wrong_token_opens_nothing(watched, token):
    status, cookie, text = watched.login(token)
    assert (status, cookie) == (401, "")
    assert "not the token" in text


@pytest.mark.parametrize("path", ["/?token={}", "/?x={}&y=1", "/{}", "/static/{}", "/api/state?t={}"])
def test_a_token_in_an_address_is_refused_even_the_right_one(watched, helpers, path):
    address = path.format(helpers.TOKEN.replace(" ", "%20"))
    status, headers, text = watched.ask(address, headers={"Authorization": f"Bearer {helpers.TOKEN}"})
    assert status == 401
    assert "ends up in histories" in text
    assert helpers.TOKEN not in text
    assert "set-cookie" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", ""]
)
def test_a_foreign_host_is_refused(watched, host):
    port = watched.host.rpartition(":")[2]
    assert watched.ask("/", headers={"Host": host.format(port=port), **watched.cookie()})[0] == 400


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}", "LOCALHOST:{port}"])
def test_own_names_are_known(watched, host):
    port = watched.host.rpartition(":")[2]
    assert watched.ask("/", headers={"Host": host.format(port=port), **watched.cookie()})[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://127.0.0.1", "http://{host}.evil.example"]
)
def test_a_foreign_origin_cannot_post_or_stream(watched, origin):
    origin = origin.format(host=watched.host)
    assert watched.login(origin=origin)[0] == 403
    with pytest.raises(InvalidStatus) as error, watched.stream(origin=origin):
        pass
    assert status_of(error) == 403


def test_a_stream_needs_the_token(watched, helpers):
    for cookie in ({}, {"Cookie": "mirrorfast_1=guess"}, {"Authorization": "Bearer guess"}):
        with pytest.raises(InvalidStatus) as error, watched.stream(cookie=cookie):
            pass
        assert status_of(error) == 401
    with pytest.raises(InvalidStatus) as error, watched.stream(query="?token=" + helpers.TOKEN.replace(" ", "+")):
        pass
    assert status_of(error) == 401
    with watched.stream(cookie={"Authorization": f"Bearer {helpers.TOKEN}"}) as stream:
        assert helpers.Client(stream).take()["t"] == "snapshot"


def test_a_post_without_an_origin_is_refused(watched):
    assert watched.ask("/login", method="POST", form={"token": "x"})[0] == 401
    assert watched.ask("/logout", method="POST", headers=watched.cookie())[0] == 403


@pytest.mark.parametrize("path", ["/", "/api/state", "/static/app.js", "/static/style.css", "/nothing", "/login"])
def test_every_answer_has_the_policy(watched, path):
    _, headers, _ = watched.ask(path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_refusals_have_the_policy_too(watched):
    for headers in ({"Host": "evil.example"},):
        assert "default-src 'none'" in watched.ask("/", headers=headers)[1]["content-security-policy"]


@pytest.mark.parametrize("name", ["../server.py", "..%2fserver.py", "index.html", "%2e%2e/app.py", "app.js%00"])
def test_only_the_pages_own_files_are_served(watched, name):
    assert watched.ask("/static/" + name)[0] == 404


def test_the_pages_hold_nothing_inline_and_nothing_from_elsewhere(watched):
    page = watched.ask("/", headers=watched.cookie())[2] + watched.ask("/")[2]
    assert not re.findall(r"<script(?![^>]* src=\"/static/)|<style| style=| on[a-z]+=|javascript:", page)
    assert not re.findall(r"(?:src|href)=\"(?!/static/|#)[^\"]*", page)
    sources = [watched.ask(f"/static/{name}.js")[2] for name in ("app", "charts", "dom", "panels")]
    assert all(len(source) > 500 for source in sources)
    for source in sources:
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", source)


def test_nothing_changes_by_get(controlled):
    run, control = controlled
    session = run.cookie()
    for path in ("/control/request", "/control/confirm", "/logout"):
        assert run.ask(path, headers=session)[0] == 405
    assert run.ask("/", headers=session)[0] == 200, "still logged in"
    assert control.asked == []


def test_a_session_ends_with_logout(helpers, tmp_path):
    with helpers.WatchedRun(tmp_path) as run:
        session = run.cookie()
        with run.stream(cookie=session) as stream:
            client = helpers.Client(stream)
            client.take()
            assert run.ask("/logout", method="POST", headers={"Origin": run.origin, **session})[0] == 303
            with pytest.raises(ConnectionClosed) as closed:
                client.until(lambda d: False)
            assert closed.value.rcvd.code == 4401
        assert run.ask("/", headers=session)[0] == 401


def test_large_bodies_are_refused(watched):
    headers = {"Origin": watched.origin}
    assert watched.ask("/login", method="POST", headers=headers, form={"token": "x" * 100_000})[0] == 413


# ---------------------------------------------------------------- tokens and sessions


def test_wrong_tokens_are_slowed_down():
    now = [0.0]
    sessions = Sessions("a long enough token", clock=lambda: now[0])
    for _ in range(10):
        assert sessions.login("guess") is None
    with pytest.raises(PermissionError):
        sessions.login("a long enough token")
    now[0] = 61.0
    assert sessions.login("a long enough token")


def test_sessions_end_and_are_few():
    now = [0.0]
    sessions = Sessions("a long enough token", clock=lambda: now[0], most=3)
    kept = [sessions.login("a long enough token") for _ in range(5)]
    assert [sessions.knows(s) for s in kept] == [False, False, True, True, True]
    now[0] = 43_201.0
    assert not any(sessions.knows(s) for s in kept)


def test_a_short_token_is_refused():
    with pytest.raises(ParameterError, match="at least 12"):
        Sessions("short")


def test_the_token_is_the_secret_or_new(monkeypatch):
    monkeypatch.setenv("MIRRORFAST_SECRETS", "/nonexistent")
    one, two = dashboard_token(), dashboard_token()
    assert one[1]
    assert one[0] != two[0]
    monkeypatch.setenv("MIRRORFAST_SECRET_DASHBOARD_TOKEN", "chosen by a person")
    assert dashboard_token() == ("chosen by a person", False)


def test_a_token_does_not_get_into_the_log(monkeypatch, caplog):
    monkeypatch.setenv("MIRRORFAST_SECRETS", "/nonexistent")
    token, _ = dashboard_token()
    with caplog.at_level(logging.WARNING, "mirrorfast"):
        telemetry.get_logger("mirrorfast.test").warning("told", text=f"it is {token}")
    assert token not in caplog.text
    assert "***" in caplog.text


def test_addresses_of_a_proxy():
    hosts, origins = origins_of(["127.0.0.1:1"], ["https://desk.example.org"])
    assert hosts == {"127.0.0.1:1", "desk.example.org"}
    assert origins == {"http://127.0.0.1:1", "https://desk.example.org"}
    for wrong in ("desk.example.org", "ftp://desk", "https://desk/path", "https://desk?x=1"):
        with pytest.raises(ParameterError, match="desk"):
            origins_of([], [wrong])


@pytest.mark.parametrize(
    "options", [{"interval": 0}, {"interval": 2}, {"port": 70_000}, {"port": -1}, {"origins": ["x"]}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options)).rstrip("s")):
        DashboardServer(None, token="long enough a token", **options)


def test_a_taken_port_is_said(helpers, tmp_path, watched):
    port = int(watched.host.rpartition(":")[2])
    with (
        pytest.raises(ConfigurationError, match=f":{port}: .*choose another port"),
        helpers.WatchedRun(tmp_path, port=port),
    ):
        pass


# ---------------------------------------------------------------- control


def test_read_only_unless_control_is_switched_on(watched):
    headers = {"Origin": watched.origin, **watched.cookie()}
    for step in ("request", "confirm"):
        status, _, text = watched.ask(f"/control/{step}", method="POST", headers=headers, values={})
        assert status == 403
        assert "read-only" in text


def ask(run, headers, step, **values):
    status, _, text = run.ask(f"/control/{step}", method="POST", headers=headers, values=values)
    return status, json.loads(text)


def test_control_takes_two_steps_and_a_typed_phrase(controlled, helpers):
    run, control = controlled
    headers = {"Origin": run.origin, **run.cookie()}
    status, ticket = ask(run, headers, "request", action="halt", reason="  prices look   wrong ")
    assert (status, ticket["phrase"]) == (200, "halt demo")
    assert control.asked == [], "asking changes nothing"
    assert ask(run, headers, "confirm", ticket=ticket["ticket"], phrase="halt")[0] == 400
    assert ask(run, headers, "confirm", ticket=ticket["ticket"], phrase="halt demo")[0] == 400, "void after one try"
    _, ticket = ask(run, headers, "request", action="halt", reason="prices look wrong")
    assert ask(run, headers, "confirm", ticket=ticket["ticket"], phrase="halt demo") == (200, {"done": "halt"})
    assert control.asked == [("halt", "prices look wrong", "holder of the dashboard token")]
    assert ask(run, headers, "confirm", ticket=ticket["ticket"], phrase="halt demo")[0] == 400, "good once"
    with run.stream() as stream:
        helpers.Client(stream).until(lambda d: d.get("control", {}).get("halted"))


def test_a_ticket_is_for_the_session_that_asked(controlled):
    run, control = controlled
    one, other = ({"Origin": run.origin, **run.cookie()} for _ in range(2))
    _, ticket = ask(run, one, "request", action="halt", reason="a reason")
    assert ask(run, other, "confirm", ticket=ticket["ticket"], phrase=ticket["phrase"])[0] == 400
    assert control.asked == []


@pytest.mark.parametrize(
    "values",
    [{}, {"action": "buy", "reason": "why not"}, {"action": "halt", "reason": ""}, {"action": 3, "reason": "why"}],
)
def test_bad_requests_are_refused(controlled, values):
    run, control = controlled
    assert ask(run, {"Origin": run.origin, **run.cookie()}, "request", **values)[0] == 400
    assert control.asked == []


def test_forms_cannot_control(controlled):
    run, control = controlled
    headers = {"Origin": run.origin, **run.cookie()}
    assert (
        run.ask("/control/request", method="POST", headers=headers, form={"action": "halt", "reason": "why"})[0] == 415
    )
    assert control.asked == []


def test_a_ticket_is_soon_too_old(helpers):
    now = [0.0]
    control = helpers.FakeControl()
    confirmations = Confirmations(control, "demo", clock=lambda: now[0])
    ticket = confirmations.request("resume", "all is well", "s")
    now[0] = 61.0
    with pytest.raises(ParameterError, match="too late"):
        confirmations.confirm(ticket.id, ticket.phrase, "s")
    assert control.asked == []


# ---------------------------------------------------------------- the stream


def test_a_trade_arrives_as_a_delta(watched, helpers):
    with watched.stream() as stream:
        client = helpers.Client(stream)
        client.take()
        before = client.document["account"].get("trades", 0)
        watched.step("buy")
        watched.trade()
        client.until(lambda d: d["account"].get("trades", 0) == before + 1)
    assert client.snapshots == 1
    assert client.document["trades"][-1]["closed_by"] == "stop_loss"


def test_going_on_after_a_lost_connection(watched, helpers):
    session = watched.cookie()
    with watched.stream(cookie=session) as stream:
        client = helpers.Client(stream)
        client.take()
        bars = watched.bar
        watched.step()
        client.until(lambda d: d["clock"].get("done") == bars + 1)
    for _ in range(5):
        watched.step()
    with watched.stream(cookie=session) as stream:
        again = helpers.Client(
            stream, epoch=client.epoch, seq=client.seq, symbol=client.symbol, document=client.document
        )
        again.until(lambda d: d["clock"].get("done") == bars + 6)
    assert again.snapshots == 0
    with watched.stream(cookie=session) as stream:
        fresh = helpers.Client(stream)
        fresh.take()
        for part in ("equity", "charts", "decisions", "signals", "account", "positions"):
            assert fresh.document[part] == again.document[part], part


def test_another_chart(watched, helpers):
    with watched.stream() as stream:
        client = helpers.Client(stream)
        client.take()
        assert list(client.document["charts"]) == ["BTC/USD"]
        stream.send(json.dumps({"symbol": "no such"}))
        stream.send(json.dumps({"symbol": "EUR/USD"}))
        client.until(lambda d: list(d["charts"]) == ["EUR/USD"])
        bars = len(client.document["charts"]["EUR/USD"]["bars"])
        watched.step()
        client.until(lambda d: len(d["charts"]["EUR/USD"]["bars"]) == bars + 1)
    assert client.snapshots == 1


@pytest.mark.parametrize("text", ["", "x", "[]", "1", '{"epoch": 1, "seq": "x", "symbol": 3}'])
def test_nonsense_harms_only_whoever_sends_it(watched, helpers, text):
    with watched.stream() as stream:
        stream.send(text)
        if text.startswith("{"):
            assert json.loads(stream.recv(timeout=60))["t"] == "snapshot"
        else:
            with pytest.raises(ConnectionClosed):
                stream.recv(timeout=60)
    with watched.stream() as stream:
        assert helpers.Client(stream).take()["t"] == "snapshot"


def test_no_more_viewers_than_allowed(helpers, tmp_path):
    with helpers.WatchedRun(tmp_path, most=2) as run:
        session = run.cookie()
        with run.stream(cookie=session) as a, run.stream(cookie=session) as b:
            helpers.Client(a).take(), helpers.Client(b).take()
            with pytest.raises(InvalidStatus) as error, run.stream(cookie=session):
                pass
            assert status_of(error) == 503


def test_the_end_of_a_run_is_seen(helpers, tmp_path):
    with helpers.WatchedRun(tmp_path) as run, run.stream() as stream:
        client = helpers.Client(stream)
        client.take()
        run.step()
        run.source.end("finished")
        run.server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            client.until(lambda d: False)
        assert closed.value.rcvd.code == 1001
    assert client.document["run"]["status"] == "finished"
    assert client.document["clock"]["done"] == 1


def test_a_viewer_that_does_not_read_gets_a_snapshot_later(helpers, tmp_path):
    """It costs the server one socket buffer, and nobody else a moment."""
    with helpers.WatchedRun(tmp_path, interval=0.01) as run, socket.socket() as slow:
        hub = run.server.hub
        # By hand: a client library would read ahead.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        host, cookie, origin = run.host, run.cookie()["Cookie"], run.origin
        slow.connect(tuple(int(p) if p.isdigit() else p for p in host.split(":")))
        slow.sendall(
            f"GET /stream HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += slow.recv(1)
        slow.sendall(b"\x81\x82\0\0\0\0{}")  # a masked frame: nothing known so far
        wait(lambda: [v.seq for v in hub.viewers if v.seq is not None])
        (lagging,) = hub.viewers
        with run.stream() as stream:
            quick = helpers.Client(stream)
            quick.take()
            for k in range(4_000):
                run.incident(f"{k} " + "x" * 2_000)
                if k % 50 == 0:
                    quick.until(lambda d, k=k: d["incidents"] and d["incidents"][-1][3].startswith(f"{k} "))
        assert quick.snapshots == 1
        assert not hub._covers(lagging.seq), "it should have fallen out of the ring"
        assert sum(d.size for d in hub._ring) <= hub._keep_bytes
        # As soon as it reads again it is given everything at once.
        slow.settimeout(60)
        wait(lambda: slow.recv(65_536) and lagging.snapshots == 2)


def wait(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "never came"
        time.sleep(0.005)


def test_many_viewers_see_every_update(helpers, tmp_path):
    """The small sibling of benches/python/bench_dashboard.py: all of 30 viewers get everything, in order."""
    with helpers.WatchedRun(tmp_path, interval=0.02) as run:
        session, ready, failed = run.cookie(), threading.Barrier(31), []

        def look():
            try:
                with run.stream(cookie=session) as stream:
                    client = helpers.Client(stream)
                    client.take()
                    ready.wait(60)
                    client.until(lambda d: d["clock"].get("done") == 100)
                    assert client.snapshots == 1
            except (AssertionError, OSError, ConnectionClosed, threading.BrokenBarrierError) as error:
                failed.append(error)
                ready.abort()

        threads = [threading.Thread(target=look) for _ in range(30)]
        for thread in threads:
            thread.start()
        ready.wait(60)
        for k in range(100):
            run.step("buy" if k % 7 == 0 else None)
        for thread in threads:
            thread.join(60)
        assert failed == []


def test_a_dead_server_does_not_stop_the_run(helpers, tmp_path):
    with helpers.WatchedRun(tmp_path) as run:
        run.server.stop()
        for _ in range(1_000):
            run.step("buy")
        assert not run.source._facts
        with pytest.raises((OSError, http.client.HTTPException)):
            run.ask("/")
