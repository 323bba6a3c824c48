"""What training needs beside the core: imported on first use, with a sentence that says how to get it."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import Any

from mirrorfast.errors import ConfigurationError

__all__ = ["needed", "torch_on"]


def needed(module: str, *, package: str | None = None, extra: str = "train") -> Any:
    """Import an optional module.

    Parameters
    ----------
    module
        Its name.
    package
        What it is called where packages are installed, if that differs.
    extra
        The extra that brings it.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ConfigurationError
        When it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{package or module.partition('.')[0]} is not installed: pip install 'mirrorfast[{extra}]'"
        ) from error


def torch_on(threads: int) -> Any:
    """Import torch, with so many threads that do not spin while they wait.

    Parameters
    ----------
    threads
        Threads of one operation. Two are a fifth to a third faster on a quiet machine, and 11 to 33 times slower on a
        busy one.

    Returns
    -------
    module
        torch.
    """
    # OpenMP reads it once, when torch is loaded; a person's own choice stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch = needed("torch")
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return torch
