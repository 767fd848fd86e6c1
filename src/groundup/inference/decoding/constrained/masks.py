"""Which tokens a constraint allows: a token is allowed where all its bytes lead somewhere.

A vocabulary holds many tokens with the same beginning, so they stand in a trie (`trie.py`), one node a distinct beginning, and a compiled walk
looks up each node's state from that of the node above. A state's mask is made when it is first asked for and kept. Willard and Louf 2023,
arXiv:2307.09702, section 3, make all of them beforehand.

    constraint.mask(state) -> bool[vocab]     constraint.advance(state, id) -> state     constraint.is_final(state) -> bool

A state is a value and never changed, so that beams and drafts may go back to an earlier one. The tokens that end a text are allowed where it
may end. Left out: grammars with a stack (`guided.py` has them), tokens that must follow written without the model.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.decoding.config import Processor
from groundup.inference.decoding.constrained.automaton import DEAD, Automaton, automaton_of
from groundup.inference.decoding.constrained.trie import Trie
from groundup.slots import filled, slot


class Vocabulary(NamedTuple):
    """The bytes of every token, b"" for one that stands for no text; and the ids that end a text."""

    pieces: tuple[bytes, ...]
    ends: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Any, size: int, ends: Collection[int]) -> "Vocabulary":
        """That of a tokenizer, as long as the model's logits; its control tokens, and ids it does not know, stand for no text."""
        control = {*tokenizer.special_tokens.values(), *ends}
        known = min(len(tokenizer), size)
        pieces = (tokenizer.token_bytes(id) if id < known and id not in control else b"" for id in range(size))
        return cls(tuple(pieces), frozenset(ends))


@runtime_checkable
class Constraint(Protocol):
    """What may follow, step by step."""

    start: Any

    def mask(self, state: Any) -> Bool[Tensor, " vocab"]:
        """True for the tokens that may come next."""

    def advance(self, state: Any, id: int) -> Any:
        """The state after one more token; InputError where it was not allowed."""

    def is_final(self, state: Any) -> bool:
        """Whether the text may end here."""


@slot
def token_mask(
    next_state: Int[np.ndarray, "states 256"], state: int, pieces: Sequence[bytes]
) -> Bool[np.ndarray, " vocab"]:
    """Which tokens may come next in a state: those of which every byte leads to a state that is not -1; b"" never may.

    next_state: for a state and a byte the state after it, or -1. pieces: the bytes of every token.
    """
    allowed = np.zeros(len(pieces), dtype=bool)
    for id, piece in enumerate(pieces):
        reached = state
        for byte in piece:
            reached = next_state[reached, byte]
            if reached == -1:
                break
        allowed[id] = bool(piece) and reached != -1
    return allowed


class RegexConstraint:
    """Texts that match a regular expression as a whole. A state is a number of the automaton; -1 after the end token."""

    start = 0

    def __init__(self, expression: str | Automaton, vocabulary: Vocabulary, trie: Trie | None = None):
        self.automaton = automaton_of(expression) if isinstance(expression, str) else expression
        self.vocabulary, self.trie = vocabulary, trie or Trie(vocabulary.pieces)
        self.masks: dict[int, Tensor] = {}

    def mask(self, state: int) -> Bool[Tensor, " vocab"]:
        """True for the tokens that may come next; after the end token for the end tokens."""
        if state not in self.masks:
            allowed = np.zeros(self.trie.size, dtype=bool) if state == DEAD else self._allowed(state)
            allowed[list(self.vocabulary.ends)] = self.is_final(state)
            if not allowed.any():
                raise InputError(
                    "no token of this vocabulary can go on with a text of the regular expression; change the expression, or use a "
                    "tokenizer that has all bytes"
                )
            self.masks[state] = torch.from_numpy(allowed)
        return self.masks[state]

    def _allowed(self, state: int) -> np.ndarray:
        if filled("inference.decoding.token_mask"):
            return token_mask(self.automaton.next_state, state, self.vocabulary.pieces)
        return self.trie.mask(self.automaton.next_state, state)

    def advance(self, state: int, id: int) -> int:
        """The state after one more token."""
        if not self.mask(state)[id]:
            raise InputError(f"token {id} is not allowed in state {state}; take one that mask(state) allows")
        return DEAD if id in self.vocabulary.ends else self.automaton.run(self.vocabulary.pieces[id], state)

    def is_final(self, state: int) -> bool:
        """Whether the text may end here, or has."""
        return state == DEAD or bool(self.automaton.final[state])


def constrained(constraint: Constraint) -> Processor:
    """A step for `SamplingConfig.order` that leaves only what the constraint allows; it belongs before those that narrow the choice."""
    states: dict[tuple[int, ...], Any] = {(): constraint.start}

    def step(logits: Tensor, ids: Tensor, prompt: int) -> Tensor:
        nonlocal states
        answers = [tuple(row) for row in ids[:, prompt:].tolist()]
        now = {}
        for answer in answers:
            before = states[answer] if answer in states else states[answer[:-1]]
            now[answer] = before if answer in states else constraint.advance(before, answer[-1])
        states = {(): constraint.start} | now  # another batch may follow
        allowed = torch.stack([constraint.mask(now[answer]) for answer in answers])
        return logits.masked_fill(~allowed.to(logits.device), float("-inf"))

    return step
