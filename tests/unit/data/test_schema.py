"""The gate for bars: what is refused, with which words, and what passes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrorfast.data import BAR_COLUMNS, BAR_SCHEMA, as_frame, bar_interval, require_bars, select_bars, validate_bars
from mirrorfast.errors import DataError, ParameterError, ShapeError

START = datetime(2024, 1, 1, tzinfo=UTC)


def bars(n: int = 3, symbol: str = "BTC/USD", **columns: Any) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "timestamp": [START + timedelta(hours=i) for i in range(n)],
            "open": [10.0] * n,
            "high": [12.0] * n,
            "low": [9.0] * n,
            "close": [11.0] * n,
            "volume": [5.0] * n,
        },
        schema_overrides={"timestamp": pl.Datetime("ms", "UTC")},
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def test_good_bars_pass_unchanged() -> None:
    assert validate_bars(bars()).equals(bars())


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("open", float("nan"), "open = nan: expected a finite price"),
        ("high", float("inf"), "high = inf: expected a finite price"),
        ("low", float("-inf"), "low = -inf: expected a finite price"),
        ("close", None, "close = nothing: expected a finite price"),
        ("close", 0.0, "close = 0.0: expected a price > 0"),
        ("open", -1.0, "open = -1.0: expected a price > 0"),
        ("volume", -0.5, "volume = -0.5: expected a volume >= 0"),
        ("volume", float("nan"), "volume = nan: expected a finite volume"),
        ("volume", None, "volume = nothing: expected a finite volume"),
        ("high", 8.0, r"high = 8.0: expected high >= low \(9.0\)"),
        ("high", 10.5, r"high = 10.5: expected high >= close \(11.0\)"),
        ("low", 10.5, r"low = 10.5: expected low <= open \(10.0\)"),
    ],
)
def test_bad_value_is_named(column: str, value: float | None, expected: str) -> None:
    good = bars()[column].to_list()
    frame = bars(**{column: [good[0], value, good[2]]})
    with pytest.raises(DataError, match=rf"^btc\.csv: row 1 \(BTC/USD\): {expected}$"):
        validate_bars(frame, source="btc.csv")
    with pytest.raises(DataError, match=r"line 3 \(BTC/USD\)"):
        validate_bars(frame, source="btc.csv", first_line=2)


def test_first_bad_row_wins() -> None:
    with pytest.raises(DataError, match="row 0 .*volume"):
        validate_bars(bars(volume=[-1.0, 1.0, 1.0], open=[10.0, -1.0, 10.0]))


def test_order_and_duplicates() -> None:
    with pytest.raises(DataError, match=r"row 1 .*00:00:00\+00:00: expected a time after .*01:00:00\+00:00"):
        validate_bars(bars(2).reverse())
    with pytest.raises(DataError, match="row 3 .*expected one bar for each symbol and time"):
        validate_bars(pl.concat([bars(), bars().tail(1)]))


def test_interleaved_symbols_are_sorted() -> None:
    both = pl.concat([bars(symbol="B"), bars(symbol="A")]).sort("timestamp", maintain_order=True)
    out = validate_bars(both)
    assert out["symbol"].to_list() == ["A"] * 3 + ["B"] * 3
    assert out.equals(pl.concat([bars(symbol="A"), bars(symbol="B")]))


def test_other_columns_are_left_out() -> None:
    assert validate_bars(bars().with_columns(trades=pl.lit(3))).columns == list(BAR_COLUMNS)


@pytest.mark.parametrize("column", BAR_COLUMNS)
def test_missing_column_is_named(column: str) -> None:
    with pytest.raises(ShapeError, match=f"^x: column {column} is missing: expected symbol, timestamp"):
        validate_bars(bars().drop(column), source="x")


@pytest.mark.parametrize("column", BAR_COLUMNS)
def test_wrong_type_is_named(column: str) -> None:
    frame = bars().with_columns(pl.Series(column, [[1], [2], [3]]))
    with pytest.raises(ShapeError, match=rf"column {column} is List.*: expected"):
        validate_bars(frame)


def test_no_rows() -> None:
    with pytest.raises(ShapeError, match="no rows"):
        validate_bars(bars(0))


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int64, pl.UInt32, pl.Decimal(20, 4)])
def test_numeric_types_are_cast(dtype: Any) -> None:
    out = validate_bars(bars().with_columns(pl.col(BAR_COLUMNS[2:]).cast(dtype)))
    assert out.equals(bars())


def test_categorical_symbol() -> None:
    assert validate_bars(bars().with_columns(pl.col("symbol").cast(pl.Categorical))).equals(bars())


@pytest.mark.parametrize("symbol", ["", None])
def test_empty_symbol(symbol: str | None) -> None:
    with pytest.raises(DataError, match="row 0: symbol = .*: expected a name"):
        validate_bars(bars().with_columns(symbol=pl.lit(symbol, pl.String)))


def test_symbol_of_all_rows() -> None:
    assert validate_bars(bars().drop("symbol"), symbol="X")["symbol"].to_list() == ["X"] * 3


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64])
def test_unix_times(factor: int, dtype: Any) -> None:
    seconds = [int((START + timedelta(hours=i)).timestamp()) for i in range(3)]
    frame = bars().with_columns(timestamp=pl.Series([s * factor for s in seconds], dtype=dtype))
    assert validate_bars(frame).equals(bars())


def test_nonsense_unix_time() -> None:
    frame = bars().with_columns(timestamp=pl.Series([1.7e9, float("nan"), 1.7e9 + 7_200]))
    with pytest.raises(DataError, match="row 1 .*timestamp = nothing: expected a time"):
        validate_bars(frame)


def test_dates_are_midnight_utc() -> None:
    frame = bars().with_columns(timestamp=pl.Series([date(2024, 1, day) for day in (1, 2, 3)]))
    assert validate_bars(frame)["timestamp"][2] == datetime(2024, 1, 3, tzinfo=UTC)


def test_zones() -> None:
    new_york = bars().with_columns(pl.col("timestamp").dt.convert_time_zone("America/New_York"))
    assert validate_bars(new_york).equals(bars())
    naive = bars().with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    with pytest.raises(ShapeError, match="without a time zone"):
        validate_bars(naive)
    assert validate_bars(naive, time_zone="UTC").equals(bars())
    moved = validate_bars(naive, time_zone="America/New_York")["timestamp"][0]
    assert moved == datetime(2024, 1, 1, tzinfo=ZoneInfo("America/New_York"))


def test_hour_that_the_clocks_skip_is_refused() -> None:
    times = [datetime(2024, 3, 10, 1), datetime(2024, 3, 10, 2, 30), datetime(2024, 3, 10, 3)]  # noqa: DTZ001
    with pytest.raises(DataError, match="row 1"):
        validate_bars(bars().with_columns(timestamp=pl.Series(times)), time_zone="America/New_York")


def test_drop_repairs_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    messy = pl.concat([bars(4).reverse(), bars(1).with_columns(close=pl.lit(11.5)), bars(1, close=[float("nan")])])
    out = validate_bars(messy, on_bad="drop", source="messy.csv")
    assert out["timestamp"].to_list() == bars(4)["timestamp"].to_list()
    assert out["close"].to_list() == [11.5, 11.0, 11.0, 11.0]
    text = caplog.records[0].getMessage()
    assert "bars_dropped" in text
    assert "bad=1" in text
    assert "duplicates=1" in text
    assert "messy.csv" in text


def test_drop_of_good_bars_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    assert validate_bars(bars(), on_bad="drop").equals(bars())
    assert not caplog.records


def test_drop_of_everything() -> None:
    with pytest.raises(DataError, match="none of 2 rows is usable"):
        validate_bars(bars(2, close=[-1.0, -1.0]), on_bad="drop")


def test_unknown_policy() -> None:
    with pytest.raises(ParameterError, match='on_bad = \'fix\': expected "raise" or "drop"'):
        validate_bars(bars(), on_bad="fix")  # type: ignore[arg-type]


@given(
    st.integers(0, 9),
    st.sampled_from(BAR_COLUMNS[2:]),
    st.one_of(st.floats(max_value=-1e-12), st.sampled_from([float("nan"), float("inf")])),
)
def test_whatever_is_wrong_wherever_is_found(row: int, column: str, value: float) -> None:
    frame = bars(10)
    values = frame[column].to_list()
    values[row] = value
    with pytest.raises(DataError, match=rf"row {row} \(BTC/USD\): {column} = "):
        validate_bars(frame.with_columns(pl.Series(column, values)))


@pytest.mark.parametrize("convert", [lambda f: f.to_arrow(), lambda f: f.to_pandas(), lambda f: f.lazy()])
def test_any_arrow_table(convert: Any) -> None:
    assert validate_bars(convert(bars())).equals(bars())


def test_not_a_table() -> None:
    with pytest.raises(ShapeError, match="got ndarray, expected a polars, pyarrow or pandas table"):
        as_frame(np.zeros(3))


def test_real_bars_pass(shared_data: Any) -> None:
    frame = pl.read_parquet(shared_data / "binance_BTC-USDT_5m.parquet")
    out = validate_bars(frame, symbol="BTC/USDT")
    assert out.height == frame.height
    assert out.schema == BAR_SCHEMA


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (timedelta(minutes=5), "5m"),
        (timedelta(hours=4), "4h"),
        (timedelta(days=7), "1w"),
        (timedelta(seconds=10), "10s"),
    ],
)
def test_interval(step: timedelta, name: str) -> None:
    times = [START + i * step for i in range(5)] + [START + 9 * step]
    assert bar_interval(bars(6).with_columns(timestamp=pl.Series(times))) == name


def test_interval_needs_two_bars() -> None:
    with pytest.raises(DataError, match="expected at least two"):
        bar_interval(pl.concat([bars(1, symbol="A"), bars(1, symbol="B")]))


def test_selection() -> None:
    frame = pl.concat([bars(4, symbol="A"), bars(4, symbol="B")])
    assert select_bars(frame).equals(frame)
    assert select_bars(frame, symbols=["B"])["symbol"].unique().to_list() == ["B"]
    part = select_bars(frame, start=START + timedelta(hours=1), end=datetime(2024, 1, 1, 3))  # noqa: DTZ001
    assert part["timestamp"].dt.hour().unique().sort().to_list() == [1, 2]
    with pytest.raises(DataError, match="x: symbol 'C' is not there: expected some of A, B"):
        select_bars(frame, symbols=["A", "C"], source="x")
    with pytest.raises(DataError, match="no bars from 2025"):
        select_bars(frame, start=datetime(2025, 1, 1, tzinfo=UTC))


def test_required_length_counts_each_symbol() -> None:
    frame = pl.concat([bars(9, symbol="A"), bars(4, symbol="B")])
    require_bars(frame, 4, source="x", reason="warm-up")
    with pytest.raises(DataError, match=r"x: B has 4 bars: expected at least 5 \(warm-up\)"):
        require_bars(frame, 5, source="x", reason="warm-up")
    with pytest.raises(DataError, match="has 0 bars"):
        require_bars(bars(0), 1, source="x", reason="warm-up")
