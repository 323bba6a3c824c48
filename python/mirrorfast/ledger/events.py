"""What can be written to the journal: one specification per kind of event, and the batch that collects them.

A payload is normalised once, here: money becomes canonical decimal text, NaN becomes null, a missing optional field
takes its default. What the journal holds and what the tables hold is therefore the same value by construction.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mirrorfast.errors import ParameterError
from mirrorfast.ledger.types import JsonRaw, decimal_text, json_text
from mirrorfast.redaction import masked, redact

__all__ = ["FIELDS", "FINAL_STATUSES", "ORDER_STATUSES", "Batch", "Event"]

#: Order statuses by how much they say: a report that says less than what is known (late, or twice) changes nothing.
ORDER_STATUSES: Final = {
    "intent": 0,
    "submitted": 1,
    "unknown": 2,
    "accepted": 4,
    "partially_filled": 5,
    "cancelling": 6,  # its withdrawal is asked for: a restart asks again
    "needs_operator": 7,  # the venue took it, or may have, and shows it no more
    "never_sent": 8,
    "rejected": 8,
    "expired": 8,
    "cancelled": 8,
    "filled": 9,
}
#: Statuses after which only a late fill can still come.
FINAL_STATUSES: Final = frozenset(name for name, rank in ORDER_STATUSES.items() if rank >= ORDER_STATUSES["rejected"])

_SIDES = {"buy": "buy", "sell": "sell"}
_DIRECTIONS = {"long": "long", "short": "short", "buy": "long", "sell": "short"}


def _number(value: Any) -> float | None:
    if value is None:
        return None
    value = float(value)
    return value if value == value else None


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _word(value: Any) -> str | None:
    return None if value is None else str(value)


def _said(value: Any) -> str | None:
    # A venue's or an exception's own words, which may quote a signed request.
    return None if value is None else masked(str(value))


def _json(value: Any) -> JsonRaw:
    return JsonRaw(json_text(value))


def _said_json(value: Any) -> JsonRaw:
    return JsonRaw(json_text(redact(None, "", {"details": value})["details"]))


def _plain(value: Any) -> Any:
    """Make a value what it will be when it is read back."""
    return json.loads(json_text(value))


def _flag(value: Any) -> bool:
    return bool(value)


def _choice(choices: Mapping[str, str]) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        try:
            return choices[str(value).lower()]
        except KeyError:
            raise ValueError("expected one of " + ", ".join(choices)) from None

    return convert


def _status(value: Any) -> str:
    if value not in ORDER_STATUSES:
        raise ValueError("expected one of " + ", ".join(ORDER_STATUSES))
    return str(value)


_REQUIRED: Final = object()
_Spec = tuple[str, Callable[[Any], Any], object]


def _fields(**kinds: Callable[[Any], Any] | tuple[Callable[[Any], Any], object]) -> tuple[_Spec, ...]:
    return tuple((n, *k) if isinstance(k, tuple) else (n, k, _REQUIRED) for n, k in kinds.items())


#: Kind of event → its fields: name, conversion, default (none: required).
FIELDS: Final[dict[str, tuple[_Spec, ...]]] = {
    "decision": _fields(
        id=_integer,
        symbol=_word,
        price=decimal_text,
        rule_position=(_number, None),
        rl_position=(_number, None),
        target=(_number, None),
        method=(_word, None),
        direction=(_word, None),
        confidence=(_number, None),
        regime=(_word, None),
        votes=(_json, {}),
        verdict=(_word, None),
        reasons=(_json, []),
        quantity=(decimal_text, None),
        stop_price=(decimal_text, None),
        order_id=(_integer, None),
    ),
    "order": _fields(
        id=_integer,
        attempt=(_integer, 1),
        client_order_id=(_word, None),
        decision=(_integer, None),
        symbol=_word,
        side=_choice(_SIDES),
        type=_word,
        quantity=decimal_text,
        price=(decimal_text, None),
        trigger=(decimal_text, None),
        reduce_only=(_flag, False),
        purpose=_word,
        tif=(_word, "gtc"),
        oco=(_integer, 0),
        status=(_status, "intent"),
        reason=(_said, None),
        venue_order_id=(_word, None),
    ),
    "order_status": _fields(
        id=_integer,
        attempt=(_integer, None),
        status=_status,
        reason=(_said, None),
        venue_order_id=(_word, None),
    ),
    "fill": _fields(
        id=_integer,
        order=_integer,
        symbol=_word,
        side=_choice(_SIDES),
        quantity=decimal_text,
        price=decimal_text,
        fee=(decimal_text, "0"),
        slippage=(decimal_text, "0"),
        liquidity=(_word, None),
        purpose=(_word, None),
        venue_trade_id=(_word, None),
        attempt=(_integer, None),
        fee_currency=(_word, None),
        fee_quantity=(decimal_text, None),
        rate=(decimal_text, None),
    ),
    "trade": _fields(
        symbol=_word,
        side=_choice(_DIRECTIONS),
        quantity=decimal_text,
        entry_ts=_integer,
        exit_ts=_integer,
        entry_price=decimal_text,
        exit_price=decimal_text,
        gross=decimal_text,
        fees=(decimal_text, "0"),
        funding=(decimal_text, "0"),
        pnl=decimal_text,
        pnl_fraction=(_number, None),
        return_fraction=(_number, None),
        bars=(_integer, None),
        mae=(_number, None),
        mfe=(_number, None),
        slippage=(decimal_text, "0"),
        exit=(_word, None),
        entry_decision=(_integer, None),
        entry_rate=(decimal_text, None),
        exit_rate=(decimal_text, None),
    ),
    "equity": _fields(
        equity=decimal_text, cash=(decimal_text, None), exposure=(decimal_text, None), drawdown=(_number, None)
    ),
    "weights": _fields(weights=_plain, grades=(_plain, {})),
    "incident": _fields(severity=(_word, "warning"), kind=_word, message=_said, details=(_said_json, {})),
    "run": _fields(status=_word, reason=(_said, None)),
}

_NAMES = {kind: frozenset(name for name, _, _ in fields) for kind, fields in FIELDS.items()}


@dataclass(slots=True)
class Event:
    """One line of the journal; `seq` is given when it is written."""

    ts: int
    kind: str
    payload: dict[str, Any]
    seq: int = 0


def normalise(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Bring an event's fields into their one written form.

    Raises
    ------
    ParameterError
        For an unknown kind or field (with the nearest known name), a missing required field, or a wrong type.
    """
    specs = FIELDS.get(kind)
    if specs is None:
        raise ParameterError(f"event kind {kind!r}: expected one of {', '.join(FIELDS)}")
    payload: dict[str, Any] = {}
    for name, convert, default in specs:
        value = fields.get(name, default)
        if value is _REQUIRED or (value is None and default is _REQUIRED):
            raise ParameterError(f"{kind} without {name!r}: expected a value")
        try:
            value = convert(value)
        except (ValueError, TypeError) as error:
            raise ParameterError(f"{kind}: {name} = {fields.get(name)!r}: {error}") from error
        if value is None and default is _REQUIRED:
            raise ParameterError(f"{kind}: {name} = {fields.get(name)!r}: expected a number, not NaN")
        payload[name] = value
    known = _NAMES[kind]
    for name in fields:
        if name not in known and name != "ts":
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"{kind}: unknown field {name!r}{hint} (known: {', '.join(sorted(known))})")
    return payload


