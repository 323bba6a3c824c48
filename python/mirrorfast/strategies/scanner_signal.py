"""Scanner signal."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["ScannerSignalAgent"]


class ScannerSignalAgent(NativeStrategyAgent):
    """Scanner signal: the scan's verdict as a position.

    Parameters
    ----------
    market : {"crypto", "forex"}, default "crypto"
        Kind of market: sets momentum periods and thresholds.
    timeframe : str, default "medium"
        Horizon, or an interval such as ``15m``: sets momentum periods and thresholds.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    Strong Buy 1, Buy 0.6, Weak Buy 0.3 and their mirrors; Mean Reversion Buy 0.4, its mirror −0.4; Neutral 0, but for
    the label Overbought (−0.4) or Oversold (0.4). Confidence is the row's ``confidence_score``. Null while a row has
    no verdict.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = ScannerSignalAgent(timeframe="1h").evaluate(mf.sample_bars(["BTC/USD"]).head(300))
    >>> sorted(set(signal.drop_nulls().to_list()) - {-1.0, -0.6, -0.4, -0.3, 0.0, 0.3, 0.4, 0.6, 1.0})
    []
    """

    name: ClassVar[str] = "scanner_signal"

    def __init__(
        self,
        *,
        market: str = "crypto",
        timeframe: str = "medium",
    ) -> None:
        super().__init__(market=market, timeframe=timeframe)
        self.stream()  # checks both words
