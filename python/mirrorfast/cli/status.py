"""``mirrorfast status``, ``positions`` and ``trades``: how a run stands, from its ledger and its lock."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, load, print_json
from mirrorfast.cli.records import LedgerOption, RunOption, figure, ledgers, money, opened, show_table, when

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig
    from mirrorfast.ledger import Ledger

__all__ = ["positions", "status", "trades"]


def status(
    run: RunOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Every run and not only the newest ten.")] = False,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Show runs: whether they run, are halted, what they are worth, and what went wrong last."""
    from mirrorfast.errors import LedgerError
    from mirrorfast.execution.control import halt_of
    from mirrorfast.ledger import Ledger

    cfg = load(config)
    rows: list[dict[str, Any]] = []
    if cfg.ledger is not None or run is not None:
        with opened(cfg, run, None) as (ledger, newest):
            names = [newest] if run is not None else ledger.runs()["id"].to_list()[::-1]
            rows = [_state(cfg, ledger, name) for name in (names if everything else names[:10])]
    else:
        for file in ledgers(cfg.runs)[: None if everything else 10]:
            try:
                with Ledger.open(file, create=False) as ledger:
                    rows += [_state(cfg, ledger, name) for name in ledger.runs()["id"].to_list()]
            except LedgerError as error:  # one that is damaged is a finding, and no reason to hide the others
                rows.append({"run": file.parent.name, "status": "unreadable", "error": str(error)})
    shared = halt_of(cfg.runs)
    if json_:
        print_json({"halted": None if shared is None else shared.sentence, "runs": rows})
        return
    screen = console()
    if shared is not None:
        screen.print(f"Every run is {shared.sentence}", style="bold red", markup=False, soft_wrap=True)
    if not rows:
        screen.print(f"There are no runs in {cfg.runs}; start one with: mirrorfast live", markup=False, soft_wrap=True)
        return
    left, right = "left", "right"
    columns = [
        ("run", left), ("mode", left), ("status", left), ("last bar", left), ("equity", right), ("drawdown", right),
        ("positions", right), ("trades", right), ("errors", right),
    ]  # fmt: skip
    show_table(screen, "Runs", columns, [_cells(row) for row in rows])
    for row in rows:
        for word in ("process", "halted", "error"):
            if row.get(word):
                screen.print(f"{row['run']}: {row[word]}", markup=False, soft_wrap=True)


def _cells(row: dict[str, Any]) -> list[str]:
    if row["status"] == "unreadable":
        return [row["run"], "", "unreadable", *[""] * 6]
    state = "halted" if row["halted"] else row["status"]
    drawdown = "" if row["drawdown"] is None else f"{row['drawdown']:.1%}"
    return [
        row["run"], row["mode"], state, when(row["last_bar"]), money(row["equity"]), drawdown,
        str(row["positions"]), str(row["trades"]), str(row["errors"]),
    ]  # fmt: skip


def _state(cfg: "TradingConfig", ledger: "Ledger", name: str) -> dict[str, Any]:
    import polars as pl

    from mirrorfast.analytics.audit import holdings
    from mirrorfast.execution.control import halt_of
    from mirrorfast.ledger.database import sqlite_path
    from mirrorfast.ledger.instance import LOCK_FILE, is_held, owner_of

    info, equity = ledger.info(name), ledger.frame("equity", name)
    path = sqlite_path(ledger.target)
    folder = path.absolute().parent if path is not None else cfg.runs / name
    halt = halt_of(folder)
    owner = owner_of(folder / LOCK_FILE)
    runs = is_held(folder / LOCK_FILE)
    incidents = ledger.frame("incidents", name).filter(pl.col("severity").is_in(["error", "critical"]))
    last = None if equity.is_empty() else equity.row(-1, named=True)
    state = info["status"]
    if state == "running" and not runs:
        state = "stopped"  # its process ended without a word: it can be resumed
    return {
        "run": name,
        "mode": info["mode"],
        "status": state,
        "process": owner.sentence if owner is not None and runs else None,
        "halted": None if halt is None else halt.sentence,
        "started": info["started"],
        "last_bar": None if last is None else int(last["ts"].timestamp() * 1_000),
        "equity": None if last is None else last["equity"],
        "cash": None if last is None else last["cash"],
        "exposure": None if last is None else last["exposure"],
        "drawdown": None if last is None else last["drawdown"],
        "positions": len(holdings(ledger, name)),
        "trades": ledger.frame("trades", name).height,
        "errors": incidents.height,
        "error": None if incidents.is_empty() else incidents["message"][-1],
        "ledger": ledger.name,
    }


