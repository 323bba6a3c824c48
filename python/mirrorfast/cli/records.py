"""Finding the ledger of a run, and showing rows of it: what the commands on records share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.errors import LedgerError

if TYPE_CHECKING:
    from rich.console import Console

    from mirrorfast.config import TradingConfig
    from mirrorfast.ledger import Ledger

__all__ = ["LedgerOption", "RunOption", "figure", "ledgers", "money", "opened", "show_table", "when"]

RunOption = Annotated[str | None, typer.Option("--run", help="Name of the run. Default: the one written last.")]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", metavar="FILE|URL", help="Ledger to read. Default: that of the configuration or the run."),
]


@contextmanager
def opened(cfg: "TradingConfig", run: str | None, ledger: str | None) -> Iterator[tuple["Ledger", str]]:
    """Open the ledger of a run and tell the run's name."""
    from mirrorfast.ledger import Ledger
    from mirrorfast.ledger.identifiers import check_run

    name = None if run is None else check_run(run)
    target: str | Path
    if ledger is not None:
        target = ledger
    elif cfg.ledger is not None:
        target = cfg.ledger.get_secret_value()
    elif name is not None:
        target = cfg.runs / name / "ledger.sqlite"
    else:
        target = _newest(cfg.runs)
    with Ledger.open(target, create=False) as found:
        yield found, found.latest_run() if name is None else name


def ledgers(runs: Path) -> list[Path]:
    """Ledgers of runs in a folder, the one that was written last first."""
    if not runs.is_dir():
        return []
    found = [(_written(file), file) for file in runs.glob("*/ledger.sqlite")]
    return [file for _, file in sorted(found, reverse=True)]


def _written(file: Path) -> float:
    # The log beside it is what a running process writes to.
    wal = file.with_name(file.name + "-wal")
    return max(f.stat().st_mtime for f in (file, wal) if f.exists())


def _newest(runs: Path) -> Path:
    found = ledgers(runs)
    if not found:
        raise LedgerError(f"{runs}: there are no runs yet; start one with: mirrorfast live")
    return found[0]


def when(ts: Any) -> str:
    """Write a time for people."""
    if ts is None:
        return ""
    if not isinstance(ts, datetime):
        ts = datetime.fromtimestamp(ts / 1_000, UTC)
    text = f"{ts:%Y-%m-%d %H:%M:%S}"
    return text.removesuffix(":00")


def show_table(
    screen: "Console", title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]
) -> None:
    """Print a table; a terminal that is too narrow for it gets a block of lines for each row.

    Columns are pairs of a name and ``left`` or ``right``.
    """
    from rich.text import Text

    widths = [max([len(name), *(len(row[k]) for row in rows)]) for k, (name, _) in enumerate(columns)]
    screen.print(Text(title, style="bold"), soft_wrap=True)
    if screen.is_terminal and sum(widths) + 2 * len(columns) > screen.width:
        wide = max(len(name) for name, _ in columns)
        for row in rows:
            for (name, _), cell in zip(columns, row, strict=True):
                if cell:
                    screen.print(Text(f"{name:<{wide}}  ", style="dim") + Text(cell), overflow="fold")
            screen.print()
        return
    sides = ["rjust" if side == "right" else "ljust" for _, side in columns]

    def line(cells: Sequence[str]) -> Text:
        # Names of symbols and words of venues come from outside: they are text, not markup.
        padded = (getattr(cell, side)(width) for cell, side, width in zip(cells, sides, widths, strict=True))
        return Text("  ".join(padded).rstrip())

    head = line([name for name, _ in columns])
    head.stylize("dim")
    for each in (head, *(line(row) for row in rows)):
        screen.print(each, soft_wrap=True)


def money(value: Any) -> str:
    """Write an amount for people."""
    return "" if value is None else f"{float(value):,.2f}"


def figure(value: Any) -> str:
    """Write a price or quantity for people: eight digits that say something."""
    return "" if value is None else f"{float(value):.8g}"
