"""The venue as an HTTP and WebSocket server on one loopback port.

A request goes through the same stages as on the real way: faults of the network, limits, refusals, key and
signature, the endpoint itself, faults of the answer. Clients reach it by rewritten URLs, whose first path segment is
the production host (``http://127.0.0.1:port/api.binance.com/api/v3/time``), or by production URLs resolved to
loopback.
"""

import asyncio
import contextlib
import hashlib
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl

from aiohttp import web

from mirrorfast.errors import InternalError, ParameterError
from mirrorfast.simulator import admin, bodies
from mirrorfast.simulator.account import KEY, SECRET, Account, authenticate, clients_of
from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.faults import FaultRule, Faults
from mirrorfast.simulator.futures_books import FuturesBooks
from mirrorfast.simulator.futures_rows import account_update, algo_update, order_update
from mirrorfast.simulator.futures_trading import FuturesTrading
from mirrorfast.simulator.limits import Limits, Refused
from mirrorfast.simulator.market import Instrument, futures_of, load_market, shift_to
from mirrorfast.simulator.market_data import FUTURES_WEIGHT, SPOT_WEIGHT, MarketData
from mirrorfast.simulator.orders import Execution, Order
from mirrorfast.simulator.other_venues import OtherVenues, refusal_body
from mirrorfast.simulator.protocol import Answer, Call, Route, VenueError, encode
from mirrorfast.simulator.spot_books import SpotBooks
from mirrorfast.simulator.spot_lists import SpotLists
from mirrorfast.simulator.spot_trading import SpotTrading
from mirrorfast.simulator.streams import Streams
from mirrorfast.simulator.user_events import balances as balances_event
from mirrorfast.simulator.user_events import execution_report, list_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

__all__ = ["LIMITS", "Logged", "Simulator"]

LIMITS: Final = {
    "spot": (SPOT_WEIGHT, 60.0),
    "futures": (FUTURES_WEIGHT, 60.0),
    "kraken": (60, 60.0),
    "bybit": (600, 5.0),
    "okx": (40, 2.0),
}
"""Weight and seconds of the window, by venue. OKX counts each endpoint by itself; Kraken wants one request a second."""


class Logged(NamedTuple):
    """One request: the venue's time in ms, method, path, HTTP status of the answer (0: dropped), weight."""

    time: int
    method: str
    path: str
    status: int
    weight: int


