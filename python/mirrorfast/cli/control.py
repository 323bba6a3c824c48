"""``mirrorfast halt`` and ``mirrorfast resume``: the kill switch of a person."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, load, print_json

__all__ = ["halt", "resume"]

RunOption = Annotated[
    str | None, typer.Option("--run", help="Only this run. Default: every run, those to come included.")
]
LedgerOption = Annotated[
    Path | None, typer.Option("--ledger", help="Only the run whose folder holds this ledger.sqlite.", exists=False)
]


def halt(
    reason: Annotated[str, typer.Option(help="Why, for whoever finds it halted.")],
    run: RunOption = None,
    ledger: LedgerOption = None,
    close: Annotated[
        bool | None,
        typer.Option("--close/--keep", help="Close positions, or keep them with their stops. Default: the run's own."),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until running runs took note.")] = 5.0,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Stop trading: no new orders, resting entries are withdrawn. Stays on, across restarts, until `resume`.

    Works on runs of this machine, running or not. Exits with 1 if a running run did not take note in time: then stop
    its process.
    """
    from mirrorfast.execution.control import ask_to_halt

    cfg = load(config)
    folder = _folder(cfg.runs, run, ledger)
    everything = folder is None
    target = cfg.runs if folder is None else folder
    if everything:
        target.mkdir(parents=True, exist_ok=True)
    ask_to_halt(target, reason, policy=None if close is None else ("close" if close else "keep"))
    rows = _settled(_folders(cfg.runs) if everything else [target], wait)
    late = [row for row in rows if row["running"] and not row["engaged"]]
    if json_:
        print_json({"halted": str(target), "reason": reason, "runs": rows, "ok": not late})
    else:
        screen = console()
        what = f"Every run in {target}" if everything else f"Run {target.name}"
        screen.print(f"{what} is told to halt: {reason}", markup=False, soft_wrap=True)
        for row in rows:
            if row["running"]:
                state = "halted" if row["engaged"] else f"has not taken note after {wait:g} s (process {row['pid']})"
                screen.print(f"  {row['run']}: {state}", markup=False, soft_wrap=True)
        if not any(row["running"] for row in rows):
            screen.print("  None is running now; what is started will start halted.", markup=False)
        how = "" if everything else f" --run {target.name}"
        screen.print(f"Lift it with: mirrorfast resume{how} --reason …", markup=False, soft_wrap=True)
    if late:
        raise typer.Exit(1)


def resume(
    reason: Annotated[str, typer.Option(help="Why trading may go on.")],
    run: RunOption = None,
    ledger: LedgerOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for a person's own scripts.")] = False,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Lift a halt, a person's or the risk engine's. Trading goes on at the next cycle."""
    from mirrorfast.errors import ParameterError
    from mirrorfast.execution.control import HALT_FILE, ask_to_resume, halt_of

    cfg = load(config)
    folder = _folder(cfg.runs, run, ledger)
    shared = halt_of(cfg.runs)
    if folder is not None and shared is not None:
        raise ParameterError(
            f"run {folder.name!r}: every run is {shared.sentence} ({cfg.runs / HALT_FILE}); resume without --run"
        )
    # A run that the risk engine halted has no file: named by a person, it is lifted all the same.
    folders = [folder] if folder is not None else [f for f in _folders(cfg.runs) if halt_of(f) is not None]
    halts = {f.name: halt_of(f) for f in folders}
    if folder is None and shared is None and not folders:
        raise ParameterError(f"{cfg.runs}: no run is halted by a person; name one with --run to lift a halt by risk")
    if not yes:
        _confirm(halts, shared, json_)
    for each in folders:
        ask_to_resume(each, reason)
    if folder is None:
        # Last: a run that looks in between is still halted.
        (cfg.runs / HALT_FILE).unlink(missing_ok=True)
    if json_:
        print_json({"resumed": list(halts), "reason": reason})
        return
    screen = console()
    for name in halts:
        screen.print(f"Run {name}: trading may go on", markup=False, soft_wrap=True)
    if not halts:
        screen.print("Runs may start again", markup=False)


def _confirm(halts: dict[str, Any], shared: Any, json_: bool) -> None:
    from mirrorfast.errors import ParameterError

    if not sys.stdin.isatty():
        raise ParameterError("resume: expected a person at a terminal to confirm, or --yes")
    screen = console(stderr=json_)
    if shared is not None:
        screen.print(f"Every run is {shared.sentence}", markup=False)
    for name, known in halts.items():
        said = known.sentence if known is not None else "not halted by a person; a halt by risk is lifted"
        screen.print(f"Run {name}: {said}", markup=False)
    typer.confirm("Go on trading?", abort=True, err=json_)


def _folder(runs: Path, run: str | None, ledger: Path | None) -> Path | None:
    from mirrorfast.errors import ParameterError
    from mirrorfast.ledger.identifiers import check_run

    if run is not None and ledger is not None:
        raise ParameterError(f"--ledger = {ledger}: expected without --run")
    if ledger is not None:
        if not ledger.is_file():
            raise ParameterError(f"--ledger = {ledger}: expected the file ledger.sqlite of a run")
        return ledger.absolute().parent
    if run is None:
        return None
    folder = runs / check_run(run)
    if not folder.is_dir():
        known = ", ".join(f.name for f in _folders(runs)[-5:]) or "none"
        raise ParameterError(f"--run = {run!r}: expected a run in {runs} (there are: {known})")
    return folder


def _folders(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    return sorted(f for f in runs.iterdir() if f.is_dir() and not f.name.startswith("."))


def _settled(folders: list[Path], wait: float) -> list[dict[str, Any]]:
    """Look until every running run took note, at most so many seconds."""
    from mirrorfast.execution.control import halt_of
    from mirrorfast.ledger.instance import LOCK_FILE, is_held, owner_of

    deadline = time.monotonic() + wait
    while True:
        rows = []
        for folder in folders:
            owner, known = owner_of(folder / LOCK_FILE), halt_of(folder)
            running = is_held(folder / LOCK_FILE)
            rows.append(
                {
                    "run": folder.name,
                    "running": running,
                    "pid": owner.pid if owner is not None and running else None,
                    "engaged": known is not None and known.engaged is not None,
                    "halt": None if known is None else asdict(known),
                }
            )
        if all(row["engaged"] or not row["running"] for row in rows) or time.monotonic() >= deadline:
            return rows
        time.sleep(0.05)
