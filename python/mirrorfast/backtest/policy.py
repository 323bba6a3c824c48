"""A policy's actions as columns of a run: one position and its confidence for every bar that it speaks about."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.errors import DataError, ShapeError

__all__ = ["policy_columns"]


def policy_columns(policy: Any, bars: pl.DataFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lay a policy's actions beside the bars that they answer.

    Parameters
    ----------
    policy : DataFrame or Arrow table, shape (n, k)
        ``timestamp`` (open of the bar whose close the policy has seen), ``position`` in [−1, 1], and where they matter
        ``symbol`` and ``confidence`` in [0, 1] (1 by default). A bar without a row, or with a null, has no policy.
    bars : polars.DataFrame
        Validated bars.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (n_bars,)
        Positions, NaN where the policy says nothing, and confidences.

    Raises
    ------
    ShapeError
        If a column is missing.
    DataError
        If a value is out of its range, a bar is answered twice, or there is no such bar.
    """
    frame = as_frame(policy, source="policy")
    several = bars["symbol"].n_unique() > 1
    for name in ("timestamp", "position", *(["symbol"] if several else [])):
        if name not in frame.columns:
            raise ShapeError(f"policy: column {name} is missing: found {', '.join(frame.columns) or 'none'}")
    keys = ["symbol", "timestamp"] if "symbol" in frame.columns else ["timestamp"]
    confidence = pl.col("confidence") if "confidence" in frame.columns else pl.lit(1.0)
    table = frame.select(
        *([pl.col("symbol").cast(pl.String)] if "symbol" in keys else []),
        pl.col("timestamp").cast(pl.Datetime("ms", "UTC")),
        pl.col("position").cast(pl.Float64).fill_nan(None),
        confidence.cast(pl.Float64).fill_nan(None).alias("confidence"),
    ).drop_nulls("position")
    for name, low in (("position", -1.0), ("confidence", 0.0)):
        bad = table.filter(~pl.col(name).is_between(low, 1.0))
        if bad.height:
            raise DataError(
                f"policy: {name} = {bad[name][0]} at {bad['timestamp'][0]}: expected a number from {low:g} to 1"
            )
    twice = table.filter(pl.struct(keys).is_duplicated())
    if twice.height:
        raise DataError(f"policy: two rows for {twice.row(0)[: len(keys)]}: expected one a bar")
    stray = table.join(bars, on=keys, how="anti")
    if stray.height:
        raise DataError(f"policy: row for {stray.row(0)[: len(keys)]}: expected the open time of one of the bars")
    joined = bars.select("symbol", "timestamp").join(table, on=keys, how="left", maintain_order="left")
    # A confidence that is not known counts as low.
    return joined["position"].fill_null(np.nan).to_numpy(), joined["confidence"].fill_null(0.0).to_numpy()
