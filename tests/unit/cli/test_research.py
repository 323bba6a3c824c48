"""`mirrorfast sweep` and `mirrorfast walk-forward` on the bundled market."""

import json
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main

SPAN = ["--symbols", "BTC/USD", "--to", "2017-08-31", "--strategy", "ut_bot"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).filter(pl.col("timestamp").dt.date() <= pl.date(2017, 8, 31))


def test_a_sweep_warns_of_itself_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", *SPAN, "--set", "ut_bot.atr_period=5,10", "--set", "risk.stop.atr_multiple=1:3:1"]
    assert main([*arguments, "--store", "s.sqlite", "--output", "all.csv"]) == 0
    out = capsys.readouterr().out
    for text in ("6 combinations", "deflated Sharpe ratio", "probability of overfitting", "flatters itself"):
        assert text in out
    assert pl.read_csv("all.csv").height == 6
    assert main([*arguments, "--store", "s.sqlite", "--json", "--top", "2"]) == 0
    said = json.loads(capsys.readouterr().out)
    found = mf.sweep(bars(), {"ut_bot.atr_period": [5, 10], "risk.stop.atr_multiple": [1, 2, 3]}, strategies=["ut_bot"])
    assert (said["combinations"], said["reused"]) == (6, 6)
    assert said["best"] == found.best()["params"]
    assert said["significance"]["deflated_sharpe"] == found.significance()["deflated_sharpe"]
    assert [row["sharpe"] for row in said["rows"]] == found.frame["sharpe"].sort(descending=True).head(2).to_list()


def test_a_random_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--set", "ut_bot.atr_period=3:60", "--set", "costs.spread=log:0.0001:0.01", "--set", "adapt=1"]
    assert main(["sweep", *SPAN, *arguments, "--search", "random", "--trials", "3"]) == 2
    assert "'adapt'" in capsys.readouterr().err
    assert main(["sweep", *SPAN, *arguments[:4], "--search", "random", "--trials", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["combinations"] == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "--set is missing"),
        (["--set", "ut_bot.atr_period"], "expected NAME=VALUES"),
        (["--set", "ut_bot.atr_period=a:b"], "expected numbers"),
        (["--set", "ut_bot.atr_period=5", "--output", "x.xlsx"], "x.xlsx"),
        (["--set", "ut_bot.atr_period=5", "--metric", "luck"], "metric = 'luck'"),
    ],
)
def test_bad_options_of_a_sweep_are_named(capsys, arguments: list[str], text: str) -> None:
    assert main(["sweep", *SPAN, *arguments]) == 2
    assert text in capsys.readouterr().err


def test_walk_forward(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["walk-forward", *SPAN, "--train", "600", "--test", "300", "--embargo", "24"]
    arguments += ["--set", "ut_bot.atr_period=5,20"]
    assert main([*arguments, "--output", "folds.parquet"]) == 0
    out = capsys.readouterr().out
    assert "out of sample" in out
    assert main([*arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    run = mf.walk_forward(
        bars(), train=600, test=300, embargo=24, space={"ut_bot.atr_period": [5, 20]}, strategies=["ut_bot"]
    )
    assert pl.read_parquet("folds.parquet").height == len(said["folds"]) == run.folds.height > 1
    assert said["out_of_sample"]["total_return"] == run.stats["total_return"]
    assert said["folds"][1]["ut_bot.atr_period"] == run.folds["ut_bot.atr_period"][1]


def test_walk_forward_needs_enough_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walk-forward", *SPAN, "--train", "6000", "--test", "300"]) == 2
    assert "expected at least 6300" in capsys.readouterr().err
