"""The rounding loops of `formats.py`, compiled: an FP64 pattern is cut to the bits of another format by shifts alone.

A number is significand * 2^(exponent - 52). Of its 53 bits of significand the format keeps F + 1, fewer where the number
is subnormal there; what is cut off decides whether the rest is raised by one. Every FP32 number is an FP64 number, so
one loop serves both. 0.6 ns a number, where one of Python's exact fractions takes thousands.

The meaning is `formats.encode_bits`; rounding at random: Gupta et al. 2015, arXiv:1502.02551, section 3.
"""

import numba
import numpy as np

from groundup.text.compiled import kernel

inner = numba.njit(inline="always")


@inner
def _taken_apart(value, fraction_bits, smallest_exponent):
    """Sign, the steps above the format's smallest exponent, the significand and how many of its bits are cut."""
    word = np.float64(value).view(np.uint64)
    exponent = np.int64((word >> np.uint64(52)) & np.uint64(0x7FF)) - 1023
    significand = np.int64((word & np.uint64(0xFFFFFFFFFFFFF)) | np.uint64(0x10000000000000))
    below = max(0, smallest_exponent - exponent)  # subnormal there: as many bits fewer
    return (
        np.int64(word >> np.uint64(63)),
        exponent + below - smallest_exponent,
        significand,
        52 - fraction_bits + below,
    )


@kernel
def nearest(values, bits, fraction_bits, smallest_exponent, largest_pattern, nan_pattern):
    """Round each number to the nearest pattern, ties to even."""
    patterns = np.empty(len(values), np.uint32)
    for index in range(len(values)):
        value = values[index]
        sign, raised, significand, cut = _taken_apart(value, fraction_bits, smallest_exponent)
        cut = min(cut, 62)  # from 54 on all of it is cut, and less than half a step
        steps = significand >> cut
        rest = significand & ((np.int64(1) << cut) - 1)
        half = np.int64(1) << (cut - 1) if cut > 0 else np.int64(1)
        if rest > half or (rest == half and steps & 1):
            steps += 1
        pattern = min((raised << fraction_bits) + steps, largest_pattern + 1)
        patterns[index] = (nan_pattern if np.isnan(value) else pattern) | (sign << (bits - 1))
    return patterns


@kernel
def shortened(words, cut, nan_pattern):
    """FP32 patterns rounded to the same format with `cut` bits fewer of fraction (BF16, TF32): one addition carries."""
    patterns = np.empty(len(words), np.uint32)
    below_half = (np.uint32(1) << np.uint32(cut - 1)) - np.uint32(1)
    shift, sign_shift = np.uint32(cut), np.uint32(31)
    for index in range(len(words)):
        word = words[index]
        rounded = (word + below_half + ((word >> shift) & np.uint32(1))) >> shift
        nan = np.uint32(nan_pattern) | (word >> sign_shift) << (sign_shift - shift)
        patterns[index] = nan if word & np.uint32(0x7FFFFFFF) > np.uint32(0x7F800000) else rounded
    return patterns


@kernel
def at_random(values, draws, bits, fraction_bits, smallest_exponent, largest_pattern, nan_pattern):
    """Round each number up where its draw (from 0 to 1) is under the part that is cut off, else down."""
    patterns = np.empty(len(values), np.uint32)
    for index in range(len(values)):
        value = values[index]
        sign, raised, significand, cut = _taken_apart(value, fraction_bits, smallest_exponent)
        steps = significand >> min(cut, 62)
        rest = significand & ((np.int64(1) << min(cut, 62)) - 1)
        if value != 0 and draws[index] * 2.0**cut < rest:
            steps += 1
        pattern = min((raised << fraction_bits) + steps, largest_pattern + 1)
        patterns[index] = (nan_pattern if np.isnan(value) else pattern) | (sign << (bits - 1))
    return patterns
