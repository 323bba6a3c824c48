"""Diagnostics: structlog over the standard logging module, and the redaction that every line passes.

A library must not speak unasked: without `configure_logging` only warnings and errors reach standard error, through the
standard module's own fallback, and an application's logging configuration applies as it does to any other library.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

from mirrorfast.errors import ParameterError
from mirrorfast.redaction import guard_process, redact, register_secret

__all__ = ["LEVELS", "configure_logging", "get_logger", "redact", "register_secret"]

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
"""The four levels, least severe first."""

_ROOT: Final = "mirrorfast"


def get_logger(name: str) -> Any:
    """Make a logger.

    Parameters
    ----------
    name : str
        Dotted name below ``mirrorfast``; a module passes ``__name__``.

    Returns
    -------
    structlog.stdlib.BoundLogger
        A logger whose methods take an event name and keyword values.

    Examples
    --------
    >>> get_logger("mirrorfast.example").debug("bar_closed", symbol="BTC/USD")
    """
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            _render,
        ],
        wrapper_class=_Logger,
        cache_logger_on_first_use=True,
    )


def configure_logging(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING",
    *,
    format: Literal["console", "json"] = "console",  # noqa: A002 - the configuration's name
    stream: TextIO | None = None,
) -> None:
    """Send diagnostics to a stream: what an application calls once. Its tracebacks are masked from then on.

    Parameters
    ----------
    level : {"DEBUG", "INFO", "WARNING", "ERROR"}, default "WARNING"
        Least severe level that is written.
    format : {"console", "json"}, default "console"
        Lines for people, or one JSON object a line.
    stream : file, optional
        Where to; standard error by default.

    Raises
    ------
    ParameterError
        If `level` or `format` is none of its words.

    Examples
    --------
    >>> import io, json
    >>> lines = io.StringIO()
    >>> configure_logging("INFO", format="json", stream=lines)
    >>> get_logger("mirrorfast.example").info("order_sent", symbol="BTC/USD", token="abc")
    >>> record = json.loads(lines.getvalue())
    >>> record["event"], record["level"], record["token"]
    ('order_sent', 'info', '***')
    >>> configure_logging()
    """
    if level not in LEVELS:
        msg = f"level = {level!r}: expected {', '.join(LEVELS)}"
        raise ParameterError(msg)
    if format not in _RENDERERS:
        msg = f"format = {format!r}: expected console or json"
        raise ParameterError(msg)
    handler = _StandardError() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger(_ROOT)
    for old in [h for h in root.handlers if type(h) in (logging.StreamHandler, _StandardError)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    root.propagate = False
    guard_process()
    global _renderer
    _renderer = _RENDERERS[format](handler.stream)


class _StandardError(logging.StreamHandler[TextIO]):
    # Standard error as it is when a line is written: a live view and a test put another one in its place.
    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        pass


class _Logger(structlog.stdlib.BoundLogger):
    # The standard module's own `exception` would append the traceback after, and so past, the redaction.
    def exception(self, event: str | None = None, *args: Any, **values: Any) -> Any:
        return self.error(event, *args, **{"exc_info": True, **values})


_Renderer = Callable[[Any, str, MutableMapping[str, Any]], str | bytes]


def _console(stream: TextIO | None) -> _Renderer:
    colors = stream is not None and stream.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, pad_level=False)


def _json(_stream: TextIO | None) -> _Renderer:
    return structlog.processors.JSONRenderer(sort_keys=True, default=str)


_RENDERERS: Final[dict[str, Callable[[TextIO | None], _Renderer]]] = {"console": _console, "json": _json}
_renderer: _Renderer = _console(None)


def _render(logger: Any, method: str, event: MutableMapping[str, Any]) -> str | bytes:
    return _renderer(logger, method, event)
