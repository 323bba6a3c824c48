"""What the event loop needs of a broker, paper or real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mirrorfast._core import BrokerEvent, Fill, Intent
    from mirrorfast.data.feed import BarBatch

__all__ = ["Broker", "Settlement"]


class Settlement(Protocol):
    """What a broker tells the event loop while it settles a batch."""

    async def fill(self, fill: Fill) -> None:
        """Book one fill; orders that follow from it are sent before this returns."""

    async def event(self, events: list[BrokerEvent]) -> None:
        """Take note of order events; orders that follow from them are sent before this returns."""


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
