"""FAULTS.md D: what can happen to an order after the venue took it."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rig import SPOT, SWAP, Intent, Rig, check, run

from mirrorfast.simulator import Simulator

KINDS = [
    pytest.param((symbol, side), id=f"{'swap' if symbol == SWAP else 'spot'}-{side}")
    for symbol, side in [(SPOT, "buy"), (SPOT, "sell"), (SWAP, "buy"), (SWAP, "sell")]
]
PATHS = {SPOT: "/api/v3/order", SWAP: "/fapi/v1/order"}


def books(venue: Simulator, symbol: str) -> Any:
    return venue.account.futures if symbol == SWAP else venue.account.spot


async def rest(rig: Rig, what: tuple[str, str], quantity: float = 0.2) -> int:
    """Let a limit order rest."""
    symbol, side = what
    if symbol == SPOT and side == "sell":
        rig.engine.order("buy", "market", 0.5)
        await rig.bar()
    number = rig.engine.order(side, "limit", quantity, price=rig.price(0.97 if side == "buy" else 1.03))
    await rig.bar()
    assert rig.row(number)["status"] == "accepted", rig.row(number)
    return number


def at_venue(rig: Rig, number: int) -> Any:
    name = rig.row(number)["client_order_id"]
    return next(o for o in books(rig.venue, rig.symbol).orders.values() if o.client_id == name)


@pytest.mark.parametrize("what", KINDS)
def test_d1_fills_while_nobody_listens(tmp_path: Path, what: tuple[str, str]) -> None:
    """A part fills, the connection is gone, the rest fills meanwhile: everything is booked once."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await rest(rig, what)
            books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.05"))
            await rig.until(lambda: rig.row(number)["status"] == "partially_filled")
            venue.faults.add("drop_before", endpoint=PATHS[what[0]], method="GET", seconds=0.5)
            books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.15"))
            await rig.until(lambda: rig.row(number)["status"] == "filled")
            await rig.quiet()
            assert len(rig.writer.fills(number)) == 2
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("race", ["cancel_race", "partial_race"])
@pytest.mark.parametrize("what", KINDS)
def test_d2_a_cancel_that_races_with_a_fill(tmp_path: Path, what: tuple[str, str], race: str) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await rest(rig, what)
            venue.faults.add(race, endpoint=PATHS[what[0]], method="DELETE", count=1)
            rig.engine.withdraw(number)
            await rig.bar()
            row = rig.row(number)
            if race == "cancel_race":
                assert (row["status"], row["filled"]) == ("filled", Decimal("0.2"))
            else:
                assert (row["status"], row["filled"]) == ("cancelled", Decimal("0.1"))
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("what", KINDS)
def test_d3_a_cancel_whose_answer_is_lost(tmp_path: Path, what: tuple[str, str]) -> None:
    """The order has a partial fill; aiohttp may repeat the DELETE: whatever comes of it, the state is asked for."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await rest(rig, what)
            books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.05"))
            venue.faults.add("drop_after", endpoint=PATHS[what[0]], method="DELETE", count=1)
            rig.engine.withdraw(number)
            await rig.bar()
            row = rig.row(number)
            assert (row["status"], row["filled"]) == ("cancelled", Decimal("0.05"))
            assert ("cancelled", number) in rig.engine.events
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("fault", ["stream_duplicate", "stream_disorder", "stream_gap", "stream_drop"])
@pytest.mark.parametrize("what", [KINDS[0], KINDS[3]])
def test_d4_events_doubled_disordered_lost(tmp_path: Path, what: tuple[str, str], fault: str) -> None:
    """The stream only rings; what it says is asked for. So any order of events gives the same state."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0], stream=True, poll_s=1.0) as rig:
            await rig.until(lambda: rig.account.venue.client.connected > 0)
            venue.faults.add(fault, probability=0.5)
            for _ in range(3):
                number = await rest(rig, what, 0.1)
                books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.04"))
                books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.06"))
                await rig.until(lambda number=number: rig.row(number)["status"] == "filled")
            await rig.quiet()
        check(venue, tmp_path, what[0])

    run(work())


