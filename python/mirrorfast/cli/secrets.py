"""``mirrorfast secrets``: keep keys where only their owner reads them; nothing here shows one."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from mirrorfast.cli.options import JsonOption, console, print_json

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Keep API keys and tokens, list their names, check that they can be read.")


@app.command("set", context_settings={"allow_extra_args": True})
def set_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as binance.api_key.")],
    keyring: Annotated[
        bool, typer.Option("--keyring/--file", help="In the system's keyring, or in a file of mode 600.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Keep a secret. It is asked for without echo, or read from standard input; never from the command line.

    A command line is seen by every user of the machine and kept in the shell's history.
    """
    from mirrorfast.credentials import find_secret, set_secret
    from mirrorfast.errors import ConfigurationError, ParameterError

    if context.args:  # not repeated: an error message is kept in more places still
        raise ParameterError(
            f"{name}: expected the secret at the prompt or on standard input; on the command line others have seen it, "
            "so it should be replaced"
        )
    value = typer.prompt(name, hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.read()
    place = set_secret(name, value, keyring=keyring)
    try:
        _, first = find_secret(name)
    except ConfigurationError as error:  # written, and yet refused: say so now and not when it is needed
        raise ConfigurationError(f"{name} was kept in {place.where}, but {error}") from error
    hidden = first.source != place.source
    if json_:
        print_json(asdict(place) | {"hidden_by": first.where if hidden else None})
        return
    screen = console()
    screen.print(f"{name} is kept in {place.where}", markup=False, soft_wrap=True)
    if hidden:
        screen.print(f"but {first.where} comes first: unset it", markup=False, soft_wrap=True)


@app.command("list")
def list_(json_: JsonOption = False) -> None:
    """Show the names of the secrets in the environment and in files. A keyring cannot be listed."""
    from mirrorfast.credentials import list_secrets, secrets_directory

    places = list_secrets()
    if json_:
        print_json([asdict(place) for place in places])
        return
    screen = console()
    if not places:
        screen.print(f"No secrets in the environment nor in {secrets_directory()}", markup=False, soft_wrap=True)
    width = max((len(place.name) for place in places), default=0)
    for place in places:
        screen.print(f"{place.name:<{width}}  {place.where}", markup=False, soft_wrap=True)


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Names that are needed. Default: those there are.")] = None,
    json_: JsonOption = False,
) -> None:
    """Tell whether secrets can be read, and from where. Exits with 1 if one cannot."""
    from mirrorfast.credentials import find_secret, list_secrets
    from mirrorfast.errors import ConfigurationError

    wanted = names if names else [place.name for place in list_secrets()]
    rows: list[dict[str, Any]] = []
    for name in wanted:
        try:
            _, place = find_secret(name)
        except ConfigurationError as error:
            rows.append({"name": name, "ok": False, "source": None, "detail": str(error)})
        else:
            rows.append({"name": name, "ok": True, "source": place.source, "detail": place.where})
    if json_:
        print_json({"ok": all(row["ok"] for row in rows), "secrets": rows})
    else:
        screen = console()
        for row in rows:
            screen.print("ok     " if row["ok"] else "missing", style="green" if row["ok"] else "red", end="  ")
            text = f"{row['name']}: {row['detail']}" if row["ok"] else row["detail"]
            screen.print(text, markup=False, soft_wrap=True)
        if not rows:
            screen.print("No secrets to check", markup=False)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)
