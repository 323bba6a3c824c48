"""The shape of bars and the one gate that every bar passes: SPEC §1 and its rule on missing data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import polars as pl

from mirrorfast.errors import DataError, ParameterError, ShapeError
from mirrorfast.telemetry import get_logger

__all__ = [
    "BAR_COLUMNS",
    "BAR_SCHEMA",
    "as_frame",
    "bar_interval",
    "interval_name",
    "require_bars",
    "select_bars",
    "usable",
    "validate_bars",
]

BAR_SCHEMA: Final = pl.Schema(
    {
        "symbol": pl.String(),
        "timestamp": pl.Datetime("ms", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
    }
)
"""Column names and dtypes of validated bars; ``timestamp`` is the bar's open time."""

BAR_COLUMNS: Final = tuple(BAR_SCHEMA)
"""Column names of validated bars, in order."""

_NUMBERS: Final = ("open", "high", "low", "close", "volume")
_ROW: Final = "__row__"
# Beyond these magnitudes a Unix time of this century must be in the next finer unit.
_EPOCH_UNITS: Final = ((1e11, 1_000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))

_log = get_logger(__name__)


@dataclass(frozen=True)
class _Rule:
    column: str
    broken: pl.Expr
    expected: str  # may quote other columns of the row: {low}


def _rules() -> list[_Rule]:
    c = pl.col
    rules = [
        _Rule("symbol", c("symbol").is_null() | (c("symbol") == ""), "a name"),
        _Rule("timestamp", c("timestamp").is_null(), "a time"),
    ]
    for name in _NUMBERS[:4]:
        rules.append(_Rule(name, c(name).is_null() | ~c(name).is_finite(), "a finite price"))
        rules.append(_Rule(name, c(name) <= 0.0, "a price > 0"))
    rules.append(_Rule("volume", c("volume").is_null() | ~c("volume").is_finite(), "a finite volume"))
    rules.append(_Rule("volume", c("volume") < 0.0, "a volume >= 0"))
    rules.append(_Rule("high", c("high") < c("low"), "high >= low ({low})"))
    for side in ("open", "close"):
        rules.append(_Rule("high", c("high") < c(side), f"high >= {side} ({{{side}}})"))
        rules.append(_Rule("low", c("low") > c(side), f"low <= {side} ({{{side}}})"))
    return rules


def _order_rules() -> list[_Rule]:
    step = pl.col("timestamp") - pl.col("timestamp").shift(1).over("symbol")
    return [
        _Rule("timestamp", step == pl.duration(), "one bar for each symbol and time, and this one is there already"),
        _Rule("timestamp", step < pl.duration(), "a time after the bar before it ({__before__}); sort the rows"),
    ]


def usable() -> pl.Expr:
    """Say of each row whether its numbers make a bar: the rules of `validate_bars` on one row.

    Returns
    -------
    polars.Expr
        True where time, prices and volume are there, finite, in range and in order of size.

    Examples
    --------
    >>> bar = {"timestamp": 0, "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 1.0}
    >>> pl.DataFrame([bar, bar | {"close": float("nan")}]).select(usable()).to_series().to_list()
    [True, False]
    """
    faults = [rule.broken.fill_null(value=True) for rule in _rules() if rule.column != "symbol"]
    return ~pl.any_horizontal(faults)


def as_frame(bars: Any, *, source: str = "bars") -> pl.DataFrame:
    """Turn any Arrow-capable table into a polars frame.

    Parameters
    ----------
    bars : DataFrame or Arrow table
        A polars frame or lazy frame, or anything with ``__arrow_c_stream__`` (pyarrow, pandas, DuckDB, arro3).
    source : str, default "bars"
        Name of the table in messages.

    Returns
    -------
    polars.DataFrame
        The same rows and columns, without copying where the producer allows it.

    Raises
    ------
    ShapeError
        If the object is not a table.

    Examples
    --------
    >>> as_frame(pl.DataFrame({"close": [1.0, 2.0]})).height
    2
    """
    if isinstance(bars, pl.DataFrame):
        return bars
    if isinstance(bars, pl.LazyFrame):
        return bars.collect()
    if hasattr(bars, "__arrow_c_stream__"):
        return pl.DataFrame(bars)
    msg = f"{source}: got {type(bars).__name__}, expected a polars, pyarrow or pandas table"
    raise ShapeError(msg)


