"""`--metrics`: what a command serves while it runs, and that serving changes nothing of the run."""

import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.cli.monitor import Monitor
from mirrorfast.ledger import Ledger


def test_a_run_is_served_while_it_goes_on(tmp_path: Path) -> None:
    config, bars = mf.TradingConfig(runs=tmp_path), mf.sample_bars(["BTC/USD"]).head(900)
    mf.IntegratedTradingSystem(config, bars=bars, run="plain").run()
    system = mf.IntegratedTradingSystem(config, bars=bars, run="served")
    seen: list[str] = []
    with ExitStack() as stack:
        monitor = Monitor(stack, "127.0.0.1:0")
        assert monitor.health.state("health") == (True, {})
        assert monitor.health.state("ready") == (False, {"started": "starting"})

        class Reader:
            def on_batch(self, update: Any) -> None:
                if update.done == 800:
                    with urllib.request.urlopen(monitor.server.url + "/metrics", timeout=60) as answer:
                        seen.append(answer.read().decode())

        system.run(watch=monitor.watching(lambda _system, _total: [Reader()]))
        # The loop has ended, and that is what it says.
        good, answers = monitor.health.state("health")
        assert (good, answers["event_loop"]) == (False, "the event loop has ended")
    samples = dict(line.rsplit(" ", 1) for line in seen[0].splitlines() if not line.startswith("#"))
    assert float(samples["mirrorfast_bar_times_total"]) == 800.0
    assert samples['mirrorfast_run_info{mode="paper",run="served"}'] == "1.0"
    assert float(samples['mirrorfast_orders_sent_total{kind="submit"}']) > 10
    with Ledger.open(system.ledger_target) as ledger:
        equity = ledger.frame("equity", "served")["equity"]
        assert float(samples["mirrorfast_portfolio_equity"]) == equity[799]
        served = ledger.fingerprint("served")
    with Ledger.open(tmp_path / "plain" / "ledger.sqlite") as ledger:
        assert ledger.fingerprint("plain") == served


def test_bad_addresses_and_places(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (
        ["live", "--symbols", "BTC/USD", "--metrics", "x"],
        ["scan", "--metrics", "9464"],
        ["scan", "--exchange", "simulator", "--metrics", "9464"],
    ):
        assert main(words) == 2, words
        assert "expected" in capsys.readouterr().err


def test_repeated_scans_are_served(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ccxt")
    words = ["--exchange", "simulator", "--timeframe", "1h", "--every", "1m", "--times", "1", "--json"]
    assert main(["scan", *words, "--metrics", "0"]) == 0
    assert '"timeframe"' in capsys.readouterr().out
