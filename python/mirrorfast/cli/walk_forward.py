"""`mirrorfast walk-forward`: choose on one span of bars, trade the next."""

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

if TYPE_CHECKING:
    from mirrorfast.backtest import WalkForwardResult

__all__ = ["walk_forward"]


def walk_forward(
    train: Annotated[int, typer.Option(help="Bar times of a training window.", min=2)],
    test: Annotated[int, typer.Option(help="Bar times of a test window.", min=2)],
    step: Annotated[
        int | None, typer.Option(help="Bar times between folds; by default those of a test.", min=2)
    ] = None,
    embargo: Annotated[int, typer.Option(help="Bar times dropped between training and test.", min=0)] = 0,
    anchored: Annotated[
        bool, typer.Option("--anchored", help="Every training window begins with the first bar.")
    ] = False,
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
    output: Annotated[Path | None, typer.Option(help="Write the folds here (.csv or .parquet).")] = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Choose parameters on a training window, trade the window after it, and move on."""
    from mirrorfast.backtest.walk import walk_forward as run
    from mirrorfast.cli.span import chosen

    cfg, table = chosen(load(config), bars, symbols, start, end)
    screen = console()
    result = run(
        table,
        train=train,
        test=test,
        step=step,
        embargo=embargo,
        anchored=anchored,
        space=space_of(set_) if set_ else None,
        search=search,
        trials=trials,
        metric=metric,
        seed=seed,
        jobs=jobs,
        progress=not json_ and screen.is_terminal,
        strategies=strategy or None,
        config=cfg,
    )
    if output is not None:
        write_table(result.folds, output)
    if json_:
        print_json(
            {
                "folds": rows_of(result.folds),
                "in_sample": plain(result.in_sample),
                "out_of_sample": plain(result.stats),
                **plain({"degradation": result.degradation()}),
            }
        )
    else:
        _print(result)


def _print(result: "WalkForwardResult") -> None:
    from rich import box
    from rich.table import Table

    screen = console()
    known = {"fold", "train_start", "train_end", "test_start", "test_end"}
    params = [c for c in result.folds.columns if c not in known and not c.startswith(("in_", "out_"))]
    figures = [f"in_{result.metric}", f"out_{result.metric}", "out_total_return", "out_trades"]
    shown = list(dict.fromkeys(["fold", "test_start", "test_end", *params, *figures]))
    table = Table(title="Folds", box=box.SIMPLE_HEAD, title_justify="left")
    for name in shown:
        table.add_column(heading(name), justify="right", overflow="fold", no_wrap=name.startswith("test_"))
    for row in result.folds.select(shown).iter_rows():
        table.add_row(*(short(v) for v in row))
    screen.print(table)
    screen.print(str(result), soft_wrap=True, highlight=False, markup=False)
