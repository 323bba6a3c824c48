"""What went wrong at a venue: ccxt's exceptions, turned into ours by what one can do about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mirrorfast.errors import ExchangeError, TemporaryError
from mirrorfast.telemetry import redact

if TYPE_CHECKING:
    from mirrorfast.data.venue.hooks import Call

__all__ = ["GarbageAnswerError", "VenueRefusedError", "VenueUnavailableError", "kind_of", "retry_after", "translated"]

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_LONGEST = 300
# What reading an answer that makes no sense ends in, inside ccxt.
_CONFUSED = (TypeError, KeyError, ValueError, AttributeError, IndexError, ArithmeticError)


class VenueUnavailableError(TemporaryError):
    """The venue did not answer, or said that it cannot now.

    Attributes
    ----------
    kind : str
        ``unavailable``, ``timeout``, ``throttled``, ``banned`` or ``deadline``.
    """

    def __init__(self, message: str, kind: str = "unavailable") -> None:
        super().__init__(message)
        self.kind = kind


class GarbageAnswerError(TemporaryError):
    """The venue answered 200 with something that is no answer."""

    kind = "garbage"


class VenueRefusedError(ExchangeError):
    """The venue refused the request for a reason that will not go away by itself."""

    kind = "refused"


def kind_of(error: BaseException) -> str:
    """Name the kind of a failure.

    Parameters
    ----------
    error
        What a call raised.

    Returns
    -------
    str
        Such as ``throttled``.

    Examples
    --------
    >>> kind_of(GarbageAnswerError("x")), kind_of(VenueUnavailableError("x", "timeout"))
    ('garbage', 'timeout')
    """
    kind = getattr(error, "kind", None)
    if isinstance(kind, str):
        return kind
    names = {"BreakerOpenError": "breaker", "VenueClosedError": "closed", "ParameterError": "parameter"}
    return names.get(type(error).__name__, "error")


def retry_after(headers: dict[str, str], body: str, now_ms: int) -> float | None:
    """Read how long the venue wants to be left alone.

    Parameters
    ----------
    headers, body
        Of an answer 429 or 418.
    now_ms
        The venue's time.

    Returns
    -------
    float or None
        Seconds, or ``None`` when it does not say.

    Examples
    --------
    >>> retry_after({"Retry-After": "7"}, "", 0)
    7.0
    >>> retry_after({}, "IP banned until 1700000060000.", 1_700_000_000_000)
    60.0
    """
    for name, value in headers.items():
        if name.lower() == "retry-after":
            try:
                seconds = float(value)
            except ValueError:
                break  # a date: its zone of error is larger than what venues mean
            if 0 <= seconds < 1e7:
                return seconds
    found = _BANNED_UNTIL.search(body)
    return max(0.0, (int(found[1]) - now_ms) / 1_000) if found else None


def translated(error: BaseException, call: Call, what: str) -> BaseException:
    """Turn what a ccxt call raised into one of our errors.

    Parameters
    ----------
    error
        The exception.
    call
        The call, for the status of its last answer.
    what
        Venue and call, for the message.

    Returns
    -------
    BaseException
        One of ours; an exception that is none of ccxt's, and no sign of a garbled answer, as it is.
    """
    import ccxt

    text = f"{what}: {_plain(error)}"
    status = call.status
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        return VenueUnavailableError(text, "banned" if status == 418 else "throttled")
    if isinstance(error, ccxt.RequestTimeout):
        return VenueUnavailableError(text, "timeout")
    if isinstance(error, ccxt.NetworkError):
        # ccxt says "not available" of 400, 403 and 404 too.
        if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
            return VenueRefusedError(text)
        return VenueUnavailableError(text)
    if isinstance(error, ccxt.OperationFailed):
        return VenueUnavailableError(text)
    if isinstance(error, ccxt.BadSymbol | ccxt.BadRequest | ccxt.AuthenticationError | ccxt.NotSupported):
        return VenueRefusedError(text)
    if isinstance(error, ccxt.BaseError):
        if status is not None and 400 <= status < 500:
            return VenueRefusedError(text)
        return VenueUnavailableError(text)
    if isinstance(error, TimeoutError | OSError):
        return VenueUnavailableError(text)
    if isinstance(error, _CONFUSED):
        return GarbageAnswerError(f"{what}: an answer that is no answer ({type(error).__name__})")
    return error


def _plain(error: BaseException) -> str:
    # ccxt puts URL and body, with signature and all, into its messages.
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return str(redact(None, "", {"event": f"{type(error).__name__}: {text}"})["event"])
