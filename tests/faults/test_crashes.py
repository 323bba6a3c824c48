"""FAULTS.md B: the process dies, at the worst points, and starts again on the same journal."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rig import SPOT, SWAP, Rig, check, kill, run, until_killed

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

KINDS = [
    pytest.param((symbol, side, kind), id=f"{'swap' if symbol == SWAP else 'spot'}-{side}-{kind}")
    for symbol, side, kind in [
        (SPOT, "buy", "market"), (SPOT, "sell", "market"), (SPOT, "buy", "limit"), (SPOT, "sell", "limit"),
        (SWAP, "buy", "market"), (SWAP, "sell", "limit"),
    ]
]  # fmt: skip
PATHS = {SPOT: "/api/v3/order", SWAP: "/fapi/v1/order"}


async def place(rig: Rig, what: tuple[str, str, str], *, resting: bool = False) -> int:
    symbol, side, kind = what
    if symbol == SPOT and side == "sell" and rig.engine.position < 0.2:
        rig.engine.order("buy", "market", 0.5)
        await rig.bar()
    price = None
    if kind == "limit":
        away = 0.98 if resting else 1.01
        price = rig.price(away if side == "buy" else 2 - away)
    return rig.engine.order(side, kind, 0.2, price=price)


def killed_then(
    tmp_path: Path,
    what: tuple[str, str, str],
    first: Callable[[Rig], Awaitable[None]],
    second: Callable[[Rig], Awaitable[None]],
    *,
    between: Callable[[Simulator], None] = lambda venue: None,
    kills: int = 1,
    **venue_options: Any,
) -> dict[str, Any]:
    """Run `first` in a process that kills itself, something between, and `second` on the same journal."""
    with running(Simulator(**venue_options)) as venue:

        async def work() -> None:
            async with Rig(venue, tmp_path, what[0]) as rig:
                await first(rig)

        async def again() -> None:
            async with Rig(venue, tmp_path, what[0]) as rig:
                await second(rig)

        for _ in range(kills):
            until_killed(work)
        between(venue)
        run(again())
        return check(venue, tmp_path, what[0])


@pytest.mark.parametrize("what", KINDS)
def test_b1_killed_between_intent_and_send(tmp_path: Path, what: tuple[str, str, str]) -> None:
    async def first(rig: Rig) -> None:
        number = await place(rig, what)

        async def never(request: Any) -> Any:
            assert rig.row(request.order)["status"] == "intent"  # it is on disk
            kill()

        rig.account.venue.send = never  # type: ignore[method-assign]
        await rig.bar()
        raise AssertionError(number)

    async def second(rig: Rig) -> None:
        number = rig.engine.next_order - 1
        assert rig.row(number)["status"] == "never_sent"
        assert ("cancelled", number) in rig.engine.events, "the engine decides anew"
        asked = rig.venue.requests[f"POST {PATHS[what[0]]}"]
        await rig.bar()
        assert rig.venue.requests[f"POST {PATHS[what[0]]}"] == asked, "it was replayed blindly"

    killed_then(tmp_path, what, first, second)


@pytest.mark.parametrize("what", KINDS)
def test_b2_killed_between_send_and_answer(tmp_path: Path, what: tuple[str, str, str]) -> None:
    async def first(rig: Rig) -> None:
        await place(rig, what)
        send = rig.account.venue.send

        async def sent(request: Any) -> Any:
            await send(request)
            kill()

        rig.account.venue.send = sent  # type: ignore[method-assign]
        await rig.bar()

    async def second(rig: Rig) -> None:
        number = rig.engine.next_order - 1
        # Booked before anything was decided: no bar has come yet.
        assert (rig.row(number)["status"], rig.row(number)["attempt"]) == ("filled", 1)
        assert rig.count == 0

    result = killed_then(tmp_path, what, first, second)
    assert len({f["order"] for f in result["fills"]}) == len({o["id"] for o in result["orders"]})


@pytest.mark.parametrize("what", [KINDS[2], KINDS[3], KINDS[5]])
def test_b3_killed_after_a_partial_fill(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """A resting order has filled in part; nobody here has seen it yet."""
    symbol = what[0]

    async def first(rig: Rig) -> None:
        number = await place(rig, what, resting=True)
        await rig.bar()
        assert rig.row(number)["status"] == "accepted"
        books = rig.venue
        del books
        await mark(rig, number)
        kill()

    async def mark(rig: Rig, number: int) -> None:
        assert rig.broker.working()[0].request.order == number

    def between(venue: Simulator) -> None:
        books = venue.account.futures if symbol == SWAP else venue.account.spot
        order = next(o for o in books.orders.values() if o.is_open and o.client_id.startswith("mf-"))
        books.fill(order, Decimal("0.0500"))
        books.fill(order, Decimal("0.0300"))

    async def second(rig: Rig) -> None:
        number = rig.engine.next_order - 1
        assert rig.row(number)["status"] == "partially_filled"
        assert rig.row(number)["filled"] == Decimal("0.08")
        rig.engine.withdraw(number)
        await rig.bar()
        assert rig.row(number)["status"] == "cancelled"

    killed_then(tmp_path, what, first, second, between=between)


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("what", [KINDS[2], KINDS[3], KINDS[5]])
def test_b4_killed_during_a_cancel(tmp_path: Path, what: tuple[str, str, str], point: str) -> None:
    async def first(rig: Rig) -> None:
        number = await place(rig, what, resting=True)
        await rig.bar()
        cancel = rig.account.venue.cancel

        async def killed(request: Any) -> None:
            if point == "after":
                await cancel(request)
            kill()

        rig.account.venue.cancel = killed  # type: ignore[method-assign]
        rig.engine.withdraw(number)
        await rig.bar()

    async def second(rig: Rig) -> None:
        number = rig.engine.next_order - 1
        assert rig.row(number)["status"] == "cancelled"

    killed_then(tmp_path, what, first, second)


@pytest.mark.parametrize("what", KINDS)
def test_b5_killed_during_reconciliation_several_times(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """The same kill again and again, at every step of the way back, ends in the same state."""
    with running(Simulator()) as venue:

        async def sent() -> None:
            async with Rig(venue, tmp_path, what[0]) as rig:
                await place(rig, what)
                send = rig.account.venue.send

                async def and_die(request: Any) -> Any:
                    await send(request)
                    kill()

                rig.account.venue.send = and_die  # type: ignore[method-assign]
                await rig.bar()

        until_killed(sent)
        for step in ("find", "trades", "balances", "open_orders"):

            async def back(step: str = step) -> None:
                from mirrorfast.execution import venue as module

                original = getattr(module.TradingVenue, step)
                calls = 0

                async def and_die(self: Any, *args: Any, **options: Any) -> Any:
                    nonlocal calls
                    answer = await original(self, *args, **options)
                    calls += 1
                    if step != "balances" or calls > 1:  # the first is the check of the key
                        kill()
                    return answer

                setattr(module.TradingVenue, step, and_die)
                async with Rig(venue, tmp_path, what[0]):
                    pass
                kill()  # a step that was not needed any more

            until_killed(back)

        async def last() -> None:
            async with Rig(venue, tmp_path, what[0]) as rig:
                assert rig.row(rig.engine.next_order - 1)["status"] == "filled"

        run(last())
        check(venue, tmp_path, what[0])


def test_b7_orders_and_positions_of_others(tmp_path: Path) -> None:
    """What is not ours is shown, counted and left alone, before and after a restart."""
    import ccxt.async_support as ccxt

    from mirrorfast.simulator import connect
    from mirrorfast.simulator.account import KEY, SECRET

    async def work() -> None:
        async with Simulator(balances={"USDT": 100_000, "BTC": 2}) as venue:
            other = connect(ccxt.binance, venue, apiKey=KEY, secret=SECRET, options={"fetchMargins": False})
            other.has["fetchCurrencies"] = False
            try:
                await other.load_markets()
                price = venue.market["BTCUSDT"].price(venue.market["BTCUSDT"].last(venue.clock.now()) or 0)
                await other.create_order(
                    SPOT, "limit", "sell", 0.3, float(price) * 1.05, {"newClientOrderId": "theirs"}
                )
                for _ in range(2):
                    async with Rig(venue, tmp_path) as rig:
                        number = rig.engine.order("buy", "market", 0.2)
                        await rig.bar()
                        assert rig.row(number)["status"] == "filled"
                        assert not rig.account.gates.quarantined
                        assert rig.account.external["BTC"] == 2
                theirs = [o for o in venue.account.spot.orders.values() if o.client_id == "theirs"]
                assert [o.is_open for o in theirs] == [True]
            finally:
                await other.close()
        result = check(venue, tmp_path)
        kinds = [i["kind"] for i in result["incidents"]]
        assert "external_order" in kinds
        assert "external_position" in kinds

    run(work())


def test_b10_sigterm_settles_what_is_under_way(tmp_path: Path) -> None:
    """An order whose answer is lost while the daemon stops is settled first; entries are refused meanwhile."""

    async def work() -> None:
        async with Simulator() as venue:
            async with Rig(venue, tmp_path) as rig:
                venue.faults.add("drop_after", endpoint=PATHS[SPOT], method="POST", count=1)
                number = rig.engine.order("buy", "market", 0.2)
                await rig.feed.queue.put(_bar(rig))
                await rig.until(lambda: venue.requests[f"POST {PATHS[SPOT]}"] == 1)
                assert await rig.account.drain()
                await rig.loop.settle_now()
                assert rig.row(number)["status"] == "filled"
                late = rig.engine.order("buy", "market", 0.2)
                await rig.bar()
                assert rig.row(late)["reason"] == "the daemon is stopping"
            check(venue, tmp_path)

    run(work())


def _bar(rig: Rig) -> Any:
    from mirrorfast.data.feed import BarBatch

    price = rig.price()
    return BarBatch(rig.venue.clock.now() - 3_600_000, [(0, price, price, price, price, 1.0)])


def test_a_run_that_died_between_two_commits_goes_on_from_the_last(tmp_path: Path) -> None:
    """Nothing of the engine's state is ahead of the journal or behind it: a fill and what follows are one commit."""

    async def first(rig: Rig) -> None:
        for _ in range(3):
            rig.engine.order("buy", "market", 0.1)
            await rig.bar()
        assert rig.engine.position == pytest.approx(0.2997)
        await asyncio.sleep(0)
        kill()

    async def second(rig: Rig) -> None:
        assert rig.engine.position == pytest.approx(0.2997)
        assert rig.engine.next_order == 4
        assert not rig.engine.working

    killed_then(tmp_path, (SPOT, "buy", "market"), first, second)
