"""The venue's time: it may run faster than the wall's, stand still, or be off by a skew that clients have to notice."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from mirrorfast.errors import ParameterError

__all__ = ["SimulatedClock"]

_SAME_MS: Final = 500


class SimulatedClock:
    """Time of the simulated venue.

    Parameters
    ----------
    start : int, optional
        First moment, milliseconds since the epoch, UTC; the wall clock's by default.
    speed : float, default 1.0
        Simulated seconds in a real one. 0 stands still until `advance`.
    skew : int, default 0
        Milliseconds by which the time that the venue *reports* and checks timestamps with is ahead of the market's.
    monotonic : callable, optional
        Source of real seconds; `time.monotonic` by default.

    Raises
    ------
    ParameterError
        If ``speed`` is negative.

    Examples
    --------
    >>> clock = SimulatedClock(1_000, speed=0)
    >>> clock.advance(500)
    >>> clock.now(), clock.reported()
    (1500, 1500)
    """

    def __init__(
        self,
        start: int | None = None,
        speed: float = 1.0,
        skew: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not speed >= 0:
            raise ParameterError(f"speed = {speed}: expected a number >= 0")
        self.skew = skew
        self._speed = speed
        self._monotonic = monotonic
        self._base = float(time.time_ns() // 1_000_000 if start is None else start)
        self._since = monotonic()

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._speed

    @property
    def differs(self) -> bool:
        """Whether it is not the wall clock's time."""
        return self._speed != 1.0 or abs(self.now() - time.time_ns() // 1_000_000) > _SAME_MS

    def now(self) -> int:
        """Tell the market's time.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC.
        """
        return int(self._base + (self._monotonic() - self._since) * 1_000 * self._speed)

    def reported(self) -> int:
        """Tell the time that the venue reports and checks timestamps with.

        Returns
        -------
        int
            `now` plus the skew.
        """
        return self.now() + self.skew

    def advance(self, ms: int) -> None:
        """Move on at once; never back, for a venue's past does not change.

        Parameters
        ----------
        ms : int
            Milliseconds.

        Raises
        ------
        ParameterError
            If it is negative.
        """
        if ms < 0:
            raise ParameterError(f"ms = {ms}: expected a number >= 0")
        self._base += ms

    def set_speed(self, speed: float) -> None:
        """Change the speed from this moment on.

        Parameters
        ----------
        speed : float
            Simulated seconds in a real one.

        Raises
        ------
        ParameterError
            If it is negative.
        """
        if not speed >= 0:
            raise ParameterError(f"speed = {speed}: expected a number >= 0")
        now = self._monotonic()
        self._base += (now - self._since) * 1_000 * self._speed
        self._since = now
        self._speed = speed

    async def sleep(self, ms: int) -> None:
        """Wait for simulated time to pass, also when the speed changes or time is moved on.

        Parameters
        ----------
        ms : int
            Simulated milliseconds.
        """
        end = self.now() + ms
        while (left := end - self.now()) > 0:
            await asyncio.sleep(min(left / 1_000 / self._speed, 0.05) if self._speed else 0.01)
