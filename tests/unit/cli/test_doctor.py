"""``mirrorfast doctor`` finds what is wrong and says how to mend it."""

import json
import sys
from pathlib import Path

import pytest

from mirrorfast.__main__ import main
from mirrorfast.cli import doctor


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "mirrorfast is fit to run" in out
    for name in (
        "python",
        "extension",
        "bundled market",
        "configuration",
        "runs directory",
        "sqlite",
        "clock",
        "extra [test]",
    ):
        assert name in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert {check["status"] for check in document["checks"]} <= {"ok", "warning"}


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert main(["doctor"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_bad_configuration_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mirrorfast.toml").write_text("capital = -5\n")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "capital = -5" in out
    assert "not fit to run" in out


def test_missing_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mirrorfast._core", None)
    monkeypatch.delattr("mirrorfast._core", raising=False)
    check = doctor._extension()
    assert check.status == "failure"
    assert "make live" in check.fix


def test_stale_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirrorfast._core.__version__", "0.0.1")
    check = doctor._extension()
    assert check.status == "failure"
    assert "0.0.1" in check.detail
    assert "maturin" in check.fix


def test_directory_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    check = doctor._directory(file / "runs")
    assert check.status == "failure"
    assert "MIRRORFAST_RUNS" in check.fix
    assert doctor._directory(tmp_path / "a" / "b").status == "ok"


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LEAST_FREE", 2**80)
    assert doctor._directory(tmp_path).status == "warning"


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ((3, 34, 1), "failure"),
        ((3, 40, 1), "warning"),
        ((3, 44, 5), "warning"),
        ((3, 44, 6), "ok"),
        ((3, 45, 0), "warning"),
        ((3, 50, 7), "ok"),
        ((3, 51, 2), "warning"),
        ((3, 51, 3), "ok"),
        ((3, 53, 0), "ok"),
    ],
)
def test_sqlite_versions(version: tuple[int, ...], status: str) -> None:
    assert doctor._sqlite(version).status == status


def test_clock() -> None:
    assert doctor._clock(lambda: 0.0, lambda: 0.0).status == "failure"
    stepped = iter([1.8e9, 1.8e9 + 3600])
    assert doctor._clock(lambda: next(stepped), lambda: 0.0).status == "warning"


@pytest.mark.parametrize(
    ("modules", "status"), [(("json",), "ok"), (("no_such_a",), "ok"), (("json", "no_such_a"), "warning")]
)
def test_extras(modules: tuple[str, ...], status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_EXTRAS", {"x": modules})
    assert next(doctor._extras()).status == status


def test_secrets_that_others_read_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIRRORFAST_SECRETS", str(tmp_path / "secrets"))
    file = tmp_path / "secrets" / "okx.api_key"
    file.parent.mkdir()
    file.write_text("correct-horse")
    file.chmod(0o644)
    assert doctor._secrets().status == "failure"
    assert "chmod 600" in doctor._secrets().fix
    file.chmod(0o600)
    check = doctor._secrets()
    assert (check.status, check.detail) == ("ok", "okx.api_key")


def test_a_halt_is_shown(tmp_path: Path) -> None:
    from mirrorfast.execution.control import ask_to_halt

    assert doctor._halted(tmp_path / "none").status == "ok"
    (tmp_path / "main").mkdir()
    assert doctor._halted(tmp_path).status == "ok"
    ask_to_halt(tmp_path / "main", "news", who="ada")
    assert doctor._halted(tmp_path).detail == "halted: main"
    ask_to_halt(tmp_path, "all of it", who="ada")
    assert "every run is halted by ada" in doctor._halted(tmp_path).detail
