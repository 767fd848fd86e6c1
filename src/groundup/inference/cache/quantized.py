"""Quantised pages: a kept key or value as 8- or 4-bit steps of a scale of its own, a half or a quarter of what bf16 takes.

    int8   a scale for each head vector of each token       head_dim + 4 bytes       off by at most 1/254 of its largest number
    int4   a scale for each group of 32 numbers             head_dim / 2 + 4 a group       off by at most 1/14

A step of decoding reads the whole cache, so at long texts its bytes are the time. A scale per vector, and not per page, because a vector is
rounded when its token comes and never again: a page's scale would have to be changed by each louder token that follows. With int8 nothing is
turned back into floats before it is used: the scale of a key multiplies its score, that of a value its share,
q (s c) = s (q c). Codes and scales are those of `machine.numbers.integers` (symmetric).

Keys have a few loud coordinates that are loud in all tokens, which is where 4 bits lose most; a scale for each coordinate over many tokens
keeps them better (Liu et al. 2024, KIVI, arXiv:2402.02750, section 3), but needs a page to be full before it is rounded. Left out: that;
a kernel for int4, which is gathered and turned back by torch.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import ConfigError
from groundup.inference.cache.paged import PagePool, memory
from groundup.machine.numbers.integers import Scaled, dequantize, pack_nibbles, quantize, unpack_nibbles
from groundup.slots import slot

GROUP = 32  # numbers that share a scale in int4
CODECS = ("int8", "int4")


@slot
def quantize_vectors(
    vectors: Float[np.ndarray, "kv_heads new width"], bits: int, group_size: int
) -> tuple[np.ndarray, Float[np.ndarray, "kv_heads new groups"]]:
    """Round new keys or values, every `group_size` numbers to steps of their own scale: int8 codes (as given), scales.

    code * scale is the number; the largest of a group has the code 2^(bits-1) - 1, and a group of zeros codes and scale 0.
    """
    given = quantize(vectors, bits, group_size=group_size)
    return given.codes, given.scale


class QuantizedPool(PagePool):
    """A page pool whose keys and values are codes, with `scales` (of keys, of values) beside them. codec: int8 or int4."""

    def __init__(self, layers: int, kv_heads: int, head_dim: int, *, codec: str = "int8", **sizes: Any):
        if codec not in CODECS:
            raise ConfigError(
                f"there is no cache of the kind {codec!r}; use {' or '.join(CODECS)}, or a PagePool for floats"
            )
        self.codec, self.bits = codec, 8 if codec == "int8" else 4
        sizes["dtype"] = torch.int8 if codec == "int8" else torch.uint8
        super().__init__(layers, kv_heads, head_dim, **sizes)

    def _make_memory(self) -> None:
        widths = (self.head_dim, self.value_dim)
        self.groups = [width if self.bits == 8 else GROUP for width in widths]
        if any(width % group for width, group in zip(widths, self.groups, strict=True)):
            raise ConfigError(f"heads of {self.head_dim} numbers do not fill groups of {GROUP}; use codec='int8'")
        shape = (self.layers, self.pages, self.kv_heads, self.page_size)
        codes = [memory((*shape, width * self.bits // 8), self.dtype, self.device) for width in widths]
        self.keys, self.values = codes
        each = [() if self.bits == 8 else (width // GROUP,) for width in widths]
        self.scales = [memory((*shape, *groups), torch.float32, self.device) for groups in each]

    @property
    def arrays(self) -> dict[str, Tensor]:
        """Codes and scales."""
        return super().arrays | {"key_scales": self.scales[0], "value_scales": self.scales[1]}

    def write(self, layer: int, slots: Tensor, key: Tensor, value: Tensor) -> None:
        """Round the new keys and values of one layer and write codes and scales to their places."""
        pages, places = slots // self.page_size, slots % self.page_size
        parts = zip((key, value), (self.keys, self.values), self.scales, self.groups, strict=True)
        for vectors, kept, scales, group in parts:
            codes, scale = quantize_vectors(vectors.detach().float().cpu().numpy(), self.bits, group)
            codes = pack_nibbles(codes) if self.bits == 4 else codes
            scale = scale[..., 0] if self.bits == 8 else scale
            kept[layer][pages, :, places] = torch.from_numpy(codes).to(self.device).transpose(0, 1)
            scales[layer][pages, :, places] = torch.from_numpy(scale).to(self.device).transpose(0, 1)

    def gather(self, layer: int, row: int, length: int) -> tuple[Tensor, Tensor]:
        """A row's keys and values of one layer as the numbers that the codes stand for, in float32."""
        pages = self.page_numbers(row, length)
        kept = zip((self.keys, self.values), self.scales, strict=True)
        return tuple(  # type: ignore[return-value]
            self._numbers(self._gather(codes[layer], pages)[:, :length], self._gather(scales[layer], pages)[:, :length])
            for codes, scales in kept
        )

    def _numbers(self, codes: Tensor, scales: Tensor) -> Tensor:
        plain = codes.cpu().numpy()
        plain = unpack_nibbles(plain, signed=True) if self.bits == 4 else plain
        scale = scales.cpu().numpy()
        return torch.from_numpy(dequantize(Scaled(plain, scale[..., None] if self.bits == 8 else scale))).to(
            self.device
        )
