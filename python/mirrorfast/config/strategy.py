"""One strategy of a run: a name of the catalogue, or code of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from mirrorfast.config.base import Settings, option
from mirrorfast.errors import ConfigurationError

__all__ = ["StrategyConfig"]


class StrategyConfig(Settings):
    """One strategy of the ensemble.

    Wherever a list of strategies is taken, an item may also be a name (``"ut_bot"``), the place of a class
    (``"my_strategies:AboveMean"``), or an object, class or function with a strategy of your own.

    Examples
    --------
    >>> StrategyConfig(name="ut_bot", params={"sensitivity": 2}).params
    {'sensitivity': 2.0}
    >>> StrategyConfig(name="slow_bot", kind="ut_bot", timeframe="4h").timeframe
    '4h'
    >>> StrategyConfig(name="my_strategies:AboveMean").source
    'my_strategies:AboveMean'
    """

    name: str = Field(description="name in the strategy registry, or that a strategy of your own gets", min_length=1)
    source: str | None = option(
        None,
        "where a strategy of your own is, as package.module:Class or path/to/file.py:Class; absent: the name is "
        "registered",
    )
    kind: str | None = option(
        None,
        "strategy of the catalogue, where the name is a label of your own: one strategy may then stand in a run "
        "several times",
    )
    timeframe: str | None = option(
        None,
        "interval of the bars that it looks at, a multiple of the run's, such as 4h in a run of 1h; its vote stands "
        "until the next of them closes; absent: the run's",
    )
    model: Path | None = option(
        None,
        "file with a model fitted beforehand, for a strategy that takes one: JSON, or .onnx of an isolation forest; "
        "absent: it fits its own on the past",
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

    @model_validator(mode="after")
    def _of_the_catalogue(self) -> Self:
        if self.source is not None:
            for field in ("kind", "timeframe", "model"):
                value = getattr(self, field)
                if value is not None:
                    msg = f"{field} = {str(value)!r}: expected none for a strategy of your own, which is its source"
                    raise ValueError(msg)
        return self

    def to_engine(self) -> dict[str, Any]:
        """Write what the decision engine needs to know of it.

        Returns
        -------
        dict
            JSON values; a fitted model as its text.

        Raises
        ------
        ConfigurationError
            If the model's file cannot be read.
        """
        model = getattr(self._given, "model", None)
        if self.model is not None:
            from mirrorfast import _core

            file = self.model.expanduser()
            try:
                if file.suffix == ".onnx":
                    model = _core.strategy_model_from_onnx(self.kind or self.name, file.read_bytes())
                else:
                    model = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"strategies.{self.name}.model = {str(self.model)!r}: {error}") from error
        document = self.model_dump(mode="json", exclude={"source", "model"})
        return document | {"model": model if isinstance(model, str) else None}

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
