"""Torch is loaded once, on one thread; a machine without the extra skips these tests with a reason."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.path.insert(0, str(Path(__file__).parent))  # tests are modules of their own: what they share is found by its name

pytest.importorskip("stable_baselines3", reason="needs the extra train")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long trainings out unless they are asked for: minutes each on a busy machine."""
    if config.option.markexpr:
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))
