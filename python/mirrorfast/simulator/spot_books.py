"""The exact ledger of a spot account: balances, orders and trades; the oracle of tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from mirrorfast.errors import ParameterError
from mirrorfast.simulator.books import Books
from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.orders import Execution, Order
from mirrorfast.simulator.protocol import VenueError

if TYPE_CHECKING:
    from itertools import count

__all__ = ["Balance", "Movement", "SpotBooks"]

_UNIT: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Balance:
    """What an account has of one asset."""

    free: Decimal = _ZERO
    locked: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """Free and locked."""
        return self.free + self.locked


class Movement(NamedTuple):
    """One deposit (positive) or withdrawal: time in ms, asset, amount."""

    time: int
    asset: str
    amount: Decimal


class SpotBooks(Books):
    """Balances, orders and trades of one spot account.

    Fees are taken from what is received, cut (not rounded) to eight decimals; with ``fee_asset`` from that asset as
    long as it lasts, at its last price, or at ``fee_price`` where the venue does not list it.

    Parameters
    ----------
    market, clock, participation, ids
        As for `Books`.
    balances : mapping of str to Decimal
        First deposits.
    maker, taker : Decimal
        Fee rates.
    fee_asset : str or None
        Third coin for fees.
    fee_price : Decimal or None
        Its price in quote currency.
    """

    def __init__(
        self,
        market: dict[str, Instrument],
        clock: SimulatedClock,
        participation: Decimal | None,
        ids: "count[int]",
        balances: Mapping[str, Decimal],
        maker: Decimal = Decimal("0.001"),
        taker: Decimal = Decimal("0.001"),
        fee_asset: str | None = None,
        fee_price: Decimal | None = None,
    ) -> None:
        super().__init__(market, clock, participation, ids)
        self.balances: dict[str, Balance] = {}
        self.movements: list[Movement] = []
        self.maker, self.taker = maker, taker
        self.fee_asset, self.fee_price = fee_asset, fee_price
        for asset, amount in balances.items():
            self.deposit(asset, amount)

    def balance(self, asset: str) -> Balance:
        """Balance of an asset, made when first asked for."""
        return self.balances.setdefault(asset, Balance())

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Add to the free balance; a negative amount withdraws."""
        balance = self.balance(asset)
        if balance.free + amount < 0:
            raise ParameterError(f"amount = {amount}: expected at most {balance.free} {asset} to withdraw")
        balance.free += amount
        self.movements.append(Movement(self.clock.now(), asset, amount))

    def reserve(self, order: Order) -> None:
        """Lock the quote of a purchase or the base of a sale."""
        instrument = self.market[order.symbol]
        asset, needed = self._need(order, instrument)
        balance = self.balance(asset)
        if balance.free < needed:
            raise VenueError(-2010, "Account has insufficient balance for requested action.")
        if order.price is None and order.working:
            return  # trades at once
        balance.free -= needed
        balance.locked += needed
        order.locked = needed

    def _need(self, order: Order, instrument: Instrument) -> tuple[str, Decimal]:
        if not order.buys:
            return instrument.base, order.left
        if order.quote_quantity is not None:
            return instrument.quote, order.quote_quantity
        if order.price is not None:
            return instrument.quote, order.price * order.left
        if order.stop is not None:
            return instrument.quote, order.stop * order.left
        _, asks = instrument.depth(self.clock.now(), 1_000)
        left, cost = order.left, _ZERO
        for ticks, lots in asks:
            part = min(left, instrument.quantity(lots))
            cost += part * instrument.price(ticks)
            left -= part
            if left <= 0:
                break
        return instrument.quote, cost

    def release(self, order: Order) -> None:
        """Unlock the rest."""
        if order.locked:
            instrument = self.market[order.symbol]
            balance = self.balance(instrument.quote if order.buys else instrument.base)
            balance.locked -= order.locked
            balance.free += order.locked
            order.locked = _ZERO

    def affordable(self, order: Order, price: Decimal, quantity: Decimal) -> Decimal:
        """Tell what can be paid: a triggered stop may find dearer prices than it locked for."""
        instrument = self.market[order.symbol]
        balance = self.balance(instrument.quote if order.buys else instrument.base)
        funds = balance.free + order.locked
        if not order.buys:
            return min(quantity, funds)
        lots = (funds / price / instrument.lot).to_integral_value(ROUND_FLOOR)
        return min(quantity, lots * instrument.lot)

    def settle(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool, time: int) -> Execution:
        """Pay, receive, and take the fee."""
        instrument = self.market[order.symbol]
        quote = price * quantity
        pays, paid = (instrument.quote, quote) if order.buys else (instrument.base, quantity)
        gets, got = (instrument.base, quantity) if order.buys else (instrument.quote, quote)
        balance = self.balance(pays)
        # What was locked at the order's own price is used up in proportion; the difference comes back at the end.
        from_lock = min(order.locked, paid)
        order.locked -= from_lock
        balance.locked -= from_lock
        balance.free -= paid - from_lock
        if order.buys and order.price is not None and order.locked:
            back = min(order.locked, order.price * quantity - from_lock)
            if back > 0:
                order.locked -= back
                balance.locked -= back
                balance.free += back
        self.balance(gets).free += got
        fee, fee_asset = self._fee(instrument, gets, got, quote, self.maker if maker else self.taker)
        self.balance(fee_asset).free -= fee
        return Execution(
            self.next_id(), order.id, order.symbol, order.side, price, quantity, fee, fee_asset, time, maker
        )

    def _fee(
        self, instrument: Instrument, gets: str, got: Decimal, quote: Decimal, rate: Decimal
    ) -> tuple[Decimal, str]:
        if self.fee_asset is not None:
            listed = self.market.get(self.fee_asset + instrument.quote)
            last = None if listed is None else listed.last(self.clock.now())
            price = self.fee_price if listed is None or last is None else listed.price(last)
            if price is not None:
                fee = (quote * rate / price).quantize(_UNIT, ROUND_DOWN)
                if self.balance(self.fee_asset).free >= fee:
                    return fee, self.fee_asset
        return (got * rate).quantize(_UNIT, ROUND_DOWN), gets

    def audit(self) -> dict[str, Decimal]:
        """Recompute every balance from movements and trades.

        Returns
        -------
        dict of str to Decimal
            Total of each asset: deposits, plus what trades brought, minus what they cost and their fees.
        """
        total: dict[str, Decimal] = {}
        for movement in self.movements:
            total[movement.asset] = total.get(movement.asset, _ZERO) + movement.amount
        for e in self.executions:
            instrument = self.market[e.symbol]
            sign = 1 if e.side == "BUY" else -1
            total[instrument.base] = total.get(instrument.base, _ZERO) + sign * e.quantity
            total[instrument.quote] = total.get(instrument.quote, _ZERO) - sign * e.quote
            total[e.fee_asset] = total.get(e.fee_asset, _ZERO) - e.fee
        return total
