import importlib.util
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def synthetic():
    """The module that writes a seeded run."""
    name = "mirrorfast_synthetic_run"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TESTS / "synthetic_run.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"
