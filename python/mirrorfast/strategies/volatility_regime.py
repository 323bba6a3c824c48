"""Volatility regime."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["VolatilityRegimeAgent"]


class VolatilityRegimeAgent(NativeStrategyAgent):
    """Volatility regime: follow the MACD in a storm, fade it in a calm.

    Parameters
    ----------
    period : int, default 20
        Log returns of the volatility. Range: 2 to 100 000.
    lookback : int, default 100
        Volatilities before, among which the present one is ranked. Range: 2 to 100 000.
    high : float, default 80.0
        Percentile above which the MACD is followed. Range: 50 to 100.
    low : float, default 20.0
        Percentile below which it is faded. Range: 0 to 50.
    fast_period : int, default 12
        Fast average of the MACD. Range: 1 to 100 000.
    slow_period : int, default 26
        Slow average of the MACD. Range: 2 to 100 000.
    signal_period : int, default 9
        Signal line of the MACD. Range: 1 to 100 000.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Above the `high` percentile the position is the side of the MACD histogram, below the `low` one the other side,
    between them 0. Confidence when a side is taken: 0.5 at the percentile, rising to 1 at the end of the scale.

    References
    ----------
    MACD: G. Appel, *The Moving Average Convergence-Divergence Method*, 1979.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = VolatilityRegimeAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 120)
    """

    name: ClassVar[str] = "volatility_regime"

    def __init__(
        self,
        *,
        period: int = 20,
        lookback: int = 100,
        high: float = 80.0,
        low: float = 20.0,
        fast_period: int = 12,
        slow_period: int = 26,
        signal_period: int = 9,
    ) -> None:
        super().__init__(
            period=period,
            lookback=lookback,
            high=high,
            low=low,
            fast_period=fast_period,
            slow_period=slow_period,
            signal_period=signal_period,
        )
