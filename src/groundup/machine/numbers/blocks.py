"""Block formats of GGUF files: 32 weights share a scale, so that a weight costs 4.5 to 8.5 bits instead of 32.

    Q8_0   d q0 q1 ... q31              34 bytes   x = d * q            q from -127 to 127
    Q4_0   d q0|q16 q1|q17 ...          18 bytes   x = d * (q - 8)      q from 0 to 15
    Q4_1   d m q0|q16 q1|q17 ...        20 bytes   x = d * q + m        q from 0 to 15
    Q5_0   d h q0|q16 q1|q17 ...        22 bytes   x = d * (q - 16)     q from 0 to 31
    Q5_1   d m h q0|q16 q1|q17 ...      24 bytes   x = d * q + m        q from 0 to 31

d (and the minimum m) are FP16. In a byte of two, the first half of the block stands in the lower four bits and the second
half in the upper ones, so that one AND and one shift give 16 neighbours each. Q8_0 and Q4_1 spread their steps over what
the block holds. Q4_0 has 16 steps and a zero, so its ends are uneven: d = (the number of largest size) / -8 gives that
number the step -8, exactly, and the other side ends at 7. Q5_0 and Q5_1 do the same with 32 steps, whose fifth bits
stand apart: h is 32 bits, and bit i belongs to number i.

A scale for each 32 weights follows their size: one outlier spoils its block only. ggml's files (`ggml-quants.c`) are met
to the last bit: scales are used in FP32 and stored in FP16; Q8_0 rounds halves away from zero, Q4_0 cuts x / d + 8.5.

The `encode_…` and `decode_…` functions are the definitions, on rows of 32 numbers or one block's bytes; `encode_blocks`
and `decode_blocks` do whole arrays by compiled loops. The K-quants are read by `k_quants.py`. Left out: the
IQ formats, importance weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.slots import filled, slot

BLOCK = 32  # numbers
Kernel = Callable[[np.ndarray], np.ndarray]


def round_half_away(values: np.ndarray) -> np.ndarray:
    """Round to whole numbers as C's roundf: 0.5 to 1 and -0.5 to -1, where NumPy goes to the even neighbour."""
    size = np.abs(values)
    whole = np.floor(size)
    return np.sign(values) * (whole + np.floor(2 * (size - whole)))  # size + 0.5 would round 0.49999997 up


def inverse(scale: np.ndarray) -> np.ndarray:
    """1 / scale, and 0 where the scale is 0 or so small that its inverse is infinite."""
    with np.errstate(divide="ignore", over="ignore"):
        inverted = np.float32(1) / scale
    return np.where(np.isfinite(inverted), inverted, np.float32(0))


