"""``mirrorfast config``."""

import json
import tomllib
from pathlib import Path

import pytest

from mirrorfast.__main__ import main
from mirrorfast.config import TradingConfig, load_config


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_show_is_a_file_that_loads(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRRORFAST_RISK__MAX_HEAT", "0.03")
    assert main(["config", "show"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# file: none")
    assert tomllib.loads(out)["risk"]["max_heat"] == 0.03


def test_show_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert TradingConfig.model_validate_json(json.dumps(document)) == TradingConfig()


def test_show_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--fields", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["risk.max_heat"]["default"] == 0.06
    assert rows["risk.max_heat"]["expected"] == "a number > 0 and <= 100 (fraction of equity)"
    assert main(["config", "show", "--fields"]) == 0
    assert "risk.max_heat" in capsys.readouterr().out


def test_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init"]) == 0
    assert load_config(tmp_path / "mirrorfast.toml", environ={}) == TradingConfig()
    assert main(["config", "init"]) == 2
    assert "mirrorfast.toml: exists already" in capsys.readouterr().err
    assert main(["config", "init", "--force"]) == 0
    assert main(["config", "init", "no/such/directory/x.toml"]) == 2
    assert "cannot be written" in capsys.readouterr().err
