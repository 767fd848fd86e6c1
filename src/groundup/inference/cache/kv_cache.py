"""KV cache: keys and values of earlier tokens, kept so that a new token costs one position and not the whole text.

One block of memory a layer, as long as the longest row may become; nothing is allocated while decoding.
Pope et al. 2022, arXiv:2211.05102, section 2. Left out: pages, windows, quantised storage.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.slots import slot


@slot
def append(
    kept: Float[Tensor, "batch kv_heads capacity head_dim"], new: Float[Tensor, "batch kv_heads new head_dim"], length: int
) -> Float[Tensor, "batch kv_heads keys head_dim"]:
    """Write the keys (or values) of new tokens behind the `length` that are kept; a view of all so far, nothing copied.

    kept: the block of memory, changed in place; its columns from `length` on are free. AssertionError when it is full.
    """
    end = length + new.shape[2]
    assert end <= kept.shape[2], f"the cache holds {kept.shape[2]} positions, not {end}"
    kept[:, :, length:end] = new
    return kept[:, :, :end]


class KVCache:
    """Keys and values of `batch` rows. `length`: columns that are filled, padding on the left included."""

    def __init__(
        self,
        layers: int,
        batch: int,
        kv_heads: int,
        capacity: int,
        head_dim: int,
        dtype: torch.dtype,
        device: Any = "cpu",
    ):
        shape = (batch, kv_heads, capacity, head_dim)
        # Zeros: what is left of a short row is masked, but 0 * NaN would come through a mask.
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(layers)]
        self.length = 0

    @classmethod
    def of(cls, module: Any, batch: int, capacity: int) -> "KVCache":
        """A cache that fits a decoder: its layers, heads, dtype and device."""
        config = module.config
        return cls(
            config.num_hidden_layers,
            batch,
            config.num_key_value_heads,
            capacity,
            config.head_dim,
            module.compute_dtype,
            module.device,
        )

    def update(
        self,
        layer: int,
        key: Float[Tensor, "batch kv_heads new head_dim"],
        value: Float[Tensor, "batch kv_heads new head_dim"],
    ) -> tuple[Float[Tensor, "batch kv_heads keys head_dim"], Float[Tensor, "batch kv_heads keys head_dim"]]:
        """Append one layer's new keys and values; give back all so far. The last layer's call moves `length` on."""
        keys, values = append(self.keys[layer], key, self.length), append(self.values[layer], value, self.length)
        if layer == len(self.keys) - 1:
            self.length += key.shape[2]
        return keys, values

    def part(self, rows: slice, start: int) -> "KVCache":
        """An empty cache that writes into these rows of this one, from column `start` on."""
        view = object.__new__(KVCache)
        view.keys = [tensor[rows, :, start:] for tensor in self.keys]
        view.values = [tensor[rows, :, start:] for tensor in self.values]
        view.length = 0
        return view

    def select(self, rows: Int[Tensor, " rows"]) -> None:
        """Keep these rows, in this order; a row named twice is copied."""
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                new = old.new_empty(len(rows), *old.shape[1:])
                new[:, :, : self.length] = old[:, :, : self.length].index_select(0, rows)
                tensors[layer] = new
