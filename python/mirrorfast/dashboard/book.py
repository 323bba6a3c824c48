"""Open positions as the journal's fills leave them, and the stops that protect them."""

from __future__ import annotations

from typing import Any, Final

from mirrorfast.ledger.events import FINAL_STATUSES

__all__ = ["Book"]

#: Below this share of the last fill a rest is rounding, not a position.
_DUST: Final = 1e-9


class Book:
    """Positions and resting stop orders."""

    def __init__(self) -> None:
        self._positions: dict[str, dict[str, Any]] = {}
        self._stops: dict[str, dict[int, list[float]]] = {}
        self._symbols: dict[int, str] = {}
        self._last: dict[str, float] = {}
        self._rates: dict[str, float] = {}

    def order(self, number: int, symbol: str, trigger: float | None, quantity: float | None, status: str) -> bool:
        """Remember an order that rests at a trigger; tell whether it is one."""
        if trigger is None or status in FINAL_STATUSES:
            return False
        self._stops.setdefault(symbol, {})[number] = [trigger, quantity or 0.0]
        self._symbols[number] = symbol
        return True

    def ended(self, number: int, status: str) -> str | None:
        """Forget an order that has come to its end; its symbol, where it was a stop."""
        if status not in FINAL_STATUSES:
            return None
        symbol = self._symbols.pop(number, None)
        if symbol is not None:
            del self._stops[symbol][number]
        return symbol

    def fill(self, symbol: str, signed: float, price: float, *, order: int, ts: int, rate: float = 1.0) -> None:
        """Book an execution; `rate` is what a unit of its quote currency is in the account's."""
        self._rates[symbol] = rate
        stop = self._stops.get(symbol, {}).get(order)
        if stop is not None:
            stop[1] -= abs(signed)
            if stop[1] <= _DUST * abs(signed):
                self.ended(order, "filled")
        held = self._positions.get(symbol)
        before = held["quantity"] if held else 0.0
        after = before + signed
        if abs(after) <= _DUST * abs(signed):
            self._positions.pop(symbol, None)
        elif held is None or before * after < 0:
            self._positions[symbol] = {"quantity": after, "average": price, "opened": ts}
        else:
            if before * signed > 0:
                held["average"] = (held["average"] * before + price * signed) / after
            held["quantity"] = after
        self._last.setdefault(symbol, price)

    def price(self, symbol: str, price: float) -> bool:
        """Take note of a price; tell whether a position has it."""
        self._last[symbol] = price
        return symbol in self._positions

    def position(self, symbol: str) -> dict[str, Any] | None:
        """Describe a position; None where there is none."""
        held = self._positions.get(symbol)
        if held is None:
            return None
        quantity, last, rate = held["quantity"], self._last[symbol], self._rates[symbol]
        stop = self._stop(symbol, quantity)
        return {
            "symbol": symbol,
            "quantity": quantity,
            "average": held["average"],
            "opened": held["opened"],
            "last": last,
            "value": quantity * last * rate,
            "unrealised": quantity * (last - held["average"]) * rate,
            "stop": stop,
            "heat": self._risk(quantity, last, stop) * rate,
        }

    @property
    def heat(self) -> float:
        """What all positions lose, account currency, if every stop is hit now; all of it without a stop.

        Other currencies count at the rate of their last fill.
        """
        return sum(
            self._risk(held["quantity"], self._last[symbol], self._stop(symbol, held["quantity"])) * self._rates[symbol]
            for symbol, held in self._positions.items()
        )

    def _stop(self, symbol: str, quantity: float) -> float | None:
        # The one that is hit first; a take-profit's trigger is on the other side of the price and protects nothing.
        last = self._last[symbol]
        near = [t for t, _ in self._stops.get(symbol, {}).values() if (t <= last if quantity > 0 else t >= last)]
        return (max(near) if quantity > 0 else min(near)) if near else None

    @staticmethod
    def _risk(quantity: float, last: float, stop: float | None) -> float:
        return abs(quantity * last) if stop is None else max(0.0, quantity * (last - stop))
