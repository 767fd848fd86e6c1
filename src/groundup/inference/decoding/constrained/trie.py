"""All tokens of a vocabulary as one tree of bytes, and a compiled walk of it: which of them an automaton can follow.

    node      a distinct beginning of tokens          a  ab  abc  b      in the order in which one walks a tree, each branch to its end first
    depth     how many bytes it has                   1  2   3    1
    skip      the node behind all that it begins      3  3   3    4

The walk reads the nodes once from left to right and keeps the state of each depth. Where a byte leads nowhere, it goes on at `skip`. Where the table
has no row for a state yet (UNKNOWN), it stops, and goes on from there when the row is made.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Int

from groundup.inference.decoding.constrained.trie_kernels import follow, grown


class Trie:
    """The tree of a vocabulary's pieces; b"" is in no node."""

    def __init__(self, pieces: Sequence[bytes]):
        order = sorted((id for id, piece in enumerate(pieces) if piece), key=pieces.__getitem__)
        self.size, self.ids = len(pieces), np.array(order, dtype=np.int64)
        starts = np.concatenate(([0], np.cumsum([len(pieces[id]) for id in order]))).astype(np.int64)
        text = np.frombuffer(b"".join(pieces[id] for id in order), dtype=np.uint8)
        self.nodes = grown(text, starts)
        self.deepest = max(map(len, pieces), default=0)

    def mask(
        self,
        next_state: Int[np.ndarray, "states 256"],
        state: int,
        make: Callable[[int], Int[np.ndarray, "states 256"]] | None = None,
    ) -> Bool[np.ndarray, " vocab"]:
        """The same as `masks.token_mask`. make: fills a state's row where there is none, and gives the table."""
        allowed, states, at = np.zeros(self.size, dtype=bool), np.zeros(self.deepest + 1, dtype=np.int64), 0
        states[0], depths = state, self.nodes[1]
        while (at := follow(*self.nodes, self.ids, next_state, states, at, allowed)) < len(depths):
            assert make is not None, "a table without a maker of rows is whole"
            next_state = make(int(states[depths[at]]))
        return allowed
