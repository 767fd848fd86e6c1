"""What an attention mask says to a recurrence: which tokens are padding, and where a new document begins.

Attention reads a mask pair by pair. A recurrence passes one state along, so it can honour two things only: a token that may
not look at itself is padding and leaves the state as it is; a token that may look at itself and at nothing before it begins
a document, so the state is emptied first. Packed documents and left padding then give what each row gives alone.
Left out: windows and masks that look ahead; a state forgets by its own decay, and never sees the future.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Segments(NamedTuple):
    """For each new token whether it is real and whether it begins a document; and the running number of its document."""

    real: Bool[Tensor, "batch seq"]
    starts: Bool[Tensor, "batch seq"]
    document: Int[Tensor, "batch seq"]  # 0 goes on with what came before these tokens


def segments_of(mask: Tensor | None, seq: int) -> Segments | None:
    """Read a mask (batch or 1, queries, keys), bool or as `prepare_mask` makes it; None where there is none (causal).

    The last query stands at the last key; keys before the first query are those of the cache.
    """
    if mask is None:
        return None
    seen = mask if mask.dtype == torch.bool else mask == 0
    seen = seen[:, 0] if seen.dim() == 4 else seen
    before = seen.shape[-1] - seq
    assert before >= 0, f"the mask has {seen.shape[-1]} keys for {seq} queries; the last key is the last query"
    real = seen.diagonal(before, -2, -1)
    starts = real & ~seen.tril(before - 1).any(-1)
    return Segments(real, starts, starts.cumsum(-1))


def faded(log_decay: Float[Tensor, "batch heads seq"], segments: Segments | None) -> Float[Tensor, "batch heads seq"]:
    """Let the state stay as it is at padding (log 1) and be emptied where a document begins (log 0)."""
    if segments is None:
        return log_decay
    kept = log_decay.masked_fill(~segments.real[:, None], 0.0)
    return kept.masked_fill(segments.starts[:, None], -torch.inf)


def written(x: Float[Tensor, "batch seq *rest"], segments: Segments | None) -> Float[Tensor, "batch seq *rest"]:
    """Zero what padding would write."""
    if segments is None:
        return x
    return x.masked_fill(~segments.real.reshape(segments.real.shape + (1,) * (x.dim() - 2)), 0.0)
