"""UT Bot."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["UTSignalAgent"]


class UTSignalAgent(NativeStrategyAgent):
    """UT Bot: hold the side of an ATR trailing stop until the close crosses it.

    Parameters
    ----------
    atr_period : int, default 10
        Bars of the average true range. Range: 1 to 100 000.
    sensitivity : float, default 1.0
        Distance of the stop, in average true ranges. Range: 0.01 to 100.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    The stop stands ``sensitivity·ATR`` from the close, trails while the close stays on its side and is set anew
    beyond the close when it was crossed. The position is +1 from the close that crosses it upwards, −1 from the one
    that crosses it downwards, and 0 before the first crossing. Confidence at the flip, kept until the next: ``0.5 +
    0.5·min(1, through / away)``, how far the close went through the stop before, relative to how far away the new one
    is.

    References
    ----------
    The "UT Bot" study of TradingView, after HPotter's ATR trailing stop.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = UTSignalAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 10)
    """

    name: ClassVar[str] = "ut_bot"

    def __init__(
        self,
        *,
        atr_period: int = 10,
        sensitivity: float = 1.0,
    ) -> None:
        super().__init__(atr_period=atr_period, sensitivity=sensitivity)
