"""Parameter spaces: what a search may change in a configuration, and how a choice becomes a configuration."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mirrorfast import _core
from mirrorfast.config import StrategyConfig
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mirrorfast.config import TradingConfig

    Choices: TypeAlias = "Sequence[Any] | Range"

__all__ = ["Range", "Space"]

#: Parts of a configuration whose fields a search may change; any other first word is a strategy's name.
_PARTS: Final = ("risk", "ensemble", "costs", "meta")


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole numbers where both are.

    Parameters
    ----------
    low, high : float
        Ends, low <= high.
    step : float, optional
        Distance of neighbours; needed for a grid over numbers that are not whole, 1 for whole ones by default.
    log : bool, default False
        Random and guided searches draw evenly in the logarithm; needs low > 0 and no step.

    Raises
    ------
    ParameterError
        For ends or a step that make no range.

    Examples
    --------
    >>> Range(5, 20, step=5).values()
    [5, 10, 15, 20]
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ParameterError(f"Range: low = {self.low}, high = {self.high}: expected finite numbers, low <= high")
        if self.step is not None and not (math.isfinite(self.step) and self.step > 0):
            raise ParameterError(f"Range: step = {self.step}: expected a number > 0")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ParameterError(f"Range: log with low = {self.low}, step = {self.step}: expected low > 0 and no step")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant.

        Returns
        -------
        bool
            True where both ends, and the step if there is one, are integers.
        """
        return all(isinstance(x, int) for x in (self.low, self.high, 1 if self.step is None else self.step))

    def values(self) -> list[float]:
        """List the numbers of a grid.

        Returns
        -------
        list of float
            From low, in steps.

        Raises
        ------
        ParameterError
            For a range of fractions without a step.
        """
        step = 1 if self.step is None and self.whole else self.step
        if step is None:
            raise ParameterError(f"Range({self.low}, {self.high}): expected a step, which a grid needs")
        # Multiples of the step, not its running sum: no rounding builds up, and the last one is not lost.
        count = math.floor((self.high - self.low) / step + 1e-9)
        values = (self.low + k * step for k in range(count + 1))
        return list(values) if self.whole else [float(f"{v:.12g}") for v in values]

    def draw(self, generator: np.random.Generator) -> float:
        """Draw one number.

        Parameters
        ----------
        generator : numpy.random.Generator
            Where chance comes from.

        Returns
        -------
        float
            Evenly from the range, or from its grid where there is a step.
        """
        if self.step is not None or (self.whole and not self.log):
            values = self.values()
            return values[int(generator.integers(len(values)))]
        if self.log:
            value = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
            value = min(max(value, self.low), self.high)
        else:
            value = float(generator.uniform(self.low, self.high))
        return round(value) if self.whole else value


