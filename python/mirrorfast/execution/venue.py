"""A venue as orders see it: the real ccxt client, every answer judged, nothing sent twice.

Reads go through `VenueClient.call`: limits, breaker, deadline, repetition. Orders and cancels go round the repetition:
one request each, first in the rate limit, and what the answer proves is told, never guessed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.config.execution import ExecutionConfig
from mirrorfast.data.venue.client import VenueClient
from mirrorfast.data.venue.failures import GarbageAnswerError, VenueRefusedError
from mirrorfast.data.venue.hooks import Call, current_call, make_exchange
from mirrorfast.errors import ConfigurationError, ExchangeError, TemporaryError
from mirrorfast.execution.answers import code_of, judged, number, order_of, trade_of
from mirrorfast.execution.contracts import Contract, contract_of
from mirrorfast.execution.orders import Outcome, Request, Sent, VenueOrder, VenueTrade
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pydantic import SecretStr

    from mirrorfast.config.data import DataConfig

__all__ = ["Position", "TradingVenue"]

_log = get_logger(__name__)
#: Codes with which Binance says that it has no such order.
_NO_SUCH_ORDER: Final = frozenset({-2013, -2011})
_TRADES_A_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Position:
    """A position of a perpetual as the venue tells it; `quantity` is signed."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal


class _Wire:
    """What went over the wire in one sending."""

    __slots__ = ("body", "sent_at", "status")

    def __init__(self) -> None:
        self.sent_at: float | None = None
        self.status: int | None = None
        self.body: str | None = None


