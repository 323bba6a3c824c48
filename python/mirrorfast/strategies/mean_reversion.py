"""Mean reversion."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["MeanReversionAgent"]


class MeanReversionAgent(NativeStrategyAgent):
    """Mean reversion: against a z-score beyond ±2 that the RSI confirms, until the price is back.

    Parameters
    ----------
    period : int, default 20
        Bars of the z-score (population standard deviation). Range: 2 to 100 000.
    rsi_period : int, default 14
        Bars of the RSI. Range: 1 to 100 000.
    entry_z : float, default 2.0
        z-score beyond which a position is taken. Range: 0.01 to 100.
    exit_z : float, default 0.0
        z-score, on the side of the entry, at which it is closed; 0 is the mean. Range: 0 to below entry_z.
    oversold : float, default 30.0
        RSI below which a long is taken. Range: 0 to overbought.
    overbought : float, default 70.0
        RSI above which a short is taken. Range: oversold to 100.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Long when ``z < −entry_z`` and ``rsi < oversold``, short when ``z > entry_z`` and ``rsi > overbought``; held until
    z is back at `exit_z`, or the opposite entry. Confidence at entry: ``0.5·min(1, |z| / (2·entry_z)) + 0.5·|rsi −
    50| / 50``.

    References
    ----------
    RSI: J. W. Wilder, *New Concepts in Technical Trading Systems*, 1978.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = MeanReversionAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 19)
    """

    name: ClassVar[str] = "mean_reversion"

    def __init__(
        self,
        *,
        period: int = 20,
        rsi_period: int = 14,
        entry_z: float = 2.0,
        exit_z: float = 0.0,
        oversold: float = 30.0,
        overbought: float = 70.0,
    ) -> None:
        super().__init__(
            period=period,
            rsi_period=rsi_period,
            entry_z=entry_z,
            exit_z=exit_z,
            oversold=oversold,
            overbought=overbought,
        )
