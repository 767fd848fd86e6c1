"""Adjusted p-values against scipy and by hand; what each rule promises, by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.statistics.multiple_testing import (
    benjamini_hochberg,
    bonferroni,
    false_discoveries,
    holm,
)

many = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(many)
@settings(max_examples=100, deadline=None)
def test_benjamini_hochberg_is_scipys(p):
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-12)


@given(many)
@settings(max_examples=100, deadline=None)
def test_holm_is_its_definition_and_never_weaker_than_bonferroni(p):
    order, m = np.argsort(p), len(p)
    told = [min(1, max(p[order[j]] * (m - j) for j in range(k + 1))) for k in range(m)]
    np.testing.assert_allclose(holm(p)[order], told)
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all() and (holm(p) <= bonferroni(p)).all()
    assert (p <= benjamini_hochberg(p) * (1 + 1e-15)).all()


def test_by_hand():
    p = np.array([0.04, 0.01, 0.03, 0.5])
    np.testing.assert_allclose(bonferroni(p), [0.16, 0.04, 0.12, 1])
    np.testing.assert_allclose(holm(p), [0.09, 0.04, 0.09, 0.5])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.16 / 3, 0.04, 0.16 / 3, 0.5])


def families(true_effects, count=20, families=3000):
    z = np.random.default_rng(0).normal(size=(families, count))
    true = np.arange(count) < true_effects
    return 2 * stats.norm.sf(np.abs(z + 3 * true)), true


def test_each_rule_keeps_its_promise_and_the_weaker_promise_finds_more():
    p, true = families(10)
    rules = {
        rule: np.apply_along_axis(rule, 1, p) <= 0.05
        for rule in (lambda one: one, bonferroni, holm, benjamini_hochberg)
    }
    raw, bonf, step, rate = (false_discoveries(said, true) for said in rules.values())
    assert raw.any_false > 0.35
    assert bonf.any_false <= step.any_false < 0.06
    assert abs(rate.false_share - 0.05 * 10 / 20) < 0.01 and rate.any_false > 0.08
    assert bonf.found < step.found < rate.found < raw.found


def test_twenty_tests_of_nothing_find_something_in_64_percent():
    p, true = families(0)
    assert false_discoveries(p <= 0.05, true).any_false == pytest.approx(1 - 0.95**20, abs=0.03)
    adjusted = np.apply_along_axis(benjamini_hochberg, 1, p)
    assert false_discoveries(adjusted <= 0.05, true).any_false == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("rule", [bonferroni, holm, benjamini_hochberg])
@pytest.mark.parametrize("given, sentence", [([], "at least one"), ([0.5, 1.5], "outside"), ([np.nan], "NaN")])
def test_what_is_no_p_value_is_refused(rule, given, sentence):
    with pytest.raises(InputError, match=sentence):
        rule(given)


def test_a_rule_is_judged_on_its_own_tests():
    with pytest.raises(InputError, match=r"\(2, 3\) do not fit \(4,\)"):
        false_discoveries(np.zeros((2, 3)), np.zeros(4))
