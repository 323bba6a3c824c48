"""Write a configuration as TOML for people: effective values with their origin, or every field with its description."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mirrorfast.config.base import Settings, expected, nested_model
from mirrorfast.config.trading import TradingConfig

__all__ = ["template", "to_toml"]


def to_toml(config: TradingConfig) -> str:
    """Write every effective value.

    Parameters
    ----------
    config : TradingConfig
        The configuration.

    Returns
    -------
    str
        TOML; absent values are left out, secrets masked, and values that are not the default are marked.

    Examples
    --------
    >>> to_toml(TradingConfig(capital=500.0)).splitlines()[:4]
    ['symbols = []', 'timeframe = "auto"', 'market = "auto"', 'capital = 500.0  # set']
    """
    lines: list[str] = []
    _table(config, TradingConfig(), (), lines)
    return "\n".join(lines) + "\n"


def template() -> str:
    """Write every field with its description, type, range, unit and default.

    Returns
    -------
    str
        TOML in which each key stands as a comment with its default, so that the file as it is changes nothing.

    Examples
    --------
    >>> "# max_heat = 0.06" in template().splitlines()
    True
    """
    lines = [
        "# Configuration of mirrorfast. Every key is optional: remove the '#' before one to set it.",
        "# Environment variables win over this file: MIRRORFAST_RISK__MAX_HEAT=0.05 sets risk.max_heat.",
        "",
    ]
    _describe(TradingConfig(), (), lines)
    return "\n".join(lines) + "\n"


def _table(config: Settings, default: Settings | None, path: tuple[str, ...], lines: list[str]) -> None:
    inner: list[tuple[str, Any]] = []
    for name in type(config).model_fields:
        value = getattr(config, name)
        if value is None:
            continue
        if isinstance(value, Settings) or _entries(value) is not None:
            inner.append((name, value))
            continue
        same = default is not None and getattr(default, name) == value
        lines.append(f"{name} = {_literal(value)}" + ("" if same or default is None else "  # set"))
    for name, value in inner:
        here = (*path, name)
        if isinstance(value, Settings):
            lines += ["", f"[{'.'.join(here)}]"]
            _table(value, getattr(default, name, None), here, lines)
            continue
        for header, entry in _entries(value) or []:
            lines += ["", header.format(".".join(here))]
            _table(entry, None, here, lines)


def _describe(config: Settings, path: tuple[str, ...], lines: list[str]) -> None:
    tables = []
    for name, info in type(config).model_fields.items():
        value = getattr(config, name)
        model = nested_model(info.annotation)
        if model is not None:
            tables.append((name, info, value, model))
            continue
        lines.append(f"# {info.description}: {expected(info)}")
        lines += [f"# {name} = {_literal(value)}" if value is not None else f"# {name} is absent by default", ""]
    for name, info, value, model in tables:
        here = ".".join((*path, name))
        lines.append(f"# {info.description}")
        if isinstance(value, Settings):
            lines += [f"[{here}]"]
            _describe(value, (*path, name), lines)
            continue
        lines.append("# What stands here replaces all of the default entries; fields:")
        fields = model.model_fields
        lines += [f"#   {key}: {inner.description}: {expected(inner)}" for key, inner in fields.items()]
        for header, entry in _entries(value) or []:
            lines.append(f"# {header.format(here)}")
            values = {key: getattr(entry, key) for key in fields}
            lines += [f"# {key} = {_literal(value)}" for key, value in values.items() if value is not None]
        lines.append("")


def _entries(value: Any) -> list[tuple[str, Settings]] | None:
    # The models of a list or a table of them, each with its header; braces stand for the key of the whole.
    if isinstance(value, tuple) and value and isinstance(value[0], Settings):
        return [("[[{}]]", entry) for entry in value]
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), Settings):
        return [(f"[{{}}.{json.dumps(key)}]", entry) for key, entry in value.items()]
    return None


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SecretStr):
        return json.dumps(str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_literal(item)}" for key, item in sorted(value.items()))
        return "{ " + inside + " }" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(value)
