"""Walk-forward: folds, no leakage either way, and a joined curve that adds up."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.backtest.walk import folds_of
from mirrorfast.errors import DataError, ParameterError

SPACE = {"ut_bot.atr_period": [3, 10, 30]}


def windows(n: int, **options) -> list[tuple[int, int, int, int]]:
    return [(f.train_start, f.train_end, f.test_start, f.test_end) for f in folds_of(n, **options)]


def test_rolling_and_anchored_windows() -> None:
    assert windows(20, train=6, test=4, embargo=2) == [(0, 6, 8, 12), (4, 10, 12, 16), (8, 14, 16, 20)]
    assert windows(20, train=6, test=4, embargo=2, anchored=True) == [(0, 6, 8, 12), (0, 10, 12, 16), (0, 14, 16, 20)]
    assert windows(20, train=6, test=4, step=7) == [(0, 6, 6, 10), (7, 13, 13, 17)]


@pytest.mark.parametrize("anchored", [False, True])
@pytest.mark.parametrize(("train", "test", "step", "embargo"), [(5, 3, 3, 0), (7, 2, 4, 3), (2, 2, 2, 1)])
def test_windows_never_overlap(anchored: bool, train: int, test: int, step: int, embargo: int) -> None:
    folds = folds_of(60, train=train, test=test, step=step, embargo=embargo, anchored=anchored)
    assert len(folds) > 2
    for fold in folds:
        assert fold.train_end + embargo == fold.test_start
        assert fold.test_end - fold.test_start == test
    assert all(a.test_end <= b.test_start for a, b in itertools.pairwise(folds))
    assert folds[-1].test_end + step > 60


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"train": 1}, ParameterError, "train = 1"),
        ({"test": 0}, ParameterError, "test = 0"),
        ({"embargo": -1}, ParameterError, "embargo = -1"),
        ({"step": 3}, ParameterError, "step = 3.*overlap"),
        ({"train": 50}, DataError, "expected at least 54"),
    ],
)
def test_bad_windows_are_named(options, error, text) -> None:
    with pytest.raises(error, match=text):
        folds_of(50, **({"train": 10, "test": 4} | options))


def test_a_test_equals_a_plain_backtest_of_its_bars(bars: pl.DataFrame) -> None:
    # One strategy, whose votes begin exactly with the test: only the warm-up keeps a plain backtest from trading.
    warm_up = 29
    run = mf.walk_forward(
        bars,
        train=700,
        test=300,
        embargo=50,
        warm_up=warm_up,
        strategies=[{"name": "ut_bot", "params": {"atr_period": 30}}],
    )
    assert run.folds.height == 2
    for result, row in zip(run.results, run.folds.iter_rows(named=True), strict=True):
        start = bars["timestamp"].to_list().index(row["test_start"])
        plain = mf.backtest(bars.slice(start - warm_up, warm_up + 300), config=result.config)
        late = plain.equity.filter(pl.col("timestamp") >= row["test_start"])
        assert result.trades.height > 10
        assert result.equity.equals(late)
        for name in ("trades", "fills", "orders"):
            assert getattr(result, name).equals(getattr(plain, name)), name


def test_a_test_equals_a_backtest_told_when_to_begin(two: pl.DataFrame) -> None:
    run = mf.walk_forward(two, train=900, test=500, embargo=24, warm_up=100)
    first = run.folds["test_start"][0]
    end = run.folds["test_end"][0]
    earlier = two.filter(pl.col("timestamp") < first).group_by("symbol", maintain_order=True).tail(100)
    window = pl.concat([earlier, two.filter(pl.col("timestamp").is_between(first, end))]).sort("symbol", "timestamp")
    plain = mf.backtest(window, trade_from=first)
    assert plain.orders.height > 50
    assert plain.orders["timestamp"].min() > first
    assert run.results[0].orders.equals(plain.orders)
    assert run.results[0].trades.equals(plain.trades)
    # While it waits the account does not move.
    assert set(plain.equity.filter(pl.col("timestamp") <= first)["equity"]) == {10_000.0}


def test_nothing_of_a_test_reaches_its_choice_or_the_folds_before(bars: pl.DataFrame) -> None:
    options = {"train": 500, "test": 200, "embargo": 30, "space": SPACE, "strategies": ["ut_bot"]}
    whole = mf.walk_forward(bars, **options)
    # Another market from the second test on: everything before it, and its choice, stay.
    at = whole.folds["test_start"][1]
    late = pl.col("timestamp") >= at
    prices = [
        pl.when(late).then(pl.col(c) * 3.0).otherwise(pl.col(c)).alias(c) for c in ("open", "high", "low", "close")
    ]
    other = mf.walk_forward(bars.with_columns(prices), **options)
    same = [c for c in whole.folds.columns if not c.startswith("out_")]
    assert whole.folds.head(1).equals(other.folds.head(1))
    assert whole.folds.head(2).select(same).equals(other.folds.head(2).select(same))
    assert whole.results[0].equity.equals(other.results[0].equity)


def test_the_embargo_reaches_neither_choice_nor_trades(bars: pl.DataFrame) -> None:
    options = {"train": 500, "test": 300, "embargo": 200, "warm_up": 60, "space": SPACE, "strategies": ["ut_bot"]}
    whole = mf.walk_forward(bars, **options)
    # The part of the embargo that does not warm the test up may be anything.
    start, end = whole.folds["train_end"][0], whole.folds["test_start"][0] - timedelta(hours=61)
    inside = pl.col("timestamp").is_between(start, end, closed="right")
    assert bars.filter(inside).height > 100
    prices = [
        pl.when(inside).then(pl.col(c) * 2.0).otherwise(pl.col(c)).alias(c) for c in ("open", "high", "low", "close")
    ]
    other = mf.walk_forward(bars.with_columns(prices), **options)
    assert whole.folds.head(1).equals(other.folds.head(1))
    assert whole.results[0].fills.equals(other.results[0].fills)


def test_the_choice_is_the_best_of_the_training_window(bars: pl.DataFrame) -> None:
    run = mf.walk_forward(bars, train=500, test=300, space=SPACE, strategies=["ut_bot"], metric="total_return")
    row = run.folds.row(1, named=True)
    window = bars.filter(pl.col("timestamp").is_between(row["train_start"], row["train_end"]))
    figures = {
        n: mf.backtest(window, strategies=[{"name": "ut_bot", "params": {"atr_period": n}}]).stats["total_return"]
        for n in SPACE["ut_bot.atr_period"]
    }
    assert row["ut_bot.atr_period"] == max(figures, key=figures.get)
    assert row["in_total_return"] == max(figures.values())


def test_the_joined_curve_adds_up(bars: pl.DataFrame) -> None:
    run = mf.walk_forward(bars, train=500, test=250, strategies=["ut_bot"])
    gains = [r.final_equity / 10_000.0 for r in run.results]
    assert run.equity["equity"][-1] == pytest.approx(10_000.0 * math.prod(gains), rel=1e-12)
    assert run.stats["total_return"] == pytest.approx(math.prod(gains) - 1.0, rel=1e-9)
    assert run.trades.height == sum(r.trades.height for r in run.results)
    assert run.equity["timestamp"].is_sorted()
    assert run.equity["timestamp"].n_unique() == run.equity.height == 250 * run.folds.height
    mean = sum(run.folds["in_sharpe"]) / run.folds.height
    assert run.in_sample["sharpe"] == pytest.approx(mean)
    lost = run.degradation()
    assert math.isnan(lost) if mean <= 0 else lost == pytest.approx(1 - run.stats["sharpe"] / mean)
    assert "out of sample" in str(run)


def test_a_symbol_that_starts_late_joins_later(two: pl.DataFrame) -> None:
    late = pl.datetime(2017, 9, 10, time_zone="UTC")
    some = two.filter((pl.col("symbol") == "BTC/USD") | (pl.col("timestamp") > late))
    run = mf.walk_forward(some, train=800, test=400, strategies=["ut_bot"])
    assert run.results[0].bars["symbol"].unique().to_list() == ["BTC/USD"]
    assert set(run.results[-1].bars["symbol"]) == {"BTC/USD", "EUR/USD"}


def test_bad_options_are_named(bars: pl.DataFrame) -> None:
    with pytest.raises(ParameterError, match="metric = 'sharp'"):
        mf.walk_forward(bars, train=500, test=200, metric="sharp", strategies=["ut_bot"])
    with pytest.raises(ParameterError, match="warm_up = -1"):
        mf.walk_forward(bars, train=500, test=200, warm_up=-1, strategies=["ut_bot"])
    with pytest.raises(DataError, match="fold 1.*warm-up"):
        mf.walk_forward(bars, train=4, test=200, strategies=["ut_bot"])
    with pytest.raises(ParameterError, match="metric = 'sharp'"):
        mf.walk_forward(bars, train=500, test=200, strategies=["ut_bot"]).degradation("sharp")


def test_a_backtest_may_begin_after_the_last_bar(bars: pl.DataFrame) -> None:
    idle = mf.backtest(bars, strategies=["ut_bot"], trade_from=datetime(2030, 1, 1, tzinfo=UTC))
    assert idle.orders.height == 0
    assert idle.final_equity == 10_000.0