class TradingVenue:
    """Sends orders to one account of one venue and asks what became of them.

    Parameters
    ----------
    exchange
        ccxt's name, or a ccxt exchange.
    data, config
        Fetching and execution settings.
    key, secret, password
        Of the account.
    pro
        With the account's own stream.

    Raises
    ------
    ConfigurationError
        When ccxt is not installed, or the venue says nothing of how long it takes a late request for.
    """

    def __init__(
        self,
        exchange: Any,
        data: DataConfig,
        config: ExecutionConfig | None = None,
        *,
        key: SecretStr | None = None,
        secret: SecretStr | None = None,
        password: SecretStr | None = None,
        pro: bool = False,
    ) -> None:
        self.config = config or ExecutionConfig()
        made = exchange
        if isinstance(exchange, str):
            made = make_exchange(exchange, {"options": {"fetchMargins": False}}, pro=pro)
        for name, value in (("apiKey", key), ("secret", secret), ("password", password)):
            if value is not None:
                setattr(made, name, value.get_secret_value())
        made.number = str  # exact: no price or quantity is ever a float here
        self._own = isinstance(exchange, str)
        self.client = VenueClient(made, data)
        self.exchange: Any = self.client.exchange
        self.exchange.has["fetchCurrencies"] = False
        self.exchange.options["maxRetriesOnFailure"] = 0
        self.exchange.options["recvWindow"] = self.config.recv_window_ms
        self.exchange.timeout = int(max(self.config.order_timeout_s, data.timeout_s) * 1_000)
        # Timestamps are the venue's own time, carried on by a clock that nobody sets.
        self.exchange.milliseconds = self.client.now
        if self.config.sandbox:
            self.exchange.set_sandbox_mode(True)
        self.name = self.client.name
        self.kind = data.kind
        self.contracts: dict[str, Contract] = {}
        self.prices: dict[str, Decimal] = {}
        #: Requests from the future are taken, too: Binance's rule, and the others' windows are no longer.
        self.window_s = (self.config.recv_window_ms + self.config.clock_slack_ms) / 1_000
        self.has_window = self.name in ("binance", "binanceus", "binanceusdm", "bybit", "okx")

    def now(self) -> int:
        """Tell the venue's time, ms."""
        return self.client.now()

    def monotonic(self) -> float:
        """Tell the time of the event loop, which nobody sets."""
        return asyncio.get_running_loop().time()

    # ------------------------------------------------------------------ start

    async def open(self, symbols: Sequence[str]) -> None:
        """Measure the clock, read the markets, and set leverage and margin mode of perpetuals.

        Parameters
        ----------
        symbols
            What is traded.

        Raises
        ------
        ConfigurationError
            When a symbol is not there.
        ExchangeError
            When the venue cannot be asked.
        """
        await self.synchronise()
        await self.reload_markets(symbols)
        if self.kind == "swap":
            for symbol in symbols:
                await self._prepare_perpetual(symbol)

    async def synchronise(self) -> None:
        """Ask the venue for its time, now."""
        stamp = await self.client.call("time", self.exchange.fetch_time)
        if isinstance(stamp, int) and 0 < stamp < 10**14:
            self.client.time.note(stamp)

    async def reload_markets(self, symbols: Sequence[str]) -> None:
        """Read precision, limits and status of the markets anew.

        Parameters
        ----------
        symbols
            Which are wanted.

        Raises
        ------
        ConfigurationError
            When the venue has no such market, or one that is not traded here.
        """

        async def load() -> Any:
            return await self.exchange.load_markets(True)

        markets = await self.client.call("markets", load)
        for symbol in symbols:
            market = markets.get(symbol) if isinstance(markets, dict) else None
            if market is None:
                raise ConfigurationError(f"symbols: {self.name} has no market {symbol!r}")
            if not (market["spot"] or (market["swap"] and market["linear"])):
                raise ConfigurationError(f"symbols: {symbol!r} at {self.name}: expected spot or a linear perpetual")
            self.contracts[symbol] = contract_of(market)

    async def _prepare_perpetual(self, symbol: str) -> None:
        try:
            await self._once(lambda: self.exchange.set_margin_mode(self.config.margin_mode, symbol))
        except ExchangeError as error:
            # Binance refuses to set what is set already, or while something is open.
            _log.info("margin_mode_kept", symbol=symbol, reason=str(error))
        await self._once(lambda: self.exchange.set_leverage(self.config.leverage, symbol))

    async def _once(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """One request that is safe to make again, and is not made again here."""
        wire, answer, error = await self._wired(make)
        if error is not None:
            code, words = code_of(wire.body)
            raise ExchangeError(f"{self.name}: {code}: {words}" if code else f"{self.name}: {type(error).__name__}")
        return answer

    # ------------------------------------------------------------------ orders

    async def send(self, request: Request) -> tuple[Sent, float]:
        """Send an order, once.

        Parameters
        ----------
        request
            On the venue's grid; its intent is durable.

        Returns
        -------
        Sent
            What is known now.
        float
            Monotonic time after which no copy of the request can be accepted any more.
        """
        if self.client.time.age_s > self.client.config.clock_sync_s:
            await self.client.synchronise()
        wire, answer, error = await self._wired(lambda: self._create(request))
        at = wire.sent_at if wire.sent_at is not None else self.monotonic()
        fence = at + self.window_s
        if error is not None:
            return judged(wire.status, wire.body, error), fence
        order = order_of(answer, request.client_id)
        if order is None:
            return Sent(Outcome.UNKNOWN, reason="an answer without our order in it", kind="garbage"), fence
        return Sent(Outcome.ACCEPTED, order), fence

    async def _create(self, request: Request) -> Any:
        futures = not self.contracts[request.symbol].spot
        params: dict[str, Any] = {"newClientOrderId": request.client_id, "clientOrderId": request.client_id}
        if futures and request.conditional:
            params = {"clientAlgoId": request.client_id}
        kind, price = request.type, None if request.price is None else _text(request.price)
        if kind in ("stop", "stop_limit", "trailing_stop"):
            params["stopLossPrice"] = _text(request.trigger)
        if kind == "trailing_stop" and request.distance is not None and request.trigger:
            # Venues want per cent of the price.
            share = (request.distance / (request.trigger + request.distance) * 100).quantize(Decimal("0.1"))
            params["trailingPercent"] = _text(min(max(share, Decimal("0.1")), Decimal(10)))
            params.pop("stopLossPrice")
        if request.reduce_only and futures:
            params["reduceOnly"] = True
        if request.tif in ("ioc", "fok") and kind == "limit":
            params["timeInForce"] = request.tif.upper()
        limit = kind in ("limit", "stop_limit")
        return await self.exchange.create_order(
            request.symbol, "limit" if limit else "market", request.side, _text(request.quantity), price, params
        )

    async def cancel(self, request: Request) -> None:
        """Ask for a withdrawal, once. Whatever the answer: what became of the order is to be asked for.

        aiohttp repeats a DELETE whose connection broke, so that "no such order" may be the answer to a good cancel.

        Parameters
        ----------
        request
            The order's last sending.
        """
        wire, _, error = await self._wired(
            lambda: self.exchange.cancel_order(None, request.symbol, self._named(request))
        )
        if error is not None:
            code, words = code_of(wire.body)
            _log.info("cancel_without_proof", order=request.client_id, code=code, words=words)

    async def _wired(self, make: Callable[[], Awaitable[Any]]) -> tuple[_Wire, Any, BaseException | None]:
        wire = _Wire()
        call = Call(urgent=True, patience=self.config.order_timeout_s)
        token = current_call.set(call)

        def answered(status: int, headers: dict[str, str], body: str) -> None:  # noqa: ARG001 - the hook's signature
            if current_call.get() is call:
                wire.status, wire.body = status, body

        def went(waited: float) -> None:  # noqa: ARG001 - the hook's signature
            if current_call.get() is call:
                wire.sent_at = self.monotonic()

        listeners = self._listeners()
        listeners.append((answered, went))
        try:
            async with asyncio.timeout(self.config.order_timeout_s) as scope:
                call.deadline = scope
                return wire, await make(), None
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ccxt raises is judged by the answer, and told
            return wire, None, error
        finally:
            listeners.remove((answered, went))
            current_call.reset(token)

    def _listeners(self) -> list[Any]:
        """Who is told of answers besides the client; the hooks are put in place once."""
        listeners: list[Any] | None = getattr(self.exchange, "mf_listeners", None)
        if listeners is None:
            listeners = self.exchange.mf_listeners = []
            heard, sent = self.exchange.mf_answered, self.exchange.mf_sent

            def answered(status: int, headers: dict[str, str], body: str) -> None:
                heard(status, headers, body)
                for listener, _ in listeners:
                    listener(status, headers, body)

            def went(waited: float) -> None:
                sent(waited)
                for _, listener in listeners:
                    listener(waited)

            self.exchange.mf_answered, self.exchange.mf_sent = answered, went
        return listeners

    def _named(self, request: Request) -> dict[str, Any]:
        if request.conditional and not self.contracts[request.symbol].spot:
            return {"clientAlgoId": request.client_id, "trigger": True}
        return {"origClientOrderId": request.client_id}

    # ------------------------------------------------------------------ questions

    async def find(self, request: Request) -> VenueOrder | None:
        """Ask for an order by its client id.

        Parameters
        ----------
        request
            Its sending.

        Returns
        -------
        VenueOrder or None
            ``None`` when the venue says that there is none: which proves nothing before the fence.

        Raises
        ------
        TemporaryError
            When the venue does not say.
        """
        answer = await self._asked("order", request.symbol, self._named(request), None)
        if answer is None:
            return None
        order = order_of(answer, request.client_id)
        if order is None:
            raise GarbageAnswerError(f"{self.name}: an answer without order {request.client_id}")
        if order.trades_of != order.id:
            # A triggered stop: what became of it stands under another number.
            real = await self._asked("order", request.symbol, {}, order.trades_of)
            known = None if real is None else order_of(real, None)
            if known is None:
                raise GarbageAnswerError(f"{self.name}: no order {order.trades_of} of stop {request.client_id}")
            return VenueOrder(
                order.id, order.client_id, order.symbol, known.status, known.filled, known.quantity, order.trades_of
            )
        return order

    async def _asked(self, kind: str, symbol: str, params: dict[str, Any], number_: str | None) -> Any:
        wire: list[Any] = [None, None]

        async def make() -> Any:
            call = current_call.get()

            def answered(status: int, headers: dict[str, str], body: str) -> None:  # noqa: ARG001
                if current_call.get() is call:
                    wire[:] = [status, body]

            entry = (answered, lambda waited: None)  # noqa: ARG005
            listeners = self._listeners()
            listeners.append(entry)
            if call is not None:
                call.urgent = True
            try:
                return await self.exchange.fetch_order(number_, symbol, dict(params))
            except Exception:
                code, _ = code_of(wire[1])
                if wire[0] is not None and 400 <= wire[0] < 500 and code in _NO_SUCH_ORDER:
                    return None
                raise
            finally:
                listeners.remove(entry)

        return await self.client.call(kind, make, what=f"{kind} of {symbol}")

    async def open_orders(self, symbol: str) -> list[VenueOrder]:
        """Give everything that rests in a market, whoever sent it.

        Parameters
        ----------
        symbol
            The market.

        Returns
        -------
        list of VenueOrder
            Conditional orders, too.

        Raises
        ------
        TemporaryError
            When the venue does not say.
        """
        sets = [{}] if self.contracts[symbol].spot else [{}, {"trigger": True}]
        found = []
        for params in sets:

            async def make(params: dict[str, Any] = params) -> Any:
                return await self.exchange.fetch_open_orders(symbol, None, None, params)

            rows = await self.client.call("orders", make, what=f"open orders of {symbol}")
            if not isinstance(rows, list):
                raise GarbageAnswerError(f"{self.name}: open orders of {symbol} without a list")
            for row in rows:
                order = order_of(row, None)
                if order is None:
                    raise GarbageAnswerError(f"{self.name}: open orders of {symbol} with something that is no order")
                found.append(order)
        return found

    async def trades(self, symbol: str, *, order: str | None = None, since: int | None = None) -> list[VenueTrade]:
        """Give the account's trades of a market, oldest first.

        Parameters
        ----------
        symbol
            The market.
        order
            Only of the order with this number of the venue's.
        since
            From this time on, ms: page by page to the present.

        Returns
        -------
        list of VenueTrade
            Exact.

        Raises
        ------
        TemporaryError
            When the venue does not say, or says something that money cannot hang on.
        """
        params: dict[str, Any] = {} if order is None else {"orderId": order}
        known: dict[str, VenueTrade] = {}
        while True:

            async def make(since: int | None = since) -> Any:
                return await self.exchange.fetch_my_trades(symbol, since, _TRADES_A_PAGE, dict(params))

            rows = await self.client.call("trades", make, what=f"trades of {symbol}")
            if not isinstance(rows, list):
                raise GarbageAnswerError(f"{self.name}: trades of {symbol} without a list")
            before = len(known)
            for row in rows:
                trade = trade_of(row)
                if trade is None:
                    raise GarbageAnswerError(f"{self.name}: trades of {symbol} with something that is no trade")
                known[trade.id] = trade
            if order is not None or since is None or len(rows) < _TRADES_A_PAGE or len(known) == before:
                return sorted(known.values(), key=lambda t: (t.ts, len(t.id), t.id))
            since = max(t.ts for t in known.values())

    async def balances(self) -> dict[str, Decimal]:
        """Give what the account has of each asset, free and locked together.

        Returns
        -------
        dict of str to Decimal
            By asset.

        Raises
        ------
        TemporaryError
            When the venue does not say; an empty answer is not an empty account.
        """
        answer = await self.client.call("account", self.exchange.fetch_balance, what="balances")
        totals = answer.get("total") if isinstance(answer, dict) else None
        if not isinstance(totals, dict) or not totals:
            raise GarbageAnswerError(f"{self.name}: an account without balances")
        return {asset: value for asset, text in totals.items() if (value := number(text)) is not None}

    async def positions(self, symbols: Sequence[str]) -> dict[str, Position]:
        """Give the positions of perpetuals.

        Parameters
        ----------
        symbols
            Which.

        Returns
        -------
        dict of str to Position
            By symbol; those that are flat are left out.

        Raises
        ------
        TemporaryError
            When the venue does not say.
        """

        async def make() -> Any:
            return await self.exchange.fetch_positions(list(symbols))

        rows = await self.client.call("account", make, what="positions")
        if not isinstance(rows, list):
            raise GarbageAnswerError(f"{self.name}: positions without a list")
        found = {}
        for row in rows:
            size = number(row.get("contracts")) or Decimal(0)
            if size:
                sign = -1 if row.get("side") == "short" else 1
                found[str(row["symbol"])] = Position(
                    str(row["symbol"]), sign * size, number(row.get("entryPrice")) or Decimal(0)
                )
        return found

    async def price(self, symbol: str) -> Decimal | None:
        """Give the last price of a market; ``None`` when it cannot be had, which is no price.

        Parameters
        ----------
        symbol
            The market.

        Returns
        -------
        Decimal or None
            Above 0.
        """

        async def make() -> Any:
            return await self.exchange.fetch_ticker(symbol)

        try:
            answer = await self.client.call("price", make, what=f"price of {symbol}")
        except (TemporaryError, VenueRefusedError):
            return None
        value = number(answer.get("last")) if isinstance(answer, dict) else None
        return value if value is not None and value > 0 else None

    async def aclose(self) -> None:
        """Close connections, if the exchange was made here."""
        await self.client.aclose()
        if self._own:
            await self.exchange.close()


def _text(value: Decimal | None) -> str:
    return format(value or Decimal(0), "f")
