"""Pages of the documentation site that are made from the code: the command line, the settings, the Python reference.

mkdocs calls :func:`on_files` when it has read the folder; what is returned here stands nowhere else, so that it cannot
grow old.
"""

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

# Headings of the Python reference, by the subpackage that a public name comes from.
HEADINGS = {
    "data": "Data",
    "indicators": "Indicators",
    "features": "Features",
    "signals": "Signals and scanning",
    "strategies": "Strategies",
    "ensemble": "Ensemble",
    "rl": "Reinforcement learning",
    "meta": "Rules and policy together",
    "risk": "Risk",
    "execution": "Execution",
    "analytics": "Analytics",
    "backtest": "Backtest",
    "system": "Live",
    "config": "Settings",
}


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages that are generated."""
    from mkdocs.structure.files import File

    pages = {"cli": command_line(), "settings": settings(), "python": python_reference()}
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def command_line() -> str:
    """Write the reference of every command from what ``--help`` says."""
    from typer.main import get_command

    from mirrorfast.cli.app import app

    root = get_command(app)
    lines = ["# Command line", "", "Exit status: 0 success, 1 failure, 2 bad input, 130 interrupted.", ""]
    for path, command in _commands(root, ["mirrorfast"]):
        lines += [f"## `{' '.join(path[1:]) or 'mirrorfast'}`", "", _text(command.help), ""]
        rows = [_row(p) for p in command.params if not getattr(p, "hidden", False)]
        if rows:
            lines += ["| option | meaning | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _commands(command: Any, path: list[str]) -> Iterator[tuple[list[str], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, [*path, name])


def _row(param: Any) -> str:
    names = ", ".join(f"`{n}`" for n in (*param.opts, *param.secondary_opts)) if param.opts else f"`{param.name}`"
    default = "" if param.default in (None, False, ()) or callable(param.default) else f"`{param.default}`"
    if param.required:
        default = "*needed*"
    return f"| {names} | {_text(getattr(param, 'help', None))} | {default} |"


def _text(words: str | None) -> str:
    return " ".join((words or "").split()).replace("|", "\\|").replace("<", "&lt;")


def settings() -> str:
    """Write every field of the configuration, with its meaning, unit, range and default."""
    from mirrorfast.config.render import template

    body = template()
    return (
        "# Settings\n\nWhat `mirrorfast config init` writes: every field with its meaning, unit, range and default. "
        "Later ones win: defaults, the file, environment variables (`MIRRORFAST_RISK__MAX_HEAT=0.04` sets "
        f"`risk.max_heat`), options of a command.\n\n```toml\n{body}\n```\n"
    )


def python_reference() -> str:
    """Write one page of what ``import mirrorfast as mf`` offers, from its docstrings."""
    lines = ["# Python", "", "`import mirrorfast as mf`; nothing heavy is loaded before it is used.", ""]
    for part, addresses in public().items():
        lines += [f"## {HEADINGS.get(part, part.capitalize())}", ""]
        for address in addresses:
            lines += [f"::: {address}", ""]
    return "\n".join(lines)


def public() -> dict[str, list[str]]:
    """Address of every public function and class, by subpackage."""
    import mirrorfast as mf

    found: dict[str, list[str]] = {part: [] for part in HEADINGS}
    for name in mf.__all__:
        item = getattr(mf, name)
        # The package `mirrorfast.backtest` is callable and stands for its function.
        module = "mirrorfast.backtest.runner" if name == "backtest" else getattr(item, "__module__", "")
        address = f"{module}.{name}"
        if name == "backtest" or inspect.isclass(item) or inspect.isfunction(item):
            found.setdefault(address.split(".")[1], []).append(address)
    return {part: addresses for part, addresses in found.items() if addresses}