def validate_bars(
    bars: Any,
    *,
    source: str = "bars",
    symbol: str | None = None,
    on_bad: Literal["raise", "drop"] = "raise",
    time_zone: str | None = None,
    first_line: int | None = None,
) -> pl.DataFrame:
    """Check raw bars and bring them into the one shape that every layer expects.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        Columns ``timestamp`` (a datetime, or Unix time in s, ms, µs or ns), ``open``, ``high``, ``low``, ``close``
        (quote currency, > 0), ``volume`` (base currency, >= 0) and ``symbol``. Other columns are left out.
        Symbols may be interleaved; within one symbol the times must ascend.
    source : str, default "bars"
        What messages call the table: a file name, for instance.
    symbol : str, optional
        Symbol of all rows, for a table without such a column.
    on_bad : {"raise", "drop"}, default "raise"
        ``"drop"`` leaves bad rows out, sorts the rest, keeps the last of duplicates, and logs how many went.
    time_zone : str, optional
        IANA name of the zone that times without one are in. Without it such times are refused.
    first_line : int, optional
        Line of the first row in the text file that the table came from; messages then count lines, else rows from 0.

    Returns
    -------
    polars.DataFrame, shape (m, 7)
        The columns of `BAR_SCHEMA`, sorted by (symbol, timestamp), without nulls.

    Raises
    ------
    ShapeError
        If a column is missing or has the wrong type, or there is no row.
    DataError
        For the first row with a NaN, an infinity, a price <= 0, a negative volume, high < low, or a time that repeats
        or runs backwards; the message names source, row, column, value and what was expected.
    ParameterError
        If `on_bad` is neither of its two words.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> row = {"timestamp": datetime(2024, 1, 1, tzinfo=timezone.utc), "volume": 5.0}
    >>> good = pl.DataFrame([row | {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5}])
    >>> validate_bars(good, symbol="BTC/USD")["close"].to_list()
    [1.5]
    >>> bad = good.with_columns(high=pl.lit(0.1))
    >>> validate_bars(bad, symbol="BTC/USD", source="btc.parquet")
    Traceback (most recent call last):
        ...
    mirrorfast.errors.DataError: btc.parquet: row 0 (BTC/USD): high = 0.1: expected high >= low (0.5)
    """
    if on_bad not in ("raise", "drop"):
        msg = f'on_bad = {on_bad!r}: expected "raise" or "drop"'
        raise ParameterError(msg)
    frame = _shaped(as_frame(bars, source=source), source, symbol, time_zone)
    if not frame.height:
        msg = f"{source}: no rows: expected at least one bar"
        raise ShapeError(msg)
    frame = frame.with_row_index(_ROW, offset=first_line or 0)
    place = "row" if first_line is None else "line"
    if on_bad == "raise":
        _refuse(frame, _rules(), source, place)
        _refuse(frame, _order_rules(), source, place)
    else:
        frame = _dropped(frame, source)
    ordered = frame.drop(_ROW)
    if ordered["symbol"].n_unique() == 1:
        return ordered
    return ordered.sort("symbol", "timestamp", maintain_order=True)


def require_bars(bars: pl.DataFrame, minimum: int, *, source: str, reason: str) -> None:
    """Refuse a table whose symbols have too little history.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    minimum : int
        Least number of bars of each symbol.
    source : str
        What messages call the table.
    reason : str
        What needs that many, for the message.

    Raises
    ------
    DataError
        Naming the shortest symbol, its number of bars and the number needed.

    Examples
    --------
    >>> bars = pl.DataFrame({"symbol": ["BTC/USD"] * 10})
    >>> require_bars(bars, 21, source="btc.csv", reason="warm-up of momentum_breakout")
    Traceback (most recent call last):
        ...
    mirrorfast.errors.DataError: btc.csv: BTC/USD has 10 bars: expected at least 21 (warm-up of momentum_breakout)
    """
    shortest = bars.group_by("symbol").len().sort("len", "symbol").head(1)
    if shortest.height and shortest["len"].item() >= minimum:
        return
    name, count = shortest.row(0) if shortest.height else ("it", 0)
    msg = f"{source}: {name} has {count} bars: expected at least {minimum} ({reason})"
    raise DataError(msg)


