"""What bias can be looked for in: strategies, feature columns and indicators, each as a function of a table of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from mirrorfast.errors import MirrorfastError, ParameterError, ShapeError, UserCodeError
from mirrorfast.features import compute_features, feature_catalogue
from mirrorfast.indicators import catalogue as indicator_catalogue
from mirrorfast.indicators.technical import TechnicalIndicators
from mirrorfast.strategies import names as strategy_names
from mirrorfast.strategies._native import NativeStrategyAgent
from mirrorfast.strategies.base import BaseStrategyAgent
from mirrorfast.strategies.lineup import Own
from mirrorfast.strategies.own import as_strategy
from mirrorfast.strategies.registry import create
from mirrorfast.strategies.voting import ask, with_features

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Kind", "Subject", "subject_of"]

Kind = Literal["auto", "strategy", "feature", "indicator"]


@dataclass(frozen=True)
class Subject:
    """Something that turns bars into columns.

    Attributes
    ----------
    name
        For people.
    columns
        Takes bars of any number of symbols, sorted; returns as many rows.
    lookback
        Bars that it says a row depends on; None where it says nothing.
    """

    name: str
    columns: Callable[[pl.DataFrame], pl.DataFrame]
    lookback: int | None = None


def subject_of(given: Any, *, kind: Kind, params: Mapping[str, Any], timeframe: str, market: str) -> Subject:
    """Find what a name stands for, or wrap an object.

    Parameters
    ----------
    given
        Name, names of feature columns, strategy or function.
    kind
        What a name is looked up as.
    params
        Parameters of a strategy or indicator found by name.
    timeframe, market
        As for `mirrorfast.compute_features`.

    Returns
    -------
    Subject
        The function.

    Raises
    ------
    ParameterError
        If the name is unknown, or the object is nothing that bias can be looked for in.
    """
    if isinstance(given, str):
        return _named(given, kind, params, timeframe, market)
    if isinstance(given, Sequence):
        return _features([str(name) for name in given], timeframe, market)
    if isinstance(given, BaseStrategyAgent | type) or hasattr(given, "evaluate") or kind == "strategy":
        return _strategy(as_strategy(given, params=params), timeframe, market)
    if callable(given):
        return _function(given)
    raise ParameterError(f"subject = {given!r}: expected a strategy, a function of bars, or a name")


def _named(name: str, kind: Kind, params: Mapping[str, Any], timeframe: str, market: str) -> Subject:
    columns = [*feature_catalogue()["name"], *TechnicalIndicators.custom_names()]
    indicators = indicator_catalogue()["name"].to_list()
    homes = {"strategy": strategy_names(), "feature": columns, "indicator": indicators}
    if kind not in ("auto", *homes):
        raise ParameterError(f"kind = {kind!r}: expected auto, {', '.join(homes)}")
    found = next((home for home, known in homes.items() if name in known and kind in ("auto", home)), None)
    if found is None:
        known = list(dict.fromkeys(n for home, group in homes.items() if kind in ("auto", home) for n in group))
        near = get_close_matches(name, known, n=3, cutoff=0.0)
        what = "strategy, feature or indicator" if kind == "auto" else kind
        raise ParameterError(f"{what} = {name!r}: expected a known name, such as {', '.join(near)}")
    if found == "strategy":
        return _strategy(create(name, **params), timeframe, market, name=name)
    if found == "feature" and not params:
        return _features([name], timeframe, market)
    return Subject(
        name, lambda bars: TechnicalIndicators.add_indicator(bars, name, **params).select(pl.exclude(bars.columns))
    )


def _features(names: list[str], timeframe: str, market: str) -> Subject:
    return Subject(
        ", ".join(names),
        lambda bars: compute_features(bars, timeframe=timeframe, market=market, columns=names).select(names),
        TechnicalIndicators.lookback(names[0]) if len(names) == 1 else None,
    )


def _strategy(agent: BaseStrategyAgent, timeframe: str, market: str, *, name: str | None = None) -> Subject:
    name = name or agent.name or type(agent).__name__
    if isinstance(agent, NativeStrategyAgent):
        return Subject(name, agent.votes)
    own = Own(name, agent)

    def votes(bars: pl.DataFrame) -> pl.DataFrame:
        table = with_features(bars, agent.features, timeframe=timeframe, market_of=lambda _: market)
        parts = [ask(own, part.rechunk()) for part in table.partition_by("symbol", maintain_order=True)]
        return pl.concat([pl.DataFrame({"signal": s, "confidence": c}, nan_to_null=True) for s, c in parts])

    return Subject(name, votes, agent.lookback)


def _function(function: Callable[[pl.DataFrame], Any]) -> Subject:
    name = getattr(function, "__name__", type(function).__name__)

    def columns(bars: pl.DataFrame) -> pl.DataFrame:
        parts = []
        for part in bars.partition_by("symbol", maintain_order=True):
            try:
                result = function(part.rechunk())
            except MirrorfastError:
                raise
            except Exception as error:
                raise UserCodeError(
                    f"{name}: raised {type(error).__name__} on {part['symbol'][0]} with {part.height} bars: {error}"
                ) from error
            made = TechnicalIndicators.columns_of(result, name)
            if made.height != part.height:
                raise ShapeError(f"rows of {name}: got {made.height}, expected {part.height} ({part['symbol'][0]})")
            parts.append(made)
        return pl.concat(parts)

    return Subject(name, columns, getattr(function, "lookback", None))
