"""Timeframes: their names, their length, and where their bars begin."""

import re
from functools import cache
from typing import Final

from mirrorfast.errors import ParameterError

__all__ = ["TIMEFRAMES", "bar_open", "interval_ms", "interval_of"]

TIMEFRAMES: Final = {"scalping": "1m", "short": "5m", "medium": "1h", "daily": "1d", "weekly": "1w"}
"""The exchange's interval of each timeframe key (SPEC §1)."""

_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_INTERVAL: Final = re.compile(r"([1-9]\d{0,5})([smhdw])")
# Weeks begin on Monday; the epoch was a Thursday.
_FIRST_MONDAY: Final = 4 * 86_400_000


@cache
def interval_of(timeframe: str) -> str:
    """Name the exchange's interval of a timeframe.

    Parameters
    ----------
    timeframe : str
        A key (``scalping``, ``short``, ``medium``, ``daily``, ``weekly``) or an interval, which stays as it is.

    Returns
    -------
    str
        Such as ``"1h"``.

    Raises
    ------
    ParameterError
        If it is neither.

    Examples
    --------
    >>> interval_of("medium"), interval_of("15m")
    ('1h', '15m')
    """
    name = TIMEFRAMES.get(timeframe, timeframe)
    if not _INTERVAL.fullmatch(name):
        keys = ", ".join(TIMEFRAMES)
        raise ParameterError(f"timeframe = {timeframe!r}: expected {keys}, or an interval such as 1m, 15m, 4h, 1d, 1w")
    return name


@cache
def interval_ms(timeframe: str) -> int:
    """Tell how long a bar lasts.

    Parameters
    ----------
    timeframe : str
        A timeframe key or an interval.

    Returns
    -------
    int
        Milliseconds.

    Raises
    ------
    ParameterError
        If it is no timeframe.

    Examples
    --------
    >>> interval_ms("short"), interval_ms("4h")
    (300000, 14400000)
    """
    count, unit = interval_of(timeframe)[:-1], interval_of(timeframe)[-1]
    return int(count) * _UNITS[unit]


def bar_open(ts: int, timeframe: str) -> int:
    """Find the bar that a moment lies in.

    Parameters
    ----------
    ts : int
        Milliseconds since the epoch, UTC.
    timeframe : str
        A timeframe key or an interval.

    Returns
    -------
    int
        Open time of the bar; weeks open on Monday.

    Raises
    ------
    ParameterError
        If it is no timeframe.

    Examples
    --------
    >>> bar_open(1_700_000_123_000, "1m")
    1700000100000
    >>> bar_open(1_700_000_123_000, "1w")  # 2023-11-13, a Monday
    1699833600000
    """
    step = interval_ms(timeframe)
    first = _FIRST_MONDAY if interval_of(timeframe).endswith("w") else 0
    return ts - (ts - first) % step
