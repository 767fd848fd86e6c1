"""KV cache: keys and values of earlier tokens, kept so that a new token costs one position and not the whole text.

One block of memory a layer, as long as the longest row may become; nothing is allocated while decoding.
Pope et al. 2022, arXiv:2211.05102, section 2. Left out: pages, quantised storage.

A layer with a window (Mistral, arXiv:2310.06825, section 2) is asked for its last keys only, and keeps no more: its block is a
quarter longer than the window, and when it is full the newest columns move to its front. They stay in order, so that what
attention reads is a view and masks need no turning, as they would with a ring; the moves cost a fraction of a column a token.

    window 4, block of 6      a b c d e f  ->  d e f g . .  ->  d e f g h i  ->  ...
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.slots import slot

SHORTEST_STRIDE = 16  # columns that come between two moves of a block at least


@slot
def append(
    kept: Float[Tensor, "batch kv_heads capacity head_dim"],
    new: Float[Tensor, "batch kv_heads new head_dim"],
    length: int,
) -> Float[Tensor, "batch kv_heads keys head_dim"]:
    """Write the keys (or values) of new tokens behind the `length` that are kept; a view of all so far, nothing copied.

    kept: the block of memory, changed in place; its columns from `length` on are free. AssertionError when it is full.
    """
    end = length + new.shape[2]
    assert end <= kept.shape[2], f"the cache holds {kept.shape[2]} positions, not {end}"
    kept[:, :, length:end] = new
    return kept[:, :, :end]


def first_kept(end: int, columns: int, window: int) -> int:
    """Which column stands at the front of a block of so many columns once `end` columns were seen.

    It moves on in strides, and always leaves room for the window - 1 columns that the next query may see besides itself.

    >>> [first_kept(end, columns=6, window=4) for end in (5, 6, 7, 9, 10)]
    [0, 0, 3, 3, 6]
    """
    stride = columns - (window - 1)
    return max(0, -(-(end - columns) // stride) * stride)


def append_within(
    kept: Float[Tensor, "batch kv_heads columns head_dim"],
    new: Float[Tensor, "batch kv_heads new head_dim"],
    length: int,
    window: int,
    visible: int | None = None,
) -> Float[Tensor, "batch kv_heads near head_dim"]:
    """Write the keys (or values) of new tokens behind those that a window keeps; give what the new queries may see.

    kept: the block of memory, changed in place. length: columns seen before; of these `visible` (None: all) are this text's.
    What comes back are at most window - 1 earlier columns and the new ones: a view, or a copy where they do not fit.
    """
    columns, end = kept.shape[2], length + new.shape[2]
    earlier = min(length if visible is None else visible, window - 1)
    before, after = first_kept(length, columns, window), first_kept(end, columns, window)
    if earlier + new.shape[2] <= end - after:
        if after > before:
            kept[:, :, : length - after] = kept[:, :, after - before : length - before].clone()
        return append(kept, new, length - after)[:, :, length - after - earlier :]
    near = kept[:, :, length - before - earlier : length - before]
    seen = torch.cat((near, new), dim=2) if earlier else new
    kept[:, :, : end - after] = seen[:, :, after - end :]
    return seen


def block_columns(window: int | None, capacity: int) -> int:
    """How many columns a layer's block has: a quarter more than its window where the text may grow beyond that."""
    return capacity if window is None else min(capacity, window - 1 + max(SHORTEST_STRIDE, window // 4))


class KVCache:
    """Keys and values of `batch` rows. `length`: columns that are filled, padding on the left included; 0 begins anew.

    windows: for each layer how many tokens a query sees, itself included; None: all before it. value_dim: the width of a value,
    None: head_dim. Latent attention keeps its latent in the place of the key (one head of kv_lora_rank numbers) and the
    rotary key in that of the value: every head's keys and values are made from these, so DeepSeek-V3 keeps 576 numbers a
    token and layer and not the 40,960 of its 128 heads. A step reads them as they are, as the maps are absorbed.
    """

    def __init__(
        self,
        layers: int,
        batch: int,
        kv_heads: int,
        capacity: int,
        head_dim: int,
        dtype: torch.dtype,
        device: Any = "cpu",
        windows: Sequence[int | None] | None = None,
        value_dim: int | None = None,
    ):
        given = [None] * layers if windows is None else list(windows)
        columns = [block_columns(window, capacity) for window in given]
        # A block that holds everything never moves; it is read from the window's first column on all the same.
        self.windows = [window if size < capacity else None for window, size in zip(given, columns, strict=True)]
        # Zeros: what is left of a short row is masked, but 0 * NaN would come through a mask.
        self.keys, self.values = (
            [torch.zeros(batch, kv_heads, size, width, dtype=dtype, device=device) for size in columns]
            for width in (head_dim, head_dim if value_dim is None else value_dim)
        )
        self.length = 0
        self.start = 0  # where a part of another cache begins in its columns

    @classmethod
    def of(cls, module: Any, batch: int, capacity: int) -> "KVCache":
        """A cache that fits a decoder: its layers, heads, dtype and device; what a model without attention makes in its place."""
        if (made := getattr(module, "empty_cache", None)) is not None:
            return made(batch, capacity)
        blocks = module.config.blueprint().blocks
        kept = {(block.attention.cache_heads, *block.attention.cache_widths) for block in blocks}
        assert len(kept) == 1, f"the layers keep different numbers of a token: {sorted(kept)}"
        heads, keys, values = kept.pop()
        return cls(
            len(blocks),
            batch,
            heads,
            capacity,
            keys // heads,
            module.compute_dtype,
            module.device,
            [block.attention.window for block in blocks],
            values // heads,
        )

    def update(
        self,
        layer: int,
        key: Float[Tensor, "batch kv_heads new head_dim"],
        value: Float[Tensor, "batch kv_heads new value_dim"],
    ) -> tuple[Float[Tensor, "batch kv_heads keys head_dim"], Float[Tensor, "batch kv_heads keys value_dim"]]:
        """Append one layer's new keys and values; give back all so far, or what its window shows of them.

        The last layer's call moves `length` on.
        """
        keys, values = self._append(layer, self.keys[layer], key), self._append(layer, self.values[layer], value)
        if layer == len(self.keys) - 1:
            self.length += key.shape[2]
        return keys, values

    def _append(self, layer: int, kept: Tensor, new: Tensor) -> Tensor:
        if (window := self.windows[layer]) is None:
            return append(kept, new, self.length)
        return append_within(kept, new, self.start + self.length, window, self.length)

    def part(self, rows: slice, start: int) -> "KVCache":
        """An empty cache that writes into these rows of this one, from column `start` on."""
        view = object.__new__(KVCache)
        first = [start if window is None else 0 for window in self.windows]  # a block that moves has no fixed columns
        view.keys = [tensor[rows, :, begin:] for tensor, begin in zip(self.keys, first, strict=True)]
        view.values = [tensor[rows, :, begin:] for tensor, begin in zip(self.values, first, strict=True)]
        view.windows, view.length, view.start = self.windows, 0, self.start + start
        return view

    def select(self, rows: Int[Tensor, " rows"]) -> None:
        """Keep these rows, in this order; a row named twice is copied."""
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                new = old.new_empty(len(rows), *old.shape[1:])
                new[:, :, : self.length] = old[:, :, : self.length].index_select(0, rows)
                tensors[layer] = new