class Space:
    """Parameters to search over, and the configuration that they change.

    Parameters
    ----------
    parameters : mapping of str to sequence or Range
        By address: ``"ut_bot.atr_period"`` (a strategy of the configuration and its parameter, or ``weight``),
        ``"risk.stop.atr_multiple"``, ``"ensemble.min_agree"``, ``"costs.taker_fee"``, ``"meta.mode"``.
    config : TradingConfig
        Everything else.

    Raises
    ------
    ParameterError
        For an address that leads nowhere, or a parameter without values.

    Examples
    --------
    >>> from mirrorfast.config import TradingConfig
    >>> space = Space({"ut_bot.atr_period": [5, 10], "risk.max_heat": [0.03, 0.06]}, TradingConfig())
    >>> len(list(space.grid())), space.apply({"ut_bot.atr_period": 5, "risk.max_heat": 0.03}).risk.max_heat
    (4, 0.03)
    """

    def __init__(self, parameters: Mapping[str, Choices], config: TradingConfig) -> None:
        if not parameters:
            raise ParameterError("space = {}: expected at least one parameter, such as 'ut_bot.atr_period': [5, 10]")
        self.config = config
        self.parameters: dict[str, list[Any] | Range] = {}
        for address, choices in parameters.items():
            self._check(address)
            values = choices if isinstance(choices, Range) else _listed(address, choices)
            self.parameters[address] = values

    def grid(self) -> Iterator[dict[str, Any]]:
        """Go through every combination, the last parameter fastest.

        Yields
        ------
        dict
            Value by address.

        Raises
        ------
        ParameterError
            For a range that has no step.
        """
        lists = [p.values() if isinstance(p, Range) else p for p in self.parameters.values()]
        for values in itertools.product(*lists):
            yield dict(zip(self.parameters, values, strict=True))

    def random(self, trials: int, seed: int) -> Iterator[dict[str, Any]]:
        """Draw combinations, each at most once.

        Parameters
        ----------
        trials : int
            How many at most: fewer where the space has fewer.
        seed : int
            The same seed draws the same ones; more trials go on where fewer ended.

        Yields
        ------
        dict
            Value by address.
        """
        generator = np.random.default_rng(seed)
        seen: set[str] = set()
        missed = 0
        while len(seen) < trials and missed < 1000:
            drawn = {
                address: p.draw(generator) if isinstance(p, Range) else p[int(generator.integers(len(p)))]
                for address, p in self.parameters.items()
            }
            key = json.dumps(drawn, default=str)
            # A thousand repeats in a row: the space is as good as exhausted.
            missed = missed + 1 if key in seen else 0
            if missed == 0:
                seen.add(key)
                yield drawn

    def apply(self, values: Mapping[str, Any]) -> TradingConfig:
        """Make the configuration of one combination.

        Parameters
        ----------
        values : mapping of str to value
            Value by address.

        Returns
        -------
        TradingConfig
            Checked as a whole, strategies' parameters too.

        Raises
        ------
        ConfigurationError, ParameterError
            For a value out of its range, or values that contradict each other.
        """
        strategies = {s.name: s for s in self.config.strategies}
        changes: dict[str, dict[str, Any]] = {}
        parts: dict[str, dict[str, Any]] = {}
        for address, value in values.items():
            head, _, rest = address.partition(".")
            plain = value.item() if isinstance(value, np.generic) else value
            if head in strategies:
                changes.setdefault(head, {})[rest] = plain
            else:
                part = parts.setdefault(head, getattr(self.config, head).model_dump())
                *way, last = rest.split(".")
                for key in way:
                    part = part[key]
                part[last] = plain
        for name, change in changes.items():
            strategies[name] = _changed(strategies[name], change)
        return self.config.replace(strategies=tuple(strategies.values()), **parts)

    def _check(self, address: str) -> None:
        head, _, rest = address.partition(".")
        names = [s.name for s in self.config.strategies]
        if head in names:
            known = _params_of(head)
            given = next(s.given for s in self.config.strategies if s.name == head)
            if given is not None and not isinstance(given, type) and rest != "weight":
                raise ParameterError(
                    f"space: {address!r}: {head} was given as an object: expected its class, or weight only"
                )
            if known and rest not in {*known, "weight"}:
                raise ParameterError(f"space: {address!r}: {head} has {', '.join(known)} and weight")
            return
        if head not in _PARTS:
            raise ParameterError(
                f"space: {address!r}: expected <part>.<name> with one of {', '.join((*names, *_PARTS))}"
            )
        part = getattr(self.config, head).model_dump()
        for key in rest.split("."):
            if not isinstance(part, dict) or key not in part:
                known = list(part) if isinstance(part, dict) else []
                raise ParameterError(f"space: {address!r}: no {key!r} there; expected one of {', '.join(known)}")
            part = part[key]


def _listed(address: str, choices: Any) -> list[Any]:
    if isinstance(choices, str) or not hasattr(choices, "__iter__"):
        raise ParameterError(f"space: {address!r} = {choices!r}: expected a list of values or a Range")
    values = list(choices)
    if not values:
        raise ParameterError(f"space: {address!r} = []: expected at least one value")
    return values


def _changed(strategy: StrategyConfig, change: dict[str, Any]) -> StrategyConfig:
    """Make a strategy's configuration with other parameters or another weight."""
    known = _params_of(strategy.name)
    weight = change.get("weight", strategy.weight) if "weight" not in known else strategy.weight
    params = {k: v for k, v in change.items() if k != "weight" or k in known}
    if strategy.given is None:
        every = strategy.params | params
        if known:
            _core.strategy_params(strategy.name, every)
        return StrategyConfig(name=strategy.name, source=strategy.source, weight=weight, params=every)
    # A class that was given is made with its parameters; an object stays what it is.
    made = strategy.given(**params) if params else strategy.given
    checked = StrategyConfig(name=strategy.name, weight=weight)
    return StrategyConfig.model_validate(made).model_copy(update={"name": checked.name, "weight": checked.weight})


def _params_of(strategy: str) -> list[str]:
    """Names of a catalogue strategy's parameters; none for a strategy that the catalogue does not have."""
    row = next((row for row in _core.strategy_catalogue() if row["name"] == strategy), None)
    return [p["name"] for p in row["params"]] if row else []
