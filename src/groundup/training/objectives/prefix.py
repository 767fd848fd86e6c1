"""Prefix language modelling: a text is cut in two, its beginning is read both ways, and the rest is asked for token by token.

    read        t1 t2 t3 | t4 t5 t6        asked for    - - t4 | t5 t6 t7

The model is a decoder under another mask (`model/architectures/prefix_lm.py`). What is learned is the answer alone, so a text teaches half of what it
teaches a decoder on average; in return its beginning is understood whole, as a question is that stands there before the answer begins.

Raffel et al. 2020, arXiv:1910.10683, section 3.2.1 (cut at a random place); Dong et al. 2019, arXiv:1905.03197. Left out: packed rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.errors import InputError
from groundup.model.architectures.prefix_lm import prefix_mask
from groundup.training.objectives.causal import Asked, loss_where
from groundup.training.objectives.span import padded


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Rows whose beginning is read both ways. targets are shifted; positions: one axis, or two for a model that has two (GLM)."""

    input_ids: Int[Tensor, "batch seq"]
    targets: Int[Tensor, "batch seq"]
    loss_mask: Bool[Tensor, "batch seq"]
    prefix: Int[Tensor, " batch"]
    positions: Int[Tensor, "batch seq"] | Int[Tensor, "batch seq 2"]

    @property
    def document_ids(self) -> Int[Tensor, "batch seq"]:
        """0 at a row's tokens, which end where its last target is asked for; -1 on padding."""
        behind = self.loss_mask.flip(1).int().cumsum(1).flip(1)
        return torch.where(behind > 0, 0, -1)


def split(ids: Sequence[int], cut: int) -> tuple[list[int], list[int], int]:
    """What is read, what is asked for (-100 inside the prefix), and the prefix's length. cut: tokens of the prefix."""
    if not 0 < cut < len(ids):
        raise InputError(
            f"a prefix of {cut} of {len(ids)} tokens leaves no question or no answer; use 1 to {len(ids) - 1}"
            if len(ids) > 1
            else f"a text of {len(ids)} token(s) cannot be cut in two; leave out texts shorter than 2"
        )
    return list(ids[:-1]), [*[-100] * (cut - 1), *ids[cut:]], cut


def prefixed(rows: Sequence[tuple[Sequence[int], Sequence[int], int]], pad_id: int = 0) -> Prefixed:
    """Rows of (read, asked for, prefix) as a batch; padding stands behind all that is asked for, where nothing sees it."""
    read, _ = padded([one for one, _, _ in rows], pad_id)
    asked, _ = padded([two for _, two, _ in rows], -100)
    places = torch.arange(read.shape[1]).expand(read.shape)
    return Prefixed(read, asked.clamp(min=0), asked >= 0, torch.tensor([prefix for _, _, prefix in rows]), places)


def prefix_batch(documents: Sequence[Sequence[int]], generator: torch.Generator, pad_id: int = 0) -> Prefixed:
    """Cut each document at a place of its own, all places alike; one row a document."""
    short = min((len(ids) for ids in documents), default=0)
    if short < 2:
        raise InputError(f"a text of {short} token(s) cannot be cut in two; leave out texts shorter than 2")
    cuts = [int(torch.randint(1, len(ids), (), generator=generator)) for ids in documents]
    return prefixed([split(ids, cut) for ids, cut in zip(documents, cuts, strict=True)], pad_id)


def prefix_asked(module: Any, batch: Prefixed) -> Asked:
    """Ask a decoder for what follows the prefixes."""
    mask = prefix_mask(batch.prefix, batch.input_ids.shape[1])
    hidden = module.hidden(batch.input_ids, mask, batch.positions)
    return Asked(module.lm_head, hidden, batch.targets, batch.loss_mask)


def prefix_loss(module: Any, batch: Prefixed, z_loss: float = 0.0) -> tuple[Tensor, int]:
    """Sum the cross-entropy of a decoder over what follows the prefixes; nats, and how many tokens these were."""
    return loss_where(prefix_asked(module, batch), z_loss)
