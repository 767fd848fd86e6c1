"""Densities and moments against scipy.stats (1e-11); samples by Kolmogorov-Smirnov and χ² with fixed seeds."""

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Dirichlet,
    Exponential,
    Gamma,
    Normal,
    Poisson,
    box_muller,
    inverse_table,
    marsaglia_tsang,
    standard_normal,
)

CONTINUOUS = [
    (Normal(2, 3), stats.norm(2, 3)),
    (Exponential(0.5), stats.expon(scale=2)),
    (Gamma(0.3, 2), stats.gamma(0.3, scale=0.5)),
    (Gamma(1), stats.gamma(1)),
    (Gamma(7.5, 0.1), stats.gamma(7.5, scale=10)),
    (Beta(0.5, 0.5), stats.beta(0.5, 0.5)),
    (Beta(2, 9), stats.beta(2, 9)),
]
COUNTS = [
    (Binomial(10, 0.3), stats.binom(10, 0.3)),
    (Binomial(400, 0.99), stats.binom(400, 0.99)),
    (Bernoulli(0.2), stats.bernoulli(0.2)),
    (Poisson(0.5), stats.poisson(0.5)),
    (Poisson(250.0), stats.poisson(250)),
]


@pytest.mark.parametrize("mine, told", CONTINUOUS, ids=[repr(mine) for mine, _ in CONTINUOUS])
def test_densities_and_moments_are_scipys(mine, told):
    x = np.concatenate([told.ppf(np.linspace(0.001, 0.999, 50)), [-1.0, 2.0]])
    np.testing.assert_allclose(mine.log_density(x), told.logpdf(x), rtol=1e-11, atol=1e-11)
    assert (mine.mean, mine.variance) == pytest.approx((told.mean(), told.var()))


@pytest.mark.parametrize("mine, told", COUNTS, ids=[repr(mine) for mine, _ in COUNTS])
def test_probabilities_and_moments_of_counts_are_scipys(mine, told):
    k = np.array([0, 1, 2, 5, 10, 11, 230, 399, 400, 401, -1])
    np.testing.assert_allclose(mine.log_density(k), told.logpmf(k), rtol=1e-10, atol=1e-10)
    assert mine.log_density(1.5) == -np.inf
    assert (mine.mean, mine.variance) == pytest.approx((told.mean(), told.var()))


@pytest.mark.parametrize("mine, told", CONTINUOUS, ids=[repr(mine) for mine, _ in CONTINUOUS])
def test_samples_have_the_distribution(mine, told):
    drawn = mine.sample(np.random.default_rng(1), 20_000)
    assert stats.kstest(drawn, told.cdf).pvalue > 0.01
    assert mine.sample(np.random.default_rng(1), (2, 3)).shape == (2, 3)


@pytest.mark.parametrize("mine, told", COUNTS, ids=[repr(mine) for mine, _ in COUNTS])
def test_counts_are_drawn_as_often_as_they_should_be(mine, told):
    drawn = mine.sample(np.random.default_rng(2), 20_000)
    low, high = int(told.ppf(0.01)), int(told.ppf(0.99))
    edges = np.arange(low, high + 1)
    seen = np.array([(drawn == k).sum() for k in edges] + [(~np.isin(drawn, edges)).sum()])
    expected = np.append(told.pmf(edges), 0)
    expected[-1] = 1 - expected.sum()
    keep = expected * 20_000 > 1
    statistic = ((seen - 20_000 * expected)[keep] ** 2 / (20_000 * expected[keep])).sum()
    assert stats.chi2.sf(statistic, keep.sum() - 1) > 0.001
    assert drawn.shape == (20_000,) and drawn.min() >= 0


def test_dirichlet_is_scipys_and_its_samples_are_probabilities():
    mine, told = Dirichlet([0.5, 2.0, 4.0]), stats.dirichlet([0.5, 2.0, 4.0])
    x = told.rvs(20, random_state=0)
    np.testing.assert_allclose(mine.log_density(x), told.logpdf(x.T), rtol=1e-10, atol=1e-10)
    drawn = mine.sample(np.random.default_rng(0), 20_000)
    np.testing.assert_allclose(drawn.sum(1), 1)
    np.testing.assert_allclose(drawn.mean(0), told.mean(), atol=0.01)
    np.testing.assert_allclose(mine.variance, told.var())
    np.testing.assert_allclose(drawn.var(0), told.var(), rtol=0.05)
    assert stats.kstest(drawn[:, 0], stats.beta(0.5, 6).cdf).pvalue > 0.01  # each alone is a beta
    assert mine.log_density(np.array([0.5, 0.5, 0.5])) == -np.inf


def test_categorical_draws_each_thing_as_often_as_it_should():
    mine = Categorical([0.5, 0.0, 0.3, 0.2])
    drawn = mine.sample(np.random.default_rng(0), 50_000)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 50_000, [0.5, 0, 0.3, 0.2], atol=0.01)
    assert mine.log_density(np.array([0, 1, 4])).tolist() == [np.log(0.5), -np.inf, -np.inf]
    assert mine.mean.tolist() == [0.5, 0, 0.3, 0.2] and mine.variance[0] == 0.25


def test_box_muller_gives_two_independent_normals():
    source = np.random.default_rng(4)
    x, y = box_muller(1 - source.random(20_000), source.random(20_000))
    for one in (x, y, (x + y) / np.sqrt(2)):
        assert stats.kstest(one, "norm").pvalue > 0.01
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.02 and abs(np.corrcoef(x**2, y**2)[0, 1]) < 0.02
    assert box_muller(np.exp(-0.5), 0.25) == pytest.approx((0, 1))


def test_odd_counts_and_single_numbers_can_be_drawn():
    generator = np.random.default_rng(0)
    assert standard_normal(generator, 3).shape == (3,) and standard_normal(generator).shape == ()
    assert marsaglia_tsang(0.5, generator).shape == () and Normal().sample(generator, (3, 1)).shape == (3, 1)


def test_the_table_never_gives_what_is_impossible():
    table = np.array([0.0, 0.1, 0.9, 0.0])
    assert inverse_table(table, np.array([0.0, 0.09, 0.1, 1 - 1e-16])).tolist() == [1, 1, 2, 2]


def test_the_same_seed_draws_the_same():
    for mine in (Gamma(0.5), Dirichlet([1.0, 2.0]), Poisson(3.0)):
        one, other = (mine.sample(np.random.default_rng(5), 10) for _ in range(2))
        assert (one == other).all()


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: Normal(0, 0), "standard_deviation=0 .*above 0"),
        (lambda: Exponential(-1), "rate=-1"),
        (lambda: Beta(1, np.nan), "b=nan"),
        (lambda: Gamma(np.inf), "finite number above 0"),
        (lambda: Binomial(2.5, 0.5), "a whole count"),
        (lambda: Bernoulli(1.1), "from 0 to 1"),
        (lambda: Poisson(0), "rate=0"),
        (lambda: Categorical([0.5, 0.6]), "sum to 1.1; divide by their sum"),
        (lambda: Categorical([]), "at least one number"),
        (lambda: Categorical([1.5, -0.5]), "0 or more"),
        (lambda: Dirichlet([1.0, 0.0]), "give numbers above 0"),
        (lambda: Dirichlet([1.0, 1.0]).log_density(np.ones(3)), "2 probabilities"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()
