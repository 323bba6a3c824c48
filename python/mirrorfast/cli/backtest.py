"""`mirrorfast backtest`: the engine's Rust loop over a table of bars."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mirrorfast.cli.figures import figures, plain
from mirrorfast.cli.options import (
    BarsOption,
    ConfigOption,
    FromOption,
    JsonOption,
    StrategyOption,
    SymbolsOption,
    ToOption,
    console,
    load,
    print_json,
)

if TYPE_CHECKING:
    from mirrorfast.backtest import BacktestResult

__all__ = ["backtest"]


def backtest(
    bars: BarsOption = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    strategy: StrategyOption = None,
    report: Annotated[Path | None, typer.Option(help="Write the HTML report here.")] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="ONNX model whose wish the decisions take in, by --meta.")
    ] = None,
    meta: Annotated[
        Literal["rule_only", "rl_only", "confidence_blend", "regime_adaptive"] | None,
        typer.Option(help="Who decides: rules, policy, or a blend. Default: the configuration's, or confidence_blend."),
    ] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Run strategies, ensemble and risk engine over bars, as fast as the machine can."""
    from mirrorfast.backtest.runner import backtest as run
    from mirrorfast.cli.policy import decided, trained
    from mirrorfast.cli.span import chosen

    cfg, table = chosen(load(config), bars, symbols, start, end)
    result = run(table, strategies=strategy or None, config=decided(cfg, meta), policy=trained(policy))
    written = result.tearsheet(report) if report is not None else None
    if json_:
        print_json(_plain(result, written))
    else:
        _print(result, written)


def _plain(result: "BacktestResult", written: Path | None) -> dict[str, Any]:
    return {
        "bars": result.bars.height,
        "seconds": result.seconds,
        "trades": result.trades.height,
        "capital": result.config.capital,
        "equity": result.final_equity,
        "stats": plain(result.stats),
        "report": None if written is None else str(written),
    }


def _print(result: "BacktestResult", written: Path | None) -> None:
    from rich import box
    from rich.table import Table

    screen = console()
    table = Table(title="Backtest", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("bars", f"{result.bars.height:,}")
    table.add_row("time", f"{result.seconds:.3f} s, {result.bars.height / result.seconds:,.0f} bars/s")
    table.add_row("equity", f"{result.final_equity:,.2f} of {result.config.capital:,.2f}")
    table.add_row("closed trades", f"{result.trades.height:,}")
    for label, value in figures(result.stats):
        table.add_row(label, value)
    screen.print(table)
    if written is not None:
        screen.print(f"Report  {written}", soft_wrap=True, highlight=False)
