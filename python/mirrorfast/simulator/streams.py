"""WebSocket streams: market data, and what happens to an account's orders.

A connection is made on ``…/ws``, ``…/ws/<stream>``, ``…/stream?streams=…`` or ``…/ws-api/v3``; the production host,
or the first part of the path that stands for it, tells spot from futures. Messages of a connection go out in order
through one writer, where the faults of streams strike.
"""

import asyncio
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSMsgType, web

from mirrorfast.simulator.account import Account
from mirrorfast.simulator.market_data import best
from mirrorfast.simulator.series import INTERVALS

if TYPE_CHECKING:
    from mirrorfast.simulator.market import Instrument
    from mirrorfast.simulator.server import Simulator

__all__ = ["Connection", "Streams"]

_EVERY: Final = 0.02  # seconds between two looks at the market


class Connection:
    """One WebSocket connection.

    Parameters
    ----------
    venue : Simulator
        The venue.
    socket : aiohttp.web.WebSocketResponse
        The prepared socket, with automatic pongs switched off.
    futures : bool
        Whether its streams are of the futures market.
    wrapped : bool
        Whether messages carry the name of their stream.
    """

    def __init__(self, venue: "Simulator", socket: web.WebSocketResponse, *, futures: bool, wrapped: bool) -> None:
        self.venue, self.socket, self.futures, self.wrapped = venue, socket, futures, wrapped
        self.streams: dict[str, Any] = {}
        self.account: Account | None = None
        self.subscription: int | None = None
        self.silent = False
        self._queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._held: str | None = None

    def send(self, stream: str, message: Any) -> None:
        """Queue a message of a stream."""
        self._queue.put_nowait((stream, message))

    async def write(self) -> None:
        """Send what is queued, with the faults that strike it, until the connection ends."""
        while not self.socket.closed:
            stream, message = await self._queue.get()
            text = json.dumps(message, separators=(",", ":"))
            copies = 1
            about = _clients(message) if stream.startswith("user@") else ()
            for fault in self.venue.faults.draw("stream", "WS", stream, about) if stream else ():
                if fault.name == "stream_drop":
                    self.abort()
                    return
                if fault.name == "stream_silence":
                    self.silent = True
                elif fault.name == "stream_gap":
                    copies = 0
                elif fault.name == "stream_duplicate":
                    copies = 2
                elif fault.name == "stream_delay":
                    await asyncio.sleep(fault.value("delay"))
                elif fault.name == "stream_garbage":
                    text = fault.value("text")
                elif fault.name == "stream_disorder" and self._held is None:
                    self._held, copies = text, 0
            if self.silent:
                continue
            try:
                for _ in range(copies):
                    await self.socket.send_str(text)
                if copies and self._held is not None:
                    held, self._held = self._held, None
                    await self.socket.send_str(held)
            except ConnectionError:
                return  # the client has gone: the reader notices too

    def abort(self) -> None:
        """Drop the connection without a farewell."""
        transport = getattr(self.socket._req, "transport", None)  # noqa: SLF001 - aiohttp has no public way to abort
        if transport is not None:
            transport.abort()


