"""`mirrorfast simulator` as a process of its own."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from mirrorfast.simulator import CATALOGUE


def test_serves_until_it_is_stopped(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\nname = "delay"\n')
    command = [sys.executable, "-m", "mirrorfast", "simulator", "--port", "0", "--json", "--faults", str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            started = json.loads(text)
            assert started["symbols"] == ["BTCUSDT", "EURUSDT"]
            with urllib.request.urlopen(started["url"] + "/_simulator/faults") as answer:
                assert [rule["name"] for rule in json.loads(answer.read())] == ["delay"]
        finally:
            process.terminate()


def test_lists_faults() -> None:
    command = [sys.executable, "-m", "mirrorfast", "simulator", "--list-faults"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(f"`{name}`" in done.stdout for name in CATALOGUE)


def test_bad_file_of_faults(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mirrorfast", "simulator", "--faults", str(tmp_path / "none.toml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "cannot be read" in done.stderr
