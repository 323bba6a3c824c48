"""Reach the simulator by the production URLs: names resolved to loopback, and a certificate authority for one run.

A ccxt client used like this is byte for byte the one that talks to the real venue. It needs the package ``trustme``
(in the extra ``test``).
"""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    from mirrorfast.simulator.server import Simulator

__all__ = ["HOSTS", "Authority", "Loopback", "unpatched"]

HOSTS: Final = ("*.binance.com", "api.kraken.com", "api.bybit.com", "www.okx.com", "localhost")
"""Production hosts that the certificate is for."""

T = TypeVar("T")


class Authority:
    """A throw-away certificate authority with a certificate for the production hosts.

    Examples
    --------
    >>> authority = Authority()
    >>> authority.client().verify_mode.name
    'CERT_REQUIRED'
    """

    def __init__(self) -> None:
        import trustme

        self._authority = trustme.CA()
        self._certificate = self._authority.issue_cert(*HOSTS)

    def server(self) -> ssl.SSLContext:
        """Context for `Simulator.start`."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._certificate.configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """Context that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context


class Loopback(AbstractResolver):
    """Resolves every name to one loopback port.

    Parameters
    ----------
    port : int
        The port, whatever port a URL names.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - the resolver's interface
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        """Tell the address of a name: always ours."""
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Release nothing."""


@asynccontextmanager
async def unpatched(
    exchange_class: Callable[[dict[str, Any]], T], server: "Simulator", authority: Authority, **config: Any
) -> AsyncIterator[T]:
    """Make a ccxt client with its production URLs, and close it at the end.

    Parameters
    ----------
    exchange_class : type
        A class of ``ccxt.async_support`` or ``ccxt.pro``.
    server : Simulator
        A venue that was started with ``tls=authority.server()``.
    authority : Authority
        The authority.
    **config
        What the class takes.

    Yields
    ------
    ccxt.async_support.Exchange
        The client.

    Examples
    --------
    >>> import asyncio
    >>> import ccxt.async_support as ccxt
    >>> from mirrorfast.simulator import Simulator
    >>> async def ask():
    ...     authority = Authority()
    ...     async with await Simulator(start=1_512_000_000_000, speed=0).start(tls=authority.server()) as venue:
    ...         async with unpatched(ccxt.binance, venue, authority) as client:
    ...             return client.urls["api"]["public"], await client.fetch_time()
    >>> asyncio.run(ask())
    ('https://api.binance.com/api/v3', 1512000000000)
    """
    connector = aiohttp.TCPConnector(resolver=Loopback(server.port), ssl=authority.client())
    async with aiohttp.ClientSession(connector=connector) as session:
        client: Any = exchange_class({**config, "session": session})
        if server.clock.differs:
            client.milliseconds = server.clock.reported
        try:
            yield client
        finally:
            await client.close()
