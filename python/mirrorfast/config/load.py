"""Read a configuration: environment over file over defaults."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from mirrorfast.config.base import Settings, nested_model, readable
from mirrorfast.config.trading import TradingConfig
from mirrorfast.errors import ConfigurationError

__all__ = ["CONFIG_FILE", "ENVIRONMENT_PREFIX", "find_config", "load_config"]

CONFIG_FILE: Final = "mirrorfast.toml"
"""Name of the file that is read from the working directory."""

ENVIRONMENT_PREFIX: Final = "MIRRORFAST_"
"""Start of every environment variable that sets a field; ``__`` stands for the dot: ``MIRRORFAST_RISK__MAX_HEAT``."""

# Variables with the prefix that are not fields.
_OTHERS: Final = ("CONFIG", "SHARED", "SECRET_", "SECRETS")


def find_config(path: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Path | None:
    """Find the configuration file of this process.

    Parameters
    ----------
    path : str or Path, optional
        The file that the user named.
    environ : mapping, optional
        Environment; the process's own by default.

    Returns
    -------
    Path or None
        `path`, else the file that ``MIRRORFAST_CONFIG`` names, else ``mirrorfast.toml`` in the working directory if
        there is one, else none.

    Examples
    --------
    >>> find_config("my.toml").name
    'my.toml'
    """
    environ = os.environ if environ is None else environ
    named = path or environ.get(f"{ENVIRONMENT_PREFIX}CONFIG")
    if named:
        return Path(named)
    here = Path(CONFIG_FILE)
    return here if here.is_file() else None


def load_config(
    path: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> TradingConfig:
    """Load the configuration of a run.

    Later sources win: defaults, the file, the environment (``MIRRORFAST_RISK__MAX_HEAT=0.05``), `overrides`.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file; by default what `find_config` finds.
    environ : mapping, optional
        Environment; the process's own by default.
    overrides : mapping, optional
        Values by dotted key, such as ``{"risk.max_heat": 0.05}``: what a command line sets.

    Returns
    -------
    TradingConfig
        The configuration.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, a key is unknown, or a value is outside its type or range. The message is one line
        that names the source, its line, the key, the value, and what was expected.

    Examples
    --------
    >>> load_config(environ={"MIRRORFAST_RISK__MAX_HEAT": "0.05"}).risk.max_heat
    0.05
    >>> load_config(overrides={"risk.max_haet": 0.05})
    Traceback (most recent call last):
        ...
    mirrorfast.errors.ConfigurationError: option risk.max_haet: risk.max_haet: unknown key; did you mean max_heat?
    """
    environ = os.environ if environ is None else environ
    file = find_config(path, environ=environ)
    document: dict[str, Any] = {}
    if file is not None:
        text = _read(file)
        document = _parse(file, text)
        _check(document, lambda keys: _place_in_file(file, text, keys))
    for variable, keys, value in _variables(environ):
        _set(document, keys, value)
        _check(document, lambda _, v=variable: f"environment variable {v}")
    for key, value in (overrides or {}).items():
        _set(document, tuple(key.split(".")), value)
        _check(document, lambda _, k=key: f"option {k}")
    return _check(document, lambda _: "configuration")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        msg = f"{file}: no such file: expected a TOML file (mirrorfast config init writes one)"
        raise ConfigurationError(msg) from None
    except UnicodeDecodeError:
        msg = f"{file}: not text: expected a TOML file in UTF-8"
        raise ConfigurationError(msg) from None
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}"
        raise ConfigurationError(msg) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{file}: not valid TOML: {error}"
        raise ConfigurationError(msg) from error


def _check(document: dict[str, Any], place: Any) -> TradingConfig:
    try:
        # Through JSON, strictly: "0.1" is then no number and 1 is no truth value, while a path or a time may be text.
        return TradingConfig.model_validate_json(json.dumps(document, default=str), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
        raise ConfigurationError(f"{place(first['loc'])}: {readable(error, TradingConfig)}") from None


def _place_in_file(file: Path, text: str, keys: tuple[str | int, ...]) -> str:
    line = _line_of(text, keys)
    return f"{file}: line {line}" if line else str(file)


def _line_of(text: str, keys: tuple[str | int, ...]) -> int | None:
    # tomllib keeps no positions. Tables and keys on lines of their own are what people write; else only the file is
    # named.
    wanted = [str(key) for key in keys]
    table: list[str] = []
    counts: dict[str, int] = {}
    best: tuple[int, int] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("["):
            name = line.strip("[]").split("]")[0].strip()
            table = [part.strip().strip("\"'") for part in name.split(".")]
            if line.startswith("[["):
                counts[name] = counts.get(name, -1) + 1
                table.append(str(counts[name]))
            path = table
        elif "=" in line and not line.startswith("#"):
            path = table + [part.strip().strip("\"'") for part in line.partition("=")[0].split(".")]
        else:
            continue
        if path and wanted[: len(path)] == path and (best is None or len(path) > best[0]):
            best = (len(path), number)
    return best[1] if best else None


def _variables(environ: Mapping[str, str]) -> list[tuple[str, tuple[str, ...], Any]]:
    found = []
    for variable in sorted(environ):
        rest = variable.removeprefix(ENVIRONMENT_PREFIX)
        if rest == variable or any(rest == o or (o.endswith("_") and rest.startswith(o)) for o in _OTHERS):
            continue
        keys = tuple(rest.lower().split("__"))
        found.append((variable, keys, _typed(environ[variable], keys)))
    return found


def _typed(text: str, keys: tuple[str, ...]) -> Any:
    model: type[Settings] | None = TradingConfig
    info = None
    for key in keys:
        info = model.model_fields.get(key) if model else None
        model = nested_model(info.annotation) if info else None
    annotation = str(info.annotation) if info else ""
    if "tuple[str" in annotation and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    # BTC_2024 or 2024 is a fine name: only a field that is not text takes the typed value.
    plain_text = (info is not None and info.annotation is str) or "SecretStr" in annotation or "Path" in annotation
    return text if plain_text else value


def _set(document: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            inner = document[key] = {}
        document = inner
    document[keys[-1]] = value
