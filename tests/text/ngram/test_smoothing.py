"""Kneser-Ney: against the textbook formula in fractions, sums to one, and is better than what it is said to beat."""

import doctest
import importlib
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError, InputError
from groundup.text.ngram import KneserNey, smoothing
from groundup.text.ngram.smoothing import discounts, kneser_ney_reference

STREAM = st.lists(st.integers(0, 4), min_size=1, max_size=60)
BOUNDARY = st.sampled_from([None, 0])


class Textbook:
    """Kneser-Ney as Chen and Goodman write it (eq. 21 to 27), on sets of what stands before and after, in fractions.

    Documents are given apart. A mark stands before each; it is predicted nowhere. Only fits streams whose boundary is
    that mark.
    """

    def __init__(self, documents: list[list[int]], order: int, vocab_size: int, modified: bool) -> None:
        self.order, self.vocab_size = order, vocab_size
        self.count: dict[tuple, int] = {}
        before: dict[tuple, set] = {}
        for document in documents:
            marked = [0, *document]
            for start in range(len(marked)):
                for end in range(max(start + 1, 2), min(start + order, len(marked)) + 1):
                    gram = tuple(marked[start:end])
                    self.count[gram] = self.count.get(gram, 0) + 1
                    if start > 0:
                        before.setdefault(gram, set()).add(marked[start - 1])
        for gram in self.count:
            if len(gram) < order and gram[0] != 0:
                self.count[gram] = len(before[gram])
        self.discount = {
            n: self.estimate([c for g, c in self.count.items() if len(g) == n], modified) for n in range(1, order + 1)
        }

    @staticmethod
    def estimate(counts: list[int], modified: bool) -> list[Fraction]:
        n = [counts.count(k) for k in range(5)]
        single = Fraction(n[1], n[1] + 2 * n[2]) if n[1] and n[2] else Fraction(1, 2)
        result = []
        for k in (1, 2, 3):
            d = k - (k + 1) * single * Fraction(n[k + 1], n[k]) if n[k] else Fraction(0)
            result.append(d if modified and n[3] and 0 < d < k else single)
        return result

    def probability(self, word: int, context: tuple) -> Fraction:
        lower = self.probability(word, context[1:]) if context else Fraction(1, self.vocab_size)
        followers = {g[-1]: c for g, c in self.count.items() if g[:-1] == context and len(g) == len(context) + 1}
        total = sum(followers.values())
        if not total:
            return lower
        take = lambda c: self.discount[len(context) + 1][min(c, 3) - 1] if c else Fraction(0)  # noqa: E731
        own = followers.get(word, 0)
        return (own - take(own) + sum(map(take, followers.values())) * lower) / total


DOCUMENTS = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=12), min_size=1, max_size=5)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(smoothing).failed == 0


@given(DOCUMENTS, st.integers(2, 4), st.booleans())
@settings(deadline=None)
def test_probabilities_are_the_textbooks(documents, order, modified):
    # the stream: each document begins with the boundary; what the model says of the boundary itself is left out
    closed = [[*document, 0] for document in documents]
    stream = [0] + [id for document in closed for id in document]
    model = KneserNey.fit(np.array(stream), order, vocab_size=5, boundary=0, modified=modified)
    # the first boundary is one more occurrence of a word than the documents hold; give it to the textbook too
    textbook = Textbook(closed, order, 5, modified)
    if order > 1 and (0,) in textbook.count:
        textbook.count[(0,)] = len({document[-1] for document in documents}) + 1
        ones = [c for g, c in textbook.count.items() if len(g) == 1]
        textbook.discount[1] = textbook.estimate(ones, modified)
    for context in [(), (1,), (2, 1), (0, 3), (0,), (4, 4, 2)]:
        context = context[-(order - 1) :]
        expected = [float(textbook.probability(word, context)) for word in range(5)]
        np.testing.assert_allclose(model.distribution(context), expected, rtol=1e-9)


@given(STREAM, STREAM, st.integers(1, 5), BOUNDARY, st.booleans())
@settings(deadline=None)
def test_the_fast_form_gives_the_probabilities_of_the_definition(stream, unseen, order, boundary, modified):
    model = KneserNey.fit(np.array(stream), order, vocab_size=5, boundary=boundary, modified=modified)
    probability = kneser_ney_reference(stream, order, 5, boundary, modified)
    expected = []
    for i, word in enumerate(unseen):
        context = unseen[max(0, i - order + 1) : i]
        if boundary in context:
            context = context[len(context) - 1 - context[::-1].index(boundary) :]
        expected.append(math.log(probability(word, tuple(context))))
    np.testing.assert_allclose(model.log_probabilities(np.array(unseen)), expected, rtol=0, atol=1e-9)


@given(STREAM, STREAM, st.integers(1, 5), BOUNDARY)
@settings(deadline=None)
def test_a_distribution_sums_to_one_has_no_zero_and_is_what_is_scored(stream, text, order, boundary):
    model = KneserNey.fit(np.array(stream), order, vocab_size=5, boundary=boundary)
    scored = model.log_probabilities(np.array(text))
    for i, word in enumerate(text):
        distribution = model.distribution(text[:i])
        assert abs(distribution.sum() - 1) < 1e-9 and distribution.min() > 0
        assert abs(math.log(distribution[word]) - scored[i]) < 1e-9


