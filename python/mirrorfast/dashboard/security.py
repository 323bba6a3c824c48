"""Who may look, and from where: token, sessions, Host and Origin, and the headers of every answer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Sessions", "is_loopback"]

#: Everything comes from here, nothing is inline, and the page cannot be framed; scripts cannot write HTML at all.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types"
)
_HEADERS: Final = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not no-referrer: a form then says that its origin is null.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
]
_DAY_S: Final = 86_400.0
_LEAST_TOKEN: Final = 12


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in ("127.0.0.1", "::1", "localhost")


class Sessions:
    """The token, and the sessions of those who have shown it.

    Parameters
    ----------
    token
        What a person must show once; at least 12 characters.
    clock
        Seconds that only go on.
    most
        Sessions that are kept; the oldest goes.

    Raises
    ------
    ParameterError
        When the token is too short to be one.
    """

    def __init__(self, token: str, *, clock: Callable[[], float] = time.monotonic, most: int = 64) -> None:
        if len(token) < _LEAST_TOKEN:
            raise ParameterError(f"dashboard token of {len(token)} characters: expected at least {_LEAST_TOKEN}")
        self._token = hashlib.sha256(token.encode()).digest()
        self._clock, self._most = clock, most
        self._until: dict[bytes, float] = {}
        self._wrong: list[float] = []

    def is_token(self, text: str) -> bool:
        """Whether a text is the token, in the same time whatever it is."""
        return hmac.compare_digest(hashlib.sha256(text.encode()).digest(), self._token)

    def login(self, text: str) -> str | None:
        """Start a session for whoever shows the token; None for another text.

        Raises
        ------
        PermissionError
            After ten wrong ones in a minute: nothing is looked at until that minute is over.
        """
        now = self._clock()
        self._wrong = [at for at in self._wrong if now - at < 60]
        if len(self._wrong) >= 10:
            raise PermissionError("too many wrong tokens")
        if not self.is_token(text):
            self._wrong.append(now)
            return None
        session = secrets.token_urlsafe(32)
        self._until = {key: until for key, until in self._until.items() if until > now}
        while len(self._until) >= self._most:
            del self._until[next(iter(self._until))]
        self._until[hashlib.sha256(session.encode()).digest()] = now + _DAY_S / 2
        return session

    def knows(self, session: str) -> bool:
        """Whether a session is one of ours and not over."""
        return self._until.get(hashlib.sha256(session.encode()).digest(), 0.0) > self._clock()

    def logout(self, session: str) -> None:
        """End a session."""
        self._until.pop(hashlib.sha256(session.encode()).digest(), None)


class Guard:
    """Middleware that refuses foreign hosts (400), tokens in addresses (401) and foreign origins (403).

    Parameters
    ----------
    app
        What it guards.
    sessions
        Knows the token.
    hosts
        ``host:port`` by which this server may be called.
    origins
        Origins that may post and open streams.
    """

    def __init__(self, app: ASGIApp, *, sessions: Sessions, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = frozenset(h.lower() for h in hosts)
        self._origins = frozenset(o.lower() for o in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, with_headers)
            return
        status, text = refusal
        kind = "http" if scope["type"] == "http" else "websocket.http"
        head = [(b"content-type", b"text/plain; charset=utf-8")]
        await with_headers({"type": f"{kind}.response.start", "status": status, "headers": head})
        await send({"type": f"{kind}.response.body", "body": text.encode()})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        host = [v.decode("latin-1").lower() for v in headers.get(b"host", [])]
        if len(host) != 1 or host[0] not in self._hosts:
            return 400, "unknown host: open the address that mirrorfast printed"
        for _, value in parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True):
            if self._sessions.is_token(value):
                return 401, "a token in an address ends up in histories and logs: enter it on the page instead"
        if any(self._sessions.is_token(part) for part in scope["path"].split("/")):
            return 401, "a token in an address ends up in histories and logs: enter it on the page instead"
        origin = [v.decode("latin-1").lower() for v in headers.get(b"origin", [])]
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if changes and any(o not in self._origins for o in origin):
            return 403, "foreign origin"
        if changes and not origin and b"authorization" not in headers:
            # Browsers always say where a post or a stream comes from; other programs show the token each time.
            return (403, "no origin") if b"cookie" in headers else (401, "expected the token")
        return None


def origins_of(hosts: Iterable[str], public: Iterable[str]) -> tuple[set[str], set[str]]:
    """Work out hosts and origins from the addresses of the socket and those of a proxy before it.

    Raises
    ------
    ParameterError
        When a proxy's address is none.
    """
    names = set(hosts)
    origins = {f"http://{name}" for name in names}
    for address in public:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
            raise ParameterError(f"origin {address!r}: expected a form such as https://desk.example.org")
        names.add(parts.netloc)
        origins.add(f"{parts.scheme}://{parts.netloc}")
    return names, origins
