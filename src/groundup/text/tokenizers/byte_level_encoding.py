"""Byte-level BPE encoded fast (Numba): pieces in, token ids out.

Meaning: `bpe.encode_piece` for each piece. Text repeats itself, so most pieces are answered by a cache: up to 15 bytes of a
piece are two 64-bit words with its length, compared at once, and up to six ids stand beside them. It is bounded (a new
piece overwrites an old one) and each thread has its own. A piece not found there is merged: a short one by
scanning for the best pair, a long one with a heap, which keeps a run of a million letters near linear.
"""

import threading

import numpy as np

from groundup.text.compiled import inner, kernel, word_at
from groundup.text.tokenizers.byte_level_splitting import split_batches

MOST_IDS = 1 << 20  # ids are kept in 20 bits in the cache
_CACHED_PIECES = 1 << 16  # 32 bytes each
_SHORT = 48  # symbols; from here on a heap is faster than scanning
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ONE, _ID_BITS, _COUNT_BITS, _HALF, _TOP = map(np.uint64, (1, 20, 60, 32, 56))
_ID, _LOW = np.uint64((1 << 20) - 1), np.uint64((1 << 32) - 1)


@inner
def _value_of(a, b, pairs):
    """rank << 32 | id of the merge of ids a and b, _EMPTY when there is none."""
    mask = np.uint64(len(pairs) - 1)
    key = np.uint64(a) << _HALF | np.uint64(b)
    place = (key * _MIX) >> _HALF & mask
    while pairs[place, 0] != key:
        if pairs[place, 0] == _EMPTY:
            return _EMPTY
        place = (place + _ONE) & mask
    return pairs[place, 1]


@inner
def _merge_short(symbols, length, values, pairs):
    """Merge symbols[:length] in place, always the leftmost pair of lowest rank; how many are left."""
    for k in range(length - 1):
        values[k] = _value_of(symbols[k], symbols[k + 1], pairs)
    while length > 1:
        best = 0
        for k in range(1, length - 1):
            if values[k] < values[best]:
                best = k
        if values[best] == _EMPTY:
            break
        symbols[best] = values[best] & _LOW
        length -= 1
        for k in range(best + 1, length):
            symbols[k] = symbols[k + 1]
            values[k - 1] = values[k]
        if best > 0:
            values[best - 1] = _value_of(symbols[best - 1], symbols[best], pairs)
        if best < length - 1:
            values[best] = _value_of(symbols[best], symbols[best + 1], pairs)
    return length


