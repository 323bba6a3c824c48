"""Binance's checks of a new order, with its codes and words."""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from mirrorfast.simulator.market import Instrument
from mirrorfast.simulator.orders import Order
from mirrorfast.simulator.protocol import Call, VenueError

__all__ = ["check_order", "client_id", "decimal"]

_CLIENT_ID: Final = re.compile(r"^[a-zA-Z0-9\-_.:/]{1,36}$")
_NUMBER: Final = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
_ALGO: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
MAX_PRICE: Final = Decimal(10_000_000)


def decimal(call: Call, name: str) -> Decimal | None:
    """Read a decimal parameter, or ``None`` where it is not sent."""
    text = call.params.get(name)
    if text is None:
        return None
    if not _NUMBER.match(text):
        raise VenueError(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^([0-9]{{1,20}})(\\.[0-9]{{1,20}})?$'.",
        )
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.") from None
    if value != value.quantize(Decimal("0.00000001")):
        raise VenueError(-1111, f"Parameter '{name}' has too much precision.")
    return value


def client_id(call: Call, name: str, default: str) -> str:
    """Read a client order id, or take one of the venue's."""
    value = call.params.get(name, default)
    if not _CLIENT_ID.match(value):
        raise VenueError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[a-zA-Z0-9-_.]{{1,36}}$'."
        )
    return value


def check_order(order: Order, i: Instrument, now: int, open_orders: Sequence[Order]) -> None:
    """Refuse an order that a filter of the symbol forbids.

    Parameters
    ----------
    order : Order
        The order.
    i : Instrument
        Its symbol.
    now : int
        The venue's time.
    open_orders : sequence of Order
        Open orders of the account on the symbol.

    Raises
    ------
    VenueError
        With Binance's code and the filter's name.
    """
    if i.status != "TRADING":
        raise VenueError(-1013, "Market is closed.")
    last = i.price(i.last(now) or 0)
    if order.quote_quantity is None:
        _lot(order.quantity, i)
    for price in (order.price, order.stop):
        if price is not None and (price < i.tick or price > MAX_PRICE or price % i.tick):
            _fail("PRICE_FILTER")
    # The venue knows a mean of five minutes; here it is the last trade.
    if order.price is not None and last:
        up, down = i.percent_up, i.percent_down
        if not last * down <= order.price <= last * up:
            _fail("PERCENT_PRICE_BY_SIDE")
    if order.trailing is not None and not 10 <= order.trailing <= 2000:
        _fail("TRAILING_DELTA")
    if order.quote_quantity is not None:
        notional = order.quote_quantity
    else:
        notional = (order.price or order.stop or last) * order.quantity
    if notional < i.min_notional or (order.price is not None and notional > i.max_notional):
        _fail("NOTIONAL")
    if len(open_orders) >= i.max_orders:
        _fail("MAX_NUM_ORDERS")
    if order.kind in _ALGO and sum(o.kind in _ALGO for o in open_orders) >= i.max_algo_orders:
        _fail("MAX_NUM_ALGO_ORDERS")


def _lot(quantity: Decimal, i: Instrument) -> None:
    if quantity <= 0:
        raise VenueError(-1013, "Invalid quantity.")
    if quantity % i.lot or not i.quantity(i.min_lots) <= quantity <= i.quantity(i.max_lots):
        _fail("LOT_SIZE")


def _fail(name: str) -> None:
    raise VenueError(-1013, f"Filter failure: {name}")
