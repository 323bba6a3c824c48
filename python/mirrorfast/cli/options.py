"""Options and output that commands share."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig

__all__ = [
    "BarsOption",
    "ConfigOption",
    "FromOption",
    "JsonOption",
    "StrategyOption",
    "SymbolsOption",
    "ToOption",
    "console",
    "load",
    "print_json",
    "version_callback",
]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="TOML file; by default $MIRRORFAST_CONFIG, else mirrorfast.toml in the working directory if there is one.",
    ),
]
BarsOption = Annotated[
    Path | None, typer.Option(help="Bars: a .parquet or .csv file, or a folder of them. Default: bundled market.")
]
SymbolsOption = Annotated[str | None, typer.Option(help="Only these symbols, separated by commas.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD (UTC).")]
ToOption = Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD (UTC), inclusive.")]
StrategyOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Strategy to run in place of the configured ones, by name or as package.module:Class; may be repeated."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]


def console(*, stderr: bool = False) -> Console:
    """Make a console on the present standard output or error.

    Parameters
    ----------
    stderr : bool, default False
        Standard error instead of standard output.

    Returns
    -------
    rich.console.Console
        The console; plain text without a terminal.

    Examples
    --------
    >>> console().print("ready")
    ready
    """
    return Console(stderr=stderr, highlight=False, soft_wrap=not (stderr or Console().is_terminal))


def load(path: Path | None) -> "TradingConfig":
    """Load the configuration of a command, and send diagnostics where it says.

    Parameters
    ----------
    path : Path or None
        What ``--config`` named.

    Returns
    -------
    TradingConfig
        The configuration.

    Examples
    --------
    >>> load(None).log.level
    'WARNING'
    """
    from mirrorfast.config import load_config
    from mirrorfast.telemetry import configure_logging

    config = load_config(path)
    configure_logging(config.log.level, format=config.log.format)
    return config


def print_json(value: Any) -> None:
    """Print a value as one JSON document.

    Parameters
    ----------
    value : object
        What ``json`` can write; everything else is written as its text.

    Examples
    --------
    >>> print_json({"bars": 3})
    {
      "bars": 3
    }
    """
    typer.echo(json.dumps(value, indent=2, default=str))


def version_callback(value: bool) -> None:
    """Print the version and stop, if asked to.

    Parameters
    ----------
    value : bool
        Whether ``--version`` was given.

    Raises
    ------
    typer.Exit
        After printing.
    """
    if value:
        import mirrorfast

        typer.echo(f"mirrorfast {mirrorfast.__version__}")
        raise typer.Exit
