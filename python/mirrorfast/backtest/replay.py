"""A recorded run against a fresh backtest over the same bars: which decision, order, fill or equity differs first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast.analytics.frames import read_frames
from mirrorfast.backtest.runner import execute
from mirrorfast.config import TradingConfig
from mirrorfast.data.digest import bars_digest
from mirrorfast.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from mirrorfast.ledger import Ledger

__all__ = ["Difference", "Replay", "replay_check"]

_ORDERS: Final = (
    "id",
    "decision",
    "symbol",
    "side",
    "type",
    "quantity",
    "price",
    "trigger",
    "reduce_only",
    "purpose",
    "tif",
)
#: What differs first at one time is named in the order in which the engine makes it.
_TABLES: Final = ("decisions", "orders", "fills", "trades", "equity")


@dataclass(frozen=True)
class Difference:
    """The first thing in which a recorded run and its replay differ.

    Attributes
    ----------
    table
        `decisions`, `orders`, `fills`, `trades` or `equity`.
    row
        Position in the table, from 0.
    time
        Of the bar, order or fill.
    column
        The first column that differs; None where one side has no such row.
    recorded, replayed
        The two values, or the two rows where one is missing.
    symbol
        Whose it is, where it has one.
    """

    table: str
    row: int
    time: Any
    column: str | None
    recorded: Any
    replayed: Any
    symbol: str | None = None

    def __str__(self) -> str:
        where = f"{self.table} row {self.row + 1}, {self.time:%Y-%m-%d %H:%M:%S}"
        where += f", {self.symbol}" if self.symbol else ""
        if self.column is not None:
            return f"{where}: {self.column} is {self.recorded!r} in the ledger, {self.replayed!r} in the backtest"
        side, other = ("ledger", "backtest") if self.replayed is None else ("backtest", "ledger")
        row = self.recorded if self.replayed is None else self.replayed
        return f"{where}: the {side} has {row}, the {other} has no such row"


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes
    ----------
    run
        The recorded run.
    difference
        The first one, or None.
    compared
        Rows of the ledger by table.
    """

    run: str
    difference: Difference | None
    compared: dict[str, int] = field(default_factory=dict)


def replay_check(ledger: Ledger, run: str, bars: pl.DataFrame) -> Replay:
    """Run a recorded run again as a backtest, and compare everything that it recorded.

    Parameters
    ----------
    ledger
        Where the run is recorded.
    run
        Its name.
    bars
        Validated bars, of which the run's own are taken.

    Returns
    -------
    Replay
        The first difference, if there is one.

    Raises
    ------
    DataError
        When the bars are not those of the run, or it has recorded no bar yet.
    ConfigurationError
        When the run followed a policy, whose actions the ledger does not hold in full.
    LedgerError
        When the run is not there.

    Notes
    -----
    The configuration is the recorded one. Votes of strategies that run outside the engine are taken from the ledger. A
    run that has not finished is compared as far as it went.
    """
    recorded = read_frames(ledger, run=run)
    info = recorded.info
    if recorded.equity.height == 0:
        raise DataError(f"run {run!r} in {ledger.name} has recorded no bar yet: nothing to compare")
    if recorded.decisions["rl_position"].null_count() < recorded.decisions.height:
        raise ConfigurationError(f"run {run!r} followed a policy: its ledger does not hold all that a replay needs")
    engine = info["config"]["engine"]
    last = recorded.equity["timestamp"][-1]
    table = _own_bars(run, info, bars, recorded.equity["timestamp"][0], last).filter(pl.col("timestamp") <= last)
    # A symbol that has not begun by then is not in these bars, and the engine knows symbols by their position.
    present = set(table["symbol"].unique())
    silent = [pair["symbol"] for pair in engine.get("rate_symbols", {}).values() if pair["symbol"] not in present]
    if silent:
        raise DataError(f"run {run!r} ended before the first bar of {silent[0]}, whose closes are a rate of it")
    engine = engine | {"symbols": [s for s in engine["symbols"] if s["instrument"]["symbol"] in present]}
    result = execute(table, TradingConfig(), json.dumps(engine, sort_keys=True), votes=_votes(engine, recorded, table))
    fresh = read_frames(result, run=run)
    orders = ledger.frame("orders", run).filter(pl.col("attempt") == pl.col("attempt").min().over("id"))
    made = result.orders.with_columns(pl.when(pl.col("decision") > 0).then(pl.col("decision")).alias("decision"))
    step = _interval(table)
    pairs = {
        name: (getattr(recorded, name), getattr(fresh, name)) for name in ("decisions", "fills", "trades", "equity")
    }
    pairs["orders"] = (
        _orders(orders.rename({"ts": "timestamp"})).filter(pl.col("timestamp") <= last + step),
        _orders(made),
    )
    found = [d for name in _TABLES if (d := _first(name, *pairs[name])) is not None]
    return Replay(
        run=run,
        difference=min(found, key=lambda d: (d.time, _TABLES.index(d.table)), default=None),
        compared={name: pairs[name][0].height for name in _TABLES},
    )


