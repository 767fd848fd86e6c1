"""What training draws: the formula of thinning out, the alias table against its weights, draws in Python as in the kernel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.sampling import Draws, alias_table, as_thresholds, first_state, keep_probability
from groundup.errors import ConfigError


def test_keep_probability_is_gensims():
    word2vec = pytest.importorskip("gensim.models").Word2Vec
    counts = {"the": 5000, "cat": 300, "sat": 40, "rare": 2}
    model = word2vec(min_count=1, sample=1e-3, vector_size=4)
    model.build_vocab_from_freq(counts)
    ours = keep_probability(np.array(list(counts.values())), 1e-3)
    theirs = [model.wv.get_vecattr(word, "sample_int") / (2**32 - 1) for word in counts]
    assert np.allclose(ours, theirs, atol=1e-6)
    assert (keep_probability(np.array([5, 1]), 0) == 1).all()


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.floats(0, 100), min_size=1, max_size=30).filter(lambda weights: sum(weights) > 1e-3))
def test_an_alias_table_holds_its_weights(weights):
    limits, aliases = alias_table(np.array(weights))
    n, mass = len(weights), np.zeros(len(weights))
    for word in range(n):
        kept = limits[word] / (2**32 - 1)
        mass[word] += kept / n
        mass[aliases[word]] += (1 - kept) / n
    assert np.allclose(mass, np.array(weights) / sum(weights), atol=1e-6)


def test_draws_follow_the_table():
    weights = np.array([1.0, 2, 3, 10])
    table, draws = alias_table(weights), Draws(first_state(3, 0))
    seen = np.bincount([draws.alias(*table) for _ in range(8000)], minlength=4) / 8000
    assert np.allclose(seen, weights / 16, atol=0.02)
    happened = np.mean([draws.happens(as_thresholds(np.array([0.3]))[0]) for _ in range(8000)])
    assert happened == pytest.approx(0.3, abs=0.02)


def test_weights_that_hold_nothing_are_refused():
    for weights in ([], [0.0, 0.0], [1.0, np.nan], [2.0, -1.0]):
        with pytest.raises(ConfigError, match="nothing can be drawn"):
            alias_table(np.array(weights))
