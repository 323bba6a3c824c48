"""Bars that are enough for a strategy, and few enough to be quick."""

import polars as pl
import pytest

import mirrorfast as mf


@pytest.fixture(scope="session")
def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).head(1500)


@pytest.fixture(scope="session")
def two() -> pl.DataFrame:
    return mf.sample_bars().filter(pl.col("timestamp") < pl.datetime(2017, 10, 1, time_zone="UTC"))
