"""Probability of backtest overfitting: by hand, on noise, with a true winner."""

import itertools
import math

import numpy as np
import pytest

from mirrorfast.analytics.overfitting import block_sums, overfitting_of_blocks, probability_of_overfitting
from mirrorfast.errors import DataError, ParameterError


def by_hand(returns: np.ndarray, blocks: int) -> list[float]:
    """The definition, written out: one logit a split."""
    edges = np.linspace(0, len(returns), blocks + 1).astype(int)
    parts = [np.arange(a, b) for a, b in itertools.pairwise(edges)]
    logits = []
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[k] for k in half])
        outside = np.concatenate([parts[k] for k in range(blocks) if k not in half])

        def sharpe(rows: np.ndarray) -> np.ndarray:
            return returns[rows].mean(axis=0) / returns[rows].std(axis=0)

        best = sharpe(inside).argmax()
        ratios = sharpe(outside)
        rank = 1 + (ratios < ratios[best]).sum()
        relative = rank / (returns.shape[1] + 1)
        logits.append(math.log(relative / (1 - relative)))
    return logits


def test_equals_the_definition() -> None:
    returns = np.random.default_rng(2).normal(0.01, 1.0, size=(83, 7))
    found = probability_of_overfitting(returns, blocks=6)
    expected = by_hand(returns, 6)
    assert found.splits == math.comb(6, 3) == len(expected)
    assert found.logits == pytest.approx(expected, rel=1e-9)
    assert found.probability == pytest.approx(np.mean(np.array(expected) <= 0))


def test_two_trials_by_hand() -> None:
    # In blocks 1 and 2 trial A has the better ratio, in 3 and 4 trial B. Chosen on {1, 2}, A is worse on {3, 4} and the
    # other way round: logit ln(1/2). Every mixed half holds the same of both: equal ratios, mean rank 1.5, logit 0.
    up, down = [0.02, 0.01], [-0.01, -0.02]
    a, b = [*up, *up, *down, *down], [*down, *down, *up, *up]
    found = probability_of_overfitting(np.column_stack([a, b]), blocks=4)
    assert sorted(found.logits) == pytest.approx([math.log(0.5), math.log(0.5), 0, 0, 0, 0], abs=1e-12)
    assert found.probability == 1.0


def test_noise_is_a_coin_toss() -> None:
    values = [
        probability_of_overfitting(np.random.default_rng(seed).normal(size=(960, 40)), blocks=12).probability
        for seed in range(30)
    ]
    assert np.mean(values) == pytest.approx(0.5, abs=0.1)


def test_a_true_winner_is_found() -> None:
    noise = np.random.default_rng(4).normal(size=(960, 40))
    noise[:, 17] += 0.3
    found = probability_of_overfitting(noise, blocks=12)
    assert found.probability < 0.01
    assert found.loss_probability < 0.01


def test_a_trial_that_never_traded_has_ratio_zero() -> None:
    losing = np.random.default_rng(5).normal(-0.5, 1.0, size=(400, 5))
    returns = np.column_stack([losing, np.zeros(400)])
    found = probability_of_overfitting(returns, blocks=8)
    assert found.probability == 0.0
    assert found.loss_probability == 0.0


def test_scale_does_not_matter() -> None:
    returns = np.random.default_rng(6).normal(size=(320, 9))
    small = probability_of_overfitting(returns * 2.0**-20, blocks=8)
    assert small.logits.tolist() == probability_of_overfitting(returns, blocks=8).logits.tolist()


def test_blocks_hold_every_return_once() -> None:
    returns = np.random.default_rng(8).normal(size=101)
    sums = block_sums(returns, 16)
    assert sums[:, 0].sum() == 101
    assert set(sums[:, 0]) <= {6.0, 7.0}
    assert sums[:, 1].sum() == pytest.approx(returns.sum())
    assert sums[:, 2].sum() == pytest.approx((returns**2).sum())


@pytest.mark.parametrize(
    ("returns", "blocks", "error", "text"),
    [
        (np.zeros((100, 1)), 16, DataError, "at least two trials"),
        (np.zeros(100), 16, DataError, "bars, trials"),
        (np.zeros((10, 3)), 16, DataError, "at least 16"),
        (np.full((100, 3), np.nan), 16, DataError, "row 0, trial 0"),
        (np.zeros((100, 3)), 7, ParameterError, "blocks = 7"),
        (np.zeros((100, 3)), 22, ParameterError, "blocks = 22"),
    ],
)
def test_bad_input_is_named(returns, blocks, error, text) -> None:
    with pytest.raises(error, match=text):
        probability_of_overfitting(returns, blocks=blocks)


def test_one_trial_says_nothing() -> None:
    assert math.isnan(overfitting_of_blocks(np.ones((1, 4, 3))).probability)
