"""Request weights: windows, 429, bans."""

from mirrorfast.simulator.limits import Limits


def test_windows_bans_and_their_growth() -> None:
    now = [0.0]
    limits = Limits(limit=10, seconds=60, patience=2, ban=100, monotonic=lambda: now[0])
    assert limits.refuse("a", 10) is None
    first = limits.refuse("a", 1)
    assert first is not None
    assert (first.status, first.retry_after) == (429, 60)
    assert limits.refuse("b", 10) is None  # each address for itself
    now[0] = 60.0
    assert limits.refuse("a", 10) is None
    answers = [limits.refuse("a", 1) for _ in range(4)]
    assert [a.status for a in answers if a] == [429, 429, 418, 418]
    assert limits.during_ban == 1
    now[0] = 160.1
    assert limits.refuse("a", 5) is None
    answers = [limits.refuse("a", 10) for _ in range(3)]
    assert [a.retry_after for a in answers if a and a.status == 418] == [200]


def test_used_weight_ends_with_its_window() -> None:
    now = [0.0]
    limits = Limits(limit=10, seconds=60, monotonic=lambda: now[0])
    limits.refuse("a", 4)
    assert limits.used("a") == 4
    now[0] = 61.0
    assert limits.used("a") == 0
