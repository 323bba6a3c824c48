"""FAULTS.md A: what can go wrong between an intent and a venue's answer."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rig import SPOT, SWAP, Rig, check, run

from mirrorfast.simulator import Simulator

#: Spot purchases and sales, market and limit orders; the perpetual where an order may open either side.
KINDS = [
    pytest.param((symbol, side, kind), id=f"{'swap' if symbol == SWAP else 'spot'}-{side}-{kind}")
    for symbol, side, kind in [
        (SPOT, "buy", "market"), (SPOT, "sell", "market"), (SPOT, "buy", "limit"), (SPOT, "sell", "limit"),
        (SWAP, "sell", "market"), (SWAP, "buy", "limit"),
    ]
]  # fmt: skip
PATHS = {SPOT: "/api/v3/order", SWAP: "/fapi/v1/order"}


@pytest.fixture
def venue() -> Callable[..., Simulator]:
    return lambda **options: Simulator(**options)


async def send(rig: Rig, what: tuple[str, str, str], *faults: tuple[str, dict[str, Any]], quantity: float = 0.2) -> int:
    """Send an order under faults; a sale on spot needs something to sell first."""
    symbol, side, kind = what
    if symbol == SPOT and side == "sell":
        rig.engine.order("buy", "market", 0.5)
        await rig.bar()
    for name, rule in faults:
        rig.venue.faults.add(name, **({"endpoint": PATHS[symbol], "method": "POST", "count": 1} | rule))
    price = None
    if kind == "limit":
        price = rig.price(1.01 if side == "buy" else 0.99)  # meets the other side at once
    number = rig.engine.order(side, kind, quantity, price=price)
    await rig.bar()
    return number


def scenario(
    tmp_path: Path,
    what: tuple[str, str, str],
    *faults: tuple[str, dict[str, Any]],
    attempts: int,
    sends: int,
    **more: Any,
) -> dict[str, Any]:
    """Send one order under faults: it fills exactly once, after so many attempts, of which so many reached the wire."""

    async def work() -> dict[str, Any]:
        async with Simulator() as venue:
            path = PATHS[what[0]]
            async with Rig(venue, tmp_path, what[0], **more) as rig:
                number = await send(rig, what, *faults)
                row = rig.row(number)
                assert row["status"] == "filled", row
                assert row["attempt"] == attempts
                assert Decimal(row["filled"]) == Decimal("0.2")
                before = 1 if what[:2] == (SPOT, "sell") else 0
                assert venue.requests[f"POST {path}"] == sends + before
            return check(venue, tmp_path, what[0])

    return run(work())


@pytest.mark.parametrize("what", KINDS)
def test_no_fault(tmp_path: Path, what: tuple[str, str, str]) -> None:
    result = scenario(tmp_path, what, attempts=1, sends=1)
    assert not [i for i in result["incidents"] if i["severity"] != "info"]


@pytest.mark.parametrize("what", KINDS)
def test_a1_lost_before_the_venue(tmp_path: Path, what: tuple[str, str, str]) -> None:
    result = scenario(tmp_path, what, ("drop_before", {}), attempts=2, sends=2)
    first = next(
        o for o in result["orders"] if o["attempt"] == 1 and o["purpose"] == "entry" and o["status"] != "filled"
    )
    assert first["status"] == "never_sent"


@pytest.mark.parametrize("what", KINDS)
def test_a2_dropped_after_the_venue_took_it(tmp_path: Path, what: tuple[str, str, str]) -> None:
    scenario(tmp_path, what, ("drop_after", {}), attempts=1, sends=1)


@pytest.mark.parametrize("what", KINDS)
def test_a3_answered_after_the_timeout(tmp_path: Path, what: tuple[str, str, str]) -> None:
    scenario(tmp_path, what, ("late_answer", {"parameters": {"delay": 1.5}}), attempts=1, sends=1)


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("what", KINDS)
def test_a4_gateway_error_after_the_venue_took_it(tmp_path: Path, what: tuple[str, str, str], status: int) -> None:
    scenario(tmp_path, what, ("error_after", {"parameters": {"status": status}}), attempts=1, sends=1)


@pytest.mark.parametrize("what", KINDS)
def test_a5_gateway_error_before_the_venue_saw_it(tmp_path: Path, what: tuple[str, str, str]) -> None:
    scenario(tmp_path, what, ("error_before", {"parameters": {"status": 503}}), attempts=2, sends=2)


@pytest.mark.parametrize("what", KINDS)
def test_a6_processed_after_a_first_not_found(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """The gateway gives up, the request arrives 0.2 s later, when it was asked for and not found."""
    scenario(tmp_path, what, ("hold", {"parameters": {"delay": 0.2, "status": 504}}), attempts=1, sends=1)


@pytest.mark.parametrize("what", KINDS[:1] + KINDS[4:5])
def test_a6_a_copy_that_comes_after_the_window_is_refused(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """The fence is what makes this safe: without it two orders would stand."""
    scenario(tmp_path, what, ("hold", {"parameters": {"delay": 0.6, "status": 504}}), attempts=2, sends=2)


@pytest.mark.parametrize("kind", ["empty", "null", "object", "html", "truncated", "list"])
@pytest.mark.parametrize("what", [KINDS[0], KINDS[3], KINDS[4]])
def test_a7_garbage_after_the_venue_took_it(tmp_path: Path, what: tuple[str, str, str], kind: str) -> None:
    scenario(tmp_path, what, ("garbage", {"parameters": {"kind": kind}}), attempts=1, sends=1)


@pytest.mark.parametrize("code", [-1006, -1007])
@pytest.mark.parametrize("what", KINDS)
def test_a8_status_unknown(tmp_path: Path, what: tuple[str, str, str], code: int) -> None:
    scenario(tmp_path, what, ("unknown_status", {"parameters": {"code": code}}), attempts=1, sends=1)


@pytest.mark.parametrize("what", KINDS)
def test_a9_duplicate_means_accepted(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """The venue takes the order, a proxy repeats the request, and the answer to the copy is what we see."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            create = rig.account.venue.exchange.create_order

            async def twice(*args: Any) -> Any:
                await create(*args)
                venue.faults.add("duplicate_order", endpoint=PATHS[what[0]], method="POST", count=1)
                return await create(*args)

            if what[:2] == (SPOT, "sell"):
                rig.engine.order("buy", "market", 0.5)
                await rig.bar()
            rig.account.venue.exchange.create_order = twice
            price = rig.price(1.01 if what[1] == "buy" else 0.99) if what[2] == "limit" else None
            number = rig.engine.order(what[1], what[2], 0.2, price=price)
            await rig.bar()
            assert (rig.row(number)["status"], rig.row(number)["attempt"]) == ("filled", 1)
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("what", KINDS)
def test_a10_insufficient_balance(tmp_path: Path, what: tuple[str, str, str]) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            number = await send(rig, what, quantity=100.0)
            row = rig.row(number)
            assert (row["status"], row["attempt"]) == ("rejected", 1), row
            assert "insufficient" in row["reason"].lower()
            asked = venue.requests[f"POST {PATHS[what[0]]}"]
            await rig.bar()
            assert venue.requests[f"POST {PATHS[what[0]]}"] == asked, "it was sent again"
            assert ("rejected", number) in rig.engine.events
        result = check(venue, tmp_path, what[0])
        assert any(i["kind"] == "balance" for i in result["incidents"])

    run(work())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": 0.00001}, "quantity"),
        ({"quantity": 0.0005}, "notional"),
        ({"quantity": 2e8}, "above the most"),
    ],
)
@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_a11_refused_here_with_the_reason(tmp_path: Path, symbol: str, changes: dict[str, float], words: str) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, symbol) as rig:
            number = rig.engine.order("buy", "market", changes["quantity"])
            await rig.bar()
            row = rig.row(number)
            assert row["status"] == "rejected"
            assert words in row["reason"]
            assert venue.requests[f"POST {PATHS[symbol]}"] == 0
        check(venue, tmp_path, symbol)

    run(work())


