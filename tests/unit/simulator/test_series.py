"""The path inside a bar: its trades add up to the recorded bar, and candles of every length come from them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirrorfast.errors import DataError
from mirrorfast.simulator.series import INTERVALS, TICKS, Series

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 1_508_716_800_000  # 2017-10-23


def made(rows: list[tuple[int, int, int, int, int]], interval: int = HOUR, start: int = MONDAY) -> Series:
    columns = [np.array(c, dtype=np.int64) for c in zip(*rows, strict=True)]
    return Series(np.arange(len(rows), dtype=np.int64) * interval + start, *columns, interval)


prices = st.lists(st.integers(1, 10_000), min_size=4, max_size=4).map(sorted)
bars = st.builds(
    lambda p, up, volume: (p[1] if up else p[2], p[3], p[0], p[2] if up else p[1], volume),
    prices,
    st.booleans(),
    st.integers(0, 10**6),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(bars, min_size=1, max_size=30), st.sampled_from([60_000, 300_000, HOUR]))
def test_trades_add_up_to_the_recorded_bar(rows: list[tuple[int, int, int, int, int]], interval: int) -> None:
    series = made(rows, interval)
    for number, (o, h, low, c, v) in enumerate(rows):
        trades = series.between(number * TICKS, number * TICKS + TICKS - 1)
        assert [trades[0].price, trades[-1].price] == [o, c]
        assert (max(t.price for t in trades), min(t.price for t in trades)) == (h, low)
        assert sum(t.quantity for t in trades) == v
        assert sum(t.price * t.quantity for t in trades) == series.quote[number]
        opened = series.start + number * interval
        assert all(opened <= t.time < opened + interval for t in trades)
        assert [series.position(t.time) for t in trades] == [t.id for t in trades]


@settings(max_examples=40, deadline=None)
@given(st.lists(bars, min_size=30, max_size=60), st.sampled_from(["5m", "30m", "1h", "4h", "1d"]), st.data())
def test_the_open_candle_is_the_sum_of_its_trades(rows: list, interval: str, data: st.DataObject) -> None:
    series = made(rows)
    now = data.draw(st.integers(series.start, series.end - 1))
    candles, closed, current = series.closed_and_open(interval, now)
    assert all(t <= now - 1 for t in candles.close_times[:closed])
    assert current is not None
    assert current.open_time <= now <= current.close_time
    trades = [t for t in series.between(0, series.position(now)) if current.open_time <= t.time <= now]
    assert current.trades == len(trades)
    assert current.volume == sum(t.quantity for t in trades)
    assert current.quote == sum(t.price * t.quantity for t in trades)
    if trades:
        assert (current.open, current.close) == (trades[0].price, trades[-1].price)
        assert (current.high, current.low) == (max(t.price for t in trades), min(t.price for t in trades))


def test_a_rising_bar_visits_its_low_first() -> None:
    series = made([(10, 20, 5, 18, 13), (18, 20, 5, 10, 13)])
    assert [series.trade(k).price for k in (0, 4, 8, 12)] == [10, 5, 20, 18]
    assert [series.trade(13 + k).price for k in (0, 4, 8, 12)] == [18, 20, 5, 10]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    series = made([(10, 10, 10, 10, 1)] * (24 * 40))
    assert series.candles("1w").times[:2] == [MONDAY, MONDAY + 7 * DAY]
    november = 1_509_494_400_000
    months = series.candles("1M")
    assert months.times == [1_506_816_000_000, november, 1_512_086_400_000][: len(months.times)]
    assert months.close_times[0] == november - 1


def test_longer_candles_sum_shorter_ones() -> None:
    rng = np.random.default_rng(4)
    walk = 1_000 + np.cumsum(rng.integers(-5, 6, 500))
    rows = [
        (int(a), int(max(a, b)) + 2, int(min(a, b)) - 2, int(b), int(rng.integers(0, 99))) for a, b in pairwise(walk)
    ]
    series = made(rows, 60_000)
    fine, coarse = series.candles("5m"), series.candles("1h")
    assert int(fine.volume.sum()) == int(coarse.volume.sum()) == sum(r[4] for r in rows)
    first = slice(0, 12)
    assert int(coarse.high[0]) == int(fine.high[first].max())
    assert (int(coarse.open[0]), int(coarse.close[0])) == (int(fine.open[0]), int(fine.close[11]))


def test_minutes_without_a_trade_are_flat() -> None:
    series = made([(100, 110, 90, 105, 1300)])
    minutes = series.candles("1m")
    assert len(minutes.times) == 60
    assert int(minutes.volume.sum()) == 1300
    quiet = minutes.volume == 0
    assert quiet.any()
    assert np.all(minutes.high[quiet] == minutes.low[quiet])
    assert np.all(minutes.open[1:][quiet[1:]] == minutes.close[:-1][quiet[1:]])


def test_before_the_first_bar_there_is_nothing() -> None:
    series = made([(1, 2, 1, 2, 3)])
    assert series.position(MONDAY - 1) == -1
    assert series.last(MONDAY - 1) is None
    assert series.closed_and_open("1h", MONDAY - 1)[1:] == (0, None)


def test_after_the_last_bar_nothing_changes() -> None:
    series = made([(1, 2, 1, 2, 3)])
    assert series.position(MONDAY + DAY) == TICKS - 1
    assert series.closed_and_open("1h", MONDAY + DAY)[1:] == (1, None)


def test_no_bars_is_an_error() -> None:
    with pytest.raises(DataError, match="0 rows"):
        made([(1, 1, 1, 1, 1)]).__class__(*(np.array([], dtype=np.int64),) * 6, HOUR)


def test_intervals_are_binances() -> None:
    assert list(INTERVALS)[:3] == ["1s", "1m", "3m"]
    assert len(INTERVALS) == 16
