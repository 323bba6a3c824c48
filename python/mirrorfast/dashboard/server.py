"""The dashboard's server: a thread with a loop of its own, which reads a source and tells all viewers."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from mirrorfast.dashboard.hub import Hub
from mirrorfast.dashboard.logs import LogTail
from mirrorfast.dashboard.security import Guard, Sessions, is_loopback, origins_of
from mirrorfast.errors import ConfigurationError, MirrorfastError, ParameterError
from mirrorfast.telemetry import get_logger, register_secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from mirrorfast.dashboard.control import Control
    from mirrorfast.dashboard.view import RunView

__all__ = ["DashboardServer", "Source", "dashboard_token"]

_log = get_logger(__name__)
#: Seconds between a failed look at the source and the next.
_RETRY_S: Final = 1.0
#: Seconds that viewers have for the last update.
_GOODBYE_S: Final = 0.2


class Source(Protocol):
    """Where a dashboard's events come from."""

    @property
    def view(self) -> RunView:
        """The fold of what has come so far."""

    def poll(self) -> None:
        """Fold what is new; called in a thread of the server's own."""

    def close(self) -> None:
        """Nobody looks any more."""


def dashboard_token() -> tuple[str, bool]:
    """Find the token: the secret ``dashboard.token`` where it is set, else a new one.

    Returns
    -------
    tuple of str and bool
        The token, and whether it was made here, so that somebody has to be told.

    Examples
    --------
    >>> token, made = dashboard_token()
    >>> len(token) >= 12
    True
    """
    from mirrorfast.credentials import get_secret

    try:
        return get_secret("dashboard.token").get_secret_value(), False
    except ConfigurationError as error:
        if "is not set" not in str(error):
            raise
    token = secrets.token_urlsafe(18)
    register_secret(token)
    return token, True


