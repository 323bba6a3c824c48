"""Pages, login, stream and control: what the server answers."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mirrorfast.dashboard.hub import Hub, Viewer
from mirrorfast.errors import MirrorfastError, ParameterError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request

    from mirrorfast.dashboard.control import Confirmations
    from mirrorfast.dashboard.security import Sessions

__all__ = ["make_app"]

_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_ASSETS: Final = ("app.js", "charts.js", "dom.js", "panels.js", "style.css", "icon.svg")
_LARGEST: Final = 4_096
_NAME_LENGTH: Final = 64


class _Pages:
    def __init__(
        self,
        hub: Hub,
        sessions: Sessions,
        *,
        cookie: str,
        secure: bool,
        confirmations: Confirmations | None,
        most: int,
    ) -> None:
        self._hub, self._sessions, self._confirmations = hub, sessions, confirmations
        self._cookie, self._secure, self._most = cookie, secure, most
        folder = resources.files("mirrorfast.dashboard").joinpath("static")
        self._files = {name: folder.joinpath(name).read_bytes() for name in _ASSETS}
        self._index = folder.joinpath("index.html").read_text("utf-8")
        self._login = folder.joinpath("login.html").read_text("utf-8")

    def _session(self, request: HTTPConnection) -> str | None:
        """Name the session; for a program that shows the token itself, the token's own."""
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._sessions.is_token(text.strip()):
            return "bearer"
        session = request.cookies.get(self._cookie, "")
        return session if session and self._sessions.knows(session) else None

    def _ask(self, status: int, text: str = "") -> HTMLResponse:
        page = self._login.replace("{{message}}", escape(text)).replace("{{hidden}}", "" if text else "hidden")
        return HTMLResponse(page, status_code=status)

    async def index(self, request: Request) -> Response:
        if self._session(request) is None:
            return self._ask(401)
        return HTMLResponse(self._index)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            return PlainTextResponse("not found", status_code=404)
        return Response(self._files[name], media_type=_TYPES[name[name.rindex(".") :]])

    async def login(self, request: Request) -> Response:
        form = await _form(request)
        try:
            session = self._sessions.login(form.get("token", "").strip())
        except PermissionError:
            return self._ask(429, "Too many wrong tokens. Wait a minute.")
        if session is None:
            return self._ask(401, "That is not the token.")
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            self._cookie, session, max_age=43_200, httponly=True, samesite="strict", secure=self._secure, path="/"
        )
        return answer

    async def logout(self, request: Request) -> Response:
        self._sessions.logout(request.cookies.get(self._cookie, ""))
        answer = RedirectResponse("/", status_code=303)
        answer.delete_cookie(self._cookie, path="/", httponly=True, samesite="strict", secure=self._secure)
        return answer

    async def state(self, request: Request) -> Response:
        if self._session(request) is None:
            return JSONResponse({"error": "expected the token"}, status_code=401)
        document = {"epoch": self._hub.epoch, "seq": self._hub.seq, "document": self._hub.document}
        return JSONResponse(document)

    async def control(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return JSONResponse({"error": "expected the token"}, status_code=401)
        if self._confirmations is None:
            return JSONResponse({"error": "read-only: start with --control"}, status_code=403)
        asked = await _json(request)
        try:
            if request.path_params["step"] == "request":
                ticket = self._confirmations.request(_text(asked, "action"), _text(asked, "reason"), session)
                return JSONResponse({"ticket": ticket.id, "phrase": ticket.phrase, "action": ticket.action})
            # The journal is a disk: not on the loop that all viewers share.
            done = await run_in_threadpool(
                self._confirmations.confirm, _text(asked, "ticket"), _text(asked, "phrase"), session
            )
        except ParameterError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except MirrorfastError as error:
            return JSONResponse({"error": str(error)}, status_code=503)
        return JSONResponse({"done": done.action})

    async def stream(self, websocket: WebSocket) -> None:
        session = self._session(websocket)
        if session is None:
            await websocket.send_denial_response(PlainTextResponse("expected the token", status_code=401))
            return
        if len(self._hub.viewers) >= self._most:
            await websocket.send_denial_response(PlainTextResponse("too many viewers", status_code=503))
            return
        await websocket.accept()
        viewer = Viewer(asyncio.Event(), self._hub.first_symbol())
        self._hub.viewers.add(viewer)
        try:
            hello = await asyncio.wait_for(websocket.receive_text(), 10)
            self._greet(viewer, hello)
            listening = asyncio.create_task(self._listen(websocket, viewer))
            try:
                await self._tell(websocket, viewer, listening, session)
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError, WebSocketDisconnect, ValueError):
                    await listening
        except (WebSocketDisconnect, TimeoutError, ValueError):
            with suppress(RuntimeError, WebSocketDisconnect):
                await websocket.close(1008)
        finally:
            self._hub.viewers.discard(viewer)

    def _greet(self, viewer: Viewer, text: str) -> None:
        hello = _object(text)
        self._watch(viewer, hello)
        if viewer.wanted:
            viewer.symbol, viewer.wanted = viewer.wanted, None
        epoch, seq = hello.get("epoch"), hello.get("seq")
        self._hub.greet(
            viewer,
            epoch=epoch if isinstance(epoch, str) else None,
            seq=seq if isinstance(seq, int) and not isinstance(seq, bool) else None,
        )

    def _watch(self, viewer: Viewer, message: dict[str, Any]) -> None:
        symbol = message.get("symbol")
        if isinstance(symbol, str) and symbol in self._hub.document.get("run", {}).get("symbols", []):
            viewer.wanted = symbol

    async def _listen(self, websocket: WebSocket, viewer: Viewer) -> None:
        while True:
            self._watch(viewer, _object(await websocket.receive_text()))
            viewer.wake.set()

    async def _tell(self, websocket: WebSocket, viewer: Viewer, listening: asyncio.Task[None], session: str) -> None:
        while not listening.done():
            viewer.wake.clear()
            text = self._hub.next(viewer)
            if text is None and self._hub.closed:
                await websocket.close(1001)
                return
            if text is None:
                await viewer.wake.wait()
            elif session != "bearer" and not self._sessions.knows(session):
                await websocket.close(4401)
                return
            else:
                # Waits while the viewer's socket is full: that one falls behind, nobody else does.
                await websocket.send_text(text)
        listening.result()


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("expected an object")  # noqa: TRY004 - as json's own
    return value


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise ParameterError(f"{name} = {text!r}: expected text")
    return text


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            raise HTTPException(413, f"expected at most {_LARGEST} bytes")
        parts.append(part)
    return b"".join(parts)


