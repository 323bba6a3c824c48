"""Settings that belong together: SPEC's, and those that learn the same in a fraction of the time."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.config import RLConfig
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PRESETS", "preset"]

#: What differs from `RLConfig`'s own defaults, which are the preset ``reference``.
_FAST: Final[dict[str, dict[str, Any]]] = {
    # Sixty-four environments give a batch that is worth a call of torch; four passes over minibatches of 4,096 do what
    # ten passes over minibatches of 64 do, with a hundredth of the calls.
    "PPO": {"n_envs": 64, "n_steps": 128, "batch_size": 4096, "n_epochs": 4, "learning_rate": 1e-3, "ent_coef": 0.0},
    "A2C": {"n_envs": 64, "n_steps": 16, "learning_rate": 1e-3, "ent_coef": 0.0},
    # One update every eight steps of sixty-four environments, instead of one a step.
    "SAC": {"n_envs": 64, "batch_size": 512, "train_freq": 8, "gradient_steps": 8, "learning_rate": 1e-3},
}
_REFERENCE: Final[dict[str, dict[str, Any]]] = {
    "PPO": {},
    # stable-baselines3's own: an update of A2C every five steps.
    "A2C": {"n_steps": 5, "learning_rate": 7e-4},
    "SAC": {"n_envs": 1, "batch_size": 256},
}

PRESETS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = MappingProxyType(
    {"reference": MappingProxyType(_REFERENCE), "fast": MappingProxyType(_FAST)}
)
"""Preset → algorithm → what it sets."""


def preset(name: str, algorithm: str = "PPO", **changes: Any) -> RLConfig:
    """Make a configuration from a preset.

    Parameters
    ----------
    name : {"reference", "fast"}
        ``reference``: the numbers of SPEC §8, and stable-baselines3's where SPEC has none. ``fast``: large minibatches
        of many environments.
    algorithm : {"PPO", "SAC", "A2C"}, default "PPO"
        Learning algorithm.
    **changes
        Fields of `RLConfig` that win over the preset.

    Returns
    -------
    RLConfig
        The configuration.

    Raises
    ------
    ParameterError
        For an unknown preset or algorithm.
    ConfigurationError
        For an unknown field, or a value outside its range.

    Examples
    --------
    >>> preset("fast").n_envs, preset("reference").batch_size, preset("fast", gamma=0.9).gamma
    (64, 64, 0.9)
    """
    if name not in PRESETS:
        raise ParameterError(f"preset = {name!r}: expected one of {', '.join(PRESETS)}")
    if algorithm not in PRESETS[name]:
        raise ParameterError(f"algorithm = {algorithm!r}: expected one of {', '.join(PRESETS[name])}")
    return RLConfig(**{"algorithm": algorithm, **PRESETS[name][algorithm], **changes})
