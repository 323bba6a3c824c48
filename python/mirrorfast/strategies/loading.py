"""Code of the user's own, found by its place: ``package.module:Class`` or ``path/to/file.py:Class``."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirrorfast.errors import ConfigurationError, UserCodeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

__all__ = ["load_object", "load_plugins"]


def load_plugins(plugins: Iterable[str]) -> None:
    """Import files and modules that register strategies, indicators and classifiers.

    Parameters
    ----------
    plugins : iterable of str
        Paths that end in ``.py``, relative to the working directory, or names of modules; each is imported once a
        process.

    Raises
    ------
    ConfigurationError
        If there is no such file or module.
    UserCodeError
        If it raises.

    Examples
    --------
    >>> load_plugins(["json"])
    """
    for name in plugins:
        _module(name, f"plugins: {name!r}")


def load_object(source: str) -> Any:
    """Import what stands at a place.

    Parameters
    ----------
    source : str
        ``package.module:Name`` or ``path/to/file.py:Name``; modules are looked for in the working directory, too.

    Returns
    -------
    object
        The class or function.

    Raises
    ------
    ConfigurationError
        If the place is not written like that, or nothing is there.
    UserCodeError
        If the module raises.

    Examples
    --------
    >>> load_object("fractions:Fraction").__name__
    'Fraction'
    """
    place, _, name = source.rpartition(":")
    what = f"strategy {source!r}"
    if not place or not name.isidentifier():
        raise ConfigurationError(f"{what}: expected package.module:Class or path/to/file.py:Class")
    module = _module(place, what)
    if not hasattr(module, name):
        raise ConfigurationError(f"{what}: {place} has no {name}: expected a class or function that stands there")
    return getattr(module, name)


def _module(place: str, what: str) -> ModuleType:
    if place.endswith(".py"):
        return _file(Path(place), what)
    here = str(Path.cwd())
    if here not in sys.path:
        # Behind everything else, so that nothing installed is shadowed: the command line has no script directory.
        sys.path.append(here)
        importlib.invalidate_caches()
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise ConfigurationError(f"{what}: no module {error.name!r} on the Python path or in {here}") from None
        raise UserCodeError(f"{what}: raised {type(error).__name__}: {error}") from error
    except Exception as error:
        raise UserCodeError(f"{what}: raised {type(error).__name__}: {error}") from error


def _file(path: Path, what: str) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise ConfigurationError(f"{what}: no file {path}")
    # The whole path stands in the name: two files called strategies.py are two modules, and each is loaded once.
    name = f"mirrorfast_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{what}: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickle and inspect look classes up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UserCodeError(f"{what}: raised {type(error).__name__}: {error}") from error
    return module
