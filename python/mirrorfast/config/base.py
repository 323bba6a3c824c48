"""What every configuration model shares: strictness, documented fields, and errors that a person can act on."""

import difflib
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Union

import annotated_types
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from mirrorfast.errors import ConfigurationError

__all__ = ["Settings", "expected", "fields", "nested_model", "option", "readable"]

_SIGNS: Final = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
_KINDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    SecretStr: "text",
    dict: "a table",
    list: "a list",
    tuple: "a list",
}


if TYPE_CHECKING:
    _Model = BaseModel
else:

    class _RaisesConfigurationError(type(BaseModel)):
        # Only a direct call comes through here, never the validation of a nested model: locations stay whole.
        def __call__(cls, *args: Any, **values: Any) -> Any:
            try:
                return super().__call__(*args, **values)
            except ValidationError as error:
                raise ConfigurationError(f"{cls.__name__}: {readable(error, cls)}") from None

    class _Model(BaseModel, metaclass=_RaisesConfigurationError):
        pass


class Settings(_Model):
    """Base of the configuration models: immutable, no unknown keys, no NaN.

    Raises
    ------
    ConfigurationError
        On construction, if a key is unknown (the nearest known one is named) or a value is outside its type or range.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def option(default: Any, description: str, *, unit: str | None = None, **limits: Any) -> Any:
    """Declare one documented field.

    Parameters
    ----------
    default : object
        Default value; a list or dict is copied for each model.
    description : str
        What the field means, as a phrase.
    unit : str, optional
        Unit of a number.
    **limits
        ``gt``, ``ge``, ``lt``, ``le`` of a number; ``min_length`` and the like; ``default_factory``.

    Returns
    -------
    object
        What pydantic's ``Field`` returns.

    Examples
    --------
    >>> class Stop(Settings):
    ...     distance: float = option(2.0, "distance of the stop", unit="ATR", gt=0, le=100)
    >>> Stop(distance=-1.0)
    Traceback (most recent call last):
        ...
    mirrorfast.errors.ConfigurationError: Stop: distance = -1.0: expected a number > 0 and <= 100 (ATR)
    """
    extra = {"unit": unit} if unit else None
    if "default_factory" in limits:
        return Field(description=description, json_schema_extra=extra, **limits)  # type: ignore[arg-type]
    return Field(default, description=description, json_schema_extra=extra, **limits)  # type: ignore[arg-type]


def nested_model(annotation: Any) -> type[Settings] | None:
    """Find the model inside an annotation.

    Parameters
    ----------
    annotation : object
        A field's annotation: a model, ``model | None``, ``list[model]`` or anything else.

    Returns
    -------
    type or None
        The model, if there is one.

    Examples
    --------
    >>> nested_model(list[Settings]) is Settings, nested_model(float)
    (True, None)
    """
    if isinstance(annotation, type) and not typing.get_args(annotation) and issubclass(annotation, Settings):
        return annotation
    return next((m for part in typing.get_args(annotation) if (m := nested_model(part)) is not None), None)


def fields(model: type[Settings], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Walk over every field of a model and of the models inside it.

    Parameters
    ----------
    model : type
        The model.
    prefix : tuple of str, optional
        Keys above it.

    Yields
    ------
    tuple of str
        Keys from the root to the field.
    pydantic.fields.FieldInfo
        The field.

    Examples
    --------
    >>> class Risk(Settings):
    ...     heat: float = option(0.06, "largest heat", unit="fraction of equity", gt=0, le=1)
    >>> [".".join(path) for path, _ in fields(Risk)]
    ['heat']
    """
    for name, info in model.model_fields.items():
        yield (*prefix, name), info
        inner = nested_model(info.annotation)
        if inner is not None:
            key = ("<name>",) if typing.get_origin(info.annotation) is dict else ()
            yield from fields(inner, (*prefix, name, *key))