class Streams:
    """All connections of a venue, and the pump that feeds them.

    Parameters
    ----------
    venue : Simulator
        The venue.
    """

    def __init__(self, venue: "Simulator") -> None:
        self.venue = venue
        self.connections: set[Connection] = set()
        self._somebody = asyncio.Event()

    async def serve(self, request: web.Request, host: str, path: str) -> web.WebSocketResponse:
        """Serve one connection until it ends.

        Parameters
        ----------
        request : aiohttp.web.Request
            The request to upgrade.
        host, path : str
            Production host and path.

        Returns
        -------
        aiohttp.web.WebSocketResponse
            The closed socket.
        """
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        wrapped = path.startswith("/stream")
        connection = Connection(self.venue, socket, futures=host.startswith("fstream"), wrapped=wrapped)
        last = path.rsplit("/", 1)[-1]
        names = request.query.get("streams", "").split("/") if wrapped else [last]
        key = request.query.get("listenKey") or last
        if key in self.venue.listen_keys:
            connection.account = self.venue.listen_keys[key]
        for name in names:
            if "@" in name:
                self._subscribe(connection, name)
        self.connections.add(connection)
        self._somebody.set()
        writer = asyncio.ensure_future(connection.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and not connection.silent:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._command(connection, message.data)
        finally:
            self.connections.discard(connection)
            writer.cancel()
        return socket

    def drop(self) -> None:
        """Drop every connection, as a venue's restart does."""
        for connection in list(self.connections):
            connection.abort()

    def _command(self, connection: Connection, text: str) -> None:
        try:
            command = json.loads(text)
        except ValueError:
            connection.send("", {"error": {"code": 3, "msg": "Invalid JSON"}})
            return
        method, number = command.get("method"), command.get("id")
        params = command.get("params", [])
        if method == "SUBSCRIBE":
            for name in params:
                self._subscribe(connection, name)
            connection.send("", {"result": None, "id": number})
        elif method == "UNSUBSCRIBE":
            for name in params:
                connection.streams.pop(name, None)
            connection.send("", {"result": None, "id": number})
        elif method == "userDataStream.subscribe.signature":
            connection.send("", {"id": number, **self._signed_on(connection, params)})
        elif method in {"ping", "time"}:
            result = {} if method == "ping" else {"serverTime": self.venue.clock.reported()}
            connection.send("", {"id": number, "status": 200, "result": result, "rateLimits": []})
        else:
            connection.send("", {"id": number, "status": 400, "error": {"code": -1000, "msg": "Unknown method."}})

    def _signed_on(self, connection: Connection, params: dict[str, Any]) -> dict[str, Any]:
        account = self.venue.accounts.get(str(params.get("apiKey")))
        if account is None:
            return {"status": 401, "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}}
        payload = "&".join(f"{k}={params[k]}" for k in sorted(params) if k != "signature")
        expected = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, str(params.get("signature"))):
            return {"status": 400, "error": {"code": -1022, "msg": "Signature for this request is not valid."}}
        connection.account, connection.subscription = account, 0
        return {"status": 200, "result": {"subscriptionId": 0}, "rateLimits": []}

    def _subscribe(self, connection: Connection, name: str) -> None:
        symbol, _, kind = name.partition("@")
        market = self.venue.futures if connection.futures else self.venue.market
        instrument = market.get(symbol.upper())
        if instrument is None or not instrument.listed:
            return  # as the real venue: no error, and never a message
        now = self.venue.clock.now()
        if kind.startswith("kline_") and kind[6:] in INTERVALS:
            closed = instrument.series.candles(kind[6:]).closed(now)
            connection.streams[name] = (instrument, kind, [closed, -1])
        elif kind in {"trade", "aggTrade", "bookTicker"}:
            connection.streams[name] = (instrument, kind, [instrument.series.position(now)])

    def account_event(self, account: Account, event: dict[str, Any], *, futures: bool) -> None:
        """Tell the connections of an account what happened."""
        for connection in self.connections:
            if connection.account is account and connection.futures == futures:
                wrapped = {"subscriptionId": connection.subscription, "event": event}
                connection.send("user@" + event["e"], event if connection.subscription is None else wrapped)

    async def pump(self) -> None:
        """Let time pass for orders and streams while anybody listens."""
        while True:
            if not self.connections:
                self._somebody.clear()
                await self._somebody.wait()
            await asyncio.sleep(_EVERY)
            self.step()

    def step(self) -> None:
        """Bring orders and streams up to the present moment."""
        now = self.venue.clock.now()
        for account in self.venue.accounts.values():
            for books in account.books:
                books.advance(now)
        for connection in list(self.connections):
            for name, (instrument, kind, state) in connection.streams.items():
                for message in self._news(instrument, kind, state, now, futures=connection.futures):
                    connection.send(name, {"stream": name, "data": message} if connection.wrapped else message)

    def _news(self, i: "Instrument", kind: str, state: list[int], now: int, *, futures: bool) -> list[dict[str, Any]]:
        position = i.series.position(now)
        if kind.startswith("kline_"):
            return self._candles(i, kind[6:], state, now)
        if position <= state[0] or i.status != "TRADING":
            return []
        first, state[0] = state[0] + 1, position
        if kind == "bookTicker":
            b = best(i, now)
            book = {
                "u": position,
                "s": i.id,
                "b": b["bidPrice"],
                "B": b["bidQty"],
                "a": b["askPrice"],
                "A": b["askQty"],
            }
            return [{**({"e": "bookTicker", "E": now, "T": now} if futures else {}), **book}]
        return [
            {
                "e": kind,
                "E": now,
                "s": i.id,
                **({"a": t.id, "f": t.id, "l": t.id} if kind == "aggTrade" else {"t": t.id}),
                "p": i.price_text(t.price),
                "q": i.quantity_text(t.quantity),
                "T": t.time,
                "m": t.buyer_is_maker,
                "M": True,
            }
            for t in i.series.between(first, position)
        ]

    def _candles(self, i: "Instrument", interval: str, state: list[int], now: int) -> list[dict[str, Any]]:
        candles, closed, current = i.series.closed_and_open(interval, now)
        rows = [(candles.row(n), True) for n in range(state[0], closed)]
        position = i.series.position(now)
        if current is not None and (rows or position != state[1]):
            rows.append((current, False))
        state[0], state[1] = closed, position
        messages = []
        for candle, final in rows:
            t, o, h, low, c, v, end, quote, count, taker, taker_quote, _ = json.loads(i.render(candle))
            k = {"t": t, "T": end, "s": i.id, "i": interval, "f": -1, "L": -1, "o": o, "c": c, "h": h, "l": low, "v": v}
            k |= {"n": count, "x": final, "q": quote, "V": taker, "Q": taker_quote, "B": "0"}
            messages.append({"e": "kline", "E": now, "s": i.id, "k": k})
        return messages


def _clients(message: dict[str, Any]) -> tuple[str, ...]:
    """Tell the client ids of the orders that a message of an account's stream is about."""
    event = message.get("event", message)
    order = event.get("o") if isinstance(event.get("o"), dict) else event
    listed = event["O"] if isinstance(event.get("O"), list) else []
    names = [order.get("c"), order.get("C"), order.get("caid"), *(o.get("c") for o in listed)]
    return tuple(name for name in names if isinstance(name, str) and name)
