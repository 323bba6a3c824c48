"""The paper broker: the same simulated exchange that backtests use, one bar time after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirrorfast import _core

if TYPE_CHECKING:
    from mirrorfast._core import BrokerEvent, Fill, Intent
    from mirrorfast.data.feed import BarBatch
    from mirrorfast.execution.broker import Settlement

__all__ = ["SimulatedBroker"]


class SimulatedBroker:
    """Fills orders against bars with fees, slippage and spread, pessimistically inside a bar.

    Parameters
    ----------
    engine_json
        Engine configuration; its costs and instruments are used.

    Raises
    ------
    ConfigurationError
        When the configuration cannot be read.

    Notes
    -----
    Orders sent after a bar's close fill at the next bar's open. Stops and limits fill inside the bar's range; when one
    bar touches both a stop and a target, the stop is taken to come first.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> broker = SimulatedBroker(mf.TradingConfig().to_engine_json(["BTC/USD"]))
    >>> broker.snapshot() == SimulatedBroker(mf.TradingConfig().to_engine_json(["BTC/USD"])).snapshot()
    True
    """

    def __init__(self, engine_json: str) -> None:
        self._exchange = _core.SimulatedExchange(engine_json)

    async def settle(self, batch: BarBatch, settlement: Settlement) -> None:
        """Report fills of the open, then fills inside the bar.

        Parameters
        ----------
        batch
            The bars that just closed.
        settlement
            Who is told.
        """
        await self._report(self._exchange.open_phase(batch.ts, batch.rows), settlement)
        while fills := self._exchange.range_phase(batch.ts, batch.rows):
            await self._report(fills, settlement)
        await self._report([], settlement)

    async def _report(self, fills: list[Fill], settlement: Settlement) -> None:
        for fill in fills:
            await settlement.fill(fill)
        while events := await self.answers():
            await settlement.event(events)

    async def submit(self, intents: list[Intent]) -> None:
        """Hand orders to the exchange.

        Parameters
        ----------
        intents
            Orders to send or withdraw.
        """
        for intent in intents:
            self._exchange.submit(intent)

    async def answers(self) -> list[BrokerEvent]:
        """Order events since the last call.

        Returns
        -------
        list of BrokerEvent
            In the order in which they happened.
        """
        return self._exchange.drain_events()

    def snapshot(self) -> bytes:
        """State of the exchange: open orders and positions.

        Returns
        -------
        bytes
            For :meth:`restore`.
        """
        return self._exchange.snapshot()

    def restore(self, state: bytes) -> None:
        """Take up a state.

        Parameters
        ----------
        state
            Bytes of :meth:`snapshot`.

        Raises
        ------
        LedgerError
            When the bytes are damaged or of another version.
        """
        self._exchange.restore(state)