def select_bars(
    bars: pl.DataFrame,
    *,
    symbols: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    source: str = "bars",
) -> pl.DataFrame:
    """Take some symbols and a span of validated bars.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    symbols : sequence of str, optional
        Symbols to keep; all by default.
    start, end : datetime, optional
        First time to keep, and the time before which bars must open; UTC where they carry no zone.
    source : str, default "bars"
        What messages call the table.

    Returns
    -------
    polars.DataFrame
        The bars that are left, in the same order.

    Raises
    ------
    DataError
        If a symbol is not there, or nothing is left.

    Examples
    --------
    >>> from mirrorfast.data import sample_bars
    >>> select_bars(sample_bars(), symbols=["BTC/USD"], end=datetime(2017, 7, 2)).height
    13
    """
    known = bars["symbol"].unique(maintain_order=True).to_list()
    unknown = [name for name in symbols if name not in known]
    if unknown:
        msg = f"{source}: symbol {unknown[0]!r} is not there: expected some of {', '.join(known)}"
        raise DataError(msg)
    if symbols:
        bars = bars.filter(pl.col("symbol").is_in(list(symbols)))
    if start is not None:
        bars = bars.filter(pl.col("timestamp") >= _utc(start))
    if end is not None:
        bars = bars.filter(pl.col("timestamp") < _utc(end))
    if bars.is_empty():
        msg = f"{source}: no bars from {start or 'the first'} to {end or 'the last'}: expected a span that has some"
        raise DataError(msg)
    return bars


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def bar_interval(bars: pl.DataFrame) -> str:
    """Name the timeframe of bars: the most frequent step between neighbours.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars with at least two rows of one symbol.

    Returns
    -------
    str
        An exchange interval: ``"1m"``, ``"4h"``, ``"1d"``, ``"1w"`` …

    Raises
    ------
    DataError
        If no symbol has two bars.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    >>> times = [start + timedelta(hours=4 * i) for i in range(3)]
    >>> bar_interval(pl.DataFrame({"symbol": ["x"] * 3, "timestamp": times}))
    '4h'
    """
    steps = bars.select(pl.col("timestamp").diff().over("symbol").dt.total_milliseconds()).to_series().drop_nulls()
    if steps.is_empty():
        msg = f"bars: {bars.height} rows: expected at least two of one symbol to tell the timeframe"
        raise DataError(msg)
    return interval_name(int(steps.mode().min()))  # type: ignore[arg-type]


