"""`mirrorfast check-bias`: whether something looks ahead, and how much history it needs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirrorfast.cli.options import (
    BarsOption,
    ConfigOption,
    FromOption,
    JsonOption,
    SymbolsOption,
    ToOption,
    console,
    load,
    print_json,
)

if TYPE_CHECKING:
    from mirrorfast.backtest.bias import BiasReport

__all__ = ["check_bias"]


def check_bias(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY",
            help="A strategy, feature column or indicator by name, or your own as package.module:Class, file.py:Class.",
        ),
    ],
    bars: BarsOption = None,
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    kind: Annotated[str, typer.Option(help="What a name is: auto, strategy, feature or indicator.")] = "auto",
    cuts: Annotated[int, typer.Option(min=1, help="Points at which the bars are cut off.")] = 20,
    config: ConfigOption = None,
    json_: JsonOption = False,
) -> None:
    """Look for look-ahead by cutting the bars off, and for how far back the history must start.

    Exit status 1 if something was found.
    """
    from mirrorfast.backtest.bias import check_bias as run
    from mirrorfast.cli.span import chosen
    from mirrorfast.data.schema import bar_interval
    from mirrorfast.strategies.loading import load_object, load_plugins

    cfg, table = chosen(load(config), bars, symbols, start, end)
    load_plugins(cfg.plugins)
    what = load_object(subject) if ":" in subject else subject
    timeframe = bar_interval(table) if cfg.timeframe == "auto" else cfg.timeframe
    market = cfg.market_of(table["symbol"][0])
    report = run(what, table, kind=kind, cuts=cuts, timeframe=timeframe, market=market)  # type: ignore[arg-type]
    if json_:
        print_json(_plain(report))
    else:
        console().print(str(report), markup=False)
    if not report.ok:
        raise typer.Exit(1)


def _plain(report: "BiasReport") -> dict[str, Any]:
    return {
        "subject": report.subject,
        "ok": report.ok,
        "warm_up": report.warm_up,
        "cuts": report.cuts,
        "findings": report.findings.to_dicts(),
        "recursion": report.recursion.to_dicts(),
    }
