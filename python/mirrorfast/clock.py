"""Time as a dependency: the loop asks a clock, so a replay runs on the bars' time and a test on its own."""

import asyncio
import time
from typing import Final, Protocol, runtime_checkable

from mirrorfast.errors import ParameterError

__all__ = ["Clock", "HistoricalClock", "SystemClock"]

# A wall clock that is set while we wait is noticed at the latest after this long.
_SLICE_S: Final = 30.0


@runtime_checkable
class Clock(Protocol):
    """What the loop needs of time."""

    def now(self) -> int:
        """Tell the wall-clock time.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC. It may step when the clock is set: for labels, never for durations.
        """
        ...

    def monotonic(self) -> float:
        """Tell a time that never runs backwards.

        Returns
        -------
        float
            Seconds since an arbitrary moment: for time-outs, limits and durations.
        """
        ...

    async def sleep_until(self, ts: int) -> None:
        """Wait for a moment.

        Parameters
        ----------
        ts : int
            Milliseconds since the epoch, UTC. A moment that has passed returns at once.
        """
        ...


class SystemClock:
    """The machine's clocks.

    Examples
    --------
    >>> clock = SystemClock()
    >>> before = clock.monotonic()
    >>> clock.now() > 1_700_000_000_000 and clock.monotonic() >= before
    True
    """

    def now(self) -> int:
        """Tell the wall-clock time.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC.

        Examples
        --------
        >>> SystemClock().now() > 1_700_000_000_000
        True
        """
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Tell a time that never runs backwards.

        Returns
        -------
        float
            Seconds since an arbitrary moment.

        Examples
        --------
        >>> clock = SystemClock()
        >>> clock.monotonic() <= clock.monotonic()
        True
        """
        return time.monotonic()

    async def sleep_until(self, ts: int) -> None:
        """Wait until the wall clock shows a moment, also when it is set meanwhile.

        Parameters
        ----------
        ts : int
            Milliseconds since the epoch, UTC.

        Examples
        --------
        >>> asyncio.run(SystemClock().sleep_until(0))
        """
        while (left := (ts - self.now()) / 1_000) > 0:
            await asyncio.sleep(min(left, _SLICE_S))


class HistoricalClock:
    """The time of replayed bars: it stands still until somebody moves it, and waiting costs nothing.

    Parameters
    ----------
    ts : int, default 0
        First moment, milliseconds since the epoch, UTC.

    Examples
    --------
    >>> clock = HistoricalClock(1_500_000_000_000)
    >>> clock.advance(1_500_000_003_000)
    >>> clock.now(), clock.monotonic()
    (1500000003000, 3.0)
    """

    def __init__(self, ts: int = 0) -> None:
        self._start = ts
        self._now = ts

    def now(self) -> int:
        """Tell the replayed time.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC.

        Examples
        --------
        >>> HistoricalClock(5).now()
        5
        """
        return self._now

    def monotonic(self) -> float:
        """Tell the replayed time that has passed.

        Returns
        -------
        float
            Seconds since the first moment.

        Examples
        --------
        >>> HistoricalClock(5).monotonic()
        0.0
        """
        return (self._now - self._start) / 1_000

    def advance(self, ts: int) -> None:
        """Move on to a moment.

        Parameters
        ----------
        ts : int
            Milliseconds since the epoch, UTC; not before `now`.

        Raises
        ------
        ParameterError
            If it lies in the past.

        Examples
        --------
        >>> HistoricalClock(5).advance(4)
        Traceback (most recent call last):
            ...
        mirrorfast.errors.ParameterError: ts = 4: expected a time not before 5
        """
        if ts < self._now:
            msg = f"ts = {ts}: expected a time not before {self._now}"
            raise ParameterError(msg)
        self._now = ts

    async def sleep_until(self, ts: int) -> None:
        """Move on to a moment without waiting.

        Parameters
        ----------
        ts : int
            Milliseconds since the epoch, UTC. A moment that has passed changes nothing.

        Examples
        --------
        >>> clock = HistoricalClock(5)
        >>> asyncio.run(clock.sleep_until(9))
        >>> clock.now()
        9
        """
        self._now = max(self._now, ts)
