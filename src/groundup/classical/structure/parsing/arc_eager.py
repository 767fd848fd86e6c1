"""Arc-eager transitions: a dependency tree built in one pass from left to right, and what each wrong move costs.

A configuration has a stack, a buffer of words still to come and the arcs made so far. Words are numbered from 1; the root
stands as word n + 1 at the buffer's end (Ballesteros and Nivre 2013), so it takes its dependents like any word. With s on
top of the stack and b first in the buffer (Nivre 2003):

    SHIFT    b goes onto the stack                              b is not the root
    LEFT     b becomes the head of s, s leaves the stack        s has no head yet
    RIGHT    s becomes the head of b, b goes onto the stack     b is not the root
    REDUCE   s leaves the stack                                 s has a head

The end is an empty stack before the root: every word has its one head, and n words took 2n moves. A dynamic oracle (Goldberg and
Nivre 2012; 2013, section 3) says for any configuration, also after a mistake, how many arcs of the right tree a move puts
out of reach. Nothing crosses in what arc-eager builds: where gold arcs do (1.5 % of EWT's sentences), the cost is a lower
bound, and the parser learns the moves that cost least. Left out: swapping words, which would let arcs cross.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.slots import slot

SHIFT = 0
LEFT = 1
RIGHT = 2
REDUCE = 3
MOVES = ("SHIFT", "LEFT", "RIGHT", "REDUCE")


@dataclass(frozen=True)
class State:
    """A configuration. heads: of each word from 1 to n, 0 while it has none; the root is word n + 1."""

    stack: tuple[int, ...]
    buffer: tuple[int, ...]
    heads: tuple[int, ...]

    def head(self, word: int) -> int:
        """The head that a word has, 0 for none."""
        return self.heads[word - 1] if word <= len(self.heads) else 0


def first_state(words: int) -> State:
    """Before the first move: an empty stack, all words in the buffer, the root behind them."""
    return State((), tuple(range(1, words + 2)), (0,) * words)


@slot
def legal_moves(state: State) -> list[int]:
    """The moves that a configuration allows, in the order SHIFT, LEFT, RIGHT, REDUCE; none at the end.

    >>> legal_moves(first_state(3)) == [SHIFT]
    True
    """
    before_root = len(state.buffer) == 1
    headless = bool(state.stack) and state.head(state.stack[-1]) == 0
    allowed = {
        SHIFT: not before_root,
        LEFT: headless,
        RIGHT: bool(state.stack) and not before_root,
        REDUCE: bool(state.stack) and not headless,
    }
    return [move for move, is_allowed in allowed.items() if is_allowed]


@slot
def apply_move(state: State, move: int) -> State:
    """The configuration after a move."""
    stack, buffer, heads = state.stack, state.buffer, list(state.heads)
    if move == SHIFT:
        return State((*stack, buffer[0]), buffer[1:], state.heads)
    if move == LEFT:
        heads[stack[-1] - 1] = buffer[0]
        return State(stack[:-1], buffer, tuple(heads))
    if move == RIGHT:
        heads[buffer[0] - 1] = stack[-1]
        return State((*stack, buffer[0]), buffer[1:], tuple(heads))
    return State(stack[:-1], buffer, state.heads)


@slot
def oracle_cost(state: State, move: int, gold: Sequence[int]) -> int:
    """How many arcs of the gold tree can no longer be made after a legal move that could be made before it.

    gold: the head of each word from 1 to n, where n + 1 is the root. In words: whoever leaves the stack meets nobody of the
    buffer any more, and whoever goes onto it has met the stack for the last time, but for the word that the arc joins.
    """
    s = state.stack[-1] if state.stack else 0
    b, rest = state.buffer[0], state.buffer[1:]
    free = [word for word in state.stack if state.head(word) == 0]  # words of the stack that can still get a head
    if move == SHIFT:
        return (gold[b - 1] in state.stack) + sum(gold[word - 1] == b for word in free)
    if move == RIGHT:
        lost_head = gold[b - 1] != s and gold[b - 1] in (*state.stack, *rest)
        return lost_head + sum(gold[word - 1] == b for word in free)
    dependents = sum(gold[word - 1] == s for word in (b, *rest) if word <= len(gold))
    return dependents + (move == LEFT and gold[s - 1] in rest)


def is_projective(heads: Sequence[int]) -> bool:
    """Whether no two arcs cross, the root's at the end of the sentence among them. heads: 0 for the root.

    >>> is_projective([2, 0, 2]), is_projective([3, 4, 0, 3])
    (True, False)
    """
    arcs = sorted(tuple(sorted((word, head or len(heads) + 1))) for word, head in enumerate(heads, 1))
    return not any(a < c < b < d for place, (a, b) in enumerate(arcs) for c, d in arcs[place + 1 :])


def one_root(heads: Sequence[int]) -> list[int]:
    """Heads with one root: where several words have the head 0, the first stays and the others depend on it.

    >>> one_root([0, 1, 0])
    [0, 1, 1]
    """
    first = list(heads).index(0) + 1
    return [head if head or word == first else first for word, head in enumerate(heads, 1)]


def static_moves(gold: Sequence[int]) -> list[int]:
    """The moves of one way to the gold tree, by taking the first that costs least. gold: n + 1 is the root."""
    state, moves = first_state(len(gold)), []
    while allowed := legal_moves(state):
        moves.append(min(allowed, key=lambda move: (oracle_cost(state, move, gold), move != LEFT, move != RIGHT)))
        state = apply_move(state, moves[-1])
    return moves
