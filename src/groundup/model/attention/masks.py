"""Masks: who may look at whom. True means that the query (row) may look at the key (column); combine with &.

    causal      no query looks ahead           1 . . .      documents   none looks into another     1 . . .
                                               1 1 . .      (with       document; positions must     1 1 . .
                                               1 1 1 .       causal)    restart too                  . . 1 .
                                               1 1 1 1                                               . . 1 1

Sliding windows and prefixes are masks of the same form and stand in their own files.
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.slots import slot


def causal(
    queries: int, keys: int | None = None, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """Let each query see the keys up to itself; the last query stands at the last key."""
    keys = queries if keys is None else keys
    return torch.ones(1, queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


@slot
def documents(document_ids: Int[Tensor, "batch seq"]) -> Bool[Tensor, "batch seq seq"]:
    """Let tokens of one document see each other, in both directions; -1 is padding, seen by nobody."""
    same = document_ids[:, :, None] == document_ids[:, None, :]
    return same & (document_ids >= 0)[:, None, :]


def padding(attention_mask: Int[Tensor, "batch keys"] | Bool[Tensor, "batch keys"]) -> Bool[Tensor, "batch 1 keys"]:
    """Hide the padding from every query; attention_mask: 1 at real tokens, 0 at padding."""
    return attention_mask.bool()[:, None, :]
