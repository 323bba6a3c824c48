"""Request limits as venues have them: weight in a fixed window, 429 beyond it, and a ban for who goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Limits", "Window"]


class Refused(NamedTuple):
    """A refusal: HTTP status 429 or 418, and seconds until the next request may be answered."""

    status: int
    retry_after: int
    until: float


@dataclass
class Window:
    """One budget: so much weight in each window of so many seconds, windows aligned to real time.

    Examples
    --------
    >>> window = Window(limit=10, seconds=60.0)
    >>> window.take(8, 0.0), window.take(8, 1.0), window.take(8, 60.0)
    (True, False, True)
    """

    limit: int
    seconds: float
    used: int = field(default=0, init=False)
    number: int = field(default=-1, init=False)

    def take(self, weight: int, now: float) -> bool:
        """Use weight; also what is refused counts, as on the real venue."""
        number = int(now // self.seconds)
        if number != self.number:
            self.number, self.used = number, 0
        self.used += weight
        return self.used <= self.limit

    def left(self, now: float) -> float:
        """Seconds until the window ends."""
        return self.seconds - now % self.seconds


class Limits:
    """Limits of one venue for each address.

    Parameters
    ----------
    limit : int
        Weight in a window.
    seconds : float, default 60.0
        Length of a window.
    patience : int, default 10
        Requests answered 429 in a window before the address is banned.
    ban : float, default 120.0
        Seconds of a first ban; each further one is twice as long.
    monotonic : callable, optional
        Real seconds.

    Examples
    --------
    >>> limits = Limits(limit=2, patience=1, monotonic=lambda: 0.0)
    >>> answers = [limits.refuse("a", 1) for _ in range(5)]
    >>> [answer and answer.status for answer in answers]
    [None, None, 429, 418, 418]
    """

    def __init__(
        self,
        limit: int,
        seconds: float = 60.0,
        patience: int = 10,
        ban: float = 120.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit, self.seconds, self.patience, self.ban_seconds = limit, seconds, patience, ban
        self._monotonic = monotonic
        self._windows: dict[str, Window] = {}
        self._warned: dict[str, tuple[int, int]] = {}
        self._banned: dict[str, float] = {}
        self._bans: dict[str, int] = {}
        self._paused: dict[str, tuple[float, int]] = {}
        self.refused = 0
        self.during_ban = 0
        self.during_pause = 0

    def ban(self, address: str, seconds: float) -> Refused:
        """Ban an address for so many seconds."""
        until = self._monotonic() + seconds
        self._banned[address] = until
        self.refused += 1
        return Refused(418, max(1, round(seconds)), until)

    def pause(self, address: str, seconds: float) -> Refused:
        """Answer an address 429 for so many seconds; who goes on meanwhile is banned in the end."""
        now = self._monotonic()
        self._paused[address] = (now + seconds, 0)
        self.refused += 1
        return Refused(429, max(1, round(seconds)), now + seconds)

    def used(self, address: str) -> int:
        """Weight used in the present window."""
        window = self._windows.get(address)
        if window is None or window.number != int(self._monotonic() // self.seconds):
            return 0
        return window.used

    def refuse(self, address: str, weight: int) -> Refused | None:
        """Count a request; the refusal, or ``None`` if it may be answered."""
        now = self._monotonic()
        until = self._banned.get(address)
        if until is not None:
            if now < until:
                self.refused += 1
                self.during_ban += 1
                return Refused(418, max(1, -int(-(until - now) // 1)), until)
            del self._banned[address]
        paused, times = self._paused.get(address, (now, 0))
        if now < paused:
            self.refused += 1
            self.during_pause += 1
            self._paused[address] = (paused, times + 1)
            if times >= self.patience:
                del self._paused[address]
                return self._banned_again(address)
            return Refused(429, max(1, -int(-(paused - now) // 1)), paused)
        window = self._windows.setdefault(address, Window(self.limit, self.seconds))
        if window.take(weight, now):
            return None
        self.refused += 1
        number, warned = self._warned.get(address, (window.number, 0))
        warned = warned + 1 if number == window.number else 1
        self._warned[address] = (window.number, warned)
        if warned > self.patience:
            return self._banned_again(address)
        left = window.left(now)
        return Refused(429, max(1, -int(-left // 1)), now + left)

    def _banned_again(self, address: str) -> Refused:
        self._bans[address] = self._bans.get(address, 0) + 1
        return self.ban(address, self.ban_seconds * 2 ** (self._bans[address] - 1))
