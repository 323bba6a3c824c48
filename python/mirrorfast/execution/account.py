"""One account at one venue, put together: venue, gates, book, broker, comparison, and what watches over them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mirrorfast.errors import ExchangeError, MirrorfastError
from mirrorfast.execution.book import Book
from mirrorfast.execution.ccxt_broker import CcxtBroker
from mirrorfast.execution.desk import Closed
from mirrorfast.execution.gates import Gates
from mirrorfast.execution.reconcile import Reconciler
from mirrorfast.execution.user_stream import UserStream
from mirrorfast.execution.venue import TradingVenue
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from decimal import Decimal

    from pydantic import SecretStr

    from mirrorfast.config.data import DataConfig
    from mirrorfast.config.execution import ExecutionConfig
    from mirrorfast.execution.control import KillSwitch
    from mirrorfast.execution.loop import TradingLoop
    from mirrorfast.ledger import RunWriter

__all__ = ["LiveAccount"]

_log = get_logger(__name__)
_WATCH_S: Final = 0.25


class LiveAccount:
    """An account that a trading loop trades on.

    Parameters
    ----------
    exchange
        ccxt's name, or a ccxt exchange.
    data, config
        Fetching and execution settings.
    writer
        The run's journal, begun or resumed.
    symbols
        Names in the engine's order.
    interval_ms
        Step of the bars.
    switch
        The kill switch.
    key, secret, password
        Of the account.
    accept_drift
        Take the account's balances and positions as they are: a person has looked at them.
    protect
        Whether positions are to have a protective stop at all.
    """

    def __init__(
        self,
        exchange: Any,
        data: DataConfig,
        config: ExecutionConfig,
        writer: RunWriter,
        *,
        symbols: Sequence[str],
        interval_ms: int,
        switch: KillSwitch | None = None,
        key: SecretStr | None = None,
        secret: SecretStr | None = None,
        password: SecretStr | None = None,
        accept_drift: bool = False,
        protect: bool = False,
    ) -> None:
        self.config, self.symbols, self.writer = config, list(symbols), writer
        self.venue = TradingVenue(exchange, data, config, key=key, secret=secret, password=password, pro=config.stream)
        self._accept, self._protect = accept_drift, protect
        self._interval = interval_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._bare: dict[str, float] = {}
        self.gates = Gates(config, lambda: _reason(switch), monotonic=self.venue.monotonic, alarm=self._alarm)
        self.book = Book(self.venue.contracts)
        self.broker: CcxtBroker
        self.reconciler: Reconciler

    def _alarm(self, kind: str, message: str, details: dict[str, Any]) -> None:
        self.broker.desk.notice(kind, message, "error", **details)

    async def open(self, state: bytes | None) -> None:
        """Ask the venue for time, markets and balances, and make the broker.

        Parameters
        ----------
        state
            The broker's part of the checkpoint that the run goes on from; `None` for a new run.

        Raises
        ------
        ConfigurationError
            When a symbol is not there.
        ExchangeError
            When the venue cannot be asked, or refuses the key.
        """
        await self.venue.open(self.symbols)
        await self.venue.balances()  # a key that does not work shows here, before anything else
        self.broker = self._made_broker()
        self.broker.restore(state or b"")
        self.reconciler = Reconciler(self.broker, self.gates, accept_drift=self._accept)

    def _made_broker(self) -> CcxtBroker:
        return CcxtBroker(
            self.venue,
            self.writer,
            self.gates,
            self.book,
            self.config,
            symbols=self.symbols,
            interval_ms=self._interval,
        )

    async def reconcile(self, loop: TradingLoop) -> None:
        """Bring the book up to the venue before anything is decided, and start watching.

        Parameters
        ----------
        loop
            The trading loop, whose broker this account's is.

        Raises
        ------
        ExchangeError
            When the venue does not say how things stand.
        """
        await self.reconciler.at_start(loop.settle_now)
        self._tasks = [
            self._forever("poll", self._poll),
            self._forever("reconcile", self._compare),
            self._forever("watch", self._watch),
        ]
        if self.config.stream:
            stream = UserStream(self.venue, self.symbols, self.broker.poke, self._reconnected)
            self._tasks.append(self._forever("stream", stream.run))

    def _forever(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def supervised() -> None:
            while True:
                try:
                    await work()
                except MirrorfastError as error:
                    _log.warning("task_failed", task=name, error=str(error))
                except Exception:  # noqa: BLE001 - a watcher must not die of one surprise
                    _log.exception("task_failed", task=name)
                    self.broker.desk.notice("internal", f"task {name} failed", "critical")
                await asyncio.sleep(_WATCH_S)

        return asyncio.get_running_loop().create_task(supervised(), name=name)

    async def _poll(self) -> None:
        await asyncio.sleep(self.config.poll_s)
        await self.venue.client.synchronise()
        self.broker.poke()

    async def _compare(self) -> None:
        await asyncio.sleep(self.config.reconcile_s)
        await self.reconciler.compare()

    async def _reconnected(self) -> None:
        self.broker.poke()
        await self.broker.settled()
        await self.reconciler.compare()

    async def _watch(self) -> None:
        """Have a position that is without its stop for too long closed: the engine hears that its stop was refused."""
        if not self._protect:
            return
        now = self.venue.monotonic()
        for number, symbol in enumerate(self.symbols):
            contract = self.venue.contracts[symbol]
            held = self.book.held(symbol)
            if contract.is_dust(held, self.broker.desk.prices.get(symbol)) or self.broker.protected(symbol):
                self._bare.pop(symbol, None)
                continue
            since = self._bare.setdefault(symbol, now)
            if now - since < self.config.unprotected_s:
                continue
            self._bare[symbol] = now
            self.gates.quarantine(symbol, "unprotected", "a position is without its protective stop")
            last = self.writer.last_order(symbol, "stop_loss")
            if last is not None:
                self.broker.desk.report(
                    Closed(
                        last["id"], last["attempt"], number, "rejected", "the position was without its stop too long"
                    )
                )

    @property
    def external(self) -> dict[str, Decimal]:
        """What of the account is not ours, by asset (spot) or symbol; empty before it was looked at."""
        return {name: amount for name, amount in (self.broker.baseline or {}).items() if amount}

    async def drain(self) -> bool:
        """Take no entries any more, settle what is under way, and withdraw what the settings say.

        Returns
        -------
        bool
            Whether everything was settled in time.
        """
        self.gates.draining = True
        try:
            async with asyncio.timeout(self.config.drain_s):
                if self.config.on_stop == "cancel":
                    for order in self.broker.working():
                        self.broker.lanes[order.request.symbol].cancel(order.request.order, "operator")
                else:
                    self.broker.poke()
                await self.broker.settled()
        except TimeoutError:
            _log.error("not_settled", orders=[o.request.client_id for o in self.broker.working()])
            return False
        return True

    async def check(self) -> dict[str, str]:
        """Tell what the account has, for a person to compare.

        Returns
        -------
        dict of str to str
            Balance by asset.

        Raises
        ------
        ExchangeError
            When the venue does not say.
        """
        try:
            balances = await self.venue.balances()
        except ExchangeError as error:
            raise ExchangeError(f"{self.venue.name}: the account cannot be asked: {error}") from error
        return {asset: format(total, "f") for asset, total in sorted(balances.items()) if total}

    async def aclose(self) -> None:
        """Stop everything; what is under way stays as it is in the journal."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "broker"):
            await self.broker.aclose()
        await self.venue.aclose()


def _reason(switch: KillSwitch | None) -> str:
    halted = None if switch is None else switch.halted
    return "" if halted is None else halted.sentence
