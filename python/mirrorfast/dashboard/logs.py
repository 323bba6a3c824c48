"""The last lines of the log, for the page; they have passed the redaction already."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mirrorfast.dashboard.view import RunView

__all__ = ["LogTail"]

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST: Final = 600


class LogTail(logging.Handler):
    """Keeps lines of mirrorfast's log until the page takes them.

    Parameters
    ----------
    most
        Lines that wait; older ones go.
    """

    def __init__(self, most: int = 200) -> None:
        super().__init__()
        self._lines: deque[tuple[int, str, str]] = deque(maxlen=most)
        self._logger = logging.getLogger("mirrorfast")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; a deque takes it from any thread."""
        text = _COLOURS.sub("", record.getMessage())
        self._lines.append((int(time.time() * 1000), record.levelname.lower(), text[:_LONGEST]))

    def drain(self, view: RunView) -> None:
        """Give the lines to a view."""
        while self._lines:
            view.log(*self._lines.popleft())

    def start(self) -> None:
        """Listen."""
        self._logger.addHandler(self)

    def stop(self) -> None:
        """Listen no more."""
        self._logger.removeHandler(self)
