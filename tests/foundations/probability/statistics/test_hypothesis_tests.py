"""Tests and intervals against scipy.stats (1e-9), and their promises by simulation (within 3.5 standard errors)."""

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.statistics import (
    coverage,
    mean_interval,
    paired_test,
    permutation_test,
    rejection_rate,
    t_test,
    welch_test,
    z_test,
)
from groundup.foundations.probability.statistics.hypothesis_tests import permuted

SOURCE = np.random.default_rng(0)
A, B = SOURCE.normal(1, 2, 12), SOURCE.normal(0, 0.5, 30)


def test_t_tests_are_scipys():
    for mine, told in (
        (t_test(A), stats.ttest_1samp(A, 0)),
        (t_test(A, 2.5), stats.ttest_1samp(A, 2.5)),
        (paired_test(B[:12], A), stats.ttest_rel(A, B[:12])),
        (welch_test(A, B), stats.ttest_ind(A, B, equal_var=False)),
    ):
        assert mine == pytest.approx((told.statistic, told.pvalue, told.df), rel=1e-9)


def test_the_z_test_by_hand():
    found = z_test([1.0, 3.0, 2.0, 4.0], 1.52, 2.0)  # (2.5 - 1.52) · 2 / 2
    assert found[:2] == pytest.approx((0.98, 2 * stats.norm.sf(0.98)))


def test_intervals_are_scipys_and_hold_what_the_test_does_not_reject():
    low, high = mean_interval(A, 0.9)
    assert (low, high) == pytest.approx(stats.t.interval(0.9, 11, A.mean(), A.std(ddof=1) / np.sqrt(12)), rel=1e-9)
    assert t_test(A, low).p_value == pytest.approx(0.1) == t_test(A, high).p_value


def test_the_permutation_test_counts_all_shufflings_of_a_small_sample():
    """{1, 2} against {8, 9, 10}: 1 of 10 splits is as far apart, and its mirror does not exist."""
    p = permuted([1.0, 2.0], [8.0, 9.0, 10.0], 20_000)
    assert p == pytest.approx(0.1, abs=0.008)


def test_permutations_agree_with_scipys():
    told = stats.permutation_test((A, B), lambda x, y: x.mean() - y.mean(), n_resamples=20_000, rng=1).pvalue
    assert permuted(A, B, 20_000) == pytest.approx(told, abs=0.01)


def test_equal_groups_have_p_of_one_and_nothing_has_zero():
    assert permuted([1.0, 1.0], [1.0, 1.0], 99) == 1
    assert permuted(np.zeros(50), np.ones(50), 99) == 0.01
    assert permuted([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], 99) == 1  # rounding makes no difference


def test_false_alarms_come_as_often_as_alpha_says():
    for p_value in (
        lambda g: t_test(g.normal(size=5)).p_value,
        lambda g: welch_test(g.normal(size=8), 3 * g.normal(size=15)).p_value,
        lambda g: z_test(g.normal(size=3), 0, 1).p_value,
        lambda g: permutation_test(g.exponential(size=8), g.exponential(size=8), 99, g),
    ):
        assert abs(rejection_rate(p_value, 1000, 0.05) - 0.05) < 0.025


def test_z_with_an_estimated_deviation_gives_far_too_many_false_alarms():
    def p_value(g):
        x = g.normal(size=4)
        return z_test(x, 0, x.std(ddof=1)).p_value

    assert rejection_rate(p_value, 1000) > 0.11


def test_an_effect_is_found_with_the_known_power():
    """Two deviations of effect over 5 numbers: noncentral t gives the power."""
    told = stats.nct.sf(stats.t.ppf(0.975, 4), 4, 1.2 * np.sqrt(5))
    assert rejection_rate(lambda g: t_test(g.normal(1.2, 1, 5)).p_value, 1000) == pytest.approx(told, abs=0.055)


def test_intervals_hold_the_truth_as_often_as_they_say():
    found = coverage(lambda g: g.normal(3, 2, 6), lambda x: mean_interval(x, 0.9), 3.0, 1000)
    assert abs(found - 0.9) < 0.033


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: t_test([1.0]), "at least 2 numbers"),
        (lambda: t_test([1.0, np.nan]), "leave out what was not measured"),
        (lambda: t_test([0.1, 0.1, 0.1]), "measure more finely"),
        (lambda: paired_test(A, B), "12 before, 30 after"),
        (lambda: z_test(A, 0, 0), "above 0"),
        (lambda: permuted(A, B, 0), "give at least 1"),
        (lambda: mean_interval(A, 95), "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
