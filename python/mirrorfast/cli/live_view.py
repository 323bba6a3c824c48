"""What a person sees while a run goes on: progress, account, positions, and the last decisions with their reasons."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from mirrorfast._core import DecisionEngine
    from mirrorfast.execution.loop import Update

__all__ = ["LiveView"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_HISTORY = 4_000
_SHOWN_DECISIONS = 6


def sparkline(values: list[float], width: int) -> str:
    """Values as a row of blocks, ``width`` characters at most; each block is the last value of its share."""
    if not values:
        return ""
    step = max(1.0, len(values) / width)
    picked = [values[min(len(values) - 1, int((k + 1) * step) - 1)] for k in range(min(width, len(values)))]
    low, high = min(picked), max(picked)
    if high == low:
        return _BLOCKS[3] * len(picked)
    return "".join(_BLOCKS[round((v - low) / (high - low) * 7)] for v in picked)


def clock(ts: int) -> str:
    """Milliseconds as a UTC time for people."""
    return f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d %H:%M}"


def signed(value: float, *, percent: bool = False) -> Text:
    """Write a number with its sign, green or red; the sign alone says it too."""
    text = f"{value:+.2%}" if percent else f"{value:+,.2f}"
    return Text(text, style="green" if value > 0 else "red" if value < 0 else "dim")


def why(decision: dict[str, Any]) -> str:
    """Say in one line what the strategies wanted and which rules held the decision back."""
    votes = ", ".join(
        f"{name} {vote['signal']:+.2f}" for name, vote in decision["votes"].items() if vote["signal"] not in (None, 0.0)
    )
    return "; ".join(part for part in (votes, *decision["binding"]) if part)


class LiveView:
    """A rich view of a run; an observer of the trading loop.

    Parameters
    ----------
    engine
        Asked for the open positions.
    symbols
        Names by symbol id.
    run
        Identifier of the run.
    capital
        Equity at the start.
    total
        Number of bar times to come, where known.
    console
        Where to draw; a console that is no terminal gets a line at every tenth of the way.
    """

    def __init__(
        self,
        engine: DecisionEngine,
        symbols: list[str],
        *,
        run: str,
        capital: float,
        total: int | None,
        console: Console | None = None,
    ) -> None:
        self._engine = engine
        self._symbols = symbols
        self._run = run
        self._capital = capital
        self._console = console or Console()
        self._equity: deque[float] = deque(maxlen=_HISTORY)
        self._account: dict[str, Any] = {}
        self._decisions: deque[dict[str, Any]] = deque(maxlen=_SHOWN_DECISIONS)
        self._trades = 0
        self._wins = 0
        self._fees = 0.0
        self._ts = 0
        self._said = 0
        self._progress = Progress(
            TextColumn("[bold]{task.fields[clock]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            expand=True,
        )
        self._task = self._progress.add_task("bars", total=total, clock="")
        self._live = Live(
            console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True, auto_refresh=True
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def on_batch(self, update: Update) -> None:
        """Take note of one bar time.

        Parameters
        ----------
        update
            What it brought.
        """
        self._ts = update.ts
        self._account = update.equity
        self._equity.append(update.equity["equity"])
        for d in update.decisions:
            if d["order_id"] is not None or d["verdict"] == "refused":
                self._decisions.appendleft(d)
        for t in update.trades:
            self._trades += 1
            self._wins += t["pnl"] > 0
        self._fees += sum(f["fee"] * (f["rate"] or 1.0) for f in update.fills)
        self._progress.update(self._task, completed=update.done, clock=clock(update.ts))
        if not self._console.is_terminal and update.total:
            tenth = update.done * 10 // update.total
            if tenth > self._said:
                self._said = tenth
                self._console.print(f"{clock(update.ts)}  {tenth * 10:3d} %  equity {update.equity['equity']:,.2f}")

    def _render(self) -> Group:
        return Group(self._header(), self._positions(), self._last_decisions(), self._progress)

    def _header(self) -> Panel:
        width = max(20, min(self._console.width - 58, 120))
        equity = self._account.get("equity", self._capital)
        facts = Table.grid(padding=(0, 2))
        facts.add_row(
            Text("equity", style="dim"),
            Text(f"{equity:,.2f}", style="bold"),
            signed(equity / self._capital - 1.0, percent=True),
        )
        drawdown = self._account.get("drawdown") or 0.0
        exposure = self._account.get("exposure") or 0.0
        facts.add_row(Text("drawdown", style="dim"), f"{drawdown:.2%}", Text(f"exposure {exposure:.0%}", style="dim"))
        won = f"{self._wins / self._trades:.0%} won" if self._trades else "none yet"
        facts.add_row(
            Text("trades", style="dim"), f"{self._trades}", Text(f"{won}, fees {self._fees:,.2f}", style="dim")
        )
        grid = Table.grid(expand=True, padding=(0, 2))
        grid.add_column(width=width)
        grid.add_column()
        grid.add_row(Text(sparkline(list(self._equity), width), style="cyan"), facts)
        return Panel(
            grid, title=f"[bold]mirrorfast live[/] · paper · run {self._run}", title_align="left", box=box.ROUNDED
        )

    def _positions(self) -> Table:
        table = Table(
            title="Open positions", title_justify="left", box=box.SIMPLE_HEAD, expand=True, title_style="bold"
        )
        for name, justify in (
            ("symbol", "left"),
            ("side", "left"),
            ("quantity", "right"),
            ("entry", "right"),
            ("last", "right"),
            ("unrealised", "right"),
            ("stop", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        positions = self._engine.positions()
        for p in positions:
            table.add_row(
                self._symbols[p["symbol"]],
                "long" if p["quantity"] > 0 else "short",
                f"{abs(p['quantity']):,.8g}",
                f"{p['average_price']:,.8g}",
                f"{p['last_price']:,.8g}",
                signed(p["unrealised"]),
                "–" if p["stop"] is None else f"{p['stop']:,.8g}",
            )
        if not positions:
            table.add_row(Text("flat", style="dim"), *[""] * 6)
        return table

    def _last_decisions(self) -> Table:
        table = Table(
            title="Last orders and refusals", title_justify="left", box=box.SIMPLE_HEAD, expand=True, title_style="bold"
        )
        table.add_column("time", no_wrap=True)
        table.add_column("symbol", no_wrap=True)
        table.add_column("consensus", justify="right", no_wrap=True)
        table.add_column("action", no_wrap=True)
        table.add_column("why", ratio=1, overflow="ellipsis", no_wrap=True)
        for d in self._decisions:
            rule = d["rule_position"]
            quantity = d["quantity"] or 0.0
            action = (
                "refused" if d["verdict"] == "refused" else f"{'buy' if quantity > 0 else 'sell'} {abs(quantity):.6g}"
            )
            table.add_row(
                clock(d["ts"]),
                d["symbol"],
                "–" if rule is None else f"{rule:+.2f}",
                Text(action, style="yellow" if d["verdict"] == "refused" else "green" if quantity > 0 else "red"),
                why(d),
            )
        return table
