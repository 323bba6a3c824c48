"""Logs: four levels, two formats, and no secret in any of them."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mirrorfast.errors import ParameterError
from mirrorfast.telemetry import LEVELS, configure_logging, get_logger, redact, register_secret


def lines(level: str = "DEBUG", format: str = "json") -> tuple[io.StringIO, Any]:  # noqa: A002
    stream = io.StringIO()
    configure_logging(level, format=format, stream=stream)  # type: ignore[arg-type]
    return stream, get_logger("mirrorfast.test")


@pytest.mark.parametrize("level", LEVELS)
def test_levels(level: str) -> None:
    stream, log = lines(level)
    for name in LEVELS:
        getattr(log, name.lower())("happened", n=1)
    written = [json.loads(line)["level"].upper() for line in stream.getvalue().splitlines()]
    assert written == list(LEVELS[LEVELS.index(level) :])


def test_json_line() -> None:
    stream, log = lines()
    log.bind(run="a").info("order_sent", symbol="BTC/USD", quantity=0.5)
    record = json.loads(stream.getvalue())
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "order_sent", "level": "info", "logger": "mirrorfast.test",
        "quantity": 0.5, "run": "a", "symbol": "BTC/USD",
    }  # fmt: skip


def test_console_line_is_plain_without_a_terminal() -> None:
    stream, log = lines(format="console")
    log.warning("stale_data", symbol="BTC/USD")
    assert "stale_data" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_exception_is_written_and_masked() -> None:
    stream, log = lines()
    try:
        int("signature=abcdef0123")
    except ValueError:
        log.exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "abcdef0123" not in stream.getvalue()


def test_configuring_again_replaces() -> None:
    first, _ = lines()
    second, log = lines()
    log.info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_unconfigured_library_is_quiet_below_warning(caplog: pytest.LogCaptureFixture) -> None:
    log = get_logger("mirrorfast.quiet")
    log.info("not said")
    log.warning("said", n=2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "said" in caplog.records[0].getMessage()


@pytest.mark.parametrize(("level", "format"), [("TRACE", "json"), ("debug", "json"), ("INFO", "xml")])
def test_unknown_words(level: str, format: str) -> None:  # noqa: A002
    with pytest.raises(ParameterError, match="expected"):
        configure_logging(level, format=format)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key",
    ["secret", "api_key", "apiKey", "API-KEY", "password", "db_password", "token", "access_token", "signature",
     "Authorization", "private_key", "passphrase", "client_secret", "X-MBX-APIKEY", "cookie"],
)  # fmt: skip
def test_telling_keys_are_masked(key: str) -> None:
    event = redact(None, "info", {"event": "x", "headers": {key: "v4lue-of-it"}, key: "v4lue-of-it"})
    assert "v4lue-of-it" not in str(event)


@pytest.mark.parametrize("key", ["keys", "tokens_left_", "symbol", "monkey", "passed", "secretary"])
def test_ordinary_keys_are_kept(key: str) -> None:
    assert redact(None, "info", {key: "value"})[key] == "value"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:s3cret-pw@db:5432/x",
        "GET /api/v3/order?symbol=X&signature=s3cret-pw&timestamp=1",
        '{"apiKey": "s3cret-pw", "symbol": "X"}',
        "Authorization: Bearer s3cret-pw",
        "X-MBX-APIKEY: s3cret-pw",
        "password=s3cret-pw;",
    ],
)
def test_secrets_inside_text_are_masked(text: str) -> None:
    masked = redact(None, "info", {"event": text, "deep": [{"text": (text,)}], "error": RuntimeError(text)})
    assert "s3cret-pw" not in str(masked)
    assert "***" in masked["event"]


def test_secret_type_and_registered_secret() -> None:
    register_secret("correct horse battery")
    event = redact(None, "info", {"a": SecretStr("x"), "b": "say correct horse battery loudly"})
    assert event == {"a": "***", "b": "say *** loudly"}


def test_short_text_is_not_registered() -> None:
    register_secret("abc")
    assert redact(None, "info", {"event": "abcdef"})["event"] == "abcdef"


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.one_of(st.none(), st.text(max_size=8)), st.lists, max_leaves=4)
    )
)
def test_any_event_can_be_redacted(event: dict[str, Any]) -> None:
    assert redact(None, "info", dict(event)).keys() == event.keys()
