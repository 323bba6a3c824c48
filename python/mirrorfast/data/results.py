"""What a fetch of many series gives: bars, and a table of what failed and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from mirrorfast.data.schema import BAR_SCHEMA
from mirrorfast.data.suspect import SUSPECT_SCHEMA

__all__ = ["FAILURE_SCHEMA", "GAP_SCHEMA", "Failure", "FetchResult"]

FAILURE_SCHEMA: Final = pl.Schema(
    {
        "exchange": pl.String(),
        "symbol": pl.String(),
        "timeframe": pl.String(),
        "kind": pl.String(),
        "reason": pl.String(),
    }
)
GAP_SCHEMA: Final = pl.Schema(
    {
        "exchange": pl.String(),
        "symbol": pl.String(),
        "timeframe": pl.String(),
        "start": pl.Datetime("ms", "UTC"),
        "end": pl.Datetime("ms", "UTC"),
        "bars": pl.Int64(),
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A series that could not be had.

    Attributes
    ----------
    exchange, symbol, timeframe
        Which.
    kind
        ``unavailable``, ``timeout``, ``throttled``, ``banned``, ``closed``, ``breaker``, ``deadline``, ``garbage``,
        ``refused``, ``stale``, ``suspect``, ``empty`` or ``parameter``.
    reason
        For a person.

    Examples
    --------
    >>> Failure("binance", "BTC/USDT", "1h", "stale", "newest bar 3 h old").kind
    'stale'
    """

    exchange: str
    symbol: str
    timeframe: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class FetchResult:
    """Bars of many series, by timeframe.

    Attributes
    ----------
    bars
        By timeframe: columns of ``BAR_SCHEMA`` after ``exchange``, sorted by (symbol, timestamp).
    failures
        Series that are not in `bars`, with kind and reason.
    gaps
        Bars that the venue does not have, asked twice.
    suspects
        Bars in `bars` far off both neighbours, asked twice. A series whose newest bar is such is a failure.

    Examples
    --------
    >>> FetchResult().failures.columns
    ['exchange', 'symbol', 'timeframe', 'kind', 'reason']
    """

    bars: dict[str, pl.DataFrame] = field(default_factory=dict)
    failures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FAILURE_SCHEMA))
    gaps: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GAP_SCHEMA))
    suspects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUSPECT_SCHEMA))


def no_bars() -> pl.DataFrame:
    """Make an empty table of bars with its exchange.

    Returns
    -------
    polars.DataFrame
        Without rows.

    Examples
    --------
    >>> no_bars().columns[:2]
    ['exchange', 'symbol']
    """
    return pl.DataFrame(schema={"exchange": pl.String(), **BAR_SCHEMA})