def test_discounts_are_chen_and_goodmans_and_stay_between_zero_and_the_count():
    assert discounts([100, 50, 30, 20], modified=False) == (0.5, 0.5, 0.5)
    assert discounts([0, 0, 0, 0]) == (0.5, 0.5, 0.5)
    assert discounts([5, 0, 0, 9]) == (0.5, 0.5, 0.5)
    for counts in ([1, 9, 1, 9], [9, 1, 9, 1], [1, 1, 1, 1000]):
        assert all(0 < d < count for count, d in enumerate(discounts(counts), 1))


def markov(n: int, seed: int = 0) -> np.ndarray:
    """A stream of order 2 over 50 words, each pair followed by four likely words."""
    random = np.random.default_rng(seed)
    likely = np.random.default_rng(99).integers(0, 50, (50, 50, 4))
    ids = [0, 1]
    for choice, stray in zip(random.integers(0, 4, n), random.random(n), strict=True):
        ids.append(int(likely[ids[-2], ids[-1], choice]) if stray < 0.9 else int(random.integers(0, 50)))
    return np.array(ids)


def test_it_finds_the_order_of_a_source_and_longer_contexts_do_no_harm():
    train, heldout = markov(60_000), markov(5_000, seed=1)
    loss = {n: -KneserNey.fit(train, n, vocab_size=50).log_probabilities(heldout).mean() for n in (1, 2, 3, 5)}
    entropy = -(0.1 * math.log(0.1 / 50) + 0.9 * math.log(0.9 / 4 + 0.1 / 50))  # about: the words may repeat
    assert loss[1] > loss[2] > loss[3] + 0.5
    assert loss[3] < entropy + 0.35 and loss[5] < loss[3] + 0.15


def test_on_prose_it_beats_the_single_discount_and_that_beats_add_one():
    topics = importlib.import_module("pydoc_data.topics").topics
    text = np.frombuffer("".join(topics[name] for name in sorted(topics)).encode(), np.uint8)[:400_000]
    train, heldout = text[:350_000], text[350_000:]
    ours = -KneserNey.fit(train, 5, vocab_size=256).log_probabilities(heldout).mean()
    single = -KneserNey.fit(train, 5, vocab_size=256, modified=False).log_probabilities(heldout).mean()
    pairs = np.ones((256, 256))
    np.add.at(pairs, (train[:-1], train[1:]), 1)
    add_one = -np.log((pairs / pairs.sum(-1, keepdims=True))[heldout[:-1], heldout[1:]]).mean()
    assert ours < single < add_one - 0.5


def test_contexts_do_not_reach_over_the_boundary():
    stream = np.array([0, 1, 2, 0, 3, 4, 0, 1, 2, 0, 3, 4, 0])
    model = KneserNey.fit(stream, 5, vocab_size=5, boundary=0)
    np.testing.assert_array_equal(model.distribution([1, 2, 0]), model.distribution([4, 4, 0]))
    assert model.distribution([3, 4])[0] > 0.5
    after_one, after_other = (
        model.log_probabilities(np.array([*before, 0, 3, 4]))[-2:] for before in ([1, 2], [4, 1, 1])
    )
    np.testing.assert_array_equal(after_one, after_other)


def test_generating_is_reproducible_stops_and_follows_the_distribution():
    model = KneserNey.fit(markov(20_000), 3, vocab_size=50)
    assert (
        model.generate([0, 1], 20, seed=3) == model.generate([0, 1], 20, seed=3) != model.generate([0, 1], 20, seed=4)
    )
    drawn = np.array([model.generate([0, 1], 1, seed=seed)[0] for seed in range(2000)])
    frequencies = np.bincount(drawn, minlength=50) / 2000
    assert np.abs(frequencies - model.distribution([0, 1])).max() < 0.05
    stop = int(drawn[0])
    assert model.generate([0, 1], 5, seed=0, stop=stop) == []


def test_memory_is_what_the_arrays_hold():
    model = KneserNey.fit(markov(20_000), 5, vocab_size=50)
    assert model.memory_bytes == sum(
        array.nbytes for array in (model.words, model.first, model.shorter, model.probability, model.backoff)
    )
    assert model.memory_bytes < 28 * len(model.words) + 100


@pytest.mark.parametrize(
    ("ids", "order", "error", "way_out"),
    [
        ([1, 2], 0, ConfigError, "use 1 or more"),
        ([], 3, InputError, "give a text that is not empty"),
        ([1, 9], 3, InputError, "pass its vocab_size"),
        ([-1, 2], 3, InputError, "pass its vocab_size"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_way_out(ids, order, error, way_out):
    with pytest.raises(error, match=way_out):
        KneserNey.fit(np.array(ids, np.int64), order, vocab_size=5)


def test_ids_outside_the_vocabulary_cannot_be_scored():
    model = KneserNey.fit(np.array([1, 2, 3]), 2, vocab_size=5)
    with pytest.raises(InputError, match="the model knows 0 to 4"):
        model.log_probabilities(np.array([7]))
    assert len(model.log_probabilities(np.array([], np.int64))) == 0
