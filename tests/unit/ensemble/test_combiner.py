"""Combining tables of signals; the arithmetic of each method is tested in Rust."""

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ensemble import METHODS, fit_calibration, strategy_columns

NAMES = ("ut_bot", "mean_reversion", "momentum_breakout", "gradient_trend")


@pytest.fixture(scope="module")
def signals() -> pl.DataFrame:
    trainer = mf.StrategyTrainerAgent()
    for name in NAMES:
        trainer.register_strategy(name, name)
    table = mf.sample_bars().group_by("symbol", maintain_order=True).head(600)
    regimes = pl.Series(["trending", "ranging", "volatile", "normal", None])
    row = pl.int_range(table.height, eager=True)
    return trainer.evaluate(table).with_columns(market_regime=regimes.gather(row // 100 % 5))


def options(method: str) -> dict:
    if method == "stacked":
        return {"coefficients": dict.fromkeys(NAMES, 0.25), "intercept": 0.1}
    return {}


@pytest.mark.parametrize("method", METHODS)
def test_shape_and_meaning(method: str, signals: pl.DataFrame) -> None:
    out = mf.Ensemble(method, **options(method)).combine(signals)
    assert out.height == signals.height
    parts = [f"contribution_{name}" for name in NAMES]
    expected = ["symbol", "timestamp", "consensus", "confidence", "direction", "warm", "gate", *parts]
    assert out.columns == expected + (["dropped"] if method == "correlation" else [])
    cold = signals.select(pl.all_horizontal(pl.col(*NAMES).is_null())).to_series()
    assert out["consensus"].is_null().equals(cold)
    assert out["consensus"].drop_nulls().is_between(-1.0, 1.0).all()
    assert out["warm"].equals(
        signals.select(pl.sum_horizontal(pl.col(*NAMES).is_not_null()).cast(pl.UInt32)).to_series()
    )
    if method != "stacked":
        gap = out.select((pl.sum_horizontal(*parts) - pl.col("consensus")).abs().max()).item()
        assert gap < 1e-12
    direction = (
        pl.when(pl.col("consensus") > 0.5)
        .then(pl.lit("Buy"))
        .when(pl.col("consensus") < -0.5)
        .then(pl.lit("Sell"))
        .otherwise(pl.lit("Hold"))
    )
    assert out["direction"].equals(out.select(direction.alias("direction")).to_series())


@pytest.mark.parametrize("method", METHODS)
def test_the_future_changes_nothing_and_streams_agree(method: str, signals: pl.DataFrame) -> None:
    ensemble = mf.Ensemble(method, strategies=NAMES, **options(method))
    one = signals.filter(pl.col("symbol") == "BTC/USD")
    whole = ensemble.combine(signals).filter(pl.col("symbol") == "BTC/USD")
    assert ensemble.combine(one.head(400)).equals(whole.head(400))
    stream = ensemble.stream()
    closes = one["close"].to_list()
    for i, row in enumerate(one.iter_rows(named=True)):
        if i == 250:
            state = stream.snapshot()
            stream = ensemble.stream()
            stream.restore(state)
        if i:
            stream.observe(closes[i] / closes[i - 1] - 1.0)
        votes = {n: None if row[n] is None else (row[n], row[f"{n}_confidence"]) for n in NAMES}
        out = stream.combine(votes, regime=row["market_regime"])
        expected = whole.row(i, named=True)
        assert (out["consensus"], out["gate"]) == (expected["consensus"], expected["gate"])
        assert out["contributions"] == {n: expected[f"contribution_{n}"] for n in NAMES}


def test_learning_methods_say_so_when_they_have_nothing_to_learn_from() -> None:
    table = pl.DataFrame({"a": [1.0], "b": [0.0]})
    for method in ("dynamic", "bayesian", "correlation"):
        with pytest.raises(mf.DataError, match="close or return"):
            mf.Ensemble(method).combine(table)
    out = mf.Ensemble("dynamic").combine(table.with_columns(pl.lit(0.1).alias("return")))
    assert out["consensus"].to_list() == [0.5]


def test_twins_are_named_when_one_goes() -> None:
    flips = [1.0, -1.0] * 20
    closes = [100.0 + k for k in range(40)]
    table = pl.DataFrame({"close": closes, "a": flips, "b": flips, "c": [1.0, 1.0, -1.0, -1.0] * 10})
    out = mf.Ensemble("correlation", window=10).combine(table)
    assert out["dropped"].head(9).null_count() == 9
    assert out["dropped"][-1] == "b for a (1.00)"
    assert out["contribution_b"][-1] == 0.0


def test_columns_of_strategies() -> None:
    table = pl.DataFrame({"symbol": ["x"], "close": [1.0], "a": [1], "b": [None], "b_confidence": [0.5], "note": ["-"]})
    assert strategy_columns(table) == ["a", "b"]
    assert mf.Ensemble().combine(table)["warm"].to_list() == [1]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1.0, 2.0]}, "a = 2 at row 1: expected a signal from -1 to 1, or null"),
        ({"a": [1.0], "a_confidence": [1.5]}, "a_confidence = 1.5 at row 0"),
        ({"close": [1.0]}, "at least one column of signals"),
        ({"symbol": ["x", "y", "x"], "a": [1.0, 1.0, 1.0]}, "sorted by symbol"),
    ],
)
def test_bad_tables_are_refused(table: dict, message: str) -> None:
    with pytest.raises(mf.DataError, match=message):
        mf.Ensemble().combine(pl.DataFrame(table))


