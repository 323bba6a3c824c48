"""Bias of the user's own strategies, looked for at a few places before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast.backtest._compare import ROUNDING, first_difference, shown
from mirrorfast.strategies.voting import ask, with_features

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from mirrorfast.strategies.lineup import Own

__all__ = ["quick_check"]


def quick_check(
    own: Own,
    bars: pl.DataFrame,
    *,
    timeframe: str,
    market_of: Callable[[str], str],
    votes: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
) -> str | None:
    """Look for bias in a strategy at three cuts: before a run, at the cost of about two calls.

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
    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    # Half of one symbol, and a later cut of another (or the same): what needs one bar more shows at either.
    for symbol, share in ((symbols[0], 0.5), (symbols[-1], 0.83), (symbols[len(symbols) // 2], 1.0)):
        mask = bars["symbol"] == symbol
        part = bars.filter(mask)
        n = min(int(part.height * share), part.height - 1)
        if n < max(2, own.agent.warm_up):
            continue
        if votes is None:
            table = with_features(part, own.agent.features, timeframe=timeframe, market_of=market_of)
            whole = ask(own, table.rechunk())
        else:
            whole = pl.DataFrame({name: column[mask.to_numpy()] for name, column in zip(("signal", "confidence"), votes, strict=True)})
            whole = whole.with_columns(pl.col("signal").fill_nan(None)).with_columns(
                pl.when(pl.col("signal").is_not_null()).then("confidence").alias("confidence")
            )
        past = with_features(part.head(n), own.agent.features, timeframe=timeframe, market_of=market_of).rechunk()
        cut = ask(own, past)
        fault = _vote_fault(own, whole.head(n), cut, part)
        if fault is None and own.agent.lookback is not None and own.agent.lookback < n:
            fault = _window_fault(own, whole, past, part, n)
        if fault is not None:
            return fault
    return None


def _vote_fault(own: Own, whole: pl.DataFrame, cut: pl.DataFrame, part: pl.DataFrame) -> str | None:
    for name in ("signal", "confidence"):
        fault = first_difference(whole[name], cut[name], ROUNDING)
        if fault is not None:
            row = part.row(fault.row, named=True)
            return (
                f"strategy {own.name} looks ahead: on {_at(row)} (row {fault.row}) its {name} is {shown(fault.left)} "
                f"with all bars, but {shown(fault.right)} when they end at {part['timestamp'][cut.height - 1].isoformat()}"
            )
    return None


def _window_fault(own: Own, whole: pl.DataFrame, past: pl.DataFrame, part: pl.DataFrame, n: int) -> str | None:
    window = ask(own, past.tail(own.agent.lookback))  # type: ignore[arg-type] # asked for with a look-back only
    for name in ("signal", "confidence"):
        fault = first_difference(whole[name][n - 1 : n], window[name].tail(1), ROUNDING)
        if fault is not None:
            row = part.row(n - 1, named=True)
            return (
                f"strategy {own.name} looks further back than its lookback of {own.agent.lookback} bars: on {_at(row)} "
                f"(row {n - 1}) its {name} is {shown(fault.left)} with all bars before, but {shown(fault.right)} with "
                f"that many"
            )
    return None


def _at(row: dict[str, Any]) -> str:
    return f"{row['symbol']}, bar {row['timestamp'].isoformat()}"
