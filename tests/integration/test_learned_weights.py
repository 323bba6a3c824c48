"""What a run learns about its strategies is kept, and a later run may start with it."""

from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.execution.recorder import Recorder
from mirrorfast.ledger import Batch, Ledger
from mirrorfast.ledger.weights import last_weights

STRATEGIES = ["ut_bot", "mean_reversion"]


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars(["BTC/USD"]).head(1200)


def system(folder: Path, bars: pl.DataFrame, run: str, **more: object) -> mf.IntegratedTradingSystem:
    config = mf.TradingConfig(runs=folder, strategies=STRATEGIES, **more)
    return mf.IntegratedTradingSystem(config, bars=bars, run=run)


def test_weights_are_kept_with_their_history(tmp_path: Path, bars: pl.DataFrame) -> None:
    first = system(tmp_path, bars, "first")
    first.run()
    with Ledger.open(first.ledger_target) as ledger:
        history = ledger.frame("weights", "first")
        learned = last_weights(ledger, "first")
    same = mf.backtest(bars, strategies=STRATEGIES).weights
    for name in STRATEGIES:
        recorded = history.filter(pl.col("strategy") == name)["weight"].to_list()
        assert recorded == same.filter(pl.col("strategy") == name)["weight"].to_list()
        assert len(recorded) > 10
    assert any(weight != 0.5 for weight in learned.values())

    second = system(tmp_path, bars.tail(800), "second", weights_from="first")
    assert {s.name: s.weight for s in second.config.strategies} == learned
    plain = mf.backtest(bars.tail(800), config=second.config)
    assert second.run().equity == plain.equity["equity"][-1]

    # A run that is resumed keeps the weights that it began with, whatever its teacher learned since.
    again = system(tmp_path, bars.tail(800), "second", weights_from="first")
    assert again.engine_json == second.engine_json


def test_an_unknown_teacher_is_named(tmp_path: Path, bars: pl.DataFrame) -> None:
    with pytest.raises(mf.ConfigurationError, match="weights_from = 'nobody'"):
        system(tmp_path, bars, "second", weights_from="nobody")


def test_a_new_recorder_writes_what_an_old_one_would() -> None:
    class Step:
        trades: tuple[()] = ()
        events: tuple[()] = ()

        def __init__(self, strategy: int, weight: float) -> None:
            self.weights = [{"strategy": strategy, "weight": weight, "grade": "B"}]

    def written(recorder: Recorder, step: Step) -> object:
        batch = Batch(0)
        recorder.outcomes(batch, step)  # type: ignore[arg-type]
        return batch.events

    old = Recorder(["X"], STRATEGIES)
    old_first, old_second = written(old, Step(0, 0.6)), written(old, Step(1, 0.4))
    # The run is resumed between the two.
    assert written(Recorder(["X"], STRATEGIES), Step(0, 0.6)) == old_first
    assert written(Recorder(["X"], STRATEGIES), Step(1, 0.4)) == old_second