class Simulator:
    """A Binance-compatible exchange on a loopback port.

    Parameters
    ----------
    data : str, Path, sequence of paths or polars.DataFrame, default "bundled"
        Recorded bars, as `load_market` takes them.
    start : int, optional
        First moment of the venue's time, milliseconds since the epoch. By default the recordings are moved by whole
        weeks so that they go on from the present moment, and clients need no other clock.
    speed : float, default 1.0
        Simulated seconds in a real one; 0 stands still until ``clock.advance``.
    symbols : int, optional
        List this many symbols; recordings are repeated under other names where they are fewer.
    faults : str or Path, optional
        Rules to start with, as `Faults.load` reads them.
    seed : int, default 0
        Of the faults' chances.
    limits : bool, default True
        Whether request limits hold.
    balances : mapping of str to Decimal or number, optional
        First deposits of the account with `KEY` and `SECRET`; 100,000 USDT by default.
    futures_balances : mapping of str to Decimal or number, optional
        First deposits of every account on the futures market; 100,000 USDT by default.
    participation : float, optional
        Part of each trade's quantity that a resting order gets; all it wants by default.
    fee_asset : str, optional
        Third coin that spot fees are taken from as long as it lasts.
    fee_price : float, optional
        Its price where the venue does not list it.
    monotonic : callable, optional
        Source of real seconds for limits and speed.

    Examples
    --------
    >>> async def ask():
    ...     import aiohttp
    ...
    ...     async with Simulator(start=1_512_000_000_000, speed=0) as venue, aiohttp.ClientSession() as session:
    ...         async with session.get(f"{venue.url}/api/v3/time") as answer:
    ...             return await answer.json()
    >>> asyncio.run(ask())
    {'serverTime': 1512000000000}
    """

    def __init__(
        self,
        data: "str | Path | pl.DataFrame | Sequence[str | Path]" = "bundled",
        *,
        start: int | None = None,
        speed: float = 1.0,
        symbols: int | None = None,
        faults: str | Path | None = None,
        seed: int = 0,
        limits: bool = True,
        balances: Mapping[str, Decimal | float | str] | None = None,
        futures_balances: Mapping[str, Decimal | float | str] | None = None,
        participation: float | None = None,
        fee_asset: str | None = None,
        fee_price: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.market: dict[str, Instrument] = load_market(data, symbols=symbols)
        self.clock = SimulatedClock(start, speed, monotonic=monotonic)
        if start is None:
            shift_to(self.market.values(), self.clock.now())
        self.faults = Faults(seed, self.clock.now, monotonic)
        if faults is not None:
            self.faults.load(faults)
        self.limits = {
            name: Limits(weight if limits else 2**62, seconds, monotonic=monotonic)
            for name, (weight, seconds) in LIMITS.items()
        }
        self._monotonic = monotonic
        self.requests: Counter[str] = Counter()
        self.log: deque[Logged] = deque(maxlen=100_000)
        self._ids = count(1)
        self._part = None if participation is None else Decimal(str(participation))
        self._fee = (fee_asset, None if fee_price is None else Decimal(str(fee_price)))
        self.futures: dict[str, Instrument] = futures_of(self.market)
        self._futures_first = {k: Decimal(str(v)) for k, v in (futures_balances or {"USDT": 100_000}).items()}
        self.accounts: dict[str, Account] = {}
        self.account = self.add_account(KEY, SECRET, {"USDT": 100_000} if balances is None else balances)
        self.spot_data = MarketData(self.market, self.clock, futures=False)
        self.futures_data = MarketData(self.futures, self.clock, futures=True)
        spot = SpotTrading(self.market, self.clock, self.accounts, self.faults)
        self.routes: dict[tuple[str, str], Route] = {
            **self.spot_data.routes,
            **self.futures_data.routes,
            **spot.routes,
            **SpotLists(spot).routes,
            **FuturesTrading(self.futures, self.clock, self.accounts, self.faults).routes,
            **OtherVenues(self.market, self.clock).routes,
        }
        self.listen_keys: dict[str, Account] = {}
        for method in ("POST", "PUT", "DELETE"):
            self.routes[method, "/api/v3/userDataStream"] = Route(self._listen_key, 2, "key")
            self.routes[method, "/fapi/v1/listenKey"] = Route(self._listen_key, 1, "key")
        self.streams = Streams(self)
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._failures: list[BaseException] = []
        self._later: set[asyncio.Task[Any]] = set()
        self._held_back: list[tuple[Call, Route | None]] = []

    def add_account(self, key: str, secret: str, balances: Mapping[str, Decimal | float | str]) -> Account:
        """Open an account.

        Parameters
        ----------
        key, secret : str
            Its credentials.
        balances : mapping of str to Decimal or number
            First deposits.

        Returns
        -------
        Account
            The account, with its books.
        """
        first = {asset: Decimal(str(amount)) for asset, amount in balances.items()}
        spot = SpotBooks(
            self.market, self.clock, self._part, self._ids, first, fee_asset=self._fee[0], fee_price=self._fee[1]
        )
        futures = FuturesBooks(self.futures, self.clock, self._part, self._ids, dict(self._futures_first))
        account = self.accounts[key] = Account(key, secret, spot, futures)
        futures.listeners.append(lambda what, order, fill: self._futures_event(account, what, order, fill))
        spot.listeners.append(lambda what, order, fill: self._spot_event(account, what, order, fill))
        return account

    def _spot_event(self, account: Account, what: str, order: Order, fill: Execution | None) -> None:
        now, instrument = self.clock.now(), self.market[order.symbol]
        self.streams.account_event(account, execution_report(what, order, fill, now), futures=False)
        if order.pair is not None and what != "TRADE":
            self.streams.account_event(account, list_status(order.pair, now), futures=False)
        assets = {instrument.base, instrument.quote} | (set() if fill is None else {fill.fee_asset})
        self.streams.account_event(account, balances_event(account.spot, assets, now), futures=False)

    def _futures_event(self, account: Account, what: str, order: Order, fill: Execution | None) -> None:
        now = self.clock.now()
        waits = order.algo and not order.working
        event = algo_update(order, now) if waits else order_update(what, order, fill, now)
        self.streams.account_event(account, event, futures=True)
        if fill is not None:
            books = account.futures
            position, wallet = books.position(order.symbol), books.wallets[fill.fee_asset]
            changed = account_update(position, fill.fee_asset, wallet, books.mark(order.symbol), now)
            self.streams.account_event(account, changed, futures=True)

    def _listen_key(self, call: Call) -> Any:
        account = self.accounts[call.account or ""]
        if call.method == "DELETE":
            self.listen_keys.pop(account.listen_key, None)
            return {}
        if call.method == "PUT":
            return {}
        account.listen_key = hashlib.sha256(f"{account.key}{len(self.listen_keys)}".encode()).hexdigest()
        self.listen_keys[account.listen_key] = account
        return {"listenKey": account.listen_key}

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Self:
        """Listen.

        Parameters
        ----------
        host : str, default "127.0.0.1"
            Address.
        port : int, default 0
            Port; 0 takes a free one.
        tls : ssl.SSLContext, optional
            Speak TLS with this certificate.

        Returns
        -------
        Simulator
            Itself, with ``url`` and ``port`` set.

        Raises
        ------
        ParameterError
            If it cannot listen there.
        """
        app = web.Application(client_max_size=2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ParameterError(f"{host}:{port}: cannot listen: {error.strerror}") from error
        self._spawn(self.streams.pump())
        self.port = int(self._runner.addresses[0][1])
        self.url = f"{'http' if tls is None else 'https'}://{host}:{self.port}"
        return self

    async def stop(self) -> None:
        """Close every connection and stop listening.

        Raises
        ------
        InternalError
            If a part of the venue died of a bug meanwhile.
        """
        for task in list(self._later):
            task.cancel()
        for task in list(self._later):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._runner is not None:
            self.streams.drop()
            await self._runner.cleanup()
            self._runner = None
        if self._failures:
            # A bug of the simulator must not pass for a fault that a test asked for.
            raise InternalError(f"simulator: {self._failures[0]!r}") from self._failures[0]

    async def __aenter__(self) -> Self:
        return self if self._runner is not None else await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the requests until the venue stops."""
        task = asyncio.ensure_future(work)
        self._later.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._later.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failures.append(error)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        head, _, rest = path[1:].partition("/")
        host = (request.host or "").partition(":")[0]
        if "." in head:
            host, path = head, "/" + rest
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.streams.serve(request, host, path)
        if path.startswith("/_simulator/"):
            return await admin.serve(self, request, path)
        method = request.method
        payload = (await request.text()) if request.can_read_body else ""
        query = request.rel_url.raw_query_string
        signed = query + payload
        params = dict(parse_qsl(query, keep_blank_values=True))
        if payload:
            params.update(parse_qsl(payload, keep_blank_values=True))
        call = Call(method, path, params, signed, request.headers, request.remote or "")
        self.requests[f"{method} {path}"] += 1
        route = self.routes.get((method, path))
        weight = 1
        if route is not None:
            weight = route.weight if isinstance(route.weight, int) else route.weight(call)
        answer = await self._stages(call, route, weight)
        self.log.append(Logged(self.clock.now(), method, path, 0 if answer is None else answer.status, weight))
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPInternalServerError  # nobody is there to read it
        return web.Response(
            body=answer.body, status=answer.status, headers={**answer.headers, "Content-Type": answer.type}
        )

    async def _stages(self, call: Call, route: Route | None, weight: int) -> Answer | None:
        """Answer a request; ``None`` drops the connection."""
        call.clients = clients_of(call, self.accounts) if self.faults.by_client or self._held_back else ()
        for fault in self.faults.draw("before", call.method, call.path, call.clients):
            if fault.name == "drop_before":
                return None
            if fault.name == "error_before":
                return bodies.gateway_error(fault.value("status"))
            if fault.name == "delay":
                await asyncio.sleep(fault.value("delay"))
            if fault.name == "hold":
                if fault.value("until") == "not_found":
                    self._held_back.append((call, route))
                else:
                    self._spawn(self._held(call, route, fault.value("delay")))
                return bodies.gateway_error(fault.value("status"))
        venue = venue_of(call.path)
        limits = self.limits[venue]
        address = call.address + call.path if venue == "okx" else call.address
        refused = limits.refuse(address, weight)
        if refused is not None:
            return self._limited(venue, refused)
        for fault in self.faults.draw("refuse", call.method, call.path, call.clients):
            if fault.name == "rate_limit":
                return self._limited(venue, limits.pause(address, fault.value("retry_after")))
            if fault.name == "ban":
                return self._limited(venue, limits.ban(address, fault.value("ban")))
            answer = bodies.refusal(fault)
            answer.headers.update(self._used(venue, address))
            return answer
        answer = self._process(call, route)
        if self._held_back and answer.status != 200 and call.method == "GET":
            self._let_in(call)
        answer.headers.update(self._used(venue, address))
        for fault in self.faults.draw("body", call.method, call.path, call.clients):
            if answer.status == 200:
                answer.body = bodies.changed(fault, answer.body)
        for fault in self.faults.draw("after", call.method, call.path, call.clients):
            lost = await self._spoiled(fault, answer)
            if lost is None:
                return None
            answer = lost
        return answer

    async def _spoiled(self, fault: FaultRule, answer: Answer) -> Answer | None:
        if fault.name == "drop_after":
            return None
        if fault.name == "late_answer":
            await asyncio.sleep(fault.value("delay"))
            return answer
        if fault.name == "error_after":
            return bodies.gateway_error(fault.value("status"))
        if fault.name == "unknown_status":
            return bodies.unknown_status(fault)
        return bodies.garbage(fault, answer)

    async def _held(self, call: Call, route: Route | None, delay: float) -> None:
        await asyncio.sleep(delay)
        self._process(call, route)

    def _let_in(self, query: Call) -> None:
        """Process the requests that were held until somebody looked for their order and did not find it."""
        waiting, self._held_back = self._held_back, []
        for call, route in waiting:
            if set(query.clients) & set(clients_of(call, self.accounts)):
                self._process(call, route)
            else:
                self._held_back.append((call, route))

    def _process(self, call: Call, route: Route | None) -> Answer:
        """Let the endpoint answer, without limits and faults."""
        if route is None:
            return Answer(encode({"code": -1000, "msg": f"No such endpoint: {call.method} {call.path}"}), 404)
        try:
            self._admit(call, route)
            result = route.handler(call)
        except VenueError as error:
            body = refusal_body(venue_of(call.path), error.code, error.message)
            if error.data is not None:
                body["data"] = error.data
            return Answer(encode(body), error.status)
        return result if isinstance(result, Answer) else Answer(encode(result))

    def _admit(self, call: Call, route: Route) -> None:
        """Let in who may ask for this; a late copy of a request is checked when it is processed."""
        account = authenticate(call, route, self.accounts, self.clock)
        if account is None:
            return
        call.account = account.key
        window = account.orders_10s
        if route.order and not window.take(1, self._monotonic()):
            words = f"Too many new orders; current limit is {window.limit} orders per 10 SECOND."
            raise VenueError(-1015, words, 429)

    def _used(self, venue: str, address: str) -> dict[str, str]:
        if venue not in {"spot", "futures"}:
            return {}
        used = str(self.limits[venue].used(address))
        return {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}

    def _limited(self, venue: str, refused: Refused) -> Answer:
        if venue == "kraken":
            return Answer(encode(refusal_body(venue, 0, "EGeneral:Too many requests")))
        if venue == "bybit":
            return Answer(encode(refusal_body(venue, 10006, "Too many visits. Exceeded the API Rate Limit.")), 403)
        if venue == "okx":
            return Answer(encode(refusal_body(venue, 50011, "Too Many Requests")), 429)
        if refused.status == 418:
            until = self.clock.reported() + refused.retry_after * 1_000
            message = (
                f"Way too much request weight used; IP banned until {until}. "
                "Please use WebSocket Streams for live updates to avoid bans."
            )
        else:
            limit = self.limits[venue].limit
            message = (
                f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
                "Please use WebSocket Streams for live updates to avoid polling the API."
            )
        return Answer(
            encode({"code": -1003, "msg": message}), refused.status, {"Retry-After": str(refused.retry_after)}
        )


def venue_of(path: str) -> str:
    """Tell the venue whose endpoint a path is."""
    for prefix, venue in (("/fapi/", "futures"), ("/0/", "kraken"), ("/v5/", "bybit"), ("/api/v5/", "okx")):
        if path.startswith(prefix):
            return venue
    return "spot"
