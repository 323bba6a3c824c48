"""What the README says about strategies and indicators of one's own runs as it stands there."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main


@pytest.fixture
def section(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    text = (root / "README.md").read_text("utf-8")
    part = text.split("### Your own strategy")[1].split("\n### ")[0]
    blocks: dict[str, list[str]] = {}
    for language, code in re.findall(r"```(\w+)\n(.*?)```", part, re.DOTALL):
        blocks.setdefault(language, []).append(code)
    assert {name: len(found) for name, found in blocks.items()} == {"python": 2, "console": 1, "toml": 1}
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(blocks["python"][0], "utf-8")
    yield blocks
    if "bar_range" in mf.TechnicalIndicators.custom_names():
        mf.TechnicalIndicators.unregister_custom("bar_range")


def test_python(section: dict[str, list[str]]) -> None:
    Path("use.py").write_text(section["python"][1], "utf-8")
    done = subprocess.run([sys.executable, "use.py"], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "BacktestResult(" in done.stdout
    assert "CalmTrend: no bias found" in done.stdout


def test_commands(section: dict[str, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.partition("#")[0].split() for line in section["console"][0].strip().splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert line[0] == "mirrorfast"
        assert main([*line[1:], "--to", "2017-07-20"]) == 0
    assert "CalmTrend: no bias found" in capsys.readouterr().out


def test_configuration(section: dict[str, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    Path("mirrorfast.toml").write_text(section["toml"][0], "utf-8")
    assert main(["live", "--symbols", "BTC/USD", "--to", "2017-07-09", "--run", "readme", "--json"]) == 0
    assert '"strategy": "calm"' in capsys.readouterr().out


def test_line_up_of_horizons(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = (root / "README.md").read_text("utf-8").split("### One strategy on several horizons")[1]
    [code] = re.findall(r"```toml\n(.*?)```", part, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("mirrorfast.toml").write_text(code, "utf-8")
    assert mf.load_config().strategies[1].kind == "ut_bot"
    assert main(["live", "--to", "2017-07-20", "--run", "readme", "--json"]) == 0
