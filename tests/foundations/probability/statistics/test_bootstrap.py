"""Bootstrap intervals against scipy.stats.bootstrap, and their coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.foundations.probability.statistics.bootstrap import (
    acceleration,
    bca_interval,
    bootstrap_interval,
    bootstrap_statistics,
    percentile_interval,
)

SKEWED = np.random.default_rng(0).exponential(size=25)


def mean(x):
    return x.mean()


def spread(x):
    return x.var()


@pytest.mark.parametrize("statistic", [mean, spread, np.median], ids=["mean", "variance", "median"])
@pytest.mark.parametrize("method, mine", [("percentile", percentile_interval), ("BCa", bca_interval)])
def test_both_intervals_agree_with_scipys(statistic, method, mine):
    told = stats.bootstrap(
        (SKEWED,), lambda x, axis: np.apply_along_axis(statistic, axis, x), n_resamples=6000, method=method, rng=1
    ).confidence_interval
    low, high = mine(statistic, SKEWED, resamples=6000)
    assert (low, high) == pytest.approx((told.low, told.high), abs=0.08 * (told.high - told.low))


def test_bca_moves_the_interval_of_a_skewed_sample_upwards():
    low, high = percentile_interval(spread, SKEWED)
    moved_low, moved_high = bca_interval(spread, SKEWED)
    assert moved_low > low and moved_high > high


def test_the_acceleration_of_a_mean_is_a_sixth_of_its_skewness():
    told = stats.skew(SKEWED) / (6 * np.sqrt(25))
    assert acceleration(mean, SKEWED) == pytest.approx(told)
    assert acceleration(mean, np.array([-1.0, 0.0, 1.0])) == pytest.approx(0)


def test_bca_holds_the_truth_more_often_than_percentiles_where_both_are_small():
    source = np.random.default_rng(1)
    held = np.zeros(2)
    for seed in range(300):
        x = source.exponential(size=15)
        for place, mine in enumerate((percentile_interval, bca_interval)):
            low, high = mine(spread, x, 0.9, 300, seed)
            held[place] += low <= 1.0 <= high
    assert held[0] / 300 < held[1] / 300 < 0.9


def test_the_spread_of_resampled_means_is_the_standard_error():
    found = bootstrap_statistics(mean, SKEWED, 4000, np.random.default_rng(0))
    assert found.std() == pytest.approx(SKEWED.std() / np.sqrt(25), rel=0.05)


def test_items_of_several_columns_are_drawn_whole():
    pairs = np.stack([SKEWED, 2 * SKEWED], axis=1)
    low, high = percentile_interval(lambda rows: rows[:, 1].sum() / rows[:, 0].sum(), pairs)
    assert (low, high) == pytest.approx((2, 2))


def test_the_generator_decides():
    one, other = (bootstrap_interval(mean, SKEWED, 0.9, 100, np.random.default_rng(s)) for s in (0, 1))
    assert one != other and one == bootstrap_interval(mean, SKEWED, 0.9, 100, np.random.default_rng(0))


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: percentile_interval(mean, [1.0]), "at least 2 items"),
        (lambda: percentile_interval(mean, [1.0, np.inf]), "leave out"),
        (lambda: percentile_interval(mean, [1.0, 2.0], 95), "between 0 and 1"),
        (lambda: bca_interval(mean, [1.0, 2.0], resamples=0), "1 or more"),
        (lambda: bca_interval(lambda x: len(np.unique(x)), np.arange(30.0)), "one side"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
