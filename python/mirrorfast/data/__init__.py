"""Market data: the shape of bars, files, the bundled sample, exchanges and the store."""

import importlib
from typing import TYPE_CHECKING, Any

from mirrorfast.data.digest import bars_digest
from mirrorfast.data.files import read_bars, symbol_of
from mirrorfast.data.funding import with_funding
from mirrorfast.data.sample import sample_bars
from mirrorfast.data.schema import (
    BAR_COLUMNS,
    BAR_SCHEMA,
    as_frame,
    bar_interval,
    require_bars,
    select_bars,
    validate_bars,
)

if TYPE_CHECKING:
    from mirrorfast.data.fetcher import MarketDataFetcher
    from mirrorfast.data.market_watch import MarketChange, MarketWatch
    from mirrorfast.data.store import MarketDataStore

__all__ = [
    "BAR_COLUMNS",
    "BAR_SCHEMA",
    "MarketChange",
    "MarketDataFetcher",
    "MarketDataStore",
    "MarketWatch",
    "as_frame",
    "bar_interval",
    "bars_digest",
    "read_bars",
    "require_bars",
    "sample_bars",
    "select_bars",
    "symbol_of",
    "validate_bars",
    "with_funding",
]

# Loaded on use: a table of bars needs no event loop.
_LAZY = {
    "MarketChange": "mirrorfast.data.market_watch",
    "MarketDataFetcher": "mirrorfast.data.fetcher",
    "MarketDataStore": "mirrorfast.data.store",
    "MarketWatch": "mirrorfast.data.market_watch",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
