"""Clocks: what the loop may rely on."""

import asyncio
import time

import pytest

from mirrorfast.clock import Clock, HistoricalClock, SystemClock
from mirrorfast.errors import ParameterError


@pytest.mark.parametrize("clock", [SystemClock(), HistoricalClock()])
def test_both_are_clocks(clock: Clock) -> None:
    assert isinstance(clock, Clock)


def test_system_clock_follows_the_machine() -> None:
    assert abs(SystemClock().now() - time.time() * 1_000) < 1_000


def test_system_clock_waits() -> None:
    clock = SystemClock()
    start = clock.monotonic()
    asyncio.run(clock.sleep_until(clock.now() + 30))
    assert clock.monotonic() - start >= 0.02


def test_system_clock_notices_that_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, waits = SystemClock(), []
    times = iter([0, 0, 100_000])
    monkeypatch.setattr(clock, "now", lambda: next(times))

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("mirrorfast.clock.asyncio.sleep", sleep)
    asyncio.run(clock.sleep_until(90_000))
    assert waits == [30.0, 30.0]  # in slices: the clock jumped past the moment during the second


def test_historical_clock_moves_only_forward() -> None:
    clock = HistoricalClock(1_000)
    clock.advance(1_000)
    clock.advance(2_500)
    assert (clock.now(), clock.monotonic()) == (2_500, 1.5)
    with pytest.raises(ParameterError, match="ts = 2499: expected a time not before 2500"):
        clock.advance(2_499)


def test_historical_sleep_takes_no_time() -> None:
    clock = HistoricalClock(0)
    start = time.monotonic()
    asyncio.run(clock.sleep_until(10**12))
    asyncio.run(clock.sleep_until(5))
    assert clock.now() == 10**12
    assert time.monotonic() - start < 5
