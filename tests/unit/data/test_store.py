"""The store: it grows, never changes, and knows when a file is not what was written."""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.errors import DataError


@pytest.fixture
def bars(market: pl.DataFrame) -> pl.DataFrame:
    return market.filter(symbol="BTC/USD").head(2_000)


@pytest.fixture
def store(tmp_path: Path) -> mf.MarketDataStore:
    return mf.MarketDataStore(tmp_path / "store")


def test_round_trip_in_any_order(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    added = [store.append("x", "BTC/USD", "1h", part) for part in (bars[900:1500], bars[:1000], bars[1400:])]
    assert added == [600, 900, 500]
    assert store.read("x", "1h").equals(bars)
    assert store.span("x", "BTC/USD", "1h") == tuple(bars["timestamp"].dt.epoch("ms").gather([0, -1]).to_list())
    row = store.list().row(0, named=True)
    assert (row["bars"], row["files"], row["first"]) == (
        2_000,
        bars["timestamp"].dt.month().n_unique(),
        bars["timestamp"][0],
    )
    assert store.verify().is_empty()


def test_what_is_stored_stays(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    store.append("x", "BTC/USD", "1h", bars)
    revised = bars.with_columns(volume=pl.col("volume") + 1)
    assert store.append("x", "BTC/USD", "1h", revised) == 0
    assert store.read("x", "1h").equals(bars)


def test_lazy_reading_opens_only_what_is_asked_for(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    store.append("x", "BTC/USD", "1h", bars)
    store.append("y", "A/B:C", "1h", bars)
    store.append("x", "BTC/USD", "1d", bars[:1])
    start, end = datetime(2017, 8, 3, tzinfo=UTC), datetime(2017, 8, 9, 12, tzinfo=UTC)
    for broken in store.folder.glob("exchange=x/*/timeframe=1h/month=2017-07/*"):
        broken.write_bytes(b"not opened")
    lazy = store.scan(exchange="x", timeframe="medium", start=start, end=end)
    assert isinstance(lazy, pl.LazyFrame)
    got = lazy.collect()
    assert (
        got["timestamp"].to_list()
        == bars.filter(pl.col("timestamp").is_between(start, end, closed="left"))["timestamp"].to_list()
    )
    assert store.read("y", "1h")["symbol"].unique().to_list() == ["A/B:C"]
    with pytest.raises(DataError, match="no bars of z"):
        store.scan(exchange="z")


def test_damage_is_found(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    store.append("x", "BTC/USD", "1h", bars)
    files = sorted(store.folder.glob("**/bars.parquet"))
    assert len(files) >= 3
    files[0].write_bytes(files[0].read_bytes()[:-100])
    head = pl.read_parquet_metadata(files[1])
    changed = pl.read_parquet(files[1], hive_partitioning=False).with_columns(close=pl.col("close") * 1.0001)
    changed.write_parquet(files[1], metadata={k: v for k, v in head.items() if k != "ARROW:schema"})
    files[2].rename(
        files[2].parent.parent.joinpath("month=2011-01").mkdir()
        or files[2].parent.parent / "month=2011-01/bars.parquet"
    )
    problems = dict(store.verify().iter_rows())
    assert len(problems) == 3
    text = " ".join(problems.values())
    for word in ("unreadable", "checksum", "another month"):
        assert word in text


def test_two_writers_exclude_each_other(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    store.append("x", "BTC/USD", "1h", bars[:10])
    place = next(store.folder.glob("exchange=x/symbol=*/timeframe=*"))
    held = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process"):
            store.append("x", "BTC/USD", "1h", bars)
    finally:
        os.close(held)
    assert store.append("x", "BTC/USD", "1h", bars) == 1_990


def test_half_written_file_of_a_killed_writer_is_nothing(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    store.append("x", "BTC/USD", "1h", bars[:100])
    month = next(store.folder.glob("**/month=*"))
    (month / "bars.part").write_bytes(b"PAR1 half")
    assert store.read("x", "1h").equals(bars[:100])
    store.append("x", "BTC/USD", "1h", bars[100:101])
    assert not list(store.folder.glob("**/*.part"))


def test_bad_bars_are_refused(store: mf.MarketDataStore, bars: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="high"):
        store.append("x", "BTC/USD", "1h", bars.with_columns(high=pl.lit(0.1)))
    assert store.list().is_empty()
