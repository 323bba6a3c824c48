"""The encoder: range, laws, what it is fitted on, and which files it refuses."""

import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mirrorfast as mf
from mirrorfast.errors import DataError, ModelError, ParameterError, ShapeError
from mirrorfast.signals import MARKET_FEATURES, SignalEncoder

SPEC = [
    *("price", "volume", "momentum_short", "momentum_long", "rsi", "macd", "bb_position", "volume_ratio"),
    *("composite_score", "trend_score", "confidence_score", "fear_greed", "btc_dominance", "volatility"),
    *("ichimoku_bullish", "vwap_bullish", "ema_crossover"),
]


@pytest.fixture(scope="module")
def features(market: pl.DataFrame) -> pl.DataFrame:
    return mf.compute_features(market.filter(pl.col("symbol") == "BTC/USD"), timeframe="1h")


def test_the_features_are_those_of_spec(features: pl.DataFrame) -> None:
    assert list(MARKET_FEATURES) == SPEC
    rows = SignalEncoder().fit(features).transform(features)
    assert rows.columns == SPEC
    assert set(rows.dtypes) == {pl.Float32}
    values = rows.to_numpy()
    assert np.isfinite(values).all()
    assert np.abs(values).max() <= 1.0
    # The scale is robust, and still uses the interval: half of all rows lie within about a third of it.
    moving = [
        name
        for name in SPEC
        if not name.endswith(("bullish", "crossover")) and name not in ("fear_greed", "btc_dominance")
    ]
    middle = rows.select(moving).to_numpy()[300:]
    share = (np.abs(middle) < 0.34).mean(axis=0)
    assert ((share > 0.3) & (share < 0.7)).all(), dict(zip(moving, share, strict=True))


def test_price_and_volume_are_stationary(features: pl.DataFrame) -> None:
    encoder = SignalEncoder(["price", "volume"]).fit(features)
    center, scale = encoder.describe().select("center", "scale").to_numpy().T
    ratios = features.select(
        pl.col("price") / pl.col("price").shift(1), pl.col("volume") / pl.col("volume").rolling_mean(20)
    )[25:]
    with np.errstate(divide="ignore"):  # an hour without trades is as far down as can be
        log_return, log_ratio = np.log(ratios.to_numpy()).T
    rows = encoder.encode(features)
    for k, wanted in enumerate((log_return, log_ratio)):
        np.testing.assert_allclose(rows[25:, k], np.tanh((wanted - center[k]) / (2 * scale[k])), atol=2e-6)


@pytest.mark.parametrize(("price", "volume"), [(1e-6, 1.0), (1.0, 1e5), (3e4, 1e-3)])
def test_scale_free(market: pl.DataFrame, features: pl.DataFrame, price: float, volume: float) -> None:
    bars = market.filter(pl.col("symbol") == "BTC/USD").with_columns(
        pl.col("open", "high", "low", "close") * price, pl.col("volume") * volume
    )
    scaled = mf.compute_features(bars, timeframe="1h")
    encoder, other = SignalEncoder().fit(features), SignalEncoder().fit(scaled)
    np.testing.assert_allclose(
        encoder.describe().select("center", "scale").to_numpy(),
        other.describe().select("center", "scale").to_numpy(),
        rtol=1e-9,
        atol=1e-12,
    )
    np.testing.assert_allclose(encoder.encode(features), encoder.encode(scaled), atol=2e-7)


def test_one_row_at_a_time_is_the_batch(features: pl.DataFrame) -> None:
    encoder = SignalEncoder().fit(features[:4_000])
    batch = encoder.encode(features)
    for i in (0, 1, 30, 250, 4_100, features.height - 1):
        np.testing.assert_array_equal(encoder.encode(features[i : i + 1])[0], batch[i])


def test_causal_and_fitted_on_the_training_span_alone(market: pl.DataFrame) -> None:
    bars = market.filter(pl.col("symbol") == "BTC/USD")
    cut = 3_000
    broken = bars.with_columns(
        pl.when(pl.int_range(pl.len()) < cut).then(pl.col(name)).otherwise(pl.col(name) * factor)
        for name, factor in (("open", 3.0), ("high", 3.0), ("low", 3.0), ("close", 3.0), ("volume", 50.0))
    )
    before, after = (mf.compute_features(b, timeframe="1h") for b in (bars, broken))
    encoder, other = (SignalEncoder().fit(f[:cut]) for f in (before, after))
    assert encoder == other
    np.testing.assert_array_equal(encoder.encode(before)[:cut], other.encode(after)[:cut])
    assert not np.array_equal(encoder.encode(before)[cut:], other.encode(after)[cut:])


