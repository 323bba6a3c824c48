"""Bars for the tests of indicators."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

import mirrorfast.indicators as ind

ROWS = {row["name"]: row for row in ind.catalogue().to_dicts()}


def arguments(row: dict[str, Any], bars: pl.DataFrame) -> list[pl.Series]:
    """Inputs of an indicator from a bar table, in order; the opening price stands for a second series."""
    return [bars["open" if name == "other" else name] for name in row["inputs"]]


@pytest.fixture(scope="session")
def bars(market: pl.DataFrame) -> pl.DataFrame:
    """Six hundred bars of one symbol."""
    return market.filter(pl.col("symbol") == "BTC/USD").head(600)


@pytest.fixture(scope="session")
def inputs_of() -> Callable[[str, pl.DataFrame], list[pl.Series]]:
    """Find an indicator's inputs in a bar table."""
    return lambda name, table: arguments(ROWS[name], table)


@pytest.fixture(scope="session")
def call(bars: pl.DataFrame) -> Callable[..., pl.DataFrame]:
    """Call an indicator's function; a frame whatever the number of outputs."""

    def run(name: str, table: pl.DataFrame = bars, **params: float) -> pl.DataFrame:
        result = getattr(ind, name)(*arguments(ROWS[name], table), **params)
        return result.to_frame() if isinstance(result, pl.Series) else result

    return run
