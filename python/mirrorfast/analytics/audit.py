"""The trail of a decision: what was voted, what risk said, what was ordered, filled, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from mirrorfast.ledger import Ledger

__all__ = ["audit_decision", "audit_trade", "holdings"]

_JSON = frozenset({"votes", "reasons", "details"})


def audit_decision(ledger: Ledger, run: str, decision: int) -> dict[str, Any]:
    """Collect everything that followed from a decision.

    Parameters
    ----------
    ledger : Ledger
        Where the run is.
    run : str
        The run.
    decision : int
        Number of the decision.

    Returns
    -------
    dict
        ``decisions``, ``orders``, ``fills``, ``trades``, each a list of rows in the order in which they happened; times
        in ms, money as text.

    Raises
    ------
    ParameterError
        If there is no such decision.
    LedgerError
        If there is no such run.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=mf.sample_bars().head(900), run="r")
    ...     _ = system.run()
    ...     with mf.ledger.Ledger.open(system.ledger_target) as ledger:
    ...         trail = audit_decision(ledger, "r", 1)
    >>> list(trail), trail["decisions"][0]["id"]
    (['decisions', 'orders', 'fills', 'trades'], 1)
    """
    ledger.info(run)
    decisions = ledger.frame("decisions", run, exact=True).filter(pl.col("id") == decision)
    if decisions.is_empty():
        raise ParameterError(f"decision {decision} of run {run!r}: there is no such decision")
    orders = ledger.frame("orders", run, exact=True).filter(pl.col("decision") == decision)
    fills = ledger.frame("fills", run, exact=True).filter(pl.col("order").is_in(orders["id"].to_list()))
    trades = ledger.frame("trades", run, exact=True).filter(pl.col("entry_decision") == decision)
    return _trail(decisions, orders, fills, trades)


def audit_trade(ledger: Ledger, run: str, trade: int) -> dict[str, Any]:
    """Collect everything that led to a closed round trip.

    Parameters
    ----------
    ledger : Ledger
        Where the run is.
    run : str
        The run.
    trade : int
        Number of the trade.

    Returns
    -------
    dict
        As for `audit_decision`: the fills of its symbol from entry to exit, the orders that they belong to, and the
        decisions behind those.

    Raises
    ------
    ParameterError
        If there is no such trade.
    LedgerError
        If there is no such run.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=mf.sample_bars().head(900), run="r")
    ...     _ = system.run()
    ...     with mf.ledger.Ledger.open(system.ledger_target) as ledger:
    ...         trail = audit_trade(ledger, "r", 1)
    >>> len(trail["fills"]) >= 2
    True
    """
    ledger.info(run)
    trades = ledger.frame("trades", run, exact=True).filter(pl.col("id") == trade)
    if trades.is_empty():
        raise ParameterError(f"trade {trade} of run {run!r}: there is no such trade")
    row = trades.row(0, named=True)
    fills = ledger.frame("fills", run, exact=True).filter(
        (pl.col("symbol") == row["symbol"]) & pl.col("ts").is_between(row["entry_ts"], row["exit_ts"])
    )
    orders = ledger.frame("orders", run, exact=True)
    wanted = {*fills["order"].to_list()}
    orders = orders.filter(
        pl.col("id").is_in(list(wanted))
        | ((pl.col("decision") == row["entry_decision"]) & (pl.col("symbol") == row["symbol"]))
    )
    numbers = {*orders["decision"].drop_nulls().to_list(), row["entry_decision"]} - {None}
    decisions = ledger.frame("decisions", run, exact=True).filter(pl.col("id").is_in(list(numbers)))
    return _trail(decisions, orders, fills, trades)


def holdings(ledger: Ledger, run: str) -> list[dict[str, Any]]:
    """Tell what a run holds, from its fills.

    Parameters
    ----------
    ledger : Ledger
        Where the run is.
    run : str
        The run.

    Returns
    -------
    list of dict
        ``symbol``, ``quantity`` (below zero: short), ``average_price``, ``last_price`` (of the newest decision),
        ``unrealised`` (quote currency), ``stop`` (trigger of its protective stop, or ``None``), ``since`` (ms).

    Raises
    ------
    LedgerError
        If there is no such run.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=mf.sample_bars().head(900), run="r")
    ...     _ = system.run()
    ...     with mf.ledger.Ledger.open(system.ledger_target) as ledger:
    ...         held = holdings(ledger, "r")
    >>> len(held) == len(system.engine.positions())
    True
    """
    ledger.info(run)
    book: dict[str, list[float]] = {}
    since: dict[str, int] = {}
    fills = ledger.frame("fills", run).select("symbol", "side", "quantity", "price", pl.col("ts").dt.epoch("ms"))
    for symbol, side, quantity, price, ts in fills.iter_rows():
        held = book.setdefault(symbol, [0.0, 0.0])
        signed = quantity if side == "buy" else -quantity
        after = held[0] + signed
        if abs(after) <= 1e-12 * max(abs(held[0]), quantity):
            held[:] = [0.0, 0.0]
        elif held[0] * after <= 0.0:  # opened, or turned over
            held[:] = [after, price]
            since[symbol] = ts
        elif held[0] * signed > 0.0:
            held[:] = [after, (held[1] * held[0] + price * signed) / after]
        else:
            held[0] = after
    open_ = {symbol: held for symbol, held in book.items() if held[0] != 0.0}
    if not open_:
        return []
    last = ledger.frame("decisions", run).group_by("symbol", maintain_order=True).agg(pl.col("price").last())
    prices = dict(last.iter_rows())
    orders = ledger.frame("orders", run).filter(
        (pl.col("purpose") == "stop_loss")
        & ~pl.col("status").is_in(["cancelled", "rejected", "expired", "never_sent", "filled"])
    )
    stops = dict(zip(orders["symbol"], orders["trigger"], strict=True))
    return [
        {
            "symbol": symbol,
            "quantity": quantity,
            "average_price": price,
            "last_price": prices.get(symbol),
            "unrealised": quantity * (prices[symbol] - price) if symbol in prices else None,
            "stop": stops.get(symbol),
            "since": since[symbol],
        }
        for symbol, (quantity, price) in sorted(open_.items())
    ]


def _trail(decisions: pl.DataFrame, orders: pl.DataFrame, fills: pl.DataFrame, trades: pl.DataFrame) -> dict[str, Any]:
    return {"decisions": _rows(decisions), "orders": _rows(orders), "fills": _rows(fills), "trades": _rows(trades)}


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    rows = frame.with_columns(pl.col(name).dt.epoch("ms") for name in times).drop("run").to_dicts()
    return [{k: json.loads(v) if k in _JSON and v is not None else v for k, v in row.items()} for row in rows]
