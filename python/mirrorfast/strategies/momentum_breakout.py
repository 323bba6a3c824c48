"""Momentum breakout."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["MomentumBreakoutAgent"]


class MomentumBreakoutAgent(NativeStrategyAgent):
    """Momentum breakout: leave with the price when it breaks a channel on volume, sized by ATR.

    Parameters
    ----------
    period : int, default 20
        Bars of the entry channel, the present one left out. Range: 1 to 100 000.
    exit_period : int, default 10
        Bars of the exit channel, the present one left out. Range: 1 to 100 000.
    volume_period : int, default 20
        Bars of the mean volume, the present one included. Range: 1 to 100 000.
    volume_ratio : float, default 1.5
        Volume over its mean that confirms a break. Range: 0 to 100.
    momentum_period : int, default 5
        Bars of the momentum. Range: 1 to 100 000.
    momentum : float, default 0.02
        Momentum beyond which a break counts, fraction. Range: 0 to 10.
    atr_period : int, default 14
        Bars of the average true range. Range: 1 to 100 000.
    target_range : float, default 0.02
        ATR over close up to which the position is whole, fraction. Range: 1e-6 to 10.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Long when the close is above the highest high of the `period` bars before, the volume ratio above `volume_ratio`
    and the momentum above `momentum`; short in the mirror. Held until the close is beyond the opposite extreme of the
    `exit_period` bars before, or a break to the other side. Size at entry: ``min(1, target_range / (ATR / close))``.
    Confidence at entry: ``0.5 + 0.25·min(1, v / volume_ratio − 1) + 0.25·min(1, |m| / momentum − 1)``.

    References
    ----------
    Channels of entry and exit: C. Faith, *Way of the Turtle*, 2007.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = MomentumBreakoutAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 20)
    """

    name: ClassVar[str] = "momentum_breakout"

    def __init__(
        self,
        *,
        period: int = 20,
        exit_period: int = 10,
        volume_period: int = 20,
        volume_ratio: float = 1.5,
        momentum_period: int = 5,
        momentum: float = 0.02,
        atr_period: int = 14,
        target_range: float = 0.02,
    ) -> None:
        super().__init__(
            period=period,
            exit_period=exit_period,
            volume_period=volume_period,
            volume_ratio=volume_ratio,
            momentum_period=momentum_period,
            momentum=momentum,
            atr_period=atr_period,
            target_range=target_range,
        )