def positions(
    run: RunOption = None, ledger: LedgerOption = None, config: ConfigOption = None, json_: JsonOption = False
) -> None:
    """Show what a run holds, with stops and unrealised profit."""
    from mirrorfast.analytics.audit import holdings

    with opened(load(config), run, ledger) as (found, name):
        rows = holdings(found, name)
    if json_:
        print_json({"run": name, "positions": rows})
        return
    screen = console()
    if not rows:
        screen.print(f"Run {name} holds nothing.", markup=False, soft_wrap=True)
        return
    columns = [
        ("symbol", "left"),
        *((n, "right") for n in ("quantity", "entry", "last", "unrealised", "stop", "since")),
    ]
    cells = [
        [
            row["symbol"], figure(row["quantity"]), figure(row["average_price"]), figure(row["last_price"]),
            money(row["unrealised"]), figure(row["stop"]) or "none", when(row["since"]),
        ]
        for row in rows
    ]  # fmt: skip
    show_table(screen, f"Positions of run {name}", columns, cells)


def trades(
    run: RunOption = None,
    ledger: LedgerOption = None,
    symbol: Annotated[str | None, typer.Option(help="Only trades of this symbol.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 20,
    audit: Annotated[
        int | None,
        typer.Option(metavar="ID", help="Everything that led to this trade: votes, risk, orders, fills."),
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Write all of them: a .csv or .parquet file.")] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Show the closed round trips of a run, or the whole trail of one of them."""
    import polars as pl

    from mirrorfast.analytics.audit import audit_trade
    from mirrorfast.cli.journal import show_trail
    from mirrorfast.errors import ParameterError

    if export is not None and export.suffix.lower() not in (".csv", ".parquet"):
        raise ParameterError(f"--export = {export}: expected a .csv or .parquet file")
    with opened(load(config), run, ledger) as (found, name):
        if audit is not None:
            trail = audit_trade(found, name, audit)
            if json_:
                print_json({"run": name, **trail})
            else:
                show_trail(console(), f"Trade {audit} of run {name}", trail)
            return
        frame = found.frame("trades", name)
    if symbol is not None:
        known = frame["symbol"].unique().sort().to_list()
        frame = frame.filter(pl.col("symbol") == symbol)
        if frame.is_empty() and known:
            raise ParameterError(f"--symbol = {symbol!r}: expected one of {', '.join(known[:10])}")
    if export is not None:
        frame.write_csv(export) if export.suffix.lower() == ".csv" else frame.write_parquet(export)
    shown = frame.tail(last)
    if json_:
        rows = shown.with_columns(pl.col("entry_ts", "exit_ts").dt.epoch("ms")).to_dicts()
        print_json({"run": name, "trades": frame.height, "rows": rows})
        return
    screen = console()
    if frame.is_empty():
        screen.print(f"Run {name} has closed no trade yet.", markup=False, soft_wrap=True)
        return
    names = ("id", "symbol", "side", "quantity", "entered", "at", "left", "at", "profit", "of entry", "why")
    columns = [(n, "left" if n in ("symbol", "side", "entered", "left", "why") else "right") for n in names]
    cells = [
        [
            str(t["id"]), t["symbol"], t["side"], figure(t["quantity"]), when(t["entry_ts"]), figure(t["entry_price"]),
            when(t["exit_ts"]), figure(t["exit_price"]), money(t["pnl"]),
            "" if t["return_fraction"] is None else f"{t['return_fraction']:.2%}", t["exit"] or "",
        ]
        for t in shown.iter_rows(named=True)
    ]  # fmt: skip
    show_table(screen, f"Trades of run {name}: the last {shown.height} of {frame.height}", columns, cells)
    if export is not None:
        screen.print(f"Written  {export}", soft_wrap=True, highlight=False)
