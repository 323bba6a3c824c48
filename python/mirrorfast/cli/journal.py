"""``mirrorfast journal``: check, read and copy what a run wrote down."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, load, print_json
from mirrorfast.cli.records import LedgerOption, figure, money, opened, when

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["app", "show_trail"]

app = typer.Typer(no_args_is_help=True, help="Check, read and copy the journal of a run.")
RunArgument = Annotated[str | None, typer.Argument(help="Name of the run. Default: the one written last.")]


@app.command()
def verify(
    run: RunArgument = None, ledger: LedgerOption = None, config: ConfigOption = None, json_: JsonOption = False
) -> None:
    """Fold the journal again and compare with the tables; check its chain of digests. Exits with 1 on a difference."""
    with opened(load(config), run, ledger) as (found, name):
        result = found.verify(name)
        where = found.name
    if json_:
        print_json(asdict(result) | {"ledger": where, "ok": result.is_sound})
    else:
        screen = console()
        rows = ", ".join(f"{count:,} {table}" for table, count in result.rows.items() if count)
        if result.is_sound:
            screen.print(
                f"Run {name} is sound: {result.events:,} events make its {rows or 'empty tables'}.",
                markup=False, soft_wrap=True,
            )  # fmt: skip
            screen.print(f"Digest  {result.digest}", soft_wrap=True)
        else:
            screen.print(f"Run {name} is not what its journal says:", markup=False, style="bold red", soft_wrap=True)
            for problem in result.problems:
                screen.print(f"  {problem}", markup=False, soft_wrap=True)
            screen.print("Restore a backup, or ask how it came to be before trading on.", markup=False)
    if not result.is_sound:
        raise typer.Exit(1)


@app.command()
def show(
    run: RunArgument = None,
    ledger: LedgerOption = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only events of this kind, such as order or incident; may be repeated.")
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    last: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 40,
    decision: Annotated[
        int | None, typer.Option(metavar="ID", help="The whole trail of this decision: votes, risk, orders, fills.")
    ] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Show the newest events of a run, or everything that followed from one decision."""
    import polars as pl

    from mirrorfast.analytics.audit import audit_decision
    from mirrorfast.errors import ParameterError
    from mirrorfast.ledger.events import FIELDS

    for word in kind or []:
        if word not in FIELDS:
            raise ParameterError(f"--kind = {word!r}: expected one of {', '.join(FIELDS)}")
    with opened(load(config), run, ledger) as (found, name):
        if decision is not None:
            trail = audit_decision(found, name, decision)
            if json_:
                print_json({"run": name, **trail})
            else:
                show_trail(console(), f"Decision {decision} of run {name}", trail)
            return
        found.info(name)
        events = found.frame("events", name).filter(pl.col("seq") > after)
    if kind:
        events = events.filter(pl.col("kind").is_in(kind))
    events = events.tail(last).with_columns(pl.col("ts").dt.epoch("ms"))
    if json_:
        rows = [
            {"seq": row["seq"], "ts": row["ts"], "kind": row["kind"], "payload": json.loads(row["payload"])}
            for row in events.iter_rows(named=True)
        ]
        print_json({"run": name, "events": rows})
        return
    screen = console()
    for row in events.iter_rows(named=True):
        said = ", ".join(
            f"{k} {_short(v)}" for k, v in json.loads(row["payload"]).items() if v not in (None, [], {}, "")
        )
        screen.print(f"{row['seq']:>7}  {when(row['ts'])}  {row['kind']:<12}  {said}", markup=False)
    if events.is_empty():
        screen.print(f"Run {name} has no such events.", markup=False, soft_wrap=True)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to make; an existing one is never replaced.")],
    run: Annotated[str | None, typer.Option("--run", help="Name of the run. Default: the one written last.")] = None,
    ledger: LedgerOption = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Copy a ledger while it is being written, and check the copy. A server has its own tools: pg_dump."""
    from mirrorfast.ledger import Ledger

    with opened(load(config), run, ledger) as (found, _):
        copy = found.backup(file)
        where = found.name
    # A copy that nobody has read is a hope.
    with Ledger.open(copy, create=False) as made:
        checked = {name: made.verify(name).is_sound for name in made.runs()["id"].to_list()}
    size = copy.stat().st_size
    if json_:
        print_json({"ledger": where, "backup": str(copy), "bytes": size, "runs": checked, "ok": all(checked.values())})
    else:
        console().print(f"{where} is copied to {copy} ({size:,} bytes)", markup=False, soft_wrap=True)
        for name, sound in checked.items():
            console().print(f"  run {name}: {'sound' if sound else 'NOT what its journal says'}", markup=False)
    if not all(checked.values()):
        raise typer.Exit(1)


def show_trail(screen: "Console", title: str, trail: dict[str, Any]) -> None:
    """Print the trail of a decision or trade in the order of time."""
    from rich.text import Text

    screen.print(Text(title, style="bold"))
    lines: list[tuple[int, int, list[str]]] = [(d["ts"], d["seq"], _decision(d)) for d in trail["decisions"]]
    for o in trail["orders"]:
        price = f" at {figure(o['price'] or o['trigger'])}" if o["price"] or o["trigger"] else ""
        reason = f": {o['reason']}" if o["reason"] else ""
        text = (
            f"order {o['id']} ({o['purpose']}): {o['side']} {figure(o['quantity'])} {o['symbol']}, {o['type']}{price}; "
            f"{o['status']}{reason}, {figure(o['filled'])} filled  [{o['client_order_id']}]"
        )
        lines.append((o["ts"], o["seq"], [text]))
    for f in trail["fills"]:
        text = (
            f"fill {f['id']} of order {f['order']}: {f['side']} {figure(f['quantity'])} at {figure(f['price'])}, "
            f"fee {money(f['fee'])}"
        )
        lines.append((f["ts"], f["seq"], [text]))
    for t in trail["trades"]:
        text = (
            f"trade {t['id']}: {t['side']} {figure(t['quantity'])} {t['symbol']} from {figure(t['entry_price'])} to "
            f"{figure(t['exit_price'])}: {money(t['pnl'])} after {money(t['fees'])} fees ({t['exit'] or 'closed'})"
        )
        lines.append((t["exit_ts"], t["seq"], [text]))
    for ts, _, texts in sorted(lines, key=lambda line: (line[1], line[0])):
        screen.print(Text(when(ts), style="dim") + Text(f"  {texts[0]}"), overflow="fold")
        for more in texts[1:]:
            screen.print(Text(f"    {more}"), overflow="fold")


def _decision(d: dict[str, Any]) -> list[str]:
    first = (
        f"decision {d['id']} on {d['symbol']} at {figure(d['price'])}: target {figure(d['target'])} ({d['method']}, "
        f"confidence {figure(d['confidence'])}, {d['regime'] or 'no regime'}): {d['verdict']}"
    )
    votes = [
        f"{name} {'warming up' if v['signal'] is None else format(v['signal'], '+.2f')}"
        f" × {v['confidence'] or 0:.2f} → {v['contribution'] or 0:+.3f}"
        for name, v in d["votes"].items()
    ]
    return [first, "votes: " + "; ".join(votes), *(f"risk: {reason}" for reason in d["reasons"])]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "…"
