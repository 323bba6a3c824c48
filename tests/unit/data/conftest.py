"""A loop whose time passes only when nothing else is left to do."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mirrorfast.simulator.virtual import VirtualLoop


@pytest.fixture
def virtually() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in virtual time."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main)

    return run
