"""Sentiment momentum."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["SentimentMomentumAgent"]


class SentimentMomentumAgent(NativeStrategyAgent):
    """Sentiment momentum: returns count by the volume behind them.

    Parameters
    ----------
    fast_period : int, default 5
        Bars of the short mean. Range: 1 to below slow_period.
    slow_period : int, default 20
        Bars of the long mean. Range: 2 to 100 000.
    volume_period : int, default 20
        Bars of the mean volume. Range: 1 to 100 000.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Sentiment of a bar: ``return·ln(1 + volume / mean volume)``. Long when its short mean is above 0 and above its
    long mean, short in the mirror, held until the short mean is back at the long one. Confidence at entry: their
    distance in standard deviations of the sentiment over `slow_period`, at most 1.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = SentimentMomentumAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 38)
    """

    name: ClassVar[str] = "sentiment_momentum"

    def __init__(
        self,
        *,
        fast_period: int = 5,
        slow_period: int = 20,
        volume_period: int = 20,
    ) -> None:
        super().__init__(fast_period=fast_period, slow_period=slow_period, volume_period=volume_period)
