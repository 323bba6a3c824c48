"""compute_features and FeatureStream: shape, kinds, errors, and what they accept."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import mirrorfast as mf
from mirrorfast.errors import DataError, LedgerError, ParameterError, ShapeError

COUNT = 98
KINDS = {"float": pl.Float64(), "int": pl.Int8(), "bool": pl.Boolean(), "label": pl.String()}


@pytest.fixture(scope="module")
def bars(market: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([part.head(400) for part in market.partition_by("symbol")])


@pytest.fixture(scope="module")
def table(bars: pl.DataFrame) -> pl.DataFrame:
    return mf.compute_features(bars, timeframe="1h")


def test_columns_and_kinds(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    catalogue = mf.features.feature_catalogue()
    assert table.columns == ["exchange", "symbol", "timeframe", "timestamp", *catalogue["name"]]
    assert table.width == COUNT
    assert table.height == bars.height
    for name, kind in catalogue.select("name", "kind").iter_rows():
        assert table.schema[name] == KINDS[kind], name
    assert catalogue["meaning"].str.len_chars().min() > 5


def test_spec_columns_are_all_there(table: pl.DataFrame) -> None:
    text = """
    exchange symbol timeframe timestamp price volume volume_usd volume_ratio obv obv_slope mfi cmf
    momentum_short momentum_long momentum_1 return_1 roc rsi stoch_k stoch_d cci williams_r ema_5 ema_9 ema_13
    ema_21 ema_50 ema_200 sma_20 sma_50 macd macd_signal macd_hist macd_pct adx plus_di minus_di
    supertrend_direction linreg_slope trend_strength atr natr bb_upper bb_middle bb_lower bb_width bb_position
    volatility volatility_ratio tenkan kijun senkou_a senkou_b ichimoku_bullish vwap vwap_bullish
    ema_5_13_bullish ema_9_21_bullish ema_50_200_bullish rsi_bearish_div rsi_bullish_div poc_price
    poc_distance anchored_poc fixed_poc value_area_high value_area_low fib_direction fib_nearest_retracement
    fib_nearest_extension fib_confluence trend_score confidence_score composite_score volume_composite_score
    signal_strength enhanced_score signal signal_state legacy_label momentum_strength cluster_validated
    enhanced_momentum_score reversion_candidate reversion_probability momentum_exhaustion excessive_gain
    excessive_loss volatility_regime trend_regime market_regime cluster_detected cluster_strength
    directional_cluster trend_formation_signal fear_greed btc_dominance insufficient_history
