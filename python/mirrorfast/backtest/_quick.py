"""Bias of the user's own strategies, looked for at a few places before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirrorfast.backtest._compare import ROUNDING, shown
from mirrorfast.strategies.voting import ask, with_features

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from mirrorfast.strategies._answers import Votes
    from mirrorfast.strategies.lineup import Own

__all__ = ["quick_check"]


def quick_check(
    own: Own, bars: pl.DataFrame, *, timeframe: str, market_of: Callable[[str], str], votes: Votes | None = None
) -> str | None:
    """Look for bias in a strategy at four cuts, at the cost of two to three calls.

    Parameters
    ----------
    own
        The strategy.
    bars
        Validated bars.
    timeframe, market_of
        For the features that it reads.
    votes
        Its votes about all bars, where they are known.

    Returns
    -------
    str or None
        What is wrong, naming the first bar and both values.

    Raises
    ------
    UserCodeError, ShapeError, DataError
        If the strategy raises, or answers with something that is no vote.
    """

    def seen(part: pl.DataFrame) -> pl.DataFrame:
        return with_features(part, own.agent.features, timeframe=timeframe, market_of=market_of).rechunk()

    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    first, middle, last = symbols[0], symbols[len(symbols) // 2], symbols[-1]
    # At a plain place, where a signal has just changed, and one bar before the end: together they cost 2.5 calls.
    for symbol, share, moved in ((first, 0.5, False), (last, 0.33, True), (middle, 0.66, True), (last, 1.0, False)):
        mask = (bars["symbol"] == symbol).to_numpy()
        part = bars.filter(mask)
        whole = ask(own, seen(part)) if votes is None else (votes[0][mask], votes[1][mask])
        n = min(int(part.height * share), part.height - 1)
        n = _after_change(whole[0], n) if moved else n
        if n < max(2, own.agent.warm_up):
            continue
        past = seen(part.head(n))
        fault = _ahead(own, whole, ask(own, past), part)
        if fault is None and own.agent.lookback is not None and own.agent.lookback < n:
            fault = _behind(own, whole, ask(own, past.tail(own.agent.lookback)), part, n - 1)
        if fault is not None:
            return fault
    return None


def _after_change(signal: np.ndarray, place: int) -> int:
    """Keep the bars up to the next change of the signal: what made it change is where a peek shows."""
    ends = np.flatnonzero(_apart(signal[1:], signal[:-1])) + 2
    later = ends[(ends >= place) & (ends < len(signal))]
    return int(later[0]) if len(later) else place


def _ahead(own: Own, whole: Votes, cut: Votes, part: pl.DataFrame) -> str | None:
    n = len(cut[0])
    end = part["timestamp"][n - 1].isoformat()
    for what, all_bars, fewer in zip(("signal", "confidence"), whole, cut, strict=True):
        rows = np.flatnonzero(_apart(all_bars[:n], fewer))
        if len(rows):
            row = int(rows[0])
            return (
                f"strategy {own.name} looks ahead: on {_at(part, row)} its {what} is {_value(all_bars[row])} with all "
                f"bars, but {_value(fewer[row])} when they end at {end}"
            )
    return None


def _behind(own: Own, whole: Votes, window: Votes, part: pl.DataFrame, row: int) -> str | None:
    for what, all_bars, fewer in zip(("signal", "confidence"), whole, window, strict=True):
        if _apart(all_bars[row : row + 1], fewer[-1:]).any():
            return (
                f"strategy {own.name} looks further back than its lookback of {own.agent.lookback} bars: on "
                f"{_at(part, row)} its {what} is {_value(all_bars[row])} with all bars before, but {_value(fewer[-1])} "
                f"with that many"
            )
    return None


def _apart(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    known = ~(np.isnan(left) & np.isnan(right))
    return known & ~(np.abs(left - right) <= ROUNDING)


def _at(part: pl.DataFrame, row: int) -> str:
    return f"{part['symbol'][row]}, bar {part['timestamp'][row].isoformat()} (row {row})"


def _value(number: float) -> str:
    return shown(None if np.isnan(number) else float(number))
