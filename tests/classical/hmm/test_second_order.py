"""The best way over pairs of tags: against all ways written out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.hmm.second_order import best_tags, best_tags_reference


@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans())
@settings(deadline=None, max_examples=30)
def test_the_best_way_is_the_best_of_all_ways(seed, length, pairs_only):
    random = np.random.default_rng(seed)
    table = np.log(random.dirichlet(np.ones(4), size=(1 if pairs_only else 4, 4)))
    choices = [
        {int(tag): float(random.normal()) for tag in random.choice(3, size=random.integers(1, 4), replace=False)}
        for _ in range(length)
    ]
    best = -np.inf
    for way in product(*choices):
        marked = [3, 3, *way, 3]
        worth = sum(choice[tag] for choice, tag in zip(choices, way, strict=True))
        worth += sum(
            table[0 if pairs_only else a, b, c] for a, b, c in zip(marked, marked[1:], marked[2:], strict=False)
        )
        best = max(best, worth)
    tags, score = best_tags_reference(table, choices)
    assert score == pytest.approx(best)
    ids = np.array([tag for choice in choices for tag in choice], np.int16)
    first = np.concatenate([[0], np.cumsum([len(choice) for choice in choices])])
    shown = np.array([score for choice in choices for score in choice.values()])
    words, offsets = np.arange(length), np.array([0, length])
    assert best_tags(table, ids, shown, first, words, offsets).tolist() == tags
