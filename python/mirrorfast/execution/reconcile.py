"""Book against venue: at the start before anything is decided, now and then, and after every new stream connection."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mirrorfast.errors import ExchangeError, TemporaryError
from mirrorfast.execution.gates import ACCOUNT
from mirrorfast.execution.orders import Request, VenueOrder, VenueTrade, Working
from mirrorfast.ledger.identifiers import client_order_id
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mirrorfast.execution.ccxt_broker import CcxtBroker
    from mirrorfast.execution.gates import Gates

__all__ = ["Reconciler"]

_log = get_logger(__name__)
_OURS: Final = re.compile(r"mf-[0-9a-f]{8}-(\d+)-(\d+)\Z")
_ZERO: Final = Decimal(0)
_TRIES: Final = 3


class Reconciler:
    """Compares the book of a run with its account.

    Parameters
    ----------
    broker
        Whose orders and book.
    gates
        Where symbols are quarantined.
    accept_drift
        Take the account as it is, once: a person has looked at it.

    Notes
    -----
    What is not ours is shown and counted, and never touched. A change of the account that our trades do not explain is
    never booked as a gain or loss: in a traded asset it quarantines the symbol until it is gone or a person accepts
    it, in the quote currency (a deposit, a withdrawal) it is recorded.
    """

    def __init__(self, broker: CcxtBroker, gates: Gates, *, accept_drift: bool = False) -> None:
        self._broker, self._gates = broker, gates
        self._venue, self._desk = broker.venue, broker.desk
        self._accept = accept_drift
        self._shown: set[str] = set()
        prefix = client_order_id(broker.writer.run, 1, 1)
        self._prefix = prefix.rsplit("-", 2)[0] + "-"

    async def at_start(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Find out what became of every order of the journal, book it, and compare.

        Parameters
        ----------
        settle
            Hands reports to the engine and the journal.

        Raises
        ------
        ExchangeError
            When the venue does not say: nothing is decided then.
        """
        broker = self._broker
        first = broker.baseline is None
        if broker.adopt_open_orders():
            await broker.settled()
        await settle()
        for symbol in broker.symbols:
            await self._open_orders(symbol)
        await broker.settled()
        await settle()
        await self._balances(first=first or self._accept)
        await settle()

    async def compare(self) -> None:
        """Compare orders, balances and positions; nothing is touched."""
        try:
            for symbol in self._broker.symbols:
                await self._open_orders(symbol)
            await self._balances(first=False)
        except TemporaryError as error:
            # An answer that does not come is no news about the account: what is known stays known.
            self._desk.notice("stale", f"the account could not be compared: {error}")

    # ------------------------------------------------------------------ orders

    async def _open_orders(self, symbol: str) -> None:
        lane = self._broker.lanes[symbol]
        for found in await self._venue.open_orders(symbol):
            if not found.client_id.startswith(self._prefix):
                self._external(found)
                continue
            match = _OURS.search(found.client_id)
            if match is None:
                self._external(found)
                continue
            number, attempt = int(match[1]), int(match[2])
            known = lane.orders.get(number)
            if known is not None and known.request.client_id == found.client_id:
                continue
            if self._broker.writer.order(number, attempt) is not None:
                continue  # on its way to being closed in the book
            self._unknown_of_ours(symbol, number, attempt, found)

    def _unknown_of_ours(self, symbol: str, number: int, attempt: int, found: VenueOrder) -> None:
        """Withdraw an order with our name that the journal never heard of: an older copy of it was put back."""
        self._gates.quarantine(symbol, "journal", f"order {found.client_id} is at the venue and not in the journal")
        request = Request(
            number, attempt, found.client_id, symbol, found.side, "limit", found.quantity, purpose="adopted"
        )
        self._desk.intent(request)
        index = self._broker.symbols.index(symbol)
        order = Working(request, index, 0, self._venue.now(), fence=0.0, known=True, venue_id=found.id)
        self._broker.lanes[symbol].orders[number] = order
        self._broker.lanes[symbol].cancel(number, "operator")

    def _external(self, found: VenueOrder) -> None:
        if found.id not in self._shown:
            self._shown.add(found.id)
            self._desk.notice(
                "external_order",
                f"{found.symbol}: order {found.id} is not ours; it is left alone",
                "info",
                quantity=str(found.quantity),
                side=found.side,
            )

    # ------------------------------------------------------------------ balances and positions

    async def _balances(self, *, first: bool) -> None:
        for _ in range(_TRIES):
            # Fills between two answers would look like a difference.
            await self._broker.settled()
            if self._desk.fills_wait:
                return
            booked = dict(self._desk.book.changes), {s: self._desk.book.held(s) for s in self._broker.symbols}
            try:
                actual = await self._actual()
            except ExchangeError as error:
                if not isinstance(error, TemporaryError):
                    self._gates.quarantine(ACCOUNT, "credentials", f"balances cannot be asked for: {error}")
                raise
            busy = any(lane.busy for lane in self._broker.lanes.values()) or self._desk.fills_wait
            after = dict(self._desk.book.changes), {s: self._desk.book.held(s) for s in self._broker.symbols}
            if busy or booked != after:
                continue
            expected = booked[0] if self._spot else {}
            expected |= {} if self._spot else booked[1]
            if first or self._broker.baseline is None:
                self._broker.baseline = {k: v - expected.get(k, _ZERO) for k, v in actual.items()}
                self._count_external(actual)
                return
            if (self._drifts(actual, expected) and not await self._late_trades()) or not self._drifts(actual, expected):
                self._judge(actual, expected)
            return

    @property
    def _spot(self) -> bool:
        return self._venue.kind == "spot"

    async def _actual(self) -> dict[str, Decimal]:
        if not self._spot:
            positions = await self._venue.positions(self._broker.symbols)
            return {s: positions[s].quantity if s in positions else _ZERO for s in self._broker.symbols}
        totals = await self._venue.balances()
        wanted = set()
        for contract in self._venue.contracts.values():
            wanted |= {contract.base, contract.quote}
        return {asset: totals.get(asset, _ZERO) for asset in wanted}

    def _count_external(self, actual: dict[str, Decimal]) -> None:
        baseline = self._broker.baseline or {}
        for name, amount in baseline.items():
            if amount and name in self._bases:
                self._desk.notice(
                    "external_position", f"{name}: {amount} in the account is not ours; it is left alone", "info"
                )
        del actual

    @property
    def _bases(self) -> dict[str, str]:
        """Symbols by what is compared for them."""
        if self._spot:
            return {contract.base: symbol for symbol, contract in self._venue.contracts.items()}
        return {symbol: symbol for symbol in self._broker.symbols}

    def _difference(self, name: str, actual: dict[str, Decimal], expected: dict[str, Decimal]) -> Decimal:
        baseline = (self._broker.baseline or {}).get(name, _ZERO)
        return actual.get(name, _ZERO) - baseline - expected.get(name, _ZERO)

    def _drifts(self, actual: dict[str, Decimal], expected: dict[str, Decimal]) -> bool:
        return any(
            abs(self._difference(name, actual, expected)) >= self._venue.contracts[symbol].lot
            for name, symbol in self._bases.items()
        )

    async def _late_trades(self) -> bool:
        """Look for trades of our orders that were never reported; tell whether there were any."""
        writer, found = self._broker.writer, False
        for symbol in self._broker.symbols:
            for trade in await self._venue.trades(symbol):
                if writer.has_trade(symbol, trade.id) or (symbol, trade.id) in self._desk.reported:
                    continue
                order = self._owner(symbol, trade)
                if order is not None:
                    self._desk.take_trades(order, [trade])
                    found = True
        return found

    def _owner(self, symbol: str, trade: VenueTrade) -> Working | None:
        row = self._broker.writer.order_of_venue(symbol, trade.order)
        if row is None:
            return None
        known = self._broker.lanes[symbol].orders.get(row["id"])
        return known or Working.of_row(row, self._broker.symbols.index(symbol), fence=0.0)

    def _judge(self, actual: dict[str, Decimal], expected: dict[str, Decimal]) -> None:
        for name, symbol in self._bases.items():
            off = self._difference(name, actual, expected)
            if abs(off) < self._venue.contracts[symbol].lot:
                self._gates.lift(symbol, "balance")
            else:
                self._gates.quarantine(
                    symbol, "balance", f"the account has {off} {name} that our trades do not explain"
                )
        if not self._spot:
            return
        baseline = self._broker.baseline or {}
        for quote in {c.quote for c in self._venue.contracts.values()} - set(self._bases):
            off = self._difference(quote, actual, expected)
            if abs(off) > Decimal("0.00000001"):
                # Money came or went: recorded, and no part of any result.
                self._desk.notice("balance", f"{off} {quote} came or went without a trade of ours", "warning")
                baseline[quote] = baseline.get(quote, _ZERO) + off
