"""The exact ledger of a USD-M futures account: wallets, positions, margin, funding, liquidation.

One-way positions. The mark price is the last trade. A position's maintenance margin is 0.4 % of its value; when what
backs it (the isolated wallet, or the whole account for cross margin) is no more than that, it is closed at the price
of that trade with a fee of 1.25 %. Funding is paid at 00:00, 08:00 and 16:00 UTC on the position's value at the first
trade from then on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from mirrorfast.simulator.books import Books
from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.orders import Execution, Order, Side
from mirrorfast.simulator.protocol import VenueError
from mirrorfast.simulator.series import Trade

if TYPE_CHECKING:
    from itertools import count

__all__ = ["FUNDING_EVERY", "MAINTENANCE", "FuturesBooks", "Income", "Position"]

FUNDING_EVERY: Final = 8 * 3_600_000
MAINTENANCE: Final = Decimal("0.004")
LIQUIDATION_FEE: Final = Decimal("0.0125")
_UNIT: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)


class Income(NamedTuple):
    """One change of a wallet: time in ms, Binance's type, asset, amount, symbol or empty."""

    time: int
    kind: str
    asset: str
    amount: Decimal
    symbol: str


@dataclass(slots=True)
class Position:
    """One-way position in a symbol; ``amount`` is negative when short."""

    symbol: str
    amount: Decimal = _ZERO
    entry: Decimal = _ZERO
    leverage: int = 20
    isolated: bool = False
    wallet: Decimal = _ZERO
    updated: int = 0
    seen: int = -1
    funded: int = 0

    def unrealized(self, mark: Decimal) -> Decimal:
        """Gain that closing at a price would bring."""
        return self.amount * (mark - self.entry)


