"""The conditional random field: against all labellings written out, torch's gradient, finite differences, and its compiled form."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.hmm.scaled import split
from groundup.classical.structure import crf
from groundup.classical.structure import crf_compiled as compiled
from groundup.errors import InputError

CASE = st.tuples(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5))


def drawn(case):
    seed, labels, length = case
    random = np.random.default_rng(seed)
    scores = random.normal(size=(length, labels)) * 2
    return random.normal(size=(labels, labels)) * 2, scores, random.integers(labels, size=length).tolist()


def every_score(transition, scores):
    length, labels = scores.shape
    return {way: crf.score(transition, scores, way) for way in product(range(labels), repeat=length)}


def test_two_words_and_two_labels_by_hand():
    transition, scores = np.log([[1.0, 2.0], [1.0, 1.0]]), np.log([[1.0, 3.0], [1.0, 1.0]])
    # the four labellings are worth 1*1, 1*2, 3*1, 3*1: together 9
    assert np.exp(crf.log_partition(transition, scores)) == pytest.approx(9)
    assert np.exp(crf.crf_log_likelihood(transition, scores, [0, 1])) == pytest.approx(2 / 9)
    by_transition, by_scores = crf.crf_gradient(transition, scores, [0, 1])
    assert by_transition == pytest.approx(np.array([[-1 / 9, 7 / 9], [-3 / 9, -3 / 9]]))
    assert by_scores == pytest.approx(np.array([[6 / 9, -6 / 9], [-4 / 9, 4 / 9]]))


@given(CASE)
@settings(deadline=None, max_examples=50)
def test_the_probabilities_of_all_labellings_sum_to_one_and_the_best_is_found(case):
    transition, scores, _ = drawn(case)
    worth = every_score(transition, scores)
    total = sum(np.exp(crf.crf_log_likelihood(transition, scores, way)) for way in worth)
    assert total == pytest.approx(1, rel=1e-9)
    assert worth[tuple(crf.decode(transition, scores))] == pytest.approx(max(worth.values()))


@given(CASE)
@settings(deadline=None, max_examples=25)
def test_the_gradient_is_that_of_finite_differences(case):
    transition, scores, labels = drawn(case)
    for number, found in enumerate(crf.crf_gradient(transition, scores, labels)):
        for place in np.ndindex(found.shape):
            values = []
            for sign in (1e-5, -1e-5):
                moved = [transition.copy(), scores.copy()]
                moved[number][place] += sign
                values.append(crf.crf_log_likelihood(*moved, labels))
            assert found[place] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-7)


def corpus_of(seed: int, labels: int):
    """Random sentences with some attributes that meet many labels and some that meet one."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 6, size=5)
    lengths[0] = 3
    words = int(lengths.sum())
    attributes = [random.choice(8, size=random.integers(0, 5)) for _ in range(words)]
    first = np.concatenate([[0], np.cumsum([len(one) for one in attributes])]).astype(np.int64)
    flat = np.concatenate(attributes).astype(np.int32) if words else np.zeros(0, np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return compiled.Corpus(flat, first, offsets, random.integers(labels, size=words))


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_the_compiled_objective_and_labels_are_the_references(seed, labels, threads):
    corpus = corpus_of(seed, labels)
    pairs, counted = compiled.seen_pairs(corpus, 8, labels)
    rows = compiled.whole_rows(pairs, labels)
    random = np.random.default_rng(seed)
    weights = random.normal(size=len(counted))
    transition = weights[len(pairs.label) :].reshape(labels, labels)
    table = np.zeros((8, labels))
    at = np.repeat(np.arange(8), np.diff(pairs.first)), pairs.label
    table[at] = weights[: len(pairs.label)]
    value, by_transition, by_table, best = 0.0, np.zeros((labels, labels)), np.zeros((8, labels)), []
    for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True):
        if a == b:
            continue
        own = [corpus.attributes[corpus.first[t] : corpus.first[t + 1]] for t in range(a, b)]
        scores = np.array([table[one].sum(0) for one in own])
        gold = corpus.labels[a:b].tolist()
        value -= crf.crf_log_likelihood(transition, scores, gold)
        steps, words = crf.crf_gradient(transition, scores, gold)
        by_transition -= steps
        for one, row in zip(own, words, strict=True):
            np.add.at(by_table, one, -row)
        best += crf.decode(transition, scores)
    with ThreadPoolExecutor(threads) as pool:
        parts = split(corpus.offsets, threads)
        found, gradient = compiled.objective(corpus, pairs, rows, counted, weights, labels, parts, pool)
    assert found == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert np.allclose(gradient, np.concatenate([by_table[at], by_transition.ravel()]), atol=1e-9)
    decoded = compiled.decode_corpus(corpus, pairs, rows, weights[: len(pairs.label)], transition, np.zeros(labels))
    assert decoded.tolist() == best


def test_torch_differentiates_the_partition_function_alike():
    torch = pytest.importorskip("torch")
    transition, scores, labels = drawn((5, 3, 4))
    a, b = (torch.tensor(one, requires_grad=True) for one in (transition, scores))
    sums = b[0]
    for row in b[1:]:
        sums = torch.logsumexp(sums[:, None] + a, 0) + row
    gold = b[range(4), labels].sum() + a[labels[:-1], labels[1:]].sum()
    (gold - torch.logsumexp(sums, 0)).backward()
    by_transition, by_scores = crf.crf_gradient(transition, scores, labels)
    assert np.allclose(a.grad, by_transition) and np.allclose(b.grad, by_scores)


def test_under_the_rules_no_inside_follows_an_outside():
    labels = ["B-X", "I-X", "I-Y", "O"]
    start, step = crf.bio_rules(labels)
    random = np.random.default_rng(0)
    for _ in range(30):
        found = crf.decode(random.normal(size=(4, 4)) + step, random.normal(size=(6, 4)) * 3, start)
        names = [labels[label] for label in found]
        assert all(
            before in ("B-X", "I-X") if after == "I-X" else after != "I-Y"
            for before, after in zip(["O", *names], names, strict=False)
        )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: crf.check_scores(np.zeros((2, 2)), np.zeros((3, 3))),
            r"for L labels they are \(seq, L\) and \(L, L\)",
        ),
        (lambda: crf.decode(np.zeros((2, 2)), np.zeros((0, 2))), "do not fit"),
        (lambda: crf.decode(np.full((2, 2), np.nan), np.zeros((3, 2))), "a weight is NaN; train again"),
        (lambda: crf.crf_log_likelihood(np.zeros((2, 2)), np.zeros((3, 2)), [0, 1]), "2 labels for 3 words"),
        (lambda: crf.crf_gradient(np.zeros((2, 2)), np.zeros((3, 2)), [0, 1]), "2 labels for 3 words"),
        (lambda: crf.check_scores(np.zeros((2, 2)), np.zeros((3, 2)), [0, 2, 1]), "give one below 2 for each"),
    ],
)
def test_what_cannot_be_decoded_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
