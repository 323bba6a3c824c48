"""What an account's stream says when something happens to its orders."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mirrorfast.simulator.orders import Execution, Order, OrderPair

if TYPE_CHECKING:
    from mirrorfast.simulator.spot_books import SpotBooks

__all__ = ["balances", "execution_report", "list_status"]


def _number(value: Decimal | None) -> str:
    return f"{value or 0:.8f}"


def execution_report(what: str, o: Order, e: Execution | None, now: int) -> dict[str, Any]:
    """Write one transition of a spot order."""
    kind = what if what in {"NEW", "CANCELED", "TRADE", "EXPIRED"} else "TRADE"
    return {
        "e": "executionReport",
        "E": now,
        "s": o.symbol,
        "c": o.client_id,
        "S": o.side,
        "o": o.kind,
        "f": o.time_in_force,
        "q": _number(o.quantity),
        "p": _number(o.price),
        "P": _number(o.stop),
        "F": _number(None),
        "g": -1 if o.pair is None else o.pair.id,
        "C": o.client_id if kind == "CANCELED" else "",
        "x": kind,
        "X": o.status,
        "r": "NONE",
        "i": o.id,
        "l": _number(None if e is None else e.quantity),
        "z": _number(o.filled),
        "L": _number(None if e is None else e.price),
        "n": _number(None if e is None else e.fee),
        "N": None if e is None else e.fee_asset,
        "T": now if e is None else e.time,
        "t": -1 if e is None else e.id,
        "I": o.id,
        "w": o.is_open and o.working,
        "m": e is not None and e.maker,
        "M": False,
        "O": o.time,
        "Z": _number(o.filled_quote),
        "Y": _number(None if e is None else e.quote),
        "Q": _number(o.quote_quantity),
        "W": o.working_time or -1,
        "V": "NONE",
    }


def balances(books: "SpotBooks", assets: set[str], now: int) -> dict[str, Any]:
    """Write the balances that changed."""
    return {
        "e": "outboundAccountPosition",
        "E": now,
        "u": now,
        "B": [
            {"a": a, "f": _number(books.balance(a).free), "l": _number(books.balance(a).locked)} for a in sorted(assets)
        ],
    }


def list_status(pair: OrderPair, now: int) -> dict[str, Any]:
    """Write the state of an order list."""
    working = pair.is_open
    return {
        "e": "listStatus",
        "E": now,
        "s": pair.symbol,
        "g": pair.id,
        "c": "OCO",
        "l": "EXEC_STARTED" if working else "ALL_DONE",
        "L": "EXECUTING" if working else "ALL_DONE",
        "r": "NONE",
        "C": pair.client_id,
        "T": now,
        "O": [{"s": o.symbol, "i": o.id, "c": o.client_id} for o in pair.orders],
    }
