"""One venue's public interface: every call under rate limit, deadline, breaker and repetition."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mirrorfast.config.data import DataConfig
from mirrorfast.data.venue.breaker import Breaker, BreakerOpenError
from mirrorfast.data.venue.counters import Counters
from mirrorfast.data.venue.failures import (
    VenueUnavailableError,
    kind_of,
    retry_after,
    translated,
)
from mirrorfast.data.venue.hooks import Call, apart, current_call, hooked, make_exchange
from mirrorfast.data.venue.limiter import RateLimiter, VenueClosedError
from mirrorfast.data.venue.rates import venue_of
from mirrorfast.data.venue.time import VenueTime
from mirrorfast.errors import TemporaryError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["VenueClient", "default_concurrency"]

_log = get_logger(__name__)
_T = TypeVar("_T")
# A ban or a 429 that says no time.
_BAN_S, _THROTTLE_S = 120.0, 2.0


def default_concurrency() -> int:
    """Tell how many requests may be under way at one time, by the number of processors.

    Returns
    -------
    int
        Five a processor, at least 20, at most 100.

    Examples
    --------
    >>> 20 <= default_concurrency() <= 100
    True
    """
    return min(max(20, 5 * (os.cpu_count() or 1)), 100)


class VenueClient:
    """A ccxt exchange whose calls may be made by hundreds at once.

    Parameters
    ----------
    exchange
        ccxt's name of the venue, or a ccxt exchange (its class is replaced by one with our hooks).
    config
        Limits and patience.
    options
        For ccxt's constructor, where `exchange` is a name.
    pro
        With WebSocket methods.

    Raises
    ------
    ConfigurationError
        When ccxt is not installed.
    ParameterError
        When there is no such venue.

    Examples
    --------
    >>> async def ask():  # doctest: +SKIP
    ...     client = VenueClient("binance")
    ...     return await client.call("time", client.exchange.fetch_time)
    """

    def __init__(
        self,
        exchange: Any,
        config: DataConfig | None = None,
        *,
        options: dict[str, Any] | None = None,
        pro: bool = False,
    ) -> None:
        self.config = config or DataConfig()
        self._made = isinstance(exchange, str)
        ccxt_exchange = make_exchange(exchange, options, pro=pro) if self._made else exchange
        self.name: str = str(ccxt_exchange.id)
        self.counters = Counters(self.name)
        self.time = VenueTime()
        self.facts = venue_of(ccxt_exchange, self.config.kind)
        self.limiter = RateLimiter(list(self.facts.windows), reserve=self.config.reserve)
        self.connected = 0
        per_cost = self.facts.weight_per_cost
        self.exchange = hooked(
            ccxt_exchange,
            limiter=self.limiter,
            weight=(lambda _: 1.0) if per_cost is None else (lambda cost: cost * per_cost),
            sent=self._sent,
            answered=self._answered,
            connected=self._connected,
        )
        self.exchange.timeout = int(self.config.timeout_s * 1_000)
        self._has_time = bool(self.exchange.has.get("fetchTime"))
        self._breakers: dict[str, Breaker] = {}
        self.concurrency = self.config.concurrency or default_concurrency()
        self._slots = asyncio.Semaphore(self.concurrency)
        self._synchronising: asyncio.Task[None] | None = None
        _prepare(self.exchange, self.config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.counters.gauge("waiting", lambda: float(self.limiter.waiting))
        self.counters.gauge(
            "closed_s", lambda: 0.0 if self._loop is None else self.limiter.closed_at(self._loop.time())
        )

    def now(self) -> int:
        """Tell the venue's time.

        Returns
        -------
        int
            Milliseconds since the epoch, UTC.
        """
        return self.time.now()

    @property
    def breaker_states(self) -> dict[str, str]:
        """State of each breaker that has been needed, by kind of call: ``closed``, ``open`` or ``half-open``."""
        return {kind: breaker.state for kind, breaker in list(self._breakers.items())}

    def breaker(self, kind: str) -> Breaker:
        """Give the breaker of a kind of call.

        Parameters
        ----------
        kind
            Such as ``candles``.

        Returns
        -------
        Breaker
            The one that all calls of this kind share.
        """
        if kind not in self._breakers:
            c = self.config
            self._breakers[kind] = Breaker(
                f"{self.name} {kind}",
                failures=c.breaker_failures,
                open_s=c.breaker_open_s,
                max_open_s=c.breaker_max_open_s,
                counts=_shows_a_dead_venue,
                opened=lambda: self.counters.add("breaker_opened"),
            )
            self.counters.gauge("breaker_open", lambda: self._openness(kind), kind)
        return self._breakers[kind]

    def _openness(self, kind: str) -> float:
        now = 0.0 if self._loop is None else self._loop.time()
        return {"closed": 0.0, "half-open": 0.5, "open": 1.0}[self._breakers[kind].state_at(now)]

    async def synchronise(self) -> None:
        """Ask the venue for its time, if it was not asked lately; a venue that does not answer keeps the estimate."""
        if not self._has_time or self.time.age_s < self.config.clock_sync_s:
            return
        if self._synchronising is None or self._synchronising.done():
            self._synchronising = asyncio.get_running_loop().create_task(self._ask_time())
        await asyncio.shield(self._synchronising)

    async def _ask_time(self) -> None:
        try:
            stamp = await self.call("time", self.exchange.fetch_time)
        except TemporaryError as error:
            _log.warning("venue_time_unknown", exchange=self.name, error=str(error))
            return
        if isinstance(stamp, int) and 0 < stamp < 10**14:
            steps = self.time.steps
            self.time.note(stamp)
            self.counters.add("clock_steps", self.time.steps - steps)

    async def call(
        self,
        kind: str,
        make: Callable[[], Awaitable[Any]],
        *,
        read: Callable[[Any, Call], Awaitable[_T]] | None = None,
        what: str = "",
        raw: bool = False,
    ) -> Any:
        """Make a call, again if need be.

        Parameters
        ----------
        kind
            Which breaker it is under.
        make
            Starts one try.
        read
            Reads the answer, as part of the try.
        what
            What is asked, for messages.
        raw
            Leave the body of a good answer in the call, unread by ccxt.

        Returns
        -------
        object
            What `read`, or else `make`, returned.

        Raises
        ------
        TemporaryError
            When it failed to the last try, took too long, or the venue is closed to us.
        ExchangeError
            When the venue refused it.
        """
        self._loop = asyncio.get_running_loop()
        name = f"{self.name} {what or kind}"
        call = Call(raw=raw, patience=self.config.max_pause_s)
        try:
            async with asyncio.timeout(self.config.deadline_s) as scope:
                call.deadline = scope
                for attempt in itertools.count(1):
                    try:
                        return await self._try(kind, make, read, call, name)
                    except TemporaryError as error:
                        if _hopeless(error) or attempt - call.waited >= self.config.attempts:
                            raise
                        self.counters.add("repetitions")
                        await asyncio.sleep(self._wait(attempt, error))
        except TimeoutError:
            self.counters.add("deadline")
            raise VenueUnavailableError(f"{name}: no answer within {self.config.deadline_s:g} s", "deadline") from None

    async def _try(
        self,
        kind: str,
        make: Callable[[], Awaitable[Any]],
        read: Callable[[Any, Call], Awaitable[Any]] | None,
        call: Call,
        name: str,
    ) -> Any:
        call.status, call.body = None, None
        token = current_call.set(call)
        try:
            with self.breaker(kind).guard():
                try:
                    async with self._slot(call):
                        answer = await make()
                    return answer if read is None else await read(answer, call)
                except TemporaryError:
                    raise
                except Exception as error:
                    raise translated(error, call, name) from error
        except TemporaryError as error:
            self._count(error)
            if isinstance(error, BreakerOpenError) and error.probing:
                call.waited += 1
            raise
        finally:
            current_call.reset(token)

    @asynccontextmanager
    async def _slot(self, call: Call) -> AsyncIterator[None]:
        """Wait for one of the slots, which those that wait for the rate limit hold: that is no time of the call's."""
        loop = asyncio.get_running_loop()
        start, ends = loop.time(), None
        if call.deadline is not None and self._slots.locked():
            ends = call.deadline.when()
            call.deadline.reschedule(None)
        try:
            await self._slots.acquire()
        finally:
            if call.deadline is not None and ends is not None:
                call.deadline.reschedule(ends + loop.time() - start)
        try:
            yield
        finally:
            self._slots.release()

    async def apart(self, kind: str, work: Callable[[Any], Awaitable[_T]], *, keep_markets: bool = False) -> _T:
        """Make a call whose answer is large, so that ccxt reads it in a thread.

        Parameters
        ----------
        kind
            As for `call`.
        work
            Gets a copy of the exchange, and calls it.
        keep_markets
            Give the exchange the markets that the copy has loaded.

        Returns
        -------
        object
            What `work` returned.

        Raises
        ------
        TemporaryError, ExchangeError
            As for `call`.
        """
        found, twin = await self.call(kind, lambda: apart(self.exchange, work))
        if keep_markets and twin is not self.exchange:
            self.exchange.set_markets_from_exchange(twin)
        return found  # type: ignore[no-any-return]

    def blame(self, call: Call) -> None:
        """Let ccxt say what is wrong with an answer that holds no candles; nothing, if it finds nothing.

        Parameters
        ----------
        call
            The call with the body.

        Raises
        ------
        ccxt.BaseError
            The venue's error, by ccxt's tables.
        """
        import json

        reply, call.body = call.body, None
        if reply is None:
            return
        text = reply.text()
        try:
            document = json.loads(text)
        except ValueError:
            return
        self.exchange.handle_errors(reply.status, "", "", "GET", call.headers, text, document, {}, None)

    async def aclose(self) -> None:
        """Close connections, if the exchange was made here."""
        if self._synchronising is not None and not self._synchronising.done():
            self._synchronising.cancel()
            await asyncio.gather(self._synchronising, return_exceptions=True)
        await self.exchange.mf_wire.aclose()
        if self._made:
            await self.exchange.close()

    def _wait(self, attempt: int, error: TemporaryError) -> float:
        # Full jitter: callers that failed in one moment come back all over the span.
        bound = min(self.config.backoff_max_s, self.config.backoff_s * 2 ** (attempt - 1))
        wait = random.uniform(0.0, bound)  # noqa: S311 - no secret
        if isinstance(error, BreakerOpenError):
            return error.retry_in + wait
        return wait  # a Retry-After is kept by the rate limit, for all calls

    def _sent(self, waited: float) -> None:
        self.counters.add("requests")
        self.counters.add("limit_wait_ms", int(waited * 1_000))

    def _answered(self, status: int, headers: dict[str, str], body: str) -> None:
        self.counters.add("answers")
        if status in (418, 429):
            seconds = retry_after(headers, body, self.now())
            banned = status == 418
            if seconds is None:
                seconds = _BAN_S if banned else _THROTTLE_S
            self.limiter.close_for(seconds, f"{self.name}: {'banned' if banned else 'too many requests'} ({status})")
            _log.warning("venue_closed_to_us", exchange=self.name, status=status, seconds=seconds)
            return
        for key, value in headers.items():
            name = key.lower()
            if name == "x-mbx-used-weight-1m" and value.isdecimal():
                self.limiter.note_used(float(value))
            elif name == "date" and not self._has_time:
                self.time.note_date(value)

    def _connected(self) -> None:
        self.connected += 1

    def _count(self, error: TemporaryError) -> None:
        names = {"timeout": "unavailable", "breaker": "breaker_refused", "closed": "closed_refused"}
        kind = kind_of(error)
        self.counters.add(names.get(kind, kind if kind in ("throttled", "banned", "garbage") else "unavailable"))


