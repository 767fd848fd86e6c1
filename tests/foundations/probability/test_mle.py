"""Maximum likelihood by search against the formulas, MAP against the tops of conjugate posteriors, errors by simulation."""

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.bayes import beta_after
from groundup.foundations.probability.distributions import Beta, Binomial, Exponential, Normal, Poisson
from groundup.foundations.probability.mle import (
    estimate,
    fit_categorical,
    fit_linear,
    fit_normal,
    maximum_a_posteriori,
    maximum_likelihood,
)

COINS = np.array([1.0, 1, 1, 0, 1, 0, 1, 1, 0, 1])


def coin(x, p):
    return Binomial(1, p).log_density(x)


@pytest.mark.parametrize(
    "log_density, data, low, high, formula",
    [
        (coin, COINS, 0.0, 1.0, 0.7),
        (lambda x, rate: Exponential(rate).log_density(x), np.array([0.5, 2.0, 0.1]), 1e-6, 50.0, 3 / 2.6),
        (lambda x, rate: Poisson(rate).log_density(x), np.array([3.0, 0, 4, 2]), 1e-6, 50.0, 2.25),
        (lambda x, mean: Normal(mean, 2).log_density(x), np.array([-1.0, 4.0]), -9.0, 9.0, 1.5),
    ],
    ids=["coin", "exponential", "Poisson", "normal mean"],
)
def test_the_search_finds_the_formula(log_density, data, low, high, formula):
    assert maximum_likelihood(log_density, data, low, high) == pytest.approx(formula, rel=1e-6)


def test_the_search_finds_what_has_no_formula():
    data = stats.gamma(3).rvs(200, random_state=0)
    shape = maximum_likelihood(lambda x, k: stats.gamma.logpdf(x, k), data, 0.1, 20)
    assert shape == pytest.approx(stats.gamma.fit(data, floc=0, fscale=1)[0], rel=1e-4)


def test_the_standard_error_is_that_of_the_formula_and_of_simulated_data():
    found = estimate(coin, COINS, 0.0, 1.0)
    assert found.standard_error == pytest.approx(np.sqrt(0.7 * 0.3 / 10), rel=1e-4)
    assert found.interval() == pytest.approx(
        (0.7 - 1.959964 * found.standard_error, 0.7 + 1.959964 * found.standard_error)
    )
    assert found.log_likelihood == pytest.approx(7 * np.log(0.7) + 3 * np.log(0.3))
    source = np.random.default_rng(0)
    means = source.exponential(0.5, (2000, 100)).mean(1)
    data = source.exponential(0.5, 100)
    told = estimate(lambda x, rate: Exponential(rate).log_density(x), data, 1e-3, 20.0)
    assert told.standard_error == pytest.approx(np.std(1 / means), rel=0.25)


@pytest.mark.parametrize("a, b", [(2, 2), (5, 1.5), (1, 1)])
def test_the_map_is_the_top_of_the_conjugate_posterior(a, b):
    found = maximum_a_posteriori(coin, lambda p: float(Beta(a, b).log_density(p)), COINS, 1e-6, 1 - 1e-6)
    after = beta_after(Beta(a, b), 7, 3)
    assert found.value == pytest.approx((after.a - 1) / (after.a + after.b - 2), abs=1e-6)


def test_much_data_drown_the_prior():
    distances = []
    for times in (1, 10, 1000):
        found = maximum_a_posteriori(
            coin, lambda p: float(Beta(50, 50).log_density(p)), np.tile(COINS, times), 1e-6, 0.999
        )
        distances.append(0.7 - found.value)
    assert distances[0] > 0.15 and distances[2] < 0.01 and distances == sorted(distances, reverse=True)


def test_the_likeliest_deviation_is_too_small_by_the_known_factor():
    draws = np.random.default_rng(1).normal(size=(4000, 5))
    assert np.mean([fit_normal(row).variance for row in draws]) == pytest.approx(4 / 5, rel=0.05)


def test_normal_and_linear_fits_are_scipys_and_numpys():
    data = np.random.default_rng(0).normal(3, 2, 50)
    found = fit_normal(data)
    assert (found.mean, found.standard_deviation) == pytest.approx(stats.norm.fit(data))
    X, y = np.random.default_rng(1).normal(size=(30, 4)), np.arange(30.0)
    np.testing.assert_allclose(fit_linear(X, y), np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-9)


def test_a_normal_prior_on_the_weights_is_least_squares_on_more_rows():
    X, y = np.random.default_rng(1).normal(size=(30, 4)), np.arange(30.0)
    rows = np.concatenate([X, 2.0 / 0.5 * np.eye(4)])  # ‖y - Xw‖²/σ² + ‖w‖²/τ²
    told = np.linalg.lstsq(rows, np.append(y, np.zeros(4)), rcond=None)[0]
    np.testing.assert_allclose(fit_linear(X, y, 2.0, 0.5), told, rtol=1e-9)


def test_categorical_shares_and_their_map():
    assert fit_categorical([3, 1, 0]).tolist() == [0.75, 0.25, 0]
    np.testing.assert_allclose(fit_categorical([3, 1, 0], 2.0), np.array([4, 2, 1]) / 7)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: estimate(coin, [], 0, 1), "empty"),
        (lambda: estimate(coin, [np.nan], 0, 1), "finite numbers"),
        (lambda: estimate(coin, COINS, 1, 0), "give low < high"),
        (lambda: estimate(lambda x, m: Normal(m).log_density(x), COINS, 3, 4), "widen the interval"),
        (lambda: fit_normal([2.0, 2.0]), "two different numbers"),
        (lambda: fit_categorical([1, -1]), "0 or more"),
        (lambda: fit_categorical([0, 0]), "nothing was counted"),
        (lambda: fit_linear(np.ones((3, 2)), np.ones(3)), "leave one out"),
        (lambda: fit_linear(np.ones((3, 2)), np.ones(4)), r"\(3, 2\) and targets \(4,\)"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
