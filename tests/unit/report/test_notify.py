"""Notifications: in order of urgency, slowly enough, again where it failed, and never in the way."""

import json
import logging
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.execution.loop import Update
from mirrorfast.ledger import Batch
from mirrorfast.report.notify import AppriseSender, Message, Notifier, Watcher, notify_address, week_message


class Remembering:
    """Takes messages when it is let to; fails as often as it is told."""

    def __init__(self, *, failures=0, error=None, held=False):
        self.messages, self.failures, self.error = [], failures, error
        self.free = threading.Event()
        if not held:
            self.free.set()
        self.asked = 0

    def send(self, message):
        assert self.free.wait(60)
        self.asked += 1
        if self.failures:
            self.failures -= 1
            if self.error:
                raise self.error
            return False
        self.messages.append(message)
        return True

    @property
    def titles(self):
        return [m.title for m in self.messages]


def wait(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "never came"
        time.sleep(0.005)


def test_everything_that_waits_is_sent_at_the_end():
    sender = Remembering()
    with Notifier(sender) as notifier:
        for k in range(10):
            notifier.tell(Message(str(k), ""))
    assert sender.titles == [str(k) for k in range(10)]


def test_urgent_ones_go_first():
    sender = Remembering(held=True)
    with Notifier(sender) as notifier:
        notifier.tell(Message("first", ""))
        wait(lambda: not notifier._other)
        for k in range(3):
            notifier.tell(Message(f"fill {k}", ""))
        notifier.tell(Message("halt", "", "critical"))
        sender.free.set()
    assert sender.titles == ["first", "halt", "fill 0", "fill 1", "fill 2"]


def test_the_queue_is_bounded_and_says_what_is_missing():
    sender = Remembering(held=True)
    with Notifier(sender, waiting=5) as notifier:
        notifier.tell(Message("first", ""))
        wait(lambda: not notifier._other)
        for k in range(1_000):
            notifier.tell(Message(f"fill {k}", ""))
        notifier.tell(Message("halt", "by ada", "critical"))
        assert len(notifier._other) + len(notifier._urgent) <= 5
        sender.free.set()
    assert sender.titles == ["first", "halt", *(f"fill {k}" for k in range(996, 1_000))]
    assert "996 earlier messages were left out" in sender.messages[1].body


@pytest.mark.parametrize("error", [None, OSError("no route"), ValueError("their bug")])
def test_a_failure_is_tried_again(error):
    sender = Remembering(failures=2, error=error)
    with Notifier(sender, pause=0.001) as notifier:
        notifier.tell(Message("halt", "", "critical"))
        wait(lambda: sender.messages)
    assert sender.asked == 3


def test_it_gives_up_at_last_and_goes_on(caplog):
    sender = Remembering(failures=4)
    with caplog.at_level(logging.ERROR, "mirrorfast"), Notifier(sender, pause=0.001, attempts=3) as notifier:
        notifier.tell(Message("lost", ""))
        notifier.tell(Message("kept", ""))
        wait(lambda: sender.messages)
    assert sender.titles == ["kept"]
    assert "notification_lost" in caplog.text


def test_no_more_than_so_many_a_minute():
    now = [0.0]
    sender = Remembering()
    with Notifier(sender, per_minute=3, clock=lambda: now[0]) as notifier:
        for k in range(7):
            notifier.tell(Message(str(k), ""))
        for count in (3, 6, 7):
            wait(lambda count=count: len(sender.messages) == count)
            assert len(sender.messages) == count
            now[0] += 61.0
            with notifier._wake:
                notifier._wake.notify()


def test_telling_never_waits_for_sending():
    sender = Remembering(held=True)
    notifier = Notifier(sender).start()
    for k in range(10_000):
        notifier.tell(Message(str(k), "", "critical"))
    assert sender.messages == []
    sender.free.set()
    notifier.stop()


def test_a_message_that_cannot_be_made_harms_no_other(caplog):
    sender = Remembering()
    with caplog.at_level(logging.ERROR, "mirrorfast"), Notifier(sender) as notifier:
        notifier.tell(lambda: 1 / 0)
        notifier.tell(lambda: None)
        notifier.tell(lambda: Message("made", ""))
    assert sender.titles == ["made"]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("name", ["per_minute", "waiting", "attempts"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(ParameterError, match=f"{name} = 0"):
        Notifier(Remembering(), **{name: 0})


# ---------------------------------------------------------------- what is told


def update(ts, *fill):
    batch = Batch(ts)
    for kind, message, severity in fill:
        batch.incident(kind, message, severity=severity)
    batch.fill({"id": 1, "order": 1, "symbol": "A", "side": "buy", "quantity": 2, "price": 3, "purpose": "entry"})
    return Update(ts, 1, None, {}, events=batch.events)


@pytest.mark.parametrize("fills", [False, True])
def test_halts_incidents_fills_and_reconnects(fills):
    sender, lines = Remembering(), [0]
    with Notifier(sender) as notifier:
        watcher = Watcher(notifier, "demo", fills=fills, reconnects=lambda: lines[0])
        watcher.on_batch(update(0, ("halt", "halted by ada (cli): news", "critical")))
        lines[0] = 2
        watcher.on_batch(update(1))
        watcher.on_batch(update(2))
    told = Counter(sender.titles)
    assert told == {"demo: halt": 1, "demo: reconnected": 1, **({"demo: fill": 3} if fills else {})}
    assert next(m for m in sender.messages if m.title == "demo: halt").severity == "critical"


def test_a_week_that_is_over_is_reported_once(written):
    sender = Remembering()
    monday = 1_500_249_600_000  # 17 July 2017
    with Notifier(sender) as notifier:
        watcher = Watcher(notifier, "demo", weekly=lambda week: week_message(written, "demo", week))
        for hours in (-2, -1, 0, 1, 2):
            watcher.on_batch(update(monday + hours * 3_600_000))
    assert sender.titles == ["demo: week of 2017-07-10"]
    assert "## Movers" in sender.messages[0].body


# ---------------------------------------------------------------- through apprise


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(500 if len(self.server.received) <= self.server.failing else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received, server.failing = [], 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_through_apprise_to_a_receiver(receiver):
    receiver.failing = 2
    sender = AppriseSender([f"json://127.0.0.1:{receiver.server_port}/"])
    with Notifier(sender, pause=0.001) as notifier:
        notifier.tell(Message("demo: halt", "by **ada**", "critical"))
        wait(lambda: len(receiver.received) == 3)
    assert receiver.received[-1]["title"] == "demo: halt"
    assert "ada" in receiver.received[-1]["message"]
    assert receiver.received[-1]["type"] == "failure"


@pytest.mark.parametrize("address", ["nothing", "nosuch://secret-token/", "tgram://"])
def test_an_address_that_is_none_is_refused_and_not_repeated(address):
    with pytest.raises(ConfigurationError, match="address 1") as error:
        AppriseSender([address])
    assert "secret-token" not in str(error.value)


def test_addresses_with_tokens_are_secrets(monkeypatch):
    monkeypatch.setenv("MIRRORFAST_SECRETS", "/nonexistent")
    monkeypatch.setenv("MIRRORFAST_SECRET_NOTIFY", "tgram://123456:abcdef/789")
    assert notify_address("notify") == "tgram://123456:abcdef/789"
    with pytest.raises(ConfigurationError, match="MIRRORFAST_SECRET_OTHER"):
        notify_address("other")
