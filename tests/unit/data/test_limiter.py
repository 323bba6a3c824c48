"""The rate limit: exact over any window, in turn, orders first, and shut when the venue says so."""

import asyncio
import random
from typing import Any

import pytest

from mirrorfast.data.venue.limiter import RateLimiter, VenueClosedError, Window
from mirrorfast.errors import ParameterError


async def sends(limiter: RateLimiter, count: int, weight: float = 1, way: float = 0.0) -> list[tuple[float, float]]:
    """Times of departure and of arrival at the venue of `count` requests made at once."""
    loop, seen = asyncio.get_running_loop(), []
    draw = random.Random(count)

    async def one() -> None:
        async with limiter.slot(weight):
            left = loop.time()
            await asyncio.sleep(draw.uniform(0, way))
            seen.append((left, loop.time()))
            await asyncio.sleep(draw.uniform(0, way))

    await asyncio.gather(*(one() for _ in range(count)))
    return seen


def worst(times: list[float], seconds: float, weight: float) -> float:
    times = sorted(times)
    return max(sum(weight for t in times[k:] if t < first + seconds) for k, first in enumerate(times))


@pytest.mark.parametrize("way", [0.0, 0.4])
def test_no_window_of_the_venue_holds_more_and_no_time_is_wasted(virtually: Any, way: float) -> None:
    limit, seconds, count, weight = 40, 2.0, 1_000, 1.0
    times = virtually(sends(RateLimiter([Window(limit, seconds)]), count, weight, way))
    arrivals = [arrival for _, arrival in times]
    assert worst(arrivals, seconds, weight) <= limit
    bound = (count / limit - 1) * seconds
    assert max(left for left, _ in times) <= bound * (1 + way) + 1e-6


def test_minute_of_binance_is_within_five_percent_of_its_bound(virtually: Any) -> None:
    # 18,000 requests of weight 2 at 6,000 a minute: five whole minutes after the first burst.
    times = virtually(sends(RateLimiter([Window(6_000, 60)], reserve=0.03), 18_000, 2, 0.3))
    assert worst_of_many([a for _, a in times], 60.0) * 2 <= 6_000
    assert max(left for left, _ in times) <= 300 * 1.05 + 60


def worst_of_many(times: list[float], seconds: float) -> int:
    times, most, end = sorted(times), 0, 0
    for start, first in enumerate(times):
        while end < len(times) and times[end] < first + seconds:
            end += 1
        most = max(most, end - start)
    return most


def test_reserve_is_for_orders_and_orders_go_first(virtually: Any) -> None:
    async def main() -> list[str]:
        limiter = RateLimiter([Window(10, 60)], reserve=0.2)
        order: list[str] = []

        async def one(name: str, urgent: bool) -> None:
            async with limiter.slot(1, urgent=urgent):
                order.append(name)

        scans = [asyncio.create_task(one(f"scan{k}", False)) for k in range(12)]
        await asyncio.sleep(1)
        assert len(order) == 8
        assert limiter.waiting == 4
        await asyncio.gather(*(one(f"order{k}", True) for k in range(2)))
        assert asyncio.get_running_loop().time() == 1
        late = asyncio.create_task(one("order2", True))
        await asyncio.gather(late, *scans)
        return order

    order = virtually(main())
    assert order[8:11] == ["order0", "order1", "order2"]
    assert sorted(order[11:]) == ["scan10", "scan11", "scan8", "scan9"]


def test_closed_venue_gets_nothing_until_the_time(virtually: Any) -> None:
    async def main() -> None:
        loop, limiter = asyncio.get_running_loop(), RateLimiter([Window(100, 1)])
        limiter.close_for(30, "banned")
        limiter.close_for(5, "a shorter word later")
        with pytest.raises(VenueClosedError, match="banned") as caught:
            async with limiter.slot(1, patience=10):
                pass
        assert caught.value.retry_in == 30
        async with limiter.slot(1, urgent=True):
            assert loop.time() == 30

    virtually(main())


def test_venue_that_closes_while_we_queue(virtually: Any) -> None:
    async def main() -> list[float]:
        loop, limiter = asyncio.get_running_loop(), RateLimiter([Window(1, 10)])
        times: list[float] = []

        async def one() -> None:
            async with limiter.slot(1):
                times.append(loop.time())
                limiter.close_for(100, "429")

        await asyncio.gather(one(), one())
        return times

    assert virtually(main()) == [0, 100]


def test_cancelled_requests_give_their_place_back(virtually: Any) -> None:
    async def main() -> float:
        loop, limiter = asyncio.get_running_loop(), RateLimiter([Window(1, 10)])
        async with limiter.slot(1):
            pass
        tasks = [asyncio.create_task(sends(limiter, 1)) for _ in range(5)]
        await asyncio.sleep(1)
        for task in tasks[:4]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.waiting == 0
        return loop.time()

    assert virtually(main()) == 10


def test_weight_used_by_others_counts(virtually: Any) -> None:
    async def main() -> float:
        limiter = RateLimiter([Window(100, 60)])
        limiter.note_used(100)
        async with limiter.slot(1):
            return asyncio.get_running_loop().time()

    assert virtually(main()) == 60


def test_request_heavier_than_the_window_goes_alone(virtually: Any) -> None:
    assert [left for left, _ in virtually(sends(RateLimiter([Window(1, 5)]), 3, 4))] == [0, 5, 10]


@pytest.mark.parametrize(("windows", "reserve"), [([Window(0, 1)], 0), ([Window(1, 0)], 0), ([Window(1, 1)], 1)])
def test_nonsense_is_refused(windows: list[Window], reserve: float) -> None:
    with pytest.raises(ParameterError, match="expected"):
        RateLimiter(windows, reserve=reserve)
