"""SIGKILL at random bars, and resume: the ledger ends as that of an uninterrupted run."""

import importlib.util
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mirrorfast.ledger import Ledger

SCRIPT = Path(__file__).parents[1] / "synthetic_run.py"
BARS = 240


def run(path, *arguments):
    command = [sys.executable, str(SCRIPT), str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("mirrorfast_synthetic_crash", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    module.write_run(path, "demo", bars=BARS)
    with Ledger.open(path) as ledger:
        yield ledger


def test_a_killed_run_goes_on_to_the_same_ledger(tmp_path, whole):
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    rng, path = random.Random(seed), tmp_path / "ledger.sqlite"
    kills = sorted(rng.sample(range(BARS), 4))
    for bar in kills:
        assert run(path, "demo", BARS, bar, 50).returncode == -signal.SIGKILL
    done = run(path, "demo", BARS, -1, 50)
    assert done.returncode == 0, done.stderr
    with Ledger.open(path) as ledger:
        assert ledger.info("demo")["resumed"] == 4
        assert ledger.fingerprint("demo") == whole.fingerprint("demo")
        for table in ("events", "decisions", "orders", "fills", "trades", "equity", "weights", "incidents"):
            assert ledger.rows(table, "demo") == whole.rows(table, "demo"), table
        assert ledger.verify("demo").is_sound


def test_random_kills_in_the_middle_of_anything_leave_a_sound_ledger(tmp_path, whole):
    """Killed from outside, at any moment: while creating, committing, checkpointing."""
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201
    rng, path, killed = random.Random(seed), tmp_path / "ledger.sqlite", 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(path), "demo", str(BARS), "-1", "5"], stderr=subprocess.PIPE
        )
        try:
            process.communicate(timeout=rng.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
        else:
            break
    done = run(path, "demo", BARS, -1, 5)
    # A kill after the last commit but before the exit leaves a finished run.
    assert done.returncode == 0 or "it is finished" in done.stderr, done.stderr
    with Ledger.open(path) as ledger:
        assert ledger.info("demo")["resumed"] <= killed
        assert ledger.fingerprint("demo") == whole.fingerprint("demo")
        assert ledger.verify("demo").is_sound
