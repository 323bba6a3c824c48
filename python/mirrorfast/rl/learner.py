"""The algorithms of stable-baselines3 from an `RLConfig`: made, seeded, kept in a file without pickles."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.errors import ModelError, ParameterError
from mirrorfast.rl._extra import needed, torch_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mirrorfast.config import RLConfig

__all__ = ["load_weights", "make_learner", "read_state", "save_learner", "seed_everything"]

_STATE: Final = "mirrorfast.json"


def make_learner(config: RLConfig, env: Any, *, seed: int | None = None, tensorboard: str | None = None) -> Any:
    """Make a model of stable-baselines3.

    Parameters
    ----------
    config : RLConfig
        Algorithm and its numbers.
    env : VecEnv
        What it learns in.
    seed : int, optional
        Of its weights and actions; the configuration's by default.
    tensorboard : str, optional
        Folder of TensorBoard's logs.

    Returns
    -------
    PPO, A2C or SAC
        Untrained.

    Raises
    ------
    ConfigurationError
        Without the extra ``train``, or without tensorboard where it is asked for.
    ParameterError
        For SAC over discrete actions.
    """
    torch_on(config.threads)
    if tensorboard is not None:
        needed("tensorboard", extra="train")
    sb3 = needed("stable_baselines3", package="stable-baselines3")
    discrete = type(env.action_space).__name__ == "Discrete"
    if config.algorithm == "SAC" and discrete:
        raise ParameterError("algorithm = 'SAC' with discrete actions: expected PPO or A2C, or continuous actions")
    rows = config.n_steps * env.num_envs
    common: dict[str, Any] = {
        "policy": "MlpPolicy",
        "env": env,
        "learning_rate": config.learning_rate,
        "gamma": config.gamma,
        "seed": config.seed if seed is None else seed,
        "tensorboard_log": tensorboard,
        "device": "cpu",
        "verbose": 0,
        "policy_kwargs": {"net_arch": list(config.net_arch)},
    }
    held: list[Any] = []
    if config.learning_rate_end is not None:
        common["learning_rate"] = _falling(config, held)
    if config.algorithm == "PPO":
        model = sb3.PPO(
            **common,
            n_steps=config.n_steps,
            # A minibatch larger than what is collected would be refused, a ragged one warned about.
            batch_size=_divisor(rows, config.batch_size),
            n_epochs=config.n_epochs,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip_range,
            ent_coef=config.ent_coef,
        )
    elif config.algorithm == "A2C":
        model = sb3.A2C(**common, n_steps=config.n_steps, gae_lambda=config.gae_lambda, ent_coef=config.ent_coef)
    else:
        model = sb3.SAC(
            **common,
            batch_size=config.batch_size,
            buffer_size=config.buffer_size,
            learning_starts=config.learning_starts,
            train_freq=config.train_freq,
            gradient_steps=config.gradient_steps,
        )
    held.append(model)
    return model


def _falling(config: RLConfig, held: list[Any]) -> Callable[[float], float]:
    """Fall with the steps of the whole training; the library's own measure starts anew with every call of `learn`."""
    start, end = config.learning_rate, config.learning_rate_end or 0.0

    def rate(_left: float) -> float:
        done = held[0].num_timesteps / config.total_timesteps if held else 0.0
        return start + (end - start) * min(done, 1.0)

    return rate


def _divisor(rows: int, wanted: int) -> int:
    """Find the largest size of equal minibatches that is not above the one wanted."""
    count = -(-rows // min(rows, wanted))
    while rows % count:
        count += 1
    return rows // count


def seed_everything(model: Any, seed: int) -> None:
    """Set every random number that a model and its environments draw from.

    Parameters
    ----------
    model : PPO, A2C or SAC
        Whose actions, minibatches and environments.
    seed : int
        Equal seeds give equal training from equal weights.
    """
    model.set_random_seed(seed % 2**32)
    # A reset follows: episodes begin where the seed says, not where the last ones were.
    model._last_obs = None  # noqa: SLF001 - the library has no other way to say so


def save_learner(model: Any, path: Path, state: dict[str, Any]) -> None:
    """Write weights and optimiser as stable-baselines3 does, without its pickled objects, and our state as JSON.

    Parameters
    ----------
    model : PPO, A2C or SAC
        What is kept.
    path : Path
        Zip file to write, whole or not at all.
    state : dict
        What JSON can hold.
    """
    save_util = needed("stable_baselines3.common.save_util", package="stable-baselines3")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.zip")
    save_util.save_to_zip_file(draft, data=None, params=model.get_parameters())
    with zipfile.ZipFile(draft, "a") as archive:
        archive.writestr(_STATE, json.dumps(state, indent=2, sort_keys=True))
    draft.replace(path)


def read_state(path: Path) -> dict[str, Any]:
    """Read what `save_learner` wrote beside the weights.

    Parameters
    ----------
    path : Path
        The zip file.

    Returns
    -------
    dict
        The state.

    Raises
    ------
    ModelError
        If the file cannot be read, or is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read(_STATE))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}: expected a file written by RLTradingAgent.save") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelError(f"{path}: expected a file written by RLTradingAgent.save") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path}: expected a file written by RLTradingAgent.save")
    return state


def load_weights(model: Any, path: Path) -> None:
    """Put weights and optimiser of a file into a model.

    Parameters
    ----------
    model : PPO, A2C or SAC
        Made by `make_learner` from the configuration that was saved.
    path : Path
        What `save_learner` wrote; no code of it is run.

    Raises
    ------
    ModelError
        If the weights do not fit the model.
    """
    try:
        model.set_parameters(str(path), device="cpu")
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"{path}: weights do not fit the configuration: {str(error).splitlines()[0]}") from error
