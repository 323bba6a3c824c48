"""Suspect bars: one that lies far off what was before, until a second source or the next bar agrees.

A venue now and then prints a candle at ten times the price, and the next one where the one before was. It is a valid
bar by itself; only its neighbours tell. Nothing is decided on it meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SUSPECT_SCHEMA", "SpikeGuard", "find_suspects"]

SUSPECT_SCHEMA: Final = pl.Schema(
    {
        "exchange": pl.String(),
        "symbol": pl.String(),
        "timeframe": pl.String(),
        "timestamp": pl.Datetime("ms", "UTC"),
        "ratio": pl.Float64(),
        "newest": pl.Boolean(),
    }
)
"""Columns of a table of suspect bars: `ratio` is the close against the close before; `newest`: nothing came after."""


def find_suspects(bars: pl.DataFrame, factor: float) -> pl.DataFrame:
    """Find bars that lie far off their neighbours: off the close before, and not agreed with by the bar after.

    Parameters
    ----------
    bars : polars.DataFrame, shape (n, ...)
        Columns of a bar with its symbol, sorted by (symbol, timestamp).
    factor : float
        How many times the close before (or its inverse) high or low must be beyond; above 1.

    Returns
    -------
    polars.DataFrame
        ``symbol timestamp ratio newest``.

    Raises
    ------
    ParameterError
        If `factor` is not above 1.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> closes = [1.0, 1.1, 11.0, 1.1, 1.2]
    >>> bars = pl.DataFrame([("A", datetime(2024, 1, 1, k, tzinfo=UTC), c, c, c, c, 1.0) for k, c in enumerate(closes)],
    ...                     schema=["symbol", "timestamp", "open", "high", "low", "close", "volume"], orient="row")
    >>> find_suspects(bars, 3.0).select("timestamp", "newest").rows()
    [(datetime.datetime(2024, 1, 1, 2, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), False)]
    """
    if not factor > 1:
        raise ParameterError(f"factor = {factor}: expected a number > 1")
    c = pl.col
    follows = (c("symbol") == c("symbol").shift(1)).fill_null(value=False)
    before = pl.when(follows).then(c("close").shift(1))
    after = pl.when(follows.shift(-1).fill_null(value=False)).then(c("close").shift(-1))
    off = (c("high") > before * factor) | (c("low") * factor < before)
    back = (after <= before * factor) & (after * factor >= before)
    table = bars.lazy().select(
        "symbol",
        "timestamp",
        ratio=c("close") / before,
        newest=after.is_null(),
        suspect=(off & (back | after.is_null())).fill_null(value=False),
        follows=follows,
    )
    # The bar after a suspect one is far off it, and right.
    flagged = c("suspect") & ~(c("follows") & c("suspect").shift(1).fill_null(value=False))
    return table.filter(flagged).select("symbol", "timestamp", "ratio", "newest").collect()


@dataclass(slots=True)
class _Known:
    close: float
    doubted: float | None = None


class SpikeGuard:
    """Judges bars as they come: a bar far off the last good one is held back until something agrees with it.

    Parameters
    ----------
    factor
        As in `find_suspects`; 0 lets everything pass.

    Raises
    ------
    ParameterError
        If `factor` is neither 0 nor above 1.

    Examples
    --------
    >>> guard = SpikeGuard(3.0)
    >>> bars = [(1.0, 1.0, 1.0, 1.0, 5.0), (10.0, 10.0, 10.0, 10.0, 5.0), (1.0, 1.1, 1.0, 1.1, 5.0)]
    >>> [guard.good("A", bar) for bar in bars]
    [True, False, True]
    """

    def __init__(self, factor: float) -> None:
        if factor != 0 and not factor > 1:
            raise ParameterError(f"factor = {factor}: expected 0, or a number > 1")
        self.factor = factor
        self._known: dict[str, _Known] = {}

    def off(self, symbol: str, bar: Sequence[float]) -> bool:
        """Tell whether a bar is far off the last good one.

        Parameters
        ----------
        symbol
            Whose.
        bar
            Open, high, low, close, volume.

        Returns
        -------
        bool
            Never for the first bar of a symbol.
        """
        known = self._known.get(symbol)
        return known is not None and self.factor > 0 and not self._near(known.close, bar)

    def good(self, symbol: str, bar: Sequence[float], *, confirmed: bool = False) -> bool:
        """Judge the next bar of a symbol.

        Parameters
        ----------
        symbol
            Whose.
        bar
            Open, high, low, close, volume.
        confirmed
            A second source has the same.

        Returns
        -------
        bool
            False: to be held back. The next bar decides: at this bar's level it was right, at the old one it was not.
        """
        known = self._known.get(symbol)
        if known is None or confirmed or not self.off(symbol, bar):
            self._known[symbol] = _Known(bar[3])
            return True
        if known.doubted is not None and self._near(known.doubted, bar):
            self._known[symbol] = _Known(bar[3])
            return True
        known.doubted = bar[3]
        return False

    def agrees(self, bar: Sequence[float], other: Sequence[float]) -> bool:
        """Tell whether two sources' bars of one time are at one level.

        Parameters
        ----------
        bar, other
            Open, high, low, close, volume.

        Returns
        -------
        bool
            Within the factor.
        """
        return self._near(other[3], bar)

    def _near(self, level: float, bar: Sequence[float]) -> bool:
        return bar[1] <= level * self.factor and bar[2] * self.factor >= level
