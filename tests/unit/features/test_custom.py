"""A Python function registered by name is a feature column of every scan and table."""

from collections.abc import Iterator

import polars as pl
import pytest

import mirrorfast as mf


@pytest.fixture(autouse=True)
def spread() -> Iterator[None]:
    mf.TechnicalIndicators.register_custom("spread", lambda bars: bars["high"] - bars["low"])
    yield
    mf.TechnicalIndicators.unregister_custom("spread")


def test_every_row() -> None:
    bars = mf.sample_bars().group_by("symbol", maintain_order=True).head(320)
    table = mf.compute_features(bars)
    assert table["spread"].to_list() == (bars["high"] - bars["low"]).to_list()
    assert table["symbol"].to_list() == bars["symbol"].to_list()


def test_last_row_and_chosen_columns() -> None:
    bars = mf.sample_bars()
    table = mf.compute_features(bars, last_only=True, columns=["rsi", "spread"])
    last = bars.group_by("symbol", maintain_order=True).last()
    assert table.columns == ["symbol", "timestamp", "rsi", "spread"]
    assert table["spread"].to_list() == (last["high"] - last["low"]).to_list()


def test_scan() -> None:
    table = mf.scan_bars(mf.sample_bars())
    assert table["spread"].null_count() == 0
    assert table.height == 2


def test_unknown_column_is_still_refused() -> None:
    with pytest.raises(mf.ParameterError, match="sprad"):
        mf.compute_features(mf.sample_bars(), columns=["sprad"])


def test_wrong_number_of_rows_is_refused() -> None:
    mf.TechnicalIndicators.register_custom("short", lambda bars: pl.Series([1.0]))
    try:
        with pytest.raises(mf.errors.ShapeError, match="short"):
            mf.compute_features(mf.sample_bars())
    finally:
        mf.TechnicalIndicators.unregister_custom("short")
