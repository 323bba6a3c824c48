"""What must not be written: secrets, signatures, listen keys, in log lines, exception texts and the journal."""

import functools
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

__all__ = ["MASK", "forget_secrets", "guard_process", "masked", "masked_traceback", "redact", "register_secret"]

MASK: Final = "***"
"""What stands in a secret's place."""

_SECRET_KEY: Final = re.compile(
    r"(^|[_\-.])(secret|password|passwd|passphrase|token|api[_-]?key|private[_-]?key|signature|listen[_-]?key"
    r"|authorization|cookie|webhook)([_\-.]|$)|secret$|password$|apikey$|listenkey$|privatekey$"
    r"|^(ok|cb)-access-(key|sign)$",
    re.IGNORECASE,
)
# Names before a value in queries, headers and JSON; those of venues beside the general ones.
_NAMES: Final = (
    r"secret|password|passphrase|token|api[_-]?key|private[_-]?key|signature|authorization|listen[_-]?key"
    r"|x-mbx-apikey|api-sign|x-bapi-sign|(?:ok|cb|kc)-(?:access|api)-(?:key|sign)"
)
_IN_TEXT: Final = (
    # user:password@ of a URL
    (re.compile(r"(://)[^/\s:@]*:[^/\s@]*@"), rf"\1{MASK}@"),
    # key=value and "key": "value" of queries, headers and JSON; a repr escapes its quotes
    (
        re.compile(
            rf"((?:{_NAMES})\\?[\"']?\s*[=:]\s*(?:b(?=[\"']))?\\?[\"']?(?:bearer\s+|basic\s+)?)[^\s&\"',;}}\\]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # sign=… of several venues' queries: only as a whole word, and only what looks like a digest
    (re.compile(r"\b(sign[\"']?\s*[=:]\s*[\"']?)[0-9A-Za-z+/=%_-]{16,}", re.IGNORECASE), rf"\1{MASK}"),
    # A user-data stream's listen key is the last part of its address
    (re.compile(r"(wss?://[^\s\"']*?/(?:ws|stream)/)[A-Za-z0-9]{20,}"), rf"\1{MASK}"),
    # Tokens that messengers want in the address itself
    (re.compile(r"(/bot)\d+:[A-Za-z0-9_-]{20,}"), rf"\1{MASK}"),
    (re.compile(r"(/webhooks/\d+/)[A-Za-z0-9_-]{20,}"), rf"\1{MASK}"),
)
_secrets: list[str] = []
_guard: Final = threading.Lock()


def register_secret(value: str) -> None:
    """Have a text masked from now on: in log records of the whole process, in errors that are shown, in the journal.

    Parameters
    ----------
    value : str
        The secret. One of fewer than six characters is not registered: masking it would garble ordinary words.

    Examples
    --------
    >>> register_secret("hunter2-hunter2")
    >>> redact(None, "info", {"event": "sent hunter2-hunter2 away"})["event"]
    'sent *** away'
    """
    if len(value) < 6:
        return
    # As it stands in an address, in a form, in JSON.
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    global _secrets
    with _guard:
        # A new list: a thread that masks meanwhile keeps the old one. Longest first, or a part of a longer one is left.
        _secrets = sorted({*_secrets, *forms}, key=lambda text: (-len(text), text))
        _guard_records()


def forget_secrets() -> None:
    """Mask none of the registered texts any more; for tests.

    Examples
    --------
    >>> register_secret("swordfish")
    >>> forget_secrets()
    >>> masked("the word is swordfish")
    'the word is swordfish'
    """
    global _secrets
    with _guard:
        _secrets = []


def masked(text: str) -> str:
    """Mask what is secret in a text.

    Parameters
    ----------
    text : str
        Any text: an exception's, an address, a header.

    Returns
    -------
    str
        The text with registered secrets, signatures, keys, listen keys and passwords of addresses replaced.

    Examples
    --------
    >>> masked("binance GET https://api.binance.com/api/v3/order?symbol=X&timestamp=1&signature=0a1b2c")
    'binance GET https://api.binance.com/api/v3/order?symbol=X&timestamp=1&signature=***'
    """
    for secret in _secrets:
        text = text.replace(secret, MASK)
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask secrets in an event: a structlog processor.

    Parameters
    ----------
    _logger, _method : object, str
        What structlog passes; unused.
    event : mapping
        The event's keys and values.

    Returns
    -------
    mapping
        The same mapping with secrets masked, at any depth: values under telling keys, credentials in URLs, queries and
        headers, registered secrets and `SecretStr`.

    Examples
    --------
    >>> redact(None, "info", {"api_key": "abc", "url": "postgresql://me:pw@host/db", "keys": 3})
    {'api_key': '***', 'url': 'postgresql://***@host/db', 'keys': 3}
    """
    for key in list(event):
        event[key] = _masked_value(key, event[key])
    return event


def masked_traceback(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> str:
    """Write a traceback without secrets.

    Parameters
    ----------
    kind, error, trace : type, BaseException, traceback
        As ``sys.exc_info`` gives them.

    Returns
    -------
    str
        Its lines. Python prints no values of variables, so what can leak is the exception's own text.

    Examples
    --------
    >>> masked_traceback(ValueError, ValueError("token=abc"), None)
    'ValueError: token=***'
    """
    return masked("".join(traceback.format_exception(kind, error, trace))).rstrip("\n")


def guard_process() -> None:
    """Mask the tracebacks of a program that ends with an error, in any thread; `configure_logging` calls it.

    Examples
    --------
    >>> import sys, threading
    >>> before = sys.excepthook, threading.excepthook
    >>> sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
    >>> guard_process()
    >>> sys.excepthook is sys.__excepthook__
    False
    >>> sys.excepthook, threading.excepthook = before
    """

    def of_program(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        print(masked_traceback(kind, error, trace), file=sys.stderr)  # noqa: T201

    def of_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is SystemExit:
            return
        name = "?" if arguments.thread is None else arguments.thread.name
        text = masked_traceback(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        print(f"Exception in thread {name}:\n{text}", file=sys.stderr)  # noqa: T201

    # An application's own hooks are its own affair.
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = of_program
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = of_thread


def _guard_records() -> None:
    """Let every record of the process pass the mask: ccxt logs whole requests, keys included, at DEBUG."""
    factory = logging.getLogRecordFactory()
    if getattr(factory, "masks", False):
        return

    @functools.wraps(factory)
    def masking(*args: Any, **values: Any) -> logging.LogRecord:
        record = factory(*args, **values)
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError, IndexError):
            # A message whose arguments do not fit: logging reports it when it is written, and shows them.
            text = f"{record.msg} {record.args}"
        record.msg, record.args = masked(text), ()
        if record.exc_info:
            record.exc_text, record.exc_info = masked_traceback(*record.exc_info), None
        return record

    masking.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(masking)


def _masked_value(key: object, value: Any) -> Any:
    if isinstance(value, SecretStr) or (isinstance(key, str) and value is not None and _SECRET_KEY.search(key)):
        return MASK
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, bytes):
        return masked(value.decode("utf-8", "backslashreplace"))
    if isinstance(value, dict):
        return {k: _masked_value(k, v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_masked_value(None, v) for v in value]
    if isinstance(value, BaseException):
        return masked(f"{type(value).__name__}: {value}")
    return value
