"""`mirrorfast replay-check`: a recorded run against a fresh backtest over the same bars."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.options import (
    ConfigOption,
    FromOption,
    JsonOption,
    SymbolsOption,
    ToOption,
    console,
    load,
    print_json,
)

__all__ = ["replay_check"]


def replay_check(
    run: Annotated[str, typer.Argument(help="Name of the recorded run.")],
    bars: Annotated[
        Path | None,
        typer.Option(help="The bars that it replayed: a .parquet or .csv file, or a folder. Default: bundled market."),
    ] = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Run a recorded run again, and show the first decision, order, fill or equity that differs.

    Exit status: 0 when everything is the same, 1 when something differs.
    """
    from mirrorfast.backtest.replay import replay_check as check
    from mirrorfast.cli.span import chosen
    from mirrorfast.data.schema import validate_bars
    from mirrorfast.ledger import Ledger
    from mirrorfast.ledger.identifiers import check_run

    cfg, table = chosen(load(config), bars, symbols, start, end)
    name = check_run(run)
    target = cfg.runs / name / "ledger.sqlite" if cfg.ledger is None else cfg.ledger.get_secret_value()
    with Ledger.open(target, create=False) as ledger:
        found = check(ledger, name, validate_bars(table, source=str(cfg.bars or "bundled market")))
    different = found.difference
    if json_:
        first = None
        if different is not None:
            fields = ("table", "row", "column", "recorded", "replayed", "symbol", "time")
            first = {field: getattr(different, field) for field in fields}
        print_json({"run": name, "equal": different is None, "compared": found.compared, "difference": first})
    else:
        screen = console()
        rows = ", ".join(f"{count:,} {what}" for what, count in found.compared.items())
        if different is None:
            screen.print(f"Run {name} equals its backtest: {rows}.", soft_wrap=True, highlight=False, markup=False)
        else:
            screen.print(f"Run {name} differs from its backtest ({rows} compared). First difference:", soft_wrap=True)
            screen.print(f"  {different}", soft_wrap=True, highlight=False, markup=False)
    if different is not None:
        raise typer.Exit(1)
