"""One symbol's orders, one step after the other: send, find out, cancel, book.

While it is not known what became of an order, the next one of its symbol waits. Other symbols do not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mirrorfast.errors import ExchangeError, LedgerError, MirrorfastError, TemporaryError
from mirrorfast.execution.desk import Closed
from mirrorfast.execution.gates import ACCOUNT
from mirrorfast.execution.orders import PROTECTIVE, Outcome, Request, VenueOrder, Working
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from mirrorfast.execution.desk import Desk

__all__ = ["Lane"]

_log = get_logger(__name__)
#: Waits between two questions about the same thing, seconds.
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0
#: Questions about trades that an order says it has and the list of trades does not show yet.
_TRADE_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class _Place:
    order: Working


@dataclass(frozen=True, slots=True)
class _Cancel:
    order: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Sync:
    order: int


class Lane:
    """The order life of one symbol.

    Parameters
    ----------
    symbol
        ccxt's unified symbol.
    desk
        What lanes share.
    """

    def __init__(self, symbol: str, desk: Desk) -> None:
        self.symbol = symbol
        self._desk = desk
        self._venue = desk.venue
        self.orders: dict[int, Working] = {}
        self._queue: deque[_Place | _Cancel | _Sync] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ from outside

    def place(self, order: Working) -> None:
        """Send an order whose intent is durable, in its turn."""
        self.orders[order.request.order] = order
        self._put(_Place(order))

    def cancel(self, order: int, reason: str) -> None:
        """Withdraw an order, in its turn."""
        self._put(_Cancel(order, reason))

    def sync(self, order: int) -> None:
        """Find out how an order stands, in its turn; a question that waits already is not put twice."""
        what = _Sync(order)
        if what not in self._queue:
            self._put(what)

    def adopt(self, order: Working) -> None:
        """Take up an order of an earlier process: nothing is sent before it is known how it stands."""
        self.orders[order.request.order] = order
        self._put(_Cancel(order.request.order, order.cancelling) if order.cancelling else _Sync(order.request.order))

    def _put(self, what: _Place | _Cancel | _Sync) -> None:
        self._queue.append(what)
        self._idle.clear()
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"lane {self.symbol}")

    @property
    def busy(self) -> bool:
        """Something is under way or waits."""
        return not self._idle.is_set()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await self._idle.wait()

    async def aclose(self) -> None:
        """Stop; what is under way stays as it is in the journal."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ------------------------------------------------------------------ the line

    async def _run(self) -> None:
        while self._queue:
            what = self._queue.popleft()  # whatever becomes of it, it is not done twice
            try:
                match what:
                    case _Place(order):
                        await self._place(order)
                    case _Cancel(number, reason):
                        await self._cancel(number, reason)
                    case _Sync(number):
                        await self._sync(number)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - a lane must not die of one order
                _log.exception("lane_failed", symbol=self.symbol)
                self._desk.gates.quarantine(self.symbol, "lane", f"internal error: {type(error).__name__}")
                self._desk.notice("lane", f"{self.symbol}: {type(error).__name__}", "critical")
        self._idle.set()

    async def _place(self, order: Working) -> None:
        try:
            order.request = self._venue.contracts[self.symbol].on_grid(order.request)
            if refused := await self._refusal(order):
                self._close(order, "rejected", refused)
                return
            if await self._made_room(order):
                await self._send(order)
        finally:
            await self._restore_suspended(order)

    async def _refusal(self, order: Working) -> str:
        """Everything that can be known without the venue, and the limits that may have changed there."""
        request, desk = order.request, self._desk
        price = desk.prices.get(self.symbol)
        if why := desk.gates.refusal(request, price, desk.data_age_bars):
            return why
        contract = self._venue.contracts[self.symbol]
        return contract.refusal(request, price)

    async def _send(self, order: Working) -> None:
        """Send until something is known, each time under a new name and only after proof that nothing stands."""
        desk, venue, config = self._desk, self._venue, self._desk.config
        started, resynchronised = venue.monotonic(), False
        while True:
            order.fence = venue.monotonic() + config.order_timeout_s + venue.window_s
            sent, order.fence = await venue.send(order.request)
            reason = sent.reason
            if sent.outcome is Outcome.UNKNOWN or sent.kind == "duplicate":
                if sent.outcome is Outcome.UNKNOWN:
                    desk.status(order, "unknown", reason)
                    if sent.kind == "undocumented":
                        desk.notice("venue_code", f"{self.symbol}: {reason}", "error", code=sent.code)
                found = await self._resolved(order)
                if found is not None:
                    await self._accepted(order, found)
                    return
                if _left_open(order):
                    return
                reason = f"never accepted ({reason})"
            elif sent.outcome is Outcome.ACCEPTED and sent.order is not None:
                await self._accepted(order, sent.order)
                return
            else:
                again = await self._after_refusal(order, sent.kind, reason, resynchronised=resynchronised)
                resynchronised = resynchronised or sent.kind == "timestamp"
                if not again:
                    self._close(order, "rejected", reason)
                    return
            # Proved: nothing of this sending stands at the venue, and nothing can come of it.
            late = venue.monotonic() - started > config.resend_entry_s and not order.request.reduces
            if order.request.attempt >= config.attempts or late or desk.gates.draining:
                self._close(order, "never_sent", reason)
                return
            desk.status(order, "never_sent", reason)
            following = desk.next_sending(order.request, order.request.quantity)
            if refused := await self._refusal_again(order, following):
                self._close(order, "never_sent", refused, marked=True)
                return
            try:
                desk.intent(following)
            except LedgerError as error:
                self._close(order, "never_sent", str(error), marked=True)
                return
            order.request, order.attempt_booked, order.known, order.venue_id = following, Decimal(0), False, None

    async def _refusal_again(self, order: Working, following: Request) -> str:
        before, order.request = order.request, following
        try:
            return await self._refusal(order)
        finally:
            order.request = before

    async def _after_refusal(self, order: Working, kind: str, reason: str, *, resynchronised: bool) -> bool:
        """Do what a refusal asks for; tell whether the order may be sent again."""
        desk, venue = self._desk, self._venue
        if kind == "timestamp":
            if resynchronised:
                desk.gates.quarantine(ACCOUNT, "clock", f"timestamps stay outside the venue's window: {reason}")
                return False
            await self._quietly(venue.synchronise())
            return True
        if kind == "throttled":
            # The rate limit waits for as long as the venue asked before the next request goes.
            await asyncio.sleep(_FIRST_WAIT)
            return True
        if kind == "credentials":
            desk.gates.quarantine(ACCOUNT, "credentials", f"the venue refuses the key: {reason}")
            desk.notice("credentials", reason, "critical")
        elif kind == "balance":
            desk.notice("balance", f"{self.symbol}: {reason}", "error", order=order.request.order)
            await self._quietly(self._refresh_balances())
        elif kind == "filter":
            desk.notice("filter", f"{self.symbol}: {reason}", "error", order=order.request.order)
            await self._quietly(venue.reload_markets([self.symbol]))
        return False

    async def _refresh_balances(self) -> None:
        contract = self._venue.contracts[self.symbol]
        held = await self._venue.balances()
        _log.warning(
            "balances_after_refusal",
            symbol=self.symbol,
            base=str(held.get(contract.base)),
            quote=str(held.get(contract.quote)),
        )

    async def _quietly(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except MirrorfastError as error:
            _log.warning("venue_not_asked", symbol=self.symbol, error=str(error))

    # ------------------------------------------------------------------ finding out

    async def _resolved(self, order: Working) -> VenueOrder | None:
        """Find out whether a sending stands. ``None`` is a proof that it does not, and never will."""
        desk, venue, config = self._desk, self._venue, self._desk.config
        wait, misses = _FIRST_WAIT, 0
        while True:
            try:
                found = await venue.find(order.request)
            except TemporaryError:
                found, misses = None, 0
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            except ExchangeError as error:
                # Refused: the key is gone, for instance. Nothing is proved.
                desk.gates.quarantine(ACCOUNT, "credentials", f"an order cannot be asked for: {error}")
                await asyncio.sleep(_LONGEST_WAIT)
                continue
            desk.gates.lift(ACCOUNT, "credentials")
            if found is not None:
                return found
            left = order.fence - venue.monotonic()
            if left > 0:
                # A copy may still arrive: "not found" is no news yet.
                misses = 0
                await asyncio.sleep(min(left, wait))
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            misses += 1
            if misses < config.not_found_tries:
                await asyncio.sleep(config.not_found_span_s / config.not_found_tries)
                continue
            if (found := await self._looked_for(order)) is not None:
                return found
            if not venue.has_window:
                self._operator(order, "the venue never shows it, and has no time after which it could not come")
            return None

    async def _looked_for(self, order: Working) -> VenueOrder | None:
        """Look for an order by another way: a replica that lags does not know it by name."""
        while True:
            try:
                return next(
                    (o for o in await self._venue.open_orders(self.symbol) if o.client_id == order.request.client_id),
                    None,
                )
            except TemporaryError:
                await asyncio.sleep(_LONGEST_WAIT)

    def _operator(self, order: Working, why: str) -> None:
        order.needs_operator = True
        self._desk.status(order, "needs_operator", why)
        self._desk.gates.quarantine(self.symbol, "operator", f"order {order.request.client_id}: {why}")
        self._desk.notice(
            "needs_operator", f"{self.symbol} {order.request.client_id}: {why}", "critical", order=order.request.order
        )

    async def _accepted(self, order: Working, found: VenueOrder) -> None:
        if found.status != "rejected" and (not order.known or order.venue_id != found.id):
            order.known, order.venue_id = True, found.id
            self._desk.status(order, "accepted", venue_id=found.id)
        await self._take(order, found)

    async def _take(self, order: Working, found: VenueOrder) -> None:
        """Book what an order shows, and close it when nothing more can come."""
        order.missing.clear()
        if found.filled > order.attempt_booked and not await self._book(order, found):
            return  # its trades are not all there yet: it is asked again
        if found.final:
            self._ended(order, found)

    async def _book(self, order: Working, found: VenueOrder) -> bool:
        wait = _FIRST_WAIT
        for attempt in range(_TRADE_TRIES):
            trades = list(found.trades)
            if sum((t.quantity for t in trades), Decimal(0)) != found.filled:
                try:
                    trades = await self._venue.trades(self.symbol, order=found.trades_of)
                except TemporaryError as error:
                    _log.warning("trades_not_told", symbol=self.symbol, error=str(error))
                    return False
            self._desk.take_trades(order, [t for t in trades if t.order == found.trades_of])
            if order.attempt_booked >= found.filled:
                return True
            if attempt + 1 < _TRADE_TRIES:
                await asyncio.sleep(wait)
                wait *= 2
        return False

    def _ended(self, order: Working, found: VenueOrder) -> None:
        request = order.request
        if found.status == "closed" or order.attempt_booked >= request.quantity:
            self._drop(order)
            return
        if found.status == "rejected":
            self._close(order, "rejected", "the venue rejected it")
            return
        if order.cancelling:
            self._close(order, "cancelled", order.cancelling)
            return
        reason = "withdrawn at the venue, not by us" if found.status == "canceled" else f"{found.status} at the venue"
        if order.suspended:
            self._desk.status(order, "cancelled", "suspended for an exit")
            return
        if request.purpose in PROTECTIVE:
            # The engine answers a stop that was refused with an exit at market: a position does not stay bare.
            self._desk.notice("stop_lost", f"{self.symbol}: protective stop {reason}", "error", order=request.order)
            self._close(order, "rejected", reason)
            return
        self._close(order, "cancelled" if found.status == "canceled" else "expired", reason)

    def _close(self, order: Working, kind: str, reason: str, *, marked: bool = False) -> None:
        """Report that nothing more comes of an order.

        The engine hears of an unsent entry as of a withdrawn one, and decides anew on its next bar; a stop that was
        never sent it answers with an exit.
        """
        self._drop(order)
        if kind == "never_sent":
            if not marked:
                self._desk.status(order, "never_sent", reason)
            kind = "rejected" if order.request.purpose in PROTECTIVE else "cancelled"
        self._desk.report(
            Closed(order.request.order, order.request.attempt, order.symbol, kind, reason, order.cancelling)
        )

    def _drop(self, order: Working) -> None:
        self.orders.pop(order.request.order, None)

    async def _sync(self, number: int) -> None:
        """Ask how an order stands."""
        order = self.orders.get(number)
        if order is None or order.suspended or order.needs_operator:
            return
        if not order.known:
            found = await self._resolved(order)
            if found is not None:
                await self._accepted(order, found)
            elif not _left_open(order):
                self._close(order, "never_sent", "never accepted by the venue")
            return
        try:
            found = await self._venue.find(order.request)
        except ExchangeError as error:
            _log.warning("order_not_told", symbol=self.symbol, error=str(error))
            return
        if found is not None:
            await self._take(order, found)
            return
        await self._missing(order)

    async def _missing(self, order: Working) -> None:
        """Doubt that a live order is "not found": a lagging replica, most likely. It is never closed for that alone."""
        config, now = self._desk.config, self._venue.monotonic()
        order.missing.append(now)
        spread = now - order.missing[0]
        if len(order.missing) < config.not_found_tries or spread < config.not_found_span_s:
            await asyncio.sleep(min(config.not_found_span_s / config.not_found_tries, config.poll_s))
            self.sync(order.request.order)
            return
        found = await self._looked_for(order)
        if found is not None:
            await self._take(order, found)
            return
        if order.venue_id is not None and not order.request.conditional:
            try:
                trades = await self._venue.trades(self.symbol, order=order.venue_id)
            except ExchangeError:
                order.missing.clear()
                return
            self._desk.take_trades(order, [t for t in trades if t.order == order.venue_id])
            if order.attempt_booked >= order.request.quantity:
                self._drop(order)
                return
        self._operator(order, "the venue accepted it and does not show it any more")

    # ------------------------------------------------------------------ withdrawing

    async def _cancel(self, number: int, reason: str) -> None:
        order = self.orders.get(number)
        if order is None:
            return
        if not order.cancelling:
            order.cancelling = reason
            self._desk.status(order, "cancelling", reason)
        if order.suspended:
            self._drop(order)
            return
        await self._withdraw(order)

    async def _withdraw(self, order: Working) -> None:
        """Cancel until the venue shows that the order has ended; its fills are whatever the venue says."""
        venue, wait = self._venue, _FIRST_WAIT
        if not order.known:
            found = await self._resolved(order)
            if found is None:
                if not _left_open(order):
                    self._close(order, "never_sent", "never accepted by the venue")
                return
            await self._accepted(order, found)
        while order.request.order in self.orders and not order.needs_operator:
            await venue.cancel(order.request)
            while True:
                try:
                    found = await venue.find(order.request)
                    break
                except TemporaryError:
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, _LONGEST_WAIT)
                except ExchangeError as error:
                    self._desk.gates.quarantine(ACCOUNT, "credentials", f"an order cannot be asked for: {error}")
                    await asyncio.sleep(_LONGEST_WAIT)
            if found is None:
                await self._missing(order)
            else:
                await self._take(order, found)
                if order.suspended and found.final:
                    return
            if order.request.order in self.orders:
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    # ------------------------------------------------------------------ room for an exit

    async def _made_room(self, order: Working) -> bool:
        """On spot a resting sale locks what an exit wants to sell: it makes room for as long as the exit takes."""
        contract = self._venue.contracts[self.symbol]
        if not contract.spot or order.request.side != "sell":
            return True
        for other in [o for o in self.orders.values() if o is not order and o.request.side == "sell"]:
            if other.suspended or other.cancelling:
                continue
            other.suspended = True
            await self._withdraw(other)
        return True

    async def _restore_suspended(self, order: Working) -> None:
        """Place again what made room, when the position is still there."""
        for other in [o for o in self.orders.values() if o.suspended and o is not order]:
            # The engine's stop for what is left follows as another order, in its turn; it waits for that first.
            if any(isinstance(w, _Cancel) and w.order == other.request.order for w in self._queue):
                continue
            exited = order.request.order not in self.orders
            held = self._venue.contracts[self.symbol].floor(abs(self._desk.book.held(self.symbol)) - self._pending())
            if exited and held <= 0:
                continue  # gone: the engine withdraws the stop when it hears of it
            if not exited:
                continue  # a resting exit keeps what it needs
            quantity = min(held, other.request.quantity - other.attempt_booked)
            following = self._desk.next_sending(other.request, quantity)
            try:
                self._desk.intent(following)
            except LedgerError:
                continue
            other.request, other.attempt_booked, other.suspended = following, Decimal(0), False
            other.known, other.venue_id = False, None
            await self._send(other)

    def _pending(self) -> Decimal:
        """Sum up what is sold already and not in the book yet."""
        from mirrorfast.execution.desk import Filled

        total = Decimal(0)
        for report in self._desk.reports:
            if isinstance(report, Filled) and report.request.symbol == self.symbol:
                total += report.trade.quantity * (1 if report.trade.side == "sell" else -1)
        return total


def _left_open(order: Working) -> bool:
    """Whether a person has to say what became of it."""
    return order.needs_operator
