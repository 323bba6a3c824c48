"""The switchboard over HTTP, for clients of another process: ``/_simulator/…``, from loopback only."""

import ipaddress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from mirrorfast.errors import MirrorfastError, ParameterError
from mirrorfast.simulator.exchange_info import spot_info
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
        ``GET faults | state | log``, ``POST faults`` (a rule), ``DELETE faults`` (``?name=``), ``POST clock``
        (``advance``, ``speed``, ``skew``), ``POST instrument`` (``symbol`` and what changes).
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
            result = _instrument(venue, body)
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


def _instrument(venue: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    instrument = venue.market.get(str(body.get("symbol")))
    if instrument is None:
        raise ParameterError(f"symbol = {body.get('symbol')!r}: expected one of {', '.join(venue.market)}")
    if "status" in body:
        instrument.status = str(body["status"])
    if "empty_book" in body:
        instrument.empty_book = bool(body["empty_book"])
    if "min_notional" in body:
        instrument.min_notional = type(instrument.min_notional)(str(body["min_notional"]))
    return spot_info(instrument)
