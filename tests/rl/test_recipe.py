"""A recipe says what is wrong with it, in one line."""

from pathlib import Path

import pytest

from mirrorfast.errors import ConfigurationError
from mirrorfast.rl.recipe import Recipe

GOOD = """
name = "demo"
preset = "fast"
[data]
bars = "bars.parquet"
symbols = ["BTC/USD"]
start = 2017-07-01T00:00:00Z
[rl]
algorithm = "A2C"
net_arch = [16, 16]
gamma = 0.9
[walk_forward]
folds = 2
[search]
trials = 3
[search.space]
gamma = [0.9, 0.99]
learning_rate = {low = 1e-4, high = 1e-2, log = true}
"""


def test_a_recipe_is_read(tmp_path: Path) -> None:
    file = tmp_path / "demo.toml"
    file.write_text(GOOD)
    recipe = Recipe.load(file)
    cfg = recipe.config(seed=7)
    assert (cfg.algorithm, cfg.net_arch, cfg.gamma, cfg.seed, cfg.n_envs) == ("A2C", (16, 16), 0.9, 7, 64)
    assert recipe.data.bars == tmp_path / "bars.parquet"
    assert (recipe.walk_forward.folds, recipe.search.trials) == (2, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("gamma = 0.9\n", "gama = 0.9\n"), "RLConfig: gama: unknown key; did you mean gamma"),
        (("gamma = 0.9\n", "gamma = 1.9\n"), "RLConfig: gamma = 1.9: expected a number"),
        (('"A2C"', '"DQN"'), "algorithm = 'DQN': expected one of PPO, A2C, SAC"),
        (("folds = 2", "folds = 20"), "folds = 20 with test = 0.125: expected tests that leave bars"),
        (("trials = 3", "trials = 0"), "search.trials = 0: expected a whole number >= 1"),
        (("gamma = [0.9, 0.99]", "gam = [0.9]"), "search.space.gam: expected a field of RLConfig"),
        (('name = "demo"', 'nane = "demo"'), "nane: unknown key; did you mean name?"),
        (('name = "demo"', "name = "), "not valid TOML"),
        (('"demo"', '"../demo"'), "name = "),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "demo.toml"
    assert change[0] in GOOD
    file.write_text(GOOD.replace(*change))
    with pytest.raises(ConfigurationError, match=message) as caught:
        Recipe.load(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file or directory: expected a recipe"):
        Recipe.load(tmp_path / "none.toml")
