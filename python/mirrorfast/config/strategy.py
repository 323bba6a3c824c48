"""One strategy of a run: a name of the catalogue, or code of the user's own."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from mirrorfast.config.base import Settings, option

__all__ = ["StrategyConfig"]


class StrategyConfig(Settings):
    """One strategy of the ensemble.

    Wherever a list of strategies is taken, an item may also be a name (``"ut_bot"``), the place of a class
    (``"my_strategies:AboveMean"``), or an object, class or function with a strategy of your own.

    Examples
    --------
    >>> StrategyConfig(name="ut_bot", params={"sensitivity": 2}).params
    {'sensitivity': 2.0}
    >>> StrategyConfig(name="my_strategies:AboveMean").source
    'my_strategies:AboveMean'
    """

    name: str = Field(description="name in the strategy registry, or that a strategy of your own gets", min_length=1)
    source: str | None = option(
        None,
        "where a strategy of your own is, as package.module:Class or path/to/file.py:Class; absent: the name is "
        "registered",
    )
    weight: float = option(
        0.5, "weight at the start; the trainer moves it with the trades' results", unit="share", ge=0.1, le=1
    )
    params: dict[str, float] = option(None, "parameters that differ from the strategy's defaults", default_factory=dict)
    _given: Any = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _from_word_or_object(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, str):
            value = {"name": value}
        if isinstance(value, Mapping):
            name = value.get("name")
            if isinstance(name, str) and ":" in name and value.get("source") is None:
                value = {**value, "name": name.rpartition(":")[2], "source": name}
            return handler(value)
        if isinstance(value, cls) or not (callable(value) or hasattr(value, "evaluate")):
            return handler(value)
        made = handler({"name": _name_of(value), "params": _numbers(value)})
        made._given = value  # noqa: SLF001 - one of this class
        return made

    @property
    def given(self) -> Any:
        """Object, class or function that was given in place of a name; None where there was none."""
        return self._given


def _name_of(value: Any) -> str:
    return str(getattr(value, "name", "") or getattr(value, "__name__", "") or type(value).__name__)


def _numbers(value: Any) -> dict[str, float]:
    # A class has its parameters once it is made; a configuration holds numbers only.
    params = {} if isinstance(value, type) else getattr(value, "params", {})
    return {k: float(v) for k, v in params.items() if isinstance(v, int | float)} if isinstance(params, Mapping) else {}
