"""Column types of the ledger: exact decimals and canonical JSON, the same text on every database."""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from mirrorfast.errors import LedgerError

__all__ = ["DecimalText", "JsonRaw", "JsonText", "decimal_text", "json_text"]

_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?\Z")


def decimal_text(value: float | str | Decimal | None) -> str | None:
    """Write a number as the shortest plain decimal that means exactly it.

    Parameters
    ----------
    value
        A float stands for the shortest decimal that reads back as the same float: for a price on the tick grid
        that is the price itself. NaN stands for "no value".

    Returns
    -------
    str or None
        No exponent, no trailing zeros, no negative zero; None for None and NaN.

    Raises
    ------
    LedgerError
        For an infinite value, or text that is no number.

    Examples
    --------
    >>> decimal_text(0.1), decimal_text(1e-7), decimal_text(25.0), decimal_text("1.500"), decimal_text(-0.0)
    ('0.1', '0.0000001', '25', '1.5', '0')
    """
    if value is None:
        return None
    kind = type(value)
    if kind is float:
        text = repr(value)
        if text.endswith(".0"):
            text = text[:-2]
            return "0" if text == "-0" else text
        if "e" not in text and "n" not in text:
            return text
        if text == "nan":
            return None
    elif isinstance(value, int):
        return str(int(value))
    elif kind is str and _PLAIN.match(value) and value != "-0":  # type: ignore[arg-type]
        return value  # type: ignore[return-value]
    try:
        number = (
            value if isinstance(value, Decimal) else Decimal(repr(float(value)) if _is_float(value) else str(value))
        )
    except (InvalidOperation, ValueError, TypeError) as error:
        raise LedgerError(f"number {value!r}: expected a finite decimal") from error
    if number.is_nan():
        return None
    if number.is_infinite():
        raise LedgerError(f"number {value!r}: expected a finite decimal")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _is_float(value: object) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, str | int | Decimal)


def _clean(value: Any) -> Any:
    """Replace what JSON has no word for: NaN by null, decimals by their text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else (None if math.isnan(value) else repr(value))
    if isinstance(value, dict):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    if isinstance(value, Decimal):
        return decimal_text(value)
    if value is None or isinstance(value, str | int):
        return value
    if hasattr(value, "item"):
        return _clean(value.item())
    raise LedgerError(f"value {value!r} of type {type(value).__name__}: expected something that JSON can hold")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def json_text(value: Any) -> str:
    """Write a value as canonical JSON: sorted keys, no spaces, NaN as null.

    Examples
    --------
    >>> json_text({"b": 1.0, "a": float("nan")})
    '{"a":null,"b":1.0}'
    """
    try:
        return _ENCODER.encode(value)
    except (ValueError, TypeError):
        return _ENCODER.encode(_clean(value))


class JsonRaw(str):
    """Canonical JSON text of a value: it is made once and stored in the journal and in a table."""

    __slots__ = ()


class DecimalText(sa.types.TypeDecorator[Decimal]):
    """An exact decimal, stored as plain text: no database rounds it, and SQLite has no decimals of its own."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write a number as canonical text."""
        return decimal_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Read a `Decimal`."""
        return None if value is None else Decimal(value)


class JsonText(sa.types.TypeDecorator[Any]):
    """A JSON value, stored as canonical text, so that equal values are equal bytes."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write a value as canonical JSON."""
        return value if value is None or type(value) is JsonRaw else json_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read JSON."""
        return None if value is None else json.loads(value)
