"""Accounts: keys, signatures, timestamps."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mirrorfast.simulator.clock import SimulatedClock
from mirrorfast.simulator.limits import Window
from mirrorfast.simulator.protocol import Call, Route, VenueError

if TYPE_CHECKING:
    from mirrorfast.simulator.books import Books
    from mirrorfast.simulator.futures_books import FuturesBooks
    from mirrorfast.simulator.spot_books import SpotBooks

__all__ = ["KEY", "SECRET", "Account", "authenticate", "clients_of"]

KEY: Final = "simulator-key"
SECRET: Final = "simulator-secret"  # noqa: S105 - known to everybody: it opens nothing but the simulator
"""Key and secret of the account that every venue has."""

_SIGNATURE: Final = re.compile(r"&?signature=([^&]*)")
_MOST_WINDOW: Final = 60_000


@dataclass
class Account:
    """One customer: its key, its secret and its books."""

    key: str
    secret: str
    spot: "SpotBooks"
    futures: "FuturesBooks"
    listen_key: str = ""
    orders_10s: Window = field(default_factory=lambda: Window(100, 10.0))

    @property
    def books(self) -> "list[Books]":
        """Everything of it that trades move."""
        return [self.spot, self.futures]


def clients_of(call: Call, accounts: dict[str, Account]) -> tuple[str, ...]:
    """Tell the client ids of the orders that a request is about, also where it names them by number.

    Parameters
    ----------
    call : Call
        The request.
    accounts : dict of str to Account
        By key.

    Returns
    -------
    tuple of str
        Client ids; empty for a request about no order.
    """
    names = [value for key, value in call.params.items() if key.lower().endswith(("clientorderid", "clientalgoid"))]
    account = accounts.get(call.headers.get("X-MBX-APIKEY", ""))
    if account is not None:
        books: Books = account.futures if call.path.startswith("/fapi/") else account.spot
        for key in ("orderId", "algoId", "cancelOrderId"):
            number = call.params.get(key, "")
            if number.isdecimal() and (order := books.orders.get(int(number))) is not None:
                names.append(order.client_id)
    return tuple(names)


def authenticate(call: Call, route: Route, accounts: dict[str, Account], clock: SimulatedClock) -> Account | None:
    """Check key, timestamp and signature as the endpoint asks for.

    Parameters
    ----------
    call : Call
        The request.
    route : Route
        Its endpoint.
    accounts : dict of str to Account
        By key.
    clock : SimulatedClock
        The venue's time, at the moment of processing: a late copy of a request is refused.

    Returns
    -------
    Account or None
        Whose request it is; ``None`` where nobody needs to be known.

    Raises
    ------
    VenueError
        -2014, -2015, -1102, -1131, -1021 or -1022.
    """
    if route.security == "none":
        return None
    key = call.headers.get("X-MBX-APIKEY")
    if not key:
        raise VenueError(-2014, "API-key format invalid.", 401)
    account = accounts.get(key)
    if account is None:
        raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    if route.security == "key":
        return account
    sent = call.integer("timestamp")
    if sent is None:
        raise VenueError(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    window = call.integer("recvWindow", 5_000) or 5_000
    if window > _MOST_WINDOW:
        raise VenueError(-1131, "Invalid 'recvWindow': must be less than or equal to 60000.")
    now = clock.reported()
    if sent >= now + 1_000:
        raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window:
        raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")
    found = _SIGNATURE.search(call.payload)
    if found is None:
        raise VenueError(-1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")
    signed = call.payload[: found.start()] + call.payload[found.end() :]
    expected = hmac.new(account.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, found[1]):
        raise VenueError(-1022, "Signature for this request is not valid.")
    return account
