"""``mirrorfast doctor``: is this installation fit to run, and if not, what to do."""

import importlib.util
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import typer

from mirrorfast.cli.options import ConfigOption, JsonOption, console, print_json

__all__ = ["Check", "checks", "doctor"]

# The race between a checkpoint and a commit that restarts the log: sqlite.org/wal.html, "The WAL-Reset Bug".
_WAL_RESET_FIXED: Final = (3, 51, 3)
_WAL_RESET_BACKPORTS: Final = ((3, 44, 6), (3, 50, 7))
_OLDEST_SQLITE: Final = (3, 35, 0)
_LEAST_FREE: Final = 200 * 2**20
# One module stands for each extra; the extras are named in pyproject.toml.
_EXTRAS: Final = {
    "exchange": ("ccxt", "aiohttp"),
    "train": ("torch", "stable_baselines3", "gymnasium", "onnx"),
    "forex": ("yfinance",),
    "research": ("hmmlearn", "joblib", "optuna", "sklearn", "skl2onnx"),
    "keyring": ("keyring",),
    "postgres": ("psycopg",),
    "test": ("pytest", "hypothesis", "talib"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes
    ----------
    name : str
        What was looked at.
    status : {"ok", "warning", "failure"}
        Only a failure keeps mirrorfast from running.
    detail : str
        What was found.
    fix : str
        What to do; empty where nothing is to be done.

    Examples
    --------
    >>> Check("python", "ok", "3.12.1").fix
    ''
    """

    name: str
    status: Literal["ok", "warning", "failure"]
    detail: str
    fix: str = ""


def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check this installation: Python, the extension, extras, configuration, disk, SQLite, clock.

    Exits with 1 if a check fails; warnings do not count.
    """
    found = list(checks(config))
    failed = any(check.status == "failure" for check in found)
    if json:
        print_json({"ok": not failed, "checks": [asdict(check) for check in found]})
    else:
        out = console()
        colors = {"ok": "green", "warning": "yellow", "failure": "red"}
        width = max(len(check.name) for check in found)
        for check in found:
            out.print(f"{check.name:<{width}}  ", markup=False, end="")
            out.print(f"{check.status:<7}", style=colors[check.status], end="  ")
            out.print(check.detail, markup=False)
            if check.fix:
                out.print(f"{'':<{width}}           → {check.fix}", markup=False)
        worst = "not fit to run: mend the failures above" if failed else "fit to run"
        out.print(f"mirrorfast is {worst}")
    if failed:
        raise typer.Exit(1)


def checks(config: Path | None = None) -> Iterator[Check]:
    """Run every check.

    Parameters
    ----------
    config : Path, optional
        Configuration file, as for the other commands.

    Yields
    ------
    Check
        The findings, in a fixed order.

    Examples
    --------
    >>> next(checks()).name
    'python'
    """
    yield _python()
    yield _extension()
    yield _sample()
    configured, directory = _configuration(config)
    yield configured
    yield _directory(directory)
    yield _secrets()
    yield _halted(directory)
    yield _sqlite(sqlite3.sqlite_version_info)
    yield _clock(time.time, time.monotonic)
    yield from _extras()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - a wheel forced onto an older Python lands here
        return Check("python", "failure", version, "install Python 3.11 or newer")
    return Check("python", "ok", f"{version} ({sys.executable})")


def _extension() -> Check:
    try:
        from importlib.metadata import version

        from mirrorfast import _core
    except ImportError as error:
        fix = "reinstall the wheel (pip install --force-reinstall mirrorfast), or build it: make live"
        return Check("extension", "failure", f"mirrorfast._core cannot be loaded: {error}", fix)
    if version("mirrorfast") != _core.__version__:
        detail = f"package {version('mirrorfast')}, extension {_core.__version__}"
        return Check("extension", "failure", detail, "rebuild it: maturin develop --release")
    return Check("extension", "ok", f"mirrorfast {_core.__version__}")


def _sample() -> Check:
    from mirrorfast.data import sample_bars, validate_bars

    try:
        bars = validate_bars(sample_bars(), source="bundled market")
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the files is the finding
        return Check("bundled market", "failure", str(error), "reinstall mirrorfast")
    return Check("bundled market", "ok", f"{bars.height:,} bars of {bars['symbol'].n_unique()} symbols")


def _configuration(path: Path | None) -> tuple[Check, Path]:
    from mirrorfast.config import TradingConfig, find_config, load_config
    from mirrorfast.errors import ConfigurationError

    try:
        loaded = load_config(path)
    except ConfigurationError as error:
        fix = "mend it; mirrorfast config show --fields lists what there is"
        return Check("configuration", "failure", str(error), fix), TradingConfig().runs
    source = find_config(path)
    return Check("configuration", "ok", str(source) if source else "defaults (no file)"), loaded.runs


def _directory(directory: Path) -> Check:
    # The nearest parent that exists: the directory itself is made by the first run, not by looking.
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".mirrorfast-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        fix = "set `runs` to a directory you may write to (MIRRORFAST_RUNS=…)"
        return Check("runs directory", "failure", f"{place}: {error.strerror}", fix)
    free = shutil.disk_usage(place).free
    detail = f"{directory} ({free / 2**30:.1f} GiB free)"
    if free < _LEAST_FREE:
        return Check("runs directory", "warning", detail, "free some space: a ledger that cannot grow stops trading")
    return Check("runs directory", "ok", detail)


def _secrets() -> Check:
    from mirrorfast.credentials import find_secret, list_secrets, secrets_directory
    from mirrorfast.errors import ConfigurationError

    try:
        places = list_secrets()
        for place in places:
            if place.source == "file":
                find_secret(place.name, environ={"MIRRORFAST_SECRETS": str(secrets_directory())})
    except ConfigurationError as error:
        return Check("secrets", "failure", str(error), f"chmod 600 {secrets_directory()}/*, files of your own")
    if not places:
        return Check("secrets", "ok", f"none (needed to trade on an account only); {secrets_directory()}")
    return Check("secrets", "ok", ", ".join(place.name for place in places))


def _halted(directory: Path) -> Check:
    from mirrorfast.execution.control import halt_of

    shared = halt_of(directory)
    if shared is not None:
        return Check("kill switch", "warning", f"every run is {shared.sentence}", "mirrorfast resume --reason …")
    folders = sorted(directory.iterdir()) if directory.is_dir() else []
    names = [folder.name for folder in folders if folder.is_dir() and halt_of(folder) is not None]
    if names:
        fix = f"mirrorfast resume --run {names[0]} --reason …"
        return Check("kill switch", "warning", f"halted: {', '.join(names)}", fix)
    return Check("kill switch", "ok", "nothing is halted")


def _sqlite(version: tuple[int, ...]) -> Check:
    text = ".".join(map(str, version[:3]))
    if version < _OLDEST_SQLITE:
        return Check("sqlite", "failure", text, "use a Python with SQLite 3.35 or newer")
    mended = version >= _WAL_RESET_FIXED or any(
        version[:2] == backport[:2] and version >= backport for backport in _WAL_RESET_BACKPORTS
    )
    if mended:
        return Check("sqlite", "ok", text)
    fix = (
        "rare, and only with several connections; to be rid of it use a Python with SQLite 3.51.3 or newer, "
        "or a PostgreSQL ledger"
    )
    return Check("sqlite", "warning", f"{text} has the WAL-reset bug (fixed in 3.51.3)", fix)


def _clock(wall: Callable[[], float], monotonic: Callable[[], float]) -> Check:
    # A wall clock that is set, or a virtual machine that was paused, shows as a difference between the two.
    wall_start, monotonic_start = wall(), monotonic()
    time.sleep(0.05)
    drift = (wall() - wall_start) - (monotonic() - monotonic_start)
    if wall_start < 1_704_067_200.0:  # 2024-01-01, before the first release
        return Check("clock", "failure", f"the clock says {time.ctime(wall_start)}", "set it, best by NTP")
    if abs(drift) > 0.02:
        return Check("clock", "warning", f"stepped {drift * 1_000:.0f} ms while watched", "let NTP slew the clock")
    return Check("clock", "ok", f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(wall_start))} UTC, steady")


def _extras() -> Iterator[Check]:
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if not missing:
            yield Check(f"extra [{extra}]", "ok", "installed")
        elif len(missing) == len(modules):
            yield Check(f"extra [{extra}]", "ok", f"not installed (optional): pip install 'mirrorfast[{extra}]'")
        else:
            fix = f"pip install 'mirrorfast[{extra}]'"
            yield Check(f"extra [{extra}]", "warning", f"incomplete: {', '.join(missing)} missing", fix)
