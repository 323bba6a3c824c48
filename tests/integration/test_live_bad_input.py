"""Bad input to `mirrorfast live`: status 2, one line that a person can act on, no traceback, nothing in the ledger."""

from collections.abc import Callable
from pathlib import Path

import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main

HEADER = "symbol,timestamp,open,high,low,close,volume"


def lines(n: int = 300) -> list[str]:
    rows = [HEADER]
    for k in range(n):
        price = 100 + k % 7
        rows.append(f"A/USD,2024-01-{1 + k // 24:02d}T{k % 24:02d}:00:00Z,{price},{price + 1},{price - 1},{price},10")
    return rows


def edited(row: int, column: int, value: str) -> list[str]:
    rows = lines()
    cells = rows[row].split(",")
    cells[column] = value
    rows[row] = ",".join(cells)
    return rows


def without_close() -> list[str]:
    return [",".join(cell for k, cell in enumerate(row.split(",")) if k != 5) for row in lines()]


def swapped() -> list[str]:
    rows = lines()
    rows[10], rows[11] = rows[11], rows[10]
    return rows


def repeated() -> list[str]:
    rows = lines()
    return [*rows[:11], rows[10], *rows[11:]]


CASES: dict[str, tuple[Callable[[], list[str]], list[str]]] = {
    "missing column": (without_close, ["close"]),
    "NaN": (lambda: edited(20, 2, "NaN"), ["21", "open", "nan"]),
    "high below low": (lambda: edited(20, 3, "1"), ["21", "high", "1"]),
    "no number": (lambda: edited(20, 5, "abc"), ["21", "close", "abc"]),
    "duplicate timestamp": (repeated, ["12", "timestamp", "duplicate"]),
    "unsorted": (swapped, ["12", "timestamp"]),
    "ten rows": (lambda: lines(10), ["10"]),
    "empty": (list, ["empty"]),
}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    return err


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIRRORFAST_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.mark.parametrize("name", CASES)
def test_bad_bars(name: str, tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, words = CASES[name]
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(make()))
    message = refused(["live", "--bars", str(file), "--run", "x"], capsys)
    assert "bars.csv" in message
    for word in words:
        assert word.lower() in message.lower(), message
    assert not runs.exists()


def test_binary_file(tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bars.csv"
    file.write_bytes(bytes(range(256)) * 20)
    assert "bars.csv" in refused(["live", "--bars", str(file)], capsys)
    assert not runs.exists()


def test_file_that_is_not_there(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.csv" in refused(["live", "--bars", "nowhere.csv"], capsys)
    assert not runs.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("capital = 'lots'", ["mirrorfast.toml", "capital", "lots", "number"]),
        ("[risk]\nmax_heet = 0.1", ["max_heet", "max_heat"]),
        ("[risk]\nmax_position = -1", ["max_position", "-1"]),
        ("capital = ", ["mirrorfast.toml"]),
        ("[[strategies]]\nname = 'ut_bott'", ["ut_bott", "ut_bot"]),
        ("[[strategies]]\nname = 'ut_bot'\nparams = { sensitivity = -3 }", ["sensitivity", "-3"]),
    ],
)
def test_bad_configuration(
    text: str, words: list[str], tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mirrorfast.toml").write_text(text)
    message = refused(["live"], capsys)
    for word in words:
        assert word in message, message
    assert not runs.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--symbols", "XRP/USD"], ["XRP/USD", "BTC/USD"]),
        (["--from", "yesterday"], ["--from", "yesterday"]),
        (["--from", "2030-01-01"], ["2030-01-01"]),
        (["--speed", "0"], ["--speed", "0"]),
        (["--speed", "fast"], ["--speed", "fast"]),
        (["--run", "../x"], ["../x"]),
    ],
)
def test_bad_option(arguments: list[str], words: list[str], runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(["live", *arguments], capsys)
    for word in words:
        assert word in message, message
    assert not runs.exists()


def test_ledger_of_a_newer_release(tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    config = mf.TradingConfig(runs=runs)
    bars = mf.sample_bars(["BTC/USD"]).head(300)
    mf.IntegratedTradingSystem(config, bars=bars, run="new").run()
    file = runs / "new" / "ledger.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    connection.close()
    assert main(["live", "--run", "new", "--symbols", "BTC/USD", "--json"]) != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "999" in err
    assert len(err.strip().splitlines()) == 1
