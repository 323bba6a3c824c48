"""Gradient trend."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["GradientTrendAgent"]


class GradientTrendAgent(NativeStrategyAgent):
    """Gradient trend: hold the side to which a smooth filter's slope last turned.

    Parameters
    ----------
    period : int, default 25
        Span of each of the three averages; α = 2 / (period + 1). Range: 1 to 100 000.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    The filter is an EMA of an EMA of an EMA of the close; its slope is the change over two bars. The position takes
    the slope's side from the bar on which it changes sign, and is 0 before. Confidence by the bands the close has
    passed on that side: 0.25 inside the first, 0.5, 0.75, and 1 beyond the outer one. The bands lie 0.354, 0.764 and
    1.545 filtered ranges from the filter (0.236·1.5, 0.382·2, 0.618·2.5).

    References
    ----------
    The "Gradient Trend Filter" study of ChartPrime.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = GradientTrendAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 74)
    """

    name: ClassVar[str] = "gradient_trend"

    def __init__(
        self,
        *,
        period: int = 25,
    ) -> None:
        super().__init__(period=period)
