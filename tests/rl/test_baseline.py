"""The shipped model fits this release, says what it is, and takes part in a run."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.data import sample_bars
from mirrorfast.data.digest import bars_digest
from mirrorfast.rl.policy import Policy
from mirrorfast.rl.recipe import Recipe

MODEL = Path(__file__).parents[2] / "models" / "baseline.onnx"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load(MODEL)


def test_the_card_says_what_the_recipe_says(policy: Policy) -> None:
    card, recipe = policy.card, Recipe.load(MODEL.with_suffix(".toml"))
    made = card.training["config"]
    assert {k: v if not isinstance(v, tuple) else list(v) for k, v in recipe.config().model_dump().items()} == made
    assert card.name == recipe.name
    assert card.observation.shape == (20, 21)
    assert card.parity["max_difference"] <= 1e-5
    told = card.walk_forward
    assert (told["folds"], told["seeds"]) == (recipe.walk_forward.folds, recipe.walk_forward.seeds)
    assert "at 95 %" in told["verdict"]
    assert {row["contender"] for row in told["contenders"]} == {"policy", "buy & hold", "flat", "random", "rules"}


def test_it_was_trained_on_the_bundled_market(policy: Policy) -> None:
    facts = policy.card.training
    bars = sample_bars()
    known = bars.filter(pl.col("timestamp") <= pl.lit(facts["last"]).str.to_datetime(time_zone="UTC"))
    assert facts["symbols"] == ["BTC/USD", "EUR/USD"]
    assert (known.height, bars_digest(known)) == (facts["bars"], facts["digest"])


def test_it_takes_part_in_a_run(policy: Policy) -> None:
    bars = sample_bars(["BTC/USD"]).head(600)
    decisions = mf.backtest(bars, policy=policy).decisions
    asked = decisions.filter(pl.col("rl").is_not_null())
    assert asked.height > 300
    assert set(asked["method"].cast(pl.String)) == {"confidence_blend"}
    assert asked["rl"].n_unique() > 50


def test_running_it_loads_nothing_of_training() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'stable_baselines3', 'gymnasium', 'onnx'): sys.modules[name] = None\n"
        "import mirrorfast as mf\n"
        f"policy = mf.Policy.load({str(MODEL)!r})\n"
        "print(mf.backtest(mf.sample_bars(['BTC/USD']).head(300), policy=policy).decisions.height)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "300"
