"""The venue's rate limit, kept on our side: no window of its length ever holds more weight than it allows."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mirrorfast.errors import ParameterError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["RateLimiter", "VenueClosedError", "Window"]


class VenueClosedError(TemporaryError):
    """The venue asked us to stay away for a while: too many requests, or a ban.

    Parameters
    ----------
    message : str
        Which venue, and why.
    retry_in : float
        Seconds until it may be asked again.

    Attributes
    ----------
    retry_in : float
        Seconds until it may be asked again.
    """

    def __init__(self, message: str, retry_in: float) -> None:
        super().__init__(message)
        self.retry_in = retry_in


@dataclass(frozen=True, slots=True)
class Window:
    """A limit: so much weight in any span of so many seconds.

    Attributes
    ----------
    weight
        Most of it.
    seconds
        Length of the span.

    Examples
    --------
    >>> Window(6000, 60).weight
    6000
    """

    weight: float
    seconds: float


@dataclass(slots=True)
class _Held:
    """What a window holds: weight under way, and weight answered less than its length ago."""

    limit: Window
    under_way: float = 0.0
    answered: deque[tuple[float, float]] = field(default_factory=deque)
    total: float = 0.0  # of `answered`; set to 0 exactly whenever the queue runs empty

    def used(self, now: float) -> float:
        while self.answered and self.answered[0][0] <= now:
            self.total -= self.answered.popleft()[1]
        if not self.answered:
            self.total = 0.0
        return self.under_way + self.total


class RateLimiter:
    """Gives out a venue's request weight, in turn, orders first.

    A request counts from the moment it is let go until a window's length after its *answer*: whenever in between the
    venue counted it, and however its windows are laid, it never counts more than the limit. (A leaky bucket lets up to
    twice the limit into one window.)

    Parameters
    ----------
    windows
        The venue's limits; all of them hold.
    reserve
        Share of each limit that only ``urgent`` requests may use.

    Raises
    ------
    ParameterError
        When a limit is not above 0, or the reserve outside [0, 1).

    Notes
    -----
    Time is the event loop's, which is monotonic: a clock that is set changes nothing.

    Examples
    --------
    >>> async def two():
    ...     limiter = RateLimiter([Window(1, 0.05)])
    ...     start = asyncio.get_running_loop().time()
    ...     for _ in range(2):
    ...         async with limiter.slot(1):
    ...             pass
    ...     return asyncio.get_running_loop().time() - start >= 0.05
    >>> asyncio.run(two())
    True
    """

    def __init__(self, windows: list[Window], *, reserve: float = 0.0) -> None:
        for window in windows:
            if not (window.weight > 0 and window.seconds > 0):
                raise ParameterError(f"window = {window}: expected a weight and a number of seconds > 0")
        if not 0 <= reserve < 1:
            raise ParameterError(f"reserve = {reserve}: expected a share in [0, 1)")
        self._held = [_Held(window) for window in windows]
        self._reserve = reserve
        self._waiting: list[tuple[int, int, float, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._closed_until = float("-inf")
        self._why = ""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Number of requests in the queue."""
        return sum(not entry[3].done() for entry in self._waiting)

    @property
    def closed_for(self) -> float:
        """Seconds for which the venue wants no request; 0 when it is open."""
        return self.closed_at(asyncio.get_running_loop().time())

    def closed_at(self, now: float) -> float:
        """Seconds for which the venue wants no request, seen from a moment; for readers in other threads.

        Parameters
        ----------
        now
            On the event loop's clock.

        Returns
        -------
        float
            0 when it is open.
        """
        return max(0.0, self._closed_until - now)

    def close_for(self, seconds: float, why: str) -> None:
        """Let nothing go for a while: the venue said so.

        Parameters
        ----------
        seconds
            From now; a shorter time than one already set changes nothing.
        why
            For messages.
        """
        until = asyncio.get_running_loop().time() + seconds
        if until > self._closed_until:
            self._closed_until, self._why = until, why

    def note_used(self, weight: float) -> None:
        """Take over what the venue says is used of the first window, where that is more than we know of.

        Others at the same address use the same limit.

        Parameters
        ----------
        weight
            As the venue counts.
        """
        if not self._held:
            return
        held, now = self._held[0], asyncio.get_running_loop().time()
        foreign = weight - held.used(now)
        if foreign > 0:
            held.answered.append((now + held.limit.seconds, foreign))
            held.total += foreign

    @asynccontextmanager
    async def slot(self, weight: float, *, urgent: bool = False, patience: float = float("inf")) -> AsyncIterator[None]:
        """Wait for the turn of one request, and count it until a window after its answer.

        Parameters
        ----------
        weight
            Of the request. More than a whole window is let go when the window is empty.
        urgent
            An order: goes before all others and may use the reserve.
        patience
            Longest time to wait for a venue that is closed, seconds.

        Yields
        ------
        None
            The request is made in the block.

        Raises
        ------
        VenueClosedError
            When the venue is closed to us for longer than `patience`.
        """
        await self._acquire(weight, urgent, patience)
        try:
            yield
        finally:
            now = asyncio.get_running_loop().time()
            for held in self._held:
                held.under_way -= weight
                if held.under_way < 1e-9:
                    held.under_way = 0.0
                held.answered.append((now + held.limit.seconds, weight))
                held.total += weight
            self._let_go()

    async def _acquire(self, weight: float, urgent: bool, patience: float) -> None:
        loop = asyncio.get_running_loop()
        while (closed := self.closed_for) > 0:
            if closed > patience:
                raise VenueClosedError(f"{self._why}: closed to us for {closed:.0f} s more", closed)
            # A little apart, so that not all come back in one moment.
            await asyncio.sleep(closed)
        if not self._waiting and self._fits(weight, urgent, loop.time()):
            self._take(weight)
            return
        turn: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (0 if urgent else 1, next(self._order), weight, turn))
        self._let_go()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(weight)
            self._let_go()
            raise
        if self.closed_for > 0:
            # The venue closed while we stood in the queue.
            self._give_back(weight)
            await self._acquire(weight, urgent, patience)

    def _fits(self, weight: float, urgent: bool, now: float) -> bool:
        share = 1.0 if urgent else 1.0 - self._reserve
        for held in self._held:
            used = held.used(now)
            if used > 1e-9 and used + weight > held.limit.weight * share + 1e-9:
                return False
        return True

    def _take(self, weight: float) -> None:
        for held in self._held:
            held.under_way += weight

    def _give_back(self, weight: float) -> None:
        for held in self._held:
            held.under_way = max(0.0, held.under_way - weight)

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            rank, _, weight, turn = self._waiting[0]
            if turn.done():  # cancelled
                heapq.heappop(self._waiting)
                continue
            if not self._fits(weight, rank == 0, now):
                break
            heapq.heappop(self._waiting)
            self._take(weight)
            turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            ends = [held.answered[0][0] for held in self._held if held.answered]
            if ends:
                self._timer = loop.call_at(min(ends), self._let_go)
