"""INT8 and INT4: whole numbers times a scale, one for each row (output channel) or each group of neighbours.

    symmetric    x = scale * q                   q from -127 to 127 (-7 to 7)      scale = largest size / 127
    asymmetric   x = scale * (q - zero_point)    q from 0 to 255 (0 to 15)         scale = (high - low) / 255

Symmetric suits weights, which lie around 0: products need no correction. Asymmetric suits what lies on one side, such as
activations after a ReLU: it would leave half of the symmetric steps unused. Its range is widened to hold 0, and its zero
point is a whole number, so 0 (padding, a pruned weight) stays exactly 0. Rounding is off by at most half a scale.

Jacob et al. 2018, arXiv:1712.05877, section 2.1 (eq. 1: r = S (q - Z)); Krishnamoorthi 2018, arXiv:1806.08342, section 3.

Left out: choosing the range by other than its ends (percentiles, GPTQ): quantization does that; integer matrix products.
"""

from typing import Any, NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.machine.numbers.blocks import inverse, refuse_what_is_not_finite
from groundup.slots import slot


class Scaled(NamedTuple):
    """Codes in the array's shape (int8, or uint8 with a zero point), and a scale for each row and group: (..., groups)."""

    codes: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray | None = None


@slot
def symmetric_codes(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Round each row (..., n) to int8 steps of its own scale; gives codes (..., n) and scales (..., 1).

    The largest size becomes 2^(bits-1) - 1, and the most negative code of all stays unused, so that -x has the code -q.
    """
    most = 2 ** (bits - 1) - 1
    scale = np.abs(values).max(axis=-1, keepdims=True, initial=0.0) / np.float32(most)
    return np.clip(np.rint(values * inverse(scale)), -most, most).astype(np.int8), scale


@slot
def asymmetric_codes(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Round each row (..., n) to uint8 steps between its ends; gives codes (..., n), scales and zero points (..., 1).

    The ends are widened to hold 0. zero_point: the code of 0, a whole number (uint8).
    """
    most = 2**bits - 1
    low, high = values.min(axis=-1, keepdims=True, initial=0.0), values.max(axis=-1, keepdims=True, initial=0.0)
    scale = (high - low) / np.float32(most)
    zero_point = np.rint(-low * inverse(scale))
    codes = np.clip(np.rint(values * inverse(scale)) + zero_point, 0, most)
    return codes.astype(np.uint8), scale, zero_point.astype(np.uint8)


def quantize(values: Any, bits: int = 8, *, symmetric: bool = True, group_size: int | None = None) -> Scaled:
    """Round an array (..., n) to integers of 2 to 8 bits.

    group_size: neighbours along the last axis that share a scale; None: the whole row. One scale for a whole tensor:
    reshape it to one row.
    """
    if not 2 <= bits <= 8:
        raise InputError(f"bits={bits} is not possible; use 2 to 8")
    array = np.ascontiguousarray(values, dtype=np.float32)
    refuse_what_is_not_finite(array, f"INT{bits}")
    size = group_size or (array.shape[-1] if array.ndim else 0) or 1
    if array.ndim == 0 or size < 1 or array.shape[-1] % size:
        raise InputError(
            f"rows of {array.shape[-1] if array.ndim else 0} numbers do not fill groups of {size}; use a group_size that "
            "divides them, or None for one scale a row"
        )
    groups = array.reshape(*array.shape[:-1], array.shape[-1] // size, size)
    codes, scale, *zero_point = symmetric_codes(groups, bits) if symmetric else asymmetric_codes(groups, bits)
    return Scaled(codes.reshape(array.shape), scale[..., 0], zero_point[0][..., 0] if zero_point else None)


def dequantize(given: Scaled) -> np.ndarray:
    """The numbers that the codes stand for, as float32."""
    groups = given.codes.reshape(*given.scale.shape, -1) if given.codes.size else given.codes[..., None]
    steps = groups.astype(np.float32)
    if given.zero_point is not None:
        steps -= given.zero_point[..., None]
    return (steps * given.scale[..., None]).reshape(given.codes.shape)


def pack_nibbles(codes: np.ndarray) -> np.ndarray:
    """Two 4-bit codes (..., n) a byte (..., n / 2), the earlier one in the lower four bits; negative ones in two's complement.

    >>> pack_nibbles(np.array([1, 2, -1, 0], np.int8)).tolist()
    [33, 15]
    """
    if codes.shape[-1] % 2:
        raise InputError(f"rows of {codes.shape[-1]} codes do not fill bytes of two; append a 0 to each row")
    if codes.size and (codes.min() < -8 or codes.max() > (7 if codes.min() < 0 else 15)):
        raise InputError(f"codes from {codes.min()} to {codes.max()} do not fit 4 bits; quantize with bits=4")
    low = codes.astype(np.uint8) & 15
    return low[..., 0::2] | low[..., 1::2] << 4


def unpack_nibbles(packed: np.ndarray, *, signed: bool) -> np.ndarray:
    """The codes of `pack_nibbles`: int8 from -8 to 7 where signed, uint8 from 0 to 15 where not."""
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)
    return (codes.astype(np.int8) ^ 8) - 8 if signed else codes
