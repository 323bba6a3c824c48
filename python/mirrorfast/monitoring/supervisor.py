"""Telling systemd that the program is ready, and that its event loop still takes its turns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["notify", "supervised"]

_log = get_logger(__name__)


def notify(state: str, *, environ: Mapping[str, str] | None = None) -> bool:
    """Send a line to whoever supervises this process.

    Parameters
    ----------
    state
        Such as ``READY=1``; see sd_notify(3).
    environ
        Environment; the process's own by default.

    Returns
    -------
    bool
        Whether there is somebody (``NOTIFY_SOCKET``) and it could be sent.

    Examples
    --------
    >>> notify("READY=1", environ={})
    False
    """
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # Linux's abstract names
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
            speaker.setblocking(False)
            speaker.connect(address)
            speaker.send(state.encode())
    except OSError as error:
        _log.warning("supervisor_not_told", state=state, error=str(error))
        return False
    return True


@asynccontextmanager
async def supervised(what: str, *, environ: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """Be ready for a supervisor while the block runs, and give signs of life from the event loop.

    Parameters
    ----------
    what
        What is running, for ``systemctl status``.
    environ
        Environment; the process's own by default.

    Yields
    ------
    None
        Once readiness was told.

    Notes
    -----
    With ``WATCHDOG_USEC`` a sign goes out three times in that span. It comes from the loop itself: one that stands
    still gives none, and the supervisor starts the process anew, which then finds its orders again.

    Examples
    --------
    >>> async def run():
    ...     async with supervised("demo", environ={}):
    ...         return "ran"
    >>> asyncio.run(run())
    'ran'
    """
    environ = os.environ if environ is None else environ
    notify(f"READY=1\nSTATUS={what}", environ=environ)
    beat: asyncio.Task[None] | None = None
    span = environ.get("WATCHDOG_USEC", "")
    if span.isdigit() and int(span) > 0 and environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
        beat = asyncio.create_task(_beat(int(span) / 3e6, environ))
    try:
        yield
    finally:
        notify("STOPPING=1", environ=environ)
        if beat is not None:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat


async def _beat(every_s: float, environ: Mapping[str, str]) -> None:
    while True:
        notify("WATCHDOG=1", environ=environ)
        await asyncio.sleep(every_s)
