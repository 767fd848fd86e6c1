"""Texts with parts inside parts, such as JSON: automata that call one another, and a stack of where to go on.

    rule     a graph of bytes as in `expression.py`, in which a node may also call a rule: itself too
    state    all the places where the text may be, each a node and its stack: (node to return to, the stack below)
    table    for a state and a byte the state after it; a row is made when it is first asked for, and kept

An automaton without a stack cannot count brackets. One with a stack is in several places at once after the same bytes, each with a stack of
its own, and the set of these is a state here: as in the subset construction, but made as the text goes on. A call at the end of a rule
leaves nothing on the stack, so that a rule that is only another's name costs nothing. Where a node leads for nothing is looked up once, for
any stack below it. The rules: `grammar.py`.
Woods 1970, Communications of the ACM 13(10) (networks that call one another); Dong et al. 2024, arXiv:2411.15100 (masks from stacks).
Left out: sharing of stacks among the places (where many readings of a text stay open, there is a bound), nesting beyond DEEPEST.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.decoding.constrained.grammar import Grammar, pruned
from groundup.inference.decoding.constrained.masks import Vocabulary
from groundup.inference.decoding.constrained.trie import Trie
from groundup.inference.decoding.constrained.trie_kernels import DEAD, UNKNOWN
from groundup.slots import slot

MOST_STATES = 20_000  # rows kept, of 1 KB each; then they are made anew
MOST_MASKS = 2_000  # kept, of one byte a token
MOST_PLACES = 300  # that a text may be in at once
MOST_NEAR = 20_000  # places that are reached from one node for nothing
DEEPEST = 500  # calls within calls; Python's own reader of JSON gives up at about 1,000
ACCEPT = -1  # the node behind the end of the whole
BELOW = -2  # stands for what is below, where a rule is looked at by itself

Stack = tuple[Any, ...] | None  # (node to return to, the stack below)
State = frozenset[tuple[int, Stack]]


@slot
def stack_moves(
    place: tuple[int, Any],
    free: Sequence[Sequence[int]],
    calls: Mapping[int, tuple[int, int | None]],
    starts: Sequence[int],
    ends: Collection[int],
) -> list[tuple[int, Any]]:
    """Where a text may be next without a byte: behind a free step, at the start of a called rule, behind the call of a finished one.

    place: a node, and the stack: None, or (the node to return to, the stack below). free: for each node those that it leads to for nothing.
    calls: for a node that calls a rule, which one, and the node to return to; None where nothing is left to do behind it. starts: of each
    rule its first node; ends: the last nodes of all rules.
    """
    node, stack = place
    found = [(target, stack) for target in free[node]]
    if node in calls:
        rule, after = calls[node]
        found.append((starts[rule], stack if after is None else (after, stack)))
    if node in ends and stack is not None:
        found.append(stack)
    return found


def depth_of(stack: Stack) -> int:
    """How many calls are open."""
    depth = 0
    while stack is not None:
        depth, stack = depth + 1, stack[1]
    return depth


class Pushdown:
    """The states of a grammar, whose rule 0 is the whole."""

    def __init__(self, grammar: Grammar):
        self.grammar = pruned(grammar)
        self.starts, self.ends = [start for start, _ in grammar.rules], {end for _, end in grammar.rules}
        calls = self.grammar.calls.items()
        self.calls = {node: (rule, None if self._is_last(after) else after) for node, (rule, after) in calls}
        self.near: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        self.start = self.closure([(self.starts[0], None)])
        self.forget()

    def _is_last(self, node: int) -> bool:
        """Whether a rule has nothing more behind this node."""
        while node not in self.ends:
            if len(self.grammar.free[node]) != 1 or self.grammar.byte[node] is not None or node in self.grammar.calls:
                return False
            (node,) = self.grammar.free[node]
        return not self.grammar.free[node]

    def forget(self) -> None:
        """Begin the table anew; states that someone holds stay good."""
        self.numbers: dict[State, int] = {}
        self.states: list[State] = []
        self.table = np.full((64, 256), UNKNOWN, dtype=np.int32)

    def from_here(self, node: int) -> list[tuple[int, tuple[int, ...]]]:
        """Where a node leads for nothing: nodes from which a byte goes on, each with what it puts on the stack, innermost last.

        BELOW: what is open may be finished here.
        """
        free, byte = self.grammar.free, self.grammar.byte
        first: tuple[int, Stack] = (node, (BELOW, None))
        seen, waiting, found = {first}, [first], []
        while waiting:
            here, stack = place = waiting.pop()
            if here == BELOW or byte[here] is not None:
                found.append((here, _opened(stack)))
            if here == BELOW:
                continue
            for one in stack_moves(place, free, self.calls, self.starts, self.ends):
                if one not in seen and depth_of(one[1]) <= DEEPEST + 1:
                    seen.add(one)
                    waiting.append(one)
            if len(seen) > MOST_NEAR:
                raise InputError(
                    f"over {MOST_NEAR:,} rules begin at one place of the schema; let fewer of them begin with one another"
                )
        self.near[node] = found
        return found

    def closure(self, places: list[tuple[int, Stack]]) -> State:
        """These places and all that are reached from them for nothing; of them those from which a byte goes on, or where all may end."""
        seen, waiting = set(places), list(places)
        found: list[tuple[int, Stack]] = []
        while waiting:
            node, stack = waiting.pop()
            for target, opened in self.near.get(node) or self.from_here(node):
                if target == BELOW:
                    if stack is None:
                        found.append((ACCEPT, None))
                    elif stack not in seen:
                        seen.add(stack)
                        waiting.append(stack)
                    continue
                if opened and depth_of(stack) + len(opened) > DEEPEST:
                    continue
                below = stack
                for after in opened:
                    below = (after, below)
                found.append((target, below))
        if len(found) > MOST_PLACES:
            raise InputError(
                f"the text may be read in over {MOST_PLACES} ways at once; let fewer alternatives of anyOf begin alike"
            )
        return frozenset(found)

    def number(self, state: State) -> int:
        """The row of a state."""
        if (number := self.numbers.get(state)) is None:
            number = self.numbers[state] = len(self.states)
            self.states.append(state)
            if number == len(self.table):
                self.table = np.concatenate((self.table, np.full_like(self.table, UNKNOWN)))
        return number

    def row(self, number: int) -> np.ndarray:
        """For each byte the number of the state after it, or DEAD."""
        if self.table[number, 0] == UNKNOWN:
            steps = [
                (*step, stack)
                for node, stack in self.states[number]
                if node != ACCEPT and (step := self.grammar.byte[node])
            ]
            row = np.full(256, DEAD, dtype=np.int32)
            edges = sorted({0, 256, *(step[0] for step in steps), *(step[1] + 1 for step in steps)})
            known: dict[tuple[Any, ...], int] = {}
            for begin, end in zip(edges, edges[1:], strict=False):  # between two edges all bytes do the same
                if targets := tuple((target, stack) for low, high, target, stack in steps if low <= begin <= high):
                    if targets not in known:
                        known[targets] = self.number(self.closure(list(targets)))
                    row[begin:end] = known[targets]
            self.table[number] = row
        return self.table[number]

    def made(self, number: int) -> np.ndarray:
        """The table, with this row."""
        self.row(number)
        return self.table

    def after(self, state: State, text: bytes) -> State | None:
        """The state after these bytes, None where they cannot be."""
        number = self.number(state)
        for byte in text:
            number = int(self.row(number)[byte])
            if number == DEAD:
                return None
        return self.states[number]

    def matches(self, text: str | bytes) -> bool:
        """Whether the whole text is one of those described."""
        state = self.after(self.start, text.encode() if isinstance(text, str) else text)
        return state is not None and (ACCEPT, None) in state


def _opened(stack: Stack) -> tuple[int, ...]:
    """What stands on a stack above BELOW, innermost last."""
    found: list[int] = []
    while stack is not None and stack[0] != BELOW:
        found.append(stack[0])
        stack = stack[1]
    return tuple(found[::-1])


class PushdownConstraint:
    """Texts of a grammar, with the interface of `masks.Constraint`. A state is a set of places; the empty one is behind the end token."""

    def __init__(self, pushdown: Pushdown, vocabulary: Vocabulary, trie: Trie | None = None):
        self.pushdown, self.vocabulary, self.start = pushdown, vocabulary, pushdown.start
        self.trie = trie or Trie(vocabulary.pieces)
        self.masks: dict[State, Tensor] = {}

    def mask(self, state: State) -> Bool[Tensor, " vocab"]:
        """True for the tokens that may come next; after the end token for the end tokens."""
        if (mask := self.masks.get(state)) is None:
            mask = self._kept(state, self._allowed(state))
        return mask

    def _allowed(self, state: State) -> np.ndarray:
        pushdown = self.pushdown
        if len(pushdown.states) > MOST_STATES:
            pushdown.forget()
        if not state:
            return np.zeros(self.trie.size, dtype=bool)
        number = pushdown.number(state)  # which may move the table
        return self.trie.mask(pushdown.table, number, pushdown.made)

    def _kept(self, state: State, allowed: np.ndarray) -> Tensor:
        allowed[list(self.vocabulary.ends)] = self.is_final(state)
        if not allowed.any():
            raise InputError(
                f"no token can go on with this text: the vocabulary lacks bytes, or the text is nested more than {DEEPEST} deep; "
                "use a tokenizer that has all bytes, or a flatter schema"
            )
        if len(self.masks) > MOST_MASKS:
            self.masks.clear()
        mask = self.masks[state] = torch.from_numpy(allowed)
        return mask

    def advance(self, state: State, id: int) -> State:
        """The state after one more token."""
        if id in self.vocabulary.ends and self.is_final(state):
            return frozenset()
        piece = self.vocabulary.pieces[id]
        after = self.pushdown.after(state, piece) if piece and state else None
        if after is None:
            raise InputError(f"token {id} is not allowed here; take one that mask(state) allows")
        return after

    def is_final(self, state: State) -> bool:
        """Whether the text may end here, or has."""
        return not state or (ACCEPT, None) in state
