"""Texts with parts inside parts, such as JSON: automata that call one another, and a stack of where to go on.

    rule     a graph of bytes as in `expression.py`, in which a node may also call a rule: itself too
    state    all the places where the text may be, each a node and its stack: (node to return to, the stack below)
    table    for a state and a byte the state after it; a row is made when it is first asked for, and kept

An automaton without a stack cannot count brackets. One with a stack is in several places at once after the same bytes, each with a stack of
its own, and the set of these is a state here: as in the subset construction, but made as the text goes on. A call at the end of a rule
leaves nothing on the stack, so that a rule that is only another's name costs nothing. Nodes from which no end can be reached are taken out
first, so no text runs into a dead end; a rule that has none left can never be finished.
Woods 1970, Communications of the ACM 13(10) (networks that call one another); Dong et al. 2024, arXiv:2411.15100 (masks from stacks).
Left out: sharing of stacks among the places (where many readings of a text stay open, there is a bound), nesting beyond DEEPEST.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import DEAD, Automaton
from groundup.inference.decoding.constrained.expression import Graph, Part
from groundup.inference.decoding.constrained.masks import Trie, Vocabulary
from groundup.slots import slot

LARGEST = 200_000  # nodes
MOST_STATES = 20_000  # rows kept, of 1 KB each; then they are made anew
MOST_MASKS = 2_000  # kept, of one byte a token
MOST_PLACES = 300  # that a text may be in at once
DEEPEST = 500  # calls within calls; Python's own reader of JSON gives up at about 1,000
UNKNOWN = -2
ACCEPT = -1  # the node behind the end of the whole

Stack = tuple[Any, ...] | None  # (node to return to, the stack below)
State = frozenset[tuple[int, Stack]]


@dataclass
class Grammar(Graph):
    """Graphs that call one another. calls: for a node the rule that it calls and the node behind it; rules: where each begins and ends."""

    calls: dict[int, tuple[int, int]] = field(default_factory=dict)
    rules: list[Part] = field(default_factory=list)

    def node(self) -> int:
        """A new node; InputError where there are too many."""
        if len(self.free) >= LARGEST:
            raise InputError(
                f"the schema is too large: over {LARGEST:,} nodes; use fewer properties, or smaller numbers of items"
            )
        self.free.append([])
        self.byte.append(None)
        return len(self.free) - 1

    def call(self, rule: int) -> Part:
        """What a rule describes."""
        first, last = self.node(), self.node()
        self.calls[first] = (rule, last)
        return first, last

    def literal(self, text: bytes) -> Part:
        """These bytes."""
        whole = self.nothing()
        for byte in text:
            whole = self.then(whole, self.bytes(byte, byte))
        return whole

    def never(self) -> Part:
        """No text at all."""
        return self.node(), self.node()

    def embed(self, automaton: Automaton) -> Part:
        """The texts of an automaton."""
        places, last = [self.node() for _ in automaton.final], self.node()
        for place, row, final in zip(places, automaton.next_state, automaton.final, strict=True):
            if final:
                self.free[place].append(last)
            edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), 256]
            for low, high in zip(edges, edges[1:], strict=False):
                if row[low] != DEAD:
                    first, after = self.bytes(low, high - 1)
                    self.free[place].append(first)
                    self.free[after].append(places[row[low]])
        return places[0], last


def backwards(grammar: Grammar) -> list[list[tuple[int, int | None]]]:
    """For each node those that lead to it, and the rule that must be finished on the way (None: none)."""
    into: list[list[tuple[int, int | None]]] = [[] for _ in grammar.free]
    for node, (free, step) in enumerate(zip(grammar.free, grammar.byte, strict=True)):
        for target in free:
            into[target].append((node, None))
        if step is not None:
            into[step[2]].append((node, None))
    for node, (rule, after) in grammar.calls.items():
        into[after].append((node, rule))
    return into


def finite(grammar: Grammar) -> tuple[list[bool], list[bool]]:
    """Which nodes can reach the end of their rule with texts that end, and which rules can."""
    into = backwards(grammar)
    alive, done = [False] * len(grammar.free), [False] * len(grammar.rules)
    callers: dict[int, list[int]] = {}  # nodes whose rule is not known to end yet, though what is behind them does
    starts: dict[int, list[int]] = {}
    for rule, (start, _) in enumerate(grammar.rules):
        starts.setdefault(start, []).append(rule)
    waiting = [end for _, end in grammar.rules]
    while waiting:
        node = waiting.pop()
        if alive[node]:
            continue
        alive[node] = True
        for rule in starts.get(node, []):
            done[rule] = True
            waiting += callers.pop(rule, [])
        for before, needed in into[node]:
            if needed is None or done[needed]:
                waiting.append(before)
            else:
                callers.setdefault(needed, []).append(before)
    return alive, done


def pruned(grammar: Grammar) -> Grammar:
    """The same texts, without the nodes from which nothing ends."""
    alive, done = finite(grammar)
    free = [
        [target for target in targets if alive[target]] if lives else []
        for targets, lives in zip(grammar.free, alive, strict=True)
    ]
    byte = [
        step if lives and step is not None and alive[step[2]] else None
        for step, lives in zip(grammar.byte, alive, strict=True)
    ]
    calls = {
        node: (rule, after)
        for node, (rule, after) in grammar.calls.items()
        if alive[node] and done[rule] and alive[after]
    }
    return Grammar(free, byte, grammar.start, grammar.end, calls, grammar.rules)


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

    def closure(self, places: list[tuple[int, Stack]]) -> State:
        """These places and all that are reached from them for nothing; of them those from which a byte goes on, or where all may end."""
        free, byte = self.grammar.free, self.grammar.byte
        seen, waiting, found = set(places), list(places), []
        while waiting:
            node, stack = place = waiting.pop()
            if byte[node] is not None:
                found.append(place)
            elif node in self.ends and stack is None:
                found.append((ACCEPT, None))
            for one in stack_moves(place, free, self.calls, self.starts, self.ends):
                deeper = node in self.calls and self.calls[node][1] is not None
                if one not in seen and not (deeper and depth_of(one[1]) > DEEPEST):
                    seen.add(one)
                    waiting.append(one)
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

    def step(self, states: np.ndarray, bytes_: np.ndarray) -> np.ndarray:
        """For each state and byte the state after it, or DEAD."""
        found = self.table[states, bytes_]
        if (missing := found == UNKNOWN).any():
            for number in np.unique(states[missing]):
                self.row(int(number))
            found = self.table[states, bytes_]
        return found

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


class PushdownConstraint:
    """Texts of a grammar, with the interface of `masks.Constraint`. A state is a set of places; the empty one is behind the end token."""

    def __init__(self, pushdown: Pushdown, vocabulary: Vocabulary, trie: Trie | None = None):
        self.pushdown, self.vocabulary, self.start = pushdown, vocabulary, pushdown.start
        self.trie = trie or Trie(vocabulary.pieces)
        self.masks: dict[State, Tensor] = {}

    def mask(self, state: State) -> Bool[Tensor, " vocab"]:
        """True for the tokens that may come next; after the end token for the end tokens."""
        if (mask := self.masks.get(state)) is None:
            mask = self._kept(state, self._allowed(state, self.pushdown.step))
        return mask

    def _allowed(self, state: State, step: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        if len(self.pushdown.states) > MOST_STATES:
            self.pushdown.forget()
        return self.trie.walk(step, self.pushdown.number(state)) if state else np.zeros(self.trie.size, dtype=bool)

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
