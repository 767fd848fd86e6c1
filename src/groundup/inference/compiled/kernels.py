"""One token through a decoder of LLaMA's kind, in one compiled call: no dispatch between the operations.

Weights and the kept keys and values are bf16 words: a word is the upper half of a float32, so reading one is a shift. All
arithmetic is in float32. Every product of a matrix with the vector divides its rows among the threads; Numba's own threads
wait for each other without spinning, so more threads than cores are slow and never stuck.
Left out: processors' own bf16 and int8 products.
"""

import math

import numba
import numpy as np

_inner = numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
_shared = numba.njit(nogil=True, cache=True, parallel=True, fastmath={"reassoc", "contract", "nsz"})


@_inner
def wide(word):
    """The float32 whose upper half is this word."""
    return np.uint32(np.uint32(word) << np.uint32(16)).view(np.float32)


@_inner
def narrow(number):
    """The bf16 word nearest to a float32, ties to even."""
    bits = np.uint32(np.float32(number).view(np.uint32))
    return np.uint16(
        (np.uint64(bits) + np.uint64(0x7FFF) + np.uint64((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint64(16)
    )


@_inner
def dot(row, x):
    """Sum of the products of bf16 words with float32 numbers."""
    total = np.float32(0.0)
    for i in range(x.size):
        total += wide(row[i]) * x[i]
    return total


@_shared
def times(matrix, x, y, threads):
    """y = matrix x, the rows in as many parts as there are threads."""
    rows = y.size
    for part in numba.prange(threads):
        first, end = part * rows // threads, (part + 1) * rows // threads
        mine, out = matrix[first:end], y[first:end]
        for row in range(out.size):
            out[row] = dot(mine[row], x)


@_inner
def norm(x, gain, eps, y):
    """y = gain x / rms(x)."""
    total = np.float32(0.0)
    for i in range(x.size):
        total += x[i] * x[i]
    scale = np.float32(1.0) / np.float32(math.sqrt(total / np.float32(x.size) + eps))
    for i in range(x.size):
        y[i] = gain[i] * (x[i] * scale)


@_inner
def turn(head, cos, sin):
    """Rotate the pairs (i, i + half) of a head in place."""
    half = cos.size
    for i in range(half):
        a, b = head[i], head[half + i]
        head[i] = a * cos[i] - b * sin[i]
        head[half + i] = b * cos[i] + a * sin[i]


@_inner
def keep(numbers, words):
    """Round a vector into the cache."""
    for i in range(numbers.size):
        words[i] = narrow(numbers[i])


@_inner
def attend(query, keys, values, scores, out):
    """Mix the values by the softmax of the scaled scores; keys and values: (seen, head_dim) as bf16 words."""
    seen, scale = keys.shape[0], np.float32(1.0 / math.sqrt(query.size))
    largest = np.float32(-3.0e38)
    for at in range(seen):
        scores[at] = dot(keys[at], query) * scale
        largest = max(largest, scores[at])
    total = np.float32(0.0)
    out[:] = np.float32(0.0)
    for at in range(seen):
        share = np.float32(math.exp(scores[at] - largest))
        total += share
        value = values[at]
        for i in range(out.size):
            out[i] += share * wide(value[i])
    for i in range(out.size):
        out[i] /= total


@_shared
def attend_all(queries, keys, values, scores, out, threads):
    """Every query head by itself, the heads divided among the threads."""
    heads, share = queries.shape[0], queries.shape[0] // keys.shape[0]
    for part in numba.prange(threads):
        for head in range(part * heads // threads, (part + 1) * heads // threads):
            attend(queries[head], keys[head // share], values[head // share], scores[head], out[head])


@_inner
def prepare_heads(qkv, heads, gains, eps, cos, sin, keys, values):
    """Norm and turn queries and keys in place; keep the new key and value of every head. keys, values: (kv_heads, head_dim)."""
    kept = keys.shape[0]
    for head in range(heads + kept):
        if gains.shape[0] == 2:
            norm(qkv[head], gains[0 if head < heads else 1], eps, qkv[head])
        turn(qkv[head], cos, sin)
    for head in range(kept):
        keep(qkv[heads + head], keys[head])
        keep(qkv[heads + kept + head], values[head])


@_inner
def open_gates(gate_up, mixed):
    """silu(gate) * up."""
    width = mixed.size
    for i in range(width):
        gate = gate_up[i]
        mixed[i] = gate / (np.float32(1.0) + np.float32(math.exp(-gate))) * gate_up[width + i]


@_inner
def step(token, at, weights, keys, values, cos, sin, eps, heads, threads, logits):
    """Read one token at a position, keep its keys and values, and score the next. keys, values: (layers, kv_heads, context, head_dim)."""
    qkv, out, gate_up, down, gains, head_gains, last, embedding, head = weights
    hidden, dim, layers = last.size, keys.shape[3], keys.shape[0]
    x, y, z = np.empty(hidden, np.float32), np.empty(hidden, np.float32), np.empty(hidden, np.float32)
    projected, mixed = np.empty(qkv.shape[1], np.float32), np.empty((heads, dim), np.float32)
    scores = np.empty((heads, at + 1), np.float32)
    opened, widened = np.empty(down.shape[2], np.float32), np.empty(gate_up.shape[1], np.float32)
    for i in range(hidden):
        x[i] = wide(embedding[token, i])
    for layer in range(layers):
        norm(x, gains[layer, 0], eps[0], y)
        times(qkv[layer], y, projected, threads)
        by_head = projected.reshape((-1, dim))
        prepare_heads(
            by_head, heads, head_gains[layer], eps[1], cos[at], sin[at], keys[layer, :, at], values[layer, :, at]
        )
        attend_all(by_head[:heads], keys[layer, :, : at + 1], values[layer, :, : at + 1], scores, mixed, threads)
        times(out[layer], mixed.reshape(-1), z, threads)
        x += z
        norm(x, gains[layer, 1], eps[0], y)
        times(gate_up[layer], y, widened, threads)
        open_gates(widened, opened)
        times(down[layer], opened, z, threads)
        x += z
    norm(x, last, eps[0], y)
    times(head, y, logits, threads)
