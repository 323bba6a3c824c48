"""Market data: the shape of bars, files, and the bundled sample."""

from mirrorfast.data.digest import bars_digest
from mirrorfast.data.files import read_bars, symbol_of
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

__all__ = [
    "BAR_COLUMNS",
    "BAR_SCHEMA",
    "as_frame",
    "bar_interval",
    "bars_digest",
    "read_bars",
    "require_bars",
    "sample_bars",
    "select_bars",
    "symbol_of",
    "validate_bars",
]
