"""Floating point bit by bit: a sign, an exponent that says how large, a fraction that says where between two powers of two.

    FP32      s eeeeeeee fffffffffffffffffffffff      value = (-1)^s * 2^(e - bias) * (1 + f / 2^F)      for 0 < e
    TF32      s eeeeeeee ffffffffff                           (-1)^s * 2^(1 - bias) * (0 + f / 2^F)      for e = 0
    BF16      s eeeeeeee fffffff
    FP16      s eeeee ffffffffff                      bias = 2^(E-1) - 1, with E bits of exponent and F of fraction
    FP8 e5m2  s eeeee ff                              the largest e: infinity for f = 0, else NaN (IEEE 754)
    FP8 e4m3  s eeee fff                              (fn) no infinity; only the pattern of all ones is NaN

Between two powers of two the numbers stand evenly, 2^F of them, so the relative error of rounding is at most 2^-(F+1),
whatever the size; below the smallest normal number they stay evenly spaced down to 0 (subnormals).
Rounding goes to the nearest, on a tie to the even pattern, or at random: up with the probability of the part that is cut
off, which makes it right on average. What is too large becomes infinity or, where there is none, NaN; `saturate` holds it
at the largest number, as training in FP8 does.

IEEE 754-2019, sections 3.4 and 4.3; Kalamkar et al. 2019 (BF16), arXiv:1905.12322; Micikevicius et al. 2022 (FP8),
arXiv:2209.05433, table 1; TF32 as in NVIDIA's A100 paper: it lies in the upper 19 bits of an FP32.

`encode_bits` and `decode_bits` are the definitions, one number at a time; `encode_float` and `decode_float` do arrays.
Left out: FP64's own patterns, posits, FP6 and FP4 (MX), NaN payloads.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.slots import filled, slot

DECODE, ENCODE = "machine.numbers.decode_bits", "machine.numbers.encode_bits"


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """How many bits go where. infinities: the largest exponent is kept for infinity and NaN."""

    name: str
    exponent_bits: int
    fraction_bits: int
    infinities: bool = True

    @property
    def bits(self) -> int:
        """All bits of a number, with its sign."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """The exponent field that means 2^0."""
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def smallest_exponent(self) -> int:
        """The power of two of the smallest normal number; subnormal numbers share it."""
        return 1 - self.bias

    @property
    def largest_pattern(self) -> int:
        """The pattern of the largest finite number; what follows is infinity or NaN."""
        top = 2 ** (self.bits - 1)
        return top - 2 - (2**self.fraction_bits - 1 if self.infinities else 0)

    @property
    def nan_pattern(self) -> int:
        """The pattern that NaN is written as."""
        return self.largest_pattern + 1 + (2 ** (self.fraction_bits - 1) if self.infinities else 0)

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return decode_bits(self.largest_pattern, self).value

    @property
    def smallest_normal(self) -> float:
        """Below it, precision is lost bit by bit."""
        return 2.0**self.smallest_exponent

    @property
    def smallest(self) -> float:
        """The smallest positive number: half of it rounds to 0."""
        return 2.0 ** (self.smallest_exponent - self.fraction_bits)

    @property
    def epsilon(self) -> float:
        """From 1 to the next number."""
        return 2.0**-self.fraction_bits

    @property
    def storage(self) -> type:
        """The NumPy type that holds a pattern."""
        return np.uint8 if self.bits <= 8 else np.uint16 if self.bits <= 16 else np.uint32

    def spacing(self, value: float) -> float:
        """The distance between the two neighbours of a number of this size."""
        exponent = math.frexp(value)[1] - 1 if value else self.smallest_exponent
        return 2.0 ** (max(exponent, self.smallest_exponent) - self.fraction_bits)


FP32 = FloatFormat("FP32", 8, 23)
TF32 = FloatFormat("TF32", 8, 10)
BF16 = FloatFormat("BF16", 8, 7)
FP16 = FloatFormat("FP16", 5, 10)
FP8_E5M2 = FloatFormat("FP8 e5m2", 5, 2)
FP8_E4M3 = FloatFormat("FP8 e4m3", 4, 3, infinities=False)
FORMATS = {one.name: one for one in (FP32, TF32, BF16, FP16, FP8_E5M2, FP8_E4M3)}


class Parts(NamedTuple):
    """A pattern taken apart: the three fields as they are stored, and the number that they mean."""

    sign: int
    exponent: int
    fraction: int
    value: float


@slot
def decode_bits(pattern: int, format: FloatFormat) -> Parts:
    """Take a bit pattern apart, and say which number it is: a float, infinity or NaN."""
    sign = pattern >> (format.bits - 1)
    exponent = (pattern >> format.fraction_bits) & (2**format.exponent_bits - 1)
    fraction = pattern & (2**format.fraction_bits - 1)
    part = fraction / 2**format.fraction_bits
    if exponent == 0:
        size = 2.0**format.smallest_exponent * part
    elif (pattern & (2 ** (format.bits - 1) - 1)) <= format.largest_pattern:
        size = 2.0 ** (exponent - format.bias) * (1 + part)
    else:
        size = math.inf if format.infinities and fraction == 0 else math.nan
    return Parts(sign, exponent, fraction, -size if sign else size)


@slot
def encode_bits(value: float, format: FloatFormat) -> int:
    """Find the pattern of the nearest number; on a tie the even pattern; beyond the largest, infinity or NaN.

    Patterns of positive numbers are in the order of their values, so a carry out of the fraction raises the exponent,
    and out of the largest number makes infinity, all by itself.
    """
    sign = 2 ** (format.bits - 1) if math.copysign(1.0, value) < 0 else 0
    if math.isnan(value):
        return sign | format.nan_pattern
    beyond = format.largest_pattern + 1
    if math.isinf(value):
        return sign | beyond
    if value == 0:
        return sign
    exponent = max(math.frexp(value)[1] - 1, format.smallest_exponent)
    spacing = Fraction(2) ** (exponent - format.fraction_bits)
    steps = round(Fraction(abs(value)) / spacing)  # exact, and a tie goes to the even number of steps
    return sign | min(((exponent - format.smallest_exponent) << format.fraction_bits) + steps, beyond)


# ───────── arrays ─────────


def encode_float(
    values: Any, format: FloatFormat, *, random: np.random.Generator | None = None, saturate: bool = False
) -> np.ndarray:
    """Round an array of numbers into bit patterns of the format's `storage` type, in the same shape.

    random: round at random with draws from it, so that the mean of many roundings is the number itself; None: to nearest.
    saturate: hold what is too large (infinity too) at the largest number.
    """
    array = _floats(values)
    if saturate:
        array = np.clip(array, -format.largest, format.largest)  # NaN stays
    if filled(ENCODE) and random is None:
        return np.array([encode_bits(float(one), format) for one in array.flat], format.storage).reshape(array.shape)
    from groundup.machine.numbers import rounding

    if random is None and array.dtype == np.float32 and format in (BF16, TF32):
        words = np.ascontiguousarray(array).ravel().view(np.uint32)
        patterns = rounding.shortened(words, FP32.bits - format.bits, format.nan_pattern)
    elif random is None:
        patterns = rounding.nearest(array.ravel(), *_numbers_of(format))
    else:
        patterns = rounding.at_random(array.ravel(), random.random(array.size), *_numbers_of(format))
    return patterns.astype(format.storage, copy=False).reshape(array.shape)


def _floats(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise InputError(f"an array of {array.dtype} cannot be rounded; give floats or whole numbers")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _numbers_of(format: FloatFormat) -> tuple[int, ...]:
    """A format as the compiled loops take it."""
    return format.bits, format.fraction_bits, format.smallest_exponent, format.largest_pattern, format.nan_pattern


def decode_float(patterns: Any, format: FloatFormat) -> np.ndarray:
    """Say which numbers an array of patterns are, as float32 in the same shape: every format here fits into it exactly."""
    array = np.asarray(patterns)
    if array.dtype.kind not in "iu" or (array.size and not 0 <= int(array.min()) <= int(array.max()) < 2**format.bits):
        raise InputError(
            f"these are no bit patterns of {format.name}; give whole numbers from 0 to {2**format.bits - 1} "
            f"(an array of {np.dtype(format.storage)})"
        )
    if filled(DECODE):
        return np.array([decode_bits(int(one), format).value for one in array.flat], np.float32).reshape(array.shape)
    if format.exponent_bits == FP32.exponent_bits:  # FP32 without its last bits
        return (array.astype(np.uint32) << np.uint32(FP32.bits - format.bits)).view(np.float32)
    return every_value(format)[array]


@cache
def every_value(format: FloatFormat) -> np.ndarray:
    """The numbers of all patterns of a format of at most 16 bits, in the order of the patterns."""
    if format.bits > 16:
        raise InputError(f"{format.name} has {2**format.bits:,} numbers; list a format of at most 16 bits")
    pattern = np.arange(2**format.bits)
    rest = pattern & (2 ** (format.bits - 1) - 1)
    exponent, fraction = rest >> format.fraction_bits, rest & (2**format.fraction_bits - 1)
    steps = np.where(exponent > 0, fraction + 2**format.fraction_bits, fraction)
    size = np.ldexp(steps.astype(float), np.maximum(exponent, 1) - format.bias - format.fraction_bits)
    size[rest > format.largest_pattern] = np.nan
    if format.infinities:
        size[rest == format.largest_pattern + 1] = np.inf
    values = np.where(pattern > rest, -size, size).astype(np.float32)
    values.flags.writeable = False
    return values
