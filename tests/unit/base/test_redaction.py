"""What is masked, wherever it turns up: venues' headers and queries, other loggers' records, tracebacks."""

import io
import logging
import pickle
import sys
import threading
from collections.abc import Iterator
from copy import copy, deepcopy

import pytest

from mirrorfast.credentials import Secret
from mirrorfast.redaction import forget_secrets, guard_process, masked, masked_traceback, redact, register_secret

SECRET = "Zk3/x+9 q=%tail"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    yield
    forget_secrets()
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize(
    "text",
    [
        "signature=V4LUE0123456789abcdef",
        "https://x/api?timestamp=1&signature=V4LUE0123456789abcdef&recvWindow=5000",
        "{'X-MBX-APIKEY': 'V4LUE0123456789abcdef', 'Accept': '*/*'}",
        '{"X-BAPI-SIGN": "V4LUE0123456789abcdef"}',
        "OK-ACCESS-SIGN: V4LUE0123456789abcdef",
        "OK-ACCESS-PASSPHRASE: V4LUE0123456789abcdef",
        "API-Sign: V4LUE0123456789abcdef==",
        "KC-API-KEY=V4LUE0123456789abcdef",
        "sign=V4LUE0123456789abcdef",
        '{"listenKey":"V4LUE0123456789abcdef"}',
        "PUT /api/v3/userDataStream?listenKey=V4LUE0123456789abcdef",
        "connecting to wss://stream.binance.com:9443/ws/V4LUE0123456789abcdef01",
        "https://api.telegram.org/bot12345:V4LUE0123456789abcdef01/sendMessage",
        "https://discord.com/api/webhooks/4711/V4LUE0123456789abcdef01",
        "Authorization: Bearer V4LUE0123456789abcdef",
        "Authorization: Basic V4LUE0123456789abcdef",
        "b'api_key': b'V4LUE0123456789abcdef'",
        '"{\\"secret\\": \\"V4LUE0123456789abcdef\\"}"',
        "postgresql://me:V4LUE0123456789abcdef@host/db",
    ],
)
def test_what_signs_and_opens_is_masked(text: str) -> None:
    assert "V4LUE" not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "sign=-1 at bar 12",
        "the signal of BTC/USDT is long, confidence 0.71",
        "wss://stream.binance.com:9443/ws/btcusdt@kline_1m",
        "design: 12, assigned=3, tokens left 4",
        "GET https://api.binance.com/api/v3/klines?symbol=BTCUSDT&interval=1h",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("form", [SECRET, "Zk3%2Fx%2B9%20q%3D%25tail", "Zk3%2Fx%2B9+q%3D%25tail"])
def test_every_form_of_a_registered_secret_is_masked(form: str) -> None:
    register_secret(SECRET)
    assert masked(f"before {form} after") == "before *** after"


def test_of_two_secrets_one_inside_the_other_nothing_is_left() -> None:
    register_secret("inner-secret")
    register_secret("inner-secret-and-the-rest")
    assert masked("x inner-secret-and-the-rest y inner-secret z") == "x *** y *** z"


def test_bytes_and_nested_values() -> None:
    register_secret("correct-horse")
    event = redact(None, "info", {"body": b"key correct-horse", "deep": [({"a": "correct-horse"},)]})
    assert "horse" not in str(event)


def failing(text: str) -> None:
    raise RuntimeError(text)


def test_records_of_other_loggers_are_masked() -> None:
    register_secret("correct-horse")
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    other = logging.getLogger("ccxt.base.exchange")
    other.addHandler(handler)
    other.setLevel(logging.DEBUG)
    try:
        other.debug("%s %s, Request: %s", "binance", "fetch2", {"X-MBX-APIKEY": "correct-horse"})
        try:
            failing("GET /order?signature=0a1b2c3d4e5f for correct-horse")
        except RuntimeError:
            other.exception("failed with %s", "correct-horse")
        other.warning("arguments do not fit: %s %s", "correct-horse")
    finally:
        other.removeHandler(handler)
    written = lines.getvalue()
    assert "horse" not in written
    assert "0a1b2c3d4e5f" not in written
    assert written.count("***") >= 4
    assert "RuntimeError" in written
    assert "test_redaction.py" in written  # the traceback is there


def test_tracebacks_are_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    register_secret("correct-horse")
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    guard_process()

    def fail() -> None:
        try:
            failing("correct-horse")
        except RuntimeError as error:
            raise ValueError("token=0a1b2c3d4e5f") from error

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    try:
        fail()
    except ValueError:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        text = masked_traceback(*sys.exc_info())
    written = capsys.readouterr().err
    for output in (written, text):
        assert "horse" not in output
        assert "0a1b2c3d4e5f" not in output
    assert written.count("ValueError: token=***") == 2
    assert "Exception in thread worker" in written


def test_a_secret_is_neither_shown_nor_pickled() -> None:
    secret = Secret("correct-horse")
    for text in (str(secret), repr(secret), f"{secret}", f"{secret!r}", repr([secret]), repr({"a": secret})):
        assert "horse" not in text
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)
    assert copy(secret) is secret
    assert deepcopy({"a": secret})["a"].get_secret_value() == "correct-horse"
