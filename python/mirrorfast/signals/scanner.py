"""Rank many symbols by the features of their newest closed bar."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from mirrorfast.errors import ParameterError
from mirrorfast.features import compute_features
from mirrorfast.signals.classifier import SignalClassifier

__all__ = ["scan_bars"]


def scan_bars(
    bars: Any,
    *,
    timeframe: str = "medium",
    market: str = "crypto",
    top_n: int | None = None,
    alternative: Any = None,
    config: Mapping[str, Any] | None = None,
    threads: int = 0,
) -> pl.DataFrame:
    """Rank the symbols of a table by their enhanced score.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        Closed bars of any number of symbols, sorted by (symbol, timestamp), as for `mirrorfast.compute_features`. 300
        bars a symbol warm every column up.
    timeframe : str, default "medium"
        ``scalping``, ``short``, ``medium``, ``daily``, ``weekly`` or an interval such as ``15m``.
    market : {"crypto", "forex"}, default "crypto"
        Kind of market.
    top_n : int, optional
        Number of symbols to return; all by default.
    alternative : DataFrame, optional
        Alternative data, as for `mirrorfast.compute_features`.
    config : mapping, optional
        Other settings, as for `mirrorfast.compute_features`.
    threads : int, default 0
        Threads to spread the symbols over; 0 for one per processor.

    Returns
    -------
    polars.DataFrame, shape (min(n_symbols, top_n), 98)
        The last row of every symbol with all feature columns and those of registered indicators and classifiers, highest ``enhanced_score`` first, equal scores by symbol.
        Young symbols without a score stand last and say ``insufficient_history``.

    Raises
    ------
    ParameterError
        If the timeframe, the market or a setting is unknown, or `top_n` is below 1.
    ShapeError
        If `bars` is not a table, lacks a column, or is not sorted by symbol.
    DataError
        If a bar cannot be used.

    See Also
    --------
    mirrorfast.compute_features : The columns and their meaning.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> scan = scan_bars(mf.sample_bars(), timeframe="1h")
    >>> scan["enhanced_score"].is_sorted(descending=True)
    True
    >>> scan_bars(mf.sample_bars(), timeframe="1h", top_n=1)["symbol"].to_list() == scan["symbol"].to_list()[:1]
    True
    """
    if top_n is not None and top_n < 1:
        raise ParameterError(f"top_n = {top_n}: expected a whole number >= 1")
    rows = compute_features(
        bars,
        timeframe=timeframe,
        market=market,
        last_only=True,
        alternative=alternative,
        config=config,
        threads=threads,
    )
    classifier = SignalClassifier(timeframe=timeframe, market=market)
    rows = rows.with_columns([classifier.classify(name, rows) for name in SignalClassifier.registered()])
    ranked = rows.sort("enhanced_score", "symbol", descending=[True, False], nulls_last=True)
    return ranked if top_n is None else ranked.head(top_n)
