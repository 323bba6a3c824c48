"""Sweeps: the frame, the store, the searches, and what is said of the best run."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.backtest import many
from mirrorfast.backtest.space import Range, Space
from mirrorfast.errors import ConfigurationError, DataError, LedgerError, ParameterError

SPACE = {"ut_bot.atr_period": [5, 10], "risk.stop.atr_multiple": [2.0, 3.0]}


@pytest.fixture(scope="module")
def found(bars: pl.DataFrame) -> mf.SweepResult:
    return mf.sweep(bars, SPACE, strategies=["ut_bot"], ensemble="majority")


def test_rows_are_plain_backtests(bars: pl.DataFrame, found: mf.SweepResult) -> None:
    assert found.frame["trial"].to_list() == [1, 2, 3, 4]
    for row in found.frame.iter_rows(named=True):
        plain = mf.backtest(
            bars,
            strategies=[{"name": "ut_bot", "params": {"atr_period": row["ut_bot.atr_period"]}}],
            ensemble="majority",
            risk={"stop": {"atr_multiple": row["risk.stop.atr_multiple"]}},
        )
        assert row["trades"] == plain.trades.height > 5
        assert row["final_equity"] == plain.final_equity
        for name in ("sharpe", "max_drawdown", "calmar", "turnover"):
            assert row[name] == pytest.approx(plain.stats[name], rel=1e-12)


def test_best_and_its_configuration(bars: pl.DataFrame, found: mf.SweepResult) -> None:
    best = found.best()
    assert best["sharpe"] == found.frame["sharpe"].max()
    assert mf.backtest(bars, config=found.config()).final_equity == best["final_equity"]
    assert found.best("turnover")["turnover"] == found.frame["turnover"].min()
    assert found.best("max_drawdown")["max_drawdown"] == found.frame["max_drawdown"].max()
    with pytest.raises(ParameterError, match="metric = 'sharp'"):
        found.best("sharp")
    with pytest.raises(ParameterError, match="metric"):
        found.best("ut_bot.atr_period")


def test_heatmap(found: mf.SweepResult) -> None:
    table = found.heatmap("ut_bot.atr_period", "risk.stop.atr_multiple")
    assert table.columns == ["risk.stop.atr_multiple", "5", "10"]
    assert table["risk.stop.atr_multiple"].to_list() == [2.0, 3.0]
    cell = found.frame.filter((pl.col("ut_bot.atr_period") == 10) & (pl.col("risk.stop.atr_multiple") == 2.0))
    assert table["10"][0] == cell["sharpe"][0]
    with pytest.raises(ParameterError, match="another parameter"):
        found.heatmap("ut_bot.atr_period", "ut_bot.atr_period")
    with pytest.raises(ParameterError, match=r"x = 'a'"):
        found.heatmap("a", "ut_bot.atr_period")


def test_what_is_said_of_the_best_run(bars: pl.DataFrame, found: mf.SweepResult) -> None:
    said = found.significance()
    curve = mf.backtest(bars, config=found.config()).equity
    bar = found.frame["sharpe"] / found.frame["periods_per_year"].sqrt()
    core = mf.performance(curve, trial_sharpes=bar.to_list())
    assert said["deflated_sharpe"] == pytest.approx(core["deflated_sharpe"], rel=1e-9)
    assert said["probabilistic_sharpe"] == pytest.approx(core["probabilistic_sharpe"], rel=1e-12)
    returns = np.column_stack(
        [
            mf.backtest(bars, config=found.space.apply(dict(zip(SPACE, values, strict=True))))
            .equity.select(pl.col("equity").pct_change().drop_nulls())["equity"]
            .to_numpy()
            for values in found.frame.select(*SPACE).iter_rows()
        ]
    )
    from mirrorfast.analytics.overfitting import probability_of_overfitting

    assert said["probability_of_overfitting"] == probability_of_overfitting(returns).probability
    for text in ("deflated Sharpe", "probability of overfitting", "flatters itself", "4 combinations"):
        assert text in str(found)


def test_any_number_of_jobs_gives_the_same(bars: pl.DataFrame, found: mf.SweepResult) -> None:
    again = mf.sweep(bars, SPACE, strategies=["ut_bot"], ensemble="majority", jobs=2)
    assert again.frame.equals(found.frame)


def test_random_search_is_seeded_and_continues(bars: pl.DataFrame) -> None:
    space = {"ut_bot.atr_period": Range(3, 40), "costs.spread": Range(1e-5, 1e-3, log=True)}
    frames = [
        mf.sweep(bars, space, search="random", trials=n, seed=s, strategies=["ut_bot"]).frame
        for n, s in ((3, 1), (5, 1), (3, 2))
    ]
    assert frames[0].equals(frames[1].head(3))
    assert not frames[0].equals(frames[2])
    assert frames[1]["costs.spread"].is_between(1e-5, 1e-3).all()


def test_random_search_ends_with_its_space(bars: pl.DataFrame) -> None:
    space = Space({"ut_bot.atr_period": [5, 10, 20]}, mf.TradingConfig())
    drawn = [values["ut_bot.atr_period"] for values in space.random(50, seed=3)]
    assert sorted(drawn) == [5, 10, 20]


def test_guided_search(bars: pl.DataFrame) -> None:
    pytest.importorskip("optuna")
    space = {
        "ut_bot.atr_period": Range(3, 40),
        "ut_bot.sensitivity": Range(0.5, 4.0),
        "ensemble.method": ["majority", "weighted"],
    }
    one, two = (mf.sweep(bars, space, search="optuna", trials=6, seed=4, strategies=["ut_bot"]) for _ in range(2))
    assert one.frame.equals(two.frame)
    assert one.frame.height == 6
    assert one.frame["error"].null_count() == 6


@pytest.mark.parametrize(("name", "options"), [("optuna", {"search": "optuna", "trials": 2}), ("joblib", {"jobs": 2})])
def test_a_missing_extra_is_named(bars, monkeypatch: pytest.MonkeyPatch, name: str, options: dict) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr(many._core, "run_sweep", raising=False)
    with pytest.raises(ConfigurationError, match=rf"needs {name}: pip install 'mirrorfast\[research\]'"):
        mf.sweep(bars, SPACE, strategies=["ut_bot"], **options)


def test_combinations_that_cannot_run_are_rows(bars: pl.DataFrame) -> None:
    space = {"ut_bot.atr_period": [10, 5000], "risk.drawdown.half": [0.1, 0.9]}
    found = mf.sweep(bars, space, strategies=["ut_bot"])
    # 0.9 is above the next rung of the ladder, and 5000 bars of warm-up are more than there are.
    assert found.frame["error"].null_count() == 1
    assert "expected at least 500" in found.frame["error"][2]
    assert found.best()["trial"] == 1
    assert "3 could not be run" in str(found)
    with pytest.raises(ParameterError, match="none of 1 combinations could be run"):
        mf.sweep(bars, {"ut_bot.atr_period": [5000]}, strategies=["ut_bot"])


def test_an_undefined_figure_has_no_best(bars: pl.DataFrame) -> None:
    flat = bars.with_columns(pl.lit(100.0).alias(c) for c in ("open", "high", "low", "close"))
    found = mf.sweep(flat, {"ut_bot.atr_period": [5, 10]}, strategies=["ut_bot"])
    with pytest.raises(DataError, match="sharpe"):
        found.best()


@pytest.mark.parametrize(
    ("space", "text"),
    [
        ({}, "at least one parameter"),
        ({"ut_bot.period": [1]}, "ut_bot has"),
        ({"vbsr.period": [1]}, "expected <part>"),
        ({"risk.stop.size": [1]}, "no 'size' there"),
        ({"risk.max_heat.x": [1]}, "no 'x' there"),
        ({"ut_bot.atr_period": 5}, "a list of values or a Range"),
        ({"ut_bot.atr_period": []}, "at least one value"),
        ({"ut_bot.sensitivity": Range(1.0, 2.0)}, "a step, which a grid needs"),
    ],
)
def test_bad_spaces_are_named(bars: pl.DataFrame, space: dict, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        mf.sweep(bars, space, strategies=["ut_bot"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"search": "magic"}, "search = 'magic'"),
        ({"search": "random"}, "trials is missing"),
        ({"trials": 0}, "trials = 0"),
        ({"jobs": 0}, "jobs = 0"),
        ({"metric": "sharp"}, "metric = 'sharp'"),
    ],
)
def test_bad_options_are_named(bars: pl.DataFrame, options: dict, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        mf.sweep(bars, SPACE, strategies=["ut_bot"], **options)


@pytest.mark.parametrize(
    "arguments", [(2.0, 1.0), (0.0, math.inf), (0.0, 1.0, -1.0), (0.0, 1.0, None, True), (1.0, 2.0, 0.1, True)]
)
def test_bad_ranges_are_named(arguments: tuple) -> None:
    with pytest.raises(ParameterError, match="Range"):
        Range(*arguments)


def test_ranges_keep_their_last_value() -> None:
    assert Range(0.1, 0.3, step=0.1).values() == [0.1, 0.2, 0.3]
    assert Range(1, 10, step=3).values() == [1, 4, 7, 10]
    assert all(type(v) is int for v in Range(1, 3).values())


def test_a_store_is_read_and_added_to(bars: pl.DataFrame, tmp_path: Path, found: mf.SweepResult) -> None:
    file = tmp_path / "new" / "results.sqlite"
    options = {"strategies": ["ut_bot"], "ensemble": "majority", "store": file}
    first = mf.sweep(bars, SPACE | {"ut_bot.atr_period": [5]}, **options)
    assert first.reused == 0
    second = mf.sweep(bars, SPACE, **options)
    assert second.reused == 2
    assert second.frame.equals(found.frame)
    assert second.overfitting.probability == found.overfitting.probability
    # Other bars, or another configuration, are another question.
    assert mf.sweep(bars.head(1400), SPACE, **options).reused == 0
    assert mf.sweep(bars, SPACE, **options, costs={"taker_fee": 0.002}).reused == 0


def test_a_file_that_is_no_store_is_left_alone(bars: pl.DataFrame, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, and longer than the header of one" * 50)
    for path in (other, text):
        with pytest.raises(LedgerError, match=path.name):
            mf.sweep(bars, SPACE, strategies=["ut_bot"], store=path)
    db.close()
    assert other.read_bytes()[100:] == before[100:]


def test_a_killed_sweep_goes_on(bars: pl.DataFrame, tmp_path: Path) -> None:
    store, data = tmp_path / "sweep.sqlite", tmp_path / "bars.parquet"
    bars.write_parquet(data)
    code = (
        "import mirrorfast as mf, polars as pl, sys\n"
        "space = {'ut_bot.atr_period': mf.Range(3, 400), 'ut_bot.sensitivity': [1.0, 2.0, 3.0]}\n"
        "mf.sweep(pl.read_parquet(sys.argv[1]), space, strategies=['ut_bot'], store=sys.argv[2])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, data, store], env=dict(os.environ))

    def known() -> int:
        if not store.exists():
            return 0
        with sqlite3.connect(store, timeout=30) as db:
            there = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'results'").fetchone()[0]
            return db.execute("SELECT count(*) FROM results").fetchone()[0] if there else 0

    deadline = time.monotonic() + 120
    while known() < 12 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = known()
    assert 12 <= kept < 1000
    space = {"ut_bot.atr_period": Range(3, 10), "ut_bot.sensitivity": [1.0, 2.0, 3.0]}
    again = mf.sweep(bars, space, strategies=["ut_bot"], store=store)
    assert again.reused == min(kept, 24)
    assert again.frame.equals(mf.sweep(bars, space, strategies=["ut_bot"]).frame)


class _Core:
    """A core with a sweep: what the fast path is to give back, made from single runs."""

    def __init__(self, core) -> None:
        self._core, self.calls = core, []

    def __getattr__(self, name: str):
        return getattr(self._core, name)

    def run_sweep(self, table, configs, *, threads, equity):
        self.calls.append((len(configs), threads, equity))
        rows = []
        for config in configs:
            result = many.execute(table, mf.TradingConfig(), config)
            rows.append(
                result.stats | {"final_equity": result.final_equity, "equity": result.equity["equity"].to_list()}
            )
        return pl.DataFrame(rows)


def test_the_cores_sweep_is_used_where_there_is_one(bars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(many._core, "run_sweep", raising=False)
    slow = mf.sweep(bars, SPACE, strategies=["ut_bot"])
    core = _Core(many._core)
    monkeypatch.setattr(many, "_core", core)
    fast = mf.sweep(bars, SPACE, strategies=["ut_bot"], jobs=2)
    assert core.calls == [(4, 2, True)]
    assert fast.frame.equals(slow.frame)
    assert fast.overfitting.probability == slow.overfitting.probability


class AboveMean:
    """A strategy of one's own, with a parameter."""

    name = "above_mean"
    lookback = 60

    def __init__(self, period: int = 20) -> None:
        self.period = int(period)

    def evaluate(self, df: pl.DataFrame) -> pl.Series:
        mean = df["close"].rolling_mean(self.period)
        return (df["close"] > mean).cast(pl.Float64) * 2 - 1