"""
    assert table.columns == text.split()


def test_rows_keep_their_bars(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    assert_frame_equal(table.select("symbol", "timestamp"), bars.select("symbol", "timestamp"))
    assert table["price"].to_list() == bars["close"].to_list()
    assert table["volume"].to_list() == bars["volume"].to_list()
    assert table["timeframe"].unique().to_list() == ["1h"]
    assert table["exchange"].null_count() == table.height


def test_young_rows_have_nulls_and_say_so(table: pl.DataFrame) -> None:
    for part in table.partition_by("symbol"):
        complete = part.select(pl.all_horizontal(pl.exclude("exchange").is_not_null())).to_series()
        assert complete.to_list() == [False] * 199 + [True] * (part.height - 199)
        assert part["insufficient_history"].to_list() == (~complete).to_list()
        assert part["rsi"].is_nan().sum() == 0


def test_scores_and_labels_are_in_range(table: pl.DataFrame) -> None:
    for name, top in [
        ("trend_score", 10),
        ("confidence_score", 1),
        ("composite_score", 100),
        ("volume_composite_score", 100),
        ("signal_strength", 100),
        ("fib_confluence", 100),
        ("reversion_probability", 1),
        ("cluster_strength", 1),
    ]:
        values = table[name].drop_nulls()
        assert len(values) > 0
        assert values.min() >= 0, name
        assert values.max() <= top * (1 + 1e-12), name
    for name, labels in mf.signals.LABELS.items():
        if name in table.columns:
            assert set(table[name].drop_nulls()) <= set(labels), name


@pytest.mark.parametrize("timeframe", ["scalping", "short", "medium", "daily", "weekly", "15m", "4h"])
@pytest.mark.parametrize("market_name", ["crypto", "forex"])
def test_last_only_equals_the_last_row(bars: pl.DataFrame, timeframe: str, market_name: str) -> None:
    whole = mf.compute_features(bars, timeframe=timeframe, market=market_name)
    last = mf.compute_features(bars, timeframe=timeframe, market=market_name, last_only=True)
    assert_frame_equal(
        last, whole.group_by("symbol", maintain_order=True).last().select(whole.columns), check_exact=True
    )


def test_threads_change_nothing(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    for threads in (1, 2, 3):
        assert_frame_equal(mf.compute_features(bars, timeframe="1h", threads=threads), table, check_exact=True)


def test_some_columns(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    some = mf.compute_features(bars, timeframe="1h", columns=["signal", "rsi", "poc_price"])
    assert_frame_equal(some, table.select("symbol", "timestamp", "signal", "rsi", "poc_price"), check_exact=True)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: b.lazy(), id="lazy frame"),
        pytest.param(lambda b: b.to_arrow(), id="pyarrow table"),
        pytest.param(lambda b: b.to_arrow().to_batches()[0], id="pyarrow record batch"),
        pytest.param(lambda b: b.to_pandas(), id="pandas"),
        pytest.param(lambda b: pl.concat([b[:123], b[123:]], rechunk=False), id="chunks"),
        pytest.param(lambda b: b.with_columns(pl.col("symbol").cast(pl.Categorical)), id="categorical"),
        pytest.param(lambda b: b.with_columns(pl.col("symbol").cast(pl.Enum(["BTC/USD", "EUR/USD"]))), id="enum"),
        pytest.param(lambda b: b.with_columns(pl.col("timestamp").dt.cast_time_unit("us")), id="microseconds"),
        pytest.param(lambda b: b.with_columns(pl.col("timestamp").dt.cast_time_unit("ns")), id="nanoseconds"),
        pytest.param(lambda b: b.with_columns(pl.col("timestamp").dt.convert_time_zone("Asia/Tokyo")), id="other zone"),
        pytest.param(lambda b: b.with_columns(pl.col("timestamp").dt.replace_time_zone(None)), id="no zone"),
        pytest.param(lambda b: b.with_columns(pl.col("timestamp").dt.epoch("ms")), id="whole numbers"),
        pytest.param(lambda b: b.select(sorted(b.columns)).with_columns(more=1), id="other order, more columns"),
        pytest.param(lambda b: pa.concat_tables([b[:99].to_arrow(), b[99:].to_arrow()]), id="pyarrow chunks"),
    ],
)
def test_any_table_is_taken(bars: pl.DataFrame, table: pl.DataFrame, change: Callable[[pl.DataFrame], Any]) -> None:
    given = change(bars)
    assert_frame_equal(mf.compute_features(given, timeframe="1h"), table, check_exact=True)


def test_numbers_of_other_types(bars: pl.DataFrame) -> None:
    small = bars.with_columns(pl.col("open", "high", "low", "close", "volume").cast(pl.Float32))
    wide = small.with_columns(pl.col("open", "high", "low", "close", "volume").cast(pl.Float64))
    assert_frame_equal(mf.compute_features(small), mf.compute_features(wide), check_exact=True)
    whole = bars.with_columns(pl.col("volume").round().cast(pl.Int64))
    assert mf.compute_features(whole)["volume"].dtype == pl.Float64


def test_a_table_without_symbols_is_one_symbol(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    one = bars.filter(pl.col("symbol") == "BTC/USD")
    got = mf.compute_features(one.drop("symbol"), timeframe="1h")
    expected = table.filter(pl.col("symbol") == "BTC/USD").drop("symbol")
    assert_frame_equal(got.drop("symbol"), expected, check_exact=True)
    assert mf.compute_features(one.drop("symbol"), last_only=True).height == 1


def test_no_rows(bars: pl.DataFrame) -> None:
    for empty in (bars.head(0), bars.head(0).drop("symbol")):
        for last_only in (False, True):
            assert mf.compute_features(empty, last_only=last_only).shape == (0, COUNT)


def test_exchange_and_alternative_columns_are_handed_through(bars: pl.DataFrame) -> None:
    given = bars.with_columns(
        exchange=pl.lit("kraken"), fear_greed=pl.int_range(pl.len()) % 100, btc_dominance=pl.lit(None, pl.Float64)
    )
    got = mf.compute_features(given)
    assert got["exchange"].unique().to_list() == ["kraken"]
    assert got["fear_greed"].to_list() == given["fear_greed"].to_list()
    assert got["btc_dominance"].unique().to_list() == [50.0]
    last = mf.compute_features(given.to_pandas(), last_only=True)
    assert last["fear_greed"].to_list() == [399 % 100, 799 % 100]


def test_alternative_data_never_comes_from_the_future(bars: pl.DataFrame) -> None:
    start = bars["timestamp"][0]
    alternative = pl.DataFrame(
        {
            "timestamp": [
                start + timedelta(hours=30, minutes=1),
                start + timedelta(hours=60),
                start + timedelta(hours=70),
            ],
            "fear_greed": [20, 80, None],
            "btc_dominance": [None, 41.5, 42.0],
        }
    )
    got = mf.compute_features(bars, alternative=alternative).filter(pl.col("symbol") == "BTC/USD")
    opened = ((got["timestamp"] - start).dt.total_hours()).to_list()
    for hour, fear, dominance in zip(opened, got["fear_greed"], got["btc_dominance"], strict=True):
        assert fear == (50.0 if hour < 31 else 20.0 if hour < 60 else 80.0)
        assert dominance == (50.0 if hour < 60 else 41.5 if hour < 70 else 42.0)
    only = mf.compute_features(bars, alternative=alternative.select("timestamp", "fear_greed"), last_only=True)
    assert only["fear_greed"].to_list() == [80.0, 80.0]
    assert only["btc_dominance"].to_list() == [50.0, 50.0]
    with pytest.raises(ShapeError, match="timestamp is missing"):
        mf.compute_features(bars, alternative=alternative.drop("timestamp"))


def test_settings(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    changed = mf.compute_features(bars, timeframe="1h", config={"momentum_short": 9, "lookback_window": 30})
    price = bars["close"]
    assert changed["momentum_short"][50] == price[50] / price[41] - 1.0
    assert changed["poc_price"].null_count() == 2 * 29
    assert_frame_equal(changed.select("rsi", "atr"), table.select("rsi", "atr"), check_exact=True)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"timeframe": "fortnight"}, "fortnight"),
        ({"market": "stocks"}, "stocks"),
        ({"columns": ["rsi", "rsj"]}, "rsj"),
        ({"config": {"lookback": 3}}, "lookback"),
        ({"config": {"lookback_window": 0}}, "lookback_window"),
        ({"config": {"market": "forex"}}, "market"),
        ({"config": {"state": {"weak": -1.0}}}, "state"),
    ],
)
def test_wrong_parameters_are_named(bars: pl.DataFrame, words: dict[str, Any], named: str) -> None:
    with pytest.raises(ParameterError, match=named):
        mf.compute_features(bars, **words)
    with pytest.raises(ParameterError, match=named):
        mf.FeatureStream(**words)


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        (lambda b: b.drop("close"), ShapeError, "close"),
        (lambda b: b.drop("timestamp"), ShapeError, "timestamp"),
        (lambda b: b.with_columns(close=pl.lit("dear")), ShapeError, "close"),
        (lambda b: b.with_columns(symbol=pl.lit(1)), ShapeError, "symbol"),
        (lambda b: b.with_columns(timestamp=pl.lit("now")), ShapeError, "timestamp"),
        (lambda b: {"close": [1.0]}, ShapeError, "dict"),
        (lambda b: b.with_columns(close=pl.lit(float("nan"))), DataError, "NaN"),
        (lambda b: b.with_columns(volume=pl.lit(-1.0)), DataError, "volume = -1"),
        (lambda b: b.with_columns(high=pl.col("low") / 2), DataError, "high"),
        (lambda b: b.reverse(), DataError, "timestamp"),
        (lambda b: pl.concat([b[:5], b[4:]]), DataError, "row 5"),
        (
            lambda b: b.with_columns(open=pl.when(pl.int_range(pl.len()) != 7).then("open")),
            DataError,
            "open = null at row 7",
        ),
        (lambda b: b.with_columns(timestamp=pl.lit(None, pl.Datetime("ms", "UTC"))), DataError, "timestamp = null"),
        (lambda b: b.with_columns(symbol=pl.lit(None, pl.String)), DataError, "symbol = null"),
    ],
)
def test_bad_bars_are_named(
    bars: pl.DataFrame, change: Callable[[pl.DataFrame], Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        mf.compute_features(change(bars.filter(pl.col("symbol") == "BTC/USD")))


def test_interleaved_symbols_are_refused(bars: pl.DataFrame) -> None:
    with pytest.raises(ShapeError, match="BTC/USD.*sorted by symbol"):
        mf.compute_features(bars.sort("timestamp"))


def test_a_stream_gives_the_rows_of_the_batch(bars: pl.DataFrame, table: pl.DataFrame) -> None:
    stream = mf.FeatureStream(timeframe="1h")
    times = bars["timestamp"].unique().sort()
    pieces = []
    for step in range(0, len(times), 53):
        piece = bars.filter(pl.col("timestamp").is_in(times[step : step + 53].implode()))
        pieces.append(stream.update(piece))
        if step % 2:
            saved = stream.snapshot()
            stream = mf.FeatureStream(timeframe="1h")
            stream.restore(saved)
        else:
            stream = pickle.loads(pickle.dumps(stream))
    got = pl.concat(pieces).sort("symbol", "timestamp", maintain_order=True)
    assert_frame_equal(got, table, check_exact=True)
    assert stream.symbols == {"BTC/USD": 400, "EUR/USD": 400}


def test_a_stream_refuses_old_bars_and_foreign_states(bars: pl.DataFrame) -> None:
    stream = mf.FeatureStream(columns=["rsi"])
    assert stream.update(bars).columns == ["symbol", "timestamp", "rsi"]
    with pytest.raises(DataError, match="BTC/USD: timestamp"):
        stream.update(bars[399:400])
    saved = stream.snapshot()
    for other in (mf.FeatureStream(), mf.FeatureStream(columns=["rsi"], market="forex")):
        with pytest.raises(LedgerError, match="other settings"):
            other.restore(saved)
    with pytest.raises(LedgerError, match="snapshot"):
        stream.restore(saved[:-1])
    assert stream.symbols == {"BTC/USD": 400, "EUR/USD": 400}


def test_a_stream_takes_alternative_values(bars: pl.DataFrame) -> None:
    stream = mf.FeatureStream(columns=["fear_greed", "btc_dominance"])
    stream.set_alternative(fear_greed=11.0)
    row = stream.update(bars[:1])
    assert row.select("fear_greed", "btc_dominance").row(0) == (11.0, 50.0)
    with pytest.raises(ParameterError, match="btc_dominance"):
        stream.set_alternative(btc_dominance=101.0)


def test_pandas_output_of_the_frame(table: pl.DataFrame) -> None:
    frame = table.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["signal"].str.contains("Buy").sum() > 0


def test_a_scan_ranks_the_newest_rows(bars: pl.DataFrame) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    young = bars.head(20).with_columns(
        symbol=pl.lit("A/YOUNG"),
        timestamp=pl.Series([start + timedelta(hours=i) for i in range(20)]).cast(pl.Datetime("ms", "UTC")),
    )
    scan = mf.scan_bars(pl.concat([young, bars]), timeframe="1h")
    assert scan.width == COUNT
    assert scan["enhanced_score"].drop_nulls().is_sorted(descending=True)
    assert scan["symbol"][-1] == "A/YOUNG"
    assert scan["insufficient_history"].to_list() == [False, False, True]
    assert mf.scan_bars(bars, top_n=1).height == 1
    with pytest.raises(ParameterError, match="top_n = 0"):
        mf.scan_bars(bars, top_n=0)
