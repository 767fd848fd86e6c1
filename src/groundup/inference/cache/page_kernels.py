"""Attention that reads pages where they lie, in one compiled call a layer: nothing is gathered, padded or masked.

The new tokens of a row are cut into blocks of at most QUERIES, the keys that a block sees into spans of at most SPAN. A unit of
work is one block, one span and one key/value head, with all query heads that share it; units are divided among the threads
by the number of scores. Within a unit the softmax goes page by page: a page's scores, the largest so far, and the mixture so far
scaled down to it (Milakov and Gimelshein 2018, arXiv:1805.02867). The spans of a block are joined in the same way (Dao et al.
2023, "Flash-Decoding"). Blocks and spans begin at fixed places, so a token's result is the same bits in any batch.

Pages hold float32, bf16 words (uint16), or int8 codes with a scale a head vector, which multiplies the score of a key and the share of a value.
All arithmetic is in float32. Reading is what takes the time: a token reads all keys and values of its text once.
"""

import numba
import numpy as np
from numba.extending import overload

from groundup.text.compiled import fetch, together

FAST = {"reassoc", "contract", "nsz"}
_inner = numba.njit(nogil=True, fastmath=FAST, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
# Without reassoc: it would undo the addition that rounds.
_exact = numba.njit(nogil=True, fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
_alone = numba.njit(nogil=True, cache=True, fastmath=FAST)
_shared = together(fastmath=FAST)

LOWEST = np.float32(-3.0e38)


def wide(number):
    """A kept number as float32."""
    raise NotImplementedError("called from kernels only")


@overload(wide, inline="always")
def _wide(number):
    if number == numba.types.uint16:  # a bf16 word is the upper half of a float32
        return lambda number: np.uint32(np.uint32(number) << np.uint32(16)).view(np.float32)
    return lambda number: np.float32(number)


@_exact
def exponential(x):
    """exp(x) of a float32 that is not positive, as 2^n 2^r with |r| <= 1/2: a polynomial, so that a loop takes 16 at a time."""
    y = max(x, np.float32(-87.0)) * np.float32(1.4426950408889634)
    shifted = y + np.float32(12582912.0)  # 1.5 * 2^23: the sum has no room for a fraction, so its lowest bits are n
    r = y - (shifted - np.float32(12582912.0))
    power = np.float32(1.5403530393381608e-4)
    power = power * r + np.float32(1.3333558146428443e-3)
    power = power * r + np.float32(9.618129107628477e-3)
    power = power * r + np.float32(5.550410866482158e-2)
    power = power * r + np.float32(2.402265069591007e-1)
    power = power * r + np.float32(6.931471805599453e-1)
    power = power * r + np.float32(1.0)
    whole = np.uint32(np.float32(shifted).view(np.uint32) + np.uint32(127))
    return power * np.uint32(whole << np.uint32(23)).view(np.float32)


@_inner
def dot(row, x):
    """Sum of the products of kept numbers with float32 numbers."""
    total = np.float32(0.0)
    for i in range(x.size):
        total += wide(row[i]) * x[i]
    return total


@_inner
def fetch_page(kept, low, high):
    """Ask for the lines of memory of a page's places, which will be read soon: the processor's own foresight ends where a page does."""
    step = max(1, 64 // kept.itemsize)
    for at in range(low * kept.shape[1], high * kept.shape[1], step):
        fetch(kept, at)


@_inner
def mix(shares, values, low, high, out):
    """Add values `low` to `high`, each times its share, to `out`, four at a time: `out` is then read and written a quarter as often."""
    for at in range(low, high - 3, 4):
        a, b, c, d = values[at], values[at + 1], values[at + 2], values[at + 3]
        p, q, r, s = shares[at], shares[at + 1], shares[at + 2], shares[at + 3]
        for i in range(out.size):
            out[i] += p * wide(a[i]) + q * wide(b[i]) + r * wide(c[i]) + s * wide(d[i])
    for at in range(high - (high - low) % 4, high):
        share, value = shares[at], values[at]
        for i in range(out.size):
            out[i] += share * wide(value[i])


@_inner
def read_page(query, keys, values, key_scales, value_scales, low, high, scores, scale, cap, so_far, mixed):
    """Take the places `low` to `high` of a page into one query's mixture. so_far: the largest score, the sum of the exponentials."""
    largest = so_far[0]
    for at in range(low, high):
        score = dot(keys[at], query) * scale
        if key_scales.size:
            score *= key_scales[at]
        if cap > np.float32(0.0):
            score = cap * np.float32(np.tanh(score / cap))
        scores[at] = score
        largest = max(largest, score)
    if largest > so_far[0]:
        shrink = exponential(so_far[0] - largest)
        so_far[0] = largest
        so_far[1] *= shrink
        for i in range(mixed.size):
            mixed[i] *= shrink
    for i in range(
        scores.size
    ):  # the whole page, of which only low to high counts: a loop of known steps is taken 16 at a time
        scores[i] = exponential(scores[i] - largest)
    total = np.float32(0.0)
    for at in range(low, high):
        total += scores[at]
    so_far[1] += total
    if value_scales.size:
        for i in range(scores.size):
            scores[i] *= value_scales[i]
    mix(scores, values, low, high, mixed)


@_inner
def attend_unit(
    query, keys, values, key_scales, value_scales, head, table, line, scores, scale, window, cap, so_far, mixed
):
    """Let a block of queries of one row attend to the keys of one span, for one key/value head."""
    token, count, first, end, position, place = line[1], line[2], line[3], line[4], line[5], line[6]
    size = keys.shape[2]
    pages = (end + size - 1) // size
    for number in range(first // size, pages):
        page, begin = table[number], number * size
        fetch_page(values[page, head], 0, size)
        if number + 1 < pages:
            fetch_page(keys[table[number + 1], head], 0, size)
        for at in range(count):
            low, high = max(first, begin), min(end, begin + size, position + at + 1)
            if window:
                low = max(low, position + at + 1 - window)
            if low < high:
                for member in range(query.shape[2]):
                    read_page(
                        query[token + at, head, member], keys[page, head], values[page, head], key_scales[page, head],
                        value_scales[page, head], low - begin, high - begin, scores, scale, cap,
                        so_far[place + at, head, member], mixed[place + at, head, member],
                    )  # fmt: skip


@_inner
def join(so_far, mixed, place, step, spans, head, member, out):
    """Join the spans of one query head: each mixture counts by its sum of exponentials."""
    largest, total = LOWEST, np.float32(0.0)
    for span in range(spans):
        largest = max(largest, so_far[place + span * step, head, member, 0])
    for span in range(spans):
        part = so_far[place + span * step, head, member]
        part[1] *= exponential(part[0] - largest)
        part[0] = exponential(part[0] - largest)
        total += part[1]
    for i in range(out.size):
        out[i] = np.float32(0.0)
    for span in range(spans):
        at = place + span * step
        weight, mixture = so_far[at, head, member, 0] / total, mixed[at, head, member]
        for i in range(out.size):
            out[i] += weight * mixture[i]


@_inner
def attend_part(
    query, keys, values, key_scales, value_scales, tables, work, first, end, scale, window, cap, scores, so_far, mixed
):
    """The units from `first` to `end`."""
    kv_heads = query.shape[1]
    for unit in range(first, end):
        line = work[unit // kv_heads]
        attend_unit(
            query, keys, values, key_scales, value_scales, unit % kv_heads, tables[line[0]], line, scores, scale, window, cap,
            so_far, mixed,
        )  # fmt: skip


@_inner
def join_all(joins, so_far, mixed, out):
    """Every token's spans."""
    for at in range(joins.shape[0]):
        token, place, step, spans = joins[at, 0], joins[at, 1], joins[at, 2], joins[at, 3]
        for head in range(out.shape[1]):
            for member in range(out.shape[2]):
                join(so_far, mixed, place, step, spans, head, member, out[token, head, member])


@_shared
def attend_pages(query, keys, values, key_scales, value_scales, tables, work, bounds, joins, scale, window, cap, out):
    """Attend for all blocks. query, out: (tokens, kv_heads, group, width). work: a line a block and span; joins: a line a token.

    work: row of the table, first token, tokens, first key, end of keys, position of the first token, first place of its results.
    bounds: which units each thread takes; a unit is a line and a head. joins: token, first place, distance of places, spans.
    """
    places, kv_heads, group = work[-1, 6] + work[-1, 2], query.shape[1], query.shape[2]
    so_far = np.zeros((places, kv_heads, group, 2), np.float32)
    mixed = np.zeros((places, kv_heads, group, out.shape[3]), np.float32)
    so_far[:, :, :, 0] = LOWEST
    for part in numba.prange(bounds.size - 1):
        scores = np.zeros(keys.shape[2], np.float32)
        attend_part(
            query, keys, values, key_scales, value_scales, tables, work, bounds[part], bounds[part + 1], scale, window, cap,
            scores, so_far, mixed,
        )  # fmt: skip
    join_all(joins, so_far, mixed, out)


@_alone
def attend_alone(query, keys, values, key_scales, value_scales, tables, work, bounds, joins, scale, window, cap, out):
    """The same on this thread alone."""
    places, kv_heads, group = work[-1, 6] + work[-1, 2], query.shape[1], query.shape[2]
    so_far = np.zeros((places, kv_heads, group, 2), np.float32)
    mixed = np.zeros((places, kv_heads, group, out.shape[3]), np.float32)
    so_far[:, :, :, 0] = LOWEST
    attend_part(
        query, keys, values, key_scales, value_scales, tables, work, bounds[0], bounds[-1], scale, window, cap,
        np.zeros(keys.shape[2], np.float32), so_far, mixed,
    )  # fmt: skip
    join_all(joins, so_far, mixed, out)
