"""Masked language modelling: hide some tokens, show the model the whole text, ask only for the hidden ones.

    chosen     15 % of the tokens, each by its own draw; special tokens and padding never
    read       of the chosen 80 % as [MASK], 10 % as any other token, 10 % as they are
    asked for  the token that stood there, at the chosen places only

A model that only ever saw [MASK] where it is asked would have nothing to say about a plain text, which is what it is used on; the two
tenths make it doubt every token. Devlin et al. 2019 (BERT), arXiv:1810.04805, sections 3.1 and A.1; drawn anew each time a
text is read, as in RoBERTa (Liu et al. 2019, arXiv:1907.11692, section 4.1). Left out: whole-word masking, next-sentence prediction.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from groundup.data.pipeline.streaming import Batch
from groundup.errors import InputError
from groundup.model.attention import masks
from groundup.slots import slot
from groundup.training.objectives.causal import Asked, loss_where

RATE = 0.15
HIDDEN = 0.8  # of the chosen
EXCHANGED = 0.1  # of the chosen; the rest is read as it is


@slot
def mask_tokens(
    input_ids: Int[Tensor, "batch seq"],
    choosable: Bool[Tensor, "batch seq"],
    choice: Float[Tensor, "batch seq"],
    fate: Float[Tensor, "batch seq"],
    others: Int[Tensor, "batch seq"],
    mask_id: int,
    rate: float = 0.15,
) -> tuple[Int[Tensor, "batch seq"], Bool[Tensor, "batch seq"]]:
    """Give what the model reads, and which places it is asked for.

    A token is chosen if it may be (choosable) and its `choice` is below rate. A chosen one is read as mask_id if its `fate` is below
    0.8, as the token in `others` if it is below 0.9, else as it is. choice and fate are uniform draws from [0, 1).
    """
    chosen = choosable & (choice < rate)
    hidden = chosen & (fate < HIDDEN)
    exchanged = chosen & (fate >= HIDDEN) & (fate < HIDDEN + EXCHANGED)
    return torch.where(exchanged, others, input_ids).masked_fill(hidden, mask_id), chosen


def masked(
    batch: Any,
    generator: torch.Generator,
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Sequence[int] = (),
    rate: float = RATE,
) -> Batch:
    """Make the masked batch of a loader's batch: its texts, with some tokens hidden and asked for.

    special_ids are never chosen, and none is put in a token's place. Padding (document -1) is neither.
    """
    ordinary = _ordinary(mask_id, vocab_size, tuple(special_ids), rate)
    ids = batch.input_ids
    if bool((ids < 0).any()) or bool((ids >= vocab_size).any()):
        raise InputError(f"ids reach from {int(ids.min())} to {int(ids.max())}, and vocab_size={vocab_size}; raise it")
    special = torch.tensor([*special_ids, mask_id])
    choosable = (batch.document_ids >= 0) & ~torch.isin(ids, special)
    choice, fate = (torch.rand(ids.shape, generator=generator) for _ in range(2))
    others = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    read, chosen = mask_tokens(ids, choosable, choice, fate, others, mask_id, rate)
    return Batch(read, ids, chosen, batch.document_ids, batch.positions)


@lru_cache(8)  # a vocabulary of 30,522 takes 14 ms, and each batch asks
def _ordinary(mask_id: int, vocab_size: int, special_ids: tuple[int, ...], rate: float) -> Tensor:
    """The tokens that may be put in another's place, once the numbers are seen to fit together."""
    if not 0 < rate <= 1:
        raise InputError(f"rate={rate} is no share of tokens to hide; use a number above 0 and up to 1, such as {RATE}")
    if not 0 <= mask_id < vocab_size:
        raise InputError(f"mask_id={mask_id} is not in a vocabulary of {vocab_size}; use 0 to {vocab_size - 1}")
    left_out = {mask_id, *special_ids}
    ordinary = [token for token in range(vocab_size) if token not in left_out]
    if not ordinary:
        raise InputError(f"all {vocab_size} tokens are special, so none can be hidden; leave some out of special_ids")
    return torch.tensor(ordinary)


def masked_asked(module: Any, batch: Any) -> Asked:
    """Ask an encoder with a masked language model's head for the tokens at the chosen places."""
    hidden = module.hidden(batch.input_ids, both_ways(batch), batch.positions)
    return Asked(module.lm_head, hidden, batch.targets, batch.loss_mask)


def masked_loss(module: Any, batch: Any, z_loss: float = 0.0) -> tuple[Tensor, int]:
    """Sum the cross-entropy at the chosen places; nats, and how many there were.

    Only the chosen places are scored: at 15 % a seventh of the head's work.
    """
    return loss_where(masked_asked(module, batch), z_loss)


def both_ways(batch: Any) -> Tensor | None:
    """Let each token see all of its document; None (all see all) when every row is one document.

    Padding is one more document, so that no row of the mask is empty.
    """
    ids = batch.document_ids
    if bool((ids == ids[:, :1]).all()):
        return None
    return masks.documents(ids.where(ids >= 0, ids.shape[1]))