def test_d4_the_stream_rings_long_before_the_poll(tmp_path: Path) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, stream=True, poll_s=3_000.0) as rig:
            await rig.until(lambda: rig.account.venue.client.connected > 0)
            await asyncio.sleep(0.5)
            number = await rest(rig, (SPOT, "buy"))
            books(venue, SPOT).fill(at_venue(rig, number), Decimal("0.2"))
            await rig.until(lambda: rig.row(number)["status"] == "filled")
            await rig.quiet()
        check(venue, tmp_path)

    run(work())


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("what", KINDS)
def test_d5_a_live_order_is_not_found(tmp_path: Path, what: tuple[str, str], times: int) -> None:
    """A replica that lags: the order is not closed for it."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await rest(rig, what)
            rule = venue.faults.add("not_found", endpoint=PATHS[what[0]], method="GET", count=times)
            rig.broker.poke()
            await rig.until(lambda: rule.struck == times)
            await rig.quiet()
            assert rig.row(number)["status"] == "accepted"
            books(venue, what[0]).fill(at_venue(rig, number), Decimal("0.2"))
            await rig.until(lambda: rig.row(number)["status"] == "filled")
            await rig.quiet()
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("what", KINDS)
def test_d5_a_replica_that_lags_for_long(tmp_path: Path, what: tuple[str, str]) -> None:
    """Not found for as often as it is asked: the list of open orders is asked, and has it."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await rest(rig, what)
            venue.faults.add("not_found", endpoint=PATHS[what[0]], method="GET", seconds=1.5)
            await asyncio.sleep(1.6)
            await rig.quiet()
            assert rig.row(number)["status"] == "accepted"
            assert rig.broker.working()[0].request.order == number
        check(venue, tmp_path, what[0])

    run(work())


def test_d5_an_order_that_is_nowhere_needs_a_person(tmp_path: Path) -> None:
    """Accepted, then gone from every list: nothing is assumed, and the symbol takes no new exposure."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path) as rig:
            number = await rest(rig, (SPOT, "buy"))
            gone = at_venue(rig, number)
            books(venue, SPOT).cancel(gone)
            venue.faults.add("not_found", endpoint=PATHS[SPOT], method="GET")
            await rig.until(lambda: rig.row(number)["status"] == "needs_operator")
            assert "operator" in rig.account.gates.quarantined[SPOT]
            late = rig.engine.order("buy", "market", 0.1)
            await rig.bar()
            assert rig.row(late)["status"] == "rejected"
        check(venue, tmp_path)

    run(work())


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_d6_dust_is_left_where_it_is(tmp_path: Path, symbol: str) -> None:
    """A partial fill leaves a position below the least notional: one refusal here, no request, no retry."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, symbol) as rig:
            number = await rest(rig, (symbol, "buy"), 0.2)
            books(venue, symbol).fill(at_venue(rig, number), Decimal("0.0004"))
            rig.engine.withdraw(number)
            await rig.bar()
            assert rig.row(number)["filled"] == Decimal("0.0004")
            asked = venue.requests[f"POST {PATHS[symbol]}"]
            exit_ = rig.engine.order("sell", "market", 0.0004, reduce_only=True, purpose="exit")
            await rig.bar()
            if symbol == SPOT:
                assert "below the least" in rig.row(exit_)["reason"]
                assert venue.requests[f"POST {PATHS[symbol]}"] == asked
                assert rig.broker.venue.contracts[symbol].is_dust(
                    rig.account.book.held(symbol), Decimal(str(rig.price()))
                )
            else:
                assert rig.row(exit_)["status"] == "filled"  # perpetuals: what reduces may be small
        check(venue, tmp_path, symbol)

    run(work())