def half_bytes(values: np.ndarray) -> np.ndarray:
    """Numbers as FP16, two bytes each; refused where FP16 would make them infinite."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if np.isinf(half).any():
        raise InputError(
            f"a block needs the scale or minimum {values[np.isinf(half)].flat[0]:.4g}, and FP16 ends at 65504; "
            "scale the tensor down, or store it as F32"
        )
    return half.reshape(-1, 1).view(np.uint8)


@slot
def encode_q8_0(blocks: np.ndarray) -> np.ndarray:
    """Write float32 blocks (n, 32) as Q8_0 bytes (n, 34): d = the largest size / 127, then the nearest steps."""
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    steps = round_half_away(blocks * inverse(scale)).astype(np.int8)
    return np.concatenate([half_bytes(scale), steps.view(np.uint8)], axis=1)


def decode_q8_0(data: np.ndarray) -> np.ndarray:
    """Read Q8_0 bytes (n, 34) as float32 blocks (n, 32)."""
    return data[:, 2:].view(np.int8) * _half(data, 0)


@slot
def encode_q4_0(blocks: np.ndarray) -> np.ndarray:
    """Write float32 blocks (n, 32) as Q4_0 bytes (n, 18): d = the number of largest size, with its sign, / -8.

    Steps are x / d + 8.5 without what follows the point, at most 15. Of two numbers of the largest size the first decides.
    """
    largest = np.abs(blocks).argmax(axis=1, keepdims=True)
    scale = np.take_along_axis(blocks, largest, axis=1) / np.float32(-8)
    steps = np.minimum(np.trunc(blocks * inverse(scale) + np.float32(8.5)), 15).astype(np.uint8)
    return np.concatenate([half_bytes(scale), _pairs(steps)], axis=1)


def decode_q4_0(data: np.ndarray) -> np.ndarray:
    """Read Q4_0 bytes (n, 18) as float32 blocks (n, 32)."""
    return (_steps(data[:, 2:]).astype(np.float32) - 8) * _half(data, 0)


def encode_q4_1(blocks: np.ndarray) -> np.ndarray:
    """Write float32 blocks (n, 32) as Q4_1 bytes (n, 20): d = (largest - smallest) / 15, m = the smallest.

    Steps are (x - m) / d + 0.5 without what follows the point, at most 15.
    """
    scale, smallest, steps = _from_the_smallest(blocks, 15)
    return np.concatenate([half_bytes(scale), half_bytes(smallest), _pairs(steps)], axis=1)


def decode_q4_1(data: np.ndarray) -> np.ndarray:
    """Read Q4_1 bytes (n, 20) as float32 blocks (n, 32)."""
    return _steps(data[:, 4:]).astype(np.float32) * _half(data, 0) + _half(data, 2)


def encode_q5_0(blocks: np.ndarray) -> np.ndarray:
    """Write float32 blocks (n, 32) as Q5_0 bytes (n, 22): as Q4_0 with -16, 16.5 and at most 31."""
    largest = np.abs(blocks).argmax(axis=1, keepdims=True)
    scale = np.take_along_axis(blocks, largest, axis=1) / np.float32(-16)
    steps = np.minimum(np.trunc(blocks * inverse(scale) + np.float32(16.5)), 31).astype(np.uint8)
    return np.concatenate([half_bytes(scale), _fifth_bits(steps), _pairs(steps & 15)], axis=1)


def decode_q5_0(data: np.ndarray) -> np.ndarray:
    """Read Q5_0 bytes (n, 22) as float32 blocks (n, 32)."""
    return (_five_bit_steps(data, 2).astype(np.float32) - 16) * _half(data, 0)


def encode_q5_1(blocks: np.ndarray) -> np.ndarray:
    """Write float32 blocks (n, 32) as Q5_1 bytes (n, 24): as Q4_1 with 31."""
    scale, smallest, steps = _from_the_smallest(blocks, 31)
    return np.concatenate([half_bytes(scale), half_bytes(smallest), _fifth_bits(steps), _pairs(steps & 15)], axis=1)


def decode_q5_1(data: np.ndarray) -> np.ndarray:
    """Read Q5_1 bytes (n, 24) as float32 blocks (n, 32)."""
    return _five_bit_steps(data, 4).astype(np.float32) * _half(data, 0) + _half(data, 2)


def _from_the_smallest(blocks: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scale, the minimum and the steps 0 to `most` of a format with a minimum."""
    smallest, largest = (  # of 0 and -0 the first
        np.take_along_axis(blocks, place(axis=1, keepdims=True), axis=1) for place in (blocks.argmin, blocks.argmax)
    )
    scale = (largest - smallest) / np.float32(most)
    steps = np.trunc((blocks - smallest) * inverse(scale) + np.float32(0.5))
    return scale, smallest, np.minimum(steps, most).astype(np.uint8)


def _fifth_bits(steps: np.ndarray) -> np.ndarray:
    """The fifth bit of each of 32 steps, four bytes: bit i % 8 of byte i // 8 is that of number i."""
    return np.packbits(steps >> 4, axis=1, bitorder="little")


def _five_bit_steps(data: np.ndarray, at: int) -> np.ndarray:
    """32 steps of five bits: four bytes of fifth bits from byte `at` on, then the lower four bits in pairs."""
    fifth = np.unpackbits(data[:, at : at + 4], axis=1, bitorder="little")
    return _steps(data[:, at + 4 :]) | fifth << 4


