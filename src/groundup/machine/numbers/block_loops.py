"""The compiled loops of `blocks.py`: one pass over the weights, and the same bytes to the last bit.

The largest size of a block is found on the bit patterns: without its sign, a float's pattern grows with its size, and a
maximum of whole numbers is done eight at a time where one of floats must look out for NaN.
"""

import numba
import numpy as np

from groundup.machine.numbers.blocks import BLOCK, half_bytes, inverse
from groundup.text.compiled import kernel

SIGNLESS = np.int32(0x7FFFFFFF)
HALF = BLOCK // 2


@kernel
def all_finite(words):
    """Whether no float32 pattern is infinite or NaN."""
    largest = np.int32(0)
    for index in range(len(words)):
        largest = max(largest, words[index] & SIGNLESS)
    return largest < np.int32(0x7F800000)


@kernel
def _largest_sizes(words):
    """The largest size in every block of float32 patterns, as a pattern."""
    found = np.empty((len(words), 1), np.int32)
    for row in range(len(words)):
        largest = np.int32(0)
        for column in range(BLOCK):
            largest = max(largest, words[row, column] & SIGNLESS)
        found[row, 0] = largest
    return found


@kernel
def _with_its_sign(words, sizes):
    """The first number of the largest size in every block, as a pattern."""
    found = np.empty((len(words), 1), np.int32)
    for row in range(len(words)):
        for column in range(BLOCK):
            if words[row, column] & SIGNLESS == sizes[row, 0]:
                found[row, 0] = words[row, column]
                break
    return found


@kernel
def _ends(words):
    """The smallest and the largest number of every block, as patterns; of 0 and -0 the first is the smallest."""
    low, high = np.empty((len(words), 1), np.int32), np.empty((len(words), 1), np.int32)
    for row in range(len(words)):
        smallest, largest = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
        for column in range(BLOCK):
            word = words[row, column]
            ordered = word ^ ((word >> np.int32(31)) & SIGNLESS)  # whole numbers in the order of the floats
            smallest, largest = min(smallest, ordered), max(largest, ordered)
        low[row, 0] = smallest ^ ((smallest >> np.int32(31)) & SIGNLESS)
        high[row, 0] = largest ^ ((largest >> np.int32(31)) & SIGNLESS)
        if low[row, 0] & SIGNLESS == 0:
            for column in range(BLOCK):
                if words[row, column] & SIGNLESS == 0:
                    low[row, 0] = words[row, column]
                    break
    return low, high


@kernel
def _round_into(blocks, inverted, data):
    """Q8_0's steps: halves away from zero."""
    for row in range(len(blocks)):
        by = inverted[row, 0]
        for column in range(BLOCK):
            scaled = blocks[row, column] * by
            size = abs(scaled)
            whole = np.floor(size)
            step = np.int32(whole + np.floor(np.float32(2) * (size - whole)))
            data[row, 2 + column] = np.uint8(step if scaled >= 0 else -step)


@kernel
def _cut_into(blocks, smallest, inverted, add, data, start):
    """Q4's steps, two a byte: (x - smallest) * inverted + add without what follows the point, at most 15."""
    for row in range(len(blocks)):
        low, by = smallest[row, 0], inverted[row, 0]
        for column in range(HALF):
            first = min(np.int32((blocks[row, column] - low) * by + add), np.int32(15))
            second = min(np.int32((blocks[row, HALF + column] - low) * by + add), np.int32(15))
            data[row, start + column] = np.uint8(first | second << 4)


@kernel
def _cut_five_into(blocks, smallest, inverted, add, data, start):
    """Q5's steps, at most 31: from byte `start` on four bytes of fifth bits, then the lower four bits two a byte."""
    for row in range(len(blocks)):
        low, by = smallest[row, 0], inverted[row, 0]
        fifth = np.uint32(0)
        for column in range(HALF):
            first = min(np.int32((blocks[row, column] - low) * by + add), np.int32(31))
            second = min(np.int32((blocks[row, HALF + column] - low) * by + add), np.int32(31))
            data[row, start + 4 + column] = np.uint8(first & 15 | (second & 15) << 4)
            fifth |= np.uint32(first >> 4) << np.uint32(column) | np.uint32(second >> 4) << np.uint32(HALF + column)
        for place in range(4):
            data[row, start + place] = np.uint8(fifth >> np.uint32(8 * place) & np.uint32(255))


@kernel
def _bytes_times(data, scale):
    """Q8_0's numbers."""
    blocks = np.empty((len(data), BLOCK), np.float32)
    for row in range(len(data)):
        for column in range(BLOCK):
            blocks[row, column] = np.float32(np.int8(data[row, 2 + column])) * scale[row, 0]
    return blocks


@kernel
def _steps_times(data, start, scale, shift, smallest):
    """Q4's numbers: (step - shift) * scale + smallest."""
    blocks = np.empty((len(data), BLOCK), np.float32)
    for row in range(len(data)):
        by, low = scale[row, 0], smallest[row, 0]
        for column in range(HALF):
            pair = data[row, start + column]
            blocks[row, column] = (np.float32(pair & np.uint8(15)) - shift) * by + low
            blocks[row, HALF + column] = (np.float32(pair >> np.uint8(4)) - shift) * by + low
    return blocks


