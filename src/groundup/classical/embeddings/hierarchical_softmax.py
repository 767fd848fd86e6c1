"""Hierarchical softmax: a word is found by yes-or-no questions down a tree, log2(words) of them in place of one output a word.

Each inner node of a binary tree has a vector v; at it one goes to the child of bit 0 with probability sigma(v . h), where h is the hidden
vector. A word's probability is the product along its path, and over all words these sum to one without any sum being taken:

    p(word | h) = prod over its nodes of sigma((1 - 2 bit) v . h)             Morin and Bengio 2005; Mikolov et al. 2013, eq. 3

Huffman's tree (1952) gives frequent words short paths, so that the mean path is as short as any tree allows: within one bit of the
entropy of the counts. A training step at a node is the step of negative sampling with the label 1 - bit.
"""

import heapq
from collections.abc import Sequence

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot


@slot
def huffman_codes(counts: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """For each word its inner nodes from the root down, and the bit taken at each.

    The two rarest trees are joined again and again; the rarer becomes bit 0, the other bit 1, equals by age (words first, in their
    order). The node of the first joining is 0; the root is the last, len(counts) - 2.

    >>> huffman_codes([4, 2, 1, 1])
    [([2], [0]), ([2, 1], [1, 0]), ([2, 1, 0], [1, 1, 0]), ([2, 1, 0], [1, 1, 1])]
    """
    n = len(counts)
    if n < 2:
        raise InputError(f"a tree needs two words or more and there are {n}; use a larger corpus or a lower min_count")
    heap = [(int(count), tree) for tree, count in enumerate(counts)]
    heapq.heapify(heap)
    parent, bit = [0] * (2 * n - 1), [0] * (2 * n - 1)
    for joined in range(n, 2 * n - 1):
        (low, first), (high, second) = heapq.heappop(heap), heapq.heappop(heap)
        parent[first] = parent[second] = joined
        bit[second] = 1
        heapq.heappush(heap, (low + high, joined))
    return [_path(word, parent, bit, n) for word in range(n)]


def _path(word: int, parent: list[int], bit: list[int], n: int) -> tuple[list[int], list[int]]:
    """Climb from a word to the root, and turn the way around."""
    nodes, bits = [], []
    while word != 2 * n - 2:
        bits.append(bit[word])
        word = parent[word]
        nodes.append(word - n)
    return nodes[::-1], bits[::-1]


def as_arrays(codes: list[tuple[list[int], list[int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All paths behind one another: word w's are nodes[starts[w]:starts[w + 1]] and as many labels, 1 - bit."""
    starts = np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in codes])]).astype(np.int64)
    nodes = np.fromiter((node for path, _ in codes for node in path), np.int32)
    labels = np.fromiter((1 - bit for _, bits in codes for bit in bits), np.float32)
    return starts, nodes, labels


def probabilities(hidden: np.ndarray, node_vectors: np.ndarray, codes: list[tuple[list[int], list[int]]]) -> np.ndarray:
    """p(word | hidden) for every word, float64: what training makes large for the words that occur.

    >>> float(probabilities(np.ones(2), np.zeros((3, 2)), huffman_codes([4, 2, 1, 1])).sum())
    1.0
    """
    right = 1 / (1 + np.exp(-(node_vectors.astype(np.float64) @ hidden)))  # of bit 0 at each node
    return np.array([np.prod(np.where(np.array(bits) == 0, right[nodes], 1 - right[nodes])) for nodes, bits in codes])
