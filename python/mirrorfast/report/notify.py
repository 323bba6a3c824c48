"""Messages to people, through apprise: halts, errors, reconnects, fills, the weekly report. Never in trading's way."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.telemetry import get_logger, register_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

__all__ = ["AppriseSender", "Message", "Notifier", "Sender", "notify_address"]

_log = get_logger(__name__)

Severity = Literal["info", "warning", "error", "critical"]
_KINDS: Final = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}
_URGENT: Final = frozenset({"error", "critical"})


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell.

    Attributes
    ----------
    title, body
        Plain text, or Markdown in the body.
    severity
        ``error`` and ``critical`` go before what waits, and are left out last.

    Examples
    --------
    >>> Message("halted", "by ada: news", "critical").severity
    'critical'
    """

    title: str
    body: str
    severity: Severity = "info"


class Sender(Protocol):
    """Brings a message to people."""

    def send(self, message: Message) -> bool:
        """Send; tells whether it arrived."""


def notify_address(text: str) -> str:
    """Find the address to notify.

    Parameters
    ----------
    text
        An apprise URL, or the name of a secret that holds one: an address with a token in it does not belong on a
        command line, which every user of the machine can read.

    Returns
    -------
    str
        The address; its text is masked in logs from now on.

    Raises
    ------
    ConfigurationError
        When there is no such secret.

    Examples
    --------
    >>> notify_address("json://127.0.0.1:8080/")
    'json://127.0.0.1:8080/'
    """
    from mirrorfast.credentials import get_secret

    address = text if "://" in text else get_secret(text).get_secret_value()
    register_secret(address)
    return address


