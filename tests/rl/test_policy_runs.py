"""A policy in backtest and paper: the same observations, wishes and fills; bad answers are not traded."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tiny import hand_policy

import mirrorfast as mf
from mirrorfast.data import sample_bars
from mirrorfast.errors import ConfigurationError, ModelError
from mirrorfast.ledger import Ledger
from mirrorfast.rl.observation import ACCOUNT, PolicyStream, Window
from mirrorfast.rl.policy import Policy
from mirrorfast.signals.encoder import SignalEncoder

BARS = 700


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    table = sample_bars()
    since = table["timestamp"].min()
    times = table["timestamp"].unique().sort()
    return table.filter(pl.col("timestamp").is_between(since, times[BARS]))


@pytest.fixture(scope="module")
def encoder(bars: pl.DataFrame) -> SignalEncoder:
    return SignalEncoder().fit(mf.compute_features(bars, timeframe="1h"))


def config(tmp_path: Path | None = None, **changes) -> mf.TradingConfig:
    return mf.TradingConfig(**{"strategies": ["ut_bot"], **({"runs": tmp_path} if tmp_path else {})}, **changes)


def paper(cfg: mf.TradingConfig, bars: pl.DataFrame, policy: Policy, run: str = "paper", stop_at: int | None = None):
    system = mf.IntegratedTradingSystem(cfg, bars=bars, run=run, policy=policy)

    class Stopper:
        def on_batch(self, update) -> None:
            if update.done == stop_at:
                system.stop()

    summary = system.run(watch=lambda *_: [Stopper()])
    with Ledger.open(summary.ledger) as ledger:
        return summary, {name: ledger.frame(name, run) for name in ("decisions", "fills", "equity", "incidents")}


@pytest.mark.parametrize("mode", [None, "rl_only", "rule_only", "regime_adaptive"])
def test_backtest_and_paper_are_equal(mode: str | None, bars, encoder, tmp_path: Path) -> None:
    policy = Policy(hand_policy(encoder))
    meta = {} if mode is None else {"meta": {"mode": mode}}
    result = mf.backtest(bars, config=config(**meta), policy=policy)
    _, ledger = paper(config(tmp_path, **meta), bars, policy)
    assert result.equity["equity"].to_list() == ledger["equity"]["equity"].to_list()
    assert result.fills.height == ledger["fills"].height > 10
    theirs = ledger["decisions"]
    ours = result.decisions.sort("timestamp", "symbol")
    theirs = theirs.sort("ts", "symbol")
    assert ours["rl"].to_list() == theirs["rl_position"].to_list()
    assert ours["rule"].to_list() == theirs["rule_position"].to_list()
    assert ours["method"].cast(pl.String).to_list() == theirs["method"].to_list()
    used = set(theirs.filter(pl.col("rl_position").is_not_null())["method"].to_list())
    assert used == {mode or "confidence_blend"}
    # Both inputs and the method's name stand beside every decision; the blend is what they say.
    assert theirs["rl_position"].is_not_null().sum() > BARS
    if mode in ("rule_only", None):
        plain = mf.backtest(bars, config=config())
        assert plain.equity.equals(result.equity) == (mode == "rule_only")


def test_a_stopped_run_goes_on_to_the_same_end(bars, encoder, tmp_path: Path) -> None:
    policy = Policy(hand_policy(encoder))
    _, whole = paper(config(tmp_path), bars, policy, "whole")
    first, _ = paper(config(tmp_path), bars, policy, "parts", stop_at=400)
    assert first.status == "interrupted"
    last, parts = paper(config(tmp_path), bars, policy, "parts")
    assert last.status == "finished"
    for name in ("decisions", "fills", "equity"):
        drop = [c for c in ("run", "run_id") if c in whole[name].columns]
        assert whole[name].drop(drop).equals(parts[name].drop(drop)), name
    with pytest.raises(ConfigurationError, match="started with another policy"):
        paper(config(tmp_path), bars, Policy(hand_policy(encoder, column=3)), "parts")


def test_the_window_shows_encoded_rows_and_the_account(bars, encoder) -> None:
    shown = []

    class Spy(Policy):
        def decide(self, observation):
            shown.append(observation.copy())
            return super().decide(observation)

    one = bars.filter(pl.col("symbol") == "BTC/USD")
    result = mf.backtest(one, config=config(meta={"mode": "rl_only"}), policy=Spy(hand_policy(encoder)))
    windows = np.array(shown)
    rows = encoder.encode(mf.compute_features(one, timeframe="1h"))
    n = len(windows)
    for k in range(3):
        assert np.array_equal(windows[:, k, :17], rows[len(rows) - n - 2 + k : len(rows) - 2 + k])
    assert np.array_equal(windows[1:, :-1], windows[:-1, 1:])
    # The account at each close: drawdown and growth are those of the run, the position a share of the cap.
    account = windows[:, -1, 17:]
    equity = result.equity.tail(n)
    assert np.allclose(account[:, 1], equity["equity"] / 10_000.0 - 1.0, atol=1e-7)
    assert np.allclose(account[:, 3], equity["drawdown"], atol=1e-7)
    held = (equity["exposure"] / 0.1).clip(0, 1)
    assert np.allclose(np.abs(account[:, 0]), held, atol=1e-6)
    assert np.ptp(account[:, 0]) > 1
    assert len(ACCOUNT) == 4


@pytest.mark.parametrize("kind", ["nan", "wide"])
def test_bad_answers_are_counted_and_never_traded(kind: str, bars, encoder, tmp_path: Path) -> None:
    policy = Policy(hand_policy(encoder, kind=kind))
    cfg = config(meta={"mode": "rl_only"})
    result = mf.backtest(bars, config=cfg, policy=policy)
    wishes = result.decisions.filter(pl.col("rl").is_not_null())["rl"]
    assert wishes.is_between(-1, 1).all()
    assert wishes.is_finite().all()
    assert np.isfinite(result.final_equity)
    _, ledger = paper(config(tmp_path, meta={"mode": "rl_only"}), bars, policy)
    found = ledger["incidents"].filter(pl.col("kind") == "policy")
    counts = [json.loads(d)["count"] if isinstance(d, str) else d["count"] for d in found["details"].to_list()]
    assert counts[:3] == [1, 10, 100]
    assert "expected a number from -1 to 1" in found["message"][0] if "message" in found.columns else True


def test_what_does_not_fit_the_run_is_refused(bars, encoder) -> None:
    for options, message in (
        ({"timeframe": "5m"}, "trained on bars of 5m, not 1h"),
        ({"size": 2}, "answers for 2 symbols at once"),
    ):
        with pytest.raises(ModelError, match=message):
            mf.backtest(bars, config=config(), policy=Policy(hand_policy(encoder, **options)))


def test_another_observation_version_is_refused(encoder, tmp_path: Path) -> None:
    import onnx

    from mirrorfast.rl.card import CARD_KEY

    graph = onnx.load_from_string(hand_policy(encoder))
    document = json.loads(graph.metadata_props[0].value)
    document["observation"]["version"] += 1
    graph.metadata_props[0].value = json.dumps(document)
    assert graph.metadata_props[0].key == CARD_KEY
    file = tmp_path / "later.onnx"
    file.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match=r"model hand: observation version 2 there, 1 here"):
        Policy.load(file)
    document["observation"]["version"] -= 1
    document["encoder"]["version"] += 1
    graph.metadata_props[0].value = json.dumps(document)
    file.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="version"):
        Policy.load(file)
    document["encoder"] = None
    graph.metadata_props[0].value = json.dumps(document)
    file.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="the card has no encoder"):
        Policy.load(file)


def test_state_of_a_stream(encoder) -> None:
    policy = Policy(hand_policy(encoder))
    stream = PolicyStream(policy, ["BTC/USD"], timeframe="1h", market_of=lambda _: "crypto", largest=0.1)
    stream.restore({})
    assert stream.state() == {"account": [[]], "wishes": {}, "refused": 0}
    assert json.loads(json.dumps(stream.state())) == stream.state()


def test_a_window_is_in_order() -> None:
    window = Window(3, 1)
    for k in range(5):
        window.push(np.array([k], np.float32))
    assert window.rows().ravel().tolist() == [2, 3, 4]
    assert window.rows().flags["C_CONTIGUOUS"]
