"""A strategy of the user's own in paper runs: the votes of the backtest, resumed runs, halts that are recorded."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.ledger import Ledger

SOURCE = '''
import numpy as np
import polars as pl
import mirrorfast as mf

mf.TechnicalIndicators.register_custom("gap", lambda bars: bars["high"] - bars["low"], lookback=1)


class AboveMean(mf.BaseStrategyAgent):
    """Long above the mean of the last closes, short below, surer the wider the bar."""

    features = ("rsi", "gap")

    def __init__(self, *, period=20):
        self.period = self.warm_up = self.lookback = period

    def evaluate(self, df):
        mean = np.convolve(df["close"].to_numpy(), np.ones(self.period) / self.period)[: df.height]
        mean[: self.period - 1] = np.nan
        signal = np.where(df["close"].to_numpy() > mean, 1.0, -1.0)
        signal[np.isnan(mean) | df["rsi"].is_null().to_numpy()] = np.nan
        return signal

    def confidence(self, df):
        return (df["gap"] / df["close"] * 20).clip(0, 1)
'''


class Memory(mf.BaseStrategyAgent):
    """Remembers for ever: an exponential mean and a running sum, whose bits depend on every bar since the first."""

    name = "memory"

    def evaluate(self, df: pl.DataFrame) -> pl.Series:
        mean = df["close"].ewm_mean(span=50, adjust=False)
        flow = (df["close"].diff().fill_null(0.0).sign() * df["volume"]).cum_sum() / df["volume"].cum_sum()
        return ((df["close"] / mean - 1) * 20 + flow.fill_nan(0.0)).clip(-1, 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "users.py").write_text(SOURCE)
    (tmp_path / "mirrorfast.toml").write_text(
        'runs = "runs"\nplugins = ["users.py"]\n'
        '[[strategies]]\nname = "ut_bot"\n'
        '[[strategies]]\nname = "above_mean"\nsource = "users.py:AboveMean"\nparams = { period = 30 }\n'
    )
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    if "gap" in mf.TechnicalIndicators.custom_names():
        mf.TechnicalIndicators.unregister_custom("gap")


def bars(count: int = 400) -> pl.DataFrame:
    return mf.sample_bars().group_by("symbol", maintain_order=True).head(count)


def paper(config: mf.TradingConfig, table: pl.DataFrame, run: str) -> tuple[mf.IntegratedTradingSystem, Ledger]:
    system = mf.IntegratedTradingSystem(config, bars=table, run=run)
    assert system.run().status == "finished"
    return system, Ledger.open(system.ledger_target, create=False)


def votes_of(decisions: pl.DataFrame, name: str) -> list[tuple[float | None, float]]:
    rows = [v if isinstance(v, dict) else json.loads(v) for v in decisions["votes"]]
    return [(row[name]["signal"], row[name]["confidence"]) for row in rows]


@pytest.mark.parametrize("kind", ["windowed", "remembering"])
def test_paper_equals_backtest_bit_for_bit(kind: str, folder: Path) -> None:
    table = bars()
    config = mf.load_config()
    if kind == "remembering":
        config = config.replace(strategies=[Memory(), "mean_reversion"])
    result = mf.backtest(table, config=config)
    _, ledger = paper(config, table, kind)
    with ledger:
        equity, fills, decisions = (ledger.frame(name, kind) for name in ("equity", "fills", "decisions"))
        assert ledger.verify(kind).is_sound
    name = result.decisions.columns[-3].removeprefix("vote_")
    assert name == ("memory" if kind == "remembering" else "above_mean")
    assert equity["equity"].to_list() == result.equity["equity"].to_list()
    assert fills["price"].to_list() == result.fills["price"].to_list()
    assert fills.height > 10
    kept = list(zip(result.decisions[f"vote_{name}"], result.decisions[f"confidence_{name}"], strict=True))
    assert votes_of(decisions, name) == kept
    assert len({signal for signal, _ in kept}) > 2


def command(folder: Path, run: str, *extra: str) -> list[str]:
    return [sys.executable, "-m", "mirrorfast", "live", "--json", "--to", "2017-07-12", "--run", run, *extra]


def finished(folder: Path, run: str) -> tuple[dict, str]:
    done = subprocess.run(command(folder, run), cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    with Ledger.open(folder / "runs" / run / "ledger.sqlite", create=False) as ledger:
        return json.loads(done.stdout), ledger.fingerprint(run)


def test_kill_and_resume_give_the_ledger_of_an_uninterrupted_run(folder: Path) -> None:
    summary, whole = finished(folder, "whole")
    assert {row["strategy"] for row in summary["strategies"]} == {"ut_bot", "above_mean"}
    process = subprocess.Popen(
        command(folder, "killed", "--speed", "60"),
        cwd=folder,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    file, deadline = folder / "runs" / "killed" / "ledger.sqlite", time.monotonic() + 120
    ready = False
    while not ready and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
        if file.exists():
            with Ledger.open(file, create=False) as ledger:
                ready = ledger.has_run("killed") and ledger.last_checkpoint("killed") is not None
    assert ready, process.stderr.read()
    assert process.poll() is None
    process.kill()
    process.wait()
    process.stderr.close()
    resumed, fingerprint = finished(folder, "killed")
    assert resumed["status"] == "finished"
    assert fingerprint == whole


def test_another_text_of_the_strategy_does_not_resume_the_run(folder: Path) -> None:
    finished(folder, "once")
    (folder / "users.py").write_text(SOURCE.replace("1.0, -1.0", "0.5, -0.5"))
    done = subprocess.run(command(folder, "once"), cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "another source text of a strategy (above_mean" in done.stderr


class Fragile(mf.BaseStrategyAgent):
    """Fails once it has seen a certain bar."""

    name = "fragile"

    def __init__(self, at: object = None, how: str = "raise") -> None:
        self.at, self.how = at, how

    def evaluate(self, df: pl.DataFrame) -> np.ndarray:
        signal = np.ones(df.height)
        if df["timestamp"][-1] >= self.at and df["symbol"][0] == "EUR/USD":
            if self.how == "raise":
                raise ZeroDivisionError("division by zero")
            signal = signal * 7 if self.how == "range" else signal[1:]
        return signal


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raise", "UserCodeError: fragile: raised ZeroDivisionError: division by zero"),
        ("range", "DataError: fragile: signal = 7.0"),
        ("length", "ShapeError: fragile: signal: got"),
    ],
)
def test_one_that_fails_is_halted_and_the_others_go_on(how: str, error: str, tmp_path: Path) -> None:
    table = bars(200)
    at = table.filter(pl.col("symbol") == "EUR/USD")["timestamp"][120]
    config = mf.TradingConfig(runs=tmp_path, strategies=[Fragile(at, how), "ut_bot"])
    system, ledger = paper(config, table, "halts")
    with ledger:
        incidents, decisions = ledger.frame("incidents", "halts"), ledger.frame("decisions", "halts")
    halts = incidents.filter(pl.col("kind") == "strategy")
    assert halts.height == 1
    assert halts["message"][0].startswith(f"strategy fragile halted: {error}")
    assert halts["severity"][0] == "error"
    details = halts["details"][0]
    details = details if isinstance(details, dict) else json.loads(details)
    assert (details["symbol"], details["ts"]) == ("EUR/USD", int(at.timestamp() * 1000))
    signals = [signal for signal, _ in votes_of(decisions, "fragile")]
    times = [t if isinstance(t, int) else int(t.timestamp() * 1000) for t in decisions["ts"]]
    after = [t > details["ts"] for t in times]
    assert {s for s, late in zip(signals, after, strict=True) if late} == {None}
    assert {s for s, late in zip(signals, after, strict=True) if not late} == {1.0, None}
    native = [signal for signal, _ in votes_of(decisions, "ut_bot")]
    assert all(signal is not None for signal, late in zip(native, after, strict=True) if late)
    assert (system.directory / "report.html").read_text("utf-8").count("strategy fragile halted") >= 1


def test_a_halt_survives_a_restart(tmp_path: Path) -> None:
    from mirrorfast.strategies.lineup import Lineup
    from mirrorfast.strategies.voting import VoteStream

    table = bars(60).filter(pl.col("symbol") == "EUR/USD")
    config = mf.TradingConfig(strategies=[Fragile(table["timestamp"][30])])
    own = Lineup.of(config).own
    stream = VoteStream(own, ["EUR/USD"], config=config)
    row = (0, *table.select("open", "high", "low", "close", "volume").row(30))
    stream.warm(table.head(30))
    assert np.isnan(stream.on_bars(int(table["timestamp"][30].timestamp() * 1000), [row])[0][0])
    assert [halt["strategy"] for halt in stream.incidents()] == ["fragile"]
    assert stream.incidents() == []
    later = VoteStream(own, ["EUR/USD"], config=config)
    later.restore(json.loads(json.dumps(stream.state())))
    assert later.halted["fragile"]["symbol"] == "EUR/USD"
    assert np.isnan(later.on_bars(0, [(0, 1.0, 1.0, 1.0, 1.0, 1.0)])[0][0])
