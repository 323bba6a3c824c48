"""A Python function registered by name is a feature column of every scan, table and stream."""

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

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


FUNCTIONS: dict[str, tuple[Callable[[pl.DataFrame], Any], int | None]] = {
    "body": (lambda bars: (bars["close"] - bars["open"]).to_numpy(), 1),
    "step": (lambda bars: bars["close"].diff(), 2),
    "highest": (lambda bars: pd.Series(bars["high"].to_numpy()).rolling(7).max(), 7),
    "traded": (lambda bars: bars["volume"].cum_sum(), None),
    "mean": (lambda bars: pl.Series(bars["close"].to_numpy()).ewm_mean(span=10, adjust=False), None),
    "two": (lambda bars: pl.DataFrame({"up": bars["close"] > bars["open"], "word": ["a"] * bars.height}), 1),
}


@pytest.fixture
def several() -> Iterator[None]:
    for name, (function, lookback) in FUNCTIONS.items():
        mf.TechnicalIndicators.register_custom(name, function, lookback=lookback)
    yield
    for name in FUNCTIONS:
        mf.TechnicalIndicators.unregister_custom(name)


def young(count: int = 60) -> pl.DataFrame:
    return mf.sample_bars().group_by("symbol", maintain_order=True).head(count)


def test_stream_equals_table_bar_by_bar_and_after_a_restore(several: None) -> None:
    bars = young()
    whole = mf.compute_features(bars, timeframe="1h")
    stream = mf.FeatureStream(timeframe="1h")
    rows = []
    for k, now in enumerate(bars["timestamp"].unique().sort()):
        rows.append(stream.update(bars.filter(pl.col("timestamp") == now)))
        if k == 31:
            stream = pickle.loads(pickle.dumps(stream))
    assert_frame_equal(pl.concat(rows).sort("symbol", "timestamp"), whole, check_exact=True)
    assert whole.columns[-7:] == ["body", "step", "highest", "traded", "mean", "up", "word"]
    assert whole["mean"].null_count() == 0
    assert whole["highest"].null_count() == 12


def test_stream_in_pieces_and_chosen_columns(several: None) -> None:
    bars = young()
    names = ["rsi", "traded", "highest"]
    stream = mf.FeatureStream(columns=names)
    cut = bars["timestamp"].unique().sort()[23]
    pieces = [
        stream.update(bars.filter(pl.col("timestamp") < cut)),
        stream.update(bars.filter(pl.col("timestamp") >= cut)),
    ]
    streamed = pl.concat(pieces).sort("symbol", "timestamp")
    assert_frame_equal(streamed, mf.compute_features(bars, columns=names).select(streamed.columns), check_exact=True)


def test_stream_keeps_no_more_bars_than_asked_for() -> None:
    seen = []
    mf.TechnicalIndicators.register_custom("seen", lambda bars: seen.append(bars.height) or bars["close"], lookback=5)
    try:
        stream = mf.FeatureStream(columns=["seen"])
        for k in range(20):
            stream.update(young().head(20)[k : k + 1])
        assert seen == [1, 2, 3, 4, *[5] * 16]
        assert stream._custom._kept["BTC/USD"].height == 4
    finally:
        mf.TechnicalIndicators.unregister_custom("seen")


def test_a_function_that_raises_takes_no_bar_in() -> None:
    def fragile(bars: pl.DataFrame) -> pl.Series:
        if bars.height > 3:
            raise ValueError("too much")
        return bars["close"]

    bars = young().head(10)
    mf.TechnicalIndicators.register_custom("fragile", fragile)
    try:
        stream = mf.FeatureStream(columns=["rsi", "fragile"])
        stream.update(bars[:3])
        with pytest.raises(mf.errors.UserCodeError, match=r"indicator fragile: raised ValueError on BTC/USD.*too much"):
            stream.update(bars[3:4])
        assert stream.symbols == {"BTC/USD": 3}
        with pytest.raises(mf.DataError, match="timestamp"):  # the better reason, where there are two
            stream.update(bars[:1])
        with pytest.raises(mf.errors.UserCodeError, match="fragile"):
            mf.compute_features(bars)
    finally:
        mf.TechnicalIndicators.unregister_custom("fragile")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda bars: 5.0, "got float, expected one column"),
        (lambda bars: "close", "got str"),
        (lambda bars: np.ones((bars.height, 2)), "array of shape"),
        (lambda bars: bars["timestamp"], "Datetime.*expected numbers, truth values or text"),
        (lambda bars: pd.Series([object()] * bars.height), "expected"),
    ],
)
def test_answers_that_are_no_column(answer: Callable[[pl.DataFrame], Any], message: str) -> None:
    mf.TechnicalIndicators.register_custom("odd", answer)
    try:
        with pytest.raises(mf.errors.ShapeError, match=message):
            mf.compute_features(young(), columns=["odd"])
    finally:
        mf.TechnicalIndicators.unregister_custom("odd")


def test_bad_registrations() -> None:
    for name, lookback, message in [
        ("rsi", None, "catalogue"),
        ("enhanced_score", None, "feature column"),
        ("x", 0, "lookback = 0"),
    ]:
        with pytest.raises(mf.ParameterError, match=message):
            mf.TechnicalIndicators.register_custom(name, lambda bars: bars["close"], lookback=lookback)


def test_damaged_state_is_refused() -> None:
    stream = mf.FeatureStream(columns=["rsi", "spread"])
    stream.update(young())
    state = stream.snapshot()
    with pytest.raises(mf.errors.LedgerError):
        stream.restore(state[:-50])
    with pytest.raises(mf.errors.LedgerError, match="registered indicators"):
        stream.restore(mf.FeatureStream(columns=["rsi"]).snapshot()[8:])


def test_a_table_without_symbols_is_one_symbol(several: None) -> None:
    bars = young().head(40).drop("symbol")
    names = ["rsi", "traded", "highest"]
    whole = mf.compute_features(bars, columns=names)
    last = mf.compute_features(bars, columns=names, last_only=True)
    assert last["traded"].to_list() == whole["traded"].tail(1).to_list()
    stream = mf.FeatureStream(columns=names)
    stream.update(bars[:25])
    again = pickle.loads(pickle.dumps(stream))
    assert again.update(bars[25:])["traded"].to_list() == whole["traded"][25:].to_list()
