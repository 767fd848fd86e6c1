"""Masks: who may look at whom. True means that the query (row) may look at the key (column); combine with &.

    causal      no query looks ahead           1 . . .      documents   none looks into another     1 . . .
                                               1 1 . .      (with       document; positions must     1 1 . .
                                               1 1 1 .       causal)    restart too                  . . 1 .
                                               1 1 1 1                                               . . 1 1

    sliding_window  only the last w tokens,        1 . . .
    (w = 2, with    itself included                1 1 . .
    causal)                                        . 1 1 .
                                                   . . 1 1

A window bounds what a step must read, whatever the length; information still travels w tokens a layer (Beltagy et al. 2020,
arXiv:2004.05150; Mistral, arXiv:2310.06825, section 2). Prefixes are masks of the same form.
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
def sliding_window(
    queries: int, keys: int, window: int, device: torch.device | str | None = None
) -> Bool[Tensor, "1 queries keys"]:
    """Hide what lies `window` or more tokens back: a query sees itself and the window - 1 tokens before it, and all after.

    The last query stands at the last key. Combine with `causal` to hide what comes after.
    """
    return torch.ones(1, queries, keys, dtype=torch.bool, device=device).triu(keys - queries - window + 1)


@slot
def documents(document_ids: Int[Tensor, "batch seq"]) -> Bool[Tensor, "batch seq seq"]:
    """Let tokens of one document see each other, in both directions; -1 is padding, seen by nobody."""
    same = document_ids[:, :, None] == document_ids[:, None, :]
    return same & (document_ids >= 0)[:, None, :]


def padding(attention_mask: Int[Tensor, "batch keys"] | Bool[Tensor, "batch keys"]) -> Bool[Tensor, "batch 1 keys"]:
    """Hide the padding from every query; attention_mask: 1 at real tokens, 0 at padding."""
    return attention_mask.bool()[:, None, :]


def looks_back(mask: Bool[Tensor, "batch queries keys"]) -> bool:
    """Whether each query sees itself, and none what comes after it; queries and keys are the same tokens.

    >>> looks_back(causal(3)), looks_back(~causal(3)), looks_back(causal(2, 3))
    (True, False, False)
    """
    square = mask.shape[-2] == mask.shape[-1]
    return square and bool(mask.diagonal(dim1=-2, dim2=-1).all()) and not bool(mask.triu(1).any())
