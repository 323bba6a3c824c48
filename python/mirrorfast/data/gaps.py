"""Gaps in a series of bars: where bars are missing between its first and its last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mirrorfast.data.timeframes import interval_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["Gap", "find_gaps", "merged", "open_times"]


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Bars that are missing.

    Attributes
    ----------
    start, end
        Open times of the first that is missing and of the first that is there again, ms.
    bars
        How many are missing.
    """

    start: int
    end: int
    bars: int


def open_times(frame: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Give the open times of bars as numbers.

    Without an expression, which costs half a millisecond: this is asked of thousands of series, on the event loop.

    Parameters
    ----------
    frame
        Bars with a ``timestamp``.

    Returns
    -------
    numpy.ndarray
        Milliseconds since the epoch, UTC.

    Examples
    --------
    >>> open_times(pl.DataFrame({"timestamp": [60_000]}, schema={"timestamp": pl.Datetime("ms", "UTC")})).tolist()
    [60000]
    """
    return frame["timestamp"].to_numpy().view(np.int64)


def find_gaps(frame: pl.DataFrame, timeframe: str) -> list[Gap]:
    """Find the gaps of one series.

    Parameters
    ----------
    frame
        Bars with a ``timestamp``, ascending.
    timeframe
        Timeframe key or interval.

    Returns
    -------
    list of Gap
        In time order.

    Examples
    --------
    >>> times = pl.Series("timestamp", [0, 60_000, 240_000]).cast(pl.Datetime("ms", "UTC"))
    >>> find_gaps(pl.DataFrame([times]), "1m")
    [Gap(start=120000, end=240000, bars=2)]
    """
    step = interval_ms(timeframe)
    if frame.height < 2:
        return []
    stamps = open_times(frame)
    if stamps[-1] - stamps[0] == step * (frame.height - 1):
        return []  # ascending without repetition: nothing is missing
    places = np.flatnonzero(np.diff(stamps) > step)
    pairs = zip(stamps[places].tolist(), stamps[places + 1].tolist(), strict=True)
    return [Gap(before + step, end, (end - before) // step - 1) for before, end in pairs]


def merged(frames: Iterable[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """Join pieces of one series.

    Parameters
    ----------
    frames
        Pieces in any order; of bars of one time the one of the last piece stays.

    Returns
    -------
    tuple of polars.DataFrame and int
        The series, ascending, and how many bars were there twice.

    Examples
    --------
    >>> piece = pl.DataFrame({"timestamp": [1, 2], "close": [1.0, 2.0]})
    >>> joined, twice = merged([piece, pl.DataFrame({"timestamp": [2, 3], "close": [9.0, 3.0]})])
    >>> joined["close"].to_list(), twice
    ([1.0, 9.0, 3.0], 1)
    """
    whole = pl.concat(frames)
    kept = whole.unique("timestamp", keep="last", maintain_order=True).sort("timestamp")
    return kept, whole.height - kept.height