def stop_intent(rig: Rig, number: int, quantity: float, side: str = "sell", factor: float = 0.9) -> Intent:
    rig.engine.working[number] = quantity
    return Intent({
        "kind": "submit", "id": number, "decision": 1, "symbol": 0, "side": side, "type": "stop", "quantity": quantity,
        "price": None, "trigger": rig.price(factor), "distance": None, "reduce_only": True, "purpose": "stop_loss",
        "tif": "gtc", "oco": 0, "ts": 0,
    })  # fmt: skip


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_d7_a_stop_that_the_venue_refuses(tmp_path: Path, symbol: str) -> None:
    """The engine hears of it at once (and closes the position); the order is not sent again and again."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, symbol) as rig:
            rig.engine.order("buy", "market", 0.3)
            await rig.bar()
            number = rig.engine.next_order
            rig.engine.next_order += 1
            # A trigger above the price: "would trigger at once".
            rig.engine.todo.append(lambda: stop_intent(rig, number, 0.2, factor=1.05))
            await rig.bar()
            assert rig.row(number)["status"] == "rejected"
            assert ("rejected", number) in rig.engine.events
        check(venue, tmp_path, symbol)

    run(work())


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_d7_a_stop_that_vanishes_is_reported_as_refused(tmp_path: Path, symbol: str) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, symbol) as rig:
            rig.engine.order("buy", "market", 0.3)
            await rig.bar()
            number = rig.engine.next_order
            rig.engine.next_order += 1
            rig.engine.todo.append(lambda: stop_intent(rig, number, 0.2))
            await rig.bar()
            assert rig.row(number)["status"] == "accepted"
            assert rig.broker.protected(symbol)
            books(venue, symbol).cancel(at_venue(rig, number))
            await rig.until(lambda: ("rejected", number) in rig.engine.events)
            await rig.quiet()
        result = check(venue, tmp_path, symbol)
        assert any(i["kind"] == "stop_lost" for i in result["incidents"])

    run(work())


def test_d7_an_exit_gets_what_the_stop_had_locked(tmp_path: Path) -> None:
    """On spot a resting stop locks the coins: it makes room for the exit, and comes back when the exit fails."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path) as rig:
            rig.engine.order("buy", "market", 0.3)
            await rig.bar()
            stop = rig.engine.next_order
            rig.engine.next_order += 1
            rig.engine.todo.append(lambda: stop_intent(rig, stop, 0.2997))
            await rig.bar()
            venue.faults.add("insufficient_balance", endpoint=PATHS[SPOT], method="POST", count=1)
            first = rig.engine.order("sell", "market", 0.2997, reduce_only=True, purpose="exit")
            await rig.bar()
            assert rig.row(first)["status"] == "rejected"
            assert (rig.row(stop)["status"], rig.row(stop)["attempt"]) == ("accepted", 2)
            assert rig.broker.protected(SPOT)
            second = rig.engine.order("sell", "market", 0.2997, reduce_only=True, purpose="exit")
            await rig.bar()
            assert rig.row(second)["status"] == "filled"
            rig.engine.withdraw(stop)
            await rig.bar()
            assert rig.row(stop)["status"] == "cancelled"
            assert not books(venue, SPOT).open_orders("BTCUSDT")
        check(venue, tmp_path)

    run(work())


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_d8_a_market_that_is_halted(tmp_path: Path, symbol: str) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, symbol) as rig:
            rig.engine.order("buy", "market", 0.3)
            await rig.bar()
            (venue.futures if symbol == SWAP else venue.market)["BTCUSDT"].status = "BREAK"
            refused = rig.engine.order("sell", "market", 0.1, reduce_only=True, purpose="exit")
            await rig.bar()
            assert rig.row(refused)["status"] in ("rejected", "never_sent")
            asked = venue.requests[f"POST {PATHS[symbol]}"]
            again = rig.engine.order("buy", "market", 0.1)
            await rig.bar()
            assert "not trading" in rig.row(again)["reason"]
            assert venue.requests[f"POST {PATHS[symbol]}"] == asked
        check(venue, tmp_path, symbol)

    run(work())


@pytest.mark.parametrize("asset", ["BTC", "BNB"])
def test_d9_fees_in_base_and_in_a_third_coin(tmp_path: Path, asset: str) -> None:
    """What can be sold is what is there; cash moves by exactly what the venue moved."""

    async def work() -> None:
        options: dict[str, Any] = {}
        if asset == "BNB":
            options = {"fee_asset": "BNB", "fee_price": 300.0, "balances": {"USDT": 100_000, "BNB": 10}}
        async with Simulator(**options) as venue, Rig(venue, tmp_path) as rig:
            rig.engine.order("buy", "market", 0.3333)
            await rig.bar()
            held = rig.engine.position
            bought = rig.writer.fills()[0]
            assert bought["fee_currency"] == asset
            expected = 0.3329 if asset == "BTC" else 0.3333  # 0.3329667, whole lots of it
            assert held == pytest.approx(expected, abs=1e-12)
            sold = rig.engine.order("sell", "market", held, reduce_only=True, purpose="exit")
            await rig.bar()
            assert rig.row(sold)["status"] == "filled"
            assert rig.engine.position == pytest.approx(0.0, abs=1e-12)
            left = rig.account.book.held(SPOT)
            assert left == books(venue, SPOT).balance("BTC").total
            assert abs(left) < Decimal("0.0001")
        check(venue, tmp_path)

    run(work())
