"""`mirrorfast live`: paper-trades a market replay end to end."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    import polars as pl

    from mirrorfast.config import TradingConfig
    from mirrorfast.system import IntegratedTradingSystem, RunSummary

__all__ = ["live", "narrowed"]


def live(
    bars: Annotated[
        Path | None,
        typer.Option(help="Bars to replay: a .parquet or .csv file, or a folder of them. Default: bundled market."),
    ] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these symbols, separated by commas.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD (UTC), inclusive.")] = None,
    speed: Annotated[str, typer.Option(help="Bars per second and symbol, or 'max'. 1 shows one bar a second.")] = "max",
    run: Annotated[str | None, typer.Option(help="Name of the run; one that was stopped goes on where it was.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file (see 'mirrorfast config init').")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object and no live view.")] = False,
) -> None:
    """Paper-trade a market replay: feed, features, strategies, ensemble, risk, broker, ledger and report.

    Nothing reaches a real exchange. Ctrl-C stops at the next bar; start again with the same --run to go on.
    """
    from rich.console import Console

    from mirrorfast.config import load_config
    from mirrorfast.data.files import read_bars
    from mirrorfast.data.sample import sample_bars
    from mirrorfast.system import IntegratedTradingSystem

    pace = _speed(speed)
    cfg = load_config(config)
    table = read_bars(bars) if bars is not None else sample_bars()
    table = narrowed(table, symbols, start, end)
    system = IntegratedTradingSystem(cfg, bars=table, run=run, speed=pace)
    console = Console()
    with ExitStack() as stack:
        summary = system.run(watch=None if json_ else _watch(stack, console, cfg))
    if json_:
        print(json.dumps(_plain(summary), indent=2))  # noqa: T201 - the output asked for
    else:
        _print(console, summary)


def _watch(stack: ExitStack, console: Any, cfg: TradingConfig) -> Any:
    from mirrorfast.cli.live_view import LiveView

    def watch(system: IntegratedTradingSystem, total: int) -> list[Any]:
        view = LiveView(
            system.engine, system.symbols, run=system.run_id, capital=float(cfg.capital), total=total, console=console
        )
        return [stack.enter_context(view)]

    return watch


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise ParameterError(f"--speed = {text!r}: expected 'max' or a number of bars per second > 0")
    return value


def narrowed(table: pl.DataFrame, symbols: str | None, start: str | None, end: str | None) -> pl.DataFrame:
    """Bars of the symbols and days asked for.

    Parameters
    ----------
    table
        Bar table.
    symbols
        Names separated by commas, or ``None`` for all.
    start, end
        First and last day, ``YYYY-MM-DD``, UTC, both inclusive.

    Returns
    -------
    polars.DataFrame
        The part of the table.

    Raises
    ------
    ParameterError
        For a symbol that is not there, something that is no day, or a span without bars.
    """
    import polars as pl

    if symbols is not None:
        wanted = [s.strip() for s in symbols.split(",") if s.strip()]
        known = table["symbol"].unique(maintain_order=True).to_list()
        for name in wanted or [symbols]:
            if name not in known:
                raise ParameterError(f"--symbols = {name!r}: expected some of {', '.join(known)}")
        table = table.filter(pl.col("symbol").is_in(wanted))
    first, last = _day("--from", start), _day("--to", end)
    if first is not None:
        table = table.filter(pl.col("timestamp") >= first)
    if last is not None:
        table = table.filter(pl.col("timestamp").dt.date() <= last.date())
    if table.is_empty():
        raise ParameterError(f"--from {start} --to {end}: expected a span that has bars")
    return table


def _day(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ParameterError(f"{option} = {text!r}: expected a day such as 2017-08-01") from None


def _plain(summary: RunSummary) -> dict[str, Any]:
    def number(v: Any) -> Any:
        return None if isinstance(v, float) and not math.isfinite(v) else v

    return {
        "run": summary.run,
        "status": summary.status,
        "bars": summary.bars,
        "trades": summary.trades,
        "capital": summary.capital,
        "equity": summary.equity,
        "stats": {k: number(v) for k, v in summary.stats.items()},
        "strategies": [{k: number(v) for k, v in row.items()} for row in summary.strategies],
        "ledger": summary.ledger,
        "report": str(summary.report) if summary.report else None,
    }


_FIGURES = (
    ("total_return", "total return", "{:+.2%}"),
    ("annual_return", "annual return", "{:+.2%}"),
    ("annual_volatility", "annual volatility", "{:.2%}"),
    ("sharpe", "Sharpe ratio", "{:.2f}"),
    ("sortino", "Sortino ratio", "{:.2f}"),
    ("max_drawdown", "maximum drawdown", "{:.2%}"),
    ("win_rate", "win rate", "{:.1%}"),
    ("profit_factor", "profit factor", "{:.2f}"),
    ("exposure", "time in the market", "{:.1%}"),
)


def _print(console: Any, summary: RunSummary) -> None:
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"Run {summary.run}: {summary.status}", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold"
    )
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("bars", f"{summary.bars:,}")
    table.add_row("equity", f"{summary.equity:,.2f} of {summary.capital:,.2f}")
    table.add_row("closed trades", f"{summary.trades:,}")
    for key, label, form in _FIGURES:
        value = summary.stats.get(key)
        table.add_row(label, "–" if value is None or not math.isfinite(value) else form.format(value))
    console.print(table)
    console.print(f"Ledger  {summary.ledger}", soft_wrap=True, highlight=False)
    console.print(f"Report  {summary.report}", soft_wrap=True, highlight=False)
    if summary.status != "finished":
        console.print(f"Stopped. Go on with: mirrorfast live --run {summary.run}", soft_wrap=True, highlight=False)
