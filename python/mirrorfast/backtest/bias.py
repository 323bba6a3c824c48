"""Does it look ahead, and how much history does it need? For strategies, features and indicators."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.backtest._compare import ROUNDING, difference, first_difference, shown
from mirrorfast.backtest._subjects import Kind, subject_of
from mirrorfast.data.schema import validate_bars
from mirrorfast.errors import DataError, ParameterError, UserCodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mirrorfast.backtest._subjects import Subject

__all__ = ["BiasReport", "check_bias"]

#: Bars of history that are tried, as far as the data go.
_SPANS: Final = (1, 2, 3, 5, 8, 13, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1_200, 2_000, 3_000, 5_000, 10_000, 30_000)
_LEAST: Final = 20

_FINDINGS: Final = pl.Schema(
    {
        "kind": pl.String(),
        "symbol": pl.String(),
        "column": pl.String(),
        "timestamp": pl.Datetime("ms", "UTC"),
        "row": pl.Int64(),
        "value": pl.String(),
        "other": pl.String(),
        "end": pl.Datetime("ms", "UTC"),
        "bars": pl.Int64(),
        "cuts": pl.Int64(),
        "message": pl.String(),
    }
)


@dataclass(frozen=True)
class BiasReport:
    """What `check_bias` found.

    Attributes
    ----------
    subject : str
        What was looked at.
    findings : polars.DataFrame
        One row for every symbol and column with a fault: ``kind`` (``look_ahead``, ``lookback`` for one that needs more
        bars than it says, ``not_reproducible``), ``symbol``, ``column``, the first bar that differs (``timestamp``,
        ``row`` of its symbol), its ``value`` with all bars and the ``other`` one when the bars end at ``end``, how many
        ``bars`` ahead it looks (or back it needs), at how many ``cuts`` it showed, and a ``message``.
    warm_up : int or None
        Bars after which it no longer matters where the history starts; None if it still does with all that were tried,
        or there was no value to look at.
    recursion : polars.DataFrame
        ``bars`` of history and the largest ``difference`` from the value with all of it, relative to the larger of 1
        and that value; infinite where there is no value yet.
    cuts : int
        Truncations tried.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> report = mf.check_bias("rsi", mf.sample_bars(["BTC/USD"]).head(600))
    >>> report.ok, report.findings.height
    (True, 0)
    """

    subject: str
    findings: pl.DataFrame
    warm_up: int | None
    recursion: pl.DataFrame
    cuts: int

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return self.findings.is_empty()

    def __str__(self) -> str:
        lines = [f"{self.subject}: {'no bias found' if self.ok else 'BIASED'} ({self.cuts} truncations)"]
        lines += [f"  {message}" for message in self.findings["message"]]
        if not self.findings.filter(pl.col("kind") != "lookback").is_empty():
            pass  # what is not reproducible or looks ahead has no warm-up to speak of
        elif self.warm_up is not None:
            lines.append(f"  values do not depend on where the history starts once it has {_bars(self.warm_up)}")
        elif self.recursion.height:
            most, left = self.recursion.row(-1)
            lines.append(f"  remembers for ever: starting {_bars(most)} back still changes values (by {shown(left)})")
        else:
            lines.append("  no value at the rows where the warm-up was looked at: give it more bars")
        return "\n".join(lines)


def check_bias(
    subject: Any,
    bars: Any,
    *,
    kind: Kind = "auto",
    params: Mapping[str, Any] | None = None,
    cuts: int = 20,
    tolerance: float = 1e-6,
    timeframe: str = "medium",
    market: str = "crypto",
    seed: int = 0,
) -> BiasReport:
    """Find out whether something looks ahead, and how far back its history must start.

    Parameters
    ----------
    subject : str, sequence of str, BaseStrategyAgent, class or function
        A strategy, feature column or indicator by name, several feature columns, a strategy of your own, or a function
        of the bars of one symbol.
    bars : DataFrame or Arrow table, shape (n, 7)
        ``symbol timestamp open high low close volume``.
    kind : {"auto", "strategy", "feature", "indicator"}, default "auto"
        What a name is looked up as; by default in this order.
    params : mapping, optional
        Parameters of a strategy or indicator found by name.
    cuts : int, default 20
        Points at which the bars are cut off.
    tolerance : float, default 1e-6
        Difference at which two values count as the same when the history starts later, relative to the larger of 1 and
        the value.
    timeframe, market : str
        As for :func:`mirrorfast.compute_features`.
    seed : int, default 0
        Of the random points.

    Returns
    -------
    BiasReport
        ``.ok``, ``.findings``, ``.warm_up``; printed, it reads as text.

    Raises
    ------
    ParameterError
        If the subject or a parameter is unknown or out of range.
    DataError
        If the bars are bad, or fewer than twenty.
    UserCodeError
        If code of your own raises.

    Notes
    -----
    *Look-ahead*: everything is computed again on the bars up to a point, for several points; a row that changes by more
    than 1e-9 depended on bars after that point. A value that happens to agree at every point escapes; half of
    the cuts are put where a value has just changed, and more `cuts` find rarer ones. *Recursion*: the value of a row is computed with ever longer histories behind it, at three rows; from
    some length on it stays the same, or the subject remembers for ever (a cumulative sum, a position held until an
    exit), which is no bias, but makes a run that starts another day differ. A strategy with a ``lookback`` must give
    the same values with that many bars.

    References
    ----------
    freqtrade's *lookahead-analysis* and *recursive-analysis* ask the same questions of its strategies.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> def peeks(df):
    ...     return (df["close"].shift(-1) > df["close"]).cast(pl.Float64)
    >>> report = mf.check_bias(peeks, mf.sample_bars(["BTC/USD"]).head(500))
    >>> report.ok, report.findings["kind"].to_list(), report.findings["bars"].to_list()
    (False, ['look_ahead'], [1])
    >>> mf.check_bias("sma", mf.sample_bars(["BTC/USD"]).head(500), params={"period": 20}).warm_up
    20
    """
    if cuts < 1:
        raise ParameterError(f"cuts = {cuts}: expected a whole number >= 1")
    if not tolerance > 0:
        raise ParameterError(f"tolerance = {tolerance}: expected a number > 0")
    table = validate_bars(bars, source="bars")
    what = subject_of(subject, kind=kind, params=params or {}, timeframe=timeframe, market=market)
    times = table["timestamp"].unique().sort()
    if times.len() < _LEAST:
        raise DataError(f"bars: {times.len()} bar times: expected at least {_LEAST} to look for bias in {what.name}")
    rng = random.Random(seed)  # noqa: S311 - points to look at, nothing secret
    full = what.columns(table)
    places = _places(times, table, full, cuts, rng)
    findings = _unstable(what, table, full)
    if not findings:
        findings = _look_ahead(what, table, full, [times[k] for k in places])
    spans, warm_up = _recursion(what, table, times, tolerance, rng)
    if what.lookback is not None and spans and (warm_up is None or warm_up > what.lookback):
        findings.append(_short_lookback(what, warm_up, spans))
    return BiasReport(
        subject=what.name,
        findings=pl.DataFrame(findings, schema=_FINDINGS, orient="row"),
        warm_up=warm_up,
        recursion=pl.DataFrame(spans, schema={"bars": pl.Int64, "difference": pl.Float64}, orient="row"),
        cuts=len(places),
    )


def _places(times: pl.Series, table: pl.DataFrame, full: pl.DataFrame, cuts: int, rng: random.Random) -> list[int]:
    """Where to cut: on bars whose values have just changed, which is where a peek shows, and anywhere else."""
    first, last = times.len() // 10 + 1, times.len() - 2
    # One bar less and half of them, always.
    places = {last, times.len() // 2}
    moved = [c.ne_missing(c.shift(1)) for c in full.get_columns()]
    changes = table["timestamp"].filter(pl.DataFrame(moved).max_horizontal().cast(pl.Boolean)).unique()
    events = times.is_in(changes.implode()).arg_true()
    events = events.filter(events.is_between(first, last)).to_list()
    rng.shuffle(events)
    places.update(events[: max((cuts - 2) // 2, 1)])
    anywhere = list(range(first, last))
    rng.shuffle(anywhere)
    for place in anywhere:
        if len(places) >= cuts:
            break
        places.add(place)
    return sorted(places)


def _unstable(what: Subject, table: pl.DataFrame, full: pl.DataFrame) -> list[dict[str, Any]]:
    again = what.columns(table)
    found = []
    for name in full.columns:
        fault = first_difference(full[name], again[name], 0.0)
        if fault is not None:
            row = table.row(fault.row, named=True)
            values = f"{shown(fault.left)}, then {shown(fault.right)}"
            found.append(
                _finding("not_reproducible", row["symbol"], name, row["timestamp"], fault.row)
                | {"value": shown(fault.left), "other": shown(fault.right)}
                | {"message": f"{name} is not reproducible: the same bars gave {values} at {_at(row)}"}
            )
    return found


def _look_ahead(
    what: Subject, table: pl.DataFrame, full: pl.DataFrame, ends: Sequence[datetime]
) -> list[dict[str, Any]]:
    place = pl.int_range(pl.len()).over("symbol").alias("__place")
    keys = table.select("symbol", "timestamp", place)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for end in ends:
        past = table["timestamp"] <= end
        here = keys.filter(past)
        cut, whole = what.columns(table.filter(past)), full.filter(past)
        last = here.select((pl.col("__place").max().over("symbol") - pl.col("__place")).alias("back")).to_series()
        for name in full.columns:
            if name not in cut.columns:
                continue
            fault = first_difference(whole[name], cut[name], ROUNDING)
            if fault is None:
                continue
            table_of = here[fault.rows].with_columns(back=last[fault.rows], at=fault.rows)
            for (symbol,), rows in table_of.partition_by("symbol", as_dict=True, maintain_order=True).items():
                _note(found, whole[name], cut[name], rows, (str(symbol), name), end)
    return [entry | {"message": _ahead_text(entry)} for entry in found.values()]


def _note(
    found: dict[tuple[str, str], dict[str, Any]],
    whole: pl.Series,
    cut: pl.Series,
    rows: pl.DataFrame,
    key: tuple[str, str],
    end: datetime,
) -> None:
    first = rows.row(0, named=True)
    entry = found.setdefault(key, _finding("look_ahead", key[0], key[1], None, None) | {"cuts": 0, "bars": 0})
    entry["cuts"] += 1
    entry["bars"] = max(entry["bars"], int(rows["back"].max()) + 1)  # type: ignore[arg-type]
    if entry["row"] is None or first["__place"] < entry["row"]:
        entry |= {"timestamp": first["timestamp"], "row": first["__place"], "end": end}
        entry |= {"value": shown(whole[first["at"]]), "other": shown(cut[first["at"]])}
    found[key] = entry


def _ahead_text(entry: dict[str, Any]) -> str:
    return (
        f"{entry['column']} looks {_bars(entry['bars'])} ahead: {entry['symbol']}, bar {entry['timestamp'].isoformat()} "
        f"(row {entry['row']}) is {entry['value']} with all bars, {entry['other']} when they end at "
        f"{entry['end'].isoformat()} (cuts where it shows: {entry['cuts']})"
    )


def _recursion(
    what: Subject, table: pl.DataFrame, times: pl.Series, tolerance: float, rng: random.Random
) -> tuple[list[tuple[int, float]], int | None]:
    count = times.len()
    ends = sorted({count - 1, rng.randrange(count // 2, count), rng.randrange(count // 2, count)})
    pasts = [table.filter(pl.col("timestamp") <= times[k]) for k in ends]
    wanted = [_last_rows(past, what.columns(past)) for past in pasts]
    if not any(value[name].is_not_null().any() for value in wanted for name in value.columns):
        return [], None
    # Nine tenths of the shortest history at most: with all of it the values are the same by themselves.
    most = max(1, int(min(p.group_by("symbol").len()["len"].min() for p in pasts) * 0.9))  # type: ignore[type-var, operator]

    def apart(span: int) -> float:
        worst = 0.0
        for past, value in zip(pasts, wanted, strict=True):
            part = past.group_by("symbol", maintain_order=True).tail(span).select(past.columns)
            try:
                got = _last_rows(part, what.columns(part))
            except (UserCodeError, DataError):
                return math.inf  # too short for it, which is as good as no value
            for name in value.columns:
                known = value[name].is_not_null()
                if known.any():
                    gaps = difference(value[name].filter(known), got[name].filter(known))
                    worst = max(worst, float(gaps.max()))  # type: ignore[arg-type]
        return worst

    spans = [(span, apart(span)) for span in (*[n for n in _SPANS if n < most], most)]
    bad = [k for k, (_, gap) in enumerate(spans) if gap > tolerance]
    if not bad:
        return spans, 1
    if bad[-1] == len(spans) - 1:
        return spans, None
    low, high = spans[bad[-1]][0], spans[bad[-1] + 1][0]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if apart(middle) <= tolerance else (middle, high)
    return spans, high


def _last_rows(bars: pl.DataFrame, columns: pl.DataFrame) -> pl.DataFrame:
    ends = bars["symbol"].rle().struct.field("len").cum_sum() - 1
    return columns[ends]


def _short_lookback(what: Subject, warm_up: int | None, spans: list[tuple[int, float]]) -> dict[str, Any]:
    needs = "remembers for ever" if warm_up is None else f"needs {_bars(warm_up)}"
    gap = next((gap for span, gap in reversed(spans) if what.lookback is not None and span <= what.lookback), math.inf)
    message = (
        f"says lookback = {what.lookback}, but {needs}: with {what.lookback} a value differs by {shown(float(gap))}"
    )
    return _finding("lookback", None, None, None, None) | {"bars": warm_up, "message": message}


def _bars(count: int) -> str:
    return "1 bar" if count == 1 else f"{count:,} bars"


def _finding(
    kind: str, symbol: str | None, column: str | None, timestamp: datetime | None, row: int | None
) -> dict[str, Any]:
    known = {"kind": kind, "symbol": symbol, "column": column, "timestamp": timestamp, "row": row}
    return dict.fromkeys(_FINDINGS) | known


def _at(row: dict[str, Any]) -> str:
    return f"{row['symbol']}, bar {row['timestamp'].isoformat()}"