@pytest.mark.parametrize("what", KINDS)
def test_a11_limits_that_changed_at_the_venue(tmp_path: Path, what: tuple[str, str, str]) -> None:
    """The venue raises its least notional: one refusal, the markets are read anew, the next one is refused here."""

    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            books = venue.futures if what[0] == SWAP else venue.market
            if what[:2] == (SPOT, "sell"):
                rig.engine.order("buy", "market", 0.5)
                await rig.bar()
            books["BTCUSDT"].min_notional = Decimal(2_000)
            asked = venue.requests[f"POST {PATHS[what[0]]}"]
            price = rig.price(1.01 if what[1] == "buy" else 0.99) if what[2] == "limit" else None
            first = rig.engine.order(what[1], what[2], 0.2, price=price)
            await rig.bar()
            assert rig.row(first)["status"] == "rejected"
            assert rig.account.venue.contracts[what[0]].min_notional == 2_000
            second = rig.engine.order(what[1], what[2], 0.2, price=price)
            await rig.bar()
            assert "below the least" in rig.row(second)["reason"]
            assert venue.requests[f"POST {PATHS[what[0]]}"] == asked + 1
        check(venue, tmp_path, what[0])

    run(work())


@pytest.mark.parametrize("what", KINDS)
def test_a12_an_undocumented_code_proves_nothing(tmp_path: Path, what: tuple[str, str, str]) -> None:
    result = scenario(tmp_path, what, ("unknown_error", {}), attempts=2, sends=2)
    assert any(i["kind"] == "venue_code" and "-9999" in i["message"] for i in result["incidents"])


@pytest.mark.parametrize("fault", ["bad_key", "bad_signature"])
@pytest.mark.parametrize("what", KINDS)
def test_a13_the_key_is_gone(tmp_path: Path, what: tuple[str, str, str], fault: str) -> None:
    async def work() -> None:
        async with Simulator() as venue, Rig(venue, tmp_path, what[0]) as rig:
            first = await send(rig, what, (fault, {}))
            row = rig.row(first)
            assert (row["status"], row["attempt"]) == ("rejected", 1)
            assert "credentials" in rig.account.gates.quarantined["*"]
            asked = venue.requests[f"POST {PATHS[what[0]]}"]
            for _ in range(5):
                rig.engine.order("buy", "market", 0.2)
                await rig.bar()
            assert venue.requests[f"POST {PATHS[what[0]]}"] == asked, "a storm of orders with a dead key"
            assert rig.row(rig.engine.next_order - 1)["reason"].startswith("* is quarantined")
        result = check(venue, tmp_path, what[0])
        assert any(i["kind"] == "credentials" and i["severity"] == "critical" for i in result["incidents"])

    run(work())
