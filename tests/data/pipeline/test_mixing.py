"""Mixtures: exact shares, even spread, and the place in every source from the row's number alone."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.pipeline.mixing import GOLDEN, UNIT, Mixture, floor_sum
from groundup.errors import ConfigError

WHOLE = st.integers(-(10**6), 10**6)


@given(st.integers(0, 60), st.integers(1, 10**6), WHOLE, WHOLE)
def test_the_closed_form_is_the_sum_of_floors(count, modulus, slope, start):
    assert floor_sum(count, modulus, slope, start) == sum((slope * k + start) // modulus for k in range(count))


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=5), st.integers(0, 2**40), st.integers(0, 3000))
def test_counts_before_a_row_are_what_counting_gives(weights, seed, row):
    mixture = Mixture(weights, seed)
    counted = Counter(mixture.sources(0, row).tolist())
    assert [mixture.before(source, row) for source in range(len(weights))] == [
        counted[source] for source in range(len(weights))
    ]


@given(st.integers(0, 10**15), st.integers(1, 40))
def test_rows_asked_for_together_or_one_by_one_are_the_same(first, count):
    mixture = Mixture([5, 3, 1], seed=2)
    assert mixture.rows(first, count) == [mixture.rows(first + k, 1)[0] for k in range(count)]


def test_every_place_of_a_source_comes_once_and_in_order():
    mixture, next_place = Mixture([0.7, 0.3], seed=1), [0, 0]
    for source, place in mixture.rows(0, 2000):
        assert place == next_place[source]
        next_place[source] += 1


@pytest.mark.parametrize("first", [0, 12_345, 10**12])
def test_each_hundred_rows_hold_their_share(first):
    """A random choice would give 80 of 100 with a deviation of 4."""
    mixture = Mixture([0.8, 0.2])
    for start in range(first, first + 5000, 100):
        taken = Counter(source for source, _ in mixture.rows(start, 100))
        assert 79 <= taken[0] <= 82


def test_in_the_long_run_the_shares_are_exact():
    mixture, rows = Mixture([2, 1, 1]), 10**15
    for source, share in enumerate((Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))):
        assert abs(mixture.before(source, rows) - rows * share) < 50


def test_one_source_is_read_in_order():
    assert Mixture([3.0]).rows(7, 3) == [(0, 7), (0, 8), (0, 9)]


def test_a_row_is_placed_by_whole_numbers_where_floats_have_run_out():
    number = (10**15 * GOLDEN + Mixture([1, 1], seed=5).offset) % UNIT
    assert Mixture([1, 1], seed=5).sources(10**15, 1).tolist() == [int(number >= UNIT // 2)]


def test_a_source_with_share_0_is_never_read():
    assert Mixture([1, 0, 1]).before(1, 10**9) == 0


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [float("nan"), 1], [float("inf"), 1]])
def test_what_is_no_mixture_is_refused(weights):
    with pytest.raises(ConfigError, match="are no mixture; give each 0 or more"):
        Mixture(weights)
