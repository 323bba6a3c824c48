"""Answers that are wrong: gateway pages, refusals, garbage, and candles that must never become bars."""

import json
from typing import Any, Final

from mirrorfast.simulator.faults import FaultRule
from mirrorfast.simulator.protocol import Answer, encode

__all__ = ["changed", "garbage", "gateway_error", "refusal", "unknown_status"]

_WORDS: Final = {
    "bad_key": "Invalid API-key, IP, or permissions for action.",
    "bad_signature": "Signature for this request is not valid.",
    "bad_timestamp": "Timestamp for this request is outside of the recvWindow.",
    "insufficient_balance": "Account has insufficient balance for requested action.",
    "duplicate_order": "Duplicate order sent.",
    "not_found": "Order does not exist.",
}


def gateway_error(status: int) -> Answer:
    """Page of a proxy in front of the venue."""
    return Answer(f"<html><head><title>{status}</title></head></html>".encode(), status, type="text/html")


def refusal(fault: FaultRule) -> Answer:
    """Write the venue's no, in its words."""
    if fault.name == "filter_failure":
        message = f"Filter failure: {fault.value('filter')}"
    elif fault.name == "unknown_error":
        message = fault.value("message")
    else:
        message = _WORDS[fault.name]
    return Answer(encode({"code": fault.value("code"), "msg": message}), fault.value("status"))


def unknown_status(fault: FaultRule) -> Answer:
    """Say that nobody knows what became of the request."""
    code = fault.value("code")
    message = (
        "An unexpected response was received from the message bus. Execution status unknown."
        if code == -1006
        else "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    )
    return Answer(encode({"code": code, "msg": message}), fault.value("status"))


def garbage(fault: FaultRule, answer: Answer) -> Answer:
    """Make an answer of status 200 that means nothing."""
    kind = fault.value("kind")
    texts = {
        "empty": b"",
        "null": b"null",
        "object": b"{}",
        "list": b"[]",
        "html": b"<html><body>Bad gateway</body></html>",
        "truncated": answer.body[: len(answer.body) // 2],
        "none_rows": b"[null,null,[],{},[null,null,null,null,null,null]]",
    }
    return Answer(texts[kind], 200, answer.headers, "text/html" if kind == "html" else answer.type)


def changed(fault: FaultRule, body: bytes) -> bytes:
    """Spoil an answer; one that the fault does not fit stays as it is."""
    value = json.loads(body)
    if fault.name == "empty_balances":
        if isinstance(value, dict) and "balances" in value:
            value["balances"] = []
        elif isinstance(value, list):
            value = []
    elif fault.name == "empty_list":
        value = [] if isinstance(value, list) else value
    elif (rows := _candles(value)) is not None:
        newest_first = len(rows) > 1 and int(rows[0][0]) > int(rows[1][0])
        if newest_first:
            rows.reverse()
        _spoil(fault, rows)
        if newest_first:
            rows.reverse()
    return encode(value)


def _candles(value: Any) -> list[list[Any]] | None:
    """Find the rows of candles in an answer, wherever a venue puts them."""
    if isinstance(value, list) and value and all(isinstance(row, list) and len(row) > 5 for row in value):
        return value
    for inner in value.values() if isinstance(value, dict) else []:
        found = _candles(inner)
        if found is not None:
            return found
    return None


def _spoil(fault: FaultRule, rows: list[list[Any]]) -> None:
    """Damage candles in place. A negative row counts from the end: -2 is the newest closed one."""
    if fault.name == "candle_stale":
        del rows[max(0, len(rows) - fault.value("rows")) :]
        return
    at = fault.value("row")
    at = at + len(rows) if at < 0 else at
    if not 0 <= at < len(rows):
        return
    row = rows[at]
    if fault.name in {"candle_nan", "candle_infinite"}:
        row[fault.value("column")] = fault.value("value")
    elif fault.name == "candle_null":
        row[fault.value("column")] = None
    elif fault.name == "candle_zero":
        row[fault.value("column")] = "0.00000000"
    elif fault.name == "candle_negative":
        row[fault.value("column")] = "-" + str(row[fault.value("column")])
    elif fault.name == "candle_crossed":
        row[2], row[3] = row[3], row[2]
    elif fault.name == "candle_duplicate":
        rows.insert(at, list(row))
    elif fault.name == "candle_disorder" and at > 0:
        rows[at - 1], rows[at] = rows[at], rows[at - 1]
    elif fault.name == "candle_gap":
        del rows[at : at + fault.value("rows")]
    elif fault.name == "candle_revised":
        close, factor, high, low = float(row[4]), fault.value("factor"), float(row[2]), float(row[3])
        # Within the range, whichever way there is room.
        revised = close * factor if low <= close * factor <= high else close / factor
        row[4] = f"{min(max(revised, low), high):.8f}"
    elif fault.name == "candle_spike":
        for column in range(1, 5):
            row[column] = f"{float(row[column]) * fault.value('factor'):.8f}"
