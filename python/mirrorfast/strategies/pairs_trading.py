"""Pairs trading."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["PairsTradingAgent"]


class PairsTradingAgent(NativeStrategyAgent):
    """Pairs trading: both legs of a cointegrated pair whose spread is apart, until it is back.

    Parameters
    ----------
    period : int, default 60
        Bars of every test and estimate. Range: 20 to 10 000.
    refresh : int, default 20
        Bar times after which the pairs are chosen anew. Range: 1 to 100 000.
    correlation : float, default 0.7
        Correlation of log returns that a pair must exceed. Range: −1 to 1.
    significance : int, default 5
        Level of the cointegration test, per cent. Range: 1, 5 or 10.
    entry_z : float, default 2.0
        z-score of the spread beyond which the pair is opened. Range: 0.01 to 100.
    exit_z : float, default 0.5
        z-score within which it is closed. Range: 0 to below entry_z.
    stop_z : float, default 4.0
        z-score beyond which it is given up until the next choice. Range: above entry_z to 1000.
    kalman : int, default 0
        Hedge ratio by a Kalman filter (1) instead of least squares (0). Range: 0 or 1.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Runs over a table of several symbols. Pairs are correlated (log returns) and cointegrated (log prices;
    Engle–Granger with one lag, MacKinnon's critical values, the better direction); the strongest come first and a
    symbol is in one pair at most. The spread is ``ln y − slope·ln x − intercept``. Legs are 1 and −slope, scaled so
    that the larger is 1. Confidence: ``0.5 + 0.5·(|z| − entry_z) / (stop_z − entry_z)``. A symbol in no pair has no
    signal.

    References
    ----------
    R. F. Engle and C. W. J. Granger, Econometrica 55, 1987; J. G. MacKinnon, QED Working Paper 1227, 2010.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> agent = PairsTradingAgent(significance=10)
    >>> agent.evaluate(mf.sample_bars()).len() == mf.sample_bars().height
    True
    """

    name: ClassVar[str] = "pairs_trading"

    def __init__(
        self,
        *,
        period: int = 60,
        refresh: int = 20,
        correlation: float = 0.7,
        significance: int = 5,
        entry_z: float = 2.0,
        exit_z: float = 0.5,
        stop_z: float = 4.0,
        kalman: int = 0,
    ) -> None:
        super().__init__(
            period=period,
            refresh=refresh,
            correlation=correlation,
            significance=significance,
            entry_z=entry_z,
            exit_z=exit_z,
            stop_z=stop_z,
            kalman=kalman,
        )
