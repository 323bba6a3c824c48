"""Bars far off their neighbours: found in tables, held back in feeds, until a second source or the next bar agrees."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirrorfast.data.collect import BarCollector
from mirrorfast.data.schema import BAR_SCHEMA
from mirrorfast.data.suspect import SpikeGuard, find_suspects
from mirrorfast.data.venue.counters import Counters
from mirrorfast.errors import ParameterError

STEP = 60_000


def table(**closes: list[float]) -> pl.DataFrame:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        (symbol, start + timedelta(minutes=k), c, c * 1.01, c * 0.99, c, 1.0)
        for symbol, values in sorted(closes.items())
        for k, c in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def bar(close: float) -> tuple[float, float, float, float, float]:
    return (close, close * 1.01, close * 0.99, close, 1.0)


def test_of_a_table_only_the_spike_is_found() -> None:
    bars = table(A=[1, 1.1, 11, 1.1, 1.2], B=[100, 101, 99], C=[5, 50, 51, 52], D=[7, 0.7, 7], E=[3, 3, 30], F=[2])
    found = find_suspects(bars, 3.0)
    where = [(row["symbol"], row["timestamp"].minute, row["newest"]) for row in found.iter_rows(named=True)]
    # C's level is agreed with by the bars after it; nothing says so of E's yet.
    assert where == [("A", 2, False), ("D", 1, False), ("E", 2, True)]
    assert found["ratio"].to_list() == pytest.approx([10, 0.1, 10])
    with pytest.raises(ParameterError, match="factor = 1"):
        find_suspects(bars, 1.0)


@given(st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=30), st.floats(1e-6, 1e6), st.integers(1, 28))
def test_ordinary_markets_are_not_suspect_and_scale_does_not_matter(moves: list[float], scale: float, at: int) -> None:
    closes = [1.0]
    for move in moves:
        closes.append(closes[-1] * (1 + move))
    assert find_suspects(table(A=closes), 3.0).is_empty()
    at = min(at, len(closes) - 1)
    spiked = [c * (10 if k == at else 1) * scale for k, c in enumerate(closes)]
    assert find_suspects(table(A=spiked), 3.0)["timestamp"].dt.minute().to_list() == [at]


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e7])
def test_guard_holds_back_until_the_next_bar_decides(scale: float) -> None:
    guard = SpikeGuard(3.0)

    def judged(*closes: float) -> list[bool]:
        return [guard.good("A", bar(c * scale)) for c in closes]

    assert judged(1, 1.1, 11, 1.1, 1.2) == [True, True, False, True, True]  # off and back
    assert judged(12, 12.5, 12.2) == [False, True, True]  # it was right
    assert judged(1.2, 120) == [False, False]  # neither the old level nor the new
    assert judged(130) == [True]
    assert guard.good("A", bar(10_000 * scale), confirmed=True)
    off = SpikeGuard(0)
    assert [off.good("B", bar(c)) for c in (1, 1e9)] == [True, True]
    with pytest.raises(ParameterError, match="expected 0, or a number > 1"):
        SpikeGuard(0.5)


class _Venue:
    """A fetcher as a feed sees it: closes by time, and another answer where it is asked twice."""

    def __init__(self, closes: dict[str, list[float]], again: dict[str, list[float]] | None = None) -> None:
        from mirrorfast.config.data import DataConfig

        self.closes, self.again = closes, again or {}
        self.asked: dict[str, int] = {}
        self.counters = Counters("demo")
        self.config, self.client, self.name = DataConfig(), self, "demo"

    async def fetch_many(self, symbols: Any, timeframes: Any, **_: Any) -> Any:
        from mirrorfast.data.results import FetchResult

        taken = {}
        for symbol in symbols:
            self.asked[symbol] = self.asked.get(symbol, 0) + 1
            taken[symbol] = self.again.get(symbol, self.closes[symbol])
        return FetchResult({timeframes[0]: table(**taken).select(pl.lit("demo").alias("exchange"), pl.all())})

    def now(self) -> int:
        return START + 60 * STEP


START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1_000)


def fed(venue: _Venue, second: _Venue | None = None) -> list[tuple[int, list[int], dict[int, str]]]:
    """What a feed lets through: minute, symbols, and those that are held back."""
    from mirrorfast.data.poll import PollFeed

    async def run() -> list[Any]:
        names = list(venue.closes)
        feed = PollFeed(venue, names, "1m", second=second)  # type: ignore[arg-type]
        held = BarCollector(names, "1m", after=START - STEP, counters=venue.counters)
        feed._collector = held
        batches = []
        for k in range(len(venue.closes[names[0]])):
            ts = START + k * STEP
            for name in names:
                held.add(name, ts, bar(venue.closes[name][k]))
            await feed._judge(held, ts)
            batch = held.take(ts)
            batches.append(
                (k, [] if batch is None else [row[0] for row in batch.rows], dict(batch.held) if batch else {})
            )
            assert (names[0] in feed.quarantined) == (batch is None or 0 not in [row[0] for row in batch.rows])
        return batches

    return asyncio.run(run())


def test_feed_holds_a_spike_back_and_says_whose() -> None:
    venue = _Venue({"A": [1, 1, 10, 1, 1], "B": [5, 5, 5, 5, 5]})
    batches = fed(venue)
    assert [rows for _, rows, _ in batches] == [[0, 1], [0, 1], [1], [0, 1], [0, 1]]
    assert [list(held) for _, _, held in batches] == [[], [], [0], [], []]
    assert "suspect" in batches[2][2][0]
    assert venue.asked == {"A": 1}  # once more, and only the one in doubt
    assert venue.counters["suspects"] == 1


def test_feed_takes_what_a_second_answer_a_second_venue_or_the_next_bar_says() -> None:
    wrong_once = _Venue({"A": [1, 1, 10, 1], "B": [5] * 4}, again={"A": [1, 1, 1, 1]})
    assert all(rows == [0, 1] for _, rows, _ in fed(wrong_once))
    level = {"A": [1, 1, 10, 10.5], "B": [5] * 4}
    assert [rows for _, rows, _ in fed(_Venue(level))] == [[0, 1], [0, 1], [1], [0, 1]]
    venue = _Venue(level)
    assert all(rows == [0, 1] for _, rows, _ in fed(venue, _Venue(level)))
    assert venue.counters["suspects_confirmed"] == 1
    other = _Venue({"A": [1, 1, 1, 1], "B": [5] * 4})
    assert [rows for _, rows, _ in fed(_Venue({"A": [1, 1, 10, 1], "B": [5] * 4}), other)][2] == [1]
