"""What the batches of a step hold: tokens, targets, and places that hold nothing.

    rows side by side are as wide as the longest; the rest of each is padding, which the kernels compute and nobody needs

A speed that counts padding grows when rows fit together badly, and so does an MFU. So both are counted from what a batch
holds: its rows' own lengths (and those of their sources, where an encoder reads them), and the targets that the head scores,
which in a masked text are a seventh of the tokens and in a conversation the answers alone. Documents packed into one row count
as that row: its kernels look at all pairs, and so does the formula for MFU (Chowdhery et al. 2022, arXiv:2204.02311, appendix B).
Left out: experts, of which a token meets as many wherever it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Sums over the rows of some batches. places: all that the tensors have, padding too; read: tokens of sources."""

    places: int = 0
    tokens: int = 0
    targets: int = 0
    pairs: int = 0  # of two tokens of a row
    read: int = 0
    read_pairs: int = 0
    crossed: int = 0  # a token of a row and one of its source

    def __add__(self, other: "Held") -> "Held":
        return Held(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    @property
    def all_tokens(self) -> int:
        """Those of rows and sources."""
        return self.tokens + self.read

    @property
    def padding(self) -> float:
        """The share of the places that holds nothing."""
        return 1 - self.all_tokens / self.places if self.places else 0.0


def held(batch: Any) -> Held:
    """Count a batch of any objective."""
    if hasattr(batch, "first"):  # two views of each text, without a head (contrastive.Views)
        return _rows(batch.first, 0) + _rows(batch.second, 0)
    targets = int(batch.loss_mask.sum())
    if hasattr(batch, "attention_mask"):  # a source, and an answer that is asked for as far as it goes (span.Answers)
        source, answer = batch.attention_mask, batch.loss_mask
        lengths, mine = source.sum(1), answer.sum(1)
        return _rows(answer, targets) + Held(
            places=source.numel(),
            read=int(lengths.sum()),
            read_pairs=int((lengths * lengths).sum()),
            crossed=int((lengths * mine).sum()),
        )
    return _rows(batch.document_ids >= 0, targets)


def _rows(real: Any, targets: int) -> Held:
    lengths = real.sum(1)
    pairs = int((lengths * lengths).sum())
    return Held(places=real.numel(), tokens=int(lengths.sum()), targets=targets, pairs=pairs)


class Tally:
    """Counts the batches of each step as they are made, and gives a listener those of the step that ended."""

    def __init__(self) -> None:
        self.seen: list[Held] = []

    def batches(self, function: Callable[[int], Any]) -> Callable[[int], Any]:
        """The batches, counted."""

        def call(number: int) -> Any:
            made = function(number)
            self.seen.append(held(made))
            return made

        return call

    def take(self, batches: int) -> Held | None:
        """What the last so many batches held (before them may be those of steps that were rolled back); None: nothing was counted."""
        last, self.seen = self.seen[-batches:], []
        return sum(last, Held()) if last else None
