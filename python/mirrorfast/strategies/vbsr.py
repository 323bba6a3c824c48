"""Volume-based support and resistance."""

from __future__ import annotations

from typing import ClassVar

from mirrorfast.strategies._native import NativeStrategyAgent

__all__ = ["VBSRAgent"]


class VBSRAgent(NativeStrategyAgent):
    """Volume-based support and resistance: trade bounces off and breaks through high-volume turning points.

    Parameters
    ----------
    lookback : int, default 100
        Bars against which a pivot's volume is ranked. Range: 1 to 100 000.
    volume_percentile : float, default 85.0
        Percentile that the volume of a pivot must reach. Range: 0 to 100.
    merge : float, default 0.005
        Distance below which pivots share a zone, fraction of price. Range: 0 to 0.5.
    tolerance : float, default 0.0025
        Distance that counts as touching or as breaking, fraction of price. Range: 0 to 0.5.
    max_zones : int, default 20
        Zones kept: those touched last. Range: 1 to 1000.

    Raises
    ------
    ParameterError
        If a parameter lies outside its range.

    Notes
    -----
    A pivot is a bar whose high (low) stands above (below) those of the two bars on either side, known two bars later.
    Bounce up: the close before was above the zone, the low came within `tolerance` of it, the close is above zone and
    open. Break up: the close before was not above the zone, this one is by more than `tolerance`. Down in the mirror.
    A break goes before a bounce, a zone of more pivots before one of fewer. The position is held until the next
    event, or until the close is more than `tolerance` on the wrong side of its zone. Confidence: ``min(1, 0.5 +
    0.1·pivots)``.

    References
    ----------
    Fractals: B. Williams, *Trading Chaos*, 1995.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> signal = VBSRAgent().evaluate(mf.sample_bars(["BTC/USD"]).head(600))
    >>> signal.len(), signal.null_count()
    (600, 100)
    """

    name: ClassVar[str] = "vbsr"

    def __init__(
        self,
        *,
        lookback: int = 100,
        volume_percentile: float = 85.0,
        merge: float = 0.005,
        tolerance: float = 0.0025,
        max_zones: int = 20,
    ) -> None:
        super().__init__(
            lookback=lookback,
            volume_percentile=volume_percentile,
            merge=merge,
            tolerance=tolerance,
            max_zones=max_zones,
        )
