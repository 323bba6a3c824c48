"""Make a ccxt client talk to the simulator."""

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from mirrorfast.simulator.server import Simulator

__all__ = ["connect"]

T = TypeVar("T")


def connect(exchange_class: "Callable[[dict[str, Any]], T]", server: "Simulator | str", **config: Any) -> T:
    """Make a ccxt client whose URLs lead to the simulator.

    ccxt chooses some of Binance's error tables by the beginning of a URL, so a few errors come as another class than on
    the real venue; with `unpatched` they do not.

    Parameters
    ----------
    exchange_class : type
        A class of ``ccxt.async_support`` or ``ccxt.pro``.
    server : Simulator or str
        The venue, or its address such as ``"http://127.0.0.1:8000"``.
    **config
        What the class takes: ``apiKey``, ``secret``, ``options`` ….

    Returns
    -------
    ccxt.async_support.Exchange
        The client; close it with ``await client.close()``.

    Examples
    --------
    >>> import asyncio
    >>> import ccxt.async_support as ccxt
    >>> from mirrorfast.simulator import Simulator
    >>> async def markets():
    ...     async with Simulator() as venue:
    ...         client = connect(ccxt.binance, venue, options={"fetchMarkets": {"types": ["spot"]}})
    ...         try:
    ...             return sorted(await client.load_markets())
    ...         finally:
    ...             await client.close()
    >>> asyncio.run(markets())
    ['BTC/USDT', 'EUR/USDT']
    """
    base = server if isinstance(server, str) else server.url
    client: Any = exchange_class(config)
    client.urls["api"] = _rewritten(client.urls["api"], base.rstrip("/"), getattr(client, "hostname", None))
    if not isinstance(server, str) and server.clock.differs:
        # A venue whose time runs otherwise refuses timestamps of the wall clock.
        client.milliseconds = server.clock.reported
    return client  # type: ignore[no-any-return]


def _rewritten(value: Any, base: str, hostname: str | None) -> Any:
    if isinstance(value, dict):
        return {key: _rewritten(item, base, hostname) for key, item in value.items()}
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value.replace("{hostname}", hostname or ""))
    address = base.partition("://")[2]
    scheme = {"https": "http", "http": "http", "wss": "ws", "ws": "ws"}[parts.scheme]
    if base.startswith("https"):
        scheme += "s"
    # The production host stays visible as the first part of the path.
    return f"{scheme}://{address}/{parts.hostname}{parts.path}"
