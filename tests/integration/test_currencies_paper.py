"""Two quote currencies and a rate that moves: backtest, paper, resumed run and replay are one; the ledger says it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.backtest.replay import replay_check
from mirrorfast.ledger import Ledger

TOML = """
currency = "USD"
rate_symbols = { EUR = "EUR/USD" }
"""


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    early = mf.sample_bars().filter(pl.col("timestamp") < pl.datetime(2017, 9, 1, time_zone="UTC"))
    return early.with_columns(pl.col("symbol").replace({"BTC/USD": "BTC/EUR"}))


@pytest.fixture(scope="module", params=[(), ("EUR/USD",)], ids=["traded", "watched"])
def config(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> mf.TradingConfig:
    runs = tmp_path_factory.mktemp("runs")
    return mf.TradingConfig(rate_symbols={"EUR": "EUR/USD"}, watch=request.param, runs=runs)


@pytest.fixture(scope="module")
def backtest(bars: pl.DataFrame, config: mf.TradingConfig) -> mf.BacktestResult:
    return mf.backtest(bars, config=config)


@pytest.fixture(scope="module")
def paper(bars: pl.DataFrame, config: mf.TradingConfig) -> Ledger:
    system = mf.IntegratedTradingSystem(config, bars=bars, run="paper")
    assert system.run().status == "finished"
    return Ledger.open(system.ledger_target, create=False)


def test_paper_is_the_backtest_bit_for_bit(backtest: mf.BacktestResult, paper: Ledger) -> None:
    pairs = {
        "equity": ("equity", "cash", "drawdown"),
        "orders": ("id", "symbol", "side", "type", "quantity", "trigger", "purpose"),
        "fills": ("id", "order", "symbol", "side", "quantity", "price", "fee"),
        "trades": ("symbol", "quantity", "gross", "fees", "pnl", "pnl_fraction", "return_fraction"),
    }
    for table, columns in pairs.items():
        live, made = paper.frame(table, "paper"), getattr(backtest, table)
        assert made.height == live.height > 20, table
        for column in columns:
            assert made[column].to_list() == live[column].to_list(), (table, column)


def test_the_ledger_explains_itself_in_account_currency(
    backtest: mf.BacktestResult, paper: Ledger, config: mf.TradingConfig
) -> None:
    assert paper.verify("paper").is_sound
    fills = paper.frame("fills", "paper")
    foreign = pl.col("symbol") == "BTC/EUR"
    assert fills.filter(~foreign)["rate"].null_count() == fills.filter(~foreign).height
    assert fills.filter(foreign)["rate"].null_count() == 0
    assert fills["rate"].fill_null(1.0).to_list() == backtest.fills["rate"].to_list()
    # What was paid in the quote currency, at the rate that stands beside it.
    cash = Decimal(str(config.capital))
    for row in fills.to_dicts():
        sign = 1 if row["side"] == "buy" else -1
        amounts = [Decimal(str(row[name])) for name in ("quantity", "price", "fee")]
        rate = Decimal(1) if row["rate"] is None else Decimal(str(row["rate"]))
        cash -= (sign * amounts[0] * amounts[1] + amounts[2]) * rate
    last = paper.frame("equity", "paper")["cash"][-1]
    assert float(cash) == pytest.approx(float(last), rel=1e-9)
    agent = TradeAnalyzerAgent(paper, run="paper")
    direct = TradeAnalyzerAgent(backtest)
    assert agent.frames.currency == direct.frames.currency == "USD"
    for name, value in agent.metrics().items():
        assert value == pytest.approx(direct.metrics()[name], rel=1e-9, nan_ok=True), name


def test_a_replay_finds_no_difference(bars: pl.DataFrame, paper: Ledger) -> None:
    found = replay_check(paper, "paper", bars)
    assert found.difference is None
    assert found.compared["fills"] > 20


def test_a_stopped_run_goes_on_alike(bars: pl.DataFrame, config: mf.TradingConfig, paper: Ledger) -> None:
    class Stop:
        def __init__(self, system: mf.IntegratedTradingSystem, after: int) -> None:
            self.system, self.left = system, after

        def on_batch(self, update: Any) -> None:
            self.left -= 1
            if self.left == 0:
                self.system.stop()

    for count in (37, 400, 10**9):
        system = mf.IntegratedTradingSystem(config, bars=bars, run="stopped")
        summary = system.run(watch=lambda s, _, n=count: [Stop(s, n)])
    assert summary.status == "finished"
    with Ledger.open(system.ledger_target, create=False) as ledger:
        assert ledger.fingerprint("stopped") == paper.fingerprint("paper")


def test_the_command_line_takes_it_from_a_file(
    bars: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    bars.write_parquet(tmp_path / "bars.parquet")
    (tmp_path / "run.toml").write_text(TOML + 'watch = ["EUR/USD"]\n')
    monkeypatch.chdir(tmp_path)
    common = ["--config", "run.toml", "--bars", "bars.parquet", "--json"]
    assert main(["backtest", *common]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["backtest", *common, "--symbols", "BTC/EUR"]) == 0
    assert json.loads(capsys.readouterr().out)["equity"] == made["equity"]
    assert main(["live", *common, "--run", "x"]) == 0
    lived = json.loads(capsys.readouterr().out)
    assert (lived["equity"], lived["trades"]) == (made["equity"], made["trades"])
    assert "USD" in (tmp_path / "runs" / "x" / "report.html").read_text("utf-8")
    (tmp_path / "run.toml").write_text('currency = "USD"\n')
    assert main(["backtest", *common]) != 0
    said = capsys.readouterr()
    assert "BTC/EUR is quoted in EUR" in said.err + said.out
