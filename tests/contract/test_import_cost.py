"""What an import loads, and what it costs."""

import json
import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "ccxt", "sklearn", "onnxruntime", "pandas", "pyarrow", "stable_baselines3", "gymnasium", "ray")
NOT_FOR_HELP = (*HEAVY, "polars", "numpy", "sqlalchemy", "alembic", "mirrorfast.config", "mirrorfast._core")


def loaded(code: str, names: tuple[str, ...]) -> list[str]:
    """Modules among `names` that a fresh interpreter has loaded after `code`."""
    text = f"import json, sys\n{code}\nprint(json.dumps([n for n in {names!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def seconds(code: str) -> float:
    """Best of some starts of a fresh interpreter."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        best = min(best, time.perf_counter() - start)
    return best


def test_the_check_can_find_something() -> None:
    assert loaded("import polars", ("polars",)) == ["polars"]


def test_import_loads_nothing_heavy() -> None:
    assert loaded("import mirrorfast", NOT_FOR_HELP) == []


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["config", "--help"], ["doctor", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    names = tuple(n for n in NOT_FOR_HELP if n != "mirrorfast._core") if "--version" in words else NOT_FOR_HELP
    assert loaded(f"from mirrorfast.__main__ import main; assert main({words!r}) == 0", names) == []


def test_configuration_loads_nothing_heavy() -> None:
    assert loaded("import mirrorfast as mf; mf.TradingConfig(); mf.load_config(environ={})", HEAVY) == []


def test_data_loads_nothing_heavy() -> None:
    assert loaded("import mirrorfast as mf; mf.validate_bars(mf.sample_bars())", HEAVY) == []


def test_import_is_not_slower_than_twice_polars() -> None:
    empty = seconds("pass")
    assert seconds("import mirrorfast") - empty <= 2 * (seconds("import polars") - empty)
