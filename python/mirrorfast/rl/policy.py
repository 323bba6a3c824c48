"""`Policy`: a trained model, run by onnxruntime on buffers that are bound once."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from mirrorfast.errors import ModelError, ShapeError
from mirrorfast.rl.card import CARD_KEY, ModelCard, ObservationCard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirrorfast.rl.observation import PolicyStream

Array = npt.NDArray[np.float32]

__all__ = ["Policy"]

#: Bars after which no column of `compute_features` is unknown any more.
_FEATURES_KNOWN: Final = 199
_INPUT: Final = "observation"
_OUTPUTS: Final = ("action", "confidence")


class Policy:
    """A trained policy: observation in, wanted position and confidence out. Needs neither torch nor onnx.

    Parameters
    ----------
    graph : bytes
        An ONNX file that `export` wrote.
    expected : ObservationCard, optional
        What this program can show the policy; one that wants to see something else is refused.
    source : str, default "graph"
        Name for errors.

    Attributes
    ----------
    card : ModelCard
        What the model says of itself.
    graph : bytes
        The ONNX file.

    Raises
    ------
    ModelError
        If the bytes are no ONNX graph, carry no card, do not fit their card, or want another observation than
        `expected`; the message names the difference.

    Notes
    -----
    One thread, because the graphs are small; the buffers of a single observation are bound once, so that a call
    allocates no arrays. An object must not be shared between threads: load one for each.

    A position of NaN comes from an observation with a NaN. What trades holds its position then.

    Examples
    --------
    >>> Policy(b"nonsense")
    Traceback (most recent call last):
    mirrorfast.errors.ModelError: graph: expected an ONNX model written by RLTradingAgent.export
    """

    def __init__(self, graph: bytes, *, expected: ObservationCard | None = None, source: str = "graph") -> None:
        onnxruntime: Any = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # onnxruntime raises classes of its own that derive from Exception alone.
            raise ModelError(f"{source}: expected an ONNX model written by RLTradingAgent.export") from error
        text = session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        if text is None:
            raise ModelError(f"{source}: the model has no card: expected one written by RLTradingAgent.export")
        self.graph = graph
        self.card = ModelCard.from_json(text, source=f"{source}: card")
        self._fits(session, source)
        if expected is not None and (difference := self.card.observation.difference(expected)) is not None:
            raise ModelError(f"{source}: {difference}: expected a model for this release's observation; train it again")
        self._session = session
        self._run = session.run_with_iobinding
        rows, columns = self.card.observation.shape
        size = self.card.action.size
        self._one = np.zeros((1, rows, columns), np.float32)
        self._view = self._one[0]
        self._answer = np.zeros((2, 1, size), np.float32)
        self._flat = self._answer.reshape(-1)
        self._binding = session.io_binding()
        self._binding.bind_input(_INPUT, "cpu", 0, np.float32, self._one.shape, self._one.ctypes.data)
        for name, buffer in zip(_OUTPUTS, self._answer, strict=True):
            self._binding.bind_output(name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)

    def _fits(self, session: Any, source: str) -> None:
        """Compare the graph with its card: a card of another model would feed it nonsense."""
        found: Mapping[str, Any] = {node.name: node.shape for node in (*session.get_inputs(), *session.get_outputs())}
        rows, columns = self.card.observation.shape
        size = self.card.action.size
        for name, shape in ((_INPUT, [rows, columns]), *((name, [size]) for name in _OUTPUTS)):
            if name not in found:
                raise ModelError(f"{source}: {name} is missing: found {', '.join(found)}")
            if list(found[name][1:]) != shape:
                raise ModelError(f"{source}: {name} has shape {found[name][1:]}: the card says {shape}")

    @classmethod
    def load(cls, path: str | Path, *, expected: ObservationCard | None = None) -> Policy:
        """Read a model and check that it fits its card, and this program.

        Parameters
        ----------
        path : str or Path
            The ONNX file; a card beside it (``NAME.json``) must equal the one inside.
        expected : ObservationCard, optional
            What the program can show it; by default the observation of this release, with the model's own features
            and look-back.

        Returns
        -------
        Policy
            Ready to run.

        Raises
        ------
        ModelError
            If the file cannot be read, or as the class says.
        """
        file = Path(path)
        try:
            graph = file.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{file}: {error.strerror}: expected an ONNX model written by RLTradingAgent.export"
            ) from error
        policy = cls(graph, expected=expected, source=str(file))
        if expected is None:
            policy.require()
        beside = ModelCard.beside(file)
        if beside is not None and beside != policy.card:
            inside, outside = policy.card.model_dump(), beside.model_dump()
            field = next(name for name in inside if inside[name] != outside[name])
            raise ModelError(f"{file}: {field} of the card beside it differs from the card inside: expected one card")
        return policy

    def require(self) -> None:
        """Refuse a model that this release cannot show what it was trained on.

        Raises
        ------
        ModelError
            If version or columns of its observation or encoder are others; the message names the difference.
        """
        from mirrorfast.rl.observation import encoder_of, observation_of

        mine = observation_of(encoder_of(self), self.card.observation.lookback)
        if (difference := self.card.observation.difference(mine)) is not None:
            raise ModelError(f"model {self.card.name}: {difference}: expected a model of this release; train it again")

    def session(
        self,
        symbols: Sequence[str],
        *,
        timeframe: str,
        market_of: Callable[[str], str],
        largest: float,
    ) -> PolicyStream:
        """Put the policy to work in a run: what `mirrorfast.backtest` and the trading loop ask of a policy.

        Parameters
        ----------
        symbols : sequence of str
            Names by symbol id.
        timeframe : str
            Timeframe of the features.
        market_of : callable
            Kind of market of a symbol.
        largest : float
            Largest position that the run may hold in one symbol.

        Returns
        -------
        PolicyStream
            Fresh: it has seen no bar.

        Raises
        ------
        ModelError
            If the policy does not fit the run.
        """
        from mirrorfast.rl.observation import PolicyStream

        return PolicyStream(self, symbols, timeframe=timeframe, market_of=market_of, largest=largest)

    @property
    def warm_up(self) -> int:
        """Bars of a symbol before the policy is asked, at most.

        Returns
        -------
        int
            Those after which every feature is known, and a window of them.
        """
        return _FEATURES_KNOWN + self.card.observation.lookback

    def identity(self) -> dict[str, Any]:
        """Say what makes two runs runs of one policy.

        Returns
        -------
        dict
            Name of the model and SHA-256 of its file.
        """
        return {"name": self.card.name, "sha256": hashlib.sha256(self.graph).hexdigest()}

    def decide(self, observation: npt.NDArray[Any]) -> tuple[float, float]:
        """Answer one observation.

        Parameters
        ----------
        observation : numpy.ndarray, shape (lookback, n_columns)
            Encoded, float32.

        Returns
        -------
        tuple of float
            Position in [−1, 1] and confidence in [0, 1]; NaN where the observation holds a NaN.

        Raises
        ------
        ShapeError
            If the shape is another.

        Notes
        -----
        Confidence is the probability, by the policy's own distribution, that it means this side, from 0 (either) to 1:
        ``2·Φ(|mean| / deviation) − 1``; of a discrete policy the share of its choice, 0 for an even spread.
        """
        if observation.shape != self._view.shape:
            raise self._wrong(observation)
        self._view[...] = observation
        self._run(self._binding)
        return self._flat.item(0), self._flat.item(self.card.action.size)

    def predict(self, observation: npt.NDArray[Any]) -> float | Array:
        """Answer one observation, or a batch of them.

        Parameters
        ----------
        observation : numpy.ndarray, shape (lookback, n_columns) or (n, lookback, n_columns)
            Encoded, float32.

        Returns
        -------
        float or numpy.ndarray, shape (n,)
            Position in [−1, 1]; for a policy over k symbols an array of shape (k,) or (n, k).

        Raises
        ------
        ShapeError
            If the shape is another.
        """
        if observation.shape == self._view.shape:
            self._view[...] = observation
            self._run(self._binding)
            return self._flat.item(0) if self.card.action.size == 1 else self._answer[0, 0].copy()
        positions, _ = self.decide_many(observation)
        return positions

    def decide_many(self, observations: npt.NDArray[Any]) -> tuple[Array, Array]:
        """Answer a batch of observations.

        Parameters
        ----------
        observations : numpy.ndarray, shape (n, lookback, n_columns)
            Encoded, float32.

        Returns
        -------
        tuple of numpy.ndarray, each of shape (n,), or (n, k) for k symbols
            Positions and confidences.

        Raises
        ------
        ShapeError
            If the shape is another.
        """
        if observations.ndim != 3 or observations.shape[1:] != self._view.shape:
            raise self._wrong(observations)
        batch = np.ascontiguousarray(observations, dtype=np.float32)
        if not len(batch):
            empty = np.zeros((0, self.card.action.size), np.float32)
            found = [empty, empty.copy()]
        else:
            found = self._session.run(list(_OUTPUTS), {_INPUT: batch})
        positions, confidences = found
        if self.card.action.size == 1:
            return positions.reshape(-1), confidences.reshape(-1)
        return positions, confidences

    def _wrong(self, observation: npt.NDArray[Any]) -> ShapeError:
        rows, columns = self._view.shape
        return ShapeError(
            f"observation: shape {observation.shape}: expected ({rows}, {columns}) or (n, {rows}, {columns})"
        )

    def __repr__(self) -> str:
        return f"Policy({self.card.name!r}, {self.card.algorithm}, observation {self.card.observation.shape})"
