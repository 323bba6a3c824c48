"""The account's own stream, as a bell: whatever it says, REST is asked, so lost or disordered events do no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mirrorfast.execution.venue import TradingVenue

__all__ = ["UserStream"]

_log = get_logger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_LOOK_S: Final = 0.2


class UserStream:
    """Listens to the orders of an account through ccxt.pro.

    Parameters
    ----------
    venue
        With a ccxt.pro exchange.
    symbols
        Which markets.
    ring
        Called when something happened.
    reconnected
        Called after every new connection: ccxt.pro reconnects without a word, and what happened meanwhile never comes.
    """

    def __init__(
        self,
        venue: TradingVenue,
        symbols: Sequence[str],
        ring: Callable[[], None],
        reconnected: Callable[[], Awaitable[None]],
    ) -> None:
        self._venue, self._symbols, self._ring, self._reconnected = venue, list(symbols), ring, reconnected
        self._seen = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        watcher = asyncio.ensure_future(self._listen())
        try:
            while True:
                connected = self._venue.client.connected
                if connected != self._seen:
                    self._seen = connected
                    await self._reconnected()
                if watcher.done():
                    watcher.result()
                    return
                await asyncio.sleep(_LOOK_S)
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _listen(self) -> None:
        exchange: Any = self._venue.exchange
        wait = _FIRST_WAIT
        while True:
            try:
                await exchange.watch_orders()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on and the stream is tried again
                _log.warning("stream_lost", exchange=self._venue.name, error=type(error).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                wait = _FIRST_WAIT
                self._ring()
