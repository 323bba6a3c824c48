"""`/metrics`, `/health` and `/ready` over HTTP, from a thread of their own: whoever asks never holds up the trading."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

from mirrorfast.errors import ParameterError
from mirrorfast.redaction import masked
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import TracebackType

    from prometheus_client import CollectorRegistry

__all__ = ["Health", "MonitoringServer", "parse_address"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_log = get_logger(__name__)


def parse_address(text: str) -> tuple[str, int]:
    """Read ``PORT`` or ``HOST:PORT``.

    Parameters
    ----------
    text : str
        What a person wrote; a port alone is on loopback.

    Returns
    -------
    tuple of str and int
        Host and port; 0 takes a free one.

    Raises
    ------
    ParameterError
        If it is neither.

    Examples
    --------
    >>> parse_address("9464"), parse_address("0.0.0.0:9464"), parse_address("[::1]:9464")
    (('127.0.0.1', 9464), ('0.0.0.0', 9464), ('::1', 9464))
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536) or (":" in host and not host.startswith("[")):
        raise ParameterError(f"address {text!r}: expected PORT or HOST:PORT, such as 9464 or 0.0.0.0:9464")
    return host.strip("[]") or "127.0.0.1", int(port)


class Health:
    """Named questions with an answer each, on being alive and on being ready.

    Examples
    --------
    >>> health = Health()
    >>> health.ready("first_bar", lambda: "no bar yet")
    >>> health.state("health"), health.state("ready")
    ((True, {}), (False, {'first_bar': 'no bar yet'}))
    """

    def __init__(self) -> None:
        self._checks: dict[str, dict[str, Callable[[], str | None]]] = {"health": {}, "ready": {}}

    def alive(self, name: str, check: Callable[[], str | None]) -> None:
        """Add a question on whose answer a supervisor restarts the process.

        Parameters
        ----------
        name
            Of the question.
        check
            Gives ``None``, or what is wrong. Called from other threads.
        """
        self._checks["health"][name] = check

    def ready(self, name: str, check: Callable[[], str | None]) -> None:
        """Add a question on whose answer a person looks: it is alive, and yet does not trade.

        Parameters
        ----------
        name, check
            As for `alive`.
        """
        self._checks["ready"][name] = check

    def loop(self, loop: asyncio.AbstractEventLoop, *, within_s: float = 5.0) -> None:
        """Ask whether an event loop still takes its turns.

        Parameters
        ----------
        loop
            The loop.
        within_s
            How long it may take.
        """

        def turns() -> str | None:
            done = threading.Event()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                return "the event loop has ended"
            return None if done.wait(within_s) else f"the event loop took no turn within {within_s:g} s"

        self.alive("event_loop", turns)

    def state(self, kind: str) -> tuple[bool, dict[str, str | None]]:
        """Ask.

        Parameters
        ----------
        kind
            ``health``, or ``ready``, which asks both.

        Returns
        -------
        tuple of bool and dict
            Whether nothing is wrong, and the answers by name.
        """
        checks = dict(self._checks["health"]) | (dict(self._checks["ready"]) if kind == "ready" else {})
        answers: dict[str, str | None] = {}
        for name, check in checks.items():
            try:
                answers[name] = check()
            except Exception as error:  # noqa: BLE001 - a question that fails is an answer
                answers[name] = masked(f"{type(error).__name__}: {error}")
        return all(answer is None for answer in answers.values()), answers


class MonitoringServer:
    """Serves a registry while the block runs.

    Parameters
    ----------
    registry
        Of ``prometheus_client``.
    health
        What health and readiness ask.
    host, port
        Where; loopback and a free port by default. ``address`` says which.

    Raises
    ------
    ParameterError
        On entry, when it cannot listen there.

    Notes
    -----
    Only GET; nothing can be changed. The figures tell a stranger what is held and earned, so the server listens on
    loopback unless told otherwise, and on loopback answers only requests for it by that name: a page in a browser
    cannot read it by pointing a name of its own here.

    Examples
    --------
    >>> import urllib.request
    >>> from prometheus_client import CollectorRegistry
    >>> with MonitoringServer(CollectorRegistry()) as server:
    ...     urllib.request.urlopen(server.url + "/health").read()
    b'{"ok": true, "checks": {}}'
    """

    def __init__(
        self, registry: CollectorRegistry, health: Health | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._registry, self._host, self._port = registry, host, port
        self.health = health or Health()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        if self._server is None:
            raise ParameterError("url: expected a server that was started")
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def __enter__(self) -> Self:
        registry, health, local = self._registry, self.health, self._host in _LOOPBACK

        class Handler(_Handler):
            pass

        Handler.registry, Handler.health, Handler.local = registry, health, local
        kind = type("_Server", (_Server,), {"address_family": _family(self._host)})
        try:
            self._server = kind((self._host, self._port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ParameterError(f"monitoring on {self._host}:{self._port}: {reason}") from error
        if not local:
            _log.warning("monitoring_open", host=self._host, reason="whoever reaches this machine reads the figures")
        self._thread = threading.Thread(target=self._server.serve_forever, name="monitoring", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Closing must not wait for somebody who keeps a connection open.
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    health: Health
    local: bool
    server_version = "mirrorfast"
    sys_version = ""
    # Whoever connects and says nothing is dropped.
    timeout = 10

    def do_GET(self) -> None:
        host = self.headers.get("Host", "")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if self.local and name.strip("[]") not in _LOOPBACK:
            self._answer(400, "text/plain", b"unknown host\n")
            return
        path = self.path.partition("?")[0]
        if path == "/metrics":
            from prometheus_client.exposition import choose_encoder

            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            try:
                body = encode(self.registry)
            except Exception as error:  # noqa: BLE001 - a collector's bug must not end the thread silently
                _log.error("metrics_failed", error=f"{type(error).__name__}: {error}")
                self._answer(500, "text/plain", b"the figures cannot be collected\n")
                return
            self._answer(200, kind, body)
        elif path in ("/health", "/ready"):
            good, answers = self.health.state(path[1:])
            document: dict[str, Any] = {"ok": good, "checks": answers}
            self._answer(200 if good else 503, "application/json", json.dumps(document).encode())
        else:
            self._answer(404, "text/plain", b"there are /metrics, /health and /ready\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        _log.debug("monitoring_request", line=format % args)


def _family(host: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET
