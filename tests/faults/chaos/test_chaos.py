"""FAULTS.md B6: random kills of real processes under random faults; the simulator's ledger has the last word.

`MIRRORFAST_CHAOS_S` is the length of each run in seconds (25 by default, `make chaos` takes longer),
`MIRRORFAST_CHAOS_SEED` repeats one: the seed is printed.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import SPOT, SWAP, Rig, check, run

from mirrorfast.simulator import Simulator
from mirrorfast.simulator.thread import running

SECONDS = float(os.environ.get("MIRRORFAST_CHAOS_S", "25"))
#: Kills at the least, however slow the machine.
LEAST = 4
SEED = int(os.environ.get("MIRRORFAST_CHAOS_SEED", str(random.SystemRandom().randrange(2**31))))
#: Name, method, probability, parameters: about 30 % of the answers about orders are faulty.
FAULTS = [
    ("drop_before", "POST", 0.04, {}),
    ("error_before", "POST", 0.03, {"status": 503}),
    ("hold", "POST", 0.04, {"delay": 0.15, "status": 504}),
    ("unknown_error", "POST", 0.02, {}),
    ("drop_after", "POST", 0.06, {}),
    ("late_answer", "POST", 0.02, {"delay": 0.8}),
    ("error_after", "POST", 0.05, {"status": 502}),
    ("unknown_status", "POST", 0.03, {}),
    ("garbage", "POST", 0.04, {"kind": "empty"}),
    ("drop_before", "GET", 0.06, {}),
    ("not_found", "GET", 0.06, {}),
    ("error_after", "GET", 0.08, {"status": 503}),
    ("garbage", "GET", 0.06, {"kind": "html"}),
    ("partial_race", "DELETE", 0.1, {}),
    ("cancel_race", "DELETE", 0.1, {}),
    ("drop_after", "DELETE", 0.1, {}),
    ("error_after", "DELETE", 0.1, {"status": 504}),
]
TRADES = [("empty_list", 0.08), ("drop_before", 0.06), ("error_before", 0.06)]


async def trade(rig: Rig, rng: random.Random) -> None:
    """Decide at random, for ever: orders of every kind, withdrawals, several at a time."""
    async with rig:
        while True:
            for _ in range(rng.randint(1, 3)):
                size = rng.choice([0.01, 0.02, 0.05])
                side = rng.choice(["buy", "sell"])
                if rig.symbol == SPOT and rig.engine.position < 0.3:
                    side = "buy"
                if rng.random() < 0.5:
                    rig.engine.order(side, "market", size)
                else:
                    away = rng.choice([0.99, 1.01])
                    rig.engine.order(side, "limit", size, price=rig.price(away))
            for number in list(rig.engine.working):
                if rng.random() < 0.5:
                    rig.engine.withdraw(number)
            await rig.bar()


def in_child(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 4
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the exit status tells
            import traceback

            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)
    return child


@pytest.mark.slow
@pytest.mark.parametrize("symbol", [SPOT, SWAP], ids=["spot", "swap"])
def test_b6_random_kills_under_random_faults(tmp_path: Path, symbol: str) -> None:
    rng = random.Random(f"{SEED} {symbol}")
    sys.stdout.write(f"\nMIRRORFAST_CHAOS_SEED={SEED}\n")
    path = "/fapi/v1/order" if symbol == SWAP else "/api/v3/order"
    trades = "/fapi/v1/userTrades" if symbol == SWAP else "/api/v3/myTrades"
    options = {"balances": {"USDT": 10_000_000}, "futures_balances": {"USDT": 10_000_000}}
    with running(Simulator(seed=SEED, limits=False, **options)) as venue:
        venue.account.orders_10s.limit = 2**31
        for name, method, probability, parameters in FAULTS:
            venue.faults.add(name, endpoint=path, method=method, probability=probability, parameters=parameters)
        for name, probability in TRADES:
            venue.faults.add(name, endpoint=trades, method="GET", probability=probability)
        end, kills = time.monotonic() + SECONDS, 0
        while time.monotonic() < end or kills < LEAST:
            seed = rng.random()
            child = in_child(
                lambda seed=seed: asyncio.run(trade(Rig(venue, tmp_path, symbol, attempts=6), random.Random(seed)))
            )
            # A point in the flow of requests, not in time: a slow machine is killed at the same places.
            enough, patience = sum(venue.requests.values()) + rng.randint(5, 90), time.monotonic() + 30
            while sum(venue.requests.values()) < enough and time.monotonic() < patience:
                time.sleep(rng.uniform(0.001, 0.05))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), f"it ended by itself with {os.WEXITSTATUS(status)}; seed {SEED}"
            kills += 1
        struck = Counter(s.name for s in venue.faults.struck)
        venue.faults.clear()

        async def last() -> None:
            async with Rig(venue, tmp_path, symbol) as rig:
                await rig.quiet(60)
                for order in rig.broker.working():
                    rig.broker.lanes[symbol].cancel(order.request.order, "operator")
                await rig.quiet(60)
                assert not rig.broker.working()
                assert not rig.account.gates.quarantined, rig.account.gates.quarantined

        run(last())
        result = check(venue, tmp_path, symbol)
        faulty = sum(struck.values())
        asked = sum(n for name, n in venue.requests.items() if name.endswith((path, trades)))
        sent = len({o["id"] for o in result["orders"]})
        sys.stdout.write(
            f"{sent} orders, {len(result['fills'])} fills, {kills} kills, {faulty} faults in {asked} answers {struck}\n"
        )
        assert kills >= LEAST
        assert sent
        assert faulty
