"""Pairs trading over a table of several symbols."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

import mirrorfast as mf


def market(n: int, jump: slice) -> pl.DataFrame:
    """A and B share a walk around a quiet spread that `jump` moves; C goes its own way."""
    k = np.arange(n, dtype=float)
    walk = 4.0 + np.cumsum(0.02 * np.sin(k * k * 0.7))
    spread = 0.005 * np.sin(k * k * 0.31)
    spread[jump] += 0.013
    other = 3.0 + np.cumsum(0.02 * np.sin(k * k * 0.13))
    closes = {"A": np.exp(0.5 + 0.8 * walk + spread), "B": np.exp(walk), "C": np.exp(other)}
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = (
        pl.datetime_range(start, None, "1h", eager=True)
        if n == 0
        else pl.datetime_range(start, datetime.fromtimestamp(start.timestamp() + 3600 * (n - 1), UTC), "1h", eager=True)
    )
    parts = [
        pl.DataFrame({"timestamp": times}).with_columns(
            symbol=pl.lit(name),
            **{column: pl.Series(close) for column in ("open", "high", "low", "close")},
            volume=pl.lit(1.0),
        )
        for name, close in closes.items()
    ]
    return pl.concat(parts)


def test_both_legs_open_and_close() -> None:
    table = market(90, slice(75, 78))
    votes = table.select("symbol").with_columns(mf.PairsTradingAgent().votes(table))
    legs = {name: votes.filter(pl.col("symbol") == name)["signal"] for name in "ABC"}
    assert legs["C"].null_count() == 90
    assert legs["A"].head(59).null_count() == 59
    opened = np.flatnonzero(legs["A"].fill_null(0.0).to_numpy())
    assert opened[0] in (75, 76, 77)
    assert legs["A"][int(opened[0])] < 0.0 < legs["B"][int(opened[0])]
    assert legs["A"][-1] == legs["B"][-1] == 0.0


def test_order_of_symbols_and_company_do_not_matter() -> None:
    table = market(90, slice(75, 78))
    agent = mf.PairsTradingAgent()
    alone = table.filter(pl.col("symbol") != "C")
    with_c = table.select("symbol").with_columns(agent.votes(table)).filter(pl.col("symbol") != "C")
    assert agent.votes(alone).equals(with_c.drop("symbol"))


def test_one_symbol_has_no_partner() -> None:
    one = market(80, slice(0, 0)).filter(pl.col("symbol") == "A")
    assert mf.PairsTradingAgent().evaluate(one).null_count() == 80
