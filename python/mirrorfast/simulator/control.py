"""What a test does to a venue beside its clients' requests: read the exact books, fill, trade by hand, move money.

The same in process (these functions) and over HTTP (``/_simulator/…``, see `mirrorfast.simulator.admin`). Amounts are
decimals, or text of them; over HTTP always text, so that nothing is rounded on the way.
"""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from mirrorfast.errors import ParameterError
from mirrorfast.simulator.account import KEY, Account
from mirrorfast.simulator.exchange_info import futures_info, spot_info
from mirrorfast.simulator.orders import Execution, Order
from mirrorfast.simulator.protocol import Call, VenueError

if TYPE_CHECKING:
    from mirrorfast.simulator.books import Books
    from mirrorfast.simulator.market import Instrument
    from mirrorfast.simulator.server import Simulator

__all__ = ["by_hand", "change_symbol", "ledger", "move_money", "settle_order"]

Market = Literal["spot", "futures"]


def ledger(venue: "Simulator", account: str = KEY) -> dict[str, Any]:
    """Write an account's books exactly: the oracle of a test in another process.

    Parameters
    ----------
    venue : Simulator
        The venue.
    account : str, optional
        Key of the account.

    Returns
    -------
    dict
        ``time``, and for ``spot`` and ``futures``: ``orders``, ``executions``, ``balances`` or ``wallets``, ``audit``
        (recomputed from deposits and trades), ``movements`` or ``income``, and ``positions``. Numbers are text.

    Raises
    ------
    ParameterError
        If there is no such account.

    Examples
    --------
    >>> from mirrorfast.simulator import Simulator
    >>> books = ledger(Simulator(start=1_512_000_000_000, speed=0))
    >>> books["spot"]["balances"]["USDT"]
    {'free': '100000', 'locked': '0'}
    """
    found = _account(venue, account)
    now = venue.clock.now()
    for books in found.books:
        books.advance(now)
    spot, futures = found.spot, found.futures
    return {
        "time": now,
        "spot": {
            **_history(spot),
            "balances": {a: {"free": _text(b.free), "locked": _text(b.locked)} for a, b in spot.balances.items()},
            "audit": {a: _text(v) for a, v in spot.audit().items()},
            "movements": [{"time": m.time, "asset": m.asset, "amount": _text(m.amount)} for m in spot.movements],
        },
        "futures": {
            **_history(futures),
            "wallets": {a: _text(v) for a, v in futures.wallets.items()},
            "audit": {a: _text(v) for a, v in futures.audit().items()},
            "income": [{**i._asdict(), "amount": _text(i.amount)} for i in futures.income],
            "positions": {
                p.symbol: {"amount": _text(p.amount), "entry": _text(p.entry), "leverage": p.leverage}
                for p in futures.positions.values()
                if p.amount
            },
        },
    }


def settle_order(
    venue: "Simulator",
    action: Literal["fill", "cancel", "expire", "trade_on"],
    *,
    client_id: str | None = None,
    order_id: int | None = None,
    quantity: Decimal | float | str | None = None,
    price: Decimal | float | str | None = None,
    maker: bool = True,
    market: Market = "spot",
    account: str = KEY,
) -> Order:
    """Decide what becomes of an open order.

    Parameters
    ----------
    venue : Simulator
        The venue.
    action : {"fill", "cancel", "expire", "trade_on"}
        Fill it or a part of it now; end it as its owner or the venue would; let an order that was held back by
        ``no_fill`` meet the market again.
    client_id, order_id : str or int
        Which order: one of both.
    quantity, price : Decimal or number, optional
        Of a fill; all that is left, at the order's own price (or the last), by default.
    maker : bool, default True
        Whether the fill pays a maker's fee.
    market : {"spot", "futures"}, default "spot"
        Its market.
    account : str, optional
        Key of the account.

    Returns
    -------
    Order
        The order as it is then.

    Raises
    ------
    ParameterError
        If there is no such open order, or a number cannot be used.
    """
    books: Books = _books(venue, account, market)
    books.advance(venue.clock.now())
    open_orders = [
        o for o in books.open_orders() if o.id == order_id or (order_id is None and o.client_id == client_id)
    ]
    if not open_orders:
        raise ParameterError(f"order = {order_id or client_id!r}: expected an open order of the {market} market")
    order = open_orders[-1]
    if action == "fill":
        amount = order.left if quantity is None else _decimal("quantity", quantity)
        lot = venue.market[order.symbol].lot
        if not 0 < amount <= order.left or amount % lot:
            raise ParameterError(f"quantity = {amount}: expected a multiple of {lot}, at most {order.left}")
        books.fill(order, amount, None if price is None else _decimal("price", price), maker=maker)
    elif action in ("cancel", "expire"):
        books.cancel(order, "CANCELED" if action == "cancel" else "EXPIRED")
    elif action == "trade_on":
        order.barred = False
    else:
        raise ParameterError(f"action = {action!r}: expected fill, cancel, expire or trade_on")
    return order


