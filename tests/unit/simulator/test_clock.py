"""The venue's time."""

import asyncio

import pytest

from mirrorfast.errors import ParameterError
from mirrorfast.simulator import SimulatedClock


def test_speed_advance_and_skew() -> None:
    real = [0.0]
    clock = SimulatedClock(1_000, speed=60, monotonic=lambda: real[0])
    real[0] = 1.0
    assert clock.now() == 61_000
    clock.set_speed(0)
    real[0] = 9.0
    assert clock.now() == 61_000
    clock.advance(5)
    clock.skew = -20_000
    assert (clock.now(), clock.reported()) == (61_005, 41_005)


def test_sleep_follows_the_simulated_time() -> None:
    async def run() -> int:
        clock = SimulatedClock(0, speed=0)
        task = asyncio.ensure_future(clock.sleep(1_000))
        await asyncio.sleep(0.02)
        assert not task.done()
        clock.advance(1_000)
        await asyncio.wait_for(task, 1)
        return clock.now()

    assert asyncio.run(run()) == 1_000


def test_bad_values() -> None:
    for bad in (-1.0, float("nan")):
        with pytest.raises(ParameterError, match="speed"):
            SimulatedClock(0, speed=bad)
    with pytest.raises(ParameterError, match="ms"):
        SimulatedClock(0).advance(-1)
    with pytest.raises(ParameterError, match="speed"):
        SimulatedClock(0).set_speed(-1)
