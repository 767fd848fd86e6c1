"""One step of many texts of different lengths: all new tokens in one row, each attends to its own text's pages.

    ids        a a a a a | b | c | d d d        a: a prompt is read, b and c: one new token each, d: a part of a long prompt
    positions  0 1 2 3 4 | 9 | 3 | 64 65 66     no padding, no mask: a view knows which tokens belong together

    view = pool.view(rows, new_counts)
    logits = module(ids[None], None, positions[None], view)

Everything else in a decoder works token by token, so only attention must know: where a cache has `attend`, it hands its query, key and
value over. The view writes key and value into the pages and mixes what the row's pages hold (Yu et al. 2022, Orca, section 3.2:
selective batching). `attend_reference` gathers a row's pages and attends as to a contiguous cache: the definition, and what a GPU uses.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.inference.cache.page_attention import KINDS, PageAttention
from groundup.model.attention import masks
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.attention.scaled_dot_product import REPEATED, SLOT, attend, prepare_mask
from groundup.model.transformer import Decoder
from groundup.slots import filled

FEW = 16  # new tokens of a row that are read by the kernel; more are multiplied by torch, which gathers the pages first


if TYPE_CHECKING:
    from groundup.inference.cache.paged import PagePool


def refused(module: Any) -> str | None:
    """The part of a model that the ragged form cannot serve, in words; None where it can."""
    if not isinstance(module, Decoder) or hasattr(module, "empty_cache"):
        return f"the form of a {type(module).__name__}, which is no decoder with attention in every layer"
    if module.bias is not None:
        return "a bias on the scores by distance (ALiBi)"
    for block in module.model.layers:
        attention = getattr(block, "self_attn", None)
        if type(attention) is not MultiHeadAttention or not attention.causal:
            return f"attention of the kind {type(attention).__name__}"
    return None


def attend_reference(
    query: Float[Tensor, "heads new head_dim"],
    key: Float[Tensor, "kv_heads keys head_dim"],
    value: Float[Tensor, "kv_heads keys value_dim"],
    scale: float | None = None,
    window: int | None = None,
    cap: float | None = None,
) -> Float[Tensor, "heads new value_dim"]:
    """Let the newest tokens of one row attend to all of it: the last query stands at the last key, none looks ahead."""
    new, keys, mask = query.shape[1], key.shape[1], None
    if window is not None and window < keys:
        near = min(keys, new + window - 1)
        key, value = key[:, -near:], value[:, -near:]
        if new > 1:
            seen = masks.sliding_window(new, near, window, query.device) & masks.causal(new, near, query.device)
            mask = prepare_mask(seen, query.dtype)
    return attend(query[None], key[None], value[None], mask, causal=True, scale=scale, cap=cap)[0]


class View:
    """Which rows take part in a step, with how many new tokens each; one view serves one pass through all layers.

    The last layer's call moves the rows' lengths on.
    """

    length = 0  # of a text's beginning: positions are always given

    def __init__(self, pool: "PagePool", rows: Sequence[int], new_counts: Sequence[int]):
        from groundup.inference.cache.paged import slot_mapping

        self.pool, self.rows, self.counts = pool, np.asarray(rows, np.int64), np.asarray(new_counts, np.int64)
        assert len(set(self.rows.tolist())) == len(self.rows) == len(self.counts), "each row takes part once"
        assert len(self.rows) and (self.counts > 0).all(), "a row takes part with at least one token"
        self.starts = pool.lengths[self.rows]  # tokens that were there before
        self.offsets = np.concatenate(([0], np.cumsum(self.counts)))
        slots = [
            slot_mapping(pool.tables[row], int(start), int(new), pool.page_size)
            for row, start, new in zip(self.rows, self.starts, self.counts, strict=True)
        ]
        written = np.concatenate(slots)
        assert (pool.holders[written // pool.page_size] == 1).all(), (
            "a page that others hold too; allocate makes a copy"
        )
        self.slots = torch.from_numpy(written).to(pool.device)
        few = self.counts <= FEW if self._kernels_run() else np.zeros(len(self.rows), bool)
        self.gathered = np.flatnonzero(~few).tolist()
        chosen = (self.rows[few], self.starts[few], self.counts[few], self.offsets[:-1][few])
        self.compiled = PageAttention(pool, *chosen) if few.any() else None

    def _kernels_run(self) -> bool:
        """Not on a GPU, nor where a learner's function takes part."""
        return self.pool.device.type == "cpu" and self.pool.dtype in KINDS and not (filled(SLOT) or filled(REPEATED))

    @property
    def positions(self) -> Tensor:
        """The place of every new token in its own text: (1, tokens)."""
        places = [np.arange(start, start + new) for start, new in zip(self.starts, self.counts, strict=True)]
        return torch.from_numpy(np.concatenate(places)[None]).to(self.pool.device)

    @property
    def last(self) -> Tensor:
        """Where each row's newest token stands among all new tokens: what the head reads."""
        return torch.from_numpy(self.offsets[1:] - 1).to(self.pool.device)

    def attend(
        self,
        layer: int,
        query: Float[Tensor, "1 heads tokens head_dim"],
        key: Float[Tensor, "1 kv_heads tokens head_dim"],
        value: Float[Tensor, "1 kv_heads tokens value_dim"],
        *,
        scale: float | None = None,
        window: int | None = None,
        cap: float | None = None,
    ) -> Float[Tensor, "1 heads tokens value_dim"]:
        """Write one layer's new keys and values into the pages and let every new token attend to its own text."""
        self.pool.write(layer, self.slots, key[0], value[0])
        heads, tokens, kv_heads = *query.shape[1:3], self.pool.kv_heads
        out = torch.empty(
            tokens, heads, value.shape[-1], dtype=torch.float32 if self.compiled else query.dtype, device=query.device
        )
        if self.compiled is not None:
            self.compiled(
                layer, query[0], out.numpy().reshape(tokens, kv_heads, heads // kv_heads, -1), scale, window, cap
            )
        for index in self.gathered:
            mine = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
            keys, values = self.pool.gather(layer, int(self.rows[index]), int(self.starts[index] + self.counts[index]))
            keys, values = keys.to(query.dtype), values.to(query.dtype)
            out[mine] = attend_reference(query[0, :, mine], keys, values, scale, window, cap).transpose(0, 1)
        if layer == self.pool.layers - 1:
            for row, new in zip(self.rows.tolist(), self.counts.tolist(), strict=True):
                self.pool.grow(row, new)
        return out.to(query.dtype).transpose(0, 1)[None]
