"""Good-Turing, Katz and mixed orders: numbers by hand, and no step of learning that makes it worse."""

import doctest

import numpy as np
import pytest

from groundup.text.ngram import arpa, good_turing, jelinek_mercer, language
from groundup.text.ngram.counts import count_ngrams
from groundup.text.ngram.good_turing import expected_counts, good_turing_ratios, katz_ratios
from groundup.text.ngram.jelinek_mercer import BUCKETS, evidence, mixture_step
from groundup.text.ngram.smoothing import fit


@pytest.mark.parametrize("module", [good_turing, jelinek_mercer, language, arpa])
def test_the_worked_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_the_seen_leave_what_was_seen_once_to_the_unseen():
    counts = {1: 120, 2: 40, 3: 24, 4: 13, 5: 15, 6: 5, 7: 11, 8: 2, 9: 2, 10: 1, 12: 3}
    left = good_turing_ratios(counts)
    whole = sum(r * n for r, n in counts.items())
    kept = sum(r * n * left[r] for r, n in counts.items())
    assert abs(kept / whole - (1 - 120 / whole)) < 0.02 and all(0 < d <= 1 for d in left.values())


@pytest.mark.parametrize("exponent", [1.3, 1.6, 2.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_expected_counts_are_nltks(monkeypatch, exponent, seed):
    probability = pytest.importorskip("nltk.probability")
    kinds = np.bincount(np.random.default_rng(seed).zipf(exponent, 3000) % 100_000)
    theirs = probability.SimpleGoodTuringProbDist(
        probability.FreqDist({word: int(count) for word, count in enumerate(kinds) if count})
    )
    found = dict(zip(*(part.tolist() for part in np.unique(kinds[kinds > 0], return_counts=True)), strict=True))
    monkeypatch.setattr(good_turing, "SURE", 1.96)  # NLTK's; Gale and Sampson have 1.65
    ours = expected_counts(found)
    assert len(ours) > 10 and theirs._slope < -1
    wanted = {r: theirs._prob_measure(r) * 3000 for r in found}
    assert ours == pytest.approx(wanted, rel=1e-9) and any(abs(ours[r] - r) > 0.1 for r in ours)


def test_katz_discounts_free_exactly_what_was_seen_once():
    counts = {1: 100, 2: 40, 3: 20, 4: 12, 5: 8, 6: 5}
    ratios = katz_ratios(counts)
    assert abs(sum(n * r * (1 - ratios[r]) for r, n in counts.items() if r <= 5) - counts[1]) < 1e-9


def test_no_step_of_learning_the_weights_makes_held_out_text_less_likely():
    random = np.random.default_rng(0)
    ids, held = (np.minimum(random.zipf(1.5, n) - 1, 19) for n in (2_000, 400))
    likelihoods, buckets = evidence(count_ngrams(ids, 3, 20), held, 20, None)
    weights, before = np.full(4 * BUCKETS, 0.5), -np.inf
    for _ in range(12):
        mixed = likelihoods[:, 0]
        for order in range(1, 4):
            share = np.where(buckets[:, order] >= 0, weights[buckets[:, order]], 0.0)
            mixed = share * likelihoods[:, order] + (1 - share) * mixed
        now = np.log(mixed).sum()
        assert now >= before - 1e-9
        before, weights = now, mixture_step(likelihoods, buckets, weights)


def test_weights_of_text_held_out_apart_are_learned_on_it():
    ids = np.array([0, 1, 2] * 50)
    alike = fit(ids, 2, "jelinek_mercer", vocab_size=4, heldout=ids).perplexity(ids[1:])
    other = fit(ids, 2, "jelinek_mercer", vocab_size=4, heldout=np.array([0, 0, 0, 3, 3, 1])).perplexity(ids[1:])
    assert alike < 1.2 < other
