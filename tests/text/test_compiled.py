"""The two instructions that Numba lacks, against NumPy and Python."""

import numpy as np

from groundup.text.compiled import loop, trailing_zeros, word_at


@loop
def _word_at(data, index):
    return word_at(data, index)


@loop
def _trailing_zeros(word):
    return trailing_zeros(word)


def test_a_word_is_read_little_endian_from_any_index():
    data = np.arange(32, dtype=np.uint8)
    for index in range(20):
        assert int(_word_at(data, index)) == int.from_bytes(bytes(range(index, index + 8)), "little")


def test_trailing_zeros_count_the_zero_bits_below_the_lowest_one():
    for bits in range(64):
        assert _trailing_zeros(np.uint64(1 << bits | 1 << 63)) == bits
    assert _trailing_zeros(np.uint64(0)) == 64
