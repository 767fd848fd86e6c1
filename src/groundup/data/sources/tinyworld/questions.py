"""Instructions of the small world: a question, its one right answer, and the chat form that tuning uses.

The questions are those of the rules in `tasks.FAMILIES`. `composition` says whether the question holds a pair of
words or numbers that training never sees. Splits are those of documents, by the hash of the question itself.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from groundup.data.sources.tinyworld.documents import Split, composition_of, draw, is_heldout
from groundup.data.sources.tinyworld.tasks import FAMILIES, FAMILY_WEIGHTS
from groundup.data.sources.tinyworld.world import Composition
from groundup.errors import InputError


@dataclass(frozen=True, slots=True)
class Instruction:
    """A question with its answer; log_probability (nats) is that of the question within its family."""

    prompt: str
    answer: str
    family: str
    composition: Composition
    log_probability: float

    @property
    def messages(self) -> list[dict[str, str]]:
        """The exchange as chat messages."""
        return [{"role": "user", "content": self.prompt}, {"role": "assistant", "content": self.answer}]


def instructions(seed: int, n: int, split: Split = "train", families: tuple[str, ...] = ()) -> Iterator[Instruction]:
    """The first n instructions of a split under a seed, families by their weights (or evenly those named)."""
    if unknown := sorted(set(families) - set(FAMILIES)):
        raise InputError(f"the small world has no family {unknown[0]!r}; use some of {', '.join(FAMILIES)}")
    composition, source = composition_of(split), random.Random(f"instructions {split} {seed}")
    weights = [1.0] * len(families) if families else [FAMILY_WEIGHTS[family] for family in FAMILIES]
    for _ in range(n):
        [family] = source.choices(families or FAMILIES, weights)
        yield _instruction(family, composition, split, source)


def _instruction(family: str, composition: Composition, split: Split, source: random.Random) -> Instruction:
    while True:
        world, derivation = draw(family, composition, source)
        if split == "unseen" or is_heldout(derivation.text) == (split == "heldout"):
            return Instruction(derivation.text, world.roles["answer"], family, composition, derivation.log_probability)
