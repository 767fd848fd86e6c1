"""Byte-level BPE encoded fast (Numba): pieces in, token ids out.

Meaning: `bpe.encode_piece` for each piece. Text repeats itself, so most pieces are answered by a cache: up to 15 bytes
(31 in a second, smaller one) are a few 64-bit words with the length, compared at once, and up to six ids stand beside
them. It is bounded (a new piece overwrites an old one) and each thread has its own. A piece not found there is merged:
a short one by scanning for the best pair, a long one with a heap, which keeps a run of a million letters near linear.
"""

import threading

import numpy as np

from groundup.text.compiled import inner, loop, word_at
from groundup.text.tokenizers.byte_level_splitting import split_batches

MOST_IDS = 1 << 20  # ids are kept in 20 bits in the cache
_CACHED_PIECES = 1 << 16  # 32 bytes each
_CACHED_LONG_PIECES = 1 << 12  # 64 bytes each
_SHORT = 48  # symbols; from here on a heap is faster than scanning
_SCRATCH = 5  # words of working space a byte of the longest piece
_FREE, _NO_MERGE = np.int64(-1), np.int64((1 << 63) - 1)
# np.int64, not int: Numba would compile a function anew for every literal that it is called with
_NOTHING, _IDS, _LONG_IDS = np.int64(0), np.int64(2), np.int64(4)  # columns of the caches where the ids begin
_LOW_HALF = np.int64((1 << 32) - 1)
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ONE, _ID_BITS, _TWO_IDS, _COUNT_BITS, _HALF, _TOP = map(np.uint64, (1, 20, 40, 60, 32, 56))
_ID = np.uint64((1 << 20) - 1)


@inner
def _value_of(a, b, pairs):
    """rank << 32 | id of the merge of ids a and b, _NO_MERGE when there is none."""
    mask, key = np.uint64(len(pairs) - 1), np.int64(a) << 32 | np.int64(b)
    place = (np.uint64(key) * _MIX) >> _HALF & mask
    while pairs[place, 0] != key:
        if pairs[place, 0] == _FREE:
            return _NO_MERGE
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
        if values[best] == _NO_MERGE:
            break
        symbols[best] = values[best] & _LOW_HALF
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
    if value == _NO_MERGE:
        return size
    item, i = value & ~_LOW_HALF | k, size
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
def _merge_long(symbols, length, scratch, pairs):
    """The same as `_merge_short` in length x log(length): pairs wait in a heap as rank << 32 | place."""
    after, before, heap = scratch[:length], scratch[length : 2 * length], scratch[2 * length :]
    size = _NOTHING
    for k in range(length):
        after[k], before[k] = k + 1, k - 1
        size = _push_pair(k - 1, symbols, after, heap, size, pairs)
    while size > 0:
        item = _pop(heap, size)
        size -= 1
        k = item & _LOW_HALF
        gone = symbols[k] < 0 or after[k] >= length
        value = _NO_MERGE if gone else _value_of(symbols[k], symbols[after[k]], pairs)
        if value >> 32 != item >> 32:
            continue  # the pair that waited here is no longer there
        symbols[k] = value & _LOW_HALF
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
def _merge_piece(data, start, end, byte_ids, pairs, scratch, out):
    """Write the ids of the piece data[start:end] to the front of `out`; how many."""
    length = end - start
    for k in range(length):
        out[k] = byte_ids[data[start + k]]
    if length <= _SHORT:
        return _merge_short(out, length, scratch, pairs)
    return _merge_long(out, length, scratch, pairs)


@inner
def _remember(ids, count, cache, place, column):
    """Put the ids of a piece, six at most, into two words of the cache, 20 bits each, their number on top."""
    cache[place, column], cache[place, column + 1] = np.uint64(count) << _COUNT_BITS, np.uint64(0)
    for k in range(min(count, 3)):
        cache[place, column] |= np.uint64(ids[k]) << np.uint64(20 * k)
    for k in range(3, count):
        cache[place, column + 1] |= np.uint64(ids[k]) << np.uint64(20 * k - 60)


@inner
def _recall(first, second, out, o):
    """Write the ids that `_remember` packed to out[o:], always three or six; where the next id goes."""
    out[o], out[o + 1], out[o + 2] = first & _ID, first >> _ID_BITS & _ID, first >> _TWO_IDS & _ID
    count = np.int64(first >> _COUNT_BITS)
    if count > 3:
        out[o + 3], out[o + 4], out[o + 5] = second & _ID, second >> _ID_BITS & _ID, second >> _TWO_IDS & _ID
    return o + count


@inner
def _last_word(data, i, length):
    """The last bytes of a piece, less than eight from byte i on, and above them the piece's length."""
    left = np.uint64(8 * (length & 7))
    return word_at(data, i) & ((_ONE << left) - _ONE) | np.uint64(length) << _TOP