def test_bad_numbers_are_refused() -> None:
    table = pl.DataFrame({"a": [1.0], "b": [1.0], "close": [1.0]})
    for arguments, message in [
        ({"method": "median"}, "method = 'median'"),
        ({"method": "weighted", "half_life": 3}, "half_life = 3: expected one of no option"),
        ({"method": "dynamic", "speed": 3}, "expected one of half_life"),
    ]:
        with pytest.raises(mf.ParameterError, match=message):
            mf.Ensemble(**arguments)
    for arguments, message in [
        ({"min_agree": 3}, "ensemble.min_agree = 3"),
        ({"required": ["c"]}, 'ensemble.required = "c": expected a strategy of the ensemble: a, b'),
        ({"weights": {"a": -1.0}}, "ensemble.weights.a = -1"),
        ({"method": "dynamic", "half_life": 0.0}, "ensemble.dynamic.half_life = 0"),
        ({"method": "stacked"}, "ensemble.stacked.coefficients"),
        ({"method": "regime", "regime_weights": {"stormy": {"a": 1.0}}}, "stormy"),
        ({"calibration": {"a": [(0.5, 2.0)]}}, r"ensemble.calibration.a\[0\]"),
        ({"strategies": ["a", "z"]}, "a column z"),
    ]:
        with pytest.raises((mf.ParameterError, mf.DataError), match=message):
            mf.Ensemble(**arguments).combine(table)
    with pytest.raises(mf.ParameterError, match="market_regime = 'stormy'"):
        mf.Ensemble("regime").combine(table.with_columns(market_regime=pl.lit("stormy")))


def test_streams_know_their_strategies() -> None:
    stream = mf.Ensemble(required=["a"], weights={"b": 2.0}).stream(["a", "b"])
    out = stream.combine({"b": (1.0, 0.5)}, weights={"a": 0.3})
    assert (out["consensus"], out["gate"], out["warm"], out["direction"]) == (0.0, "required", 1, "Hold")
    assert stream.weights == {"a": 0.0, "b": 2.0}
    assert stream.dropped == []
    assert stream.combine({})["consensus"] is None
    with pytest.raises(mf.ParameterError, match="expected one of a, b"):
        stream.combine({"c": (1.0, 1.0)})
    with pytest.raises(mf.ParameterError, match="names of the strategies"):
        mf.Ensemble().stream()


def test_calibration_fits_what_it_is_then_used_for(signals: pl.DataFrame) -> None:
    knots = fit_calibration(signals.head(500), prior=20.0)
    assert set(knots) == set(NAMES)
    for curve in knots.values():
        assert all(0.0 <= value <= 1.0 for knot in curve for value in knot)
        assert [knot[1] for knot in curve] == sorted(knot[1] for knot in curve)
    out = mf.Ensemble(calibration=knots).combine(signals)
    plain = mf.Ensemble().combine(signals)
    assert out["confidence"].mean() < plain["confidence"].mean()
    with pytest.raises(mf.DataError, match="a column close"):
        fit_calibration(signals.drop("close"))
