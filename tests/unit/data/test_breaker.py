"""The breaker: opens after failures in a row, probes once, closes on success."""

import asyncio
from typing import Any

import pytest

from mirrorfast.data.venue.breaker import Breaker, BreakerOpenError


async def fails(breaker: Breaker, error: type[BaseException] = TimeoutError) -> None:
    with pytest.raises(error), breaker.guard():
        raise error("x")


def test_opens_probes_once_and_closes(virtually: Any) -> None:
    async def main() -> None:
        opened: list[int] = []
        breaker = Breaker("v", failures=3, open_s=5, max_open_s=15, opened=lambda: opened.append(1))
        await fails(breaker)
        await fails(breaker)
        with breaker.guard():
            pass  # a success in between starts the count anew
        for _ in range(3):
            assert breaker.state == "closed"
            await fails(breaker)
        assert breaker.state == "open"
        await fails(breaker, BreakerOpenError)
        for wait in (5, 10, 15, 15):
            await asyncio.sleep(wait - 0.01)
            with pytest.raises(BreakerOpenError) as caught, breaker.guard():
                pass
            assert caught.value.retry_in == pytest.approx(0.05, abs=0.05)
            await asyncio.sleep(0.01)
            assert breaker.state == "half-open"
            await fails(breaker)
            assert breaker.state == "open"
        await asyncio.sleep(15)
        with breaker.guard():
            await fails(breaker, BreakerOpenError)  # another one while the probe is out
        assert breaker.state == "closed"
        assert len(opened) == 5

    virtually(main())


def test_cancelled_probe_lets_another_probe(virtually: Any) -> None:
    async def main() -> None:
        breaker = Breaker("v", failures=1, open_s=1)
        await fails(breaker)
        await asyncio.sleep(1)
        with pytest.raises(asyncio.CancelledError), breaker.guard():
            raise asyncio.CancelledError
        with breaker.guard():
            pass
        assert breaker.state == "closed"

    virtually(main())


def test_the_venues_word_is_no_failure(virtually: Any) -> None:
    async def main() -> None:
        breaker = Breaker("v", failures=1, counts=lambda e: isinstance(e, OSError))
        await fails(breaker, ValueError)
        assert breaker.state == "closed"
        await fails(breaker, OSError)
        assert breaker.state == "open"

    virtually(main())
