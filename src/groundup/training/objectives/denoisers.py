"""UL2's mixture of denoisers: short gaps, one long continuation, and extreme gaps, each behind a token that says which.

    R  regular      spans of 3 or 8 tokens, 15 % hidden          what T5 learns: knowledge, understanding
    S  sequential   one span, the last quarter on average        a prefix LM: writing on from a beginning
    X  extreme      spans of 3, 8 or 64 tokens, 50 % hidden, or of 64, 15 % hidden        long answers from little

All three are span corruption (`span.py`) with other numbers, so one loss learns them; the mode token in front lets the reader choose
afterwards which behaviour it wants ("mode switching"). The seven denoisers are drawn alike, so S is one in seven: a text that is only ever
restored is not learned to be written, and one that is only continued is not learned to be understood.

Tay et al. 2022 (UL2), arXiv:2205.05131, section 3.1 and table 1. Left out: their decoder-only form (`prefix.py` has its mask).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from groundup.errors import InputError
from groundup.training.objectives.span import Answers, Span, answers, corrupted, draw_spans

CONTINUED = 0.25  # S: the share of a text that is asked for, on average


class Denoiser(NamedTuple):
    """One way to hide. mean_length None: one span that reaches to the end of the text."""

    mode: str
    mean_length: float | None
    rate: float


MIXTURE: tuple[Denoiser, ...] = (
    Denoiser("R", 3.0, 0.15),
    Denoiser("R", 8.0, 0.15),
    Denoiser("S", None, CONTINUED),
    Denoiser("X", 3.0, 0.5),
    Denoiser("X", 8.0, 0.5),
    Denoiser("X", 64.0, 0.15),
    Denoiser("X", 64.0, 0.5),
)


def draw_denoised(length: int, denoiser: Denoiser, generator: torch.Generator) -> list[Span]:
    """Draw what a denoiser hides of a text. S: the length of the end is uniform around its mean, one token at least, never all."""
    if denoiser.mean_length is not None:
        return draw_spans(length, generator, denoiser.rate, denoiser.mean_length)
    if length < 2:
        raise InputError(f"a text of {length} token(s) cannot lose one and keep one; leave out texts shorter than 2")
    most = min(max(round(2 * denoiser.rate * length), 1), length - 1)
    hidden = int(torch.randint(1, most + 1, (), generator=generator))
    return [(length - hidden, length)]


def denoised(
    documents: Sequence[Sequence[int]],
    generator: torch.Generator,
    *,
    modes: dict[str, int],
    sentinels: Sequence[int],
    pad_id: int = 0,
    mixture: Sequence[Denoiser] = MIXTURE,
    end_id: int | None = None,
) -> Answers:
    """Hide parts of each document by a denoiser drawn for it, and put the token of its mode in front: a batch for `span_loss`.

    end_id: ends each answer.
    """
    if not mixture:
        raise InputError("a mixture of no denoisers hides nothing; name at least one, or leave mixture out")
    if missing := sorted({one.mode for one in mixture} - modes.keys()):
        raise InputError(
            f"no token is named for mode {missing[0]}; give modes one for each of {', '.join(sorted({one.mode for one in mixture}))}"
        )
    pairs = []
    for ids in documents:
        chosen = mixture[int(torch.randint(len(mixture), (), generator=generator))]
        read, asked = corrupted(ids, draw_denoised(len(ids), chosen, generator), sentinels)
        pairs.append(([modes[chosen.mode], *read], asked))
    return answers(pairs, pad_id, end_id)
