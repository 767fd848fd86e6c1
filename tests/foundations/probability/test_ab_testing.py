"""Sample sizes against published numbers and simulation; boundaries against Lan and DeMets' table; always-valid p-values."""

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.ab_testing import (
    always_valid,
    boundaries,
    compare_shares,
    crossing,
    obrien_fleming,
    peeking,
    pocock,
    power_of,
    random_walks,
    sample_size,
)


@pytest.mark.parametrize(
    "baseline, improved, alpha, power, users",
    [(0.10, 0.12, 0.05, 0.80, 3841), (0.5, 0.6, 0.05, 0.9, 519), (0.6, 0.5, 0.05, 0.8, 388)],
)
def test_sample_sizes_are_the_published_ones(baseline, improved, alpha, power, users):
    assert sample_size(baseline, improved, alpha, power) == users
    assert sample_size(improved, baseline, alpha, power) == users


def test_the_planned_power_is_reached_and_one_user_fewer_does_not():
    users = sample_size(0.1, 0.13, 0.01, 0.9)
    assert power_of(0.1, 0.13, users, 0.01) >= 0.9 > power_of(0.1, 0.13, users - 1, 0.01)


def test_simulated_experiments_find_the_effect_as_often_as_planned():
    users, source = sample_size(0.1, 0.15), np.random.default_rng(0)
    hits = source.binomial(users, [0.1, 0.15], (2000, 2))
    found = np.mean([compare_shares(tuple(pair), (users, users)).p_value <= 0.05 for pair in hits.tolist()])
    assert found == pytest.approx(0.8, abs=0.03)


def test_half_the_effect_needs_four_times_the_users():
    assert sample_size(0.5, 0.51) / sample_size(0.5, 0.52) == pytest.approx(4, rel=0.01)


def test_two_shares_are_compared_as_chi_square_compares_them():
    found = compare_shares((40, 60), (500, 480))
    told = stats.chi2_contingency([[40, 460], [60, 420]], correction=False)
    assert (found.z**2, found.p_value) == pytest.approx((told.statistic, told.pvalue))
    assert found.difference == pytest.approx(60 / 480 - 40 / 500) and found.z > 0


def test_peeking_gives_the_false_alarms_of_armitage_mcpherson_and_rowe():
    """Table of 1969 at 5%: 1 look 0.050, 2 looks 0.083, 5 looks 0.142, 10 looks 0.193, 20 looks 0.248."""
    found = peeking(20, experiments=40_000)
    np.testing.assert_allclose(found[[0]], 0.05, atol=0.004)
    for looks, told in ((2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248)):
        assert peeking(looks, experiments=40_000)[-1] == pytest.approx(told, abs=0.007)


@pytest.mark.parametrize(
    "spending, told",
    [
        (obrien_fleming, [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
        (pocock, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_boundaries_are_those_of_the_tables(spending, told):
    np.testing.assert_allclose(boundaries([0.2, 0.4, 0.6, 0.8, 1.0], spending=spending), told, atol=2e-4)


@pytest.mark.parametrize("parts", [[1.0], [0.5, 1.0], [0.1, 0.2, 0.7, 1.0]])
@pytest.mark.parametrize("spending", [obrien_fleming, pocock])
def test_planned_looks_hold_the_level(parts, spending):
    steps = np.diff([0, *parts])
    z = np.cumsum(np.random.default_rng(0).normal(size=(40_000, len(parts))) * np.sqrt(steps), axis=1) / np.sqrt(parts)
    assert crossing(z, boundaries(parts, 0.05, spending)) == pytest.approx(0.05, abs=0.004)


def test_looking_early_by_obrien_and_fleming_hardly_costs_power():
    lines, effect = boundaries(np.arange(1, 6) / 5), 1.959964 + 0.841621
    planned = crossing(random_walks(5, 20_000, effect), lines)
    assert 0.77 < planned < 0.80
    assert boundaries([1.0])[0] == pytest.approx(1.959964, abs=1e-6)


def test_always_valid_p_values_hold_the_level_at_every_moment():
    source = np.random.default_rng(0)
    ever = np.mean([always_valid(source.normal(size=1000), 1.0, 0.3).min() <= 0.05 for _ in range(1500)])
    plain = np.abs(np.cumsum(source.normal(size=(1500, 1000)), axis=1)) / np.sqrt(np.arange(1, 1001)) >= 1.959964
    assert ever <= 0.05 and plain.any(1).mean() > 0.45


def test_always_valid_p_values_fall_and_find_an_effect():
    p = always_valid(np.random.default_rng(0).normal(0.3, 1, 1000), 1.0, 0.3)
    assert (np.diff(p) <= 0).all() and p[0] <= 1 and p[-1] < 1e-6


def test_the_mixture_ratio_is_the_likelihood_averaged_over_effects():
    x, variance, mixing = np.array([0.4, 1.2, 2.5, 1.0]), 1.7, 0.8
    effects = np.linspace(-12, 12, 200_001)
    logs = sum(
        stats.norm.logpdf(one, effects, np.sqrt(variance)) - stats.norm.logpdf(one, 0, np.sqrt(variance)) for one in x
    )
    ratio = np.trapezoid(np.exp(logs) * stats.norm.pdf(effects, 0, mixing), effects)
    assert ratio > 1 and always_valid(x, variance, mixing)[-1] == pytest.approx(1 / ratio, rel=1e-8)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: sample_size(5, 6), "baseline=5 is no share.*0.05 for 5%"),
        (lambda: sample_size(0.1, 0.1), "smallest worth having"),
        (lambda: power_of(0.1, 0.2, 0), "at least 1"),
        (lambda: compare_shares((5, 6), (4, 9)), "5 successes of 4 users"),
        (lambda: compare_shares((0, 0), (4, 9)), "wait for more users"),
        (lambda: peeking(0), "at least 1 of each"),
        (lambda: boundaries([0.5, 0.4, 1.0]), "rising numbers"),
        (lambda: boundaries([50, 100]), "up to 1"),
        (lambda: crossing(np.zeros((3, 2)), np.ones(3)), "one line a look"),
        (lambda: always_valid([], 1, 1), "give one a pair"),
        (lambda: always_valid([1.0], 1, 0), "above 0"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
