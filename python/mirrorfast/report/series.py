"""Thins long series out for drawing, and finds round axis marks."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["envelope", "nice_ticks", "time_ticks"]

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR


def envelope(
    x: npt.NDArray[np.int64], y: npt.NDArray[np.float64], *, limit: int = 2000
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Keep the lowest and highest point of each of `limit / 2` stretches, and both ends: peaks and troughs stay.

    Parameters
    ----------
    x, y : shape (n,)
        Increasing times, and values; points with a NaN value are left out.
    limit
        Most points to return, >= 4.

    Returns
    -------
    x, y : shape (m,), m <= limit
        A subset of the points, in order.

    Examples
    --------
    >>> x = np.arange(10_000)
    >>> y = np.sin(x / 50.0)
    >>> a, b = envelope(x, y)
    >>> len(a) <= 2000, bool(b.max() == y.max()), bool(b.min() == y.min())
    (True, True, True)
    """
    keep = ~np.isnan(y)
    x, y = x[keep], y[keep]
    if len(x) <= limit:
        return x, y
    edges = np.linspace(0, len(x), (limit - 2) // 2 + 1).astype(np.int64)
    chosen = {0, len(x) - 1}
    for a, b in itertools.pairwise(edges):
        if b > a:
            part = y[a:b]
            chosen.add(int(a + part.argmin()))
            chosen.add(int(a + part.argmax()))
    index = np.fromiter(sorted(chosen), np.int64, len(chosen))
    return x[index], y[index]


def nice_ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return round numbers inside [low, high].

    Examples
    --------
    >>> nice_ticks(9_812.0, 14_930.0)
    [10000.0, 12000.0, 14000.0]
    >>> nice_ticks(-0.051, 0.0)
    [-0.04, -0.02, 0.0]
    """
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low]
    raw = span / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if size * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    digits = max(0, 2 - math.floor(math.log10(step)))
    return [round(k * step, digits) + 0.0 for k in range(first, last + 1)]


def time_ticks(start: int, end: int, *, most: int = 7) -> list[tuple[int, str]]:
    """Return calendar marks inside [start, end] (ms, UTC) with their labels.

    Examples
    --------
    >>> [label for _, label in time_ticks(1_498_867_200_000, 1_514_764_800_000)]
    ['Jul 2017', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec', 'Jan 2018']
    """
    span = max(end - start, 1)
    for step in (_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY):
        if span / step <= most:
            # Mondays for weeks: the epoch was a Thursday.
            origin = 4 * _DAY if step >= 7 * _DAY else 0
            first = -(-(start - origin) // step) * step + origin
            return [(t, _label(t, step)) for t in range(first, end + 1, step)]
    months = next((m for m in (1, 2, 3, 6, 12, 24, 60, 120) if span / (m * 30.4 * _DAY) <= most), 240)
    at = datetime.fromtimestamp(start / 1000, UTC)
    index = at.year * 12 + at.month - 1
    if at != at.replace(day=1, hour=0, minute=0, second=0, microsecond=0):
        index += 1
    index = -(-index // months) * months
    ticks: list[tuple[int, str]] = []
    while True:
        mark = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
        ms = int(mark.timestamp() * 1000)
        if ms > end:
            return ticks
        with_year = not ticks or mark.month == 1
        ticks.append((ms, f"{mark:%Y}" if months >= 12 else f"{mark:%b %Y}" if with_year else f"{mark:%b}"))
        index += months


def _label(ms: int, step: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    if step >= _DAY or (at.hour == 0 and at.minute == 0):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}"
