"""Fill in the middle: a decoder learns to write between two texts, by reading documents whose parts were put in another order.

    document    prefix middle suffix
    PSM         <prefix> prefix <suffix> suffix <middle> middle <end>
    SPM         <prefix> <suffix> suffix <middle> prefix middle <end>

The model and its loss stay as they are, each token from those before it; only the text is moved. So a code editor can ask for what belongs
at the cursor, and reading from left to right is not worse for it (section 3: "FIM for free"). In SPM the middle goes on where the
prefix ends, with no mark between, so a model that knows SPM fills and continues alike, and what is typed is appended: the cache stays valid.

Bavarian et al. 2022, arXiv:2207.14255, section 3 (transformation at the level of documents, cuts uniform over all places, half of the
transformed documents in each order) and appendix D (this form of SPM, their variant 2). Left out: cutting inside packed rows, and between the
bytes of a token.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from groundup.data.pipeline.streaming import Batch
from groundup.errors import InputError
from groundup.slots import slot

PSM, SPM = "psm", "spm"
RATE, SPM_RATE = 0.5, 0.5


class Marks(NamedTuple):
    """The four tokens that stand between the parts; none of them stands in a text."""

    prefix: int
    suffix: int
    middle: int
    end: int


@slot
def fill_in_the_middle(
    ids: Sequence[int], first: int, last: int, marks: tuple[int, int, int, int], order: str = "psm"
) -> list[int]:
    """Put a document's parts in the order in which its middle, ids[first:last], comes last, then the end mark.

    marks: the tokens for prefix, suffix, middle and end. order: "psm", or "spm", where the prefix follows the middle's mark.
    """
    prefix_mark, suffix_mark, middle_mark, end_mark = marks
    prefix, middle, suffix = ids[:first], ids[first:last], ids[last:]
    if order == "psm":
        return [prefix_mark, *prefix, suffix_mark, *suffix, middle_mark, *middle, end_mark]
    return [prefix_mark, suffix_mark, *suffix, middle_mark, *prefix, *middle, end_mark]


def moved(ids: Sequence[int], first: int, last: int, marks: Marks, order: str = PSM) -> list[int]:
    """The same with its places, its order and its marks checked."""
    if order not in (PSM, SPM):
        raise InputError(f"order={order!r} is none of the two; use {PSM!r} or {SPM!r}")
    if not 0 <= first <= last <= len(ids):
        raise InputError(
            f"a middle from {first} to {last} is not in a text of {len(ids)} tokens; use 0 <= first <= last <= {len(ids)}"
        )
    if len(set(marks)) < 4:
        raise InputError(f"the marks {tuple(marks)} name a token twice; give four tokens that differ")
    if both := set(marks) & set(ids):
        raise InputError(f"token {min(both)} is a mark and stands in the text; keep marks out of texts")
    return fill_in_the_middle(list(ids), first, last, marks, order)


def put_back(ids: Sequence[int], marks: Marks) -> list[int]:
    """The text of a document in its own order, whichever order it came in; the end mark is left out."""
    text = [token for token in ids if token != marks.end]
    if marks.middle not in text:
        return text
    head, tail = text.index(marks.suffix), text.index(marks.middle)
    return [*text[1:head], *text[tail + 1 :], *text[head + 1 : tail]]


def draw_middle(length: int, generator: torch.Generator) -> tuple[int, int]:
    """Cut a text at two of its length + 1 places, each as likely as any other; every part may be empty."""
    first, last = sorted(torch.randint(length + 1, (2,), generator=generator).tolist())
    return first, last


def maybe_moved(
    ids: Sequence[int],
    generator: torch.Generator,
    marks: Marks,
    rate: float = RATE,
    spm_rate: float = SPM_RATE,
    ended: bool = True,
) -> list[int]:
    """A document, moved with probability rate, in SPM order with probability spm_rate if so; else as it is, and the end mark.

    ended: False for a piece behind which its document goes on; left as it is, it gets no end mark. A middle always ends.
    """
    if not (0 <= rate <= 1 and 0 <= spm_rate <= 1):
        raise InputError(f"rate={rate} and spm_rate={spm_rate} are probabilities; use numbers from 0 to 1")
    moves, order = torch.rand(2, generator=generator).tolist()
    first, last = draw_middle(len(ids), generator)
    if moves >= rate:
        return [*ids, marks.end] if ended else list(ids)
    return moved(ids, first, last, marks, SPM if order < spm_rate else PSM)


def question(prefix: Sequence[int], suffix: Sequence[int], marks: Marks, order: str = PSM) -> list[int]:
    """What a model reads that is to write the middle between two texts."""
    return moved([*prefix, *suffix], len(prefix), len(prefix), marks, order)[:-1]


def middle_batch(
    documents: Sequence[Sequence[int]],
    generator: torch.Generator,
    marks: Marks,
    rate: float = RATE,
    spm_rate: float = SPM_RATE,
    starts: Sequence[int] | None = None,
    ended: Sequence[bool] | None = None,
) -> Batch:
    """Move documents, one to a row, as a batch for `causal_loss`: every token is asked for, as in the paper.

    starts: a token in front of each row, which is read and not asked for; None: none. ended: which documents end with their row; None: all.
    """
    if not documents:
        raise InputError("a batch of no documents has nothing to learn from; give at least one")
    ends = [True] * len(documents) if ended is None else ended
    rows = [maybe_moved(ids, generator, marks, rate, spm_rate, end) for ids, end in zip(documents, ends, strict=True)]
    if starts is not None:
        rows = [[start, *row] for start, row in zip(starts, rows, strict=True)]
    seq = max(max(map(len, rows)) - 1, 1)
    lengths = torch.tensor([[len(row) - 1] for row in rows])
    filled = torch.tensor([[*row, *[marks.end] * (seq + 1 - len(row))] for row in rows])
    places = torch.arange(seq).expand(len(rows), seq)
    real = places < lengths
    return Batch(filled[:, :-1], filled[:, 1:], real, torch.where(real, 0, -1), places)
