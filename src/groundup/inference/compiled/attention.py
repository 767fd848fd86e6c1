"""Attention of one query head to the pages of its text, and the small functions that a token's numbers go through.

Loops that LLVM turns into vector instructions by itself. Keys and values are bf16 words or float32, in pages of a few tokens.
`exp` is made of whole numbers and a polynomial, since a call of the C library for each score costs more than the score:

    exp(x) = 2^n 2^f     n = round(x / ln 2),  f in [-1/2, 1/2]: 2^f by its Taylor polynomial of degree 6, off by 1e-7

Left out: windows, soft caps, keys of 8 bits.
"""

import math

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic

from groundup.inference.compiled.instructions import F32, I32, LANES
from groundup.inference.compiled.pages import mix_page, score_page

inner = numba.njit(
    nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, fastmath={"reassoc", "contract", "nsz"}
)


@intrinsic
def number(context, word):
    """A kept number as float32: a bf16 word is the upper half of one."""

    def build(context, builder, signature, arguments):
        if isinstance(signature.args[0], types.Float):
            return arguments[0]
        return builder.bitcast(builder.shl(builder.zext(arguments[0], I32), I32(16)), F32)

    return types.float32(word), build


@inner
def narrow(value):
    """The bf16 word nearest to a float32, ties to even."""
    bits = np.uint32(np.float32(value).view(np.uint32))
    odd = np.uint32((bits >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(bits + np.uint32(odd + np.uint32(0x7FFF))) >> np.uint32(16))


@intrinsic
def as_kept(context, kept, value):
    """A float32 as an element of the array in which it will be kept; a bf16 word is rounded, ties to even."""

    def build(context, builder, signature, arguments):
        if isinstance(kept.dtype, types.Float):
            return arguments[1]
        bits = builder.bitcast(arguments[1], I32)
        odd = builder.and_(builder.lshr(bits, I32(16)), I32(1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, I32(0x7FFF))), I32(16))
        return builder.trunc(rounded, context.get_value_type(kept.dtype))

    return kept.dtype(kept, types.float32), build


@inner
def exp(x):
    """e to a number; of one below -87 or above 88, where float32 ends, e to that bound."""
    # above 88 the shifted exponent would run into the sign: the gate of -270 was open
    scaled = min(max(np.float32(x), np.float32(-87.0)), np.float32(88.0)) * np.float32(1.4426950408889634)
    whole = np.float32(np.floor(scaled + np.float32(0.5)))
    f = (scaled - whole) * np.float32(0.6931471805599453)
    value = np.float32(1 / 720)
    value = value * f + np.float32(1 / 120)
    value = value * f + np.float32(1 / 24)
    value = value * f + np.float32(1 / 6)
    value = value * f + np.float32(0.5)
    value = value * f + np.float32(1.0)
    value = value * f + np.float32(1.0)
    power = np.int32(np.int32(np.int32(whole) + np.int32(127)) << np.int32(23))
    return np.float32(value * np.int32(power).view(np.float32))


@inner
def dot(row, x):
    """Sum of the products of kept numbers with float32 numbers."""
    total = np.float32(0.0)
    for i in range(x.size):
        total += number(row[i]) * x[i]
    return total


@inner
def mix(share, value, out):
    """out += share value."""
    for i in range(out.size):
        out[i] += share * number(value[i])


@inner
def norm(x, gain, eps, y):
    """y = gain x / rms(x)."""
    total = np.float32(0.0)
    for i in range(x.size):
        total += x[i] * x[i]
    scale = np.float32(1.0) / np.float32(math.sqrt(total / np.float32(x.size) + eps))
    for i in range(x.size):
        y[i] = gain[i] * (x[i] * scale)


@inner
def turn(head, cos, sin):
    """Rotate the pairs (i, i + half) of a head in place."""
    half = cos.size
    for i in range(half):
        a, b = head[i], head[half + i]
        head[i] = a * cos[i] - b * sin[i]
        head[half + i] = b * cos[i] + a * sin[i]


@inner
def open_gates(gate, up, mixed):
    """silu(gate) * up."""
    for i in range(mixed.size):
        mixed[i] = gate[i] / (np.float32(1.0) + exp(-gate[i])) * up[i]


@inner
def soften(scores):
    """Scores to exp(score - largest) in place; their sum."""
    largest, total = np.float32(-3.0e38), np.float32(0.0)
    for i in range(scores.size):
        largest = max(largest, scores[i])
    for i in range(scores.size):
        share = exp(scores[i] - largest)
        scores[i] = share
        total += share
    return total


@inner
def attend(query, keys, values, kv, table, length, scores, out):
    """Mix the values of `length` tokens by the softmax of the scaled scores.

    keys, values: (pages, kv_heads, page_size, head_dim), of which head `kv` is read. Only the first index is cut off at a time,
    so that LLVM knows that a row's numbers lie one behind the other.
    """
    size, scale = keys.shape[2], np.float32(1.0 / math.sqrt(query.size))
    whole, pages = query.size % LANES == 0, (length + size - 1) // size
    for page in range(pages):
        kept, here = keys[table[page]][kv], scores[page * size : min(length, (page + 1) * size)]
        if whole:
            ahead = keys[table[page + 1]][kv] if page + 1 < pages else values[table[0]][kv]
            score_page(kept, ahead, query, here, here.size, scale)
        else:
            for at in range(here.size):
                here[at] = dot(kept[at], query) * scale
    total = soften(scores[:length])
    for i in range(out.size):
        out[i] = np.float32(0.0)
    for page in range(pages):
        kept, here = values[table[page]][kv], scores[page * size : min(length, (page + 1) * size)]
        if whole:
            ahead = values[table[min(page + 1, pages - 1)]][kv]
            mix_page(kept, ahead, here, out, here.size)
        else:
            for at in range(here.size):
                mix(here[at], kept[at], out)
    for i in range(out.size):
        out[i] /= total
