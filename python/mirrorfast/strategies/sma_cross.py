"""SMA cross."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["SMACrossAgent"]


class SMACrossAgent(NativeStrategyAgent):
    """SMA cross: hold the side of a fast simple moving average over a slow one, from crossing to crossing.

    Parameters
    ----------
    fast_period : int, default 10
        Bars of the fast average; below `slow_period`. Range: 1 to 100 000.
    slow_period : int, default 30
        Bars of the slow average. Range: 2 to 100 000.
    short : int, default 1
        1: short while the fast average is below the slow one; 0: flat. Range: 0 to 1.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range, or the periods are not in order.

    Notes
    -----
    The position is +1 from the close on which the fast average crosses above the slow one, −1 (0 without shorts) from
    the close on which it crosses below, and 0 before the first crossing. Confidence is 1.

    Ties: averages that differ by less than 1e-12 of the price are equal, and equal averages cross nothing, so the side
    stays until a bar leaves the tie on the other side. For decimal prices this is what exact arithmetic decides: on
    paper unequal averages differ by at least ``tick / (fast·slow)``, while rounding moves a sum of decimals by some
    1e-15 of the price. Engines that compare the floats as they are disagree with it, and with each other, on such bars.

    References
    ----------
    .. [1] W. Brock, J. Lakonishok, B. LeBaron, "Simple Technical Trading Rules and the Stochastic Properties of Stock
       Returns", Journal of Finance 47 (1992): the variable-length moving average.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = SMACrossAgent(short=0).evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.null_count(), sorted(signal.drop_nulls().unique())
    (29, [0.0, 1.0])
    """

    name: ClassVar[str] = "sma_cross"

    def __init__(
        self,
        *,
        fast_period: int = 10,
        slow_period: int = 30,
        short: int = 1,
    ) -> None:
        super().__init__(fast_period=fast_period, slow_period=slow_period, short=short)
