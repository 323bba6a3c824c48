"""pytest fixtures: ``pytest_plugins = ["mirrorfast.simulator.fixtures"]`` in a ``conftest.py``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mirrorfast.simulator.server import Simulator
from mirrorfast.simulator.thread import running

__all__ = ["simulator", "simulators"]


@pytest.fixture
def simulators() -> Iterator[Callable[..., Simulator]]:
    """Start venues, with the parameters of `Simulator`; all stop at the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(running(Simulator(*args, **options)))


@pytest.fixture
def simulator(simulators: Callable[..., Any]) -> Simulator:
    """Serve the bundled market on a free loopback port, from a thread."""
    venue: Simulator = simulators()
    return venue
