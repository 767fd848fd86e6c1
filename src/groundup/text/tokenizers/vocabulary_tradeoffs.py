"""How large should a vocabulary be: fewer tokens a text against rows that are seldom trained, measured.

Every merge shortens texts, each less than the one before; every token costs a row of the embedding (and of the output layer, if it is
not tied), and a share of the training text that its row gets to see. Somewhere between lies the best size for a given amount of text:

    tokens a byte      falls with the vocabulary: time and context are counted in tokens
    embedding bytes    grows with it: vocabulary times hidden size
    bits a byte        what a model of the same form makes of it on held-out text; comparable, since bytes do not depend on the tokenizer

One training run gives all sizes: the first k merges of a byte-level BPE are the smaller tokenizer, because merges are learned one after
another. The model is an interpolated Kneser-Ney n-gram of equal order (`groundup.text.ngram`), which trains in a second: its optimum
lies at smaller vocabularies than a large transformer's, but moves with the amount of text in the same way (Tao et al. 2024,
arXiv:2407.13623). Left out: several languages at once (`multilingual`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.text.ngram import KneserNey
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer

BYTES = 256


def first_merges(tokenizer: ByteLevelTokenizer, merges: int) -> ByteLevelTokenizer:
    """The smaller tokenizer that the same training would have stopped at, after `merges` merges."""
    if not 0 <= merges <= len(tokenizer.merges):
        raise ConfigError(f"merges={merges} are not in a tokenizer of {len(tokenizer.merges)}; use 0 to that many")
    kept = tokenizer.merges[:merges]
    known = {bytes([byte]) for byte in range(BYTES)} | {left + right for left, right in kept}
    vocabulary = {token: id for token, id in tokenizer.vocabulary.items() if token in known}
    first = max(tokenizer.special_tokens.values(), default=-1) + 1
    in_order = sorted(vocabulary, key=vocabulary.__getitem__)
    if len(tokenizer.special_tokens) != first:
        raise InputError("the control tokens do not stand before the vocabulary; train the tokenizer with groundup")
    return ByteLevelTokenizer(
        {token: first + place for place, token in enumerate(in_order)},
        kept,
        pattern=tokenizer.pattern,
        special_tokens=tokenizer.special_tokens,
        eos_token=tokenizer.eos_token,
        pad_token=tokenizer.pad_token,
        bos_token=tokenizer.bos_token,
        post_processor=tokenizer.post_processor,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One size of a vocabulary, and what it does to the same text."""

    vocab_size: int
    tokens: int  # of the held-out text
    bytes: int  # of the held-out text
    train_tokens: int
    used_tokens: int  # ids that the training text holds at least ten times: rows that learn something
    bits_per_byte: float  # of the n-gram model on the held-out text

    @property
    def bytes_per_token(self) -> float:
        """How much text a token holds."""
        return self.bytes / self.tokens

    def embedding_bytes(self, hidden_size: int, bytes_each: int = 2) -> int:
        """Memory of the embedding, tied with the output layer, in bfloat16 unless said otherwise."""
        return self.vocab_size * hidden_size * bytes_each

    def operations_per_byte(self, hidden_size: int, num_hidden_layers: int) -> float:
        """Floating-point operations of a forward pass for each byte of text: 2 a parameter and token, the output layer included."""
        parameters = 12 * num_hidden_layers * hidden_size**2 + self.vocab_size * hidden_size
        return 2 * parameters / self.bytes_per_token


def _packed(tokenizer: ByteLevelTokenizer, texts: Sequence[str]) -> np.ndarray:
    """All texts' ids, each text ended by the end token where there is one."""
    ids, offsets = tokenizer.encode_packed(texts)
    if tokenizer.eos_token_id is None:
        return ids
    return np.insert(ids, offsets[1:], tokenizer.eos_token_id)


def bits_per_byte(
    tokenizer: ByteLevelTokenizer, train: Sequence[str], held_out: Sequence[str], order: int = 5
) -> Point:
    """Train an n-gram model on the tokens of one text and measure it on another.

    The end of each document is a token that must be predicted too, but no byte.
    """
    learned, tested = _packed(tokenizer, train), _packed(tokenizer, held_out)
    size = sum(len(text.encode()) for text in held_out)
    if not size or not len(learned):
        raise InputError("there is no text to train on or to measure on; give both")
    model = KneserNey.fit(learned, order, vocab_size=tokenizer.vocab_size, boundary=tokenizer.eos_token_id)
    nats = -float(model.log_probabilities(tested).sum())
    return Point(
        vocab_size=tokenizer.vocab_size,
        tokens=len(tested),
        bytes=size,
        train_tokens=len(learned),
        used_tokens=int((np.bincount(learned, minlength=tokenizer.vocab_size) >= 10).sum()),
        bits_per_byte=nats / math.log(2) / size,
    )


def sizes(tokenizer: ByteLevelTokenizer, least: int = BYTES, factor: float = 2.0) -> list[int]:
    """Numbers of merges to measure at: so that vocabularies grow by `factor`, from bytes alone to all merges."""
    found, size = [0], least * factor
    while size - least < len(tokenizer.merges):
        found.append(int(size - least))
        size *= factor
    return list(dict.fromkeys([*found, len(tokenizer.merges)]))


def tradeoffs(
    tokenizer: ByteLevelTokenizer,
    train: Sequence[str],
    held_out: Sequence[str],
    merges: Sequence[int] | None = None,
    order: int = 5,
) -> list[Point]:
    """Measure the tokenizers of several sizes that one training run holds."""
    return [
        bits_per_byte(first_merges(tokenizer, number), train, held_out, order)
        for number in (sizes(tokenizer) if merges is None else merges)
    ]


def best(points: Sequence[Point], tolerance: float = 0.0) -> Point:
    """The point with the fewest bits a byte; with a tolerance (0.01: one percent) the smallest vocabulary that comes so near."""
    if not points:
        raise InputError("there is no point to choose from; measure at least one size")
    least = min(point.bits_per_byte for point in points)
    near = [point for point in points if point.bits_per_byte <= least * (1 + tolerance)]
    return min(near, key=lambda point: point.vocab_size)
