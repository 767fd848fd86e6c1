"""Operations and bytes of each part of a model, so that each has its place on a roofline.

A part reads what it works on once and writes its result once; what lies between stays in the caches. So the bytes are the least
that a part alone must move, e bytes a number, for n tokens:

    product with a matrix    2 n in out operations     e (n in + in out + n out) bytes
    scores and values        2 a pair and width        e (2 n q + 2 keys k): tiled, so that no score reaches memory
    norm                     4 n h                     e (2 n h + h)
    embedding                none: rows are copied     e 2 n h
    experts                  router, and those chosen  the router, and the experts that n tokens meet: of E, of which each token
                             by each token               chooses k, E (1 - (1 - k / E)^n) where all are liked alike
    AdamW                    15 a number               28: weight, gradient and two moments read, three written, in fp32

    intensity = operations / bytes       n / (n/out + 1 + n/in) * 2 / e for a matrix: one token 2 / e,
                                         many tokens the harmonic mean of both sides / e

That is why writing token by token waits for memory and training does not (Williams et al. 2009; the counting of attention is Dao et
al. 2022's, arXiv:2205.14135, section 3.2, for keys that fit). Left out: activations between products, masks, the loss.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from groundup.errors import InputError
from groundup.model.accounting.accounting import count, matrices_of
from groundup.model.accounting.operations import pairs
from groundup.model.architectures.blueprint import Blueprint, Experts, LanguageModelHead, MaskedHead
from groundup.model.architectures.configuration import ModelConfig

ADAMW_OPERATIONS = 15  # m: 3, v: 4, corrections: 2, root, eps, quotient, decay: 1 each, update: 2
ADAMW_BYTES = 28
NORM_OPERATIONS = 4  # square and add, scale, gain


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a model at work: what it computes and moves once, and how often a step has it."""

    name: str
    flops: float
    moved_bytes: float
    times: int = 1

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.flops / self.moved_bytes


def product_intensity(tokens: int, inputs: int, outputs: int, bytes_per_element: float) -> float:
    """Operations a byte of the product of `tokens` vectors with a matrix, all three read or written once.

    >>> product_intensity(1, 1000, 1000, 2)
    0.998003992015968
    """
    flops = 2 * tokens * inputs * outputs
    return flops / (bytes_per_element * (tokens * inputs + inputs * outputs + tokens * outputs))


def parts(config: ModelConfig, batch: int, queries: int, keys: int | None = None, *, size: float = 4) -> list[Part]:
    """The parts of the way forward of `batch` rows with so many new tokens that look at `keys` (None: at themselves).

    Those of the first block stand for all blocks, but dense blocks and those with experts are told apart. size: bytes a number. A
    head that scores a text or its tokens with few labels is left out. InputError for an encoder with a decoder, and for parts of
    somebody's own that name no matrices.
    """
    shape, keys, tokens = config.blueprint(), queries if keys is None else keys, batch * queries
    blocks, hidden = shape.blocks, shape.hidden
    if shape.encoder or any(not (isinstance(one, Experts) or matrices_of(one, hidden)) for one, _ in feeding(shape)):
        raise InputError(
            "the parts of this model are not counted: only those of a decoder, or of an encoder alone, are; choose another model"
        )
    attention = blocks[0].attention
    found = [
        Part("embedding", 0, size * 2 * tokens * hidden),
        Part("norm", NORM_OPERATIONS * tokens * hidden, size * (2 * tokens + 1) * hidden, 2 * len(blocks) + 1),
        products("attention products", tokens, attention.matrices(hidden).values(), size, len(blocks)),
        _looking(attention, batch, queries, keys, size, len(blocks)),
    ]
    for part, times in feeding(shape):
        made = experts if isinstance(part, Experts) else _dense
        found.append(made(part, tokens, hidden, size, times))
    head = head_matrices(shape)
    return [*found, products("head", tokens, head, size)] if head else found


def feeding(shape: Blueprint) -> list[tuple[Any, int]]:
    """The first dense feed-forward and the first with experts, and how many blocks have their kind."""
    kinds: dict[bool, list[Any]] = {}
    for block in shape.blocks:
        kinds.setdefault(isinstance(block.feed_forward, Experts), []).append(block.feed_forward)
    return [(every[0], len(every)) for every in kinds.values()]


def head_matrices(shape: Blueprint) -> list[tuple[int, int]]:
    """What a head that scores the vocabulary multiplies a token with; [] for any other."""
    matrix = (shape.hidden, shape.vocab)
    match shape.head:
        case LanguageModelHead():
            return [matrix]
        case MaskedHead():
            return [(shape.hidden, shape.hidden), matrix]
    return []


def _dense(part: Any, tokens: int, hidden: int, size: float, times: int) -> Part:
    return products("feed-forward", tokens, part.matrices(hidden).values(), size, times)


def experts(part: Experts, tokens: int, hidden: int, size: float, times: int = 1) -> Part:
    """The router, what each token's experts compute, and those beside them; as many experts are read as the tokens meet."""
    wide, met = part.intermediate, part.experts * (1 - (1 - part.chosen / part.experts) ** tokens)
    beside = [(hidden, part.experts), *[(hidden, 1)] * part.shared_gate]
    beside += [(hidden, part.shared)] * 2 + [(part.shared, hidden)] if part.shared else []
    every = products("", tokens, beside, size)
    chosen = tokens * part.chosen
    moved = 3 * (chosen * (hidden + wide) + met * hidden * wide)
    return Part("experts", every.flops + 6 * chosen * hidden * wide, every.moved_bytes + size * moved, times)


def products(name: str, tokens: int, matrices: Iterable[tuple[int, int]], size: float, times: int = 1) -> Part:
    """Products of the same tokens with several matrices, one after the other."""
    sides = list(matrices)
    flops = sum(2 * tokens * inputs * outputs for inputs, outputs in sides)
    moved = sum(tokens * inputs + inputs * outputs + tokens * outputs for inputs, outputs in sides)
    return Part(name, flops, size * moved, times)


def _looking(attention: Any, batch: int, queries: int, keys: int, size: float, times: int) -> Part:
    """Scores, softmax and mixing: pairs that are seen, and queries, keys, values and results as bytes."""
    seen = batch * pairs(queries, keys, attention.window, getattr(attention, "causal", True))
    score, value = attention.pair_products
    moved = batch * (2 * queries * value + keys * sum(attention.cache_widths))
    return Part("scores and values", 2 * (score + value) * seen, size * moved, times)


def optimizer(config: ModelConfig) -> Part:
    """One step of AdamW over all weights, in fp32."""
    numbers = count(config).parameters
    return Part("optimizer", ADAMW_OPERATIONS * numbers, ADAMW_BYTES * numbers)
