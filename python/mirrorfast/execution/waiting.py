"""Waiting for the first of several things, again and again, without starting any of them twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Waiting"]


class Waiting:
    """Named things that are waited for.

    Examples
    --------
    >>> async def first():
    ...     tasks = Waiting()
    ...     tasks.start("soon", lambda: asyncio.sleep(0, "done"))
    ...     tasks.start("never", asyncio.Event().wait)
    ...     await tasks.any()
    ...     result = tasks.done("soon"), tasks.done("never"), tasks.result("soon")
    ...     await tasks.cancel()
    ...     return result
    >>> asyncio.run(first())
    (True, False, 'done')
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Future[Any]] = {}

    def start(self, name: str, make: Callable[[], Awaitable[Any]]) -> None:
        """Start something unless it is under way.

        Parameters
        ----------
        name
            What it is called.
        make
            Makes it.
        """
        if name not in self._tasks:
            self._tasks[name] = asyncio.ensure_future(make())

    async def any(self, timeout_s: float | None = None) -> None:
        """Wait until something is done.

        Parameters
        ----------
        timeout_s
            Or so long.
        """
        await asyncio.wait(self._tasks.values(), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)

    def done(self, name: str) -> bool:
        """Tell whether something is done.

        Parameters
        ----------
        name
            What.

        Returns
        -------
        bool
            And not taken yet.
        """
        task = self._tasks.get(name)
        return task is not None and task.done()

    def take(self, name: str) -> asyncio.Future[Any] | None:
        """Take something that is done, if it is.

        Parameters
        ----------
        name
            What.

        Returns
        -------
        asyncio.Future or None
            It, without an exception: that is raised here.
        """
        if not self.done(name):
            return None
        task = self._tasks.pop(name)
        task.result()
        return task

    def result(self, name: str) -> Any:
        """Take the result of something that is done.

        Parameters
        ----------
        name
            What.

        Returns
        -------
        object
            Its result; its exception is raised.
        """
        return self._tasks.pop(name).result()

    async def cancel(self) -> None:
        """Give up everything."""
        pending = [task for task in self._tasks.values() if not task.done()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        self._tasks.clear()
