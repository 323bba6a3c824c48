"""The venue's time: asked for now and then, carried on by a clock that nobody sets."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["VenueTime"]

# A step of the venue's time against ours that is no jitter of the way.
_STEP_MS: Final = 2_000


class VenueTime:
    """What time it is at the venue.

    Whether a bar has closed is the venue's word, not that of a wall clock which somebody may set: between two answers
    the event loop's monotonic time is counted on. The estimate is never ahead by more than the way of one request.

    Examples
    --------
    >>> async def now():
    ...     clock = VenueTime()
    ...     clock.note(1_700_000_000_000)
    ...     return clock.now()
    >>> asyncio.run(now())
    1700000000000
    """

    def __init__(self) -> None:
        self._at: tuple[int, float] | None = None
        self._known = False
        self.steps = 0

    def now(self) -> int:
        """Tell the venue's time; our own wall clock's at the start, until the venue has said one.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC.
        """
        loop = asyncio.get_running_loop()
        if self._at is None:
            self._at = (time.time_ns() // 1_000_000, loop.time())
        stamp, since = self._at
        return stamp + int((loop.time() - since) * 1_000)

    @property
    def age_s(self) -> float:
        """Seconds since the venue last said its time; infinite if it never did."""
        if self._at is None or not self._known:
            return float("inf")
        return asyncio.get_running_loop().time() - self._at[1]

    def note(self, ts: int) -> None:
        """Take the venue's time.

        Parameters
        ----------
        ts
            Milliseconds since the epoch, UTC, just received.
        """
        if self._known and abs(ts - self.now()) > _STEP_MS:
            self.steps += 1
        self._at, self._known = (ts, asyncio.get_running_loop().time()), True

    def note_date(self, header: str) -> None:
        """Take the ``Date`` of an answer, of a venue that cannot be asked for its time.

        It has whole seconds only, so it is used where it moves the estimate forward, or is far from it.

        Parameters
        ----------
        header
            The header's value.
        """
        try:
            ts = int(parsedate_to_datetime(header).timestamp() * 1_000)
        except ValueError:
            return  # no date: a proxy's invention
        if not self._known or ts > self.now() or ts < self.now() - _STEP_MS:
            self.note(ts)
