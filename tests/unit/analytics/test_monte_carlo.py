"""Resampled trades: exact where they can be, and against the moments they must have."""

import itertools
import math

import numpy as np
import polars as pl
import pytest

from mirrorfast.analytics.monte_carlo import monte_carlo
from mirrorfast.errors import DataError, ParameterError


def trades(values) -> pl.DataFrame:
    return pl.DataFrame({"pnl_fraction": values}, schema={"pnl_fraction": pl.Float64})


def test_a_shuffle_ends_where_the_run_did() -> None:
    fractions = np.random.default_rng(1).normal(0.001, 0.02, 200)
    drawn = monte_carlo(trades(fractions), capital=1000.0, method="shuffle", paths=300)
    assert drawn.final_equity == pytest.approx(1000.0 * np.prod(1 + fractions), rel=1e-12)
    assert np.ptp(drawn.max_drawdown) > 0.01


def test_drawdown_of_every_order_of_two_trades() -> None:
    drawn = monte_carlo(trades([0.10, -0.20]), capital=100.0, method="shuffle", paths=200)
    # Up then down falls 20 % from the peak; down then up is 20 % below its start: the same.
    assert drawn.max_drawdown == pytest.approx(-0.2, abs=1e-12)


def test_bootstrap_has_the_moments_of_its_trades() -> None:
    fractions = np.random.default_rng(2).normal(0.0, 0.01, 100)
    drawn = monte_carlo(trades(fractions), capital=1.0, paths=20_000, seed=3)
    logs = np.log(drawn.final_equity)
    each = np.log1p(fractions)
    assert logs.mean() == pytest.approx(100 * each.mean(), abs=4 * each.std() * 10 / math.sqrt(20_000))
    assert logs.std() == pytest.approx(10 * each.std(), rel=0.03)


def test_blocks_keep_streaks() -> None:
    # Ten wins, then ten losses: whole blocks of ten fall as deep as ten losses in a row, single draws hardly ever do.
    fractions = trades([0.01] * 10 + [-0.01] * 10)
    blocks = monte_carlo(fractions, capital=1.0, method="block", block=10, paths=2000)
    single = monte_carlo(fractions, capital=1.0, paths=2000)
    assert np.median(blocks.max_drawdown) < np.median(single.max_drawdown)


def test_ruin_is_counted_on_the_way() -> None:
    # Half is lost once for sure, and won back: ruin at any trade, whatever the end.
    drawn = monte_carlo(trades([-0.5, 1.0]), capital=100.0, method="shuffle", paths=400, seed=4)
    assert drawn.final_equity == pytest.approx(100.0)
    assert drawn.ruin_probability == pytest.approx(0.5, abs=0.1)
    assert monte_carlo(trades([-1.5]), capital=1.0, paths=10).final_equity.tolist() == [0.0] * 10


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, two, other = (
        monte_carlo(trades([0.01, -0.02, 0.03]), capital=1.0, paths=50, method="block", seed=s) for s in (5, 5, 6)
    )
    assert one.final_equity.tolist() == two.final_equity.tolist() != other.final_equity.tolist()


def test_the_cone_is_ordered_and_ends_at_the_quantiles() -> None:
    drawn = monte_carlo(trades(np.random.default_rng(7).normal(0.001, 0.02, 500)), capital=10.0, paths=500)
    columns = [drawn.cone[c].to_numpy() for c in ("p5", "p25", "p50", "p75", "p95")]
    assert all((a <= b).all() for a, b in itertools.pairwise(columns))
    assert drawn.cone["trade"][-1] == 500
    assert drawn.cone.height <= 201
    assert [c[-1] for c in columns] == pytest.approx(drawn.quantiles()["final_equity"].to_list())
    assert all(c[0] == 10.0 for c in columns)


@pytest.mark.parametrize("method", ["bootstrap", "shuffle", "block"])
def test_no_trade_is_the_capital(method: str) -> None:
    drawn = monte_carlo(trades([]), capital=5.0, method=method, paths=3)
    assert drawn.final_equity.tolist() == [5.0] * 3
    assert drawn.max_drawdown.tolist() == [0.0] * 3
    assert "0 trades" in str(drawn)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"paths": 0}, ParameterError, "paths = 0"),
        ({"capital": 0.0}, ParameterError, "capital"),
        ({"ruin": 1.5}, ParameterError, "ruin"),
        ({"method": "magic"}, ParameterError, "magic"),
        ({"block": 3}, ParameterError, "block = 3"),
        ({"trades": {"pnl": [1.0]}}, DataError, "pnl_fraction"),
        ({"trades": {"pnl_fraction": [0.1, None]}}, DataError, "row 1"),
    ],
)
def test_bad_input_is_named(options, error, text) -> None:
    with pytest.raises(error, match=text):
        monte_carlo(options.pop("trades", {"pnl_fraction": [0.1]}), **({"capital": 1.0} | options))
