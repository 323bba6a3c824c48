"""`mirrorfast backtest` and `mirrorfast scan` on the bundled market."""

import json
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_backtest_gives_figures_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--symbols", "BTC/USD", "--to", "2017-08-31", "--strategy", "ut_bot", "--report", "r.html", "--json"]
    assert main(["backtest", *arguments]) == 0
    figures = json.loads(capsys.readouterr().out)
    expected = mf.backtest(
        mf.sample_bars(["BTC/USD"]).filter(pl.col("timestamp").dt.date() <= pl.date(2017, 8, 31)), strategies=["ut_bot"]
    )
    assert figures["trades"] == expected.trades.height > 50
    assert figures["equity"] == expected.final_equity
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_backtest_shows_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--symbols", "EUR/USD", "--to", "2017-08-15"]) == 0
    out = capsys.readouterr().out
    for word in ("bars/s", "total return", "maximum drawdown"):
        assert word in out


def test_backtest_refuses_an_unknown_strategy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--strategy", "ut_boot"]) == 2
    assert "ut_bot" in capsys.readouterr().err


def test_scan_ranks_by_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mf.sample_bars().write_parquet(tmp_path / "bars.parquet")
    assert main(["scan", "--bars", "bars.parquet", "--output", "all.csv", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["symbol"] for row in rows] == mf.scan_bars(mf.sample_bars())["symbol"].to_list()
    assert rows[0]["enhanced_score"] >= rows[1]["enhanced_score"]
    written = pl.read_csv(tmp_path / "all.csv")
    assert written.height == 2
    assert {"rsi", "signal", "market_regime"} <= set(written.columns)


def test_scan_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mf.sample_bars().write_parquet(tmp_path / "bars.parquet")
    assert main(["scan", "--bars", "bars.parquet", "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert "Scan of 2 symbols" in out
    assert "score" in out


def test_scan_refuses_another_kind_of_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mf.sample_bars().write_parquet(tmp_path / "bars.parquet")
    assert main(["scan", "--bars", "bars.parquet", "--output", "all.xlsx"]) == 2
    assert "all.xlsx" in capsys.readouterr().err
