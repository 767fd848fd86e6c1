"""Losses against torch and scipy, where the plain formula overflows, and the gradient against differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import (
    cross_entropy,
    likelihood_gradient,
    log_softmax,
    log_sum_exp,
    naive_log_sum_exp,
    negative_log_likelihood,
)
from groundup.foundations.information.entropy import entropy

LOGITS = arrays(np.float64, (3, 4), elements=st.floats(-2000, 2000))


@given(LOGITS, st.sampled_from([0, 1, -1]))
def test_log_sum_exp_is_scipys(logits, axis):
    np.testing.assert_allclose(log_sum_exp(logits, axis), logsumexp(logits, axis=axis), rtol=1e-12, atol=1e-12)


@given(LOGITS, st.floats(-1e6, 1e6))
def test_what_is_added_to_all_comes_out_again(logits, shift):
    np.testing.assert_allclose(log_sum_exp(logits + shift), log_sum_exp(logits) + shift, rtol=1e-9, atol=1e-8)


def test_the_plain_formula_is_the_same_until_it_overflows():
    assert naive_log_sum_exp([1.0, 2.0]) == pytest.approx(float(log_sum_exp([1.0, 2.0])), rel=1e-15)
    assert naive_log_sum_exp([710.0]) == math.inf and float(log_sum_exp([710.0])) == 710
    assert naive_log_sum_exp([-800.0]) == -math.inf and float(log_sum_exp([-800.0])) == -800


@pytest.mark.filterwarnings("error")
def test_infinite_and_missing_numbers_go_through_without_a_warning():
    inf, nan = math.inf, math.nan
    rows = log_sum_exp([[-inf, -inf], [inf, 1000.0], [-inf, 3.0], [nan, 1.0]])
    np.testing.assert_equal(rows, [-inf, inf, 3.0, nan])


@given(LOGITS, arrays(np.int64, 3, elements=st.sampled_from([-100, 0, 1, 3])).filter(lambda t: (t >= 0).any()))
def test_the_loss_and_its_gradient_are_torchs(logits, targets):
    leaf = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(leaf, torch.tensor(targets))
    expected.backward()
    assert negative_log_likelihood(logits, targets) == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    gradient = likelihood_gradient(logits, targets)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert np.abs(gradient.sum(1)).max() < 1e-12


def test_the_gradient_is_that_of_differences():
    logits, targets, step = np.random.default_rng(0).normal(size=(3, 4)), [0, -100, 2], 1e-6
    for place in np.ndindex(3, 4):
        nudge = np.zeros((3, 4))
        nudge[place] = step
        slope = negative_log_likelihood(logits + nudge, targets) - negative_log_likelihood(logits - nudge, targets)
        assert likelihood_gradient(logits, targets)[place] == pytest.approx(slope / (2 * step), abs=1e-8)


def test_log_softmax_is_torchs_for_any_number_of_axes():
    for shape in ((5,), (2, 5), (2, 3, 5)):
        logits = 50 * np.random.default_rng(1).normal(size=shape)
        np.testing.assert_allclose(log_softmax(logits), torch.log_softmax(torch.tensor(logits), -1), atol=1e-12)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_nobody_is_less_surprised_than_who_knows_the_truth(numbers, random):
    p = np.array(numbers) / sum(numbers)
    q = p.copy()
    random.shuffle(q)
    assert cross_entropy(p, q) >= entropy(p) - 1e-12 and cross_entropy(p, p) == pytest.approx(entropy(p), abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_what_is_excluded_and_happens_costs_infinitely_many_bits():
    assert cross_entropy([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert cross_entropy([1.0, 0.0], [0.5, 0.5]) == 1
    assert math.copysign(1, cross_entropy([1.0, 0.0], [1.0, 0.0])) == 1


@pytest.mark.parametrize(
    ("logits", "targets", "sentence"),
    [
        ([[1.0, 2.0]], [0, 1], r"logits \(1, 2\) and targets \(2,\) do not fit; give \(rows, classes\)"),
        ([[1.0, 2.0]], [0.0], "targets are float64; give the number of the right class"),
        ([[1.0, 2.0]], [2], "targets go from 2 to 2, but the classes from 0 to 1; use -100"),
        ([[1.0, 2.0]], [-1], "targets go from -1 to -1"),
        ([[1.0, 2.0]], [-100], "no row has a target"),
        (np.zeros((1, 0)), [0], "targets go from 0 to 0, but the classes from 0 to -1"),
    ],
)
def test_what_does_not_fit_is_refused(logits, targets, sentence):
    with pytest.raises(InputError, match=sentence):
        negative_log_likelihood(logits, targets)


def test_other_mistakes_are_named():
    with pytest.raises(InputError, match=r"have the shapes \(2,\) and \(3,\); give both over the same things"):
        cross_entropy([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(InputError, match="nothing to sum along axis -1"):
        log_sum_exp([])
