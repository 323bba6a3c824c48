"""From a trained model of stable-baselines3 to an ONNX file with its card, compared with torch before it is written."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mirrorfast.errors import ModelError, ParameterError
from mirrorfast.rl._extra import needed, torch_on
from mirrorfast.rl.card import CARD_KEY, ActionCard, ModelCard
from mirrorfast.rl.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["actor_of", "export_model"]

_TOLERANCE: Final = 1e-5
_CHECKED: Final = 10_000
_OPSET: Final = 17


def actor_of(model: Any, *, levels: Sequence[float] = (), normaliser: Any = None) -> Any:
    """Make a torch module of a model's deterministic answer.

    Parameters
    ----------
    model : PPO, A2C or SAC
        Of stable-baselines3.
    levels : sequence of float, optional
        The positions that a discrete policy chooses from.
    normaliser : VecNormalize, optional
        Whose statistics normalise the observation inside the module; by default that of the model's environment.

    Returns
    -------
    torch.nn.Module
        From observations of shape (n, lookback, n_columns) to positions in [−1, 1] and confidences in [0, 1], each of
        shape (n, size).

    Raises
    ------
    ParameterError
        For a policy with state-dependent exploration, an action space that is no box from −1 to 1 nor a discrete one,
        or a number of levels that is not the number of actions.

    Notes
    -----
    Clamp and tanh are in the graph, which stable-baselines3 does outside the network (its issues 383 and 1211).
    """
    torch = torch_on(1)
    gymnasium = needed("gymnasium")
    space = model.action_space
    discrete = isinstance(space, gymnasium.spaces.Discrete)
    if getattr(model, "use_sde", False):
        raise ParameterError("use_sde = True: expected a policy without state-dependent exploration")
    if discrete and len(levels) != int(space.n):
        raise ParameterError(f"levels = {tuple(levels)}: expected {int(space.n)} positions, one for each action")
    if not discrete and not (
        isinstance(space, gymnasium.spaces.Box)
        and len(space.shape) == 1
        and np.all(space.low == -1)
        and np.all(space.high == 1)
    ):
        raise ParameterError(f"action space {space}: expected Box(-1, 1, (k,)) or Discrete(n)")
    shift, scale, clip = _normalisation(normaliser if normaliser is not None else model.get_vec_normalize_env())
    policy = model.policy
    squashed = hasattr(policy, "actor")
    body = policy.actor if squashed else policy

    class Actor(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.features = body.features_extractor if squashed else policy.pi_features_extractor
            self.hidden = body.latent_pi if squashed else policy.mlp_extractor.policy_net
            self.head = body.mu if squashed else policy.action_net
            self.spread: Any = body.log_std if squashed else None
            if shift is not None:
                self.register_buffer("shift", torch.as_tensor(shift))
                self.register_buffer("scale", torch.as_tensor(scale))
            if discrete:
                self.register_buffer("levels", torch.tensor(levels, dtype=torch.float32))
            elif not squashed:
                self.register_buffer("sharpness", torch.exp(-policy.log_std.detach()) / 2**0.5)

        def forward(self, observation: Any) -> tuple[Any, Any]:
            x = observation
            if shift is not None:
                x = torch.clamp((x - self.shift) * self.scale, -clip, clip)
            x = self.hidden(self.features(x))
            y = self.head(x)
            if discrete:
                share, choice = torch.softmax(y, dim=1).max(dim=1, keepdim=True)
                n = float(len(levels))
                return self.levels[choice], (share - 1 / n) / (1 - 1 / n)
            if squashed:
                log_std = torch.clamp(self.spread(x), -20, 2)
                return torch.tanh(y), torch.erf(torch.abs(y) * torch.exp(-log_std) / 2**0.5)
            return torch.clamp(y, -1, 1), torch.erf(torch.abs(y) * self.sharpness)

    return Actor().cpu().eval()


def _normalisation(normaliser: Any) -> tuple[Any, Any, float]:
    if normaliser is None or not normaliser.norm_obs:
        return None, None, 0.0
    spread = np.sqrt(normaliser.obs_rms.var + normaliser.epsilon)
    return (
        normaliser.obs_rms.mean.astype(np.float32),
        (1.0 / spread).astype(np.float32),
        float(normaliser.clip_obs),
    )


def export_model(
    model: Any,
    path: str | Path,
    card: ModelCard,
    *,
    levels: Sequence[float] = (),
    normaliser: Any = None,
    observations: npt.NDArray[np.float32] | None = None,
) -> ModelCard:
    """Write a model as ONNX, with its card inside and beside it.

    Parameters
    ----------
    model : PPO, A2C or SAC
        Of stable-baselines3.
    path : str or Path
        File to write; the card goes to the same name with ``.json``.
    card : ModelCard
        What is known of the model; the parity and the libraries are filled in.
    levels : sequence of float, optional
        The positions that a discrete policy chooses from.
    normaliser : VecNormalize, optional
        As in `actor_of`.
    observations : numpy.ndarray, shape (n, lookback, n_columns), optional
        Real observations, compared beside 10,000 random ones.

    Returns
    -------
    ModelCard
        As it was written.

    Raises
    ------
    ModelError
        If onnxruntime and stable-baselines3 differ by more than 1e-5 in any position; nothing is written then.
    ParameterError
        As `actor_of`.
    ConfigurationError
        Without the extra ``train``.

    Notes
    -----
    Compared is what stable-baselines3's own `predict` answers, not the exported module. Of a discrete policy, choices
    whose probabilities are equal within the precision may fall either way; they are left out of the comparison.
    """
    torch = torch_on(1)
    onnx = needed("onnx")
    actor = actor_of(model, levels=levels, normaliser=normaliser)
    rows, columns = card.observation.shape
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        # The newer exporter needs another package and fixes the size of the batch.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            actor,
            (torch.zeros(2, rows, columns),),
            buffer,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["observation"],
            output_names=["action", "confidence"],
            dynamic_axes={name: {0: "n"} for name in ("observation", "action", "confidence")},
        )
    graph = onnx.load_from_string(buffer.getvalue())
    _name_shapes(graph, card.action.size)
    normalising = normaliser if normaliser is not None else model.get_vec_normalize_env()
    card = card.model_copy(
        update={
            "action": ActionCard(size=card.action.size, levels=tuple(levels)),
            "normalised": normalising is not None and bool(normalising.norm_obs),
            "libraries": {name: needed(name).__version__ for name in ("onnx", "stable_baselines3", "torch")},
        }
    )
    card = card.model_copy(update={"parity": _compare(_with_card(graph, card), model, normalising, observations)})
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(target, _with_card(graph, card))
    _replace(target.with_suffix(".json"), card.to_json().encode())
    return card


def _name_shapes(graph: Any, size: int) -> None:
    # The tracer leaves the second dimension of an output open where it cannot prove it.
    for output in graph.graph.output:
        dims = output.type.tensor_type.shape.dim
        dims[1].ClearField("dim_param")
        dims[1].dim_value = size


def _with_card(graph: Any, card: ModelCard) -> bytes:
    del graph.metadata_props[:]
    entry = graph.metadata_props.add()
    entry.key, entry.value = CARD_KEY, card.to_json()
    return bytes(graph.SerializeToString(deterministic=True))


def _compare(graph: bytes, model: Any, normaliser: Any, real: npt.NDArray[np.float32] | None) -> dict[str, float]:
    policy = Policy(graph)
    rows, columns = policy.card.observation.shape
    generator = np.random.default_rng(0)
    inputs = generator.uniform(-1, 1, (_CHECKED, rows, columns)).astype(np.float32)
    # Half of them near the middle, where a policy does not saturate.
    inputs[: _CHECKED // 2] *= 0.1
    if real is not None and len(real):
        inputs = np.concatenate([inputs, np.ascontiguousarray(real, np.float32)])
    shown = inputs if normaliser is None else normaliser.normalize_obs(inputs)
    wanted, _ = model.predict(shown, deterministic=True)
    size = policy.card.action.size
    positions, confidence = policy.decide_many(inputs)
    ours = positions.reshape(len(inputs), size)
    if policy.card.action.levels:
        theirs = np.asarray(policy.card.action.levels, np.float32)[np.asarray(wanted).reshape(-1)].reshape(-1, 1)
        # Equal within the precision: the two best choices are then a matter of the last bit.
        close = _runner_up(model, shown) < 1e-5
        ours, theirs = ours[~close], theirs[~close]
    else:
        theirs = np.asarray(wanted, np.float32).reshape(len(inputs), size)
    worst = float(np.max(np.abs(ours - theirs), initial=0.0))
    if not (worst <= _TOLERANCE and np.all(np.isfinite(positions)) and np.all((confidence >= 0) & (confidence <= 1))):
        raise ModelError(
            f"export: position differs from stable-baselines3 by {worst:.2g}: expected at most {_TOLERANCE:g}"
        )
    return {"observations": len(inputs), "max_difference": worst}


def _runner_up(model: Any, shown: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Distance of the two largest probabilities of each observation."""
    torch = needed("torch")
    with torch.no_grad():
        tensor, _ = model.policy.obs_to_tensor(shown)
        best = model.policy.get_distribution(tensor).distribution.probs.topk(2, dim=1).values
    return np.asarray((best[:, 0] - best[:, 1]).cpu().numpy(), np.float64)


def _replace(target: Path, content: bytes) -> None:
    """Write beside the target and move it there: a reader never sees half a file."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(target)
