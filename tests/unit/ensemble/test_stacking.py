"""Stacking: fits, folds, files, and the one formula of the position."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ensemble import StackedModel, fit_stacking
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