@kernel
def _five_steps_times(data, start, scale, shift, smallest):
    """Q5's numbers: (step - shift) * scale + smallest."""
    blocks = np.empty((len(data), BLOCK), np.float32)
    for row in range(len(data)):
        by, low = scale[row, 0], smallest[row, 0]
        for column in range(HALF):
            pair, place = data[row, start + 4 + column], start + (column >> 3)
            bit = np.uint8(column & 7)
            first = pair & np.uint8(15) | (data[row, place] >> bit & np.uint8(1)) << np.uint8(4)
            second = pair >> np.uint8(4) | (data[row, place + 2] >> bit & np.uint8(1)) << np.uint8(4)
            blocks[row, column] = (np.float32(first) - shift) * by + low
            blocks[row, HALF + column] = (np.float32(second) - shift) * by + low
    return blocks


def encode_q8_0(blocks):
    """As `blocks.encode_q8_0`."""
    scale = _largest_sizes(blocks.view(np.int32)).view(np.float32) / np.float32(127)
    data = np.empty((len(blocks), 34), np.uint8)
    data[:, :2] = half_bytes(scale)
    _round_into(blocks, inverse(scale), data)
    return data


def encode_q4_0(blocks):
    """As `blocks.encode_q4_0`."""
    words = blocks.view(np.int32)
    scale = _with_its_sign(words, _largest_sizes(words)).view(np.float32) / np.float32(-8)
    data = np.empty((len(blocks), 18), np.uint8)
    data[:, :2] = half_bytes(scale)
    _cut_into(blocks, np.zeros_like(scale), inverse(scale), np.float32(8.5), data, 2)
    return data


def encode_q4_1(blocks):
    """As `blocks.encode_q4_1`."""
    smallest, largest = (word.view(np.float32) for word in _ends(blocks.view(np.int32)))
    scale = (largest - smallest) / np.float32(15)
    data = np.empty((len(blocks), 20), np.uint8)
    data[:, :2], data[:, 2:4] = half_bytes(scale), half_bytes(smallest)
    _cut_into(blocks, smallest, inverse(scale), np.float32(0.5), data, 4)
    return data


def encode_q5_0(blocks):
    """As `blocks.encode_q5_0`."""
    words = blocks.view(np.int32)
    scale = _with_its_sign(words, _largest_sizes(words)).view(np.float32) / np.float32(-16)
    data = np.empty((len(blocks), 22), np.uint8)
    data[:, :2] = half_bytes(scale)
    _cut_five_into(blocks, np.zeros_like(scale), inverse(scale), np.float32(16.5), data, 2)
    return data


def encode_q5_1(blocks):
    """As `blocks.encode_q5_1`."""
    smallest, largest = (word.view(np.float32) for word in _ends(blocks.view(np.int32)))
    scale = (largest - smallest) / np.float32(31)
    data = np.empty((len(blocks), 24), np.uint8)
    data[:, :2], data[:, 2:4] = half_bytes(scale), half_bytes(smallest)
    _cut_five_into(blocks, smallest, inverse(scale), np.float32(0.5), data, 4)
    return data


def _half(data, at):
    return np.ascontiguousarray(data[:, at : at + 2]).view(np.float16).astype(np.float32)


def decode_q8_0(data):
    """As `blocks.decode_q8_0`."""
    return _bytes_times(data, _half(data, 0))


def decode_q4_0(data):
    """As `blocks.decode_q4_0`."""
    scale = _half(data, 0)
    return _steps_times(
        data, 2, scale, np.float32(8), np.full_like(scale, -0.0)
    )  # adding -0 changes nothing, not even -0


def decode_q4_1(data):
    """As `blocks.decode_q4_1`."""
    return _steps_times(data, 4, _half(data, 0), np.float32(0), _half(data, 2))


def decode_q5_0(data):
    """As `blocks.decode_q5_0`."""
    scale = _half(data, 0)
    return _five_steps_times(data, 2, scale, np.float32(16), np.full_like(scale, -0.0))


def decode_q5_1(data):
    """As `blocks.decode_q5_1`."""
    return _five_steps_times(data, 4, _half(data, 0), np.float32(0), _half(data, 2))


@numba.njit(inline="always")
def _nf4_code(number, middles):
    """How many of the fifteen middles a number lies over, by four halvings without a branch."""
    code = np.int64(number > middles[7]) << 3
    code += np.int64(number > middles[code + 3]) << 2
    code += np.int64(number > middles[code + 1]) << 1
    return code + np.int64(number > middles[code])


@kernel
def _nf4_pairs(scaled, middles):
    """NF4's codes, two a byte, the earlier above."""
    pairs = np.empty(len(scaled) // 2, np.uint8)
    for index in range(len(pairs)):
        first, second = _nf4_code(scaled[2 * index], middles), _nf4_code(scaled[2 * index + 1], middles)
        pairs[index] = first << 4 | second
    return pairs


@kernel
def nf4_numbers(pairs, absmax, block_size, levels):
    """The level of each code times its block's scale; both codes of every byte."""
    numbers = np.empty(2 * len(pairs), np.float32)
    half = block_size // 2
    for block in range(len(absmax)):
        scale = absmax[block]
        for place in range(block * half, min((block + 1) * half, len(pairs))):
            pair = pairs[place]
            numbers[2 * place] = levels[pair >> np.uint8(4)] * scale
            numbers[2 * place + 1] = levels[pair & np.uint8(15)] * scale
    return numbers


def nf4_pairs(scaled):
    """As `normal_float.nf4_codes`, and packed."""
    from groundup.machine.numbers.normal_float import NF4_LEVELS

    return _nf4_pairs(scaled, ((NF4_LEVELS[1:].astype(np.float64) + NF4_LEVELS[:-1]) / 2).astype(np.float32))