def _shows_a_dead_venue(error: BaseException) -> bool:
    return isinstance(error, TemporaryError) and kind_of(error) not in ("throttled", "banned", "closed", "breaker")


def _hopeless(error: BaseException) -> bool:
    return isinstance(error, VenueClosedError)


def _prepare(exchange: Any, config: DataConfig) -> None:
    """Keep ccxt to public calls about the markets that are wanted, and send it where the configuration says."""
    if not exchange.apiKey:
        # With keys ccxt asks for currencies and margin pairs, signed: a bad key would then break a public scan.
        exchange.has["fetchCurrencies"] = False
    types = {"spot": "spot", "swap": "linear"}
    if exchange.id == "binance":
        exchange.options["fetchMarkets"] = {"types": [types[config.kind]]}
        exchange.options["fetchMargins"] = False
    elif exchange.id == "bybit":
        exchange.options["fetchMarkets"] = {"types": [types[config.kind]]}
    elif exchange.id == "okx":
        exchange.options["fetchMarkets"] = {"types": [config.kind]}
    if config.kind == "swap":
        exchange.options["defaultType"] = "swap"
    if config.base_url is not None:
        exchange.urls["api"] = _rebased(exchange.urls["api"], config.base_url.rstrip("/"), exchange.hostname)


def _rebased(urls: Any, base: str, hostname: str | None) -> Any:
    if isinstance(urls, dict):
        return {name: _rebased(part, base, hostname) for name, part in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    parts = urlsplit(urls.replace("{hostname}", hostname or ""))
    scheme, address = base.split("://", 1)
    if parts.scheme.startswith("ws"):
        scheme = "wss" if scheme == "https" else "ws"
    # The venue's own host stays the first part of the path, so that one address can stand for all of them.
    return f"{scheme}://{address}/{parts.hostname}{parts.path}"
