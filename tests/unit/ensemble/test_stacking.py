"""Stacking: fits, folds, files, and the one formula of the position."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ensemble import OnnxStackedModel, StackedModel, fit_onnx_stacking, fit_stacking
from mirrorfast.ensemble.stacking import _position


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """`good` knows the side of the next return most of the time, `noise` nothing, `silent` has no opinion."""
    rng = np.random.default_rng(7)
    returns = rng.normal(0.0, 0.01, 2_000)
    close = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))[:2_000]
    good = np.where(rng.random(2_000) < 0.7, np.sign(returns), -np.sign(returns))
    noise = np.sign(rng.normal(size=2_000))
    return pl.DataFrame(
        {"close": close, "good": good, "noise": noise, "silent": pl.Series([None] * 2_000, dtype=pl.Float64)}
    )


@pytest.mark.parametrize("link", ["linear", "logistic"])
def test_finds_who_knows(link: str, table: pl.DataFrame) -> None:
    model = fit_stacking(table, link=link)
    good, noise, silent = model.coefficients
    assert good > 0.5
    assert abs(noise) < 0.1 * good
    assert silent == 0.0
    assert 0.65 < model.score["hit_rate"] < 0.75
    assert model.score["correlation"] > 0.25
    assert model.out_of_fold.len() == 2_000
    assert fit_stacking(table, link=link).coefficients == model.coefficients
    position = model.predict(table)
    assert position.abs().quantile(0.95) <= 1.0


def test_nothing_is_found_where_there_is_nothing(table: pl.DataFrame) -> None:
    model = fit_stacking(table.select("close", "noise"))
    assert abs(model.score["correlation"]) < 0.08


@pytest.mark.parametrize("link", ["linear", "logistic"])
def test_the_engine_makes_the_same_position(link: str, table: pl.DataFrame) -> None:
    model = StackedModel(("good", "noise"), (0.9, -0.4), intercept=0.1, link=link)
    score = 0.9 * table["good"].to_numpy() - 0.4 * table["noise"].to_numpy() + 0.1
    assert np.allclose(model.predict(table).to_numpy(), _position(score, link), atol=1e-12)


def test_folds_do_not_leak(table: pl.DataFrame) -> None:
    # A strategy that is right in the first half and wrong in the second: fitted on the rest, each half is misjudged.
    ahead = np.sign(table["close"].shift(-1).to_numpy() - table["close"].to_numpy())
    side = np.where(np.arange(2_000) < 1_000, ahead, -ahead)
    two_faced = table.select("close").with_columns(two_faced=pl.Series(np.nan_to_num(side)))
    assert fit_stacking(two_faced, folds=2).score["hit_rate"] == 0.0


def test_files(tmp_path: Path, table: pl.DataFrame) -> None:
    model = fit_stacking(table)
    back = StackedModel.load(model.save(tmp_path / "model.json"))
    assert back == model
    (tmp_path / "bad.json").write_text('{"strategies": ["a"]}')
    for name in ("bad.json", "none.json"):
        with pytest.raises(mf.errors.ModelError, match="written by StackedModel.save"):
            StackedModel.load(tmp_path / name)


def test_linear_estimators_are_welcome(table: pl.DataFrame) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    model = fit_stacking(table, estimator=linear_model.Ridge(alpha=1.0))
    assert model.coefficients[0] > 0.5
    model = fit_stacking(table, link="logistic", estimator=linear_model.LogisticRegression())
    assert model.score["hit_rate"] > 0.65
    tree = pytest.importorskip("sklearn.tree").DecisionTreeRegressor()
    with pytest.raises(mf.ParameterError, match="a linear one"):
        fit_stacking(table, estimator=tree)


def test_refusals(table: pl.DataFrame) -> None:
    for arguments, message in [
        ({"folds": 1}, "folds = 1"),
        ({"horizon": 0}, "horizon = 0"),
        ({"link": "cubic"}, "link = 'cubic'"),
        ({"penalty": float("nan")}, "penalty = nan"),
    ]:
        with pytest.raises(mf.ParameterError, match=message):
            fit_stacking(table, **arguments)
    with pytest.raises(mf.DataError, match="expected close"):
        fit_stacking(table.drop("close"))
    with pytest.raises(mf.DataError, match="expected more"):
        fit_stacking(table.head(40))
    with pytest.raises(mf.ParameterError, match="expected method 'stacked'"):
        mf.Ensemble("weighted", model=fit_stacking(table))


@pytest.mark.parametrize("kind", ["GradientBoostingRegressor", "GradientBoostingClassifier"])
def test_any_estimator_as_a_graph(kind: str, table: pl.DataFrame, tmp_path: Path) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    estimator = getattr(ensemble, kind)(n_estimators=20, random_state=0)
    model = fit_onnx_stacking(table, estimator)
    assert model.strategies == ("good", "noise", "silent")
    assert 0.65 < model.score["hit_rate"] < 0.75
    assert model.out_of_fold.len() == 2_000
    back = OnnxStackedModel.load(model.save(tmp_path / "stack.onnx"))
    assert back.score == model.score
    assert back.predict(table).equals(model.predict(table))
    out = mf.Ensemble("stacked", model=model).combine(table)
    assert out["consensus"].equals(model.predict(table).alias("consensus"))
    assert (out["contribution_good"].abs().mean() or 0.0) > 5 * (out["contribution_noise"].abs().mean() or 0.0)
    assert out["contribution_silent"].abs().max() == 0.0
    # The graph gives what the estimator gives, in single precision.
    again = estimator.fit(x := _inputs(table), _labels(table, kind))
    raw = again.predict_proba(x)[:, 1] * 2.0 - 1.0 if kind.endswith("Classifier") else again.predict(x)
    expected = np.clip(raw / np.quantile(np.abs(raw[:-1]), 0.95), -1.0, 1.0)
    assert np.abs(out["consensus"].to_numpy() - expected).max() < 0.02


def _inputs(table: pl.DataFrame) -> np.ndarray:
    return table.select("good", "noise", pl.lit(0.0).alias("silent")).to_numpy()


def _labels(table: pl.DataFrame, kind: str) -> np.ndarray:
    ahead = (table["close"].shift(-1) / table["close"] - 1.0).to_numpy()
    y = np.nan_to_num(ahead / np.nanstd(ahead))
    return (y > 0.0).astype(int) if kind.endswith("Classifier") else y


def test_a_graph_as_a_strategy(table: pl.DataFrame, market: pl.DataFrame) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    trainer = mf.StrategyTrainerAgent()
    for name in ("ut_bot", "mean_reversion"):
        trainer.register_strategy(name, name)
    bars = market.filter(pl.col("symbol") == "BTC/USD").head(1_000)
    past = trainer.evaluate(bars)
    model = fit_onnx_stacking(past, ensemble.RandomForestRegressor(n_estimators=5, max_depth=2, random_state=0))
    agent = model.agent()
    assert agent.evaluate(bars).equals(model.predict(past))
    assert agent.votes(bars)["signal"].null_count() == 10
    ensemble_ = mf.Ensemble("stacked", model=model)
    for use in (lambda: ensemble_.config, lambda: ensemble_.stream(["ut_bot", "mean_reversion"])):
        with pytest.raises(mf.ParameterError, match="over tables alone"):
            use()
    with pytest.raises(mf.DataError, match="a column mean_reversion"):
        model.combine(past.drop("mean_reversion"))


def test_strange_graphs_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"nonsense"):
        (tmp_path / "x.onnx").write_bytes(content)
        with pytest.raises(mf.errors.ModelError):
            OnnxStackedModel.load(tmp_path / "x.onnx")
    with pytest.raises(mf.errors.ModelError, match="No such file"):
        OnnxStackedModel.load(tmp_path / "none.onnx")
