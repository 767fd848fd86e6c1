"""Every smoothing: sums to one in any context, is its definition, and comes close to a source it can learn."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.text.ngram import combining
from groundup.text.ngram.additive import witten_bell_reference
from groundup.text.ngram.combining import probability_reference
from groundup.text.ngram.counts import adjusted_reference, count_reference
from groundup.text.ngram.good_turing import discounted_by_ratio_reference
from groundup.text.ngram.jelinek_mercer import weighted_reference
from groundup.text.ngram.kneser_ney import discounted_reference
from groundup.text.ngram.smoothing import RULES, fit, mixture_weights

STREAM = st.lists(st.integers(0, 4), min_size=1, max_size=60)
BOUNDARY = st.sampled_from([None, 0])
VOCABULARY = 6  # id 5 never occurs


def reference(smoothing, ids, order, boundary, k=0.3):
    """The smoothing by its definition, on dicts."""
    counts = count_reference(ids, order, boundary)
    totals = {}
    for ngram, count in counts.items():
        totals[ngram[:-1]] = totals.get(ngram[:-1], 0) + count
    if smoothing == "add_k":
        own = {g: (c + k) / (totals[g[:-1]] + k * VOCABULARY) for g, c in counts.items()}
    elif smoothing == "witten_bell":
        own = witten_bell_reference(counts)
    elif smoothing in ("good_turing", "katz"):
        own = discounted_by_ratio_reference(counts, smoothing)
    elif smoothing == "jelinek_mercer":
        own = weighted_reference(counts, mixture_weights(np.array(ids), None, order, VOCABULARY, boundary))
    else:
        taken = adjusted_reference(counts, order) if "kneser" in smoothing else counts
        own = discounted_reference(taken, "modified" in smoothing)
    return probability_reference(counts, own, RULES[smoothing], VOCABULARY)


def model_of(smoothing, ids, order, boundary):
    return fit(np.array(ids), order, smoothing, vocab_size=VOCABULARY, boundary=boundary, k=0.3)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(combining).failed == 0


@pytest.mark.parametrize("smoothing", RULES)
@given(stream=STREAM, text=STREAM, order=st.integers(1, 4), boundary=BOUNDARY)
@settings(deadline=None, max_examples=25)
def test_the_fast_form_is_the_definition(smoothing, stream, text, order, boundary):
    model, probability = model_of(smoothing, stream, order, boundary), reference(smoothing, stream, order, boundary)
    scored = model.log_probabilities(np.array(text))
    for i, word in enumerate(text[:8]):
        context = tuple(model.reachable(text[:i]))
        expected = [probability(one, context) for one in range(VOCABULARY)]
        np.testing.assert_allclose(model.distribution(text[:i]), expected, rtol=0, atol=1e-9)
        assert abs(np.exp(scored[i]) - expected[word]) < 1e-9


@pytest.mark.parametrize("smoothing", RULES)
@given(stream=STREAM, text=STREAM, order=st.integers(1, 5), boundary=BOUNDARY)
@settings(deadline=None, max_examples=25)
def test_it_sums_to_one_in_every_context_and_nothing_is_impossible(smoothing, stream, text, order, boundary):
    model = model_of(smoothing, stream, order, boundary)
    for context in ([], text, [*text, 5], [5, 5, *text[:1]], stream[-2:]):
        distribution = model.distribution(context)
        assert abs(distribution.sum() - 1) < 1e-9 and distribution.min() > 0


def test_a_context_whose_counts_are_all_high_still_expects_the_unseen():
    stream = [0, 1, 0, 2] * 50
    for smoothing in ("katz", "good_turing"):
        distribution = fit(np.array(stream), 2, smoothing, vocab_size=5).distribution([1])
        assert 0 < distribution[3] < 0.05 and distribution[0] > 0.9 and abs(distribution.sum() - 1) < 1e-12


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match="use one of add_k, good_turing"):
        fit(np.array([1, 2]), 2, "laplace", vocab_size=3)
    for k in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="use a number above 0"):
            fit(np.array([1, 2]), 2, "add_k", vocab_size=3, k=k)
