"""The training loop: stretches of steps between looks at a validation span; each look is a checkpoint."""

from __future__ import annotations

import copy
import math
import time
import warnings
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.errors import ConfigurationError, ModelError
from mirrorfast.rl.callbacks import step_counter
from mirrorfast.rl.learner import load_weights, read_state, save_learner, seed_everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mirrorfast.config import RLConfig
    from mirrorfast.rl.callbacks import TrainingObserver

__all__ = ["Look", "TrainingRecord", "run_training"]

_LAST: Final = "last.zip"
_BEST: Final = "best.zip"


@dataclass(frozen=True)
class Look:
    """One look at the validation span.

    Attributes
    ----------
    steps
        Steps of training done.
    growth
        Growth of equity over the span, after costs.
    best
        Whether no look before was better.

    Examples
    --------
    >>> Look(steps=1000, growth=0.02, best=True).growth
    0.02
    """

    steps: int
    growth: float
    best: bool


@dataclass
class TrainingRecord:
    """How a training went.

    Attributes
    ----------
    steps
        Steps done.
    seconds
        Time that they took in this process.
    looks
        Looks at the validation span, in order.
    kept
        Steps after which the weights that were kept were made.
    stopped_early
        Whether the validation span ended it.

    Examples
    --------
    >>> TrainingRecord().kept
    0
    """

    steps: int = 0
    seconds: float = 0.0
    looks: list[Look] = field(default_factory=list)
    kept: int = 0
    stopped_early: bool = False


def run_training(
    model: Any,
    config: RLConfig,
    *,
    seed: int,
    look: Callable[[Any], float] | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
    observer: TrainingObserver | None = None,
) -> TrainingRecord:
    """Train a model, and leave the best weights in it.

    Parameters
    ----------
    model : PPO, A2C or SAC
        Fresh from `make_learner`.
    config : RLConfig
        Steps, looks, patience.
    seed : int
        Seed of everything.
    look : callable, optional
        Tells the growth of equity over the validation span; without one the last weights are kept.
    checkpoints : Path, optional
        Folder of the checkpoints.
    resume : bool, default False
        Go on from the checkpoint in that folder, if there is one.
    identity : dict, optional
        What must be the same when a training goes on: configuration, data.
    observer : TrainingObserver, optional
        Who is told.

    Returns
    -------
    TrainingRecord
        What was done.

    Raises
    ------
    ConfigurationError
        When the checkpoint belongs to another configuration or other data, or `resume` without a folder.
    ModelError
        When the checkpoint cannot be read.

    Notes
    -----
    Each stretch begins with seeds of its own and fresh episodes, interrupted or not. PPO and A2C that were interrupted
    so end with the bits of a training that was not. SAC does not: what it remembers of old steps is not in the
    checkpoint (hundreds of megabytes), so that it first collects anew.
    """
    if resume and checkpoints is None:
        raise ConfigurationError("resume = True: expected a folder of checkpoints")
    record, since, best_state = TrainingRecord(), 0, None
    if resume and checkpoints is not None and (checkpoints / _LAST).is_file():
        record, since = _take_up(model, checkpoints, identity or {})
    stretch = _stretch(model, config)
    with warnings.catch_warnings():
        # A batch that is no divisor, a network on a processor …: said by the documentation, not in every run.
        warnings.simplefilter("ignore", UserWarning)
        while record.steps < config.total_timesteps and not record.stopped_early:
            start = time.perf_counter()
            seed_everything(model, seed * 1_000_003 + record.steps)
            counter = step_counter(observer, max(stretch // 50, 1))
            model.learn(stretch, callback=counter, reset_num_timesteps=False, log_interval=None)
            record.steps = int(model.num_timesteps)
            if look is None:
                record.kept = record.steps
            else:
                growth = float(look(model))
                better = not record.looks or growth > max(seen.growth for seen in record.looks)
                record.looks.append(Look(record.steps, growth, better))
                if better:
                    since, record.kept = 0, record.steps
                    best_state = copy.deepcopy(model.policy.state_dict())
                    if checkpoints is not None:
                        save_learner(model, checkpoints / _BEST, {"steps": record.steps})
                else:
                    since += 1
                record.stopped_early = 0 < config.patience <= since and record.steps < config.total_timesteps
                if observer is not None:
                    observer.on_look(record.looks[-1])
            record.seconds += time.perf_counter() - start
            if checkpoints is not None:
                save_learner(model, checkpoints / _LAST, _state(model, record, since, identity or {}))
    if record.kept != record.steps:
        if best_state is not None:
            model.policy.load_state_dict(best_state)
        elif checkpoints is not None:
            load_weights(model, checkpoints / _BEST)
    return record


def _stretch(model: Any, config: RLConfig) -> int:
    """Count the steps of a stretch: whole rollouts, at least one."""
    unit = model.env.num_envs * (config.train_freq if config.algorithm == "SAC" else config.n_steps)
    wanted = min(config.look_every, config.total_timesteps)
    return int(unit * max(1, math.ceil(wanted / unit)))


def _state(model: Any, record: TrainingRecord, since: int, identity: dict[str, Any]) -> dict[str, Any]:
    return {"record": asdict(record), "since": since, "updates": int(model._n_updates), "identity": identity}  # noqa: SLF001


def _take_up(model: Any, checkpoints: Path, identity: dict[str, Any]) -> tuple[TrainingRecord, int]:
    path = checkpoints / _LAST
    state = read_state(path)
    stored = state.get("identity", {})
    for name in sorted(stored.keys() | identity.keys()):
        if stored.get(name) != identity.get(name):
            raise ConfigurationError(
                f"{path}: {name} = {stored.get(name)!r} then, {identity.get(name)!r} now: "
                "expected what was trained; start with another folder, or without resume"
            )
    load_weights(model, path)
    try:
        kept = dict(state["record"])
        record = TrainingRecord(**kept | {"looks": [Look(**one) for one in kept["looks"]]})
        model.num_timesteps = record.steps
        model._n_updates = int(state["updates"])  # noqa: SLF001 - the library keeps it in the part that is pickled
        since = int(state["since"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: expected a checkpoint of a training") from error
    if model.__class__.__name__ == "SAC":
        model.learning_starts = record.steps + model.learning_starts
    return record, since