def test_a_strategy_of_ones_own_is_searched(bars: pl.DataFrame, tmp_path: Path) -> None:
    space = {"above_mean.period": [10, 50], "above_mean.weight": [0.5]}
    options = {"strategies": [AboveMean], "ensemble": "majority", "store": tmp_path / "own.sqlite"}
    found = mf.sweep(bars, space, **options)
    assert found.frame["error"].null_count() == 2
    for row, period in zip(found.frame.iter_rows(named=True), (10, 50), strict=True):
        plain = mf.backtest(bars, strategies=[AboveMean(period)], ensemble="majority")
        assert row["final_equity"] == plain.final_equity
        assert row["trades"] > 5
    assert found.frame["final_equity"].n_unique() == 2
    assert mf.sweep(bars, space, **options).reused == 2
    # Two objects of one class are two strategies, in the store too.
    only = {"risk.max_heat": [0.05]}
    made = [mf.sweep(bars, only, **(options | {"strategies": [AboveMean(n)]})) for n in (10, 50, 10)]
    assert [m.reused for m in made] == [0, 0, 1]
    assert made[0].frame["final_equity"][0] != made[1].frame["final_equity"][0]
    with pytest.raises(ParameterError, match="expected its class"):
        mf.sweep(bars, {"above_mean.period": [1]}, strategies=[AboveMean(10)])
