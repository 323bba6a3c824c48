"""What an answer to an order proves: ACCEPTED, REJECTED, or nothing.

ccxt's exception classes are no proof: the same class stands for "refused" and for "who knows". What counts is the
venue's own code, and whether the venue is documented to refuse with it. Everything else is UNKNOWN.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from mirrorfast.execution.orders import Outcome, Sent, VenueOrder, VenueTrade

__all__ = ["code_of", "judged", "order_of", "trade_of"]

#: Binance, spot and USD-M: codes with which an order was not taken, and what to do about it.
_REFUSALS: Final[dict[int, str]] = {
    -1002: "credentials",
    -1003: "throttled",
    -1013: "filter",
    -1014: "refused",
    -1015: "throttled",
    -1020: "refused",
    -1021: "timestamp",
    -1022: "credentials",
    -1102: "refused",
    -1106: "refused",
    -1111: "filter",
    -1121: "refused",
    -2014: "credentials",
    -2015: "credentials",
    -2018: "balance",
    -2019: "balance",
    -2021: "refused",  # the stop would trigger at once
    -2022: "refused",  # nothing to reduce
    -2024: "balance",
    -2025: "refused",
    -2027: "refused",
    -2028: "balance",
    -4003: "filter",
    -4005: "filter",
    -4013: "filter",
    -4014: "filter",
    -4016: "filter",
    -4023: "filter",
    -4024: "filter",
    -4046: "refused",
    -4108: "filter",  # the symbol is being settled, closed or not open
    -4131: "refused",
    -4140: "filter",
    -4141: "filter",
    -4164: "filter",
    -5021: "refused",
    -5022: "refused",
}
#: "New order rejected": the words decide.
_ORDER_REJECTED: Final = -2010
#: The same client order id again: the order is there.
_DUPLICATES: Final = frozenset({-4116, -4111})
_CODE: Final = re.compile(r'"code"\s*:\s*"?(-?\d+)"?')
_STATUSES: Final = frozenset({"open", "closed", "canceled", "expired", "rejected"})


def code_of(body: str | None) -> tuple[int | None, str]:
    """Read a venue's code and words from the body of an answer.

    Parameters
    ----------
    body
        The answer, whatever it is.

    Returns
    -------
    code : int or None
        ``None`` where there is none.
    message : str
        The venue's words, at most 200 characters.

    Examples
    --------
    >>> code_of('{"code":-2013,"msg":"Order does not exist."}')
    (-2013, 'Order does not exist.')
    >>> code_of("<html>")
    (None, '')
    """
    if not body:
        return None, ""
    try:
        document = json.loads(body)
    except ValueError:
        found = _CODE.search(body)
        return (int(found[1]), "") if found else (None, "")
    if not isinstance(document, dict):
        return None, ""
    try:
        code = int(document["code"])
    except (KeyError, TypeError, ValueError):
        return None, ""
    return code, str(document.get("msg", ""))[:200]


def judged(status: int | None, body: str | None, error: BaseException) -> Sent:
    """Tell what a failed sending proves.

    Parameters
    ----------
    status
        HTTP status, or ``None`` when there was no answer.
    body
        The answer.
    error
        What ccxt raised; only its class is told, for its words contain the signed request.

    Returns
    -------
    Sent
        ``REJECTED`` only for a documented refusal.

    Examples
    --------
    >>> judged(400, '{"code":-2010,"msg":"Account has insufficient balance for requested action."}', OSError()).kind
    'balance'
    >>> judged(502, "<html>", OSError()).outcome
    <Outcome.UNKNOWN: 'unknown'>
    """
    code, words = code_of(body)
    reason = f"{code}: {words}" if code is not None else f"{type(error).__name__}, status {status}"
    name = "" if code is None else str(code)
    if status in (418, 429) and code in (None, -1003, -1015):
        return Sent(Outcome.REJECTED, reason=reason, kind="throttled", code=name)
    if code is None or status is None or not 400 <= status < 500:
        return Sent(Outcome.UNKNOWN, reason=reason, kind="lost", code=name)
    if code in _DUPLICATES:
        return Sent(Outcome.ACCEPTED, reason=reason, kind="duplicate", code=name)
    if code == _ORDER_REJECTED:
        low = words.lower()
        if "duplicate" in low:
            return Sent(Outcome.ACCEPTED, reason=reason, kind="duplicate", code=name)
        kind = "balance" if "insufficient" in low or "balance" in low else "refused"
        return Sent(Outcome.REJECTED, reason=reason, kind=kind, code=name)
    kind = _REFUSALS.get(code, "")
    if kind:
        return Sent(Outcome.REJECTED, reason=reason, kind=kind, code=name)
    return Sent(Outcome.UNKNOWN, reason=reason, kind="undocumented", code=name)


def order_of(answer: Any, client_id: str | None) -> VenueOrder | None:
    """Read an order from what ccxt made of an answer.

    Parameters
    ----------
    answer
        ccxt's order structure, with numbers as text.
    client_id
        What it must be called; ``None`` where any will do.

    Returns
    -------
    VenueOrder or None
        ``None`` when it is no order, or another one: an empty answer gives ccxt an order without a number.
    """
    if not isinstance(answer, dict) or not answer.get("id"):
        return None
    name = str(answer.get("clientOrderId") or "")
    if client_id is not None and name != client_id:
        return None
    told = answer.get("info")
    info: dict[str, Any] = told if isinstance(told, dict) else {}
    status = _status(answer, info)
    filled, quantity = number(answer.get("filled")), number(answer.get("amount"))
    if status not in _STATUSES or filled is None or quantity is None:
        if status is None and filled is None:
            # An acknowledgement: the order stands, nothing more is said.
            status, filled, quantity = "open", Decimal(0), quantity or Decimal(0)
        else:
            return None
    number_ = str(answer["id"])
    actual = str(info.get("actualOrderId") or "")
    trades = tuple(t for t in (trade_of(row, answer) for row in answer.get("trades") or ()) if t is not None)
    return VenueOrder(
        id=number_,
        client_id=name,
        symbol=str(answer.get("symbol") or ""),
        status=status,
        filled=filled,
        quantity=quantity,
        trades_of=actual or number_,
        trades=trades,
        side=str(answer.get("side") or ""),
        reduce_only=bool(answer.get("reduceOnly")),
    )


def _status(answer: dict[str, Any], info: dict[str, Any]) -> str | None:
    status = answer.get("status")
    raw = str(info.get("status") or info.get("algoStatus") or "").upper()
    # A triggered conditional order lives on as another one.
    if raw == "TRIGGERED":
        return "open"
    if raw in ("EXPIRED", "EXPIRED_IN_MATCH"):
        return "expired"
    return None if status is None else str(status)


def trade_of(row: Any, order: dict[str, Any] | None = None) -> VenueTrade | None:
    """Read a trade from ccxt's structure.

    Parameters
    ----------
    row
        ccxt's trade, with numbers as text.
    order
        The order in whose answer it stood, for what it does not say itself.

    Returns
    -------
    VenueTrade or None
        ``None`` when anything that money hangs on is missing.
    """
    if not isinstance(row, dict) or row.get("id") is None:
        return None
    quantity, price = number(row.get("amount")), number(row.get("price"))
    fee = row.get("fee") or {}
    cost = number(fee.get("cost"))
    around = order or {}
    side, ts = row.get("side") or around.get("side"), row.get("timestamp") or around.get("timestamp")
    name = row.get("order") or around.get("id")
    if quantity is None or price is None or quantity <= 0 or price <= 0 or side not in ("buy", "sell") or ts is None:
        return None
    return VenueTrade(
        id=str(row["id"]),
        order=str(name or ""),
        symbol=str(row.get("symbol") or around.get("symbol") or ""),
        side=str(side),
        quantity=quantity,
        price=price,
        fee=Decimal(0) if cost is None else cost,
        fee_currency=str(fee.get("currency") or ""),
        maker=row.get("takerOrMaker") == "maker",
        ts=int(ts),
    )


def number(value: Any) -> Decimal | None:
    """Read an exact finite decimal; ``None`` for anything else."""
    if value is None or isinstance(value, bool):
        return None
    try:
        result = Decimal(str(value))
    except InvalidOperation:
        return None
    return result if result.is_finite() else None
