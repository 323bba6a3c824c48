"""Torch is loaded once, on one thread; a machine without the extra skips these tests with a reason."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.path.insert(0, str(Path(__file__).parent))  # tests are modules of their own: what they share is found by its name

pytest.importorskip("stable_baselines3", reason="needs the extra train")
