"""The exact book: what our own fills came to, and the view of it that the engine gets.

The engine reckons in floats on the venue's lots. A fee that is taken in the base currency makes what is held smaller
than what was bought, by less than a lot now and then: that rest is dust, kept here exactly and never shown as a
position.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mirrorfast.execution.contracts import Contract
    from mirrorfast.execution.orders import VenueTrade

__all__ = ["Book", "Shown"]

_EXACT: Final = Context(prec=800, traps=[Inexact])
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A fill as the engine is to see it.

    Attributes
    ----------
    quantity
        On the lot grid; 0 when the fill moved less than a lot of what is held.
    fee
        Quote currency, such that cash changes by exactly what the venue moved.
    fee_quote
        The venue's fee in quote currency.
    """

    quantity: Decimal
    fee: Decimal
    fee_quote: Decimal


@dataclass(slots=True)
class _Line:
    held: Decimal = _ZERO
    shown: Decimal = _ZERO
    #: Cash that the engine was not told of, because the fill was too small to show.
    carried: Decimal = _ZERO


@dataclass(slots=True)
class Book:
    """Holdings by symbol and changes by currency, exact.

    Parameters
    ----------
    contracts
        By symbol.

    Examples
    --------
    >>> Book({}).changes
    {}
    """

    contracts: Mapping[str, Contract]
    lines: dict[str, _Line] = field(default_factory=dict)
    #: What our trades changed, by currency: the account moves by this and by what others do.
    changes: dict[str, Decimal] = field(default_factory=dict)

    def held(self, symbol: str) -> Decimal:
        """Give what our fills left of a symbol.

        Parameters
        ----------
        symbol
            The market.

        Returns
        -------
        Decimal
            Signed, dust and all.
        """
        line = self.lines.get(symbol)
        return _ZERO if line is None else line.held

    def book(self, trade: VenueTrade, fee_price: Decimal | None = None) -> Shown:
        """Book a trade.

        Parameters
        ----------
        trade
            The venue's, not booked before.
        fee_price
            Price of the fee's currency in quote currency, where it is neither base nor quote.

        Returns
        -------
        Shown
            What the engine sees of it.
        """
        contract = self.contracts[trade.symbol]
        sign = 1 if trade.side == "buy" else -1
        cost = _EXACT.multiply(trade.price, trade.quantity)
        line = self.lines.setdefault(trade.symbol, _Line())
        moved = sign * trade.quantity
        in_base = contract.spot and trade.fee_currency == contract.base
        if contract.spot:
            self._change(contract.base, sign * trade.quantity)
            self._change(contract.quote, -sign * cost)
        if trade.fee:
            self._change(trade.fee_currency, -trade.fee)
        if in_base:
            moved = _EXACT.subtract(moved, trade.fee)
            fee_quote = _EXACT.multiply(trade.fee, trade.price)
        elif trade.fee_currency in (contract.quote, ""):
            fee_quote = trade.fee
        elif fee_price is not None:
            fee_quote = _EXACT.multiply(trade.fee, fee_price)
        else:
            # A third coin whose price is not known: what the venue would have taken in quote.
            fee_quote = _EXACT.multiply(cost, contract.taker)
        line.held = _EXACT.add(line.held, moved)
        now = contract.floor(line.held)
        seen = _EXACT.subtract(now, line.shown)
        # What the engine's cash must change by: everything but fees in base, which cost no cash.
        paid = _EXACT.add(_EXACT.multiply(Decimal(sign), cost), _ZERO if in_base else fee_quote)
        owed = _EXACT.add(paid, line.carried)
        if seen * sign <= 0:
            line.carried = owed
            return Shown(_ZERO, _ZERO, fee_quote)
        line.shown, line.carried = now, _ZERO
        return Shown(abs(seen), _EXACT.subtract(owed, _EXACT.multiply(seen, trade.price)), fee_quote)

    def _change(self, currency: str, amount: Decimal) -> None:
        self.changes[currency] = _EXACT.add(self.changes.get(currency, _ZERO), amount)

    def replay(self, fills: Iterable[Mapping[str, Any]], trades: Any) -> None:
        """Fold the journal's fills: the book is nothing else.

        Parameters
        ----------
        fills
            Rows in the order in which they were booked.
        trades
            Makes a `VenueTrade` of a row.
        """
        for row in fills:
            fee_price = None
            if row["fee_quantity"]:
                fee_price = Decimal(row["fee"]) / Decimal(row["fee_quantity"])
            self.book(trades(row), fee_price)
