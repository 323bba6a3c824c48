"""The bundled market: BTC/USD and EUR/USD, one-hour bars, July to December 2017.

``README.md`` beside this file names the sources, their licences, and what ``scripts/build_sample_data.py`` repaired.
"""

from pathlib import Path
from typing import Final

import polars as pl

from mirrorfast.errors import ParameterError

__all__ = ["SAMPLE_FILES", "sample_bars"]

_HERE: Final = Path(__file__).parent

SAMPLE_FILES: Final = {"BTC/USD": _HERE / "BTC-USD_1h.parquet", "EUR/USD": _HERE / "EUR-USD_1h.parquet"}
"""The bundled files by symbol."""


def sample_bars(symbols: list[str] | None = None) -> pl.DataFrame:
    """Load the bundled market.

    Parameters
    ----------
    symbols : list of str, optional
        Some of ``"BTC/USD"`` and ``"EUR/USD"``; both by default.

    Returns
    -------
    polars.DataFrame, shape (n, 7)
        Validated bars, sorted by (symbol, timestamp). Volumes are BTC, and Dukascopy's figure for EUR/USD.

    Raises
    ------
    ParameterError
        If a symbol is not bundled.

    Examples
    --------
    >>> sample_bars(["EUR/USD"])["timestamp"].min().isoformat()
    '2017-07-02T21:00:00+00:00'
    """
    wanted = sorted(SAMPLE_FILES) if symbols is None else sorted(set(symbols))
    unknown = [name for name in wanted if name not in SAMPLE_FILES]
    if unknown:
        msg = f"symbols = {unknown[0]!r}: expected some of {', '.join(sorted(SAMPLE_FILES))}"
        raise ParameterError(msg)
    # The script that built these files validated them, and a test does so again.
    return pl.concat([pl.read_parquet(SAMPLE_FILES[name]) for name in wanted])
