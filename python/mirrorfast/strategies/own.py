"""Strategies of the user's own: objects, classes and functions, brought into one form."""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Any

from mirrorfast.errors import ParameterError, UserCodeError
from mirrorfast.strategies.base import BaseStrategyAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

__all__ = ["FunctionStrategy", "as_declared", "as_strategy", "source_digest", "takes_bars"]


class FunctionStrategy(BaseStrategyAgent):
    """A strategy that is one function of bars.

    Parameters
    ----------
    function : callable
        Takes bars, returns signals, as `BaseStrategyAgent.evaluate`. Its attributes ``warm_up``, ``lookback`` and
        ``features`` count where it has them.
    name : str, optional
        Name in tables and ledger; the function's by default.

    Examples
    --------
    >>> import polars as pl
    >>> def rising(df):
    ...     return (df["close"].diff() > 0).cast(pl.Float64)
    >>> strategy = FunctionStrategy(rising)
    >>> strategy.name, strategy.evaluate(pl.DataFrame({"close": [1.0, 2.0, 1.5]})).to_list()
    ('rising', [None, 1.0, 0.0])
    """

    def __init__(self, function: Callable[[pl.DataFrame], Any], *, name: str | None = None) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)  # type: ignore[misc]
        self.warm_up = getattr(function, "warm_up", 1)
        self.lookback = getattr(function, "lookback", None)
        self.features = tuple(getattr(function, "features", ()))

    def evaluate(self, df: Any) -> Any:
        """Call the function.

        Parameters
        ----------
        df : DataFrame, shape (n, k)
            Bars.

        Returns
        -------
        Series or array, shape (n,)
            What the function returned.
        """
        return self.function(df)

    def __repr__(self) -> str:
        return f"FunctionStrategy({self.name})"


class _Adapter(BaseStrategyAgent):
    # An object of a class of its own that has `evaluate`: no base class is asked for.
    def __init__(self, given: Any) -> None:
        self.given = given
        self.name = getattr(given, "name", "") or type(given).__name__  # type: ignore[misc]
        self.warm_up = getattr(given, "warm_up", 1)
        self.lookback = getattr(given, "lookback", None)
        self.features = tuple(getattr(given, "features", ()))

    @property
    def params(self) -> Mapping[str, float]:
        given = getattr(self.given, "params", {})
        return given if isinstance(given, dict) else {}

    def evaluate(self, df: Any) -> Any:
        return self.given.evaluate(df)

    def __repr__(self) -> str:
        return repr(self.given)


def as_strategy(given: Any, *, name: str | None = None, params: Mapping[str, float] | None = None) -> BaseStrategyAgent:
    """Make a strategy of an object, a class or a function.

    Parameters
    ----------
    given : object
        A `BaseStrategyAgent` or any object with ``evaluate``, a class of such objects, or a function of bars.
    name : str, optional
        Name in messages and for a function.
    params : mapping, optional
        Keywords for a class.

    Returns
    -------
    BaseStrategyAgent
        The strategy.

    Raises
    ------
    ParameterError
        If it is none of these, or what it says of itself makes no sense.
    UserCodeError
        If its constructor raises.

    Examples
    --------
    >>> as_strategy(lambda df: [0.0] * df.height, name="flat")
    FunctionStrategy(flat)
    """
    params = dict(params or {})
    what = name or getattr(given, "__name__", type(given).__name__)
    if isinstance(given, type):
        given = _made(given, what, params)
    elif params and not hasattr(given, "evaluate"):
        raise ParameterError(f"{what}.{next(iter(params))}: expected no parameter of a function")
    if isinstance(given, BaseStrategyAgent):
        agent = given
    elif hasattr(given, "evaluate"):
        agent = _Adapter(given)
    elif callable(given):
        agent = FunctionStrategy(given, name=name)
    else:
        raise ParameterError(f"strategy {what} = {given!r}: expected an object with evaluate(df), or a function of df")
    _check_claims(agent, what)
    return agent


def source_digest(agent: BaseStrategyAgent) -> str:
    """Say which code a strategy is, so that a run is not resumed with another one.

    Parameters
    ----------
    agent : BaseStrategyAgent
        The strategy.

    Returns
    -------
    str
        SHA-256 in hex of the source text of its class or function; of its qualified name where there is no text.

    Examples
    --------
    >>> len(source_digest(FunctionStrategy(max)))
    64
    """
    subject: Any = type(agent)
    if isinstance(agent, FunctionStrategy):
        subject = agent.function
    elif isinstance(agent, _Adapter):
        subject = type(agent.given)
    try:
        text = inspect.getsource(subject)
    except (OSError, TypeError):
        text = f"{getattr(subject, '__module__', '')}.{getattr(subject, '__qualname__', repr(type(subject)))}"
    return hashlib.sha256(text.encode()).hexdigest()


def _made(given: type, what: str, params: dict[str, float]) -> Any:
    try:
        return given(**as_declared(given, params))
    except TypeError as error:
        raise ParameterError(f"{what}: {error}") from error
    except ParameterError:
        raise
    except Exception as error:
        raise UserCodeError(f"{what}: its constructor raised {type(error).__name__}: {error}") from error


def as_declared(make: Any, params: Mapping[str, float]) -> dict[str, float]:
    """Give whole numbers to the parameters that take such: a configuration holds floats.

    Parameters
    ----------
    make : callable
        Class or function; a parameter whose default or annotation is ``int`` takes a whole number.
    params : mapping
        Keywords for it.

    Returns
    -------
    dict
        The same keywords.

    Examples
    --------
    >>> as_declared(lambda period=20: period, {"period": 5.0})
    {'period': 5}
    """
    try:
        declared = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return dict(params)
    whole = {name for name, p in declared.items() if type(p.default) is int or p.annotation in (int, "int")}
    return {k: int(v) if k in whole and float(v).is_integer() else v for k, v in params.items()}


def takes_bars(function: Any) -> bool:
    """Tell a function of bars from one that makes strategies.

    Parameters
    ----------
    function : object
        Anything.

    Returns
    -------
    bool
        It is a function with exactly one argument that must be given.

    Examples
    --------
    >>> takes_bars(lambda df: df["close"]), takes_bars(lambda period=20: period), takes_bars(FunctionStrategy)
    (True, False, False)
    """
    if isinstance(function, type) or not inspect.isroutine(function):
        return False
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) == 1


def _check_claims(agent: BaseStrategyAgent, what: str) -> None:
    for field in ("warm_up", "lookback"):
        value = getattr(agent, field)
        if value is None and field == "lookback":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ParameterError(f"{what}.{field} = {value!r}: expected a whole number of bars >= 1")
    if agent.lookback is not None and agent.lookback < agent.warm_up:
        raise ParameterError(f"{what}.lookback = {agent.lookback}: expected at least warm_up ({agent.warm_up})")
    if isinstance(agent.features, str):
        raise ParameterError(f"{what}.features = {agent.features!r}: expected a sequence of column names")
