"""The interval of a mean holds the truth as often as it says, and wider blocks widen it where values hang together."""

import numpy as np
import pytest

from mirrorfast.analytics.bootstrap import bootstrap_mean
from mirrorfast.errors import DataError, ParameterError


def test_coverage_of_independent_values() -> None:
    generator = np.random.default_rng(0)
    held = [
        (i := bootstrap_mean(generator.normal(0.3, 1, 400), draws=300, seed=k)).low <= 0.3 <= i.high for k in range(300)
    ]
    assert 0.88 <= np.mean(held) <= 0.99


def test_dependence_widens_the_interval() -> None:
    generator = np.random.default_rng(1)
    noise = generator.normal(0, 1, 2000)
    slow = np.convolve(noise, np.ones(20) / 20**0.5, mode="valid")
    near, far = (bootstrap_mean(slow, block=b, seed=2) for b in (1, 60))
    assert far.high - far.low > 2.5 * (near.high - near.low)
    assert near.mean == far.mean == slow.mean()


def test_the_same_seed_gives_the_same_numbers() -> None:
    values = np.random.default_rng(3).normal(0, 1, 100)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)
    assert bootstrap_mean(np.abs(values)).above_zero == 1.0


@pytest.mark.parametrize(
    ("values", "options", "kind", "message"),
    [
        ([1.0] * 7, {}, DataError, "7 of them: expected at least 8"),
        ([1.0] * 9 + [np.nan], {}, DataError, "row 9 is nan"),
        ([1.0] * 9, {"confidence": 1.0}, ParameterError, "confidence = 1.0"),
        ([1.0] * 9, {"draws": 5}, ParameterError, "draws = 5"),
        ([1.0] * 9, {"block": 10}, ParameterError, "block = 10: expected a whole number from 1 to 9"),
    ],
)
def test_bad_input(values: list[float], options: dict, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        bootstrap_mean(values, **options)
