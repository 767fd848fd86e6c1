"""Perplexity and bits per byte by hand, and between vocabularies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.information.perplexity import bits_per_byte, perplexity, perplexity_of_bits


@given(st.integers(1, 1000), st.integers(1, 20))
def test_who_hesitates_among_k_has_perplexity_k(k, length):
    assert perplexity(np.full(length, -math.log(k))) == pytest.approx(k, rel=1e-9)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=9))
def test_it_is_the_geometric_mean_of_the_inverse_probabilities(probabilities):
    expected = math.prod(1 / p for p in probabilities) ** (1 / len(probabilities))
    assert perplexity(np.log(probabilities)) == pytest.approx(expected, rel=1e-9)


def test_an_excluded_token_makes_it_infinite_and_so_does_one_too_many():
    assert perplexity([-math.inf, 0.0]) == math.inf == perplexity([-1000.0])


def test_half_the_tokens_square_it_but_leave_the_bytes_alone():
    fine, coarse = np.log([0.5, 0.25, 0.5, 0.25]), np.log([0.125, 0.125])
    assert perplexity(coarse) == pytest.approx(perplexity(fine) ** 2)
    assert bits_per_byte(fine, "abcd") == pytest.approx(bits_per_byte(coarse, "abcd")) == 1.5
    assert perplexity(coarse, units=4) == pytest.approx(perplexity(fine, units=4))


def test_bytes_are_those_of_utf_8():
    assert bits_per_byte([-3 * math.log(2)], "é!") == pytest.approx(1) and bits_per_byte([0.0], "a") == 0


def test_perplexity_of_bits_is_that_of_the_same_text():
    logs, text = np.log([0.5, 0.1, 0.3]), "abcdef"
    assert perplexity_of_bits(bits_per_byte(logs, text), len(text) / 3) == pytest.approx(perplexity(logs))


def test_mistakes_are_named():
    for mistake, sentence in (
        (lambda: perplexity([]), "there are no log-probabilities"),
        (lambda: perplexity([math.nan]), "NaN among them"),
        (lambda: perplexity([0.25]), r"0.25, above log\(1\) = 0; give logarithms, not probabilities"),
        (lambda: perplexity([-1.0], units=0), "units=0 cannot be averaged over"),
        (lambda: bits_per_byte([-1.0], ""), "the text is empty"),
        (lambda: perplexity_of_bits(1.0, 0.0), "are no measure; give positive numbers"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()
