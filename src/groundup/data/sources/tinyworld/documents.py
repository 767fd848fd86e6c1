"""Documents of the small world: drawn with their log-probability, read back, split, and their entropy.

Splits. A document or an instruction belongs to "heldout" if the CRC-32 of its text is a multiple of 16, otherwise
to "train"; a training document must also not contain a question whose own hash is held out, so no held-out
instruction is in any training text. "unseen" is the same world under the rule that pairs come only from the
held-out tenth (`world.held_out`).

Probabilities are those of the grammar, before the split by hash. Given the split, log P rises by the constant -log
P(split): for "train" 0.1-0.2 nats a document (0.3 % of its information), for "heldout" 2.8 nats, which no model can
gain, for it would have to compute the hash. The floor that a model can reach is therefore the grammar's own, and it
is the same for both splits but for the mixture of kinds: question sheets are some 15 % rarer in "train" (each of
three questions must not be held out), which costs a model trained there under 0.01 nats a document.
"""

import math
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from groundup.data.sources.tinyworld import dialogues, stories, tables, tasks, texts
from groundup.data.sources.tinyworld.grammar import Grammar, derive
from groundup.data.sources.tinyworld.oracles import Derivation, Reader, Sampler
from groundup.data.sources.tinyworld.vocabulary import VOCABULARY
from groundup.data.sources.tinyworld.world import Composition, World
from groundup.errors import InputError

Split = Literal["train", "heldout", "unseen"]
HELDOUT_ONE_IN = 16


@cache
def tiny_grammar() -> Grammar:
    """The whole grammar; its start rule is `document`."""
    return Grammar(
        [*tasks.SOURCES, *stories.SOURCES, *dialogues.SOURCES, *tables.SOURCES, *texts.SOURCES],
        VOCABULARY,
        prompts=tasks.FAMILIES,
    )


@dataclass(frozen=True, slots=True)
class TinyDocument:
    """A sampled document; log_probability in nats, end of document included."""

    text: str
    log_probability: float
    kind: str  # the rule below `document`: track, sheet, letter, ...
    derivation: Derivation
    questions: tuple[tuple[str, str, str], ...]  # (family, question, answer) of the tasks in it


def composition_of(split: Split) -> Composition:
    """Which pairs a split may hold."""
    if split not in get_args(Split):
        raise InputError(f"there is no split {split!r} of the small world; use one of {', '.join(get_args(Split))}")
    return "unseen" if split == "unseen" else "seen"


def is_heldout(text: str) -> bool:
    """Whether the text's hash puts it into the held-out sixteenth."""
    return zlib.crc32(text.encode()) % HELDOUT_ONE_IN == 0


def belongs(text: str, questions: list[tuple[str, str, str]], split: Split) -> bool:
    """Whether a document with these questions is one of the split."""
    if split == "unseen":
        return True
    if split == "heldout":
        return is_heldout(text)
    return not is_heldout(text) and not any(is_heldout(question) for _, question, _ in questions)


def draw(start: str, composition: Composition, source: random.Random) -> tuple[World, Derivation]:
    """One derivation of a rule, and the world after it."""
    world, sampler = World(composition=composition), Sampler(source.random)
    derive(tiny_grammar().rules[start], world, sampler)
    return world, sampler.derivation()


def sample(seed: int, n: int, split: Split = "train") -> Iterator[TinyDocument]:
    """The first n documents of a split under a seed."""
    composition, source = composition_of(split), random.Random(f"{split} {seed}")
    found = 0
    while found < n:
        world, derivation = draw("document", composition, source)
        if belongs(derivation.text, world.asked, split):
            found += 1
            yield TinyDocument(
                derivation.text, derivation.log_probability, kind_of(derivation), derivation, tuple(world.asked)
            )


def kind_of(derivation: Derivation) -> str:
    """The name of the rule that the first choice of a document took."""
    production = tiny_grammar().rules["document"].productions[int(derivation.choices[0])]
    return production.items[0].payload.name


def parse(text: str, split: Split = "train") -> Derivation:
    """The one derivation of a document, with its log-probability under the split's grammar; InputError if none."""
    reader = Reader(text)
    derive(tiny_grammar().rules["document"], World(composition=composition_of(split)), reader)
    reader.end()
    return reader.derivation()


@dataclass(frozen=True, slots=True)
class Entropy:
    """Entropy of the world's documents; standard errors are of the Monte-Carlo mean over `documents` draws."""

    bits_per_document: float
    bits_per_byte: float
    standard_error: float  # of bits_per_byte
    standard_error_per_document: float
    bytes_per_document: float
    documents: int


def entropy(n: int = 4000, seed: int = 0, split: Split = "heldout") -> Entropy:
    """Monte-Carlo estimate: the mean of -log2 p(document), end of document included, and its ratio to mean bytes.

    The standard error of the ratio is that of the ratio estimator (Cochran 1977, section 2.11).
    """
    pairs = [(-d.log_probability / math.log(2), len(d.text.encode())) for d in sample(seed, n, split)]
    bits, sizes = sum(b for b, _ in pairs) / n, sum(s for _, s in pairs) / n
    ratio = bits / sizes
    residual = sum((b - ratio * s) ** 2 for b, s in pairs) / (n - 1)
    spread = sum((b - bits) ** 2 for b, _ in pairs) / (n - 1)
    return Entropy(bits, ratio, math.sqrt(residual / n) / sizes, math.sqrt(spread / n), sizes, n)
