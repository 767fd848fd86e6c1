"""The loops of `trie.py`, compiled: growing the tree out of sorted pieces, and the walk."""

import numpy as np

from groundup.text.compiled import kernel, loop

DEAD, UNKNOWN = -1, -2  # in a table: nothing goes on; the row was not made yet


@kernel
def grown(text, starts):
    """Nodes of sorted pieces: byte, depth, skip, and the first piece of each node, with one place more at the end."""
    most = text.size + 1
    bytes_, depths, skips, firsts = (
        np.zeros(most, np.uint8),
        np.zeros(most, np.int32),
        np.zeros(most, np.int32),
        np.zeros(most, np.int32),
    )
    open_ = np.zeros(most, np.int32)  # the node of each depth on the way to the piece before
    nodes, deep, before = 0, 0, 0
    for piece in range(starts.size - 1):
        begin, size = starts[piece], starts[piece + 1] - starts[piece]
        same = 0
        while same < deep and same < size and text[before + same] == text[begin + same]:
            same += 1
        for depth in range(same, deep):
            skips[open_[depth]] = nodes
        for depth in range(same, size):
            bytes_[nodes], depths[nodes], firsts[nodes], open_[depth] = text[begin + depth], depth, piece, nodes
            nodes += 1
        before, deep = begin, size
    for depth in range(deep):
        skips[open_[depth]] = nodes
    firsts[nodes] = starts.size - 1
    return bytes_[:nodes], depths[:nodes], skips[:nodes], firsts[: nodes + 1]


@loop
def follow(bytes_, depths, skips, firsts, ids, table, states, at, allowed):
    """Walk on from a node; the node whose state has no row, or how many nodes there are."""
    while at < bytes_.size:
        state = table[states[depths[at]], bytes_[at]]
        if state == UNKNOWN:
            return at
        if state == DEAD:
            at = skips[at]
            continue
        states[depths[at] + 1] = state
        for piece in range(firsts[at], firsts[at + 1]):
            allowed[ids[piece]] = True
        at += 1
    return at
