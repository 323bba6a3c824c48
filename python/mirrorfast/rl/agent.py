"""`RLTradingAgent`: trains a policy on bars, judges it, keeps it, exports it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mirrorfast.config import RLConfig
from mirrorfast.errors import ConfigurationError, ModelError, ParameterError
from mirrorfast.rl.card import ActionCard, ModelCard
from mirrorfast.rl.evaluation import evaluate_runs, play_all, rule_positions
from mirrorfast.rl.learner import load_weights, make_learner, read_state, save_learner
from mirrorfast.rl.observation import observation_of
from mirrorfast.rl.presets import preset
from mirrorfast.rl.spaces import spaces_env
from mirrorfast.rl.span import Span, encoder_document, growth_of
from mirrorfast.rl.training import TrainingRecord, run_training
from mirrorfast.signals.encoder import SignalEncoder

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

    from mirrorfast.config import TradingConfig
    from mirrorfast.rl.callbacks import TrainingObserver
    from mirrorfast.rl.policy import Policy
    from mirrorfast.rl.verdict import Evaluation

__all__ = ["AgentEvaluation", "RLTradingAgent"]


class AgentEvaluation:
    """An evaluation with the agent that it is about, so that ``train(…).evaluate(…).export(…)`` reads in one line.

    Parameters
    ----------
    agent : RLTradingAgent
        Who was judged.
    result : Evaluation
        The judgement.

    Attributes
    ----------
    agent, result
        As given.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> config = mf.RLConfig(lookback=4, n_envs=8, n_steps=16, n_epochs=1, total_timesteps=128)
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> report = mf.RLTradingAgent("PPO", config).train(bars.head(600)).evaluate(bars.tail(300), rules=False)
    >>> report.result.table["contender"].to_list()
    ['policy', 'buy & hold', 'flat', 'random']
    """

    def __init__(self, agent: RLTradingAgent, result: Evaluation) -> None:
        self.agent = agent
        self.result = result

    @property
    def verdict(self) -> str:
        """The sentence for people.

        Returns
        -------
        str
            What is proved, and what is not.
        """
        return self.result.verdict

    def export(self, path: str | Path, *, name: str | None = None) -> Policy:
        """Export the agent with this evaluation in its card.

        Parameters
        ----------
        path : str or Path
            ONNX file to write.
        name : str, optional
            Name of the model; the file's by default.

        Returns
        -------
        Policy
            The model, read back.
        """
        return self.agent.export(path, name=name, walk_forward={"kind": "one span", **self.result.to_dict()})

    def __str__(self) -> str:
        return str(self.result)


class RLTradingAgent:
    """A learning agent of stable-baselines3 over the environment of mirrorfast.

    Parameters
    ----------
    algorithm : {"PPO", "SAC", "A2C"}, default "PPO"
        Learning algorithm.
    config : RLConfig, optional
        Environment and training; the preset ``fast`` of the algorithm by default. `algorithm` wins over its own.

    Attributes
    ----------
    config
        As used.
    record
        How the training went; None before it.

    Raises
    ------
    ParameterError
        For an unknown algorithm.

    Notes
    -----
    Equal seeds, data and versions give equal weights. Training runs on one thread of torch; see `RLConfig.threads`.

    Examples
    --------
    >>> RLTradingAgent("SAC").config.algorithm
    'SAC'
    """

    def __init__(self, algorithm: str = "PPO", config: RLConfig | None = None) -> None:
        if algorithm not in ("PPO", "SAC", "A2C"):
            raise ParameterError(f"algorithm = {algorithm!r}: expected one of PPO, SAC, A2C")
        given = preset("fast", algorithm) if config is None else config
        self.config: RLConfig = given.model_copy(update={"algorithm": algorithm})
        self.record: TrainingRecord | None = None
        self._model: Any = None
        self._span: Span | None = None
        self._encoder: SignalEncoder | None = None
        self._timeframe = ""
        self._facts: dict[str, Any] = {}

    def train(
        self,
        bars: Any,
        *,
        features: Any = None,
        seed: int | None = None,
        checkpoints: str | Path | None = None,
        resume: bool = False,
        tensorboard: str | Path | None = None,
        observer: TrainingObserver | None = None,
        progress: bool = False,
    ) -> Self:
        """Train on bars; the last part of them picks the weights that are kept.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, 7)
            Bars of any number of symbols, as `mirrorfast.backtest` takes them.
        features : DataFrame, shape (n, k), optional
            Columns of your own beside the bars, where the configuration's ``features`` names some; a policy over them
            cannot run live, where nobody computes them.
        seed : int, optional
            Of everything; the configuration's by default.
        checkpoints : str or Path, optional
            Folder for a checkpoint at every look at the validation span.
        resume : bool, default False
            Go on from the checkpoint there, if there is one.
        tensorboard : str or Path, optional
            Folder of TensorBoard's logs; needs the package tensorboard.
        observer : TrainingObserver, optional
            Who is told how it goes.
        progress : bool, default False
            Draw a progress bar on standard error.

        Returns
        -------
        RLTradingAgent
            Itself.

        Raises
        ------
        DataError
            For bars that break SPEC §1, or too few of them.
        ConfigurationError
            Without the extra ``train``, or when the checkpoint is of another training.

        Notes
        -----
        The encoder is fitted on the training part alone. Between it and the validation part lie `lookback` bars that
        neither sees. PPO and A2C that are interrupted and resumed end with the bits of an uninterrupted training; SAC
        does not, because its memory of old steps is not kept.
        """
        from mirrorfast.rl.vec_env import TradingVecEnv

        use = self.config.seed if seed is None else seed
        span, check = Span.for_training(bars, self.config, features=features)
        env = TradingVecEnv(span.data, self.config.n_envs, self.config, seed=use)
        model = make_learner(self.config, env, seed=use, tensorboard=None if tensorboard is None else str(tensorboard))
        # What picked the weights was seen, too.
        facts = span.facts() | {"seed": use, "seen_until": (check or span).facts()["last"]}
        with ExitStack() as stack:
            stack.callback(env.close)
            if progress and observer is None:
                from mirrorfast.rl.callbacks import TrainingProgress

                observer = stack.enter_context(TrainingProgress(self.config.total_timesteps))
            self.record = run_training(
                model,
                self.config,
                seed=use,
                look=None if check is None else lambda m: growth_of(check, _asker(m, self.config.positions)),
                checkpoints=None if checkpoints is None else Path(checkpoints),
                resume=resume,
                identity={"config": _comparable(self.config), "data": facts["digest"]},
                observer=observer,
            )
        self._model, self._span, self._facts = model, span, facts
        self._encoder, self._timeframe = span.encoder, span.timeframe
        return self

    @property
    def encoder(self) -> SignalEncoder:
        """The encoder that was fitted on the training span.

        Returns
        -------
        SignalEncoder
            Fitted.

        Raises
        ------
        ModelError
            Before training.
        """
        if self._encoder is None:
            raise ModelError("agent: not trained: call train(bars) or load(path) first")
        return self._encoder

    def predict(self, observations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Answer a batch of observations, without exploration.

        Parameters
        ----------
        observations : numpy.ndarray, shape (n, lookback, n_columns)
            Encoded.

        Returns
        -------
        numpy.ndarray, shape (n,)
            Positions in [−1, 1].

        Raises
        ------
        ModelError
            Before training.
        """
        return self._ask(observations)

    def evaluate(
        self,
        bars: Any,
        *,
        features: Any = None,
        rules: bool = True,
        rule_config: TradingConfig | None = None,
        trials: int | None = None,
    ) -> AgentEvaluation:
        """Let the agent trade bars against buy & hold, flat, random and the rule ensemble, at the same costs.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, 7)
            Bars that it was not trained on; the report says so where it was.
        features : DataFrame, shape (n, k), optional
            Columns of your own beside the bars, as in `train`.
        rules : bool, default True
            Play the rule ensemble, too.
        rule_config : TradingConfig, optional
            Its strategies; the defaults otherwise.
        trials : int, optional
            Configurations that this one was chosen from, for the deflated Sharpe ratio.

        Returns
        -------
        AgentEvaluation
            Tables, intervals and a verdict.

        Raises
        ------
        ModelError
            Before training.
        DataError
            For bars that break SPEC §1, or too few of them.
        """
        span = Span.for_test(bars, self.config, self.encoder, features=features)
        runs = play_all(
            span,
            {int(self._facts.get("seed", 0)): self._ask},
            rules=rule_positions(span.bars, rule_config) if rules else None,
        )
        facts: dict[str, Any] = {"costs": span.costs(), "in_sample": span.overlaps(self._facts)}
        result = evaluate_runs(runs, span.bars_per_year, trials=trials, facts=facts)
        return AgentEvaluation(self, result)

    def save(self, path: str | Path) -> Path:
        """Keep the agent: weights and optimiser as stable-baselines3 writes them, everything else as JSON; no pickles.

        Parameters
        ----------
        path : str or Path
            Zip file.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ModelError
            Before training.
        """
        model = self._trained()
        if self.record is None:
            raise ModelError("agent: not trained: call train(bars) or load(path) first")
        file = Path(path)
        state = {
            "config": self.config.model_dump(mode="json"),
            "encoder": self.encoder.to_json(),
            "timeframe": self._timeframe,
            "facts": self._facts,
            "record": asdict(self.record),
        }
        save_learner(model, file, state)
        return file

    @classmethod
    def load(cls, path: str | Path) -> RLTradingAgent:
        """Read an agent that `save` wrote; no code in the file is run.

        Parameters
        ----------
        path : str or Path
            Zip file.

        Returns
        -------
        RLTradingAgent
            Ready to answer, to be evaluated and exported.

        Raises
        ------
        ModelError
            If the file is no agent, or one of another release's observation.
        """
        from mirrorfast.rl.training import Look

        file = Path(path)
        state = read_state(file)
        try:
            config = RLConfig(**state["config"] | {"net_arch": tuple(state["config"]["net_arch"])})
            encoder = SignalEncoder.from_json(state["encoder"])
            kept = dict(state["record"])
            record = TrainingRecord(**kept | {"looks": [Look(**one) for one in kept["looks"]]})
            facts, timeframe = dict(state["facts"]), str(state["timeframe"])
        except (KeyError, TypeError, ConfigurationError) as error:
            raise ModelError(f"{file}: {error}: expected a file written by RLTradingAgent.save") from error
        agent = cls(config.algorithm, config)
        model = make_learner(
            config, spaces_env(*observation_of(encoder, config.lookback).shape, len(config.positions)), seed=0
        )
        load_weights(model, file)
        agent._model, agent._facts, agent.record = model, facts, record
        agent._encoder, agent._timeframe = encoder, timeframe
        return agent

    def export(
        self, path: str | Path, *, name: str | None = None, walk_forward: dict[str, Any] | None = None
    ) -> Policy:
        """Write the policy as ONNX with its card, compared with torch before.

        Parameters
        ----------
        path : str or Path
            File to write; the card goes beside it, with ``.json``.
        name : str, optional
            Name of the model; the file's by default.
        walk_forward : dict, optional
            Result out of sample, for the card.

        Returns
        -------
        Policy
            The model, read back.

        Raises
        ------
        ModelError
            Before training, or if onnxruntime and torch differ.
        """
        from mirrorfast import __version__
        from mirrorfast.rl.export import export_model
        from mirrorfast.rl.policy import Policy

        model = self._trained()
        if self.record is None:
            raise ModelError("agent: not trained: call train(bars) or load(path) first")
        file = Path(path)
        card = ModelCard(
            name=name or file.stem,
            release=__version__,
            algorithm=self.config.algorithm,
            observation=observation_of(self.encoder, self.config.lookback),
            action=ActionCard(size=1),
            encoder=encoder_document(self.encoder),
            timeframe=self._timeframe,
            training=self._facts
            | {
                "config": self.config.model_dump(mode="json"),
                "steps": self.record.steps,
                "kept_after": self.record.kept,
                "stopped_early": self.record.stopped_early,
                "validation_growth": [float(f"{look.growth:.6g}") for look in self.record.looks],
            },
            walk_forward=walk_forward,
        )
        export_model(
            model,
            file,
            card,
            levels=self.config.positions,
            observations=None if self._span is None else self._span.observations(2000),
        )
        return Policy.load(file)

    def _ask(self, observations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        answers: npt.NDArray[np.float32] = _asker(self._trained(), self.config.positions)(observations)
        return answers

    def _trained(self) -> Any:
        if self._model is None:
            raise ModelError("agent: not trained: call train(bars) or load(path) first")
        return self._model

    def __repr__(self) -> str:
        state = "not trained" if self.record is None else f"{self.record.steps:,} steps"
        return f"<RLTradingAgent {self.config.algorithm}: {state}>"


def _asker(model: Any, levels: tuple[float, ...]) -> Any:
    choices = np.asarray(levels, np.float32)

    def ask(observations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        actions, _ = model.predict(observations, deterministic=True)
        positions = choices[np.asarray(actions, np.int64)] if levels else np.asarray(actions, np.float32)
        return positions.reshape(-1)

    return ask


def _comparable(config: RLConfig) -> dict[str, Any]:
    """Drop what may change when a training goes on: its length, its patience, its threads."""
    document = config.model_dump(mode="json")
    free = {"patience", "threads"} | ({"total_timesteps"} if config.learning_rate_end is None else set())
    return {k: v for k, v in document.items() if k not in free}
