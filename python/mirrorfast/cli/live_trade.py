"""`mirrorfast live --mode live`: real orders."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from mirrorfast.cli.live import plain_summary, print_summary, watching
from mirrorfast.cli.live_feed import LiveMarket
from mirrorfast.cli.monitor import Monitor
from mirrorfast.cli.options import console, print_json
from mirrorfast.errors import ConfigurationError, ParameterError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from mirrorfast.cli.live_watchers import Watchers
    from mirrorfast.config import TradingConfig
    from mirrorfast.rl.policy import Policy

__all__ = ["trade"]


def trade(
    exchange: str,
    cfg: TradingConfig,
    symbols: str | None,
    timeframe: str | None,
    *,
    stream: bool,
    limit: int | None,
    pace: float | None,
    run: str | None,
    json_: bool,
    account: str | None,
    accept: bool,
    policy: Policy | None,
    metrics: str | None,
    watchers: Watchers,
) -> None:
    """Trade with real money; the arguments are the command's.

    Raises
    ------
    ConfigurationError
        When the account is not named, or another one, or a secret is missing.
    ParameterError
        When it is not said what is traded.
    """
    from mirrorfast.execution.daemon import ExecutionDaemon, account_name

    if exchange != "simulator" and not cfg.execution.sandbox:
        raise ConfigurationError(
            f"--exchange {exchange}: real accounts are closed in this release, as random kills under random faults "
            "still end with a difference between book and account (docs/faults.md, B6); expected --exchange simulator, "
            "or execution.sandbox = true for the venue's test network"
        )
    key, secret = _keys(exchange)
    venue = "binance" if exchange == "simulator" else exchange
    expected = account_name(venue, key)
    if account != expected:
        said = "" if account is None else f"--i-understand-the-risk {account}: "
        raise ConfigurationError(
            f"{said}this trades with the money of account {expected} of {exchange}; if that is what you want, say "
            f"--i-understand-the-risk {expected}"
        )
    wanted = tuple(s.strip() for s in symbols.split(",") if s.strip()) if symbols is not None else cfg.symbols
    if not wanted:
        raise ParameterError("--symbols: expected what is traded; with real money nothing is chosen for you")
    frame = timeframe or ("1h" if cfg.timeframe == "auto" else cfg.timeframe)
    screen = console()
    with (
        LiveMarket(exchange, cfg, wanted, frame, stream=stream, limit=limit, pace=pace) as market,
        ExitStack() as stack,
    ):
        monitor = None if metrics is None else Monitor(stack, metrics)
        market.meter = None if monitor is None else monitor.data
        system = market.system(run, policy=policy, contracts=True)
        watchers.health, watchers.reconnects = market.health, market.reconnects
        watch = watching(stack, None if json_ else screen, cfg, watchers)
        if monitor is not None:
            watch = monitor.watching(watch)
        daemon = ExecutionDaemon(
            system, exchange=market.venue, key=key, secret=secret, account=expected, accept_drift=accept
        )
        summary = daemon.start(watch=watch)
    if json_:
        print_json(plain_summary(summary))
    else:
        print_summary(screen, summary, exchange, live=True)


def _keys(exchange: str) -> tuple[SecretStr, SecretStr]:
    from pydantic import SecretStr

    if exchange == "simulator":
        from mirrorfast.simulator.account import KEY, SECRET

        return SecretStr(KEY), SecretStr(SECRET)
    from mirrorfast.credentials import get_secret

    return (
        SecretStr(get_secret(f"{exchange}.api_key").get_secret_value()),
        SecretStr(get_secret(f"{exchange}.api_secret").get_secret_value()),
    )
