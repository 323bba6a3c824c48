"""Whatever holds the numbers, the result is the same; what holds none is refused by name."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mirrorfast.indicators as ind
from mirrorfast import _core
from mirrorfast.errors import DataError, MirrorfastError, ParameterError, ShapeError

VALUES = [3.0, 5.0, 4.0, 6.0, 2.0, 7.0, 7.0, 1.0]
WANT = [None, 4.0, 4.5, 5.0, 4.0, 4.5, 7.0, 4.0]
BACKWARDS = np.array(VALUES[::-1])

SAME: dict[str, Any] = {
    "list": VALUES,
    "tuple": tuple(VALUES),
    "integers": [int(v) for v in VALUES],
    "fractions": [Fraction(int(v)) for v in VALUES],
    "decimals": [Decimal(int(v)) for v in VALUES],
    "range of numpy scalars": [np.float32(v) for v in VALUES],
    "polars": pl.Series(VALUES),
    "polars in two chunks": pl.concat([pl.Series(VALUES[:3]), pl.Series(VALUES[3:])], rechunk=False),
    "polars slice": pl.Series([9.0, *VALUES, 9.0]).slice(1, 8),
    "polars f32": pl.Series(VALUES, dtype=pl.Float32),
    "polars i8": pl.Series(VALUES).cast(pl.Int8),
    "polars u64": pl.Series(VALUES).cast(pl.UInt64),
    "pyarrow": pa.array(VALUES),
    "pyarrow chunks": pa.chunked_array([VALUES[:5], VALUES[5:]]),
    "pyarrow without chunks at the end": pa.chunked_array([VALUES, []]),
    "pyarrow i32": pa.array([int(v) for v in VALUES], pa.int32()),
    "pandas": pd.Series(VALUES),
    "pandas with an index": pd.Series(VALUES, index=range(8, 0, -1)),
    "pandas nullable": pd.Series(VALUES, dtype="Float64"),
    "pandas nullable integers": pd.Series(VALUES, dtype="Int32"),
    "pandas objects": pd.Series(VALUES, dtype=object),
    "numpy": np.array(VALUES),
    "numpy f32": np.array(VALUES, np.float32),
    "numpy f16": np.array(VALUES, np.float16),
    "numpy long double": np.array(VALUES, np.longdouble),
    "numpy i16": np.array(VALUES, np.int16),
    "numpy u8": np.array(VALUES, np.uint8),
    "numpy other byte order": np.array(VALUES).astype(">f8"),
    "numpy strided": np.repeat(np.array(VALUES), 3)[::3],
    "numpy backwards": BACKWARDS[::-1],
    "numpy column": np.array([VALUES, VALUES]).T[:, 1],
    "numpy unaligned": np.frombuffer(b"\0" + np.array(VALUES).tobytes(), np.uint8)[1:].view(np.float64),
    "numpy objects": np.array(VALUES, object),
}


def sma(values: Any) -> list[float | None]:
    return ind.sma(values, period=2).to_list()


@pytest.mark.parametrize("kind", SAME)
def test_any_container(kind: str) -> None:
    assert sma(SAME[kind]) == WANT


def test_read_only_memory() -> None:
    values = np.array(VALUES)
    values.flags.writeable = False
    assert sma(values) == WANT


def test_the_input_is_left_alone() -> None:
    values = np.array([1.0, np.nan, 2.0])
    before = values.tobytes()
    sma(values)
    assert values.tobytes() == before


GAPS: dict[str, Any] = {
    "None": [1.0, None, 2.0, 3.0],
    "nan": [1.0, math.nan, 2.0, 3.0],
    "infinite": [1.0, math.inf, 2.0, 3.0],
    "polars null": pl.Series([1.0, None, 2.0, 3.0]),
    "polars integer null": pl.Series([1, None, 2, 3]),
    "pyarrow null": pa.array([1.0, None, 2.0, 3.0]),
    "pandas nan": pd.Series([1.0, None, 2.0, 3.0]),
    "pandas NA": pd.Series([1, None, 2, 3], dtype="Int64"),
    "numpy masked": np.ma.masked_values([1.0, -9.0, 2.0, 3.0], -9.0),
    "numpy nan": np.array([1.0, np.nan, 2.0, 3.0]),
}


@pytest.mark.parametrize("kind", GAPS)
def test_a_missing_value_is_one_missing_row(kind: str) -> None:
    assert sma(GAPS[kind]) == [None, None, 1.5, 2.5]


def test_all_null() -> None:
    assert sma(pl.Series([None, None, None])) == [None, None, None]


def test_no_nulls_are_claimed_where_there_are_none() -> None:
    assert ind.bop([1.0], [2.0], [1.0], [2.0]).null_count() == 0


@pytest.mark.parametrize(
    "times",
    [
        pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 3), "12h", time_unit="ns", eager=True),
        pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 3), "12h", time_zone="UTC", eager=True),
        np.array(
            ["2024-01-01T00", "2024-01-01T12", "2024-01-02T00", "2024-01-02T12", "2024-01-03T00"], "datetime64[h]"
        ),
        pd.Series(pd.date_range("2024-01-01", periods=5, freq="12h", tz="UTC")),
        [datetime(2024, 1, 1) + timedelta(hours=12 * i) for i in range(5)],  # noqa: DTZ001
        [1704067200000 + 43_200_000 * i for i in range(5)],
    ],
)
def test_timestamps_of_any_unit(times: Any) -> None:
    price = [1.0, 3.0, 5.0, 7.0, 9.0]
    assert ind.vwap_session(price, price, price, [1.0] * 5, times).to_list() == [1.0, 2.0, 5.0, 6.0, 9.0]


BAD: list[tuple[Callable[[], object], type[MirrorfastError], str]] = [
    (lambda: sma(["1", "2"]), DataError, r"close = '1' at row 0"),
    (lambda: sma([1.0, True]), DataError, r"close = True at row 1"),
    (lambda: sma(np.array(["a", "b"])), DataError, r"type of close: got <U1"),
    (lambda: sma(np.array([1.0, "b"], object)), DataError, r"close = 'b' at row 1"),
    (lambda: sma(np.array([True, False])), DataError, r"type of close: got bool"),
    (lambda: sma(np.array([1j, 2])), DataError, r"type of close: got complex128"),
    (lambda: sma(np.array(["2024-01-01"], "datetime64[D]")), DataError, r"type of close: got datetime64"),
    (lambda: sma(np.zeros((3, 2))), ShapeError, r"dimensions of close: got 2, expected 1"),
    (lambda: sma(np.float64(1.0)), ShapeError, r"type of close: got float64"),
    (lambda: sma("12"), ShapeError, r"type of close: got str"),
    (lambda: sma({1.0, 2.0}), ShapeError, r"type of close: got set"),
    (lambda: sma(None), ShapeError, r"type of close: got NoneType"),
    (lambda: sma(pl.Series(["a", "b"])), ShapeError, r"type of close: got Utf8View"),
    (lambda: sma(pl.Series([True, False])), ShapeError, r"type of close: got Boolean"),
    (lambda: sma(pl.Series([object(), object()])), DataError, r"type of close: got Object"),
    (lambda: sma(pl.DataFrame({"close": VALUES})), ShapeError, r"type of close: got Struct"),
    (lambda: sma(pa.array(["a", "b"])), ShapeError, r"type of close: got Utf8"),
    (lambda: sma(pd.Series(["a", "b"])), DataError, r"close = 'a' at row 0|type of close"),
    (lambda: ind.atr(VALUES, VALUES[1:], VALUES), ShapeError, r"length of low: got 7, expected 8 as high"),
    (lambda: ind.vwap_session(*[[1.0]] * 4, ["a"]), DataError, r"timestamp = 'a' at row 0"),
    (lambda: ind.sma(VALUES, period=0), ParameterError, r"sma.period = 0: expected a whole number from 1 to 100000"),
    (lambda: ind.sma(VALUES, period=-3), ParameterError, r"sma.period = -3"),
    (lambda: ind.sma(VALUES, period=2.5), ParameterError, r"sma.period = 2.5: expected a whole number"),  # type: ignore[arg-type]
    (lambda: ind.sma(VALUES, period=10**9), ParameterError, r"sma.period = 1000000000"),
    (
        lambda: ind.sma(VALUES, period=9),
        ParameterError,
        r"sma.period = 9: expected at most 8, the length of the series",
    ),
    (lambda: ind.sma([], period=1), ParameterError, r"expected at most 0, the length of the series"),
    (lambda: ind.sma(VALUES, period="2"), ParameterError, r"sma.period = '2': expected a number"),  # type: ignore[arg-type]
    (lambda: ind.sma(VALUES, period=math.nan), ParameterError, r"sma.period = NaN"),  # type: ignore[arg-type]
    (lambda: ind.sma(VALUES, period=None), ParameterError, r"sma.period = None"),  # type: ignore[arg-type]
    (lambda: ind.macd(VALUES, fast_period=3, slow_period=3), ParameterError, r"macd.fast_period = 3: .*shorter"),
    (
        lambda: ind.sar(VALUES, VALUES, acceleration=0.3),
        ParameterError,
        r"sar.acceleration = 0.3: expected at most max",
    ),
    (lambda: ind.supertrend(*[VALUES] * 3, period=2, multiplier=-1.0), ParameterError, r"supertrend.multiplier = -1"),
    (lambda: ind.ultosc(*[VALUES] * 3, short_period=9), ParameterError, r"ultosc.* = "),
    (lambda: _core.compute("sma", [], {}, True), ShapeError, r"number of inputs of sma: got 0, expected 1"),
    (lambda: _core.compute("smaa", [VALUES], {}, True), ParameterError, r'indicator = "smaa": .*sma'),
    (lambda: _core.compute("sma", [np.array(VALUES)], {"perod": 3}, True), ParameterError, r"sma.perod = 3: .*period"),
]


@pytest.mark.parametrize(("work", "error", "text"), BAD)
def test_bad_input_is_named(work: Callable[[], object], error: type[MirrorfastError], text: str) -> None:
    with pytest.raises(error, match=text):
        work()


def test_a_window_as_long_as_the_series_has_its_last_row() -> None:
    assert ind.sma(VALUES, period=8).to_list() == [None] * 7 + [sum(VALUES) / 8]


def test_an_indicator_without_parameters_takes_no_rows() -> None:
    assert ind.bop([], [], [], []).to_list() == []
