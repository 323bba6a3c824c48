"""Longer bars from shorter ones."""

from __future__ import annotations

import polars as pl

from mirrorfast.data.schema import BAR_COLUMNS, bar_interval
from mirrorfast.data.timeframes import interval_ms, interval_of
from mirrorfast.errors import ParameterError

__all__ = ["resampled"]


def resampled(bars: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Put bars together to longer ones.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    timeframe : str
        Timeframe key or interval; a whole multiple of the bars' own. Weeks begin on Monday.

    Returns
    -------
    polars.DataFrame
        Bars of that length. The last one of a symbol is there only if the bar that ends with it is: it has closed.

    Raises
    ------
    ParameterError
        If the timeframe is no multiple of the bars' interval.

    Examples
    --------
    >>> from mirrorfast.data import sample_bars
    >>> hours = sample_bars(["BTC/USD"])
    >>> days = resampled(hours, "1d")
    >>> days.height, days["open"][1] == hours.filter(pl.col("timestamp") == days["timestamp"][1])["open"].item()
    (184, True)
    """
    own, target = interval_ms(bar_interval(bars)), interval_ms(timeframe)
    if target == own:
        return bars
    if target % own:
        raise ParameterError(f"timeframe = {timeframe!r}: expected a multiple of the bars' own {bar_interval(bars)}")
    every = interval_of(timeframe)
    ends = bars.group_by("symbol").agg((pl.col("timestamp").last() + pl.duration(milliseconds=own)).alias("end"))
    longer = bars.group_by_dynamic("timestamp", every=every, group_by="symbol").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    closed = pl.col("timestamp") + pl.duration(milliseconds=target) <= pl.col("end")
    return longer.join(ends, on="symbol", how="left").filter(closed).select(BAR_COLUMNS).sort("symbol", "timestamp")
