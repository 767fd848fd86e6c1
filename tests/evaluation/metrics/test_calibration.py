"""Intervals and paired tests against scipy, textbook values and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundup.evaluation.metrics.calibration import bootstrap, mcnemar, paired_bootstrap, wilson, wilson_bounds


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_scipys_interval(split, confidence):
    successes, trials = split
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx(
        (successes / trials, expected.low, expected.high), abs=1e-12
    )


def test_wilson_stays_between_0_and_1_and_keeps_a_width_when_all_or_none_are_right():
    assert wilson(0, 20).low == 0 and 0.1 < wilson(0, 20).high < 0.2
    assert wilson(20, 20).high == 1 and 0.8 < wilson(20, 20).low < 0.9


def test_wilson_of_no_trial_says_that_nothing_is_known():
    value, low, high = wilson(0, 0)
    assert math.isnan(value) and (low, high) == (0, 1)


def test_wilson_of_many_shares_at_once_is_that_of_each():
    low, high = wilson_bounds([0, 3, 10], [10, 10, 10])
    assert [(a, b) for a, b in zip(low, high, strict=True)] == [wilson(k, 10)[1:] for k in (0, 3, 10)]


def test_wilson_covers_the_truth_as_often_as_it_says():
    successes = np.random.default_rng(0).binomial(80, 0.9, 4000)
    low, high = wilson_bounds(successes, np.full(4000, 80))
    assert 0.93 < ((low <= 0.9) & (high >= 0.9)).mean() < 0.98


def test_the_bootstrap_of_a_mean_is_scipys_up_to_the_luck_of_the_draws():
    values = np.random.default_rng(1).exponential(size=200)
    drawn = {"n_resamples": 20_000, "method": "percentile", "rng": np.random.default_rng(2)}
    expected = stats.bootstrap((values,), np.mean, **drawn).confidence_interval
    ours = bootstrap(values, resamples=20_000)
    assert ours.value == pytest.approx(values.mean())
    assert ours[1:] == pytest.approx((expected.low, expected.high), abs=0.004)


def test_the_bootstrap_of_a_ratio_draws_whole_documents():
    generator = np.random.default_rng(3)
    sizes = generator.integers(10, 400, 150)
    bits = sizes * 0.7 + generator.normal(0, 9, 150)

    def ratio(bits, sizes, axis=-1):
        return bits.sum(axis) / sizes.sum(axis)

    drawn = {"n_resamples": 20_000, "method": "percentile", "rng": np.random.default_rng(4)}
    expected = stats.bootstrap((bits, sizes), ratio, paired=True, **drawn).confidence_interval
    ours = bootstrap(bits, sizes, resamples=20_000)
    assert ours.value == pytest.approx(bits.sum() / sizes.sum())
    assert ours[1:] == pytest.approx((expected.low, expected.high), abs=0.0007)


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap([0.3] * 40)[1:] == pytest.approx((0.3, 0.3))


def test_a_seed_gives_the_same_interval_and_memory_does_not_change_it(monkeypatch):
    values = np.random.default_rng(5).normal(size=100)
    whole = bootstrap(values, seed=7)
    assert bootstrap(values, seed=7) == whole != bootstrap(values, seed=8)
    monkeypatch.setattr("groundup.evaluation.metrics.calibration.DRAWS_AT_ONCE", 1000)
    assert bootstrap(values, seed=7) == whole


def test_no_values_say_nothing():
    assert all(math.isnan(number) for number in bootstrap([]))


def test_pairs_show_a_difference_that_separate_intervals_hide():
    difficulty = np.random.default_rng(6).normal(0, 5, 300)
    before, after = difficulty, difficulty + 0.5
    assert bootstrap(before).high > bootstrap(after).low
    assert paired_bootstrap(before, after) == pytest.approx((0.5, 0.5, 0.5))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200))
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(pairs):
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    lost, won, p_value = mcnemar(before, after)
    expected = stats.binomtest(lost, lost + won, 0.5).pvalue if lost + won else 1.0
    assert p_value == pytest.approx(expected, rel=1e-9)
    assert won - lost == sum(after) - sum(before)


def test_mcnemar_of_thousands_of_pairs_stays_a_number():
    before = np.zeros(9000, bool)
    assert 0 <= mcnemar(before, ~before).p_value < 1e-300
