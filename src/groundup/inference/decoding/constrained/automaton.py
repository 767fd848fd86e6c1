"""A deterministic automaton (DFA): one table that says, for a state and a byte, the next state.

A graph may be in several nodes at once after the same bytes. Each such set of nodes is one state here (Rabin and Scott 1959, the
subset construction), so there may be exponentially many: (a|b)*a(a|b){20} has two million. The number is limited, and a text is
told so before the first token. States from which no end can be reached are taken out: no answer runs into a dead end.
Left out: minimisation (a smaller table, the same answers).
"""

from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.inference.decoding.constrained.expression import Graph, graph_of
from groundup.inference.decoding.constrained.trie_kernels import DEAD

MOST_STATES = 5_000  # of 256 numbers of 4 bytes: 5 MB
MOST_WORK = 3_000_000  # nodes looked at: some seconds


class MatchesNothing(InputError):
    """What was asked for has no text at all."""


@dataclass(frozen=True)
class Automaton:
    """next_state (states, 256): where a byte leads, -1 where nothing goes on; final (states,): whether a text may end. It starts in 0."""

    next_state: np.ndarray
    final: np.ndarray

    def run(self, text: bytes, state: int = 0) -> int:
        """The state after these bytes, -1 where they cannot be."""
        for byte in text:
            if state == DEAD:
                break
            state = int(self.next_state[state, byte])
        return state

    def matches(self, text: str | bytes) -> bool:
        """Whether the whole text is one of those described."""
        state = self.run(text.encode() if isinstance(text, str) else text)
        return state != DEAD and bool(self.final[state])


def automaton_of(expression: str) -> Automaton:
    """The automaton of a regular expression; InputError where it cannot be read, is too large or matches nothing."""
    return pruned(subsets(graph_of(expression)))


def after_a_blank(automaton: Automaton) -> Automaton:
    """The same texts, and each also behind one more blank; a text that itself begins with a blank only so.

    So taking a blank away from the front, where there is one, always leaves one of the texts.
    """
    later = np.where(automaton.next_state == DEAD, DEAD, automaton.next_state + 1).astype(np.int32)
    first = later[:1].copy()
    first[0, ord(" ")] = 1  # where the old first state is now
    return Automaton(np.vstack((first, later)), np.append(automaton.final[:1], automaton.final))


def closure(graph: Graph, nodes: list[int]) -> tuple[frozenset[int], int]:
    """These nodes and all that are reached from them for nothing; of them only those that matter: a byte follows, or the text may end.

    And how many nodes were looked at for it.
    """
    seen, waiting = set(nodes), list(nodes)
    while waiting:
        for node in graph.free[waiting.pop()]:
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return frozenset(node for node in seen if graph.byte[node] is not None or node == graph.end), len(seen)


def subsets(graph: Graph) -> Automaton:
    """Number the sets of nodes as they are met; InputError where there are too many."""
    start, work = closure(graph, [graph.start])
    numbers, waiting, rows = {start: 0}, [start], []
    for nodes in waiting:  # grows as new sets are met
        steps = [step for node in nodes if (step := graph.byte[node]) is not None]
        row = np.full(256, DEAD, dtype=np.int32)
        edges = sorted({0, 256, *(low for low, _, _ in steps), *(high + 1 for _, high, _ in steps)})
        for begin, end in zip(edges, edges[1:], strict=False):  # between two edges all bytes do the same
            if targets := [target for low, high, target in steps if low <= begin <= high]:
                reached, looked = closure(graph, targets)
                if reached not in numbers:
                    numbers[reached] = len(numbers)
                    waiting.append(reached)
                row[begin:end] = numbers[reached]
                work += looked + len(targets)
        work += len(edges) * len(steps) // 8
        rows.append(row)
        if len(numbers) > MOST_STATES or work > MOST_WORK:
            many = (
                f"{MOST_STATES:,} states are needed"
                if len(numbers) > MOST_STATES
                else f"{MOST_WORK:,} nodes are looked at"
            )
            raise InputError(
                f"the regular expression explodes: over {many} to follow it; "
                "use smaller repeats, or fewer alternatives that begin alike"
            )
    return Automaton(np.stack(rows), np.array([graph.end in nodes for nodes in waiting]))


def pruned(automaton: Automaton) -> Automaton:
    """Without the states that lead to no end; InputError where that is the first."""
    following, final = automaton.next_state, automaton.final
    alive = final.copy()
    while True:
        more = alive | np.append(alive, False)[following].any(1)  # the appended one is that of DEAD, -1
        if (more == alive).all():
            break
        alive = more
    if not alive[0]:
        raise MatchesNothing("the regular expression matches no text; change it so that it matches at least one")
    number = np.append(np.where(alive, alive.cumsum() - 1, DEAD), DEAD).astype(np.int32)
    return Automaton(number[following[alive]], final[alive])