@dataclass(slots=True)
class Batch:
    """Everything that one moment of a run has to record, in the order in which it happened.

    Parameters
    ----------
    ts
        Milliseconds since the epoch, UTC: the time of the bar. An item's own `ts` field goes before it.
    events
        What happened, in order; filled by the methods.

    Examples
    --------
    >>> batch = Batch(1_500_000_000_000)
    >>> batch.equity({"equity": 10_000.0, "cash": 9_000.5})
    >>> batch.events[0].payload["cash"]
    '9000.5'
    """

    ts: int
    events: list[Event] = field(default_factory=list)

    def add(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Record an event of any kind.

        Parameters
        ----------
        kind
            One of `FIELDS`.
        fields
            Its fields; numbers may be float, int, `Decimal` or decimal text.

        Raises
        ------
        ParameterError
            For an unknown kind or field, a missing required field, or a value of a wrong type.
        """
        ts = fields.get("ts")
        self.events.append(Event(self.ts if ts is None else int(ts), kind, normalise(kind, fields)))

    def decision(self, fields: Mapping[str, Any]) -> None:
        """Record a decision.

        Parameters
        ----------
        fields
            Needs `id symbol price`. `votes` is `{strategy: {"signal": …, "confidence": …, "contribution": …}}`,
            `reasons` a list of sentences, `verdict` what risk said.
        """
        self.add("decision", fields)

    def order(self, fields: Mapping[str, Any]) -> None:
        """Record an order.

        Parameters
        ----------
        fields
            Needs `id symbol side type quantity purpose`, and the `price` or `trigger` that its type has.
        """
        self.add("order", fields)

    def order_status(self, fields: Mapping[str, Any]) -> None:
        """Record what became of an order.

        Parameters
        ----------
        fields
            Needs `id status` (one of `ORDER_STATUSES`); `attempt` is the latest by default.
        """
        self.add("order_status", fields)

    def fill(self, fields: Mapping[str, Any]) -> None:
        """Record an execution.

        Parameters
        ----------
        fields
            Needs `id order symbol side quantity price`; order 0 is none of ours, such as a liquidation. `fee` is in
            quote currency; `fee_currency` and `fee_quantity` say what a venue took. A venue's trade (`symbol`,
            `venue_trade_id`) is booked once: the writer passes over a second report of it.
        """
        self.add("fill", fields)

    def trade(self, fields: Mapping[str, Any]) -> None:
        """Record a closed round trip.

        Parameters
        ----------
        fields
            Needs `symbol side quantity entry_ts exit_ts entry_price exit_price gross pnl`.
        """
        self.add("trade", fields)

    def equity(self, fields: Mapping[str, Any]) -> None:
        """Record the account at `ts`.

        Parameters
        ----------
        fields
            Needs `equity`; `cash`, `exposure` and `drawdown` (a fraction of the peak) where they are known.
        """
        self.add("equity", fields)

    def weights(self, weights: Mapping[str, float], grades: Mapping[str, str] | None = None) -> None:
        """Record the strategies' weights after they changed.

        Parameters
        ----------
        weights
            Weight by strategy.
        grades
            Grade by strategy.
        """
        self.add("weights", {"weights": dict(weights), "grades": dict(grades or {})})

    def incident(
        self, kind: str, message: str, *, severity: str = "warning", details: Mapping[str, Any] | None = None
    ) -> None:
        """Record something that a person should know of.

        Parameters
        ----------
        kind
            What sort of thing, a word.
        message
            What happened, a sentence.
        severity
            `info`, `warning`, `error` or `critical`.
        details
            Anything else that JSON can hold.
        """
        self.add("incident", {"kind": kind, "message": message, "severity": severity, "details": dict(details or {})})
