"""An event loop whose time passes only while nobody has anything to do: minutes of waiting cost nothing.

Client and venue run in one such loop, with the loop's clock as the venue's: limits, timeouts, back-offs, bans and bars
follow each other as they would, and nothing depends on how busy the machine is.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, Final, TypeVar, TypeVarTuple

__all__ = ["VirtualLoop", "run_virtual"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")
_LOOK: Final = 0.02  # real seconds between two looks while a thread works


class _Selector(selectors.DefaultSelector):
    """Does not wait for a timer: it moves the clock there."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        while True:
            events = super().select(0)
            if events or timeout == 0:
                return events
            if self.loop.working:
                # What a thread does takes no time either; its end wakes the loop by a socket.
                if events := super().select(_LOOK):
                    return events
                continue
            if timeout is None:
                return super().select(None)
            self.loop.shift += timeout
            return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop with a clock of its own, which starts at 0.

    Examples
    --------
    >>> loop = VirtualLoop()
    >>> loop.run_until_complete(asyncio.sleep(3_600))
    >>> loop.time() >= 3_600
    True
    >>> loop.close()
    """

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        self.shift = 0.0
        self.working = 0
        super().__init__(selector)

    def time(self) -> float:
        """Seconds on the loop's clock."""
        return self.shift

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Run in a thread; the clock stands still until it is done."""
        self.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Take a callback from a thread; one that waits for a coroutine of this loop does not work meanwhile."""
        if getattr(callback, "__qualname__", "") != "run_coroutine_threadsafe.<locals>.callback":
            return super().call_soon_threadsafe(callback, *args, context=context)

        def wait() -> None:
            before = asyncio.all_tasks(self)
            callback(*args)
            self.working -= 1
            for task in asyncio.all_tasks(self) - before:
                task.add_done_callback(lambda _: self._works())

        return super().call_soon_threadsafe(wait, context=context)

    def _works(self) -> None:
        self.working += 1

    def _worked(self, _: asyncio.Future[Any]) -> None:
        self.working -= 1


def run_virtual(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine in virtual time.

    Parameters
    ----------
    work : callable
        Makes the coroutine.

    Returns
    -------
    object
        What it returned.

    Examples
    --------
    >>> async def nap():
    ...     loop = asyncio.get_running_loop()
    ...     start = loop.time()
    ...     await asyncio.sleep(600)
    ...     return round(loop.time() - start)
    >>> run_virtual(nap)
    600
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())