class FuturesBooks(Books):
    """Wallets, positions and orders of one futures account.

    Parameters
    ----------
    market, clock, participation, ids
        As for `Books`.
    balances : mapping of str to Decimal
        First deposits.
    maker, taker : Decimal
        Fee rates.
    funding_rate : Decimal
        What longs pay shorts every eight hours.
    """

    def __init__(
        self,
        market: dict[str, Instrument],
        clock: SimulatedClock,
        participation: Decimal | None,
        ids: "count[int]",
        balances: Mapping[str, Decimal],
        maker: Decimal = Decimal("0.0002"),
        taker: Decimal = Decimal("0.0005"),
        funding_rate: Decimal = Decimal("0.0001"),
    ) -> None:
        super().__init__(market, clock, participation, ids)
        self.wallets: dict[str, Decimal] = {}
        self.positions: dict[str, Position] = {}
        self.income: list[Income] = []
        self.maker, self.taker, self.funding_rate = maker, taker, funding_rate
        for asset, amount in balances.items():
            self.deposit(asset, amount)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Add to a wallet; a negative amount takes away."""
        self._book(self.clock.now(), "TRANSFER", asset, amount, "")

    def position(self, symbol: str) -> Position:
        """Position in a symbol, made when first asked for."""
        return self.positions.setdefault(symbol, Position(symbol))

    def mark(self, symbol: str) -> Decimal:
        """Mark price: the last trade's."""
        instrument = self.market[symbol]
        return instrument.price(instrument.last(self.clock.now()) or 0)

    def margin(self, asset: str) -> tuple[Decimal, Decimal, Decimal]:
        """Margin of one asset.

        Parameters
        ----------
        asset : str
            The margin asset.

        Returns
        -------
        tuple of three Decimal
            Initial margin of positions, initial margin of open orders, unrealised gain of cross positions.
        """
        held = gain = ordered = _ZERO
        for p in self.positions.values():
            if p.amount and self.market[p.symbol].quote == asset:
                mark = self.mark(p.symbol)
                held += p.wallet if p.isolated else abs(p.amount) * mark / p.leverage
                gain += _ZERO if p.isolated else p.unrealized(mark)
        for o in self.open_orders():
            if self.market[o.symbol].quote == asset:
                ordered += o.locked
        return held, ordered, gain

    def available(self, asset: str) -> Decimal:
        """Tell what may still be used as margin."""
        held, ordered, gain = self.margin(asset)
        return self.wallets.get(asset, _ZERO) + gain - held - ordered

    def reserve(self, order: Order) -> None:
        """Ask for the initial margin of what an order adds to the position."""
        instrument = self.market[order.symbol]
        position = self.position(order.symbol)
        if order.reduce_only or order.close_position:
            if position.amount == 0 or (position.amount > 0) == order.buys:
                raise VenueError(-2022, "ReduceOnly Order is rejected.")
            return
        if not order.working:
            return  # the venue looks at the margin of a conditional order when it triggers
        against = (position.amount > 0) != order.buys
        adds = max(order.left - abs(position.amount), _ZERO) if position.amount and against else order.left
        price = order.price or self.mark(order.symbol)
        needed = adds * price / position.leverage
        if needed > self.available(instrument.quote):
            raise VenueError(-2019, "Margin is insufficient.")
        order.locked = needed

    def release(self, order: Order) -> None:
        """Free its margin."""
        order.locked = _ZERO

    def affordable(self, order: Order, price: Decimal, quantity: Decimal) -> Decimal:
        """Cut an order that may only reduce, or whose margin has gone since."""
        position = self.position(order.symbol)
        closes = abs(position.amount) if (position.amount > 0) != order.buys else _ZERO
        if order.reduce_only or order.close_position or order.liquidation:
            return min(quantity, closes)
        instrument = self.market[order.symbol]
        funds = max(self.available(instrument.quote) + order.locked, _ZERO) * position.leverage
        # A little above the mark is within what the venue allows a market order.
        lots = (funds * Decimal("1.05") / price / instrument.lot).to_integral_value(ROUND_FLOOR)
        return min(quantity, closes + lots * instrument.lot)

    def settle(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool, time: int) -> Execution:
        """Move the position, book the gain of what it closes, and take the fee."""
        instrument = self.market[order.symbol]
        asset = instrument.quote
        p = self.position(order.symbol)
        signed = quantity if order.buys else -quantity
        closing = min(abs(p.amount), quantity) if p.amount * signed < 0 else _ZERO
        realized = (price - p.entry) * (closing if p.amount > 0 else -closing)
        opening = quantity - closing
        if p.isolated and closing:
            # The part of the isolated wallet that backed what is closed comes free.
            p.wallet -= p.wallet * closing / abs(p.amount)
        if opening:
            kept = abs(p.amount) - closing
            cost = p.entry * kept + price * opening
            p.entry = cost / (kept + opening)
            if p.isolated:
                p.wallet += price * opening / p.leverage
        elif closing == abs(p.amount):
            p.entry = p.wallet = _ZERO
        if p.amount == 0:
            p.seen, p.funded = instrument.series.position(time), time // FUNDING_EVERY
        p.amount += signed
        p.updated = time
        order.locked -= order.locked * quantity / order.left if order.left else _ZERO
        rate = LIQUIDATION_FEE if order.liquidation else self.maker if maker else self.taker
        fee = (price * quantity * rate).quantize(_UNIT, ROUND_HALF_EVEN)
        realized = realized.quantize(_UNIT, ROUND_HALF_EVEN)
        if realized:
            self._book(time, "REALIZED_PNL", asset, realized, order.symbol)
        self._book(time, "COMMISSION", asset, -fee, order.symbol)
        return Execution(
            self.next_id(), order.id, order.symbol, order.side, price, quantity, fee, asset, time, maker, realized
        )

    def watched(self) -> list[str]:
        """Symbols with open orders or a position."""
        held = {symbol for symbol, p in self.positions.items() if p.amount}
        return sorted({*super().watched(), *held})

    def seen(self, symbol: str) -> int:
        """Last trade that orders and position have met."""
        p = self.positions.get(symbol)
        return min(super().seen(symbol), p.seen if p is not None and p.amount else 2**62)

    def moved(self, instrument: Instrument, trade: Trade) -> None:
        """Pay funding that fell due before a trade, then look whether the margin still holds."""
        p = self.positions.get(instrument.id)
        if p is None or not p.amount or trade.id <= p.seen:
            return
        p.seen = trade.id
        price = instrument.price(trade.price)
        for number in range(p.funded + 1, trade.time // FUNDING_EVERY + 1):
            p.funded = number
            paid = -(p.amount * price * self.funding_rate).quantize(_UNIT, ROUND_HALF_EVEN)
            if p.isolated:
                p.wallet += paid
            self._book(number * FUNDING_EVERY, "FUNDING_FEE", instrument.quote, paid, instrument.id)
        for broken in list(self._broken(p, instrument, price)):
            self._liquidate(broken, trade.time)

    def _broken(self, p: Position, instrument: Instrument, price: Decimal) -> Iterator[Position]:
        if p.isolated:
            if p.wallet + p.unrealized(price) <= abs(p.amount) * price * MAINTENANCE:
                yield p
            return
        equity, needed, crossed = self.wallets.get(instrument.quote, _ZERO), _ZERO, []
        for other in self.positions.values():
            if not other.amount or self.market[other.symbol].quote != instrument.quote:
                continue
            if other.isolated:
                equity -= other.wallet
                continue
            mark = price if other is p else self.mark(other.symbol)
            equity += other.unrealized(mark)
            needed += abs(other.amount) * mark * MAINTENANCE
            crossed.append(other)
        if equity <= needed:
            yield from crossed

    def _liquidate(self, p: Position, time: int) -> None:
        for order in self.open_orders(p.symbol):
            self._close(order, "CANCELED", time)
        number = self.next_id()
        side: Side = "SELL" if p.amount > 0 else "BUY"
        order = Order(
            number, f"autoclose-{number}", p.symbol, side, "LIQUIDATION", abs(p.amount), time, liquidation=True
        )
        self.orders[number] = order
        self._by_client[p.symbol, order.client_id] = order
        self._open.setdefault(p.symbol, {})[number] = order
        backing, wallet = p.wallet, self.wallets[self.market[p.symbol].quote]
        isolated = p.isolated
        instrument = self.market[p.symbol]
        price = instrument.price(instrument.series.trade(instrument.series.position(time)).price)
        self._execute(order, price, order.quantity, maker=False, time=time)
        # The insurance fund bears what the margin does not cover.
        asset = instrument.quote
        floor = wallet - backing if isolated else _ZERO
        if self.wallets[asset] < floor:
            self._book(time, "INSURANCE_CLEAR", asset, floor - self.wallets[asset], p.symbol)

    def _book(self, time: int, kind: str, asset: str, amount: Decimal, symbol: str) -> None:
        self.wallets[asset] = self.wallets.get(asset, _ZERO) + amount
        self.income.append(Income(time, kind, asset, amount, symbol))

    def audit(self) -> dict[str, Decimal]:
        """Recompute every wallet from the record of income, and every gain and fee from the trades.

        Returns
        -------
        dict of str to Decimal
            Wallet of each asset: transfers, funding and insurance, plus the trades' gains, minus their fees.
        """
        total: dict[str, Decimal] = {}
        for i in self.income:
            if i.kind not in {"REALIZED_PNL", "COMMISSION"}:
                total[i.asset] = total.get(i.asset, _ZERO) + i.amount
        for e in self.executions:
            total[e.fee_asset] = total.get(e.fee_asset, _ZERO) + e.realized - e.fee
        return total
