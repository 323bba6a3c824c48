"""What handlers and the server agree on: routes, requests, answers, refusals."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["Answer", "Call", "Route", "VenueError", "encode"]

JSON: Final = "application/json;charset=UTF-8"


class VenueError(Exception):
    """The venue's refusal of a request: HTTP status, its code, its words, and what it says besides."""

    def __init__(self, code: int, message: str, status: int = 400, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data = code, message, status, data


@dataclass(slots=True)
class Call:
    """One request as a handler sees it."""

    method: str
    path: str
    params: Mapping[str, str]
    payload: str
    headers: Mapping[str, str]
    address: str
    account: str | None = None
    clients: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Read a parameter that must be there; Binance's words if it is not."""
        value = self.params.get(name)
        if value is None or value == "":
            raise VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Read an integer parameter."""
        value = self.params.get(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise VenueError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            ) from None


@dataclass(slots=True)
class Answer:
    """What goes back: body, HTTP status and headers."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    type: str = JSON


Handler = Callable[[Call], "Answer | Any | Awaitable[Any]"]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: who answers, what it weighs, and whether it needs a key or a signature."""

    handler: Callable[[Call], Any]
    weight: int | Callable[[Call], int] = 1
    security: Literal["none", "key", "signed"] = "none"
    order: bool = False


def encode(value: Any) -> bytes:
    """Write a value as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()
