"""FAULTS.md C: the journal cannot be written. What is not stored is not sent."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rig import SPOT, Rig, check, kill, run, until_killed

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

POST = "POST /api/v3/order"


@contextlib.contextmanager
def locked(folder: Path) -> Any:
    """Another program holds the database."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("begin immediate")
        yield
        other.execute("rollback")


def space(rig: Rig, pages: int) -> None:
    """Let the database grow to so many pages, or not at all: SQLite then says that the disk is full."""
    connection = rig.writer._connection
    assert connection is not None
    connection.exec_driver_sql(f"pragma max_page_count = {pages}")
    connection.rollback()


def fill_up(rig: Rig) -> None:
    space(rig, 1)  # it never goes below what is there


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_c1_locked_for_longer_than_the_wait(tmp_path: Path, side: str) -> None:
    """The entry is not sent, and decided anew later; nothing is lost of what happened meanwhile."""

    async def work() -> None:
        async with Simulator() as venue:
            async with Rig(venue, tmp_path, busy_timeout_s=0.2) as rig:
                rig.engine.order("buy", "market", 0.3)
                await rig.bar()
                asked = venue.requests[POST]
                with locked(tmp_path):
                    number = rig.engine.order(side, "market", 0.1)
                    await rig.bar()
                    assert venue.requests[POST] == asked
                    assert rig.writer.order(number) is None
                    assert "storage" in rig.account.gates.quarantined["*"]
                await rig.until(lambda: not rig.account.gates.quarantined)
                assert ("cancelled", number) in rig.engine.events
                again = rig.engine.order(side, "market", 0.1)
                await rig.bar()
                assert rig.row(again)["status"] == "filled"
            check(venue, tmp_path)

    run(work())


def test_c1_an_exit_waits_for_the_journal_and_then_goes(tmp_path: Path) -> None:
    async def work() -> None:
        async with Simulator() as venue:
            async with Rig(venue, tmp_path, busy_timeout_s=0.2) as rig:
                rig.engine.order("buy", "market", 0.3)
                await rig.bar()
                asked = venue.requests[POST]
                with locked(tmp_path):
                    out = rig.engine.order("sell", "market", 0.1, reduce_only=True, purpose="exit")
                    await rig.bar()
                    assert venue.requests[POST] == asked
                await rig.until(lambda: (rig.writer.order(out) or {}).get("status") == "filled")
                await rig.quiet()
            check(venue, tmp_path)

    run(work())


def test_c2_disk_full_at_the_intent(tmp_path: Path) -> None:
    async def work() -> None:
        async with Simulator() as venue:
            async with Rig(venue, tmp_path) as rig:
                rig.engine.order("buy", "market", 0.3)
                await rig.bar()
                asked = venue.requests[POST]
                fill_up(rig)
                for _ in range(12):  # until the free room inside the last pages is used
                    rig.engine.order("buy", "market", 0.01)
                    await rig.bar()
                    if "*" in rig.account.gates.quarantined:
                        break
                assert "storage" in rig.account.gates.quarantined["*"]
                stored = len({row["order"] for row in rig.writer.fills()}) - 1
                assert venue.requests[POST] - asked <= stored + 1
                space(rig, 2**30)
                await rig.until(lambda: not rig.account.gates.quarantined)
                again = rig.engine.order("buy", "market", 0.1)
                await rig.bar()
                assert rig.row(again)["status"] == "filled"
            check(venue, tmp_path)

    run(work())


def test_c3_disk_full_after_the_send_heals_at_the_next_start(tmp_path: Path) -> None:
    with running(Simulator()) as venue:

        async def first() -> None:
            async with Rig(venue, tmp_path, busy_timeout_s=0.1) as rig:
                send = rig.account.venue.send

                async def and_nothing_can_be_written(request: Any) -> Any:
                    answer = await send(request)
                    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
                    other.execute("begin immediate")
                    asyncio.get_running_loop().call_later(1.0, kill)
                    rig.other = other  # type: ignore[attr-defined]
                    return answer

                rig.account.venue.send = and_nothing_can_be_written  # type: ignore[method-assign]
                rig.engine.order("buy", "market", 0.1)
                await rig.bar()
                await asyncio.sleep(30)

        async def second() -> None:
            async with Rig(venue, tmp_path) as rig:
                assert rig.row(1)["status"] == "filled"
                assert rig.engine.position == pytest.approx(0.0999)

        until_killed(first)
        run(second())
        check(venue, tmp_path, SPOT)