class AppriseSender:
    """Sends through apprise: Telegram, Discord, e-mail and what else it knows.

    Parameters
    ----------
    addresses
        apprise URLs.

    Raises
    ------
    ConfigurationError
        When apprise is not installed, or does not understand an address; which is not repeated.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        try:
            import apprise
        except ImportError as error:
            raise ConfigurationError("notifications need apprise: pip install 'mirrorfast[notify]'") from error
        # Its own lines name addresses with their tokens.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._apprise = apprise.Apprise()
        self._format = apprise.NotifyFormat.MARKDOWN
        for k, address in enumerate(addresses, 1):
            if not self._apprise.add(address):
                scheme = address.partition("://")[0][:20]
                raise ConfigurationError(f"notification address {k} ({scheme}://…): not one that apprise understands")

    def send(self, message: Message) -> bool:
        """Send to all addresses; false if one of them did not take it."""
        return bool(
            self._apprise.notify(
                title=message.title,
                body=message.body,
                notify_type=_KINDS[message.severity],
                body_format=self._format,
            )
        )


class Notifier:
    """Tells people from a thread of its own; whoever asks never waits.

    Parameters
    ----------
    sender
        Brings the messages.
    per_minute
        Messages a minute at most; more of them wait.
    waiting
        Messages that wait at most; beyond, the oldest that is not urgent is left out, and the next says how many were.
    attempts
        Tries of a message, the second after `pause` seconds, then twice as long each.
    pause
        Seconds.
    clock
        Seconds that only go on.

    Raises
    ------
    ParameterError
        When a number is below 1.

    Examples
    --------
    >>> class Printer:
    ...     def send(self, message):
    ...         print(message.title)
    ...         return True
    >>> with Notifier(Printer()) as notifier:
    ...     notifier.tell(Message("halted", "by ada"))
    halted
    """

    def __init__(
        self,
        sender: Sender,
        *,
        per_minute: int = 20,
        waiting: int = 200,
        attempts: int = 5,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("per_minute", per_minute), ("waiting", waiting), ("attempts", attempts)):
            if value < 1:
                raise ParameterError(f"{name} = {value!r}: expected at least 1")
        self._sender, self._attempts, self._pause, self._clock = sender, attempts, pause, clock
        self._per_minute, self._most = per_minute, waiting
        self._urgent: deque[Message | Callable[[], Message | None]] = deque()
        self._other: deque[Message | Callable[[], Message | None]] = deque()
        self._wake = threading.Condition()
        self._sent: deque[float] = deque()
        self._left_out = 0
        self._ending: float | None = None
        self._thread: threading.Thread | None = None

    def tell(self, message: Message | Callable[[], Message | None]) -> None:
        """Have a message sent soon.

        Parameters
        ----------
        message
            What to say, or a function that makes it in the notifier's thread (``None``: nothing to say).
        """
        urgent = isinstance(message, Message) and message.severity in _URGENT
        with self._wake:
            (self._urgent if urgent else self._other).append(message)
            if len(self._urgent) + len(self._other) > self._most:
                (self._other or self._urgent).popleft()
                self._left_out += 1
            self._wake.notify()

    def start(self) -> Self:
        """Start the thread."""
        self._thread = threading.Thread(target=self._main, name="mirrorfast-notifier", daemon=True)
        self._thread.start()
        return self

    def stop(self, timeout: float = 10.0) -> None:
        """Send what waits, for so long at most, and end.

        Parameters
        ----------
        timeout
            Seconds.
        """
        with self._wake:
            self._ending = self._clock() + timeout
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout + 1.0)
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ the notifier's own thread

    def _main(self) -> None:
        while True:
            with self._wake:
                while not (self._urgent or self._other) and self._ending is None:
                    self._wake.wait()
                if not (self._urgent or self._other):
                    return
            if not self._rested():
                return
            with self._wake:
                item = (self._urgent or self._other).popleft()
                left_out, self._left_out = self._left_out, 0
            self._deliver(item, left_out)

    def _rested(self) -> bool:
        """Wait until another message may go; false where the end comes first."""
        while True:
            now = self._clock()
            while self._sent and now - self._sent[0] >= 60.0:
                self._sent.popleft()
            if len(self._sent) < self._per_minute:
                return True
            if not self._wait(60.0 - (now - self._sent[0])):
                return False

    def _wait(self, seconds: float) -> bool:
        """Sleep, for no longer than there is time before the end; false where there is none left."""
        with self._wake:
            left = seconds if self._ending is None else min(seconds, self._ending - self._clock())
            if left <= 0 and self._ending is not None:
                return False
            self._wake.wait(max(0.001, left))
        return True

    def _deliver(self, item: Message | Callable[[], Message | None], left_out: int) -> None:
        try:
            message = item if isinstance(item, Message) else item()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next message must still go out
            _log.error("notification_not_made", error=f"{type(error).__name__}: {error}")
            return
        if message is None:
            return
        if left_out:
            note = f"({left_out} earlier messages were left out.)"
            message = Message(message.title, f"{message.body}\n\n{note}", message.severity)
        for attempt in range(1, self._attempts + 1):
            self._sent.append(self._clock())
            if self._try(message):
                return
            if attempt == self._attempts or not self._pausing(self._pause * 2 ** (attempt - 1)):
                break
        _log.error("notification_lost", title=message.title, attempts=attempt)

    def _pausing(self, seconds: float) -> bool:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            if not self._wait(left):
                return False
        return True

    def _try(self, message: Message) -> bool:
        try:
            return self._sender.send(message)
        except Exception as error:  # noqa: BLE001 - a sender is somebody else's program
            _log.warning("notification_failed", error=f"{type(error).__name__}: {error}")
            return False


class Watcher:
    """An observer of the trading loop that tells people what they asked to know.

    Parameters
    ----------
    notifier
        Tells them.
    run
        Name of the run, for the title.
    fills
        Tell executions too.
    weekly
        Makes the weekly report of a Monday's week, in the notifier's thread; ``None``: no weekly reports.
    reconnects
        Counts connections made again, where there is a feed that has any.
    """

    def __init__(
        self,
        notifier: Notifier,
        run: str,
        *,
        fills: bool = False,
        weekly: Callable[[int], Message | None] | None = None,
        reconnects: Callable[[], int] | None = None,
    ) -> None:
        self._notifier, self._run, self._fills = notifier, run, fills
        self._weekly, self._reconnects = weekly, reconnects
        self._week: int | None = None
        self._lines = 0

    def on_batch(self, update: Any) -> None:
        """Take note of one bar time.

        Parameters
        ----------
        update
            What it brought.
        """
        for event in update.events:
            if event.kind == "incident":
                p = event.payload
                self._notifier.tell(Message(f"{self._run}: {p['kind'].replace('_', ' ')}", p["message"], p["severity"]))
            elif event.kind == "fill" and self._fills:
                p = event.payload
                said = f"{p['side']} {p['quantity']} {p['symbol']} at {p['price']} ({p['purpose'] or 'no purpose'})"
                self._notifier.tell(Message(f"{self._run}: fill", said))
        lines = self._reconnects() if self._reconnects is not None else 0
        if lines > self._lines:
            self._notifier.tell(
                Message(f"{self._run}: reconnected", f"{lines - self._lines} lines made again", "warning")
            )
        self._lines = lines
        # Weeks since the first Monday of 1970, which was the fifth of January.
        week = (update.ts - 345_600_000) // 604_800_000
        if self._week is not None and week > self._week and self._weekly is not None:
            over = self._week
            self._notifier.tell(lambda: self._weekly(over) if self._weekly is not None else None)
        self._week = week


def week_message(target: Any, run: str, week: int) -> Message | None:
    """Report a week that is over, from a ledger that is being written.

    Parameters
    ----------
    target
        Where the ledger is.
    run
        Name of the run.
    week
        Number of the week, since the first Monday of 1970.

    Returns
    -------
    Message or None
        The report as Markdown.
    """
    from datetime import UTC, datetime

    from mirrorfast.ledger import Ledger
    from mirrorfast.report.weekly import weekly_report

    monday = datetime.fromtimestamp(week * 604_800 + 345_600, UTC).date()
    # Not Ledger.open: closing the file that it looks at would drop the locks of the writer in this process.
    with Ledger(target, busy_timeout_s=5.0, writable=False, immutable=False) as ledger:
        report = weekly_report(ledger, run=run, week=monday)
    return Message(f"{run}: week of {monday}", report.to_markdown())
