"""``mirrorfast secrets``: reads from standard input, shows names only."""

import io
import json
from pathlib import Path

import pytest

from mirrorfast.__main__ import main


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRRORFAST_SECRETS", str(tmp_path / "secrets"))


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_set_list_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    give(monkeypatch, "correct-horse\n")
    assert main(["secrets", "set", "binance.secret"]) == 0
    file = tmp_path / "secrets" / "binance.secret"
    assert file.read_text() == "correct-horse\n"
    assert main(["secrets", "list"]) == 0
    assert main(["secrets", "list", "--json"]) == 0
    assert main(["secrets", "check"]) == 0
    assert main(["secrets", "check", "binance.secret", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "horse" not in out + err
    assert out.count("binance.secret") >= 4


def test_check_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "check", "okx.api_key", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert str(tmp_path / "secrets" / "okx.api_key") in document["secrets"][0]["detail"]


def test_check_refuses_a_file_that_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, "correct-horse")
    assert main(["secrets", "set", "okx"]) == 0
    (tmp_path / "secrets" / "okx").chmod(0o644)
    assert main(["secrets", "check", "okx"]) == 1
    assert "expected 600" in capsys.readouterr().out


def test_the_command_line_is_no_place_for_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "set", "okx", "correct-horse"]) == 2
    out, err = capsys.readouterr()
    assert "standard input" in err
    assert "horse" not in out + err
    assert not (tmp_path / "secrets").exists()


def test_set_says_when_the_environment_hides_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIRRORFAST_SECRET_OKX", "another-horse")
    give(monkeypatch, "correct-horse")
    assert main(["secrets", "set", "okx", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hidden_by"] == "MIRRORFAST_SECRET_OKX"
