"""Rules that call one another: graphs of bytes as in `expression.py`, in which a node may also call a rule, itself too.

Nodes from which no end can be reached are taken out before a text is followed (`pruned`), so that none runs into a dead end: looked for from the
ends backwards, where a call counts once the called rule is known to end. A rule that has none left can never be finished.
Woods 1970, Communications of the ACM 13(10): networks that call one another.
"""

from dataclasses import dataclass, field

import numpy as np

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import DEAD, Automaton
from groundup.inference.decoding.constrained.expression import Graph, Part

LARGEST = 200_000  # nodes


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
