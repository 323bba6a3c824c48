"""``mirrorfast config``: see the effective configuration, or write a commented file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, print_json

__all__ = ["app", "init", "show"]

app = typer.Typer(no_args_is_help=True, help="Show the effective configuration, or write a commented file.")


@app.command()
def show(
    config: ConfigOption = None,
    json: JsonOption = False,
    fields: Annotated[bool, typer.Option("--fields", help="List every field: default, range, unit, meaning.")] = False,
) -> None:
    """Show what a run would use: defaults, under the file, under the environment."""
    from mirrorfast.config import find_config, load_config

    if fields:
        _show_fields(as_json=json)
        return
    effective = load_config(config)
    if json:
        print_json(effective.model_dump(mode="json"))
        return
    from mirrorfast.config.render import to_toml

    source = find_config(config)
    typer.echo(f"# file: {source if source else 'none'}; then MIRRORFAST_* of the environment")
    typer.echo(to_toml(effective), nl=False)


@app.command()
def init(
    output: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write.")] = Path("mirrorfast.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a file with every field, its meaning, unit, range and default, all commented out."""
    from mirrorfast.config.render import template
    from mirrorfast.errors import ConfigurationError

    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        msg = f"{output}: exists already: expected a new file, or --force to replace it"
        raise ConfigurationError(msg) from None
    except OSError as error:
        msg = f"{output}: cannot be written: {error.strerror}"
        raise ConfigurationError(msg) from error
    typer.echo(f"wrote {output}; remove the '#' before a key to set it, then: mirrorfast config show")


def _show_fields(*, as_json: bool) -> None:
    from mirrorfast.config import TradingConfig
    from mirrorfast.config.base import expected, fields, nested_model

    rows = [
        (".".join(path), expected(info), None if info.is_required() else info.get_default(), info.description or "")
        for path, info in fields(TradingConfig)
        if nested_model(info.annotation) is None
    ]
    if as_json:
        print_json([dict(zip(("key", "expected", "default", "meaning"), row, strict=True)) for row in rows])
        return
    from rich.table import Table

    table = Table("key", "expected", "default", "meaning", show_lines=False)
    for key, kind, default, meaning in rows:
        table.add_row(key, kind, "" if default is None else str(default), meaning)
    console().print(table)
