"""The one place where an error becomes a line and an exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from mirrorfast import __main__ as entry
from mirrorfast.cli.app import app
from mirrorfast.errors import (
    ConfigurationError,
    DataError,
    InternalError,
    LedgerError,
    LedgerVersionError,
    MirrorfastError,
)


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mirrorfast", *words], capture_output=True, text=True, **options)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigurationError("x = 1: expected 2"), 2),
        (DataError("a.csv: line 3: close = nan"), 2),
        (LedgerVersionError("runs/a: version 9"), 2),
        (LedgerError("disk full"), 1),
        (InternalError("a bug"), 1),
        (MirrorfastError("text\nover\nlines"), 1),
        (ZeroDivisionError("division by zero"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_status_and_one_line(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_words: list[str]) -> int:
        raise error

    monkeypatch.setattr(entry, "_run", fail)
    assert entry.main(["x"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(words: list[str]) -> int:
        assert words == ["live"]
        raise DataError("x")

    monkeypatch.setattr(entry, "_run", fail)
    with pytest.raises(DataError):
        entry.main(["live", "--debug"])


def test_secrets_do_not_reach_the_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_words: list[str]) -> int:
        raise LedgerError("postgresql://me:hunter2@db/x refused")

    monkeypatch.setattr(entry, "_run", fail)
    assert entry.main([]) == 1
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["confg"], "config"),
        (["config", "show", "--bogus"], "--bogus"),
        (["config", "show", "--config"], "--config"),
        (["config", "show", "--config", "/nowhere.toml"], "/nowhere.toml: no such file"),
    ],
)
def test_usage_errors(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import mirrorfast

    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mirrorfast {mirrorfast.__version__}\n"


def test_help_documents_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for word in ("0 success", "1 failure", "2 bad input", "130 interrupted"):
        assert word in out


def commands(group: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*prefix, name))
        if hasattr(command, "commands"):
            found += commands(command, (*prefix, name))
    return found


ALL = commands(typer.main.get_command(app))


def test_found_commands() -> None:
    assert {("config", "show"), ("config", "init"), ("doctor",)} <= set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([*words, "--help"]) == 0
    assert len(capsys.readouterr().out) > 100


def test_process_prints_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[risk]\nmax_position = 'ten'\n")
    done = run("config", "show", "--config", str(file))
    assert done.returncode == 2
    assert done.stdout == ""
    expected = "expected a number > 0 and <= 100 (fraction of equity)"
    assert done.stderr == f'mirrorfast: {file}: line 2: risk.max_position = "ten": {expected}\n'


def test_closed_pipe_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" -m mirrorfast config show --fields --json | head -1', sys.executable],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[\n"
    assert done.stderr == ""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_with_130() -> None:
    code = (
        "import os, signal, sys; from mirrorfast import __main__ as m\n"
        "m._run = lambda words: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(m.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"
    assert signal.SIGINT
