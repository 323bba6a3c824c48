"""Who votes in a run: strategies that the engine computes, and those of the user's own beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mirrorfast import _core
from mirrorfast.errors import ParameterError
from mirrorfast.strategies._native import NativeStrategyAgent
from mirrorfast.strategies.loading import load_object, load_plugins
from mirrorfast.strategies.own import as_strategy, source_digest
from mirrorfast.strategies.registry import create, registered

if TYPE_CHECKING:
    from mirrorfast.config import StrategyConfig, TradingConfig
    from mirrorfast.strategies.base import BaseStrategyAgent

__all__ = ["Lineup", "Own"]


@dataclass(frozen=True)
class Own:
    """A strategy of the user's own in a run.

    Attributes
    ----------
    name
        Name in decisions, ledger and tables.
    agent
        The strategy.
    """

    name: str
    agent: BaseStrategyAgent


@dataclass(frozen=True)
class Lineup:
    """The strategies of a run in the engine's order: its own first, then the user's.

    Attributes
    ----------
    native
        Names of those that the engine computes.
    own
        Those of the user's.

    Examples
    --------
    >>> from mirrorfast.config import TradingConfig
    >>> def rising(df):
    ...     return df["close"].diff() > 0
    >>> Lineup.of(TradingConfig(strategies=[rising, "ut_bot"])).names
    ['ut_bot', 'rising']
    """

    native: tuple[str, ...]
    own: tuple[Own, ...]

    @classmethod
    def of(cls, config: TradingConfig) -> Lineup:
        """Find the strategies that a configuration names.

        Parameters
        ----------
        config
            Configuration; its plugins are imported first.

        Returns
        -------
        Lineup
            The strategies, made and checked.

        Raises
        ------
        ConfigurationError, ParameterError
            For a place where nothing is, a name that the catalogue has already, or a parameter that does not exist.
        UserCodeError
            When code of the user's raises while it is imported or made.
        """
        load_plugins(config.plugins)
        native, own = [], []
        for strategy in config.strategies:
            agent = _agent(strategy)
            if agent is None:
                native.append(strategy.name)
            else:
                own.append(Own(strategy.name, agent))
        return cls(tuple(native), tuple(own))

    @property
    def names(self) -> list[str]:
        """Names in the engine's order."""
        return [*self.native, *self.own_names]

    @property
    def own_names(self) -> list[str]:
        """Names of the user's own strategies."""
        return [own.name for own in self.own]

    @property
    def warm_up(self) -> int:
        """Bars before every one of the user's own strategies votes."""
        return max((own.agent.warm_up for own in self.own), default=0)

    def identity(self) -> dict[str, str]:
        """Say which code the user's own strategies are.

        Returns
        -------
        dict
            Digest of the source text by name.
        """
        return {own.name: source_digest(own.agent) for own in self.own}


def _agent(strategy: StrategyConfig) -> BaseStrategyAgent | None:
    catalogue = _catalogue()
    given = strategy.given
    if isinstance(given, NativeStrategyAgent):
        return None
    if strategy.kind is not None:
        if given is not None:
            raise ParameterError(f"strategy {strategy.name}: kind = {strategy.kind!r}: expected none for an object")
        if strategy.name in catalogue and strategy.name != strategy.kind:
            raise ParameterError(f"strategy {strategy.name!r}: expected another label, this one is the catalogue's")
        return None
    if given is None and strategy.source is None:
        # A name nobody knows goes to the engine, which says what it knows.
        return None if registered(strategy.name) is None else create(strategy.name, **strategy.params)
    if not strategy.name.isidentifier():
        raise ParameterError(f"strategy {strategy.name!r}: expected a name of letters, digits and underscores")
    if strategy.name in catalogue:
        raise ParameterError(f"strategy {strategy.name!r}: expected another name, this one is the catalogue's")
    if given is not None:
        # What an object's configuration says are its own parameters, read back.
        return as_strategy(given, name=strategy.name)
    return as_strategy(load_object(str(strategy.source)), name=strategy.name, params=strategy.params)


@cache
def _catalogue() -> frozenset[str]:
    # Each row of it makes a strategy, and a sweep asks for every combination.
    return frozenset(row["name"] for row in _core.strategy_catalogue())
