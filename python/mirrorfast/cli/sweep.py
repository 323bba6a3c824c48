"""`mirrorfast sweep`: the same backtest over many parameter sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirrorfast.cli.figures import plain
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
from mirrorfast.cli.search_options import (
    JobsOption,
    MetricOption,
    SearchOption,
    SeedOption,
    SetOption,
    TrialsOption,
    heading,
    rows_of,
    short,
    space_of,
    write_table,
)
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    import polars as pl

    from mirrorfast.backtest import SweepResult

__all__ = ["sweep"]


def sweep(
    set_: SetOption = None,
    bars: BarsOption = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    strategy: StrategyOption = None,
    search: SearchOption = "grid",
    trials: TrialsOption = None,
    metric: MetricOption = "sharpe",
    jobs: JobsOption = 1,
    seed: SeedOption = 0,
    store: Annotated[
        Path | None, typer.Option(help="Keep results in this file; the same command goes on where it was stopped.")
    ] = None,
    top: Annotated[int, typer.Option(help="Combinations to show, the best first.", min=1)] = 10,
    output: Annotated[Path | None, typer.Option(help="Write all rows here (.csv or .parquet).")] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Backtest many combinations of parameters, and say what the best one is worth."""
    from mirrorfast.backtest.sweeps import sweep as run
    from mirrorfast.cli.span import chosen

    if not set_:
        raise ParameterError(
            "--set is missing: expected at least one parameter, such as --set ut_bot.atr_period=5,10,20"
        )
    cfg, table = chosen(load(config), bars, symbols, start, end)
    screen = console()
    result = run(
        table,
        space_of(set_),
        search=search,
        trials=trials,
        metric=metric,
        seed=seed,
        jobs=jobs,
        store=store,
        progress=not json_ and screen.is_terminal,
        strategies=strategy or None,
        config=cfg,
    )
    if output is not None:
        write_table(result.frame, output)
    if json_:
        best = result.best()
        print_json(
            {
                "combinations": result.frame.height,
                "reused": result.reused,
                "seconds": result.seconds,
                "metric": metric,
                "best": best["params"],
                "significance": plain(result.significance()),
                "rows": rows_of(_ranked(result, top)),
            }
        )
    else:
        _print(result, top)


def _ranked(result: "SweepResult", top: int) -> "pl.DataFrame":
    from mirrorfast.backtest.sweep_result import LOWER_IS_BETTER

    name = result.metric
    known = result.frame.filter(result.frame["error"].is_null() & result.frame[name].is_not_nan())
    return known.sort(name, descending=name not in LOWER_IS_BETTER, maintain_order=True).head(top)


def _print(result: "SweepResult", top: int) -> None:
    from rich import box
    from rich.table import Table

    screen = console()
    shown = list(
        dict.fromkeys([*result.space.parameters, result.metric, "total_return", "sharpe", "max_drawdown", "trades"])
    )
    rows = _ranked(result, top)
    table = Table(title=f"Best {rows.height} by {result.metric}", box=box.SIMPLE_HEAD, title_justify="left")
    for name in shown:
        table.add_column(heading(name), justify="right", overflow="fold")
    for row in rows.select(shown).iter_rows():
        table.add_row(*(short(v) for v in row))
    screen.print(table)
    screen.print(str(result), soft_wrap=True, highlight=False, markup=False)
