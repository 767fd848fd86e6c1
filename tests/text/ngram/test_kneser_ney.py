"""Kneser-Ney's shares: against NLTK, whose three departures from the textbook are taken over here."""

import doctest

import numpy as np
import pytest

from groundup.text.ngram import additive, kneser_ney
from groundup.text.ngram.additive import add_k, witten_bell
from groundup.text.ngram.combining import combine, sums
from groundup.text.ngram.counts import count_ngrams
from groundup.text.ngram.model import NgramModel
from groundup.text.ngram.smoothing import fit


def wrapped(n, words, order, seed=0):
    """A stream whose beginning stands again at its end, so that something stands before every n-gram."""
    ids = np.minimum(np.random.default_rng(seed).zipf(1.6, n) - 1, words - 1)
    return np.concatenate([ids, ids[:order]])


@pytest.mark.parametrize("module", [kneser_ney, additive])
def test_the_worked_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("discount", [0.1, 0.75])
def test_the_unmodified_form_is_nltks(discount):
    lm, util = pytest.importorskip("nltk.lm"), pytest.importorskip("nltk.util")
    order, words = 3, 12
    ids = wrapped(300, words, order)
    theirs = lm.KneserNeyInterpolated(order, discount=discount)
    tokens = [str(id) for id in ids]
    theirs.fit([list(util.everygrams(tokens, max_len=order))], [str(id) for id in range(words)])
    levels, own = count_ngrams(ids, order, words), []
    for length, level in enumerate(levels):
        longer = levels[length + 1].shorter if length + 1 < order else None
        counts = level.counts if longer is None else np.bincount(longer, minlength=len(level.words))
        take = discount if length else 0.0  # NLTK does not discount single words
        own.append(np.maximum(counts - take, 0) / np.maximum(1, sums(counts, level.first))[level.contexts])
    ours = NgramModel(combine(levels, own, "interpolate", words), order, words, None)
    for context in ([], [0], [1, 0], [0, 0], [3, 1], [11, 9], [7, 7]):
        expected = [theirs.score(str(word), [str(id) for id in context]) for word in range(words)]
        np.testing.assert_allclose(ours.distribution(context), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "peer"), [("add_k", "Lidstone"), ("witten_bell", "WittenBellInterpolated")])
def test_adding_and_witten_bell_are_nltks(name, peer):
    lm, util = pytest.importorskip("nltk.lm"), pytest.importorskip("nltk.util")
    ids = wrapped(200, 8, 2)
    theirs = lm.Lidstone(0.2, 2) if name == "add_k" else lm.WittenBellInterpolated(2)
    theirs.fit([list(util.everygrams([str(id) for id in ids], max_len=2))], [str(id) for id in range(8)])
    ours = fit(ids, 2, name, vocab_size=9 if name == "add_k" else 8, k=0.2)  # NLTK's vocabulary has <UNK> besides
    for context in range(8):
        expected = [theirs.score(str(word), [str(context)]) for word in range(8)]
        if (
            name == "witten_bell"
        ):  # NLTK's single words: count / all, without Witten and Bell's step to the uniform distribution
            counts = np.bincount(ids, minlength=8)
            followers = np.bincount(ids[1:][ids[:-1] == context], minlength=8)
            own, new = witten_bell({int(w): int(followers[w]) for w in np.flatnonzero(followers)})
            theirs_by_hand = [own.get(word, 0) + new * counts[word] / counts.sum() for word in range(8)]
            np.testing.assert_allclose(theirs_by_hand, expected, atol=1e-12)
            single = fit(ids, 1, name, vocab_size=8).distribution([])
            mine = [own.get(word, 0) + new * single[word] for word in range(8)]
            np.testing.assert_allclose(ours.distribution([context]), mine, atol=1e-12)
        else:
            np.testing.assert_allclose(ours.distribution([context])[:8], expected, atol=1e-12)


def test_textbook_numbers_by_hand():
    assert add_k({0: 2, 1: 3}, 0, 1, 10) == 0.2
    assert witten_bell({3: 1}) == ({3: 0.5}, 0.5)
