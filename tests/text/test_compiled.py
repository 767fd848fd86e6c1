"""The instructions that Numba lacks, against NumPy and Python."""

import numpy as np
from numba import types

from groundup.text.compiled import array_at, loop, trailing_zeros, word_at


@loop
def _word_at(data, index):
    return word_at(data, index)


_rows, _bytes = array_at(types.int64, 3), array_at(types.uint8, readonly=True)


@loop
def _sums(rows, count, text, length):
    numbers, total = _rows(rows, count), 0
    for row in range(len(numbers)):
        total += numbers[row, 0] * numbers[row, 2]
        numbers[row, 1] = total
    for byte in _bytes(text, length):
        total += byte
    return total


def test_an_array_is_seen_at_its_address_and_written_there():
    rows, text = np.arange(12).reshape(4, 3), np.frombuffer(b"abc", np.uint8)
    assert _sums(rows.ctypes.data, 4, text.ctypes.data, 3) == (0 + 15 + 48 + 99) + sum(b"abc")
    assert rows[:, 1].tolist() == [0, 15, 63, 162]


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
