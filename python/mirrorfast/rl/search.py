"""Search for better numbers: guided by optuna, judged on the validation span, pruned, resumable."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.rl._extra import needed
from mirrorfast.rl.agent import RLTradingAgent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from mirrorfast.config import RLConfig
    from mirrorfast.rl.callbacks import TrainingObserver
    from mirrorfast.rl.recipe import SearchRecipe
    from mirrorfast.rl.training import Look

__all__ = ["search"]


def search(
    bars: pl.DataFrame,
    config: RLConfig,
    recipe: SearchRecipe,
    *,
    name: str = "search",
    folder: Path | None = None,
    resume: bool = False,
    watch: Callable[[str, int], TrainingObserver | None] | None = None,
) -> tuple[RLConfig, int]:
    """Try configurations, and give the best.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars; nothing that a test will be made on.
    config : RLConfig
        What the search starts from.
    recipe : SearchRecipe
        Trials, seeds and space.
    name : str, default "search"
        Name of the study.
    folder : Path, optional
        Where trials are kept, in ``search.sqlite``; in memory without one.
    resume : bool, default False
        Go on with the trials that are there.
    watch : callable, optional
        Called with a label and the steps of each training; returns its observer.

    Returns
    -------
    tuple of RLConfig and int
        The best configuration, and how many were tried.

    Raises
    ------
    ConfigurationError
        Without optuna or a validation span, or when the folder holds a study and `resume` is not asked for.
    ParameterError
        For a space that is none.

    Notes
    -----
    A trial's figure is the best growth over the validation span, averaged over the seeds. One that is below the median
    of the others at the same look is not trained to its end.
    """
    optuna = needed("optuna")
    if config.validation == 0:
        raise ConfigurationError("validation = 0: expected a validation span, which the search is judged on")
    space = {field: _checked(field, choices) for field, choices in recipe.space.items()}
    storage = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "search.sqlite"
        if file.exists() and not resume:
            raise ConfigurationError(f"{file}: holds a search: expected resume, or another folder")
        storage = f"sqlite:///{file}"
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            load_if_exists=resume,
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=config.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
        )
        finished = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
        done = len(study.get_trials(states=finished, deepcopy=False))

        def one(trial: Any) -> float:
            chosen = config.model_copy(update={})
            chosen = type(config)(**config.model_dump() | {f: _suggest(trial, f, c) for f, c in space.items()})
            best = []
            for k in range(recipe.seeds):
                label = f"trial {trial.number + 1}/{recipe.trials}"
                observer = None if watch is None else watch(label, chosen.total_timesteps)
                pruner = _Pruner(trial, optuna, observer, first=k == 0)
                agent = RLTradingAgent(chosen.algorithm, chosen).train(bars, seed=chosen.seed + k, observer=pruner)
                record = agent.record
                best.append(max((look.growth for look in record.looks), default=math.nan) if record else math.nan)
            return sum(best) / len(best)

        study.optimize(one, n_trials=max(0, recipe.trials - done))
        tried = len(study.get_trials(states=finished, deepcopy=False))
        found = {field: _value(space[field], study.best_params[field]) for field in space}
    finally:
        optuna.logging.set_verbosity(before)
    return type(config)(**config.model_dump() | found), tried


class _Pruner:
    """Tells optuna of every look, and ends a trial that it has given up."""

    def __init__(self, trial: Any, optuna: Any, inner: TrainingObserver | None, *, first: bool) -> None:
        self._trial, self._optuna, self._inner, self._first = trial, optuna, inner, first
        self._looks = 0

    def on_steps(self, steps: int) -> None:
        if self._inner is not None:
            self._inner.on_steps(steps)

    def on_look(self, look: Look) -> None:
        if self._inner is not None:
            self._inner.on_look(look)
        if not self._first:
            return
        self._trial.report(look.growth, self._looks)
        self._looks += 1
        if self._trial.should_prune():
            raise self._optuna.TrialPruned


def _checked(field: str, choices: Any) -> Any:
    if isinstance(choices, list) and choices:
        return choices
    if isinstance(choices, dict) and {"low", "high"} <= choices.keys() <= {"low", "high", "step", "log"}:
        low, high = choices["low"], choices["high"]
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (low, high)) and low < high:
            return choices
    raise ParameterError(
        f"search.space.{field} = {choices!r}: expected a list of values, or low < high with step or log where wanted"
    )


def _suggest(trial: Any, field: str, choices: Any) -> Any:
    if isinstance(choices, list):
        # By position: optuna's categories must be plain values, ours may be lists.
        return _value(choices, trial.suggest_categorical(field, list(range(len(choices)))))
    low, high = choices["low"], choices["high"]
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(field, low, high, step=choices.get("step", 1), log=choices.get("log", False))
    return trial.suggest_float(field, low, high, step=choices.get("step"), log=choices.get("log", False))


def _value(choices: Any, chosen: Any) -> Any:
    if not isinstance(choices, list):
        return chosen
    value = choices[chosen]
    return tuple(value) if isinstance(value, list) else value
