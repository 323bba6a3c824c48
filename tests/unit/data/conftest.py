"""A loop whose time passes only when nothing else is left to do, and venues on loopback."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest


class _Idle(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Instead of sleeping, moves the loop's time on."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        if self.loop.threads or timeout is None:
            return super().select(0.001 if timeout is not None else None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self.loop.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Hours of waiting in milliseconds. While a thread works for it, time stands still."""

    def __init__(self) -> None:
        selector = _Idle()
        selector.loop = self
        self.passed = 0.0
        self.threads = 0
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)

        def done(_: Any) -> None:
            self.threads -= 1

        future.add_done_callback(done)
        return future


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in virtual time."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main)

    return run
