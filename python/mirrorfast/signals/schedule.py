"""Do something at every full five minutes, say: never twice at once, never later by what it took."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mirrorfast.errors import ParameterError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mirrorfast.clock import Clock

__all__ = ["every", "period_ms"]

_log = get_logger(__name__)
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def period_ms(text: str) -> int:
    """Read a period.

    Parameters
    ----------
    text : str
        A whole number and a unit: s, m, h or d.

    Returns
    -------
    int
        Milliseconds.

    Raises
    ------
    ParameterError
        If it is none.

    Examples
    --------
    >>> period_ms("5m")
    300000
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if found is None:
        raise ParameterError(f"every = {text!r}: expected a period such as 30s, 5m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]


async def every(
    period: int, job: Callable[[], Awaitable[bool | None]], clock: Clock, *, delay: int = 0, times: int | None = None
) -> int:
    """Do a job now, and then at every whole multiple of a period.

    Parameters
    ----------
    period : int
        Milliseconds. Multiples count from midnight UTC of 1970, so that a period of a bar's length meets its close.
    job : callable
        What to do; returning ``False`` ends it.
    clock : Clock
        Whose time.
    delay : int, default 0
        Milliseconds after the multiple, for a venue to publish what closed then.
    times : int, optional
        How often; for ever by default.

    Returns
    -------
    int
        Multiples that passed while the job was still at work: each is left out, not made up for.

    Examples
    --------
    >>> import asyncio
    >>> from mirrorfast.clock import HistoricalClock
    >>> clock, seen = HistoricalClock(90_000), []
    >>> async def job():
    ...     seen.append(clock.now())
    >>> asyncio.run(every(60_000, job, clock, delay=1_000, times=3)), seen
    (0, [90000, 121000, 181000])
    """
    missed, done = 0, 0
    while True:
        began = clock.now()
        go_on = await job()
        done += 1
        if go_on is False or done == times:
            return missed
        due = _next(began, period, delay)
        now = clock.now()
        if now > due:
            over = (now - due) // period + 1
            missed += over
            due += over * period
            _log.warning("schedule_missed", times=over, took_s=(now - began) / 1_000)
        await clock.sleep_until(due)


def _next(now: int, period: int, delay: int) -> int:
    return ((now - delay) // period + 1) * period + delay
