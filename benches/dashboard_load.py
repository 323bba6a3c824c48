"""What a dashboard with many viewers costs the trading loop.

    python benches/dashboard_load.py [--viewers 200] [--seconds 20] [--rounds 3]

A loop on asyncio hands 100 bar times a second of 20 symbols to the dashboard, which tells its viewers ten times a
second; the viewers run in another process and check that nothing is missing. Interleaved: no dashboard, one without
viewers, one with all of them. Prints how late the loop's bar times were against their plan, and what handing one over took.
"""

import argparse
import asyncio
import importlib.util
import json
import multiprocessing as mp
import statistics
import sys
import tempfile
import time
from pathlib import Path

RATE, SYMBOLS = 100, 20


def helpers():
    spec = importlib.util.spec_from_file_location("dashboard_run", Path(__file__).parents[1] / "tests/dashboard_run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def look(url, origin, token, viewers, ready, stop, out):
    """Viewers of one process: counts messages, deltas and holes."""
    from websockets.asyncio.client import connect

    async def one(counts):
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(url, origin=origin, additional_headers=headers, max_size=None, open_timeout=120) as stream:
            await stream.send('{"epoch":null,"seq":null,"symbol":""}')
            seq = json.loads(await stream.recv())["seq"]
            counts["ready"] += 1
            while not stop.is_set():
                try:
                    text = await asyncio.wait_for(stream.recv(), 2)
                except TimeoutError:
                    continue
                message = json.loads(text)
                counts["messages"] += 1
                counts["bytes"] += len(text)
                if message["t"] == "snapshot":
                    counts["snapshots"] += 1
                    seq = message["seq"]
                    continue
                for delta in message["list"]:
                    counts["holes"] += delta["seq"] != seq + 1
                    seq = delta["seq"]
                counts["deltas"] += len(message["list"])

    async def run():
        counts = dict.fromkeys(("ready", "messages", "deltas", "bytes", "snapshots", "holes"), 0)
        tasks = [asyncio.create_task(one(counts)) for _ in range(viewers)]
        while counts["ready"] < viewers:
            await asyncio.sleep(0.05)
        ready.set()
        await asyncio.gather(*tasks)
        out.put(counts)

    asyncio.run(run())


async def drive(run, seconds):
    """Hand bar times over at their times; how late each was, and how long it took."""
    late, took = [], []
    began = time.perf_counter()
    for k in range(int(seconds * RATE)):
        due = began + k / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        now = time.perf_counter()
        late.append(now - due)
        if run is not None:
            run.step("buy" if k % 50 == 0 else None)
            took.append(time.perf_counter() - now)
    return late, took


def percentiles(values):
    ordered = sorted(values)
    pick = [ordered[int(len(ordered) * q)] * 1e3 for q in (0.5, 0.99, 0.999)]
    return f"median {pick[0]:.3f}  p99 {pick[1]:.3f}  p99.9 {pick[2]:.3f}  max {ordered[-1] * 1e3:.3f} ms"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    module = helpers()
    late = {name: [] for name in ("no dashboard", "no viewers", "viewers")}
    took = {name: [] for name in late}
    context = mp.get_context("spawn")
    for _ in range(given.rounds):
        for name in late:
            if name == "no dashboard":
                late[name] += asyncio.run(drive(None, given.seconds))[0]
                continue
            with tempfile.TemporaryDirectory() as folder:
                symbols = [f"S{k:02}/USD" for k in range(SYMBOLS)]
                with module.WatchedRun(Path(folder), symbols=symbols, interval=0.1) as run:
                    process = None
                    if name == "viewers":
                        ready, stop, out = context.Event(), context.Event(), context.Queue()
                        where = (f"ws://{run.host}/stream", run.origin, module.TOKEN)
                        process = context.Process(target=look, args=(*where, given.viewers, ready, stop, out))
                        process.start()
                        assert ready.wait(300)
                    before = time.process_time()
                    a, b = asyncio.run(drive(run, given.seconds))
                    cpu = time.process_time() - before
                    late[name] += a
                    took[name] += b
                    if process is not None:
                        stop.set()
                        counts = out.get(timeout=120)
                        process.join(30)
                        each = counts["deltas"] / given.viewers / given.seconds
                        print(f"{counts}, {each:.1f} deltas a second and viewer, processor {cpu / given.seconds:.0%}")
                        assert counts["holes"] == 0
    for name, values in late.items():
        print(f"{name:13} late  {percentiles(values)}")
        if took[name]:
            print(f"{'':13} took  {percentiles(took[name])}, mean {statistics.mean(took[name]) * 1e6:.0f} µs")


if __name__ == "__main__":
    main()
