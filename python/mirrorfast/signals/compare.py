"""What changed from one scan to the next."""

from __future__ import annotations

import polars as pl

__all__ = ["CHANGE_SCHEMA", "compared"]

CHANGE_SCHEMA = pl.Schema(
    {
        "exchange": pl.String(),
        "symbol": pl.String(),
        "change": pl.String(),
        "before": pl.String(),
        "after": pl.String(),
        "score_before": pl.Float64(),
        "score_after": pl.Float64(),
    }
)
"""Columns of the comparison of two scans."""

_KEYS = ("exchange", "symbol")


def compared(before: pl.DataFrame | None, after: pl.DataFrame, failures: pl.DataFrame | None = None) -> pl.DataFrame:
    """Compare two scans.

    Parameters
    ----------
    before : polars.DataFrame or None
        Rows of the earlier scan; ``None`` at the first, when nothing has changed.
    after : polars.DataFrame
        Rows of the later one.
    failures : polars.DataFrame, optional
        Symbols that the later one could not get: they are not gone, only unknown.

    Returns
    -------
    polars.DataFrame
        A row for each symbol that is ``new``, ``gone``, or whose ``signal`` is another, with label and score before and
        after; sorted by exchange and symbol.

    Examples
    --------
    >>> old = pl.DataFrame({"exchange": ["x"] * 2, "symbol": ["A", "B"], "signal": ["Buy", "Sell"],
    ...                     "enhanced_score": [9.0, 1.0]})
    >>> new = old.with_columns(symbol=pl.Series(["A", "C"]), signal=pl.Series(["Strong Buy", "Sell"]))
    >>> compared(old, new).select("symbol", "change").rows()
    [('A', 'signal'), ('B', 'gone'), ('C', 'new')]
    """
    if before is None:
        return pl.DataFrame(schema=CHANGE_SCHEMA)
    labels = [pl.col(name).cast(pl.String).fill_null("") for name in _KEYS]
    sides = [rows.select(*labels, "signal", "enhanced_score") for rows in (before, after)]
    both = sides[0].join(sides[1], on=_KEYS, how="full", coalesce=True, suffix="_after")
    here = [pl.lit(value=True).alias("is_before"), pl.lit(value=True).alias("is_after")]
    for side, mark in zip(sides, here, strict=True):
        both = both.join(side.select(*_KEYS, mark), on=_KEYS, how="left")
    was, now = pl.col("is_before").is_not_null(), pl.col("is_after").is_not_null()
    change = (
        pl.when(~was)
        .then(pl.lit("new"))
        .when(~now)
        .then(pl.lit("gone"))
        .when(pl.col("signal").ne_missing(pl.col("signal_after")))
        .then(pl.lit("signal"))
    )
    table = both.with_columns(change=change).filter(pl.col("change").is_not_null())
    if failures is not None and failures.height:
        lost = failures.select(_KEYS).unique()
        dead = lost.filter(pl.col("symbol") == "*")["exchange"].to_list()
        unknown = table.select(_KEYS).join(lost, on=_KEYS, how="semi")
        table = table.join(
            unknown.with_columns(change=pl.lit("gone")), on=(*_KEYS, "change"), how="anti"
        ).filter(~(pl.col("exchange").is_in(dead) & (pl.col("change") == "gone")))  # fmt: skip
    return table.select(
        *_KEYS,
        "change",
        pl.col("signal").alias("before"),
        pl.col("signal_after").alias("after"),
        pl.col("enhanced_score").alias("score_before"),
        pl.col("enhanced_score_after").alias("score_after"),
    ).sort(_KEYS)
