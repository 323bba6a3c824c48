"""Run the venue beside synchronous code, in a thread with its own event loop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mirrorfast.simulator.server import Simulator

__all__ = ["running"]


@contextmanager
def running(venue: Simulator, port: int = 0) -> Iterator[Simulator]:
    """Serve a venue from a thread while the block runs.

    Parameters
    ----------
    venue : Simulator
        The venue, not started.
    port : int, default 0
        Port on 127.0.0.1; 0 takes a free one.

    Yields
    ------
    Simulator
        The venue, with its ``url`` set. Faults, clock and books may be used from the block.

    Raises
    ------
    ParameterError
        If it cannot listen there.

    Examples
    --------
    >>> import urllib.request
    >>> with running(Simulator(start=1_512_000_000_000, speed=0)) as venue:
    ...     urllib.request.urlopen(venue.url + "/api/v3/time").read()
    b'{"serverTime":1512000000000}'
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(venue.start(port=port), loop).result()
        try:
            yield venue
        finally:
            asyncio.run_coroutine_threadsafe(venue.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
