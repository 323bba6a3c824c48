import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mirrorfast.report.series import envelope, nice_ticks, time_ticks

DAY = 86_400_000
VALUES = st.floats(-1e9, 1e9, allow_nan=False)


@given(hnp.arrays(np.float64, st.integers(1, 3000), elements=VALUES), st.integers(4, 200))
def test_thinning_keeps_ends_peaks_and_order(y, limit):
    x = np.arange(len(y)) * 7
    a, b = envelope(x, y, limit=limit)
    assert len(a) <= max(limit, 4)
    assert (b.min(), b.max(), b[0], b[-1]) == (y.min(), y.max(), y[0], y[-1])
    assert (np.diff(a) > 0).all()
    assert (y[a // 7] == b).all()


def test_thinning_leaves_out_what_is_no_number():
    a, b = envelope(np.arange(4), np.array([np.nan, 1.0, np.nan, 2.0]))
    assert a.tolist() == [1, 3]
    assert b.tolist() == [1.0, 2.0]


@given(VALUES, st.floats(1e-6, 1e9))
def test_value_marks_are_round_and_inside(low, span):
    high = low + span
    ticks = nice_ticks(low, high)
    if high > low and span > abs(low) * 1e-9:
        assert 1 <= len(ticks) <= 12
        assert all(low - span * 1e-6 <= t <= high + span * 1e-6 for t in ticks)
        assert ticks == sorted(ticks)


def test_value_marks_of_a_flat_line():
    assert nice_ticks(5.0, 5.0) == [5.0]


@given(st.integers(0, 4_102_444_800_000), st.integers(3_600_000, 3650 * DAY))
def test_time_marks_are_inside_and_few(start, span):
    ticks = time_ticks(start, start + span)
    times = [t for t, _ in ticks]
    assert len(ticks) <= 9
    assert all(start <= t <= start + span for t in times)
    assert times == sorted(set(times))
    assert all(label for _, label in ticks)


def test_time_marks_read_well():
    monday = 1_498_953_600_000 + DAY  # 2017-07-03
    assert [label for _, label in time_ticks(monday, monday + 21 * DAY)] == ["3 Jul", "10 Jul", "17 Jul", "24 Jul"]
    assert [label for _, label in time_ticks(monday, monday + DAY // 2)][:2] == ["3 Jul", "03:00"]
    assert [label for _, label in time_ticks(0, 10 * 365 * DAY)][:2] == ["1970", "1972"]