def interval_name(step_ms: int) -> str:
    """Name a step between bars.

    Parameters
    ----------
    step_ms : int
        Milliseconds, > 0.

    Returns
    -------
    str
        The exchange interval: ``"1m"``, ``"4h"``, ``"1d"``, ``"1w"`` …

    Examples
    --------
    >>> interval_name(14_400_000)
    '4h'
    """
    step = step_ms
    for unit, length in (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        if step % length == 0:
            return f"{step // length}{unit}"
    return f"{max(step // 1_000, 1)}s"


def _shaped(frame: pl.DataFrame, source: str, symbol: str | None, time_zone: str | None) -> pl.DataFrame:
    if symbol is not None:
        frame = frame.with_columns(symbol=pl.lit(symbol, pl.String))
    missing = [name for name in BAR_COLUMNS if name not in frame.columns]
    if missing:
        found = ", ".join(frame.columns) or "none"
        msg = f"{source}: column {missing[0]} is missing: expected {', '.join(BAR_COLUMNS)}; found {found}"
        raise ShapeError(msg)
    columns = [_symbol(frame["symbol"], source), _timestamp(frame["timestamp"], source, time_zone)]
    for name in _NUMBERS:
        series = frame[name]
        if not series.dtype.is_numeric() and series.dtype != pl.Null:
            msg = f"{source}: column {name} is {series.dtype}: expected a number"
            raise ShapeError(msg)
        columns.append(series.cast(pl.Float64))
    return pl.DataFrame(columns)


def _symbol(series: pl.Series, source: str) -> pl.Series:
    if series.dtype in (pl.String, pl.Null) or isinstance(series.dtype, pl.Categorical | pl.Enum):
        return series.cast(pl.String)
    msg = f"{source}: column symbol is {series.dtype}: expected text"
    raise ShapeError(msg)


def _timestamp(series: pl.Series, source: str, time_zone: str | None) -> pl.Series:
    dtype = series.dtype
    target = pl.Datetime("ms", "UTC")
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None and time_zone is None:
            msg = (
                f"{source}: column timestamp is {dtype} without a time zone: expected datetime[UTC], "
                'or say which zone the times are in (time_zone="UTC")'
            )
            raise ShapeError(msg)
        if dtype.time_zone is None:
            # A local time that a change of clocks skips or repeats names no instant: it becomes null and is refused.
            series = series.dt.replace_time_zone(time_zone, ambiguous="null", non_existent="null")
        return series.dt.convert_time_zone("UTC").cast(target)
    if dtype == pl.Date:
        return series.cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    if dtype == pl.Null:
        return series.cast(target)
    if dtype.is_numeric():
        return _from_epoch(series).cast(target)
    msg = f"{source}: column timestamp is {dtype}: expected a datetime or Unix time"
    raise ShapeError(msg)


def _from_epoch(series: pl.Series) -> pl.Series:
    numbers = series.cast(pl.Float64)
    known = numbers.filter(numbers.is_finite())
    size = abs(known[0]) if len(known) else 0.0
    factor = next(scale for limit, scale in _EPOCH_UNITS if size < limit)
    if series.dtype.is_integer() and factor == 1.0:
        return series.cast(pl.Int64)
    # Beyond ±9e15 ms a float no longer converts exactly; such a time is nonsense and becomes null.
    scaled = (numbers * factor).round()
    usable = scaled.is_finite() & (scaled.abs() < 9e15)
    return scaled.zip_with(usable, pl.Series([None], dtype=pl.Float64)).cast(pl.Int64)


def _refuse(frame: pl.DataFrame, rules: list[_Rule], source: str, place: str) -> None:
    found = _first_fault(frame, rules)
    if found is None:
        return
    rule, row = found
    where = f"{place} {row[_ROW]}" + (f" ({row['symbol']})" if row["symbol"] else "")
    expected = rule.expected.format_map({name: _text(value) for name, value in row.items()})
    msg = f"{source}: {where}: {rule.column} = {_text(row[rule.column])}: expected {expected}"
    raise DataError(msg)


def _first_fault(frame: pl.DataFrame, rules: list[_Rule]) -> tuple[_Rule, dict[str, Any]] | None:
    bad = (
        frame.lazy()
        .with_columns(
            __fault__=pl.coalesce([pl.when(rule.broken).then(pl.lit(i, pl.Int32)) for i, rule in enumerate(rules)]),
            __before__=pl.col("timestamp").shift(1).over("symbol"),
        )
        .filter(pl.col("__fault__").is_not_null())
        .head(1)
        .collect()
    )
    if not bad.height:
        return None
    row = bad.row(0, named=True)
    return rules[row["__fault__"]], row


def _dropped(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    broken = pl.any_horizontal([rule.broken.fill_null(value=False) for rule in _rules()])
    good = frame.filter(~broken)
    kept = good.unique(["symbol", "timestamp"], keep="last", maintain_order=True)
    kept = kept.sort("symbol", "timestamp", maintain_order=True)
    if not kept.height:
        msg = f"{source}: none of {frame.height} rows is usable: expected at least one bar"
        raise DataError(msg)
    if kept.height != frame.height:
        _log.warning(
            "bars_dropped",
            source=source,
            bad=frame.height - good.height,
            duplicates=good.height - kept.height,
            kept=kept.height,
        )
    return kept


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