def _half(data: np.ndarray, at: int) -> np.ndarray:
    """The FP16 number at a byte of every block, as a float32 column."""
    return np.ascontiguousarray(data[:, at : at + 2]).view(np.float16).astype(np.float32)


def _pairs(steps: np.ndarray) -> np.ndarray:
    """Two steps a byte: the first half of the block below, the second above."""
    return steps[:, : BLOCK // 2] | steps[:, BLOCK // 2 :] << 4


def _steps(pairs: np.ndarray) -> np.ndarray:
    """The inverse of `_pairs`."""
    return np.concatenate([pairs & 15, pairs >> 4], axis=1)


# ───────── whole arrays ─────────


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """A format's sizes and its definitions; its compiled loops have the same names."""

    name: str
    bytes: int  # of a block
    encode: Kernel
    decode: Kernel

    @property
    def bits_per_weight(self) -> float:
        """What a weight costs, with its share of the scale."""
        return 8 * self.bytes / BLOCK


BLOCKS = {
    one.name: one
    for one in (
        BlockFormat("Q8_0", 34, encode_q8_0, decode_q8_0),
        BlockFormat("Q4_0", 18, encode_q4_0, decode_q4_0),
        BlockFormat("Q4_1", 20, encode_q4_1, decode_q4_1),
        BlockFormat("Q5_0", 22, encode_q5_0, decode_q5_0),
        BlockFormat("Q5_1", 24, encode_q5_1, decode_q5_1),
    )
}


def encode_blocks(values: Any, name: str) -> np.ndarray:
    """Write an array of numbers (..., n) as bytes (..., n / 32 * bytes of a block), row by row as in a GGUF file."""
    format = _format(name)
    array = np.ascontiguousarray(values, dtype=np.float32)
    if array.ndim == 0 or array.shape[-1] % BLOCK:
        width = array.shape[-1] if array.ndim else 0
        raise InputError(
            f"rows of {width} numbers do not fill blocks of {BLOCK}; store this tensor as F16, or give it a width that "
            f"{BLOCK} divides"
        )
    refuse_what_is_not_finite(array, name)
    encoded = _kernel(format, "encode")(array.reshape(-1, BLOCK))
    return encoded.reshape(*array.shape[:-1], array.shape[-1] // BLOCK * format.bytes)


def refuse_what_is_not_finite(array: np.ndarray, name: str) -> None:
    """Raise InputError for the first NaN or infinity of a contiguous float32 array: it would spoil its whole block."""
    from groundup.machine.numbers import block_loops

    if block_loops.all_finite(array.ravel().view(np.int32)):
        return
    first = int(np.flatnonzero(~np.isfinite(array.ravel()))[0])
    place = [int(index) for index in np.unravel_index(first, array.shape)]
    raise InputError(
        f"{array.flat[first]} at index {place} cannot be held by {name}, whose block has one scale; "
        "find out where it comes from, or store the tensor as F32"
    )


def decode_blocks(data: Any, name: str) -> np.ndarray:
    """Read bytes (..., n / 32 * bytes of a block) as float32 numbers (..., n)."""
    format = _format(name)
    array = np.ascontiguousarray(data)
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[-1] % format.bytes:
        raise InputError(
            f"rows of {array.shape[-1] if array.ndim else 0} {array.dtype} are no blocks of {name}; give uint8 bytes, "
            f"{format.bytes} for each {BLOCK} numbers"
        )
    numbers = _kernel(format, "decode")(array.reshape(-1, format.bytes))
    return numbers.reshape(*array.shape[:-1], array.shape[-1] // format.bytes * BLOCK)


def _format(name: str) -> BlockFormat:
    if name not in BLOCKS:
        raise InputError(f"block format {name!r} is not implemented; there are {', '.join(BLOCKS)}")
    return BLOCKS[name]


def _kernel(format: BlockFormat, way: str) -> Kernel:
    """The compiled loop, or the definition where a learner's function takes part."""
    function = f"{way}_{format.name.lower()}"
    if filled(f"machine.numbers.{function}"):
        return getattr(format, way)
    from groundup.machine.numbers import block_loops

    return getattr(block_loops, function)
