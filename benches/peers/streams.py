"""One new bar: features of one symbol and of 500, against TA-Lib's stream API."""

from collections.abc import Callable

import polars as pl

from benches.peers.harness import interleaved, table
from benches.peers.scanner import BARS, SYMBOLS, panel


def run(rounds: int = 7) -> str:
    """The table of streaming jobs."""
    import mirrorfast as mf

    frame, arrays = panel()
    warm = frame.filter(pl.int_range(pl.len()).over("symbol") < BARS - 200)
    late = [frame.filter(pl.int_range(pl.len()).over("symbol") == k).rechunk() for k in range(BARS - 200, BARS)]
    stream = mf.FeatureStream(threads=1)
    stream.update(warm)
    at = iter(late * 50)

    def ours() -> object:
        nonlocal stream, at
        batch = next(at, None)
        if batch is None or batch["timestamp"][0] == late[0]["timestamp"][0]:
            stream = mf.FeatureStream(threads=1)
            stream.update(warm)
            at = iter(late)
            batch = next(at)
        return stream.update(batch)

    jobs: dict[str, Callable[[], object]] = {"mirrorfast, 500 symbols, all columns": ours}
    jobs |= talib_streams(arrays)
    timing = interleaved(jobs, rounds=max(rounds, 25))
    head = ["job", "CPU µs a symbol"]
    rows = [[name, f"{timing.median(name) / SYMBOLS * 1e6:.2f}"] for name in jobs]
    peer = next((name for name in jobs if name.startswith("TA-Lib")), None)
    note = (
        ""
        if peer is None
        else f"\n\nTA-Lib's time over ours: {timing.ratio('mirrorfast, 500 symbols, all columns', peer):.1f}×."
    )
    return f"One closed bar for each of {SYMBOLS} symbols.\n\n" + table(head, rows) + note


def talib_streams(arrays: list[dict]) -> dict[str, Callable[[], object]]:
    """TA-Lib's incremental streams, 31 a symbol, one `update` each per bar."""
    from talib import stream

    from benches.peers.scanner import TALIB_31

    key = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
    held = [
        [getattr(stream, name)(*(a[key[i]] for i in inputs), *args) for name, inputs, args in TALIB_31]
        for a in arrays[:50]
    ]

    def job() -> None:
        # Fifty symbols stand for five hundred: the loop is linear, and ten passes touch as many streams.
        for _ in range(10):
            for a, streams in zip(arrays[:50], held, strict=True):
                for (_, inputs, _), st in zip(TALIB_31, streams, strict=True):
                    st.update(*(float(a[key[i]][-1]) for i in inputs))

    return {"TA-Lib streams, 31 indicators": job}
