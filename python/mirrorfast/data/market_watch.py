"""What changes at a venue while orders rest there: status, precision, limits; told to whoever must look again."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.errors import ExchangeError, ParameterError
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirrorfast.data.fetcher import MarketDataFetcher

__all__ = ["MarketChange", "MarketWatch", "market_facts"]

_log = get_logger(__name__)
_FACTS: Final = {
    "price_step": ("precision", "price"),
    "amount_step": ("precision", "amount"),
    "min_amount": ("limits", "amount", "min"),
    "max_amount": ("limits", "amount", "max"),
    "min_cost": ("limits", "cost", "min"),
}


@dataclass(frozen=True, slots=True)
class MarketChange:
    """One fact of one market that is another than before.

    Attributes
    ----------
    exchange, symbol
        Which market.
    what
        ``listed``, ``active``, ``price_step``, ``amount_step``, ``min_amount``, ``max_amount`` or ``min_cost``.
    before, after
        The fact.

    Examples
    --------
    >>> MarketChange("binance", "BTC/USDT", "active", True, False).what
    'active'
    """

    exchange: str
    symbol: str
    what: str
    before: Any
    after: Any


def market_facts(markets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Take what an order depends on out of ccxt's markets.

    Parameters
    ----------
    markets : dict
        ccxt's markets by symbol.

    Returns
    -------
    dict
        Facts by symbol.

    Examples
    --------
    >>> market_facts({"A/B": {"active": True, "precision": {"price": 0.1}}})["A/B"]["price_step"]
    0.1
    """
    facts = {}
    for symbol, market in markets.items():
        found: dict[str, Any] = {"listed": True, "active": market.get("active") is not False}
        for name, path in _FACTS.items():
            value: Any = market
            for key in path:
                value = (value or {}).get(key)
            found[name] = value
        facts[symbol] = found
    return facts


class MarketWatch:
    """Loads a venue's markets anew, every ``markets_s`` and when asked, and tells what has changed.

    Parameters
    ----------
    fetcher : MarketDataFetcher
        The venue.
    least_s : float, default 60
        Within so many seconds of a load the markets are not loaded again: an order that is refused for its precision
        asks for it, and there may be hundreds.

    Raises
    ------
    ParameterError
        If `least_s` is negative.

    Notes
    -----
    Whoever holds open intents subscribes, and checks those of the symbols that are named again. Listeners are called in
    the order of their subscription, after the fetcher and its ccxt exchange have the new markets.

    Examples
    --------
    >>> async def watch(fetcher, check):  # doctest: +SKIP
    ...     watch = MarketWatch(fetcher)
    ...     watch.subscribe(check)
    ...     await watch.run()
    """

    def __init__(self, fetcher: MarketDataFetcher, *, least_s: float = 60.0) -> None:
        if not least_s >= 0:
            raise ParameterError(f"least_s = {least_s}: expected a number of seconds >= 0")
        self._fetcher, self._least = fetcher, least_s
        self._listeners: list[Callable[[list[MarketChange]], Any]] = []
        self._facts: dict[str, dict[str, Any]] | None = None
        self._loaded = float("-inf")
        self._loading: asyncio.Task[list[MarketChange]] | None = None

    def subscribe(self, listener: Callable[[list[MarketChange]], Any]) -> Callable[[], None]:
        """Be told of changes.

        Parameters
        ----------
        listener : callable
            Gets the changes of one load, never an empty list; may be a coroutine function.

        Returns
        -------
        callable
            Ends the subscription.
        """
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    async def reload(self, reason: str) -> list[MarketChange]:
        """Load the markets now, unless that was just done; callers at one moment share one load.

        Parameters
        ----------
        reason : str
            For the log, such as ``precision``.

        Returns
        -------
        list of MarketChange
            What has changed since the load before; nothing at the first.

        Raises
        ------
        ExchangeError
            If the venue cannot be asked; the markets stay as they were.
        """
        if self._loading is None or self._loading.done():
            if asyncio.get_running_loop().time() - self._loaded < self._least:
                return []
            self._loading = asyncio.get_running_loop().create_task(self._load(reason))
        return await asyncio.shield(self._loading)

    async def run(self) -> None:
        """Load the markets every ``markets_s`` until cancelled; a load that fails is tried again at the next."""
        while True:
            try:
                await self.reload("period")
            except ExchangeError as error:
                _log.warning("markets_not_loaded", exchange=self._fetcher.name, error=str(error))
            await asyncio.sleep(self._fetcher.config.markets_s)

    async def _load(self, reason: str) -> list[MarketChange]:
        name = self._fetcher.name
        markets = await self._fetcher.reload_markets()
        facts = await asyncio.to_thread(market_facts, markets)
        before, self._facts = self._facts, facts
        self._loaded = asyncio.get_running_loop().time()
        changes = [] if before is None else _changes(name, before, facts)
        if not changes:
            return changes
        self._fetcher.counters.add("market_changes", len(changes))
        _log.warning("markets_changed", exchange=name, reason=reason, changes=len(changes), first=changes[0].symbol)
        for listener in list(self._listeners):
            answer = listener(changes)
            if inspect.isawaitable(answer):
                await answer
        return changes


def _changes(name: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> list[MarketChange]:
    found = []
    for symbol in sorted(old.keys() | new.keys()):
        if symbol not in new or symbol not in old:
            found.append(MarketChange(name, symbol, "listed", symbol in old, symbol in new))
            continue
        found += [
            MarketChange(name, symbol, what, value, new[symbol][what])
            for what, value in old[symbol].items()
            if value != new[symbol][what]
        ]
    return found