def expected(info: FieldInfo) -> str:
    """Describe what a field accepts.

    Parameters
    ----------
    info : pydantic.fields.FieldInfo
        The field.

    Returns
    -------
    str
        Type, range and unit, such as ``"a number > 0 and <= 1 (fraction of equity)"``.

    Examples
    --------
    >>> class Risk(Settings):
    ...     cap: float = option(0.1, "largest position", unit="fraction of equity", gt=0, le=1)
    >>> expected(Risk.model_fields["cap"])
    'a number > 0 and <= 1 (fraction of equity)'
    """
    text = _kind(info.annotation)
    bounds = [
        f"{sign} {value:g}" if isinstance(value, float) else f"{sign} {value}"
        for limit in info.metadata
        for attribute, sign in _SIGNS
        if (value := getattr(limit, attribute, None)) is not None
    ]
    if bounds:
        text += f" {' and '.join(bounds)}"
    if any(isinstance(limit, annotated_types.MinLen) and limit.min_length for limit in info.metadata):
        text += ", not empty"
    unit = info.json_schema_extra.get("unit") if isinstance(info.json_schema_extra, dict) else None
    return f"{text} ({unit})" if unit else text


def readable(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> str:
    """Turn a validation error into one line: key, value, what was expected.

    Parameters
    ----------
    error : pydantic.ValidationError
        The error.
    model : type
        The model that raised it.
    prefix : tuple of str, optional
        Keys above the model.

    Returns
    -------
    str
        The first fault, and how many more there are.

    Examples
    --------
    >>> class Cap(Settings):
    ...     size: float = option(0.1, "cap", unit="fraction of equity", gt=0, le=1)
    >>> try:
    ...     Cap.model_validate({"sise": 1})
    ... except ValidationError as error:
    ...     print(readable(error, Cap))
    sise: unknown key; did you mean size?
    """
    details = error.errors(include_url=False)
    # An unknown key is most likely the cause of whatever else is wrong.
    first = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    text = _line(first, model, prefix)
    return text if len(details) == 1 else f"{text} (and {len(details) - 1} more)"


def _line(detail: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    location = detail["loc"]
    key = ".".join((*prefix, *(str(part) for part in location))) or "configuration"
    if detail["type"] == "extra_forbidden":
        parent = _model_at(model, location[:-1]) or model
        return f"{key}: unknown key; {_suggestion(str(location[-1]), list(parent.model_fields))}"
    info = _info_at(model, location)
    if detail["type"] == "missing":
        return f"{key} is missing: expected {expected(info) if info else 'a value'}"
    secret = info is not None and _mentions(info.annotation, SecretStr)
    value = "a secret" if secret else _value(detail["input"])
    if detail["type"] in {"value_error", "assertion_error"}:
        return f"{key} = {value}: {detail['ctx']['error']}" if location else str(detail["ctx"]["error"])
    return f"{key} = {value}: expected {expected(info) if info else detail['msg']}"


def _suggestion(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    for part in location:
        info = model.model_fields.get(part) if isinstance(part, str) else None
        if info is None:  # a list's index, or a key of a table of tables
            continue
        inner = nested_model(info.annotation)
        if inner is None:
            return None
        model = inner
    return model


def _info_at(model: type[BaseModel], location: Sequence[str | int]) -> FieldInfo | None:
    # Parts after the field (a list's index, a dict's key, a union's branch) belong to its value.
    info = None
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            info = model.model_fields[part]
            model = nested_model(info.annotation) or model
    return info


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(part, wanted) for part in typing.get_args(annotation))


def _kind(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    parts = typing.get_args(annotation)
    if origin is Literal:
        words = [f'"{word}"' for word in parts]
        return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin is typing.Annotated:
        return _kind(parts[0])
    if nested_model(annotation) is annotation:
        return "a table"
    if origin in (list, tuple) and parts:
        return f"a list, each {_kind(parts[0])}"
    kind = origin or annotation
    return _KINDS.get(kind) or ("a date and time" if "datetime" in str(kind) else str(kind))


def _value(value: Any) -> str:
    if value is PydanticUndefined:
        return "nothing"
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
