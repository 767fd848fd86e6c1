"""Counts of n-grams: textbook values, and the sorted arrays against the definition."""

import doctest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.text.ngram import counts
from groundup.text.ngram.counts import adjusted_reference, count_ngrams, count_reference

STREAM = st.lists(st.integers(0, 4), min_size=1, max_size=60)


def as_dicts(levels) -> tuple[dict, dict]:
    """Counts and adjusted counts of all n-grams in the arrays, words that do not occur left out."""
    plain, adjusted, grams = {}, {}, [()]
    for level in levels:
        contexts = np.repeat(np.arange(len(level.first) - 1), np.diff(level.first))
        grams = [(*grams[context], word) for context, word in zip(contexts, level.words.tolist(), strict=True)]
        for gram, count, own in zip(grams, level.counts.tolist(), level.adjusted.tolist(), strict=True):
            if count:
                plain[gram], adjusted[gram] = count, own
    return plain, adjusted


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(counts).failed == 0


def test_bigrams_of_a_sentence_are_counted():
    the, cat, sat, on = range(4)
    found = count_reference([the, cat, sat, on, the, cat], 2)
    assert found[the, cat] == 2 and found[cat, sat] == 1 and (sat, the) not in found


def test_francisco_counts_once_however_often_it_follows_san():
    san, francisco, new, york = range(4)
    stream = [san, francisco] * 5 + [new, york, san, york]
    adjusted = adjusted_reference(count_reference(stream, 2), 2)
    assert count_reference(stream, 2)[(francisco,)] == 5
    assert adjusted[(francisco,)] == 1 and adjusted[(york,)] == 2 and adjusted[san, francisco] == 5


def test_no_ngram_reaches_over_a_boundary_but_one_may_begin_or_end_with_it():
    end = 0
    found = count_reference([1, 2, end, 3, 4], 3, boundary=end)
    assert {(1, 2, end), (end, 3, 4)} <= found.keys()
    assert not {(2, end, 3), (1, 2, end, 3)} & found.keys()


@given(STREAM, st.integers(1, 5), st.sampled_from([None, 0]))
@settings(deadline=None)
def test_the_arrays_hold_the_counts_of_the_definition(stream, order, boundary):
    plain, adjusted = as_dicts(count_ngrams(np.array(stream), order, 5, boundary))
    expected = count_reference(stream, order, boundary)
    assert plain == dict(expected)
    assert adjusted == dict(adjusted_reference(expected, order))


@given(STREAM, st.integers(2, 4))
@settings(deadline=None)
def test_words_stand_in_order_within_a_context(stream, order):
    for level in count_ngrams(np.array(stream), order, 5)[1:]:
        for start, end in zip(level.first[:-1], level.first[1:], strict=True):
            assert np.all(np.diff(level.words[start:end]) > 0)


def test_counts_follow_heaps_and_zipf_on_words_drawn_by_zipf():
    ids = np.minimum(np.random.default_rng(0).zipf(2.0, 20_000), 999)
    top = np.sort(count_ngrams(ids, 1, 1000)[0].counts)[::-1]
    assert 0.2 < top[1] / top[0] < 0.3  # 1 / 2^2
    sizes = [len(set(ids[:n].tolist())) for n in (1_000, 4_000, 16_000)]
    assert 1.5 < sizes[1] / sizes[0] < 2.5 and 1.5 < sizes[2] / sizes[1] < 2.5  # grows as the square root
