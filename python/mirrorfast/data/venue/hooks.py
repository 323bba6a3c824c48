"""What is put between ccxt and the wire: our rate limit instead of its own, and candles left as the bytes they are.

ccxt reads a thousand candles in five milliseconds of the event loop's time, and its limiter goes by the wall clock. A
class made from the exchange's own overrides the methods that ccxt offers for this; URLs, market names, costs, signing
and error tables stay ccxt's.
"""

from __future__ import annotations

import asyncio
import copy
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from mirrorfast.data.venue.wire import Reply, Wire
from mirrorfast.errors import ConfigurationError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mirrorfast.data.venue.limiter import RateLimiter

__all__ = ["Call", "apart", "current_call", "hooked", "make_exchange"]

_T = TypeVar("_T")


@dataclass(slots=True)
class Call:
    """One call under way: what it wants and what came back.

    Attributes
    ----------
    raw
        Leave a good answer as its bytes, in `body`.
    urgent
        An order: it goes before others in the rate limit.
    patience
        Longest wait for a venue that is closed to us, seconds.
    deadline
        The scope that ends the call; time in the rate limit's queue does not count.
    status, headers
        Of the last answer.
    body
        The last good answer, where it was to be left raw.
    waited
        Tries that only waited for another call's probe.
    """

    raw: bool = False
    urgent: bool = False
    patience: float = float("inf")
    deadline: asyncio.Timeout | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Reply | None = None
    waited: int = 0


current_call: ContextVar[Call | None] = ContextVar("mirrorfast_venue_call", default=None)


