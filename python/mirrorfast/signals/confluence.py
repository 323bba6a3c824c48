"""Where several timeframes agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["confluence"]

_KEYS: Final = ("exchange", "symbol")
_SIDES: Final = {1: "Buy", 0: "Neutral", -1: "Sell"}
_ZONES: Final = {1: "bullish", 0: "mixed", -1: "bearish"}


def confluence(scans: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Add to scans of several timeframes whether they agree (SPEC §4).

    Parameters
    ----------
    scans : mapping of str to polars.DataFrame
        Rows by timeframe: each the newest *closed* bar of its length.

    Returns
    -------
    dict of str to polars.DataFrame
        The rows with ``confluence_signal multi_tf_confirmed confluence_zone strong_confluence``, null for a symbol that
        is not in every timeframe.

    Examples
    --------
    >>> hour = pl.DataFrame({"exchange": ["x"] * 2, "symbol": ["A", "B"], "signal": ["Buy", "Sell"]})
    >>> day = hour.with_columns(signal=pl.Series(["Strong Buy", "Weak Buy"]))
    >>> confluence({"1h": hour, "1d": day})["1h"].select("confluence_signal", "multi_tf_confirmed").rows()
    [('Buy', True), ('Neutral', False)]
    """
    signal = pl.col("signal").fill_null("Neutral")
    side = (
        pl.when(signal.str.contains("Buy")).then(1).when(signal.str.contains("Sell")).then(-1).otherwise(0)
    ).cast(pl.Int8)  # fmt: skip
    parts = [
        rows.select(*(pl.col(k).cast(pl.String).fill_null("") for k in _KEYS), side.alias("side"),
                    signal.str.contains("Weak").alias("weak"))
        for rows in scans.values()
    ]  # fmt: skip
    table = pl.concat(parts).group_by(_KEYS).agg(
        pl.len().alias("seen"), (pl.col("side") == 1).sum().alias("up"), (pl.col("side") == -1).sum().alias("down"),
        pl.col("weak").any(),
    ).filter(pl.col("seen") == len(scans))  # fmt: skip
    half = pl.col("seen") / 2
    shared = pl.when(pl.col("up") > half).then(1).when(pl.col("down") > half).then(-1).otherwise(0).cast(pl.Int8)
    all_of_them = (pl.col("up") == pl.col("seen")) | (pl.col("down") == pl.col("seen"))
    made = table.select(
        *_KEYS,
        shared.replace_strict(_SIDES, return_dtype=pl.String).alias("confluence_signal"),
        all_of_them.alias("multi_tf_confirmed"),
        shared.replace_strict(_ZONES, return_dtype=pl.String).alias("confluence_zone"),
        (all_of_them & ~pl.col("weak")).alias("strong_confluence"),
    )
    result = {}
    for name, rows in scans.items():
        keyed = rows.with_columns(pl.col("exchange").cast(pl.String).fill_null("").alias("__exchange__"))
        joined = keyed.join(made, left_on=["__exchange__", "symbol"], right_on=_KEYS, how="left", maintain_order="left")
        result[name] = joined.drop("__exchange__")
    return result
