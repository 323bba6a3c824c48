"""The fold: events → rows. The writer uses it to make the tables, `verify` to check them.

Every event carries `digest = SHA-256(digest of the event before ‖ seq ‖ ts ‖ kind ‖ payload)`, so that a lost, added
or altered line shows, and two runs with the same last digest did the same.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Any, Final

from mirrorfast.errors import LedgerError
from mirrorfast.ledger.events import FINAL_STATUSES, ORDER_STATUSES, Event
from mirrorfast.ledger.identifiers import client_order_id
from mirrorfast.ledger.schema import FOLDED_TABLES
from mirrorfast.ledger.types import JsonRaw, decimal_text, json_text

__all__ = ["GENESIS", "Fold", "Rows", "chain", "digest_of"]

#: Digest before the first event.
GENESIS: Final = bytes(32)
#: Closed orders kept in memory for late reports; older ones are read back.
_CLOSED_KEPT: Final = 4096
#: Sums of quantities are exact or an error, never rounded.
_EXACT: Final = Context(prec=800, traps=[Inexact])

OrderKey = tuple[int, int]


def digest_of(previous: bytes, seq: int, ts: int, kind: str, payload: str) -> bytes:
    """Return the digest of a line of the journal."""
    return hashlib.sha256(previous + f"{seq}|{ts}|{kind}|{payload}".encode()).digest()


def chain(previous: bytes, event: Event) -> tuple[bytes, str]:
    """Return the event's digest and its payload as JSON."""
    payload = _payload(event.payload)
    return digest_of(previous, event.seq, event.ts, event.kind, payload), payload


def _payload(fields: dict[str, Any]) -> str:
    raw = [(name, value) for name, value in fields.items() if type(value) is JsonRaw]
    if not raw:
        return json_text(fields)
    text = json_text({name: value for name, value in fields.items() if type(value) is not JsonRaw})
    inner = ",".join(f'"{name}":{value}' for name, value in raw)
    return f"{text[:-1]},{inner}}}" if len(text) > 2 else f"{{{inner}}}"


@dataclass(slots=True)
class _OrderState:
    row: dict[str, Any]
    quantity: Decimal
    filled: Decimal


class Rows:
    """Rows to insert per table, and order rows to update."""

    __slots__ = ("inserts", "orders", "updates")

    def __init__(self) -> None:
        self.inserts: dict[str, list[dict[str, Any]]] = {name: [] for name in FOLDED_TABLES}
        self.orders: set[OrderKey] = set()
        self.updates: dict[OrderKey, dict[str, Any]] = {}


