"""The switchboard over HTTP, for clients of another process: ``/_simulator/…``, from loopback only."""

import ipaddress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from mirrorfast.errors import MirrorfastError
from mirrorfast.simulator import control
from mirrorfast.simulator.account import KEY
from mirrorfast.simulator.orders import Order
from mirrorfast.simulator.protocol import encode

if TYPE_CHECKING:
    from mirrorfast.simulator.server import Simulator

__all__ = ["serve"]


async def serve(venue: "Simulator", request: web.Request, path: str) -> web.Response:
    """Answer an admin request.

    Parameters
    ----------
    venue : Simulator
        The venue.
    request : aiohttp.web.Request
        ``GET faults | state | log | ledger`` (``?account=``), ``POST faults`` (a rule), ``DELETE faults``
        (``?name=``), ``POST clock`` (``advance``, ``speed``, ``skew``), and the functions of
        `mirrorfast.simulator.control` with their arguments: ``POST instrument | order | trade | money``.
    path : str
        Its path.

    Returns
    -------
    aiohttp.web.Response
        JSON; 400 with the reason for what cannot be used.
    """
    if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104 - stands for "unknown"
        return web.Response(status=403, text="loopback only")
    action = (request.method, path.removeprefix("/_simulator/"))
    try:
        body: dict[str, Any] = await request.json() if request.can_read_body else {}
        if action == ("GET", "faults"):
            result: Any = venue.faults.describe()
        elif action == ("POST", "faults"):
            venue.faults.add(**body)
            result = venue.faults.describe()
        elif action == ("DELETE", "faults"):
            venue.faults.clear(request.query.get("name"))
            result = venue.faults.describe()
        elif action == ("POST", "clock"):
            result = _clock(venue, body)
        elif action == ("POST", "instrument"):
            result = control.change_symbol(venue, **body)
        elif action == ("POST", "order"):
            result = _order(control.settle_order(venue, **body))
        elif action == ("POST", "trade"):
            result = control.by_hand(venue, **body)
        elif action == ("POST", "money"):
            result = f"{control.move_money(venue, **body):f}"
        elif action == ("GET", "ledger"):
            result = control.ledger(venue, request.query.get("account", KEY))
        elif action == ("GET", "state"):
            result = {"time": venue.clock.now(), "speed": venue.clock.speed, "requests": dict(venue.requests)}
        elif action == ("GET", "log"):
            result = [list(entry) for entry in venue.log]
        else:
            return web.Response(status=404, text="no such action")
    except (MirrorfastError, TypeError, ValueError) as error:
        return web.Response(status=400, text=str(error))
    return web.Response(body=encode(result), content_type="application/json")


def _clock(venue: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    if "advance" in body:
        venue.clock.advance(int(body["advance"]))
    if "speed" in body:
        venue.clock.set_speed(float(body["speed"]))
    if "skew" in body:
        venue.clock.skew = int(body["skew"])
    return {"time": venue.clock.now(), "speed": venue.clock.speed, "skew": venue.clock.skew}


def _order(order: Order) -> dict[str, Any]:
    return {"id": order.id, "client_id": order.client_id, "status": order.status, "filled": f"{order.filled:f}"}
