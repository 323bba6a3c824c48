"""Orders and fills of some twenty backtests are the recorded ones: a change of behaviour is seen and explained."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from mirrorfast import _core

ROOT = Path(__file__).parents[2]


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("order_streams", ROOT / "scripts" / "order_streams.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


STREAMS = _script()
RUNS = STREAMS.runs()
RECORDED = STREAMS.recorded()


@pytest.mark.parametrize("name", RUNS)
def test_orders_and_fills_are_the_recorded_ones(name: str) -> None:
    needs_data, run = RUNS[name]
    if needs_data and not STREAMS.DATA.is_dir():
        pytest.skip(f"no market data in {STREAMS.DATA} (set MIRRORFAST_SHARED)")
    if name not in RECORDED:
        pytest.skip(f"{name} is not recorded yet: run python scripts/order_streams.py --write")
    now = STREAMS.stream(run())
    assert now == RECORDED[name], (
        f"the orders of {name!r} have changed. If that is meant, say in CHANGELOG.md what changed and why, then run "
        "python scripts/order_streams.py --write; otherwise find the change that did it"
    )


def test_enough_is_recorded() -> None:
    assert len(RECORDED) >= 20
    assert set(RECORDED) <= set(RUNS)
    assert all(r["orders"] > 20 and r["fills"] > 20 and len(r["sha256"]) == 64 for r in RECORDED.values())
    assert len({r["sha256"] for r in RECORDED.values()}) == len(RECORDED)
    catalogue = {row["name"] for row in _core.strategy_catalogue()}
    alone = {name.split(", ")[1] for name in RECORDED if name.count(", ") == 1}
    assert len(catalogue & alone) >= 11


def test_one_changed_order_is_seen() -> None:
    import polars as pl

    import mirrorfast as mf

    result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(1000), strategies=["ut_bot"])
    before = STREAMS.stream(result)
    moved = result.orders.with_columns(
        quantity=pl.when(pl.int_range(pl.len()) == 7).then(pl.col("quantity") * 1.000001).otherwise(pl.col("quantity"))
    )
    result.orders = moved
    assert STREAMS.stream(result)["sha256"] != before["sha256"]
