"""Counts against listings by itertools, and the birthday bound against exact fractions, scipy and a simulation."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.discrete.combinatorics import (
    bags,
    birthday_approximation,
    birthday_collision,
    birthday_items,
    birthday_simulated,
    compositions,
    draws_to_see_all,
    expected_collisions,
    segmentations,
    sequences,
)


@pytest.mark.parametrize(("vocabulary", "length"), [*itertools.product(range(4), range(5))])
def test_sequences_and_bags_are_as_many_as_itertools_lists(vocabulary, length):
    things = range(vocabulary)
    assert sequences(vocabulary, length) == len(list(itertools.product(things, repeat=length)))
    assert bags(vocabulary, length) == len(list(itertools.combinations_with_replacement(things, length)))


def cuts(text):
    """All ways to cut a text, listed."""
    return [[]] if not text else [[text[:end], *rest] for end in range(1, len(text) + 1) for rest in cuts(text[end:])]


@pytest.mark.parametrize("length", range(7))
def test_compositions_are_as_many_as_there_are_cuts(length):
    listed = cuts("abcdefg"[:length])
    assert compositions(length) == len(listed)
    for parts in range(8):
        assert compositions(length, parts) == sum(len(cut) == parts for cut in listed)


@given(st.text("ab", max_size=9), st.sets(st.text("ab", min_size=1, max_size=3)))
def test_segmentations_are_the_cuts_whose_pieces_are_all_known(text, vocabulary):
    assert segmentations(text, vocabulary) == sum(all(piece in vocabulary for piece in cut) for cut in cuts(text))


def test_segmentations_of_a_long_text_are_counted_though_nobody_could_list_them():
    assert segmentations("a" * 300, {"a", "aa"}) > 1e62  # Fibonacci's 301st number


def test_the_sixth_face_of_a_die_takes_its_time():
    generator = np.random.default_rng(0)
    needed = []
    for _ in range(2000):
        seen, draws = set(), 0
        while len(seen) < 6:
            seen.add(int(generator.integers(6)))
            draws += 1
        needed.append(draws)
    assert np.mean(needed) == pytest.approx(draws_to_see_all(6), abs=0.6)
    assert draws_to_see_all(0) == 0


@given(st.integers(0, 60), st.integers(1, 400))
def test_the_birthday_probability_is_the_product_in_fractions(items, places):
    apart = math.prod(
        (Fraction(places - earlier, places) for earlier in range(min(items, places + 1))), start=Fraction(1)
    )
    assert birthday_collision(items, places) == pytest.approx(float(1 - apart), rel=1e-12, abs=1e-15)


def test_a_tiny_probability_keeps_its_digits():
    assert birthday_collision(2, 2**64) == pytest.approx(2.0**-64, rel=1e-12)
    assert birthday_collision(3, 10**18) == pytest.approx(3e-18, rel=1e-12)
    assert math.copysign(1, birthday_collision(1, 5)) == 1 == math.copysign(1, birthday_approximation(0, 5))


def test_twenty_three_people_are_more_likely_than_not():
    assert birthday_collision(22, 365) < 0.5 < birthday_collision(23, 365)


@pytest.mark.parametrize(("items", "places"), [(23, 365), (77_163, 2**32), (1000, 2**20)])
def test_the_approximation_is_near_and_its_inverse_comes_back(items, places):
    assert birthday_approximation(items, places) == pytest.approx(birthday_collision(items, places), abs=0.01)
    assert birthday_items(places, birthday_approximation(items, places)) == pytest.approx(items, rel=0.03)


def test_a_simulation_agrees():
    exact = birthday_collision(23, 365)
    spread = math.sqrt(exact * (1 - exact) / 4000)
    assert abs(birthday_simulated(23, 365, trials=4000) - exact) < 4 * spread
    assert birthday_simulated(0, 5) == birthday_simulated(1, 5) == 0 and birthday_simulated(6, 5) == 1


def test_the_expected_collisions_are_those_of_a_simulation_and_of_the_pairs():
    generator = np.random.default_rng(0)
    found = [100 - len(np.unique(generator.integers(0, 300, 100))) for _ in range(2000)]
    assert np.mean(found) == pytest.approx(expected_collisions(100, 300), rel=0.02)
    assert expected_collisions(1000, 2**64) == pytest.approx(1000 * 999 / 2 / 2**64)
    below, above = (expected_collisions(items, 2**40) for items in (1_099_000, 1_100_000))  # where the formula changes
    assert above / below == pytest.approx((1_100_000 / 1_099_000) ** 2, rel=1e-4)
    assert expected_collisions(5, 1) == 4 and expected_collisions(0, 0) == 0


def test_mistakes_are_named():
    for mistake, sentence in (
        (lambda: sequences(-1, 2), "vocabulary=-1 is no count; use a whole number from 0 on"),
        (lambda: birthday_collision(2.5, 3), "items=2.5 is no count"),
        (lambda: birthday_collision(10**9, 2**64), "1,000,000,000 factors do not fit into memory; use birthday_approx"),
        (lambda: birthday_items(365, 1.0), "probability=1.0 is out of reach"),
        (lambda: segmentations("a", {""}), "holds an empty token"),
        (lambda: birthday_simulated(3, 3, trials=0), "0 trials with 3 places show nothing"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()
