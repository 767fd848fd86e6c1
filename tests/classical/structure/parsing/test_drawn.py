"""Arcs in a terminal: one arrow's point for each word, and no arc through another's label."""

from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.structure.parsing.drawn import arcs_text, heights


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_every_word_has_the_point_of_one_arrow(heads):
    heads = [head if head <= len(heads) and head != word else 0 for word, head in enumerate(heads, 1)]
    words = [f"w{number}" for number in range(len(heads))]
    lines = arcs_text(words, heads, ["x"] * len(heads)).splitlines()
    assert lines[-3].count("▼") == len(words) and lines[-2].split() == [*words, "ROOT"]


def test_arcs_over_arcs_are_higher():
    assert heights([(0, 1), (0, 3), (2, 3), (1, 2)]) == [1, 2, 1, 1]
