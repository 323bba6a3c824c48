"""What the event loop needs of a broker, paper or real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mirrorfast._core import BrokerEvent, Fill, Intent
    from mirrorfast.data.feed import BarBatch

__all__ = ["Broker", "LiveBroker", "Settlement"]


class Settlement(Protocol):
    """What a broker tells the event loop while it settles a batch."""

    async def fill(self, fill: Fill, exact: Mapping[str, Any] | None = None) -> None:
        """Book one fill; orders that follow from it are sent before this returns.

        `exact` is what the journal keeps in place of the fill's floats: the venue's decimals, its trade id.
        """

    async def event(self, events: list[BrokerEvent], words: str | None = None) -> None:
        """Take note of order events; orders that follow from them are sent before this returns.

        `words` are a venue's reason.
        """

    def note(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Record something of which the engine need not hear."""


class Broker(Protocol):
    """Sends orders and reports what became of them."""

    async def settle(self, batch: BarBatch, settlement: Settlement) -> None:
        """Report everything that happened up to the close of this batch, in the order in which it happened."""

    async def submit(self, intents: list[Intent]) -> None:
        """Send or withdraw orders. Their intent is durable already."""

    async def answers(self) -> list[BrokerEvent]:
        """Order events since the last call."""

    def snapshot(self) -> bytes:
        """Give the broker's own state, for a checkpoint; empty where the venue keeps it."""

    def restore(self, state: bytes) -> None:
        """Take up a state written by :meth:`snapshot`."""


class LiveBroker(Broker, Protocol):
    """A broker where things happen between bars."""

    async def news(self) -> None:
        """Wait until there is something to report."""

    async def report(self, settlement: Settlement) -> None:
        """Report it, in the order in which it happened."""

    def now(self) -> int:
        """Tell the venue's time, ms."""

    def unstored(self, intents: list[Intent], why: str) -> list[Intent]:
        """Take note of orders that could not be stored and are not sent; return those to be stored later."""

    def on_equity(self, ts: int, equity: Mapping[str, Any]) -> None:
        """Look at the account after a bar, for the limits."""
