"""Strategies by name: the catalogue's and the user's."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.errors import ParameterError
from mirrorfast.strategies.base import BaseStrategyAgent

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["catalogue", "create", "names", "register", "unregister"]

_PARAM = pl.Struct(
    {"name": pl.String, "default": pl.Float64, "min": pl.Float64, "max": pl.Float64, "integer": pl.Boolean}
)
_SCHEMA = pl.Schema(
    {
        "name": pl.String(),
        "class": pl.String(),
        "scope": pl.String(),
        "style": pl.String(),
        "warm_up": pl.UInt32(),
        "takes_model": pl.Boolean(),
        "params": pl.List(_PARAM),
        "summary": pl.String(),
    }
)
_BUILT_IN: dict[str, type[BaseStrategyAgent]] = {}
_OWN: dict[str, Callable[..., BaseStrategyAgent]] = {}


def _built_in() -> dict[str, type[BaseStrategyAgent]]:
    if not _BUILT_IN:
        from mirrorfast import strategies

        for row in _core.strategy_catalogue():
            _BUILT_IN[row["name"]] = getattr(strategies, row["class"])
    return _BUILT_IN


def names() -> list[str]:
    """List the names that `create` knows.

    Returns
    -------
    list of str
        Those of the catalogue, then those registered here.

    Examples
    --------
    >>> names()[:3]
    ['ut_bot', 'gradient_trend', 'vbsr']
    """
    return [*_built_in(), *_OWN]


def catalogue() -> pl.DataFrame:
    """List every strategy that can be run by name.

    Returns
    -------
    polars.DataFrame, shape (n, 8)
        ``name``, ``class``, ``scope`` (``symbol``, or ``universe`` for one over several symbols at once), ``style``
        (``trend``, ``reversion``, ``adaptive``; ``own`` for a registered one), ``warm_up`` (bars before the first vote
        with default parameters; null where unknown), ``takes_model``, ``params`` (name, default, min, max, integer) and
        ``summary``.

    Examples
    --------
    >>> catalogue().filter(pl.col("scope") == "universe")["name"].to_list()
    ['pairs_trading']
    """
    rows: list[dict[str, Any]] = [{key: row[key] for key in _SCHEMA} for row in _core.strategy_catalogue()]
    for name, make in _OWN.items():
        rows.append(
            {
                "name": name,
                "class": getattr(make, "__name__", type(make).__name__),
                "scope": "symbol",
                "style": "own",
                "warm_up": None,
                "takes_model": False,
                "params": [],
                "summary": (make.__doc__ or "").strip().partition("\n")[0],
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def register(name: str, strategy: Callable[..., BaseStrategyAgent], *, replace: bool = False) -> None:
    """Make a strategy of your own known by name.

    Parameters
    ----------
    name : str
        Name in configuration, tables and ledger: letters, digits and underscores.
    strategy : type or callable
        A class derived from `BaseStrategyAgent`, or a function that returns such an object; called with the parameters
        of the configuration as keywords.
    replace : bool, default False
        Take the place of a strategy registered under this name before.

    Raises
    ------
    ParameterError
        If the name is no name, or taken.

    Examples
    --------
    >>> class Always(BaseStrategyAgent):
    ...     "Long, always."
    ...     def evaluate(self, df):
    ...         return pl.Series([1.0] * df.height)
    >>> register("always", Always)
    >>> create("always").evaluate(pl.DataFrame({"close": [1.0, 2.0]})).to_list()
    [1.0, 1.0]
    >>> unregister("always")
    """
    if not name.isidentifier():
        raise ParameterError(f"name = {name!r}: expected letters, digits and underscores")
    if name in _built_in() or (name in _OWN and not replace):
        raise ParameterError(f"name = {name!r}: expected a name that is not taken")
    if not callable(strategy):
        raise ParameterError(f"strategy = {strategy!r}: expected a class or a function that makes a strategy")
    _OWN[name] = strategy


def unregister(name: str) -> None:
    """Forget a strategy registered before.

    Parameters
    ----------
    name : str
        Its name.

    Raises
    ------
    ParameterError
        If no strategy was registered under this name.

    Examples
    --------
    >>> register("mine", BaseStrategyAgent)
    >>> unregister("mine")
    """
    if _OWN.pop(name, None) is None:
        raise ParameterError(
            f"name = {name!r}: expected one of {', '.join(_OWN) or 'the registered strategies (none)'}"
        )


def create(name: str, /, **params: Any) -> BaseStrategyAgent:
    """Make a strategy by name.

    Parameters
    ----------
    name : str
        Name in the catalogue, or one registered with `register`.
    **params : float
        Its parameters.

    Returns
    -------
    BaseStrategyAgent
        A new object; of its class, if the name is the catalogue's.

    Raises
    ------
    ParameterError
        If the name is unknown, or a parameter out of its range.

    Examples
    --------
    >>> create("ut_bot", sensitivity=2.0)
    UTSignalAgent(atr_period=10, sensitivity=2.0)
    """
    make: Callable[..., BaseStrategyAgent] | None = _built_in().get(name) or _OWN.get(name)
    if make is None:
        near = get_close_matches(name, names(), n=3, cutoff=0.0)
        raise ParameterError(f"strategy = {name!r}: expected a known name, such as {', '.join(near)}")
    try:
        agent = make(**params)
    except TypeError as error:
        raise ParameterError(f"{name}: {error}") from error
    if not isinstance(agent, BaseStrategyAgent):
        raise ParameterError(f"strategy = {name!r}: made a {type(agent).__name__}, expected a BaseStrategyAgent")
    return agent