@inner
def _push_pair(k, symbols, after, heap, size, pairs):
    """Put the pair that starts at symbol k on the heap when it can be merged; the heap's new size."""
    if k < 0 or after[k] >= len(after):
        return size
    value = _value_of(symbols[k], symbols[after[k]], pairs)
    if value == _EMPTY:
        return size
    item, i = value & ~_LOW | np.uint64(k), size
    while i > 0 and heap[(i - 1) // 2] > item:
        heap[i] = heap[(i - 1) // 2]
        i = (i - 1) // 2
    heap[i] = item
    return size + 1


@inner
def _pop(heap, size):
    """Remove the smallest of `size` items; the heap has one less afterwards."""
    smallest, item, i = heap[0], heap[size - 1], 0
    while 2 * i + 1 < size - 1:
        child = 2 * i + 1
        if child + 1 < size - 1 and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= item:
            break
        heap[i] = heap[child]
        i = child
    heap[i] = item
    return smallest


@inner
def _merge_long(symbols, length, pairs):
    """The same as `_merge_short` in length x log(length): pairs wait in a heap as rank << 32 | place."""
    after, before = np.empty(length, np.int64), np.empty(length, np.int64)
    heap, size = np.empty(3 * length, np.uint64), 0
    for k in range(length):
        after[k], before[k] = k + 1, k - 1
        size = _push_pair(k - 1, symbols, after, heap, size, pairs)
    while size > 0:
        item = _pop(heap, size)
        size -= 1
        k = np.int64(item & _LOW)
        gone = symbols[k] < 0 or after[k] >= length
        if gone or _value_of(symbols[k], symbols[after[k]], pairs) >> _HALF != item >> _HALF:
            continue  # the pair that waited here is no longer there
        symbols[k] = _value_of(symbols[k], symbols[after[k]], pairs) & _LOW
        symbols[after[k]] = -1
        after[k] = after[after[k]]
        if after[k] < length:
            before[after[k]] = k
        size = _push_pair(before[k], symbols, after, heap, size, pairs)
        size = _push_pair(k, symbols, after, heap, size, pairs)
    kept = 0
    for k in range(length):
        if symbols[k] >= 0:
            symbols[kept] = symbols[k]
            kept += 1
    return kept


@inner
def _merge_piece(data, start, end, byte_ids, pairs, values, out):
    """Write the ids of the piece data[start:end] to the front of `out`; how many."""
    length = end - start
    for k in range(length):
        out[k] = byte_ids[data[start + k]]
    if length <= _SHORT:
        return _merge_short(out, length, values, pairs)
    return _merge_long(out, length, pairs)


@inner
def _packed(out, first, count):
    """Ids out[first:count], three at most, in one word of 20 bits each."""
    word = np.uint64(0)
    for k in range(first, min(count, first + 3)):
        word |= np.uint64(out[k]) << np.uint64(20 * (k - first))
    return word


@kernel
def encode_pieces(data, first, ends, byte_ids, pairs, cache, out, o, offsets, document, out_offsets):
    """Write the ids of the pieces from byte `first` to `ends` into out[o:]; where the next id goes.

    The text in `data` is followed by 16 bytes of anything. When the end of `document` is reached its end in `out` is noted.
    """
    values, mask = np.empty(_SHORT, np.uint64), np.uint64(len(cache) - 1)
    for end in ends:
        length = end - first
        if length <= 15:
            low, high = word_at(data, first), np.uint64(0)
            if length < 8:
                low &= (_ONE << np.uint64(8 * length)) - _ONE
            else:
                high = word_at(data, first + 8) & ((_ONE << np.uint64(8 * length - 64)) - _ONE)
            high |= np.uint64(length) << _TOP
            place = ((low ^ high * _MIX_2) * _MIX) >> _HALF & mask
            if cache[place, 0] != low or cache[place, 1] != high:
                count = _merge_piece(data, first, end, byte_ids, pairs, values, out[o:])
                if count <= 6:
                    cache[place, 0], cache[place, 1] = low, high
                    cache[place, 2] = _packed(out[o:], 0, count) | np.uint64(count) << _COUNT_BITS
                    cache[place, 3] = _packed(out[o:], 3, count)
                o += count
            else:
                word, more = cache[place, 2], cache[place, 3]
                out[o], out[o + 1], out[o + 2] = word & _ID, word >> _ID_BITS & _ID, word >> _ID_BITS >> _ID_BITS & _ID
                if word >> _COUNT_BITS > np.uint64(3):
                    out[o + 3], out[o + 4], out[o + 5] = (
                        more & _ID,
                        more >> _ID_BITS & _ID,
                        more >> _ID_BITS >> _ID_BITS,
                    )
                o += np.int64(word >> _COUNT_BITS)
        else:
            o += _merge_piece(data, first, end, byte_ids, pairs, values, out[o:])
        first = end
        while document < len(offsets) - 1 and offsets[document + 1] <= first:
            document += 1
            out_offsets[document] = o
    return o


def pair_table(lefts: np.ndarray, rights: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Hash table of the merges for `_value_of`: rows (left << 32 | right, rank << 32 | id); the rank is the place in the list."""
    table = np.full((1 << max(4, (2 * len(ids)).bit_length()), 2), _EMPTY)
    keys = lefts.astype(np.uint64) << _HALF | rights.astype(np.uint64)
    values = np.arange(len(ids), dtype=np.uint64) << _HALF | ids.astype(np.uint64)
    mask = np.uint64(len(table) - 1)
    places, waiting = (keys * _MIX) >> _HALF & mask, np.arange(len(keys))
    while len(waiting):  # all at once: each takes its place if that is free, the others go one place on
        free = waiting[table[places[waiting], 0] == _EMPTY]
        table[places[free], 0] = keys[free]
        placed = table[places[waiting], 0] == keys[waiting]
        table[places[waiting[placed]], 1] = values[waiting[placed]]
        waiting = waiting[~placed]
        places[waiting] = (places[waiting] + _ONE) & mask
    return table


class Encoder:
    """The tables of one vocabulary, and a cache of pieces for each thread that uses it."""

    def __init__(self, byte_ids: np.ndarray, pairs: np.ndarray, style: int) -> None:
        """byte_ids: the id of each byte, int32[256]; pairs: from `pair_table`; style: from `splitting.STYLES`."""
        self._byte_ids, self._pairs, self._style = byte_ids, pairs, style
        self._of_thread = threading.local()

    def _cache(self) -> np.ndarray:
        """This thread's cache: two threads in one could read an entry that is half written."""
        if not hasattr(self._of_thread, "cache"):
            self._of_thread.cache = np.zeros((_CACHED_PIECES, 4), np.uint64)
        return self._of_thread.cache

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the UTF-8 documents text[offsets[d]:offsets[d + 1]], and where each document's ids start."""
        data = np.frombuffer(text + bytes(16), np.uint8)
        out, out_offsets = np.empty(len(text) + 6, np.int32), np.zeros(len(offsets), np.int64)
        cache, reached = self._cache(), 0
        for first, ends in split_batches(data, offsets, self._style):
            document = int(np.searchsorted(offsets, first, side="right")) - 1
            reached = encode_pieces(
                data, first, ends, self._byte_ids, self._pairs, cache, out, reached, offsets, document, out_offsets
            )
        out_offsets[-1] = reached
        return out[:reached], out_offsets