async def _form(request: Request) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl((await _body(request)).decode("utf-8", "replace")))


async def _json(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "expected application/json")
    try:
        return _object((await _body(request)).decode("utf-8"))
    except ValueError as error:
        raise HTTPException(400, "expected a JSON object") from error


def make_app(
    hub: Hub,
    sessions: Sessions,
    *,
    cookie: str,
    secure: bool = False,
    confirmations: Confirmations | None = None,
    most: int = 300,
) -> Starlette:
    """Put the dashboard's answers together.

    Parameters
    ----------
    hub
        The document and its deltas.
    sessions
        Who may look.
    cookie
        Name of the session's cookie: cookies know no ports, so it says which server it is for.
    secure
        Send the cookie over TLS only: behind a proxy that speaks it.
    confirmations
        Control; without it the dashboard is read-only.
    most
        Viewers at a time.

    Returns
    -------
    starlette.applications.Starlette
        To be wrapped into a `Guard`.
    """
    pages = _Pages(hub, sessions, cookie=cookie, secure=secure, confirmations=confirmations, most=most)
    return Starlette(
        routes=[
            Route("/", pages.index, methods=["GET"]),
            Route("/login", pages.index, methods=["GET"]),
            Route("/login", pages.login, methods=["POST"]),
            Route("/logout", pages.logout, methods=["POST"]),
            Route("/static/{name}", pages.static, methods=["GET"]),
            Route("/api/state", pages.state, methods=["GET"]),
            Route("/control/{step:str}", pages.control, methods=["POST"]),
            WebSocketRoute("/stream", pages.stream),
        ]
    )