def by_hand(venue: "Simulator", market: Market = "spot", account: str = KEY, **order: Any) -> dict[str, Any]:
    """Place an order as the account's owner would on the venue's own site: no client of ours knows of it.

    Parameters
    ----------
    venue : Simulator
        The venue.
    market : {"spot", "futures"}, default "spot"
        Where.
    account : str, optional
        Key of the account.
    **order
        Binance's parameters: ``symbol side type quantity price`` ….

    Returns
    -------
    dict
        Binance's answer.

    Raises
    ------
    ParameterError
        If the venue refuses it.
    """
    _account(venue, account)
    path = "/fapi/v1/order" if market == "futures" else "/api/v3/order"
    parameters = {name: str(value) for name, value in order.items()}
    if market == "spot" and parameters.get("type") == "LIMIT":
        parameters.setdefault("timeInForce", "GTC")
    call = Call("POST", path, parameters, "", {}, "by-hand", account=account)
    try:
        answer: dict[str, Any] = venue.routes["POST", path].handler(call)
    except VenueError as error:
        raise ParameterError(f"order {parameters}: refused: {error.code} {error.message}") from error
    return answer


def move_money(
    venue: "Simulator", asset: str, amount: Decimal | float | str, *, market: Market = "spot", account: str = KEY
) -> Decimal:
    """Deposit, or withdraw where the amount is negative.

    Parameters
    ----------
    venue : Simulator
        The venue.
    asset : str
        Which.
    amount : Decimal or number
        How much.
    market : {"spot", "futures"}, default "spot"
        Which wallet.
    account : str, optional
        Key of the account.

    Returns
    -------
    Decimal
        What is there then.

    Raises
    ------
    ParameterError
        If more would be withdrawn than is free.
    """
    found, value = _account(venue, account), _decimal("amount", amount)
    if market == "futures":
        found.futures.deposit(asset, value)
        return found.futures.wallets[asset]
    found.spot.deposit(asset, value)
    return found.spot.balance(asset).total


def change_symbol(venue: "Simulator", symbol: str, market: Market = "spot", **changes: Any) -> dict[str, Any]:
    """Halt, delist, or change the filters of a symbol.

    Parameters
    ----------
    venue : Simulator
        The venue.
    symbol : str
        Binance's name.
    market : {"spot", "futures"}, default "spot"
        Where.
    **changes
        ``status`` (``TRADING``, ``BREAK``, ``DELISTED``), ``empty_book``, ``min_notional``, ``tick``, ``lot``
        (multiples of those that the recording counts in).

    Returns
    -------
    dict
        The symbol as exchangeInfo describes it.

    Raises
    ------
    ParameterError
        If the symbol or a change cannot be used.
    """
    table = venue.futures if market == "futures" else venue.market
    instrument = table.get(symbol)
    if instrument is None:
        raise ParameterError(f"symbol = {symbol!r}: expected one of {', '.join(table)}")
    for name, value in changes.items():
        _change(instrument, name, value)
    return (futures_info if market == "futures" else spot_info)(instrument)


def _change(instrument: "Instrument", name: str, value: Any) -> None:
    if name == "status":
        if value not in ("TRADING", "BREAK", "DELISTED"):
            raise ParameterError(f"status = {value!r}: expected TRADING, BREAK or DELISTED")
        instrument.status = value
    elif name == "empty_book":
        instrument.empty_book = bool(value)
    elif name == "min_notional":
        instrument.min_notional = _decimal(name, value)
    elif name in ("tick", "lot"):
        step = _decimal(name, value)
        finest = Decimal(1).scaleb(-(instrument.price_digits if name == "tick" else instrument.lot_digits))
        if step < finest or step % finest:
            raise ParameterError(f"{name} = {value}: expected a multiple of {finest}, in which the recording counts")
        setattr(instrument, name, step)
        if name == "lot":
            instrument.min_lots = max(instrument.min_lots, int(step / finest))
    else:
        raise ParameterError(f"{name}: expected status, empty_book, min_notional, tick or lot")


def _history(books: "Books") -> dict[str, Any]:
    return {
        "orders": [_order(o) for o in books.orders.values()],
        "executions": [_execution(e, books.orders[e.order_id].client_id) for e in books.executions],
    }


def _order(o: Order) -> dict[str, Any]:
    return {
        "id": o.id, "client_id": o.client_id, "symbol": o.symbol, "side": o.side, "type": o.kind, "status": o.status,
        "quantity": _text(o.quantity), "filled": _text(o.filled), "filled_quote": _text(o.filled_quote),
        "price": None if o.price is None else _text(o.price), "stop": None if o.stop is None else _text(o.stop),
        "reduce_only": o.reduce_only, "working": o.working, "time": o.time, "updated": o.updated,
        "list_id": None if o.pair is None else o.pair.id,
    }  # fmt: skip


def _execution(e: Execution, client_id: str) -> dict[str, Any]:
    return {
        "id": e.id, "order_id": e.order_id, "client_id": client_id, "symbol": e.symbol, "side": e.side,
        "price": _text(e.price), "quantity": _text(e.quantity), "fee": _text(e.fee), "fee_asset": e.fee_asset,
        "realized": _text(e.realized), "time": e.time, "maker": e.maker,
    }  # fmt: skip


def _account(venue: "Simulator", key: str) -> Account:
    found = venue.accounts.get(key)
    if found is None:
        raise ParameterError(f"account = {key!r}: expected one of {', '.join(venue.accounts)}")
    return found


def _books(venue: "Simulator", key: str, market: Market) -> "Books":
    if market not in ("spot", "futures"):
        raise ParameterError(f"market = {market!r}: expected spot or futures")
    account = _account(venue, key)
    return account.futures if market == "futures" else account.spot


def _decimal(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ParameterError(f"{name} = {value!r}: expected a number") from None
    if not number.is_finite():
        raise ParameterError(f"{name} = {value!r}: expected a finite number")
    return number


def _text(value: Decimal) -> str:
    # Trailing zeros say nothing; "1E+5" would.
    return f"{value.normalize() if value else Decimal(0):f}"
