"""Zipf and Heaps: exact on exact laws, and near what is known of words drawn by one."""

import doctest

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.text.ngram import laws
from groundup.text.ngram.laws import heaps, power_law, zipf


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(laws).failed == 0


def test_the_line_is_scipys():
    random = np.random.default_rng(0)
    xs, ys = random.uniform(1, 100, 30), random.uniform(1, 9, 30)
    line = stats.linregress(np.log(xs), np.log(ys))
    factor, exponent = power_law(xs, ys)
    assert abs(exponent - line.slope) < 1e-12 and abs(np.log(factor) - line.intercept) < 1e-12


def test_counts_that_follow_zipf_give_their_exponent_back_in_any_order():
    counts = (1e9 / np.arange(1, 1001) ** 1.2).astype(np.int64)
    ranks, frequencies, law = zipf(np.random.default_rng(0).permutation(np.append(counts, [0, 0])))
    assert abs(law.exponent + 1.2) < 1e-3 and law.fit > 0.9999 and ranks[-1] == 1000 and frequencies[0] == counts[0]
    assert abs(law.at(10) / counts[9] - 1) < 0.01


def test_words_drawn_by_zipf_come_new_as_heaps_says():
    ids = np.random.default_rng(0).zipf(2.0, 200_000)
    lengths, different, law = heaps(ids)
    assert different[0] == 1 and different[-1] == len(set(ids.tolist())) and lengths[-1] == len(ids)
    assert 0.4 < law.exponent < 0.6 and law.fit > 0.98  # 1 / 2


def test_a_text_of_nothing_or_of_one_word_has_no_law():
    for call in (
        lambda: zipf(np.zeros(3, int)),
        lambda: heaps(np.zeros(0, int)),
        lambda: heaps(np.array([5, 5])),
        lambda: zipf(np.array([7])),
    ):
        with pytest.raises(InputError, match="give a"):
            call()
    with pytest.raises(InputError, match="at least two different words"):
        zipf(np.array([0, 7]))
