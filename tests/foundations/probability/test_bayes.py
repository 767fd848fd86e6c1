"""Posteriors by hand, grid against conjugate, and the evidence against its own integral."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from groundup.errors import InputError
from groundup.foundations.probability.bayes import (
    beta_after,
    credible_interval,
    dirichlet_after,
    gamma_after,
    grid_moments,
    grid_posterior,
    log_evidence,
    normal_after,
    positive_predictive_value,
    posterior,
    update,
)
from groundup.foundations.probability.distributions import Beta, Dirichlet, Gamma, Normal


def test_a_rare_illness_by_hand():
    """1 of 1,000 ill, the test finds 99%, and 5% false alarms: 99 of 5,094 positives are ill."""
    after = update([0.001, 0.999], np.log([0.99, 0.05]))
    assert after[0] == pytest.approx(0.00099 / 0.05094) == positive_predictive_value(0.001, 0.99, 0.95)


def test_the_order_of_the_observations_does_not_matter_nor_whether_they_come_at_once():
    logs = np.log(np.random.default_rng(0).dirichlet(np.ones(3), size=6))
    together, one_by_one = update([0.2, 0.3, 0.5], logs), np.array([0.2, 0.3, 0.5])
    for row in logs[::-1]:
        one_by_one = update(one_by_one, row)
    np.testing.assert_allclose(one_by_one, together, rtol=1e-12)


@given(st.lists(st.integers(-800, 0), min_size=2, max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_long_text_does_not_underflow(logs):
    found = posterior(np.full(len(logs), 1 / len(logs)), np.tile(np.array(logs, float), (100, 1)))
    assert found.sum() == pytest.approx(1) and np.argmax(found) in np.flatnonzero(np.array(logs) == max(logs))


def test_what_was_impossible_stays_impossible():
    assert update([0.0, 0.4, 0.6], np.log([0.99, 0.01, 0.01])).tolist() == pytest.approx([0, 0.4, 0.6])


def test_the_grid_agrees_with_the_conjugate_posterior():
    grid, after = np.linspace(1e-4, 1 - 1e-4, 4001), beta_after(Beta(2, 2), 7, 3)
    density = grid_posterior(grid, Beta(2, 2).log_density, lambda p: 7 * np.log(p) + 3 * np.log(1 - p))
    np.testing.assert_allclose(density, np.exp(after.log_density(grid)), rtol=1e-5, atol=1e-6)
    assert grid_moments(grid, density) == pytest.approx((after.mean, after.variance), rel=1e-5)
    told = stats.beta(9, 5).ppf([0.025, 0.975])
    assert credible_interval(grid, density) == pytest.approx(told, abs=1e-4)


def test_a_normal_mean_lies_between_prior_and_data_by_their_precisions():
    after = normal_after(Normal(0, 1), [3.0, 5.0], noise=2.0)
    assert after.mean == pytest.approx((8 / 4) / (1 + 2 / 4)) and after.variance == pytest.approx(1 / 1.5)
    grid = np.linspace(-6, 8, 3001)
    density = grid_posterior(
        grid, Normal().log_density, lambda m: Normal(3, 2).log_density(m) + Normal(5, 2).log_density(m)
    )
    assert grid_moments(grid, density) == pytest.approx((after.mean, after.variance), rel=1e-5)


def test_a_poisson_rate_after_counts_agrees_with_the_grid():
    after, grid = gamma_after(Gamma(2, 1), [3, 0, 4]), np.linspace(1e-3, 20, 8001)
    density = grid_posterior(grid, Gamma(2, 1).log_density, lambda rate: 7 * np.log(rate) - 3 * rate)
    assert grid_moments(grid, density) == pytest.approx((after.mean, after.variance), rel=1e-4)


def test_the_dirichlets_mean_is_add_k_smoothing():
    after = dirichlet_after(Dirichlet(np.full(4, 0.5)), [3, 0, 1, 0])
    np.testing.assert_allclose(after.mean, np.array([3.5, 0.5, 1.5, 0.5]) / 6)


@pytest.mark.parametrize("a, b, hits, misses", [(1, 1, 3, 2), (2.5, 7, 0, 4), (1, 1, 0, 0)])
def test_the_evidence_is_the_likelihood_averaged_over_the_prior(a, b, hits, misses):
    told, _ = integrate.quad(lambda p: stats.beta(a, b).pdf(p) * p**hits * (1 - p) ** misses, 0, 1)
    assert log_evidence(Beta(a, b), hits, misses) == pytest.approx(np.log(told), abs=1e-8)


def test_credible_intervals_hold_the_truth_as_often_as_they_say():
    """Where the truth is drawn from the prior itself, 90% intervals hold it in 90% of the cases."""
    source = np.random.default_rng(0)
    grid, held = np.linspace(1e-3, 1 - 1e-3, 500), 0
    for _ in range(1000):
        truth = source.beta(2, 3)
        hits = source.binomial(10, truth)
        low, high = credible_interval(grid, np.exp(beta_after(Beta(2, 3), hits, 10 - hits).log_density(grid)), 0.9)
        held += low <= truth <= high
    assert abs(held / 1000 - 0.9) < 0.03  # three standard errors


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: update([0.5, 0.6], np.zeros(2)), "divide by their sum"),
        (lambda: update([0.5, 0.5], np.zeros((4, 3))), r"\(4, 3\) does not fit a prior of shape \(2,\)"),
        (lambda: update([0.0, 1.0], [0.0, -np.inf]), "add one that allows them"),
        (lambda: update([0.5, 0.5], [np.nan, 0.0]), "NaN"),
        (lambda: positive_predictive_value(2, 0.9, 0.9), "from 0 to 1"),
        (lambda: positive_predictive_value(0.5, 0.0, 1.0), "never happens"),
        (lambda: grid_posterior([1.0, 0.0], np.zeros_like, np.zeros_like), "must rise"),
        (lambda: credible_interval(np.linspace(0, 1, 5), np.ones(5), 1.0), "between 0 and 1"),
        (lambda: beta_after(Beta(), 1.5, 0), "1.5 is no count"),
        (lambda: dirichlet_after(Dirichlet([1.0, 1.0]), [1, 2, 3]), r"\(3,\) do not fit"),
        (lambda: gamma_after(Gamma(1), [-1]), "0 or more"),
        (lambda: normal_after(Normal(), [np.inf], 1.0), "finite numbers"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
