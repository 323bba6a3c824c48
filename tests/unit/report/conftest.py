import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "synthetic_run.py"


@pytest.fixture(scope="session")
def synthetic():
    """The module that writes a seeded run."""
    name = "mirrorfast_synthetic_run"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, SCRIPT)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def written(synthetic, tmp_path_factory):
    """A ledger with a run of 1,200 bars."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    synthetic.write_run(path, "demo", bars=1200, group=400)
    return path