@inner
def _encode_long(data, first, end, byte_ids, pairs, cache, scratch, out, o):
    """Write the ids of a piece of 16 bytes or more to out[o:]; where the next id goes."""
    length = end - first
    if length > 31:
        return o + _merge_piece(data, first, end, byte_ids, pairs, scratch, out[o:])
    a, b = word_at(data, first), word_at(data, first + 8)
    if length < 24:
        c, d = np.uint64(0), _last_word(data, first + 16, length)
    else:
        c, d = word_at(data, first + 16), _last_word(data, first + 24, length)
    mixed = ((a ^ b * _MIX_2) * _MIX ^ c * _MIX_2 ^ d) * _MIX
    place = mixed >> _HALF & np.uint64(len(cache) - 1)
    if cache[place, 0] == a and cache[place, 1] == b and cache[place, 2] == c and cache[place, 3] == d:
        return _recall(cache[place, 4], cache[place, 5], out, o)
    count = _merge_piece(data, first, end, byte_ids, pairs, scratch, out[o:])
    if count <= 6:
        cache[place, 0], cache[place, 1], cache[place, 2], cache[place, 3] = a, b, c, d
        _remember(out[o:], count, cache, place, _LONG_IDS)
    return o + count


@loop
def encode_pieces(
    data, first, ends, byte_ids, pairs, cache, long_cache, scratch, out, o, offsets, document, out_offsets
):
    """Write the ids of the pieces from byte `first` to `ends` into out[o:]; where the next id goes.

    The text in `data` is followed by 16 bytes of anything. At the end of each document its place in `out` is noted.
    """
    mask = np.uint64(len(cache) - 1)
    for end in ends:
        length = end - first
        if length > 15:
            o = _encode_long(data, first, end, byte_ids, pairs, long_cache, scratch, out, o)
        else:
            if length < 8:
                low, high = np.uint64(0), _last_word(data, first, length)
            else:
                low, high = word_at(data, first), _last_word(data, first + 8, length)
            place = ((low ^ high * _MIX_2) * _MIX) >> _HALF & mask
            if cache[place, 0] == low and cache[place, 1] == high:
                o = _recall(cache[place, 2], cache[place, 3], out, o)
            else:
                count = _merge_piece(data, first, end, byte_ids, pairs, scratch, out[o:])
                if count <= 6:
                    cache[place, 0], cache[place, 1] = low, high
                    _remember(out[o:], count, cache, place, _IDS)
                o += count
        first = end
        while document < len(offsets) - 1 and offsets[document + 1] <= first:
            document += 1
            out_offsets[document] = o
    return o


def pair_table(lefts: np.ndarray, rights: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Hash table of the merges for `_value_of`: rows (left << 32 | right, rank << 32 | id)."""
    table = np.full((1 << max(4, (2 * len(ids)).bit_length()), 2), _FREE)
    keys, values = lefts << 32 | rights, np.arange(len(ids)) << 32 | ids
    mask = np.uint64(len(table) - 1)
    places, waiting = (keys.astype(np.uint64) * _MIX) >> _HALF & mask, np.arange(len(keys))
    while len(waiting):  # all at once: each takes its place if that is free, the others go one place on
        free = waiting[table[places[waiting], 0] == _FREE]
        table[places[free], 0] = keys[free]
        placed = table[places[waiting], 0] == keys[waiting]
        table[places[waiting[placed]], 1] = values[waiting[placed]]
        waiting = waiting[~placed]
        places[waiting] = (places[waiting] + _ONE) & mask
    return table


class Encoder:
    """The tables of one vocabulary, and for each thread that uses it a cache of pieces and working space."""

    def __init__(self, byte_ids: np.ndarray, pairs: np.ndarray, style: int) -> None:
        """byte_ids: the id of each byte, int32[256]; pairs: from `pair_table`; style: from `splitting.STYLES`."""
        self._byte_ids, self._pairs, self._style = byte_ids, pairs, style
        self._of_thread = threading.local()

    def _workspace(self, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """This thread's caches (two in one could read an entry half written) and space for the longest piece."""
        own = self._of_thread
        if not hasattr(own, "caches"):
            own.caches = np.zeros((_CACHED_PIECES, 4), np.uint64), np.zeros((_CACHED_LONG_PIECES, 8), np.uint64)
            own.scratch = np.empty(_SCRATCH << 10, np.int64)
        if len(own.scratch) < _SCRATCH * longest:
            return *own.caches, np.empty(_SCRATCH * longest, np.int64)
        return *own.caches, own.scratch

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the UTF-8 documents text[offsets[d]:offsets[d + 1]], and where each document's ids start."""
        data = np.frombuffer(text + bytes(16), np.uint8)
        out, out_offsets, o = np.empty(len(text) + 6, np.int32), np.zeros(len(offsets), np.int64), 0
        tables = self._byte_ids, self._pairs
        for first, ends in split_batches(data, offsets, self._style):
            document = int(np.searchsorted(offsets, first, side="right")) - 1
            longest = len(text) if len(text) < 1 << 10 else int(np.diff(ends, prepend=first).max())
            space = self._workspace(longest)
            o = encode_pieces(data, first, ends, *tables, *space, out, o, offsets, document, out_offsets)
        out_offsets[-1] = o
        return out[:o], out_offsets
