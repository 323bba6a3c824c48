"""Options that the commands share which search over parameters."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "JobsOption",
    "MetricOption",
    "SearchOption",
    "SeedOption",
    "SetOption",
    "TrialsOption",
    "heading",
    "rows_of",
    "short",
    "space_of",
    "write_table",
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUES",
        help="Parameter and its values: ut_bot.atr_period=5,10,20 or risk.stop.atr_multiple=1:3:0.5 (from, to, step) "
        "or costs.spread=log:0.0001:0.01; may be given again.",
    ),
]
SearchOption = Annotated[
    Literal["grid", "random", "optuna"], typer.Option(help="grid, random or optuna (extra research).")
]
TrialsOption = Annotated[int | None, typer.Option(help="Combinations to try; needed but for a grid.", min=1)]
MetricOption = Annotated[str, typer.Option(help="What decides: sharpe, calmar, total_return, …")]
JobsOption = Annotated[int, typer.Option(help="Threads (more than one: extra research); -1 for all cores.")]
SeedOption = Annotated[int, typer.Option(help="Of random and guided searches.")]


def space_of(settings: Iterable[str]) -> dict[str, Any]:
    """Read what ``--set`` was given.

    Parameters
    ----------
    settings
        ``NAME=VALUES`` each.

    Returns
    -------
    dict
        Values or a Range by address.

    Raises
    ------
    ParameterError
        For one that cannot be read.

    Examples
    --------
    >>> space_of(["ut_bot.atr_period=5,10", "ensemble.method=majority"])
    {'ut_bot.atr_period': [5, 10], 'ensemble.method': ['majority']}
    >>> space_of(["risk.max_heat=0.02:0.06:0.02"])["risk.max_heat"].values()
    [0.02, 0.04, 0.06]
    """
    from mirrorfast.backtest.space import Range

    out: dict[str, Any] = {}
    for text in settings:
        name, sign, values = text.partition("=")
        if not (sign and name.strip() and values.strip()):
            raise ParameterError(f"--set = {text!r}: expected NAME=VALUES such as ut_bot.atr_period=5,10,20")
        parts = [_value(v) for v in values.removeprefix("log:").split(":")]
        if len(parts) == 1 and not values.startswith("log:"):
            out[name.strip()] = [_value(v) for v in values.split(",")]
            continue
        if not 2 <= len(parts) <= 3 or any(isinstance(p, str | bool) for p in parts):
            raise ParameterError(f"--set = {text!r}: expected numbers, from:to or from:to:step")
        low, high, *step = parts
        out[name.strip()] = Range(low, high, step[0] if step else None, log=values.startswith("log:"))
    return out


def _value(text: str) -> Any:
    word = text.strip()
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(word.lower(), word)


def heading(name: str) -> str:
    """Write a column's name so that it may break into lines.

    Parameters
    ----------
    name
        An address or a figure.

    Returns
    -------
    str
        One word a line, at most.

    Examples
    --------
    >>> heading("ut_bot.atr_period")
    'ut bot: atr period'
    """
    return name.replace(".", ": ").replace("_", " ")


def short(value: Any) -> str:
    """Write a value for a table.

    Parameters
    ----------
    value
        A number, text, time or nothing.

    Returns
    -------
    str
        Numbers with four digits, a dash for what is undefined.

    Examples
    --------
    >>> short(0.123456), short(5), short(float("nan"))
    ('0.1235', '5', '–')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value)


def write_table(frame: "pl.DataFrame", path: Path) -> None:
    """Write a frame as CSV or Parquet, by the file's name.

    Parameters
    ----------
    frame
        What to write.
    path
        File that ends with ``.csv`` or ``.parquet``.

    Raises
    ------
    ParameterError
        For another ending.
    """
    ending = path.suffix.lower()
    if ending not in {".csv", ".parquet"}:
        raise ParameterError(f"--output = {str(path)!r}: expected a name that ends with .csv or .parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)


def rows_of(frame: "pl.DataFrame") -> list[Mapping[str, Any]]:
    """Give rows that JSON can say.

    Parameters
    ----------
    frame
        Any table.

    Returns
    -------
    list of dict
        NaN as null, times as text.
    """
    from mirrorfast.cli.figures import plain

    return [json.loads(json.dumps(plain(row), default=str)) for row in frame.iter_rows(named=True)]
