"""The laws of SPEC on real markets, for every strategy of the catalogue."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mirrorfast as mf

NAMES = mf.strategies.catalogue()["name"].to_list()
# Quick to warm up, so that most of the rows say something.
QUICK = {"train_window": 100, "refit": 40, "trees": 20}
MARKET = mf.sample_bars().group_by("symbol", maintain_order=True).head(700)


def twins() -> pl.DataFrame:
    """BTC/USD and a symbol that follows it around a quiet, swinging spread: what pairs are made of."""
    one = MARKET.filter(pl.col("symbol") == "BTC/USD")
    k = pl.int_range(pl.len())
    other = (pl.col("close").log() * 0.8 + 0.004 * (k * k * 0.31).sin() + 0.008 * (k // 40 % 3 == 0)).exp()
    prices = dict.fromkeys(("open", "high", "low", "close"), other)
    return pl.concat([one, one.with_columns(symbol=pl.lit("TWIN"), **prices)])


TWINS = twins()


def market_of(name: str) -> pl.DataFrame:
    return TWINS if name == "pairs_trading" else MARKET


def agent(name: str) -> mf.BaseStrategyAgent:
    known = mf.strategies.create(name).params
    return mf.strategies.create(name, **{key: value for key, value in QUICK.items() if key in known})


def test_there_is_something_to_test() -> None:
    assert len(NAMES) >= 11


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(cut=st.integers(50, 650))
def test_the_future_changes_nothing(name: str, cut: int) -> None:
    strategy, table = agent(name), market_of(name)
    rows = pl.int_range(pl.len()).over("symbol") < cut
    whole = table.select("symbol").with_columns(strategy.votes(table)).filter(rows)
    assert strategy.votes(table.filter(rows)).equals(whole.drop("symbol"))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3)
@given(price=st.floats(1e-6, 1e6), volume=st.floats(1e-6, 1e6))
def test_units_do_not_matter(name: str, price: float, volume: float) -> None:
    strategy, table = agent(name), market_of(name)
    scaled = table.with_columns(pl.col("open", "high", "low", "close") * price, pl.col("volume") * volume)
    a, b = strategy.votes(table), strategy.votes(scaled)
    assert a["signal"].drop_nulls().n_unique() > 1
    assert a["signal"].is_null().equals(b["signal"].is_null())
    for column in ("signal", "confidence"):
        assert ((a[column] - b[column]).abs().drop_nulls() <= 1e-6).all(), column
