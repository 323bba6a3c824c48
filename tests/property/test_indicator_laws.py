"""Laws of every indicator, through the Python layer: one formula, no look-ahead, missing values, scale."""

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import polars as pl
from hypothesis import HealthCheck, given, settings

import mirrorfast.indicators as ind
from mirrorfast.errors import ParameterError
from mirrorfast.indicators._compute import compute

Array = npt.NDArray[np.float64]
ROWS = ind.catalogue().to_dicts()
COMMON = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, float], dict[str, Array]]:
    """Draw an indicator, parameters that it accepts, and bars with flat stretches and gaps in volume."""
    row = draw(st.sampled_from(ROWS))
    params = {}
    for p in row["params"]:
        high = min(p["max"], p["min"] + 20)
        kind = st.integers(int(p["min"]), int(high)) if p["integer"] else st.floats(p["min"], high)
        params[p["name"]] = draw(kind)
    try:
        ind.Stream(row["name"], **params)
    except ParameterError:
        params = {}
    rows = draw(st.integers(1, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps = rng.normal(0, 0.02, rows) * (rng.random(rows) > draw(st.sampled_from([0.0, 0.3, 1.0])))
    close = draw(st.sampled_from([1e-7, 1.0, 6e4])) * np.exp(np.cumsum(steps))
    opening = np.concatenate([close[:1], close[:-1]])
    spread = np.abs(rng.normal(0, 0.01, (2, rows))) * (steps != 0)
    return row, params, {
        "open": opening,
        "high": np.maximum(opening, close) * (1 + spread[0]),
        "low": np.minimum(opening, close) * (1 - spread[1]),
        "close": close,
        "volume": rng.gamma(2, 50, rows) * (rng.random(rows) > 0.2),
        "timestamp": 1.6e12 + 3.6e6 * np.arange(rows),
        "other": 1 + rng.random(rows),
    }  # fmt: skip


def batch(row: dict[str, Any], params: dict[str, float], bars: dict[str, Array]) -> list[Array]:
    inputs = {name: bars[name] for name in row["inputs"]}
    results = compute(row["name"], inputs, params, strict=False)
    return [pl.Series(values).fill_null(math.nan).to_numpy() for values in results]


def same(got: list[Array], want: list[Array]) -> bool:
    return all(a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a, b in zip(got, want, strict=True))


def cut(bars: dict[str, Array], rows: slice) -> dict[str, Array]:
    return {name: values[rows] for name, values in bars.items()}


@COMMON
@given(case=cases(), at=st.floats(0, 1))
def test_stream_equals_batch_even_across_a_snapshot(case: Any, at: float) -> None:
    row, params, bars = case
    whole = batch(row, params, bars)
    rows = len(bars["close"])
    middle = int(at * rows)
    stream = ind.Stream(row["name"], **params)
    collected = []
    for i in range(rows):
        if i == middle:
            stream = ind.Stream.from_snapshot(stream.snapshot())
        values = stream.update(**{name: float(bars[name][i]) for name in row["inputs"]})
        collected.append(values if isinstance(values, tuple) else (values,))
    assert same([np.array(column) for column in zip(*collected, strict=True)], whole)


@COMMON
@given(case=cases(), at=st.floats(0, 1))
def test_the_future_changes_nothing(case: Any, at: float) -> None:
    row, params, bars = case
    rows = int(at * len(bars["close"]))
    whole = batch(row, params, bars)
    assert same(batch(row, params, cut(bars, slice(rows))), [values[:rows] for values in whole])


@COMMON
@given(case=cases(), seed=st.integers(0, 2**32), bad=st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_missing_value_is_one_missing_row(case: Any, seed: int, bad: float) -> None:
    row, params, bars = case
    rng = np.random.default_rng(seed)
    missing = rng.random(len(bars["close"])) < 0.2
    broken = {name: values.copy() for name, values in bars.items()}
    broken[row["inputs"][rng.integers(len(row["inputs"]))]][missing] = bad
    got = batch(row, params, broken)
    want = batch(row, params, {name: values[~missing] for name, values in bars.items()})
    assert all(np.isnan(values[missing]).all() for values in got)
    assert same([values[~missing] for values in got], want)


@COMMON
@given(case=cases())
def test_warm_up_counts_the_rows_before_the_first_complete_one(case: Any) -> None:
    row, params, bars = case
    complete = ~np.isnan(np.array(batch(row, params, bars))).any(axis=0)
    warm_up = ind.Stream(row["name"], **params).warm_up
    assert not complete[:warm_up].any()
    assert not np.isinf(batch(row, params, bars)).any()


@COMMON
@given(case=cases(), factor=st.sampled_from([2.0**-20, 0.37, 3.7, 1024.0]), volume=st.booleans())
def test_outputs_follow_the_unit(case: Any, factor: float, volume: bool) -> None:
    row, params, bars = case
    before = batch(row, params, bars)
    names = {"volume"} if volume else {"open", "high", "low", "close", "other"}
    after = batch(row, params, {name: values * factor if name in names else values for name, values in bars.items()})
    for name, old, new in zip(row["outputs"], before, after, strict=True):
        filled = ~np.isnan(old)
        size = np.abs(old[filled]).max(initial=0)
        powers = [p for p in range(-3, 4) if np.allclose(new, old * factor**p, 1e-8, 1e-9 * size * factor**p, True)]
        assert powers, f"{row['name']}.{name} follows no power of the unit"
