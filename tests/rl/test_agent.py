"""The agent from bars to a file and back; recipes, search and commands around it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.__main__ import main
from mirrorfast.data import sample_bars
from mirrorfast.errors import ConfigurationError, DataError, ModelError, ParameterError
from mirrorfast.rl.agent import RLTradingAgent
from mirrorfast.rl.evaluation import evaluate_policy, rule_positions, walk_forward_folds
from mirrorfast.rl.policy import Policy
from mirrorfast.rl.recipe import SearchRecipe
from mirrorfast.rl.search import search
from mirrorfast.rl.span import Span

SMALL = {
    "lookback": 4,
    "n_envs": 8,
    "n_steps": 16,
    "batch_size": 64,
    "n_epochs": 1,
    "net_arch": (8,),
    "total_timesteps": 256,
    "look_every": 128,
}


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return sample_bars(["BTC/USD"]).head(900)


@pytest.fixture(scope="module")
def agent(bars: pl.DataFrame) -> RLTradingAgent:
    return RLTradingAgent("PPO", mf.RLConfig(**SMALL)).train(bars.head(600))


def test_train_evaluate_export(bars, agent: RLTradingAgent, tmp_path: Path) -> None:
    assert [look.steps for look in agent.record.looks] == [128, 256]
    report = agent.evaluate(bars.tail(300))
    assert report.result.table["contender"].to_list() == ["policy", "buy & hold", "flat", "random", "rules"]
    assert report.result.facts["in_sample"] is False
    assert agent.evaluate(bars, rules=False).result.facts["in_sample"] is True
    policy = report.export(tmp_path / "p.onnx")
    card = policy.card
    assert card.parity["max_difference"] <= 1e-5
    assert card.parity["observations"] > 10_000
    assert card.training["symbols"] == ["BTC/USD"]
    assert card.training["config"]["lookback"] == 4
    assert card.walk_forward["verdict"] == report.verdict
    assert card.timeframe == "1h"
    # The exported policy gives the same result without torch.
    again = evaluate_policy(policy, bars.tail(300))
    assert np.allclose(again.table["growth"], report.result.table["growth"], atol=1e-4)


def test_saved_and_loaded(bars, agent: RLTradingAgent, tmp_path: Path) -> None:
    loaded = RLTradingAgent.load(agent.save(tmp_path / "agent.zip"))
    seen = np.random.default_rng(0).uniform(-1, 1, (50, 4, 21)).astype(np.float32)
    assert np.array_equal(agent.predict(seen), loaded.predict(seen))
    assert (loaded.config, loaded.record) == (agent.config, agent.record)
    a, b = (x.export(tmp_path / f"{k}.onnx", name="same") for k, x in enumerate((agent, loaded)))
    assert np.array_equal(a.decide_many(seen)[0], b.decide_many(seen)[0])
    assert main(["export", str(tmp_path / "agent.zip"), str(tmp_path / "c.onnx"), "--json"]) == 0
    assert Policy.load(tmp_path / "c.onnx").card.observation == a.card.observation


def test_equal_seeds_give_equal_agents(bars, agent: RLTradingAgent) -> None:
    again = RLTradingAgent("PPO", mf.RLConfig(**SMALL)).train(bars.head(600))
    seen = np.random.default_rng(0).uniform(-1, 1, (50, 4, 21)).astype(np.float32)
    assert np.array_equal(agent.predict(seen), again.predict(seen))
    other = RLTradingAgent("PPO", mf.RLConfig(**SMALL)).train(bars.head(600), seed=1)
    assert not np.array_equal(agent.predict(seen), other.predict(seen))


def test_validation_bars_do_not_enter_the_encoder(bars) -> None:
    config = mf.RLConfig(**SMALL)
    wild = bars.with_columns(
        pl.when(pl.int_range(pl.len()) >= 800).then(pl.col("volume") * 50).otherwise(pl.col("volume")).alias("volume")
    )
    plain, other = (Span.for_training(table, config) for table in (bars, wild))
    assert plain[0].encoder == other[0].encoder == plain[1].encoder
    assert plain[1].since > plain[0].bars["timestamp"].max()


def test_discrete_actions(bars, tmp_path: Path) -> None:
    config = mf.RLConfig(**SMALL, positions=(-1.0, 0.0, 1.0))
    agent = RLTradingAgent("PPO", config).train(bars.head(600))
    policy = agent.export(tmp_path / "d.onnx")
    assert policy.card.action.levels == (-1.0, 0.0, 1.0)
    loaded = RLTradingAgent.load(agent.save(tmp_path / "d.zip"))
    seen = np.random.default_rng(0).uniform(-1, 1, (50, 4, 21)).astype(np.float32)
    assert set(loaded.predict(seen)) <= {-1.0, 0.0, 1.0}
    assert np.mean(policy.decide_many(seen)[0] == loaded.predict(seen)) > 0.95


def test_what_is_not_trained_says_so(tmp_path: Path, bars) -> None:
    fresh = RLTradingAgent("A2C")
    for call in (
        lambda: fresh.save(tmp_path / "a.zip"),
        lambda: fresh.export(tmp_path / "a.onnx"),
        lambda: fresh.encoder,
    ):
        with pytest.raises(ModelError, match="not trained"):
            call()
    with pytest.raises(ModelError, match="not trained"):
        fresh.evaluate(bars)
    with pytest.raises(ParameterError, match="algorithm = 'DQN': expected one of PPO, SAC, A2C"):
        RLTradingAgent("DQN")
    with pytest.raises(DataError, match="30 bar times: expected more for a lookback of 20"):
        RLTradingAgent("PPO").train(bars.head(30))


def test_folds_end_with_the_last_bar() -> None:
    folds = walk_forward_folds(1000, folds=3, test=0.1, embargo=10, anchored=False)
    assert folds[-1].test_end == 1000
    assert all(f.test_start - f.train_end == 10 for f in folds)
    assert len({f.train_end - f.train_start for f in folds}) == 1
    with pytest.raises(ParameterError, match="expected room to train on"):
        walk_forward_folds(100, folds=9, test=0.11, embargo=10, anchored=True)


def test_rules_are_the_engines_consensus(bars) -> None:
    rules = rule_positions(bars)
    assert rules.height == bars.height
    assert rules["rule"].is_between(-1, 1).all()
    assert rules["rule"].n_unique() > 5


def test_search_is_resumed_and_prunes(bars, tmp_path: Path) -> None:
    config = mf.RLConfig(**SMALL)
    plan = SearchRecipe(
        trials=2, space={"gamma": [0.5, 0.9], "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}
    )
    best, tried = search(bars.head(600), config, plan, folder=tmp_path)
    assert tried == 2
    assert best.gamma in (0.5, 0.9)
    more = plan.model_copy(update={"trials": 3})
    with pytest.raises(ConfigurationError, match="holds a search: expected resume"):
        search(bars.head(600), config, more, folder=tmp_path)
    _, tried = search(bars.head(600), config, more, folder=tmp_path, resume=True)
    assert tried == 3
    with pytest.raises(ParameterError, match="search.space.gamma = "):
        search(bars.head(600), config, SearchRecipe(space={"gamma": {"low": 1, "high": 0}}))
    with pytest.raises(ConfigurationError, match="validation = 0"):
        search(bars, config.model_copy(update={"validation": 0.0}), plan)


def test_a_recipe_makes_a_model(bars, tmp_path: Path, capsys) -> None:
    bars.write_parquet(tmp_path / "bars.parquet")
    rl = "\n".join(f"{k} = {list(v) if isinstance(v, tuple) else v}" for k, v in SMALL.items())
    (tmp_path / "demo.toml").write_text(
        f'name = "demo"\npreset = "fast"\n[data]\nbars = "bars.parquet"\n[rl]\n{rl}\n'
        "[walk_forward]\nfolds = 2\ntest = 0.15\nseeds = 2\n"
    )
    assert main(["train", "--recipe", str(tmp_path / "demo.toml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    policy = Policy.load(tmp_path / "demo.onnx")
    assert policy.card.walk_forward == told["walk_forward"]
    assert (told["walk_forward"]["folds"], told["walk_forward"]["seeds"], told["walk_forward"]["embargo"]) == (2, 2, 24)
    assert "at 95 %" in told["walk_forward"]["verdict"]
    model, table = str(tmp_path / "demo.onnx"), str(tmp_path / "bars.parquet")
    assert main(["evaluate", model, "--bars", table, "--from", "2017-08-05", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["in_sample"] is True
    for mode in ("rl_only", "rule_only"):
        assert main(["backtest", "--bars", table, "--policy", model, "--mode", mode, "--json"]) == 0
        capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--resume"], "--resume: expected together with --checkpoints"),
        (["train", "--output", "x.bin"], "--output = x.bin: expected a file that ends with .onnx"),
        (["train", "--recipe", "none.toml"], "none.toml: No such file or directory: expected a recipe"),
        (["evaluate", "none.onnx"], "none.onnx: No such file or directory"),
        (["export", "none.zip", "a.onnx"], "none.zip: No such file or directory"),
        (["export", "none.zip", "a.bin"], "OUTPUT = a.bin: expected a file that ends with .onnx"),
        (["backtest", "--policy", "none.onnx"], "none.onnx: No such file or directory"),
        (["live", "--policy", "none.onnx"], "none.onnx: No such file or directory"),
    ],
)
def test_commands_say_what_is_wrong(words: list[str], message: str, capsys) -> None:
    assert main(words) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch, bars) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'mirrorfast\[train\]'"):
        RLTradingAgent("PPO", mf.RLConfig(**SMALL)).train(bars.head(600))
