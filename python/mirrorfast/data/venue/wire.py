"""The plain way to a venue: ccxt's connections, and answers as the bytes that came."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Reply", "Wire"]

# Settings that send ccxt's requests another way than straight to the venue; then they go by ccxt's own code.
_STEMS: Final = (
    "proxyUrl", "proxy_url", "httpProxy", "http_proxy", "httpsProxy", "https_proxy", "socksProxy", "socks_proxy",
)  # fmt: skip
_PROXIES: Final = (
    *(name for stem in _STEMS for name in (stem, f"{stem}Callback", f"{stem}_callback")),
    "aiohttp_proxy",
    "aiohttp_trust_env",
    "verbose",
)
_LARGEST: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came.

    Attributes
    ----------
    status, reason, url, headers
        Of it.
    content
        Its body, still compressed if the venue compressed it.
    """

    status: int
    reason: str
    url: str
    headers: dict[str, str]
    content: bytes

    def body(self) -> bytes:
        """Give the body as it was before compression; empty where that cannot be told.

        Returns
        -------
        bytes
            The body.

        Examples
        --------
        >>> Reply(200, "OK", "", {"Content-Encoding": "gzip"}, zlib.compress(b"[]", wbits=31)).body()
        b'[]'
        """
        coding = next((v.lower() for k, v in self.headers.items() if k.lower() == "content-encoding"), "")
        if coding not in ("gzip", "deflate"):
            return self.content
        for form in (47, -15):  # gzip or zlib by its header; or bare, as some send what they call deflate
            expander = zlib.decompressobj(form)
            try:
                plain = expander.decompress(self.content, _LARGEST)
            except zlib.error:
                continue
            if expander.eof:
                return plain
        return b""

    def text(self) -> str:
        """Give the body as text.

        Returns
        -------
        str
            Its UTF-8; what is none is replaced.
        """
        return self.body().decode("utf-8", "replace")


class Wire:
    """Sends requests over an exchange's own connections, without ccxt's reading of the answer."""

    def __init__(self) -> None:
        self._session: Any = None
        self._over: Any = None
        self._straight: bool | None = None

    def usable(self, exchange: Any) -> bool:
        """Tell whether an exchange's requests go straight to the venue.

        Parameters
        ----------
        exchange
            A ccxt exchange.

        Returns
        -------
        bool
            False where proxies were set before its first request: ccxt knows how to deal with them.
        """
        if self._straight is None:
            self._straight = not any(getattr(exchange, name, None) for name in _PROXIES)
        return self._straight

    async def get(self, exchange: Any, url: str, headers: dict[str, str] | None) -> Reply:
        """Ask.

        Parameters
        ----------
        exchange
            Whose connections, headers and patience are used.
        url, headers
            As ccxt has signed them.

        Returns
        -------
        Reply
            The answer, of any status.

        Raises
        ------
        ccxt.RequestTimeout, ccxt.ExchangeNotAvailable
            As ccxt says it when no answer came.
        """
        import aiohttp
        import ccxt
        import yarl

        session = self._open(exchange)
        patience = exchange.timeout / 1_000
        limits = aiohttp.ClientTimeout(total=patience, sock_connect=patience, sock_read=patience)
        try:
            async with session.get(
                yarl.URL(url, encoded=True), headers=exchange.prepare_request_headers(headers), timeout=limits
            ) as response:
                content = await response.read()
                return Reply(response.status, response.reason or "", url, dict(response.headers), content)
        except TimeoutError as error:
            raise ccxt.RequestTimeout(f"{exchange.id} GET {url}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ccxt.ExchangeNotAvailable(f"{exchange.id} GET {url}: {type(error).__name__}") from error

    def _open(self, exchange: Any) -> Any:
        import aiohttp

        exchange.open(True)
        if self._session is None or self._session.closed or self._over is not exchange.session:
            # The same connections; only that a body is decompressed by whoever reads it, and not on the event loop.
            self._over = exchange.session
            self._session = aiohttp.ClientSession(
                connector=exchange.session.connector, connector_owner=False, auto_decompress=False,
                cookie_jar=exchange.session.cookie_jar,
            )  # fmt: skip
        return self._session

    async def aclose(self) -> None:
        """Let go of the connections, which stay the exchange's."""
        if self._session is not None:
            await self._session.close()
            self._session = None
