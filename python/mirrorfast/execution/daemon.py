"""The daemon that trades with money: a trading system whose orders go to a venue, behind every check there is."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from mirrorfast.errors import ConfigurationError
from mirrorfast.execution.account import LiveAccount
from mirrorfast.ledger.instance import account_lock
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import SecretStr

    from mirrorfast.config import TradingConfig
    from mirrorfast.execution.control import KillSwitch
    from mirrorfast.ledger import RunWriter

__all__ = ["ExecutionDaemon", "account_name"]

_log = get_logger(__name__)


class _System(Protocol):
    """What the daemon needs of an `IntegratedTradingSystem`."""

    config: TradingConfig
    symbols: list[str]
    interval: str

    def trade_on(self, account: Callable[..., LiveAccount]) -> None: ...

    def run(self, *, watch: Any = None) -> Any: ...

    def stop(self) -> None: ...


def account_name(exchange: str, key: SecretStr) -> str:
    """Name an account so that a person can confirm it without showing its key.

    Parameters
    ----------
    exchange
        ccxt's name.
    key
        API key.

    Returns
    -------
    str
        Eight hexadecimal digits, the same for the same venue and key.

    Examples
    --------
    >>> from pydantic import SecretStr
    >>> account_name("binance", SecretStr("abc"))
    '9afe8c67'
    """
    return hashlib.sha256(f"{exchange}\x00{key.get_secret_value()}".encode()).hexdigest()[:8]


class ExecutionDaemon:
    """Trades a system's decisions with real money at one account of one venue.

    Parameters
    ----------
    system
        An `IntegratedTradingSystem` with a live feed; its configuration's ``execution`` says how orders are sent.
    exchange
        ccxt's name of the venue.
    key, secret, password
        Of the account.
    account
        Name of the account (`account_name`), which says that whoever starts this means that account and its money.
    accept_drift
        Take the account's balances and positions as they are: a person has looked at a difference.
    locks
        Folder of the locks of accounts; the user's own by default.

    Raises
    ------
    ConfigurationError
        When `account` is another one, or the system has no live feed.

    Notes
    -----
    Before the first decision the book is brought up to the venue: every order of the journal whose end is not known is
    looked for, its fills are booked, what is not ours is shown and left alone. A difference that nothing explains
    quarantines the symbol. SIGTERM and Ctrl-C settle what is under way and end the process with 0; the run goes on
    under the same name.

    Examples
    --------
    >>> from pydantic import SecretStr
    >>> key = SecretStr("abc")
    >>> ExecutionDaemon(system=None, exchange="binance", key=key, secret=key, account="mine")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mirrorfast.errors.ConfigurationError: account = 'mine': the key in use is that of account ...
    """

    def __init__(
        self,
        system: _System,
        *,
        exchange: str,
        key: SecretStr,
        secret: SecretStr,
        account: str,
        password: SecretStr | None = None,
        accept_drift: bool = False,
        locks: Path | None = None,
    ) -> None:
        expected = account_name(exchange, key)
        if account != expected:
            raise ConfigurationError(
                f"account = {account!r}: the key in use is that of account {expected!r} of {exchange}; to trade there "
                f"with real money, say --i-understand-the-risk {expected}"
            )
        self._system = system
        self._exchange, self._account = exchange, account
        self._keys = (key, secret, password)
        self._accept = accept_drift
        self._locks = locks
        self.live: LiveAccount | None = None
        system.trade_on(self._made)

    def _made(self, system: _System, writer: RunWriter, switch: KillSwitch) -> LiveAccount:
        from mirrorfast.data.timeframes import interval_ms

        key, secret, password = self._keys
        self.live = LiveAccount(
            self._exchange,
            system.config.data,
            system.config.execution,
            writer,
            symbols=system.symbols,
            interval_ms=interval_ms(system.interval),
            switch=switch,
            key=key,
            secret=secret,
            password=password,
            accept_drift=self._accept,
            protect=system.config.risk.stop.kind != "none",
        )
        return self.live

    def start(self, *, watch: Any = None) -> Any:
        """Trade until the feed ends, or until SIGTERM or Ctrl-C.

        Parameters
        ----------
        watch
            As for `IntegratedTradingSystem.run`.

        Returns
        -------
        RunSummary
            How it went.

        Raises
        ------
        LedgerError
            When another process trades on this account, or has this run or ledger.
        ExchangeError
            When the venue refuses the key, or does not say how things stand.
        """
        with ExitStack() as stack:
            stack.enter_context(
                account_lock(self._exchange, self._account, "mf", folder=self._locks, on_lost=self._lost)
            )
            return self._system.run(watch=watch)

    def _lost(self, reason: str) -> None:
        """Somebody else may trade on the account now: better nobody does."""
        _log.critical("account_lock_lost", reason=reason)
        self._system.stop()

    def stop(self) -> None:
        """Ask the daemon to settle what is under way and to end."""
        self._system.stop()
