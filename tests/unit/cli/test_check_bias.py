"""`mirrorfast check-bias`: names, places, exit status."""

import json
from pathlib import Path

import pytest

from mirrorfast.__main__ import main

SOURCE = """
def clean(df):
    return (df["close"] > df["close"].shift(3)).cast(float)


def peek(df):
    return (df["close"].shift(-2) > df["close"]).cast(float)
"""
SPAN = ["--symbols", "BTC/USD", "--to", "2017-07-20", "--cuts", "6"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SOURCE)


def test_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-bias", "mine.py:clean", *SPAN]) == 0
    out = capsys.readouterr().out
    assert "clean: no bias found (6 truncations)" in out


def test_biased(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-bias", "mine.py:peek", *SPAN]) == 1
    assert "looks 2 bars ahead: BTC/USD" in capsys.readouterr().out


def test_by_name_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-bias", "rsi", *SPAN, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert report["findings"] == []
    assert 15 < report["warm_up"] <= 260
    assert report["recursion"][0]["bars"] == 1


@pytest.mark.parametrize(
    ("name", "word"), [("ut_boot", "ut_bot"), ("mine.py:other", "no other"), ("nothing.py:clean", "no file")]
)
def test_refused(name: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-bias", name, *SPAN]) == 2
    assert word in capsys.readouterr().err
