"""Huffman codes: by hand, prefix-free, as short as gensim's, and probabilities that sum to one."""

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.embeddings.hierarchical_softmax import as_arrays, huffman_codes, probabilities
from groundup.errors import InputError

COUNTS = st.lists(st.integers(1, 50), min_size=2, max_size=25)


def test_four_words_by_hand():
    codes = huffman_codes([4, 2, 1, 1])
    assert ["".join(map(str, bits)) for _, bits in codes] == ["0", "10", "110", "111"]
    assert [nodes for nodes, _ in codes] == [[2], [2, 1], [2, 1, 0], [2, 1, 0]]


@given(COUNTS)
def test_no_code_begins_another_and_none_is_shorter_in_all(counts):
    words = ["".join(map(str, bits)) for _, bits in huffman_codes(counts)]
    assert not any(a != b and b.startswith(a) for a in words for b in words) and len(set(words)) == len(words)
    heap, cost = list(counts), 0  # the cost of an optimal tree is the sum of its joined counts
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        cost += joined
        heapq.heappush(heap, joined)
    assert sum(count * len(word) for count, word in zip(counts, words, strict=True)) == cost
    entropy = -sum(count * np.log2(count / sum(counts)) for count in counts)
    assert entropy - 1e-6 <= cost <= entropy + sum(counts)


@given(COUNTS, st.integers(0, 9))
def test_probabilities_sum_to_one(counts, seed):
    generator = np.random.default_rng(seed)
    found = probabilities(generator.normal(size=3), generator.normal(size=(len(counts) - 1, 3)), huffman_codes(counts))
    assert found.sum() == pytest.approx(1) and (found > 0).all()


def test_arrays_hold_the_paths():
    starts, nodes, labels = as_arrays(huffman_codes([4, 2, 1, 1]))
    assert starts.tolist() == [0, 1, 3, 6, 9] and nodes[3:6].tolist() == [2, 1, 0]
    assert labels[3:6].tolist() == [0, 0, 1], "1 - bit"


def test_one_word_has_no_tree():
    with pytest.raises(InputError, match="two words or more and there are 1"):
        huffman_codes([3])