def _own_bars(run: str, info: dict[str, Any], bars: pl.DataFrame, first: Any, last: Any) -> pl.DataFrame:
    """Find the run's bars in a table that may hold more: only the digest can tell."""
    own = bars.filter(pl.col("symbol").is_in(info["symbols"]))
    time = pl.col("timestamp")
    for part in (own, own.filter(time >= first), own.filter(time.is_between(first, last))):
        if part.height and bars_digest(part) == info["config"]["bars"]:
            return part
    raise DataError(
        f"bars: they are not those of run {run!r} ({', '.join(info['symbols'])}, from {first:%Y-%m-%d %H:%M}): "
        "expected the file that it was started with"
    )


def _votes(engine: dict[str, Any], recorded: Any, table: pl.DataFrame) -> list[tuple[Any, Any]] | None:
    names = [s["name"] for s in engine.get("external", [])]
    if not names:
        return None
    columns = [f"{kind}_{name}" for name in names for kind in ("vote", "confidence")]
    said = table.select("symbol", "timestamp").join(
        recorded.decisions.select("symbol", "timestamp", *columns),
        on=["symbol", "timestamp"],
        how="left",
        maintain_order="left",
    )
    unknown = float("nan")
    return [
        (said[f"vote_{n}"].fill_null(unknown).to_numpy(), said[f"confidence_{n}"].fill_null(unknown).to_numpy())
        for n in names
    ]


def _interval(table: pl.DataFrame) -> Any:
    return table.select(pl.col("timestamp").diff().over("symbol").min()).item()


def _orders(frame: pl.DataFrame) -> pl.DataFrame:
    numbers = ("quantity", "price", "trigger")
    return frame.select(
        pl.col("timestamp").cast(pl.Datetime("ms", "UTC")),
        *(
            pl.col(c).cast(pl.Float64).fill_nan(None)
            if c in numbers
            else pl.col(c).cast(pl.Int64)
            if c in ("id", "decision")
            else pl.col(c)
            for c in _ORDERS
        ),
    ).sort("id")


def _first(name: str, recorded: pl.DataFrame, replayed: pl.DataFrame) -> Difference | None:
    """Find the first row and column in which two tables differ."""
    columns = [c for c in recorded.columns if c in replayed.columns]
    time = next(c for c in ("timestamp", "exit_time") if c in columns)
    both = min(recorded.height, replayed.height)
    a, b = recorded.head(both), replayed.head(both)
    wrong = pl.DataFrame({c: a[c].ne_missing(b[c]) for c in columns})
    rows = wrong.select(pl.any_horizontal(columns).arg_true()).to_series() if both else pl.Series([], dtype=pl.UInt32)
    if len(rows):
        k = int(rows[0])
        column = next(c for c in columns if wrong[c][k])
        # Where rows have shifted, the earlier of the two is the one that the other side lacks.
        when = min(a[time][k], b[time][k])
        symbol = a["symbol"][k] if "symbol" in columns else None
        return Difference(name, k, when, column, a[column][k], b[column][k], symbol=symbol)
    if recorded.height == replayed.height:
        return None
    longer = recorded if recorded.height > replayed.height else replayed
    row = {c: v for c, v in longer.row(both, named=True).items() if v is not None and not c.startswith("contribution_")}
    old, new = (row, None) if longer is recorded else (None, row)
    return Difference(name, both, row[time], None, old, new, symbol=row.get("symbol"))
