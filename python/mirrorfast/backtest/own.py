"""The user's own strategies in a run: their bias looked for, their votes asked for."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mirrorfast.backtest._quick import quick_check
from mirrorfast.errors import BiasError, DataError, UserCodeError
from mirrorfast.strategies.voting import batch_votes

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig
    from mirrorfast.strategies._answers import Votes
    from mirrorfast.strategies.lineup import Lineup

__all__ = ["check_own", "own_votes"]


def own_votes(lineup: Lineup, bars: pl.DataFrame, config: TradingConfig, interval: str) -> list[Votes]:
    """Ask the user's own strategies about a table of bars.

    Parameters
    ----------
    lineup
        Who votes.
    bars
        Validated bars.
    config
        Configuration; its `bias_check` says what happens when one looks ahead.
    interval
        Step of the bars.

    Returns
    -------
    list of tuple of numpy.ndarray
        Signals and confidences of each, in the order of the line-up.

    Raises
    ------
    BiasError
        When one looks ahead, or further back than it says.
    UserCodeError, ShapeError, DataError
        When one raises, or answers with something that is no vote.
    """
    timeframe = interval if config.timeframe == "auto" else config.timeframe
    asked = bars if not config.watch else bars.filter(~pl.col("symbol").is_in(config.watch))
    votes = [batch_votes(own, asked, timeframe=timeframe, market_of=config.market_of) for own in lineup.own]
    check_own(lineup, asked, config, interval, votes=votes)
    if config.watch:
        votes = [_among(bars, config, pair) for pair in votes]
    # A strategy without an opinion has confidence 0, as the engine's own while they are cold.
    return [(signal, np.nan_to_num(confidence)) for signal, confidence in votes]


def _among(bars: pl.DataFrame, config: TradingConfig, votes: Votes) -> Votes:
    """Lay votes beside all bars: nobody is asked about those that are only watched."""
    at = ~bars["symbol"].is_in(config.watch).to_numpy()
    whole = np.full((2, bars.height), np.nan)
    whole[:, at] = votes
    return whole[0], whole[1]


def check_own(
    lineup: Lineup, bars: pl.DataFrame, config: TradingConfig, interval: str, *, votes: list[Votes] | None = None
) -> None:
    """Look for bias in the user's own strategies, at a few places only.

    Parameters
    ----------
    lineup, bars, config, interval
        As for `own_votes`.
    votes
        Their votes about all bars, where they are known. Without them a strategy that raises, or answers with something
        that is no vote, is left to the run, which halts it on the bar where it does.

    Raises
    ------
    BiasError
        When one looks ahead, or further back than it says, and the configuration does not say ``warn``.
    UserCodeError, ShapeError, DataError
        When one raises, or answers with something that is no vote, on bars that are cut off.
    """
    if config.bias_check == "off":
        return
    timeframe = interval if config.timeframe == "auto" else config.timeframe
    if config.watch:
        bars = bars.filter(~pl.col("symbol").is_in(config.watch))
    for k, own in enumerate(lineup.own):
        known = None if votes is None else votes[k]
        try:
            fault = quick_check(own, bars, timeframe=timeframe, market_of=config.market_of, votes=known)
        except (UserCodeError, DataError):
            if votes is not None:
                raise
            continue
        if fault is None:
            continue
        if config.bias_check == "raise":
            raise BiasError(f"{fault} (bias_check='warn' or 'off' runs it all the same)")
        warnings.warn(fault, stacklevel=3)