class Fold:
    """State of the journal's fold for one run.

    Parameters
    ----------
    run
        Name of the run.
    load
        Reads an order's row back by (id, attempt or None for the latest) when it is not in memory.
    """

    def __init__(self, run: str, load: Callable[[int, int | None], dict[str, Any] | None] | None = None) -> None:
        self.run = run
        self.trades = 0
        self._load = load
        self._orders: dict[OrderKey, _OrderState] = {}
        self._closed: OrderedDict[OrderKey, _OrderState] = OrderedDict()
        self._attempts: dict[int, int] = {}

    def adopt(self, row: dict[str, Any]) -> None:
        """Take up an order that is in the tables already."""
        self._keep(_OrderState(dict(row), Decimal(row["quantity"]), Decimal(row["filled"])))

    def forget(self, key: OrderKey) -> None:
        """Drop an order that could not be stored after all."""
        self._orders.pop(key, None)
        self._attempts[key[0]] = key[1] - 1

    def trim(self) -> None:
        """Let old closed orders go. Only rows that are committed can be read back, so call it after a commit."""
        while len(self._closed) > _CLOSED_KEPT:
            key, _ = self._closed.popitem(last=False)
            if self._attempts.get(key[0]) == key[1]:
                del self._attempts[key[0]]

    def open_orders(self) -> list[dict[str, Any]]:
        """Rows of the orders that are not closed, oldest first."""
        return [self._orders[key].row for key in sorted(self._orders)]

    def attempt(self, order: int) -> int:
        """Highest attempt number of an order that is in memory; 0 where there is none."""
        return self._attempts.get(order, 0)

    def apply(self, event: Event, rows: Rows) -> None:
        """Fold one event into `rows`.

        Raises
        ------
        LedgerError
            When a status or fill speaks of an order that was never recorded.
        """
        payload = event.payload
        match event.kind:
            case "decision" | "equity":
                table = "decisions" if event.kind == "decision" else "equity"
                rows.inserts[table].append({"run": self.run, "seq": event.seq, "ts": event.ts, **payload})
            case "trade":
                self.trades += 1
                rows.inserts["trades"].append({"run": self.run, "id": self.trades, "seq": event.seq, **payload})
            case "fill":
                rows.inserts["fills"].append({"run": self.run, "seq": event.seq, "ts": event.ts, **payload})
                self._fill(event, rows)
            case "order":
                self._order(event, rows)
            case "order_status":
                self._status(event, rows)
            case "weights":
                grades = payload["grades"]
                rows.inserts["weights"].extend(
                    {
                        "run": self.run,
                        "seq": event.seq,
                        "ts": event.ts,
                        "strategy": name,
                        "weight": weight,
                        "grade": grades.get(name),
                    }
                    for name, weight in payload["weights"].items()
                )
            case "incident":
                rows.inserts["incidents"].append({"run": self.run, "seq": event.seq, "ts": event.ts, **payload})
            case "run":
                pass
            case kind:
                raise LedgerError(f"journal of run {self.run!r}, event {event.seq}: unknown kind {kind!r}")

    def _order(self, event: Event, rows: Rows) -> None:
        row = {"run": self.run, "seq": event.seq, "ts": event.ts, **event.payload, "filled": "0", "updated": event.ts}
        if row["client_order_id"] is None:
            row["client_order_id"] = client_order_id(self.run, row["id"], row["attempt"])
        rows.inserts["orders"].append(row)
        rows.orders.add((row["id"], row["attempt"]))
        self._keep(_OrderState(row, Decimal(row["quantity"]), Decimal(0)))

    def _keep(self, state: _OrderState) -> None:
        key = (state.row["id"], state.row["attempt"])
        if state.row["status"] in FINAL_STATUSES:
            self._orders.pop(key, None)
            self._closed[key] = state
        else:
            self._orders[key] = state
        self._attempts[key[0]] = max(key[1], self._attempts.get(key[0], 0))

    def _find(self, event: Event, order: int, attempt: int | None) -> _OrderState:
        latest = self._attempts.get(order) if attempt is None else attempt
        state = None
        if latest is not None:
            state = self._orders.get((order, latest)) or self._closed.get((order, latest))
        if state is None and self._load is not None:
            row = self._load(order, attempt)
            if row is not None:
                state = _OrderState(row, Decimal(row["quantity"]), Decimal(row["filled"]))
        if state is None:
            raise LedgerError(
                f"journal of run {self.run!r}, event {event.seq} ({event.kind}): "
                f"order {order} attempt {attempt} was never recorded"
            )
        return state

    def _change(self, state: _OrderState, rows: Rows, changes: dict[str, Any]) -> None:
        state.row.update(changes)
        key = (state.row["id"], state.row["attempt"])
        # A row that is still waiting to be inserted is the same dict: it goes in with its newest state.
        if key not in rows.orders:
            rows.updates[key] = state.row
        self._keep(state)

    def _status(self, event: Event, rows: Rows) -> None:
        payload = event.payload
        state = self._find(event, payload["id"], payload["attempt"])
        changes: dict[str, Any] = {"updated": event.ts}
        if ORDER_STATUSES[payload["status"]] > ORDER_STATUSES[state.row["status"]]:
            changes["status"] = payload["status"]
            if payload["reason"] is not None:
                changes["reason"] = payload["reason"]
        if payload["venue_order_id"] is not None:
            changes["venue_order_id"] = payload["venue_order_id"]
        self._change(state, rows, changes)

    def _fill(self, event: Event, rows: Rows) -> None:
        if event.payload["order"] == 0:  # the venue's own doing, such as a liquidation
            return
        state = self._find(event, event.payload["order"], event.payload.get("attempt"))
        state.filled = _EXACT.add(state.filled, Decimal(event.payload["quantity"]))
        status = "filled" if state.filled >= state.quantity else "partially_filled"
        changes: dict[str, Any] = {"filled": decimal_text(state.filled), "updated": event.ts}
        if ORDER_STATUSES[status] > ORDER_STATUSES[state.row["status"]]:
            changes["status"] = status
        self._change(state, rows, changes)
