"""From a recipe to a model: search where it asks for one, test out of sample, train, export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast.data.files import read_bars
from mirrorfast.data.sample import sample_bars
from mirrorfast.data.schema import select_bars, validate_bars
from mirrorfast.rl.agent import RLTradingAgent
from mirrorfast.rl.evaluation import evaluate_runs, play_all, rule_positions, walk_forward_folds
from mirrorfast.rl.search import search
from mirrorfast.rl.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirrorfast.config import RLConfig
    from mirrorfast.rl.callbacks import TrainingObserver
    from mirrorfast.rl.policy import Policy
    from mirrorfast.rl.recipe import Recipe
    from mirrorfast.rl.verdict import Evaluation, Played

    Watch = Callable[[str, int], TrainingObserver | None]

__all__ = ["Made", "make_model", "recipe_bars", "walk_forward_policy"]


@dataclass(frozen=True)
class Made:
    """What a recipe gave.

    Attributes
    ----------
    policy
        The model, read back from its file.
    agent
        Who was exported.
    evaluation
        Result of the walk-forward test; None without one.
    config
        Numbers of the training, with what a search found.
    trials
        Configurations that were tried.
    """

    policy: Policy
    agent: RLTradingAgent
    evaluation: Evaluation | None
    config: RLConfig
    trials: int


def recipe_bars(recipe: Recipe) -> pl.DataFrame:
    """Read the bars of a recipe.

    Parameters
    ----------
    recipe : Recipe
        Its `data`.

    Returns
    -------
    polars.DataFrame
        Validated bars.

    Raises
    ------
    DataError
        If there are none, or they break SPEC §1.
    """
    data = recipe.data
    source = "bundled market" if data.bars is None else str(data.bars)
    table = validate_bars(sample_bars() if data.bars is None else read_bars(data.bars), source=source)
    return select_bars(table, symbols=data.symbols, start=data.start, end=data.end, source=source)


def walk_forward_policy(
    bars: pl.DataFrame,
    config: RLConfig,
    *,
    folds: int = 4,
    test: float = 0.125,
    embargo: int = 24,
    anchored: bool = True,
    seeds: int = 3,
    trials: int | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Train on one span, trade the next, and so on; judge all tests together.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    config : RLConfig
        Numbers of the training; seeds count up from its `seed`.
    folds, test, embargo, anchored
        As in a recipe's ``walk_forward``.
    seeds : int, default 3
        Trainings of each fold.
    trials : int, optional
        Configurations that this one was chosen from; the number of seeds by default.
    watch : callable, optional
        Called with a label and the steps of each training; returns its observer.

    Returns
    -------
    Evaluation
        Over all folds, symbols and seeds.

    Raises
    ------
    ParameterError, DataError
        If there is no room for the folds.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> config = mf.RLConfig(lookback=4, n_envs=8, n_steps=16, n_epochs=1, total_timesteps=128)
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> walk_forward_policy(bars.head(900), config, folds=1, test=0.3, seeds=1).facts["folds"]
    1
    """
    times = bars["timestamp"].unique().sort()
    rules = rule_positions(bars)
    runs: list[Played] = []
    span: Span | None = None
    cut = walk_forward_folds(times.len(), folds=folds, test=test, embargo=embargo, anchored=anchored)
    for k, fold in enumerate(cut):
        before = bars.filter(pl.col("timestamp").is_between(times[fold.train_start], times[fold.train_end - 1]))
        agents = {}
        for seed in range(config.seed, config.seed + seeds):
            label = f"fold {k + 1}/{len(cut)}, seed {seed}"
            observer = None if watch is None else watch(label, config.total_timesteps)
            agents[seed] = RLTradingAgent(config.algorithm, config).train(before, seed=seed, observer=observer)
        # Features of the test know the bars before it; what is traded begins with its first bar.
        seen = bars.filter(pl.col("timestamp") <= times[fold.test_end - 1])
        encoder = next(iter(agents.values())).encoder
        span = Span.for_test(seen, config, encoder, since=times[fold.test_start])
        runs += play_all(span, {seed: agent.predict for seed, agent in agents.items()}, fold=k, rules=rules)
    assert span is not None  # noqa: S101 - there is at least one fold
    facts = {"kind": "walk-forward", "embargo": embargo, "anchored": anchored, "costs": span.costs()}
    return evaluate_runs(runs, span.bars_per_year, trials=trials, facts=facts)


def make_model(
    recipe: Recipe,
    output: str | Path,
    *,
    checkpoints: str | Path | None = None,
    resume: bool = False,
    tensorboard: str | Path | None = None,
    watch: Watch | None = None,
) -> Made:
    """Run a recipe.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    output : str or Path
        ONNX file to write; its card goes beside it.
    checkpoints : str or Path, optional
        Folder of the checkpoints of the last training, and of the search.
    resume : bool, default False
        Go on from there.
    tensorboard : str or Path, optional
        Folder of TensorBoard's logs of the last training.
    watch : callable, optional
        Called with a label and the steps of each training; returns its observer.

    Returns
    -------
    Made
        Model, agent, result.

    Raises
    ------
    DataError, ParameterError, ConfigurationError
        If data or numbers do not allow it, or without the extra ``train``.

    Notes
    -----
    The model that is written has seen all bars of the recipe, the last of them to pick its weights, as its card says;
    the walk-forward result is what the same recipe gave on bars that it had not seen.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from mirrorfast.rl import Recipe
    >>> small = {"lookback": 4, "n_envs": 8, "n_steps": 16, "n_epochs": 1, "total_timesteps": 128}
    >>> recipe = Recipe(name="demo", rl=small, data={"symbols": ("BTC/USD",)}, walk_forward={"folds": 0})
    >>> with TemporaryDirectory() as folder:
    ...     made = make_model(recipe, Path(folder) / "demo.onnx")
    >>> made.policy.card.training["symbols"]
    ['BTC/USD']
    """
    bars = recipe_bars(recipe)
    config, trials = recipe.config(), 1
    folder = None if checkpoints is None else Path(checkpoints)
    test = recipe.walk_forward
    if recipe.search is not None and recipe.search.space:
        # What chooses must not have seen a test: the search has the bars before the first one.
        times = bars["timestamp"].unique().sort()
        known = bars
        if test.folds:
            first = walk_forward_folds(
                times.len(), folds=test.folds, test=test.test, embargo=test.embargo, anchored=test.anchored
            )[0]
            known = bars.filter(pl.col("timestamp") <= times[first.train_end - 1])
        options: dict[str, Any] = {"name": recipe.name, "folder": folder, "resume": resume, "watch": watch}
        config, trials = search(known, config, recipe.search, **options)
    evaluation = None
    if test.folds:
        evaluation = walk_forward_policy(
            bars,
            config,
            folds=test.folds,
            test=test.test,
            embargo=test.embargo,
            anchored=test.anchored,
            seeds=test.seeds,
            trials=trials * test.seeds,
            watch=watch,
        )
    agent = RLTradingAgent(config.algorithm, config).train(
        bars,
        checkpoints=None if folder is None else folder / "final",
        resume=resume,
        tensorboard=tensorboard,
        observer=None if watch is None else watch("final training", config.total_timesteps),
    )
    told: dict[str, Any] | None = None if evaluation is None else evaluation.to_dict()
    policy = agent.export(output, name=recipe.name, walk_forward=told)
    return Made(policy, agent, evaluation, config, trials)
