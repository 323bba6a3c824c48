"""Backtest ≡ streamed ≡ paper, bit for bit: real bars of eleven symbols, every strategy, after kill and restore."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast import _core
from mirrorfast.backtest.replay import replay_check
from mirrorfast.backtest.runner import prepare
from mirrorfast.ledger import Ledger

COINS = ("AAVE", "ATOM", "BCH", "BTC", "DOGE", "ETH", "LINK", "LTC", "SOL", "UNI", "XRP")
STRATEGIES = tuple(row["name"] for row in _core.strategy_catalogue() if row["scope"] == "symbol")
# No rung of the ladder ends the run before its last bar.
RISK = {"drawdown": {"half": 0.5, "no_new_risk": 0.7, "halt": 0.8, "recovery": 0.1}, "max_position": 0.2}


def real(data: Path, timeframe: str) -> pl.DataFrame:
    parts = []
    for coin in COINS:
        file = data / f"binance_{coin}-USDT_{timeframe}.parquet"
        if not file.exists():
            pytest.skip(f"no bars {file}")
        table = pl.read_parquet(file)
        parts.append(table.select(pl.lit(f"{coin}/USDT").alias("symbol"), *table.columns))
    return pl.concat(parts).sort("symbol", "timestamp")


@pytest.fixture(scope="module")
def hours(shared_data: Path) -> pl.DataFrame:
    return real(shared_data, "4h")


def config(strategies: tuple[str, ...], **parts: Any) -> mf.TradingConfig:
    return mf.TradingConfig(risk=RISK, **parts).replace(strategies=list(strategies))


def streamed(bars: pl.DataFrame, cfg: mf.TradingConfig, *, kills: int) -> dict[str, list[tuple]]:
    """Run bar by bar; at `kills` random bars engine and exchange die and two new ones take up their snapshots."""
    symbols, engine_json = prepare(bars, cfg)
    engine, exchange = _core.DecisionEngine(engine_json), _core.SimulatedExchange(engine_json)
    ids = {name: k for k, name in enumerate(symbols)}
    batches: dict[int, list[tuple]] = {}
    columns = ["symbol", pl.col("timestamp").dt.epoch("ms"), "open", "high", "low", "close", "volume"]
    for symbol, ts, *values in bars.select(columns).iter_rows():
        batches.setdefault(ts, []).append((ids[symbol], *values))
    died = set(random.Random(5).sample(sorted(batches), kills))
    out: dict[str, list[tuple]] = {"orders": [], "fills": [], "equity": [], "decisions": []}

    def act(step: _core.Step) -> None:
        for intent in step.intents:
            order = intent.as_dict()
            if order["kind"] == "submit":
                keys = ("id", "ts", "symbol", "side", "type", "quantity", "trigger", "purpose")
                out["orders"].append(tuple(order[k] for k in keys))
            exchange.submit(intent)

    def answers() -> None:
        while events := exchange.drain_events():
            for event in events:
                act(engine.on_event(event))

    def book(fills: list[_core.Fill]) -> None:
        for fill in fills:
            f = fill.as_dict()
            out["fills"].append(tuple(f[k] for k in ("id", "order", "ts", "side", "quantity", "price", "fee")))
            act(engine.on_fill(fill))
        answers()

    for ts in sorted(batches):
        rows = sorted(batches[ts])
        book(exchange.open_phase(ts, rows))
        while fills := exchange.range_phase(ts, rows):
            book(fills)
        answers()
        step = engine.on_bars(ts, rows)
        out["decisions"] += [(d["id"], d["target"], d["verdict"]) for d in step.decisions]
        act(step)
        answers()
        out["equity"].append((ts, engine.equity["equity"], engine.equity["cash"]))
        if ts in died:
            states = engine.snapshot(), exchange.snapshot()
            engine, exchange = _core.DecisionEngine(engine_json), _core.SimulatedExchange(engine_json)
            engine.restore(states[0])
            exchange.restore(states[1])
    return out


def same(bars: pl.DataFrame, cfg: mf.TradingConfig, *, kills: int) -> int:
    """Compare a backtest with a stream; return how many fills they share."""
    result = mf.backtest(bars, config=cfg)
    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    stream = streamed(bars, cfg, kills=kills)
    ms = pl.col("timestamp").dt.epoch("ms")
    ids = pl.col("symbol").replace_strict({s: k for k, s in enumerate(symbols)}, return_dtype=pl.Int64)
    orders = result.orders.select("id", ms, ids, "side", "type", "quantity", "trigger", "purpose")
    assert stream["orders"] == orders.rows()
    assert stream["fills"] == result.fills.select("id", "order", ms, "side", "quantity", "price", "fee").rows()
    assert stream["equity"] == result.equity.select(ms, "equity", "cash").rows()
    assert stream["decisions"] == result.decisions.select("id", "target", "verdict").rows()
    return len(stream["fills"])


def test_backtest_equals_stream_with_every_strategy(shared_data: Path) -> None:
    some = real(shared_data, "4h").group_by("symbol", maintain_order=True).tail(450)
    assert some["symbol"].n_unique() == 11
    assert same(some, config(STRATEGIES), kills=25) > 100


@pytest.mark.parametrize("strategy", [*STRATEGIES, "all"])
def test_backtest_equals_stream_after_kills(hours: pl.DataFrame, strategy: str) -> None:
    chosen = STRATEGIES if strategy == "all" else (strategy,)
    assert hours.height > 15_000
    assert same(hours, config(chosen), kills=60) > 100


@pytest.mark.parametrize("method", ["dynamic", "correlation"])
def test_backtest_equals_stream_with_learning_ensembles(shared_data: Path, method: str) -> None:
    cfg = config(("ut_bot", "mean_reversion", "momentum_breakout"), ensemble={"method": method})
    assert same(real(shared_data, "1d"), cfg, kills=25) > 50


def test_paper_equals_backtest_with_every_strategy(hours: pl.DataFrame, tmp_path: Path) -> None:
    system = mf.IntegratedTradingSystem(config(STRATEGIES, runs=tmp_path), bars=hours, run="real")
    assert system.run().status == "finished"
    with Ledger.open(system.ledger_target, create=False) as ledger:
        found = replay_check(ledger, "real", hours)
    assert found.difference is None
    assert found.compared["decisions"] == hours.height
    assert found.compared["fills"] > 1000


def test_paper_equals_backtest_after_a_kill(hours: pl.DataFrame, tmp_path: Path) -> None:
    """A process is killed twice in the middle of the run; the third takes it to its end."""
    data = tmp_path / "bars.parquet"
    hours.write_parquet(data)
    strategies = ", ".join(f'{{name = "{name}"}}' for name in STRATEGIES)
    settings = tmp_path / "settings.toml"
    settings.write_text(f"strategies = [{strategies}]\nruns = '{tmp_path / 'runs'}'\n")
    command = [sys.executable, "-m", "mirrorfast", "live", "--bars", str(data), "--run", "dies", "--json"]
    command += ["--config", str(settings)]
    target = tmp_path / "runs" / "dies" / "ledger.sqlite"

    def rows() -> int:
        if not target.exists():
            return 0
        with Ledger.open(target, create=False) as ledger:
            return ledger.frame("equity", "dies").height if ledger.has_run("dies") else 0

    seen = 0
    for wanted in (300, 800):
        process = subprocess.Popen([*command, "--speed", "400"], env=dict(os.environ), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 200
        while rows() < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.poll() is None
        process.kill()
        process.wait()
        assert wanted <= rows() < hours["timestamp"].n_unique()
        seen = rows()
    assert seen >= 800
    subprocess.run(command, env=dict(os.environ), stdout=subprocess.DEVNULL, check=True, timeout=280)
    with Ledger.open(target, create=False) as ledger:
        assert ledger.info("dies")["resumed"] >= 2
        found = replay_check(ledger, "dies", hours)
    assert found.difference is None
    assert found.compared["equity"] == hours["timestamp"].n_unique()
