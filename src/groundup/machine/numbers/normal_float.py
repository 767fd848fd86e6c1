"""NF4: sixteen levels, placed where the weights of a trained matrix are: dense around 0, sparse at the ends.

Weights are nearly normal. Levels at equal steps leave the outer ones almost unused; NF4 takes quantiles of the normal
distribution instead, so that each level is used about equally often, scales them to [-1, 1] and keeps an exact 0 (seven
levels below it, eight above). 64 weights share one FP32 scale, their largest size: 4.5 bits a weight.

Dettmers et al. 2023, arXiv:2305.14314, section 3 and appendix E (the levels). As in bitsandbytes a tensor is one row, a
byte holds two codes, the earlier one in the upper four bits, and a number in the middle between two levels goes down.
The last block may be short: its scale is that of the numbers it has, and the shape is kept beside.

Left out: the scales' own quantization to 8 bits (4.13 bits a weight); matrix products: quantization does them.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.machine.numbers.blocks import inverse, refuse_what_is_not_finite
from groundup.slots import filled, slot

NF4_LEVELS = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    np.float32,
)
ZERO = 7  # the code of 0
BITS_PER_WEIGHT = 4 + 32 / 64


class NormalFloat(NamedTuple):
    """Codes two a byte, a scale (the largest size) for each block of the flattened tensor, and the tensor's shape."""

    codes: np.ndarray
    absmax: np.ndarray
    shape: tuple[int, ...]
    block_size: int

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.codes.nbytes + self.absmax.nbytes


@slot
def nf4_codes(scaled: np.ndarray) -> np.ndarray:
    """Give each number from -1 to 1 the code (uint8, 0 to 15) of its nearest level; a middle between two goes to the lower."""
    middles = ((NF4_LEVELS[1:].astype(np.float64) + NF4_LEVELS[:-1]) / 2).astype(np.float32)
    return np.searchsorted(middles, scaled, side="left").astype(np.uint8)


def encode_nf4(values: Any, block_size: int = 64) -> NormalFloat:
    """Write an array of any shape as NF4."""
    if block_size < 2 or block_size % 2:
        raise InputError(
            f"block_size={block_size} is not possible, as a byte holds two codes; use an even number, such as 64"
        )
    array = np.ascontiguousarray(values, dtype=np.float32)
    refuse_what_is_not_finite(array, "NF4")
    blocks = _blocks(array, block_size)
    absmax = np.abs(blocks).max(axis=1, keepdims=True, initial=0.0)
    scaled = blocks * inverse(absmax)
    if filled("machine.numbers.nf4_codes"):
        codes = nf4_codes(scaled.ravel())
        packed = codes[0::2] << 4 | codes[1::2]
    else:
        from groundup.machine.numbers import block_loops

        packed = block_loops.nf4_pairs(scaled.ravel())
    return NormalFloat(packed[: -(-array.size // 2)], absmax.ravel(), array.shape, block_size)


def _blocks(array: np.ndarray, block_size: int) -> np.ndarray:
    """The flattened array in rows of one block, the last one filled up with zeros: they change no scale."""
    missing = -array.size % block_size
    flat = np.concatenate([array.ravel(), np.zeros(missing, np.float32)]) if missing else array
    return flat.reshape(-1, block_size)


def decode_nf4(given: NormalFloat) -> np.ndarray:
    """Read NF4 as float32 in the tensor's shape: the level of each code, times its block's scale."""
    count = math.prod(given.shape)
    if len(given.codes) != -(-count // 2) or len(given.absmax) != -(-count // given.block_size):
        raise InputError(
            f"{len(given.codes)} bytes and {len(given.absmax)} scales are no tensor of shape {given.shape} in blocks of "
            f"{given.block_size}; it has {-(-count // 2)} and {-(-count // given.block_size)}"
        )
    from groundup.machine.numbers import block_loops

    numbers = block_loops.nf4_numbers(given.codes, given.absmax, given.block_size, NF4_LEVELS)
    return numbers[:count].reshape(given.shape)
