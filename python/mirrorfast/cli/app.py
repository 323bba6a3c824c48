"""The command tree. Commands import what they need when they run, so that ``--help`` stays fast."""

from typing import Annotated

import typer

from mirrorfast.cli import (
    backtest,
    check_bias,
    config,
    control,
    dashboard,
    data,
    doctor,
    evaluate,
    export,
    journal,
    live,
    replay_check,
    report,
    scan,
    secrets,
    simulator,
    status,
    sweep,
    train,
    walk_forward,
)
from mirrorfast.cli.options import version_callback

__all__ = ["app"]

_EPILOG = (
    "Exit status: 0 success; 1 failure of mirrorfast, the ledger or the venue; "
    "2 bad input (an option, a configuration, a file of bars); 130 interrupted."
)

app = typer.Typer(
    name="mirrorfast",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    epilog=_EPILOG,
)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=version_callback, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; works after a command too.")
    ] = False,
) -> None:
    """Scan markets, research strategies, backtest, and run exactly the same code live."""


app.command("live")(live.live)
app.command("dashboard")(dashboard.dashboard)
app.add_typer(report.app, name="report")
app.command("backtest")(backtest.backtest)
app.command("check-bias")(check_bias.check_bias)
app.command("sweep")(sweep.sweep)
app.command("walk-forward")(walk_forward.walk_forward)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("replay-check")(replay_check.replay_check)
app.command("scan")(scan.scan)
app.add_typer(config.app, name="config")
app.command("simulator")(simulator.simulator)
app.add_typer(data.app, name="data")
app.add_typer(secrets.app, name="secrets")
app.command("halt")(control.halt)
app.command("resume")(control.resume)
app.command("status")(status.status)
app.command("positions")(status.positions)
app.command("trades")(status.trades)
app.add_typer(journal.app, name="journal")
app.command("doctor")(doctor.doctor)
