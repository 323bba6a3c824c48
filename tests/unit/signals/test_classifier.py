"""SignalClassifier: the three rule sets from frames and scalars, and classifiers of one's own."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_series_equal

import mirrorfast as mf
from mirrorfast.errors import ParameterError, ShapeError
from mirrorfast.signals import LABELS, SignalClassifier, direction

KINDS = ["scalping", "short", "medium", "daily", "weekly"]


@pytest.fixture(autouse=True)
def _registry() -> Iterator[None]:
    before = dict(SignalClassifier._registered)
    yield
    SignalClassifier._registered.clear()
    SignalClassifier._registered.update(before)


@pytest.mark.parametrize("timeframe", KINDS)
@pytest.mark.parametrize("market_name", ["crypto", "forex"])
def test_frames_give_the_feature_columns(market: pl.DataFrame, timeframe: str, market_name: str) -> None:
    table = mf.compute_features(market, timeframe=timeframe, market=market_name)
    classifier = SignalClassifier(timeframe=timeframe, market=market_name)
    assert_series_equal(classifier.classify_signal(table), table["signal"])
    assert_series_equal(classifier.classify_state(table), table["signal_state"])
    assert_series_equal(classifier.classify_legacy(table.to_arrow()), table["legacy_label"])
    assert_series_equal(classifier.classify("legacy_label", table.to_pandas()), table["legacy_label"])


def test_scalars_give_the_labels_of_the_frame(market: pl.DataFrame) -> None:
    table = mf.compute_features(market).gather_every(97)
    classifier = SignalClassifier()
    for row in table.iter_rows(named=True):
        assert classifier.classify_signal(row) == row["signal"]
        assert classifier.classify_state(row) == row["signal_state"]
        assert classifier.classify_legacy(row) == row["legacy_label"]


@pytest.mark.parametrize(
    ("timeframe", "market_name", "threshold", "rsi_max"),
    [
        *zip(KINDS, ["crypto"] * 5, [0.01, 0.03, 0.05, 0.06, 0.15], [70, 68, 65, 65, 70], strict=True),
        *zip(KINDS, ["forex"] * 5, [0.002, 0.005, 0.008, 0.01, 0.03], [70, 68, 67, 65, 70], strict=True),
    ],
)
def test_thresholds(timeframe: str, market_name: str, threshold: float, rsi_max: float) -> None:
    classify = SignalClassifier(timeframe=timeframe, market=market_name).classify_signal
    sure: dict[str, Any] = {"macd_pct": 0.001, "ichimoku_bullish": True, "reversion_probability": 0.0}
    up = {"momentum_short": 2 * threshold + 1e-9, "momentum_long": threshold + 1e-9, "rsi": rsi_max - 1e-6}
    assert classify(**sure, **up) == "Strong Buy"
    assert classify(**sure, **up | {"momentum_short": 2 * threshold}) == "Buy"
    assert classify(**sure, **up | {"momentum_long": threshold}) == "Buy"
    assert classify(**sure, **up | {"rsi": rsi_max}) == "Buy"
    assert classify(**sure, **up | {"momentum_short": threshold, "rsi": 60}) == "Weak Buy"
    down = {"momentum_short": -2 * threshold - 1e-9, "momentum_long": -threshold - 1e-9, "rsi": 40.0}
    fall: dict[str, Any] = {"macd_pct": -0.001, "ichimoku_bullish": False}
    assert classify(**fall, **down) == "Strong Sell"
    assert classify(**fall, **down, reversion_probability=0.71) == "Mean Reversion Buy"
    assert classify(**fall, **down | {"momentum_short": -threshold}) == "Weak Sell"


def test_missing_values() -> None:
    classifier = SignalClassifier()
    assert classifier.classify_signal(momentum_short=0.1, rsi=None, macd_pct=0.1) is None
    assert classifier.classify_signal(momentum_short=0.2, rsi=50, macd_pct=0.1) == "Buy"
    assert classifier.classify_state(momentum_1=0.0, momentum_short=float("nan"), volume_ratio=1.0) is None
    frame = pl.DataFrame({"momentum_1": [0.08, None], "momentum_short": [0.08, 0.08], "volume_ratio": 1.0})
    frame = frame.with_columns(bb_position=pl.lit(None, pl.Float64), rsi=pl.lit(None, pl.Float64))
    assert classifier.classify_state(frame).to_list() == ["BULL_PARABOLIC", None]


def test_wrong_inputs_are_named() -> None:
    classifier = SignalClassifier()
    with pytest.raises(ShapeError, match="momentum_long is missing"):
        classifier.classify_signal(pl.DataFrame({"momentum_short": [0.1]}))
    with pytest.raises(ParameterError, match="momentum = 0.1"):
        classifier.classify_signal(momentum=0.1)
    with pytest.raises(ParameterError, match="rsi = 'high'"):
        classifier.classify_signal(momentum_short=0.1, rsi="high", macd_pct=0.1)
    with pytest.raises(ParameterError, match="beside a frame"):
        classifier.classify_state(pl.DataFrame(), rsi=1.0)
    with pytest.raises(ShapeError, match="int"):
        classifier.classify_signal(3)
    with pytest.raises(ParameterError, match="stocks"):
        SignalClassifier(market="stocks")
    with pytest.raises(ParameterError, match="fortnight"):
        SignalClassifier(timeframe="fortnight")


def test_directions() -> None:
    sides = {label: direction(label) for label in LABELS["signal"]}
    assert [label for label, side in sides.items() if side == "Buy"] == [
        "Strong Buy",
        "Buy",
        "Weak Buy",
        "Mean Reversion Buy",
    ]
    assert [label for label, side in sides.items() if side == "Neutral"] == ["Neutral"]
    assert set(sides.values()) == set(LABELS["direction"])
    series = pl.Series("signal", [*sides, None])
    assert direction(series).to_list() == [*sides.values(), None]
    assert direction(None) is None
    with pytest.raises(ParameterError, match="Maybe"):
        direction("Maybe")
    with pytest.raises(ParameterError, match="Maybe"):
        direction(pl.Series(["Buy", "Maybe"]))


def test_registered_classifiers() -> None:
    def side(features: pl.DataFrame) -> pl.Series:
        return features.select(pl.when(pl.col("rsi") > 50).then(pl.lit("up")).otherwise(pl.lit("down"))).to_series()

    assert SignalClassifier.register("side", side) is side
    assert SignalClassifier.names() == ["signal", "signal_state", "legacy_label", "side"]
    labels = SignalClassifier().classify("side", pl.DataFrame({"rsi": [40.0, 60.0]}))
    assert labels.name == "side"
    assert labels.to_list() == ["down", "up"]
    SignalClassifier.register("short", lambda features: pl.Series(["one"]))
    with pytest.raises(ShapeError, match="'short'.*1 labels.*2"):
        SignalClassifier().classify("short", pl.DataFrame({"rsi": [40.0, 60.0]}))
    SignalClassifier.unregister("short")
    SignalClassifier.unregister("side")
    with pytest.raises(ParameterError, match="side"):
        SignalClassifier().classify("side", pl.DataFrame({"rsi": [1.0]}))
    with pytest.raises(ParameterError, match="side"):
        SignalClassifier.unregister("side")
    for name in ("signal", "rsi", "not a name"):
        with pytest.raises(ParameterError, match=name):
            SignalClassifier.register(name, side)


@pytest.fixture
def strength():
    def classify(features: pl.DataFrame) -> list[str | None]:
        return [None if v is None else "trend" if v > 25 else "range" for v in features["adx"]]

    SignalClassifier.register("strength", classify)
    yield
    SignalClassifier.unregister("strength")


def test_registered_classifier_for_scalar_frame_and_stream(strength: None, market: pl.DataFrame) -> None:
    bars = market.filter(pl.col("symbol") == "BTC/USD").head(260)
    classifier = SignalClassifier()
    table = mf.compute_features(bars)
    labels = classifier.classify("strength", table)
    assert {"trend", "range", None} == set(labels)
    assert [classifier.classify("strength", row) for row in table.tail(20).to_dicts()] == labels.tail(20).to_list()
    stream = mf.FeatureStream()
    streamed = [classifier.classify("strength", stream.update(bars[k : k + 1])).item() for k in range(bars.height)]
    assert streamed == labels.to_list()


def test_registered_classifier_is_a_column_of_scans(strength: None, market: pl.DataFrame) -> None:
    scan = mf.scan_bars(market)
    assert scan["strength"].to_list() == ["trend" if adx > 25 else "range" for adx in scan["adx"]]


def test_registered_classifier_fails_by_name() -> None:
    answers = {
        "boom": (lambda f: 1 / 0, mf.errors.UserCodeError, "classifier boom: raised ZeroDivisionError on 2 rows"),
        "column": (lambda f: f["adxx"], ShapeError, "adxx"),
        "numbers": (lambda f: pl.Series([1.0, 2.0]), ShapeError, "got Float64 values, expected labels"),
        "word": (lambda f: "trend", ShapeError, "got str, expected a series of 2"),
    }
    for name, (classify, error, message) in answers.items():
        SignalClassifier.register(name, classify)
        try:
            with pytest.raises(error, match=message):
                SignalClassifier().classify(name, pl.DataFrame({"adx": [1.0, 2.0]}))
        finally:
            SignalClassifier.unregister(name)
