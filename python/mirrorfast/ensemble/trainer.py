"""`StrategyTrainerAgent`: which strategies to trust, learnt from their closed trades."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.data.schema import as_frame
from mirrorfast.errors import ParameterError
from mirrorfast.strategies.base import BaseStrategyAgent
from mirrorfast.strategies.registry import create

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["StrategyTrainerAgent"]

_CARRIED = ("symbol", "timestamp", "close", "market_regime")


class StrategyTrainerAgent:
    """Keeps strategies, their weights and their grades.

    Parameters
    ----------
    initial_weight : float, default 0.5
        Weight of a strategy that has not traded yet.
    window : int, default 10
        Closed trades that count.
    learning_rate : float, default 0.1
        Share of the score that moves the weight.
    min_weight, max_weight : float, default 0.1, 1.0
        Bounds of a weight.

    Raises
    ------
    ParameterError
        For a number out of its range.

    Notes
    -----
    After each closed trade, over the last `window` profits (fractions of equity): sharpe = mean / std (population; the
    mean itself where the profits do not differ), ``score = 0.1·mean + 0.5·(win_rate − 0.5) + clip(0.1·sharpe, −0.2,
    0.2)``, ``weight ← clip(weight + learning_rate·score, min_weight, max_weight)``.

    Grades: A for mean > 0.05 and win rate > 0.6; B > 0.02 and > 0.5; C > 0 and > 0.4; D mean > −0.02; else F; N/A
    without trades.

    Examples
    --------
    >>> trainer = StrategyTrainerAgent()
    >>> trainer.register_strategy("trend", "ut_bot")
    >>> round(trainer.update_performance("trend", 0.02), 4)
    0.5254
    >>> trainer.grade_strategies()
    {'trend': 'C'}
    """

    def __init__(
        self,
        *,
        initial_weight: float = 0.5,
        window: int = 10,
        learning_rate: float = 0.1,
        min_weight: float = 0.1,
        max_weight: float = 1.0,
    ) -> None:
        config = {
            "initial_weight": initial_weight,
            "window": window,
            "learning_rate": learning_rate,
            "min_weight": min_weight,
            "max_weight": max_weight,
        }
        self._inner = _core.StrategyTrainer(json.dumps(config))
        self._agents: dict[str, BaseStrategyAgent] = {}

    @property
    def strategies(self) -> Mapping[str, BaseStrategyAgent]:
        """The registered strategies, by name, in the order in which they came."""
        return dict(self._agents)

    def register_strategy(self, name: str, agent: BaseStrategyAgent | str) -> None:
        """Add a strategy.

        Parameters
        ----------
        name : str
            Its name here: the column in `evaluate`, the key of weights and grades.
        agent : BaseStrategyAgent or str
            The strategy, or the name of one that `mirrorfast.strategies.create` knows.

        Raises
        ------
        ParameterError
            If the name is taken or no identifier, or the agent is none.
        """
        if not name.isidentifier() or name in self._agents:
            raise ParameterError(f"name = {name!r}: expected letters, digits and underscores, and a name not yet taken")
        strategy = create(agent) if isinstance(agent, str) else agent
        if not isinstance(strategy, BaseStrategyAgent):
            raise ParameterError(f"agent = {agent!r}: expected a BaseStrategyAgent or the name of one")
        self._agents[name] = strategy
        self._inner.add()

    def _index(self, name: str) -> int:
        try:
            return list(self._agents).index(name)
        except ValueError:
            known = ", ".join(self._agents) or "a registered strategy (there is none)"
            raise ParameterError(f"name = {name!r}: expected one of {known}") from None

    def evaluate(self, df: Any) -> pl.DataFrame:
        """Ask every strategy.

        Parameters
        ----------
        df : DataFrame or Arrow table, shape (n, k)
            Closed bars, sorted by (symbol, timestamp).

        Returns
        -------
        polars.DataFrame, shape (n, k)
            ``symbol timestamp close market_regime`` as far as `df` has them, then ``NAME`` (signal) and
            ``NAME_confidence`` of every strategy: what `Ensemble.combine` takes.
        """
        frame = as_frame(df)
        columns: dict[str, pl.Series] = {}
        for name, agent in self._agents.items():
            votes = agent.votes(frame)
            columns[name] = votes["signal"]
            columns[f"{name}_confidence"] = votes["confidence"]
        return frame.select(c for c in _CARRIED if c in frame.columns).with_columns(**columns)

    def update_performance(self, name: str, pnl: float) -> float:
        """Credit a closed trade to a strategy.

        Parameters
        ----------
        name : str
            The strategy.
        pnl : float
            Net profit as a fraction of the equity at entry.

        Returns
        -------
        float
            The strategy's new weight.

        Raises
        ------
        ParameterError
            If there is no such strategy, or the profit is not finite.
        """
        return self._inner.update(self._index(name), pnl)

    def grade_strategies(self) -> dict[str, str]:
        """Grade every strategy by its last trades.

        Returns
        -------
        dict of str to str
            A, B, C, D or F; N/A without trades.
        """
        return {name: self._inner.grade(k) for k, name in enumerate(self._agents)}

    @property
    def weights(self) -> dict[str, float]:
        """Present weights, by strategy."""
        return dict(zip(self._agents, self._inner.weights, strict=True))

    def statistics(self) -> pl.DataFrame:
        """List what weights and grades rest on.

        Returns
        -------
        polars.DataFrame, shape (n_strategies, 9)
            ``strategy weight grade trades`` (all of them) and, over the last ones, ``mean std win_rate sharpe score``;
            null without trades.
        """
        rows = []
        for k, name in enumerate(self._agents):
            row = {"strategy": name, "weight": self._inner.weights[k], "grade": self._inner.grade(k)}
            figures = self._inner.statistics(k)
            rows.append(row | {key: None if math.isnan(value) else value for key, value in figures.items()})
        figure = dict.fromkeys(("mean", "std", "win_rate", "sharpe", "score"), pl.Float64)
        schema = {"strategy": pl.String, "weight": pl.Float64, "grade": pl.String, "trades": pl.Int64, **figure}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def snapshot(self) -> bytes:
        """Write weights and records.

        Returns
        -------
        bytes
            For `restore` on a trainer with the same strategies in the same order.
        """
        return self._inner.snapshot()

    def restore(self, state: bytes) -> None:
        """Take up weights and records.

        Parameters
        ----------
        state : bytes
            What `snapshot` wrote.

        Raises
        ------
        ParameterError
            If the state is that of another number of strategies.
        """
        before = self._inner.snapshot()
        self._inner.restore(state)
        if len(self._inner.weights) != len(self._agents):
            got = len(self._inner.weights)
            self._inner.restore(before)
            raise ParameterError(f"state: got {got} strategies, expected {len(self._agents)}")

    def __repr__(self) -> str:
        return f"StrategyTrainerAgent({', '.join(self._agents)})"