class _Hooks:
    """Mixed into a ccxt class; the attributes are set by `hooked`."""

    mf_limiter: RateLimiter
    mf_weight: Callable[[float], float]
    mf_answered: Callable[[int, dict[str, str], str], None]
    mf_sent: Callable[[float], None]
    mf_connected: Callable[[], None]
    mf_wire: Wire
    # Of a copy that works in another thread: the exchange that it is a copy of, and the loop of its connections.
    mf_home: tuple[Any, asyncio.AbstractEventLoop] | None = None

    async def request(
        self, path: Any, api: Any = "public", method: Any = "GET", params: Any = None, config: Any = None
    ) -> Any:
        # enableRateLimit is off: this is the only limiter.
        asked = (path, api, method, params or {}, config or {})
        if self.mf_home is not None:
            origin, loop = self.mf_home
            return self._understood(
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(origin.mf_reply(*asked), loop))
            )
        call = current_call.get()
        if call is None or not call.raw or method != "GET" or not self.mf_wire.usable(self):
            base: Any = super()
            return await self._in_turn(asked, lambda: base.request(*asked))
        reply = await self.mf_reply(*asked)
        if reply.status != 200:
            return self._understood(reply)
        call.body = reply
        return []

    async def mf_reply(self, path: Any, api: Any, method: Any, params: Any, config: Any) -> Reply:
        """Send a request that ccxt signs, and take the bytes of the answer as they are."""
        asked = (path, api, method, params, config)

        async def send() -> Reply:
            signed = self.sign(path, api, method, params)  # type: ignore[attr-defined]
            return await self.mf_wire.get(self, signed["url"], signed["headers"])

        reply: Reply = await self._in_turn(asked, send)
        self._noted(reply.status, reply.headers, "" if reply.status == 200 else reply.text())
        return reply

    async def _in_turn(self, asked: tuple[Any, ...], work: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for the rate limit's turn; the time in its queue does not count against the deadline."""
        path, api, method, params, config = asked
        cost = self.calculate_rate_limiter_cost(api, method, path, params, config)  # type: ignore[attr-defined]
        call = current_call.get() or Call()
        loop = asyncio.get_running_loop()
        start, ends = loop.time(), None
        if call.deadline is not None:
            ends = call.deadline.when()
            call.deadline.reschedule(None)
        try:
            async with self.mf_limiter.slot(self.mf_weight(float(cost)), urgent=call.urgent, patience=call.patience):
                waited = loop.time() - start
                if call.deadline is not None and ends is not None:
                    call.deadline.reschedule(ends + waited)
                    ends = None
                self.mf_sent(waited)
                return await work()
        finally:
            if call.deadline is not None and ends is not None:
                call.deadline.reschedule(ends + loop.time() - start)

    def _understood(self, reply: Reply) -> Any:
        """Read an answer as ccxt does: its errors by ccxt's own tables."""
        text = reply.text()
        document = self.parse_json(text)
        details = (reply.status, reply.reason, reply.url, "GET")
        self.handle_errors(*details, reply.headers, text, document, {}, None)
        self.handle_http_status_code(*details, text)  # type: ignore[attr-defined]
        return document if document is not None else text

    def _noted(self, code: int, headers: dict[str, str], body: str) -> None:
        call = current_call.get()
        if call is not None:
            call.status, call.headers, call.body = code, headers, None
        self.mf_answered(code, headers, body)

    def on_rest_response(
        self, code: int, reason: str, url: str, method: str, headers: dict[str, str], body: str, *rest: Any
    ) -> str:
        self._noted(code, headers, body)
        base: Any = super()
        return str(base.on_rest_response(code, reason, url, method, headers, body, *rest))

    def parse_json(self, http_response: str) -> Any:
        call = current_call.get()
        if call is not None and call.raw and call.status == 200:
            # A way that is not ours, such as a proxy's; ccxt has the text already.
            call.body = Reply(200, "", "", {}, http_response.encode())
            # No error table finds anything in an empty answer, and no candle.
            return []
        base: Any = super()
        return base.parse_json(http_response)

    def handle_errors(self, *details: Any) -> Any:
        call = current_call.get()
        if call is not None and call.raw and call.body is not None:
            return None  # whoever reads the body asks again if it holds no candles
        base: Any = super()
        return base.handle_errors(*details)

    def parse_ohlcvs(self, ohlcvs: Any, *args: Any, **options: Any) -> Any:
        call = current_call.get()
        if call is not None and call.raw and call.body is not None:
            return []
        base: Any = super()
        return base.parse_ohlcvs(ohlcvs, *args, **options)

    def on_connected(self, client: Any, message: Any = None) -> Any:
        self.mf_connected()
        base: Any = super()
        inherited = getattr(base, "on_connected", None)
        return None if inherited is None else inherited(client, message)


def make_exchange(name: str, options: dict[str, Any] | None = None, *, pro: bool = False) -> Any:
    """Make a ccxt exchange by name.

    Parameters
    ----------
    name
        ccxt's identifier, such as ``binance``.
    options
        For ccxt's constructor.
    pro
        With WebSocket methods.

    Returns
    -------
    ccxt.async_support.Exchange
        The exchange; close it.

    Raises
    ------
    ConfigurationError
        When ccxt is not installed.
    ParameterError
        When ccxt has no such exchange.
    """
    try:
        import ccxt.async_support

        if pro:
            import ccxt.pro
    except ImportError as error:
        raise ConfigurationError(
            f'exchange = {name!r}: ccxt is not installed: pip install "mirrorfast[exchange]"'
        ) from error
    module = ccxt.pro if pro else ccxt.async_support
    if name not in module.exchanges:
        import difflib

        near = difflib.get_close_matches(name, module.exchanges, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ParameterError(f"exchange = {name!r}: expected one of ccxt's {len(module.exchanges)} exchanges{hint}")
    return getattr(module, name)(options or {})


def hooked(
    exchange: Any,
    *,
    limiter: RateLimiter,
    weight: Callable[[float], float],
    sent: Callable[[float], None],
    answered: Callable[[int, dict[str, str], str], None],
    connected: Callable[[], None],
) -> Any:
    """Put the hooks under an exchange.

    Parameters
    ----------
    exchange
        A ccxt exchange, which changes its class to one made from its own.
    limiter, weight
        The rate limit, and weight by ccxt's cost.
    sent, answered, connected
        Told of every request (with its seconds in the queue), answer and stream connection.

    Returns
    -------
    ccxt.async_support.Exchange
        The same object.
    """
    cls = type(exchange)
    if not issubclass(cls, _Hooks):
        exchange.__class__ = type(cls.__name__, (_Hooks, cls), {})
    exchange.enableRateLimit = False
    exchange.mf_limiter, exchange.mf_weight, exchange.mf_wire = limiter, weight, Wire()
    exchange.mf_sent, exchange.mf_answered, exchange.mf_connected = sent, answered, connected
    return exchange


async def apart(exchange: Any, work: Callable[[Any], Awaitable[_T]]) -> tuple[_T, Any]:
    """Let ccxt read large answers in a thread: markets of thousands of symbols are half a second of Python.

    Parameters
    ----------
    exchange
        A hooked exchange. Its connections and rate limit are used, on their own loop.
    work
        Gets a copy of the exchange, and calls it.

    Returns
    -------
    tuple
        What it returned, and the copy.
    """
    if not exchange.mf_wire.usable(exchange):
        return await work(exchange), exchange
    twin = copy.copy(exchange)
    twin.mf_home = (exchange, asyncio.get_running_loop())
    # Nothing that a copy could close, or wait for on the wrong loop.
    twin.session = twin.tcp_connector = twin.asyncio_loop = twin.markets_loading = None
    twin.own_session, twin.clients, twin.options = False, {}, dict(exchange.options)

    async def run() -> _T:
        return await work(twin)

    return await asyncio.to_thread(asyncio.run, run()), twin
