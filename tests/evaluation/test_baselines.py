"""Nearest neighbours against dense cosines by hand, and greedy n-gram answers."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.evaluation.baselines import NearestNeighbour, continued, likeliest_after, nearest_neighbour, words


@dataclass
class Item:
    prompt: str
    answer: str


TRAINING = [
    Item("Where is the red ball?", "In the park."),
    Item("Who has the ball?", "Anna."),
    Item("Add 2 and 3", "5"),
    Item("Add 2 and 4", "6"),
]


def test_the_answer_of_the_most_similar_question_is_given():
    asked = [Item("where is the RED ball", ""), Item("Who has the blue ball?", ""), Item("Add 7 and 3", "")]
    assert nearest_neighbour(TRAINING)(asked) == ["In the park.", "Anna.", "5"]


def test_a_question_that_was_trained_on_finds_itself():
    index = NearestNeighbour([item.prompt for item in TRAINING])
    for row, item in enumerate(TRAINING):
        assert index.find(item.prompt) == row
        assert index.similarities(item.prompt)[row] == pytest.approx(1)


def test_a_question_of_unknown_words_has_no_neighbour_and_takes_the_first():
    index = NearestNeighbour([item.prompt for item in TRAINING])
    assert index.similarities("xyzzy plugh").tolist() == [0, 0, 0, 0] and index.find("xyzzy plugh") == 0


TEXT = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12).map(" ".join)


@given(st.lists(TEXT, min_size=1, max_size=8), TEXT)
def test_similarities_are_cosines_of_dense_vectors(texts, query):
    vocabulary = sorted({word for text in texts for word in words(text)})
    present = [sum(word in words(text) for text in texts) for word in vocabulary]
    rarity = np.array([math.log((1 + len(texts)) / (1 + count)) + 1 for count in present])
    matrix = np.array([[Counter(words(text))[word] for word in vocabulary] for text in texts]) * rarity
    vector = np.array([Counter(words(query))[word] for word in vocabulary]) * rarity
    norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
    expected = matrix @ vector / norms if vector.any() else np.zeros(len(texts))
    assert NearestNeighbour(texts).similarities(query) == pytest.approx(expected)


class Up:
    """Says the next number; 9 is the end."""

    def __init__(self, order: int):
        self.order, self.asked = order, 0

    def distribution(self, context):
        assert len(context) <= self.order - 1
        self.asked += 1
        return np.eye(10)[min(context[-1] + 1, 9) if context else 3]


def test_the_likeliest_continuation_stops_before_a_stop_or_at_the_limit():
    following = likeliest_after(Up(2))
    assert continued(following, [1, 5], {9}, 20) == [6, 7, 8]
    assert continued(following, [1, 5], {9}, 2) == [6, 7]
    assert continued(following, [8], {9}, 5) == []


@pytest.mark.parametrize("order, context", [(1, 0), (3, 2), (9, 4)])
def test_a_context_is_as_long_as_the_order_allows_and_looked_up_once(order, context):
    model = Up(order)
    following = likeliest_after(model)
    assert following([1, 2, 3, 4]) == following([1, 2, 3, 4]) == (5 if context else 3)
    assert model.asked == 1