class DashboardServer:
    """Serves the dashboard of one run. Use it as a context manager.

    Parameters
    ----------
    source
        What is shown.
    token
        What a person has to enter once.
    host, port
        Where to listen; port 0 takes a free one.
    origins
        Addresses of a proxy before it, such as ``https://desk.example.org``.
    control
        What halts and resumes.
    controls
        Whether viewers may use it; otherwise they only see whether trading is halted.
    interval
        Seconds between two updates.
    most
        Viewers at a time.

    Raises
    ------
    ConfigurationError
        When starlette, uvicorn or websockets is not installed, or nobody can listen there.
    ParameterError
        When a number is outside its range, the token too short, or an origin none.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> from mirrorfast.dashboard import DashboardServer, LedgerSource
    >>> from mirrorfast.ledger import Ledger
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bars = mf.sample_bars(["BTC/USD"]).head(300)
    ...     summary = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=bars, run="demo").run()
    ...     with Ledger.open(summary.ledger) as ledger:
    ...         with DashboardServer(LedgerSource(ledger, "demo"), token="correct horse battery", port=0) as server:
    ...             server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        source: Source,
        *,
        token: str,
        host: str = "127.0.0.1",
        port: int = 8765,
        origins: Sequence[str] = (),
        control: Control | None = None,
        controls: bool = False,
        interval: float = 0.1,
        most: int = 300,
    ) -> None:
        if not 0.01 <= interval <= 1:
            raise ParameterError(f"interval = {interval!r}: expected 0.01 to 1 second")
        if not 0 <= port <= 65_535:
            raise ParameterError(f"port = {port!r}: expected 0 to 65535")
        try:
            import starlette  # noqa: F401
            import uvicorn  # noqa: F401
            import websockets  # noqa: F401
        except ImportError as error:
            raise ConfigurationError(
                f"the dashboard needs {error.name}: pip install 'mirrorfast[dashboard]'"
            ) from error
        self._source, self._control, self._interval, self._most = source, control, interval, most
        self._controls = controls
        self._sessions = Sessions(token)
        self._port, self._origins = port, tuple(origins)
        origins_of((), self._origins)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._server: Any = None
        self._logs = LogTail()
        self._failed: BaseException | None = None
        self._closing = False
        self.host = host
        self.ended = threading.Event()
        self.hub: Hub | None = None

    @property
    def url(self) -> str:
        """Where it is.

        Returns
        -------
        str
            Address without a token: that is entered on the page.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self._port}/"

    def start(self) -> Self:
        """Listen, and serve from a thread.

        Returns
        -------
        DashboardServer
            Itself, ready for viewers.

        Raises
        ------
        ConfigurationError
            When nobody can listen there.
        """
        import uvicorn

        from mirrorfast.dashboard.app import make_app

        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.host, self._port))
            listening.listen(512)
        except OSError as error:
            listening.close()
            raise ConfigurationError(
                f"dashboard at {self.host}:{self._port}: {error.strerror}; choose another port"
            ) from error
        self._socket, self._port = listening, listening.getsockname()[1]
        self.hub = Hub()
        app = make_app(
            self.hub,
            self._sessions,
            cookie=f"mirrorfast_{self._port}",
            secure=bool(self._origins) and all(o.startswith("https:") for o in self._origins),
            confirmations=self._confirmations(),
            most=self._most,
        )
        names = (
            {"127.0.0.1", "localhost", "[::1]"}
            if is_loopback(self.host)
            else {self.url.split("/")[2].rsplit(":", 1)[0]}
        )
        hosts, origins = origins_of((f"{name}:{self._port}" for name in names), self._origins)
        guarded = Guard(app, sessions=self._sessions, hosts=hosts, origins=origins)
        # The sans-I/O protocol waits for the socket before it takes more; compression would cost a state a viewer.
        config = uvicorn.Config(
            guarded,
            log_config=None,
            # Its lines name whole addresses, and denied handshakes twice.
            log_level="critical",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=4_096,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._logs.start()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._main, args=(ready,), name="mirrorfast-dashboard", daemon=True)
        self._thread.start()
        ready.wait()
        if self._failed is not None:
            failed = self._failed
            self.stop()
            raise failed
        return self

    def _confirmations(self) -> Any:
        if self._control is None or not self._controls:
            return None
        from mirrorfast.dashboard.control import Confirmations

        return Confirmations(self._control, self._source.view.name)

    def stop(self) -> None:
        """Say goodbye to all viewers and end the thread. Calling it twice is harmless."""
        self._closing = True
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        self._logs.stop()
        self._source.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ the server's own thread

    def _main(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, or to the log
            self._failed = error
            if ready.is_set():
                _log.error("dashboard_ended", error=str(error))
        finally:
            self._source.close()
            self.ended.set()
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        # What there is already is shown from the first moment on.
        await asyncio.to_thread(self._source.poll)
        self._publish()
        pumping = asyncio.create_task(self._pump())
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(0.005)
        ready.set()
        try:
            done, _ = await asyncio.wait({pumping, serving}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._server.should_exit = True
            pumping.cancel()
            await asyncio.wait({pumping, serving})

    async def _pump(self) -> None:
        while True:
            began, closing = time.monotonic(), self._closing
            try:
                await asyncio.to_thread(self._source.poll)
            except MirrorfastError as error:
                # A ledger that cannot be read now may be readable soon; viewers see that it is not.
                self._source.view.health("journal", "error", str(error))
                self._publish()
                if closing:
                    return
                await asyncio.sleep(_RETRY_S)
                continue
            self._publish()
            if closing:
                # Whoever keeps up sees the end of the run.
                assert self.hub is not None  # noqa: S101 - made before the thread
                self.hub.close()
                await asyncio.sleep(_GOODBYE_S)
                return
            await asyncio.sleep(max(0.005, self._interval - (time.monotonic() - began)))

    def _publish(self) -> None:
        assert self.hub is not None  # noqa: S101 - made before the thread
        view = self._source.view
        self._logs.drain(view)
        allowed = self._control is not None and self._controls
        state = self._control.status() if self._control is not None else {"halted": None}
        view.control({"allowed": allowed, **state})
        view.health("dashboard", "ok", f"{len(self.hub.viewers)} viewing")
        view.tick(int(time.time()))
        self.hub.publish(view.flush())
