"""Tasks with one right answer: a decoder is asked for what follows the `=`, and is right when all of it is right.

    read         12  -  40  =   19         asked for      .  .  .  19  <end>

What stands before the `=` was drawn at random, so there is nothing to learn in it; its surprise would only hide how the answer's falls. The score is
exact: an answer with one wrong token counts as wrong. The problems: `data/sources/algorithmic.py`.

Grokking (Power et al. 2022, arXiv:2201.02177, section 3.1 and figure 1): a small transformer that is trained on a part of all questions
`a - b mod p` knows that part by heart within a few hundred steps and fails on the rest; long after, with weight decay, it answers the rest as
well. Its training loss said nothing of that. What it found is a rule: numbers on circles, added by angles (Nanda et al. 2023, arXiv:2301.05217,
section 4). `groundup run grokking` shows it.
"""

from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.data.pipeline.streaming import Batch
from groundup.slots import slot
from groundup.training.objectives.causal import causal_asked


@slot
def after_mark(
    input_ids: Int[Tensor, "batch seq"], document_ids: Int[Tensor, "batch seq"], mark: int
) -> Bool[Tensor, "batch seq"]:
    """Say at which places the mark has been read: at it, or before it in the same document.

    document_ids: a document's places stand together, and have one number; -1 on padding, where nothing counts.
    """
    marks = (input_ids == mark).long()
    before = marks.cumsum(1) - marks  # marks in the row before each place
    begins = torch.ones_like(document_ids, dtype=torch.bool)
    begins[:, 1:] = document_ids[:, 1:] != document_ids[:, :-1]
    at_beginning = torch.where(begins, before, 0).cummax(1).values
    return (before + marks > at_beginning) & (document_ids >= 0)


def answers_only(batch: Any, mark: int) -> Batch:
    """The batch of a loader, with nothing asked but what follows the first mark of each document."""
    asked = batch.loss_mask.bool() & after_mark(batch.input_ids, batch.document_ids, mark)
    return Batch(batch.input_ids, batch.targets, asked, batch.document_ids, batch.positions)


@torch.no_grad()
def exact_answers(module: Any, batch: Any) -> tuple[int, int]:
    """How many answers the model gives without a mistake, taking the likeliest token each time, and how many are asked for.

    All places are asked in one pass: an answer whose every token is the likeliest after the right ones is the one that would be written.
    """
    asked = causal_asked(module, batch)
    hidden, targets = asked.chosen()
    wrong = asked.head(hidden[None])[0].argmax(-1) != targets
    rows = torch.arange(len(batch.input_ids), device=targets.device)[:, None].expand_as(batch.document_ids)
    documents = (rows * (batch.input_ids.shape[1] + 1) + batch.document_ids)[batch.loss_mask.bool()]
    return len(documents.unique()) - len(documents[wrong].unique()), len(documents.unique())