def test_what_is_missing_is_the_middle(features: pl.DataFrame) -> None:
    encoder = SignalEncoder().fit(features)
    young = encoder.transform(features[:1])
    assert young["momentum_long"].item() == 0.0
    assert young["rsi"].item() == 0.0
    empty = features.with_columns(pl.lit(None, pl.Float64).alias("rsi"))
    assert encoder.transform(empty)["rsi"].unique().to_list() == [0.0]
    with pytest.raises(DataError, match=f"rsi = not finite in all {features.height} rows"):
        SignalEncoder().fit(empty)


def test_flat_market() -> None:
    times = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 31), "1h", time_zone="UTC", eager=True)
    flat = pl.select(
        pl.lit("X").alias("symbol"),
        times.dt.cast_time_unit("ms").alias("timestamp"),
        *(pl.lit(1e-7).alias(name) for name in ("open", "high", "low", "close")),
        pl.lit(0.0).alias("volume"),
    )
    rows = SignalEncoder().fit(mf.compute_features(flat)).transform(mf.compute_features(flat))
    assert np.abs(rows.select(pl.exclude("^.*bullish$", "ema_crossover")).to_numpy()).max() == 0.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=40))
def test_every_number_fits(values: list[float]) -> None:
    table = pl.DataFrame({"own": values})
    if not np.isfinite(values).any():
        with pytest.raises(DataError, match="own"):
            SignalEncoder(["own"]).fit(table)
        return
    rows = SignalEncoder(["own"]).fit(table).encode(table)
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() <= 1.0


def test_files(features: pl.DataFrame, tmp_path: Path) -> None:
    encoder = SignalEncoder().fit(features)
    path = tmp_path / "encoder.json"
    encoder.save(path)
    loaded = SignalEncoder.load(path, features=MARKET_FEATURES)
    assert loaded == encoder == pickle.loads(pickle.dumps(encoder))
    assert (loaded.column_hash, loaded.version, loaded.rows) == (encoder.column_hash, 1, features.height)
    np.testing.assert_array_equal(loaded.encode(features), encoder.encode(features))

    with pytest.raises(
        ModelError, match=r"encoder\.json: encoder with column hash \w+ lacks adx and has price besides"
    ):
        SignalEncoder.load(path, features=["adx", *MARKET_FEATURES[1:]])
    with pytest.raises(ModelError, match="another order"):
        loaded.require(MARKET_FEATURES[::-1])
    good = json.loads(path.read_text())
    for change, message in (
        ({"version": 2}, "version is 2, expected 1"),
        ({"column_hash": "0" * 16}, "column hash is 0000000000000000, but its columns have"),
        ({"format": "other"}, 'format is "other"'),
        ({"columns": good["columns"][1:]}, "column hash is"),
        ({"rows": "many"}, "invalid type"),
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(ModelError, match=message):
            SignalEncoder.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="encoder"):
        SignalEncoder.load(path)
    with pytest.raises(ModelError, match="No such file"):
        SignalEncoder.load(tmp_path / "absent.json")


def test_bad_input(features: pl.DataFrame) -> None:
    for names, message in (
        ([], "at least one feature"),
        (["rsi", "rsi"], "each feature once"),
        (["ema_50"], r"ema_50 \(in units of price or volume\)"),
        (["signal"], r"signal \(a label\)"),
    ):
        with pytest.raises(ParameterError, match=message):
            SignalEncoder(names)
    with pytest.raises(ModelError, match="not fitted"):
        SignalEncoder().transform(features)
    with pytest.raises(ShapeError, match="column rsi is missing"):
        SignalEncoder().fit(features.drop("rsi"))
    with pytest.raises(ShapeError, match="column own is String"):
        SignalEncoder(["own"]).fit(pl.DataFrame({"own": ["a", "b"]}))
    assert "not fitted" in repr(SignalEncoder(["rsi"]))
