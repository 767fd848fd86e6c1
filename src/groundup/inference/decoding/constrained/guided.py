"""The same by the llguidance package: masks in microseconds, for regular expressions, JSON schemas and Lark grammars.

It follows an expression by derivatives and a grammar by an Earley parser, on a trie of the vocabulary, in Rust:
https://github.com/guidance-ai/llguidance. A state is its matcher, copied before it goes on, so that it stays a value.
Needs the extra `serve`. The handle's `generate` does not reach this yet: its regex is followed by `masks.py`.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.decoding.constrained.masks import Vocabulary

ASCII = {"d": "[0-9]", "w": "[0-9A-Za-z_]", "s": r"[\t-\r ]"}
ASCII |= {name.upper(): "[^" + members[1:] for name, members in ASCII.items()}


def _package() -> Any:
    try:
        import llguidance
    except ImportError:
        raise InputError(
            "the fast engine for constrained output is the package llguidance, which is not installed; pip install 'groundup[serve]'"
        ) from None
    return llguidance


class Guide:
    """A vocabulary made ready once; then one constraint after another."""

    def __init__(self, vocabulary: Vocabulary):
        if not vocabulary.ends:
            raise InputError(
                "the fast engine needs a token that ends a text, and this model has none; name one as stop id"
            )
        package, self.vocabulary = _package(), vocabulary
        first, *_ = ends = sorted(vocabulary.ends)
        self.matcher = package.LLMatcher
        self.eos_token_id, self.bos_token_id = first, None  # what the package asks of a tokenizer
        none = [id for id, piece in enumerate(vocabulary.pieces) if not piece]
        self.special_token_ids = none
        self.tokens = [
            piece or b"\xff<%d>" % id for id, piece in enumerate(vocabulary.pieces)
        ]  # its tokens are never empty
        self.tokenizer = package.LLTokenizer(package.TokenizerWrapper(self), eos_token=list(ends))

    def __call__(self, text: bytes | str) -> list[int]:
        """Bytes to tokens, which the package asks for at its start: one by one."""
        place = self._single
        raw = text.encode() if isinstance(text, str) else text
        return [place[byte] for byte in raw if byte in place]

    @cached_property
    def _single(self) -> dict[int, int]:
        return {piece[0]: id for id, piece in enumerate(self.vocabulary.pieces) if len(piece) == 1}

    def regex(self, expression: str) -> "GuidedConstraint":
        """Texts that match a regular expression as a whole; \\d, \\w and \\s are those of ASCII, as in `expression.py`."""
        plain = re.sub(r"\\(.)", lambda found: ASCII.get(found[1], found[0]), expression, flags=re.DOTALL)
        return GuidedConstraint(self, self.matcher.grammar_from_regex(plain))

    def json_schema(self, schema: Mapping[str, Any]) -> "GuidedConstraint":
        """JSON that the schema accepts, without free blanks: a model that is unsure could write them without end."""
        compact = {"whitespace_flexible": False}
        return GuidedConstraint(self, self.matcher.grammar_from_json_schema(dict(schema), overrides=compact))

    def grammar(self, lark: str) -> "GuidedConstraint":
        """Texts of a context-free grammar in Lark's notation."""
        return GuidedConstraint(self, self.matcher.grammar_from_lark(lark))


def _reason(matcher: Any) -> str:
    """What the package says of its error, without the state that it tells behind it."""
    return " ".join(matcher.get_error().partition("<state>")[0].split())[:200]


class GuidedConstraint:
    """A constraint with the interface of `masks.Constraint`; its state is a matcher."""

    def __init__(self, guide: Guide, grammar: str):
        self.guide, self.start = guide, guide.matcher(guide.tokenizer, grammar, log_level=0)
        if self.start.is_error():
            raise InputError(f"the constraint cannot be followed: {_reason(self.start)}; make it smaller or mend it")

    def mask(self, state: Any) -> Bool[Tensor, " vocab"]:
        """True for the tokens that may come next."""
        size = len(self.guide.tokens)
        bits = np.frombuffer(state.compute_bitmask(), dtype=np.uint8)
        allowed = np.unpackbits(bits, count=size, bitorder="little").astype(bool)
        allowed[list(self.guide.vocabulary.ends)] = self.is_final(state)
        return torch.from_numpy(allowed)

    def advance(self, state: Any, id: int) -> Any:
        """The state after one more token; that of a text that has ended stays as it is."""
        if state.is_stopped() and id in self.guide.vocabulary.ends:
            return state
        following = state.deep_copy()
        if not following.consume_token(id):
            if following.is_error() and bool(self.mask(state)[id]):  # the package's own bounds, such as 2,000 ways to go on
                raise InputError(f"the constraint cannot be followed here: {_reason(following)}; make it smaller")
            raise InputError(f"token {id} is not allowed here; take one that mask(state) allows")
        return following

    def is_final(self, state: Any) -> bool:
        """Whether the text may end here, or has."""
        return bool(state.is_accepting() or state.is_stopped())
