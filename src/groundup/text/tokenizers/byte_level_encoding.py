"""Byte-level BPE encoded fast (Numba): pieces in, token ids out.

Meaning: `bpe.encode_piece` for each piece (`tiktoken_ranks.encode_piece` where a vocabulary of ranks is given). Text
repeats itself, so most pieces are answered by a cache: a piece of up to 15 bytes is two 64-bit words with its length on
top, compared at once, and up to six ids stand beside them in the same half of a cache line. Longer pieces are found by
a hash and compared with a copy. Both caches are bounded (an old piece makes room for a new one, and a full copy is
emptied) and each thread has its own. A piece not found there is merged: a short one by scanning for the best pair, a
long one with a heap, which keeps a run of a million letters near linear. What the merging waits for are the tables of
pairs and of whole pieces, megabytes that lie far from the processor; a filter of a few bits for each of their entries
answers most look-ups of what is not there.
"""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self

import numba
import numpy as np
from numba.core import types

from groundup import slots
from groundup.text.compiled import array_at, fetch, inner, loop, trailing_zeros, word_at
from groundup.text.tokenizers.byte_level_splitting import PADDING, split_batches, split_line
from groundup.text.tokenizers.unicode_classes import class_table

MOST_IDS = 1 << 20  # ids are kept in 20 bits in the cache and in the table of pairs
MOST_MERGES = 1 << 24
_CACHED_PIECES = 1 << 19  # 32 bytes each; touched, and so in memory, only as far as a text needs
_CACHED_LONG_PIECES = 1 << 16  # 32 bytes each
_COPIED_BYTES, _COPIED_IDS = 1 << 22, 1 << 20  # of pieces of 16 bytes and more; ids of pieces of seven tokens and more
_LONGEST_CACHED = 512  # bytes
_LINE = 1 << 10  # bytes; a text up to this length is encoded without making an array
_SHORT = 48  # symbols; from here on a heap is faster than scanning
_AHEAD = 12  # pieces whose rows are asked for before they are read: 39 -> 27 ns a piece in scripts with many pieces
_SCRATCH = 5  # words of working space a byte of the longest piece
_NO_MERGE, _FREE = np.int64(MOST_MERGES - 1), np.uint64((1 << 64) - 1)
# np.int64, not int: Numba would compile a function anew for every literal that it is called with
_NOTHING, _BYTES, _IDS, _LOW_HALF, _NONE = *map(np.int64, (0, 0, 1, (1 << 32) - 1)), np.uint64(0)
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ONE, _ID_BITS, _RANK_BITS, _TWO_IDS, _COUNT_BITS, _HALF, _TOP, _WORD, _WORD_BITS = map(
    np.uint64, (1, 20, 24, 40, 60, 32, 56, 64, 6)
)
_ID, _RANK, _MANY = np.uint64(MOST_IDS - 1), np.int64(MOST_MERGES - 1), np.int64(15)
_FILTERED = np.uint64(36)  # bits of a hash below those that the filter goes by
_WHOLE_ID = np.uint64(44)  # bits below the id of a piece that is a token
# the bytes of a word's two halves that belong to a piece of 0 to 15 bytes
_LOW = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(16)], np.uint64)
_HIGH = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(16)], np.uint64)

# Written into its caller: handing over the dozen arrays of Tables and Memory takes longer than merging a short piece.
woven = numba.njit(inline="always", nogil=True, _nrt=False)


class Pairs(NamedTuple):
    """The merges: a hash table of left << 44 | right << 24 | rank, and the id that each rank gives."""

    table: np.ndarray
    ids: np.ndarray


class Tables(NamedTuple):
    """What a vocabulary is to the kernels."""

    bytes: np.ndarray  # int32[256]: the id of each byte
    twos: np.ndarray  # int32[65536]: the rank of each pair of bytes
    pairs: np.ndarray
    ids: np.ndarray
    whole: np.ndarray  # uint64[n, 2]: hash of a piece that is one token, and its id << 44 | length << 32 | start
    text: np.ndarray  # uint8: the bytes of those pieces
    filter: np.ndarray  # uint64: bits for `_may_hold`, one for each pair and each of those pieces


class Memory(NamedTuple):
    """What one thread remembers: caches of pieces of up to 15 bytes and of longer ones, copies, how much is used."""

    short: np.ndarray  # uint64[n, 4]: the piece in two words; its ids
    long: np.ndarray  # uint64[n, 4]: hash, length << 32 | start of its copy; its ids
    text: np.ndarray
    ids: np.ndarray
    used: np.ndarray  # int64[2]: bytes of text, and ids


@inner
def _bit_of(mixed, filter):
    return mixed >> _FILTERED & np.uint64(64 * len(filter) - 1)


@inner
def _may_hold(mixed, filter):
    """Whether what was mixed to this number may be in a table; most of what is not is known here.

    The filter is a tenth of the tables and stays near the processor: text of other scripts, where most pairs cannot be
    merged, waits half as long.
    """
    bit = _bit_of(mixed, filter)
    return filter[bit >> _WORD_BITS] >> (bit & (_WORD - _ONE)) & _ONE != 0


@inner
def _rank_of(a, b, filter, pairs):
    """Rank of the merge of ids a and b, _NO_MERGE when there is none."""
    mask, key = np.uint64(len(pairs) - 1), np.uint64(a) << _ID_BITS | np.uint64(b)
    if not _may_hold(key * _MIX, filter):
        return _NO_MERGE
    place = (key * _MIX) >> _HALF & mask
    while pairs[place] >> _RANK_BITS != key:
        if pairs[place] == _FREE:
            return _NO_MERGE
        place = (place + _ONE) & mask
    return np.int64(pairs[place]) & _RANK


@inner
def _merge_short(symbols, length, ranks, filter, pairs, ids):
    """Merge symbols[:length] in place, always the leftmost pair of lowest rank; how many are left.

    ranks: of the pairs of neighbours at the beginning.
    """
    while length > 1:
        best = 0
        for k in range(1, length - 1):
            if ranks[k] < ranks[best]:
                best = k
        if ranks[best] == _NO_MERGE:
            break
        symbols[best] = ids[ranks[best]]
        length -= 1
        for k in range(best + 1, length):
            symbols[k] = symbols[k + 1]
            ranks[k - 1] = ranks[k]
        if best > 0:
            ranks[best - 1] = _rank_of(symbols[best - 1], symbols[best], filter, pairs)
        if best < length - 1:
            ranks[best] = _rank_of(symbols[best], symbols[best + 1], filter, pairs)
    return length


@inner
def _push_pair(k, symbols, after, heap, size, filter, pairs):
    """Put the pair that starts at symbol k on the heap when it can be merged; the heap's new size."""
    if k < 0 or after[k] >= len(after):
        return size
    rank = _rank_of(symbols[k], symbols[after[k]], filter, pairs)
    if rank == _NO_MERGE:
        return size
    item, i = rank << 32 | k, size
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
def _merge_long(symbols, length, scratch, filter, pairs, ids):
    """The same as `_merge_short` in length x log(length): pairs wait in a heap as rank << 32 | place."""
    after, before, heap = scratch[:length], scratch[length : 2 * length], scratch[2 * length :]
    size = _NOTHING
    for k in range(length):
        after[k], before[k] = k + 1, k - 1
        size = _push_pair(k - 1, symbols, after, heap, size, filter, pairs)
    while size > 0:
        item = _pop(heap, size)
        size -= 1
        k = item & _LOW_HALF
        gone = symbols[k] < 0 or after[k] >= length
        rank = _NO_MERGE if gone else _rank_of(symbols[k], symbols[after[k]], filter, pairs)
        if rank != item >> 32:
            continue  # the pair that waited here is no longer there
        symbols[k] = ids[rank]
        symbols[after[k]] = -1
        after[k] = after[after[k]]
        if after[k] < length:
            before[after[k]] = k
        size = _push_pair(before[k], symbols, after, heap, size, filter, pairs)
        size = _push_pair(k, symbols, after, heap, size, filter, pairs)
    kept = 0
    for k in range(length):
        if symbols[k] >= 0:
            symbols[kept] = symbols[k]
            kept += 1
    return kept


@inner
def _end_of(data, i, length):
    """The last length % 8 bytes of a piece, from byte i on."""
    return word_at(data, i) & ((_ONE << np.uint64(8 * (length & 7))) - _ONE)


@inner
def _hash(data, first, length):
    """64 bits mixed from a piece's bytes, eight at a time."""
    mixed = np.uint64(length) * _MIX_2
    for k in range(0, length - 7, 8):
        mixed = (mixed ^ word_at(data, first + k)) * _MIX
        mixed ^= mixed >> _HALF
    mixed = (mixed ^ _end_of(data, first + (length & ~7), length)) * _MIX
    return mixed ^ mixed >> _HALF


@inner
def _same(data, first, text, start, length):
    """Whether two pieces of one length are equal."""
    for k in range(0, length - 7, 8):
        if word_at(data, first + k) != word_at(text, start + k):
            return False
    rest = length & ~7
    return _end_of(data, first + rest, length) == _end_of(text, start + rest, length)


@inner
def _whole(data, first, length, whole, text, filter):
    """The id of a piece that is one token, -1 when it is none."""
    if len(whole) == 1 or length > 4095:
        return _NOTHING - 1
    mask, mixed = np.uint64(len(whole) - 1), _hash(data, first, length)
    if not _may_hold(mixed, filter):
        return _NOTHING - 1
    place = mixed & mask
    while whole[place, 1] != _FREE:
        if whole[place, 0] == mixed:
            found = np.int64(whole[place, 1])
            if found >> 32 & 4095 == length and _same(data, first, text, found & _LOW_HALF, length):
                return np.int64(whole[place, 1] >> _WHOLE_ID)
        place = (place + _ONE) & mask
    return _NOTHING - 1


@woven
def _merge_piece(data, first, length, tables, scratch, out):
    """Write the ids of a piece to the front of `out`; how many."""
    id = _whole(data, first, length, tables.whole, tables.text, tables.filter)
    if id >= 0:
        out[0] = id
        return 1
    for k in range(length):
        out[k] = tables.bytes[data[first + k]]
    if length > _SHORT:
        return _merge_long(out, length, scratch, tables.filter, tables.pairs, tables.ids)
    for k in range(length - 1):
        scratch[k] = tables.twos[np.int64(data[first + k]) << 8 | data[first + k + 1]]
    return _merge_short(out, length, scratch, tables.filter, tables.pairs, tables.ids)


@inner
def _forget(memory):
    """Empty both caches and their copies."""
    for cache in (memory.short, memory.long):
        for place in range(len(cache)):
            for k in range(4):
                cache[place, k] = 0
    memory.used[_BYTES] = memory.used[_IDS] = 0


@woven
def _remember(out, count, row, memory):
    """Put the ids of a piece into two words of a row: up to six, 20 bits each, or where a copy of more stands."""
    row[2], row[3] = np.uint64(min(count, 15)) << _COUNT_BITS, np.uint64(0)
    if count <= 6:
        for k in range(min(count, 3)):
            row[2] |= np.uint64(out[k]) << np.uint64(20 * k)
        for k in range(3, count):
            row[3] |= np.uint64(out[k]) << np.uint64(20 * k - 60)
        return
    start = memory.used[_IDS]
    row[2], row[3] = np.uint64(_MANY) << _COUNT_BITS | np.uint64(start), np.uint64(count)
    for k in range(count):
        memory.ids[start + k] = out[k]
    memory.used[_IDS] = start + count


@inner
def _recall(first, second, ids, out, o):
    """Write the ids that `_remember` put into two words to out[o:], never less than six; where the next id goes."""
    out[o], out[o + 1], out[o + 2] = first & _ID, first >> _ID_BITS & _ID, first >> _TWO_IDS & _ID
    out[o + 3], out[o + 4], out[o + 5] = second & _ID, second >> _ID_BITS & _ID, second >> _TWO_IDS & _ID
    count = np.int64(first >> _COUNT_BITS)
    if count == _MANY:
        start, count = np.int64(first & ((_ONE << _COUNT_BITS) - _ONE)), np.int64(second)
        for k in range(count):
            out[o + k] = ids[start + k]
    return o + count


@inner
def _row_for(cache, place, length, memory):
    """Where a new piece goes: its own row, or its neighbour's if only that is free. There is room for copies then."""
    if memory.used[_BYTES] + length + 8 > len(memory.text) or memory.used[_IDS] + length > len(memory.ids):
        _forget(memory)
    return place ^ np.uint64(cache[place, 1] != 0 and cache[place ^ _ONE, 1] == 0)


@inner
def _find_long(data, first, length, mixed, long, copied):
    """The row of a piece of 16 bytes or more; one behind the last when it is not there."""
    place = mixed & np.uint64(len(long) - 1)
    for _ in range(2):
        if long[place, 0] == mixed:
            copy = np.int64(long[place, 1])
            if copy >> 32 == length and _same(data, first, copied, copy & _LOW_HALF, length):
                return place
        place ^= _ONE
    return np.uint64(len(long))


@woven
def _encode_new(data, first, length, low, high, place, tables, memory, scratch, out):
    """Write the ids of a piece that no cache holds to the front of `out`, and remember them; how many.

    low, high: a short piece in two words; low: a long one's hash. place: the row it would stand in.
    """
    count = _merge_piece(data, first, length, tables, scratch, out)
    if length > _LONGEST_CACHED:
        return count
    if length > 15:
        row, start = memory.long[_row_for(memory.long, place, length, memory)], memory.used[_BYTES]
        for k in range(length):
            memory.text[start + k] = data[first + k]
        memory.used[_BYTES] = start + length
        high = np.uint64(length) << _HALF | np.uint64(start)
    else:
        row = memory.short[_row_for(memory.short, place, length, memory)]
    row[0], row[1] = low, high
    _remember(out, count, row, memory)
    return count


@inner
def _key(data, first, length):
    """A piece of up to 15 bytes as two words, its length on top."""
    low, high = word_at(data, first) & _LOW[length], word_at(data, first + 8) & _HIGH[length]
    return low, high | np.uint64(length) << _TOP


@loop
def encode_pieces(
    data, first, ends,
    byte_ids, twos, pairs, ids, whole, whole_text, filter, short, long, copied, copied_ids, used,
    scratch, out, o, offsets, document, out_offsets,
):  # fmt: skip
    """Write the ids of the pieces from byte `first` to `ends` into out[o:]; where the next id goes.

    The text in `data` is followed by PADDING bytes. At the end of each document its place in `out` is noted.
    """
    tables = Tables(byte_ids, twos, pairs, ids, whole, whole_text, filter)
    memory = Memory(short, long, copied, copied_ids, used)
    shift = _WORD - trailing_zeros(np.uint64(len(short)))
    for k in range(len(ends)):
        end = ends[k]
        if k + _AHEAD < len(ends):
            soon = ends[k + _AHEAD - 1]
            length = ends[k + _AHEAD] - soon
            if length < 16:
                low, high = _key(data, soon, length)
                fetch(short, np.int64(4 * ((low * _MIX ^ high * _MIX_2) >> shift)))
        length = end - first
        if length < 16:
            low, high = _key(data, first, length)
            place = (low * _MIX ^ high * _MIX_2) >> shift  # the top bits depend on all bytes
            if short[place, 0] != low or short[place, 1] != high:
                place ^= _ONE
            known = short[place, 0] == low and short[place, 1] == high
            if known:
                o = _recall(short[place, 2], short[place, 3], copied_ids, out, o)
        else:
            low, high = _hash(data, first, min(length, _LONGEST_CACHED)), _NONE
            place = _find_long(data, first, length, low, long, copied)
            known = place < np.uint64(len(long))
            if known:
                o = _recall(long[place, 2], long[place, 3], copied_ids, out, o)
            place = low & np.uint64(len(long) - 1)
        if not known:
            o += _encode_new(data, first, length, low, high, place, tables, memory, scratch, out[o:])
        first = end
        while document < len(offsets) - 1 and offsets[document + 1] <= first:
            document += 1
            out_offsets[document] = o
    return o


_text, _copies = array_at(types.uint8, readonly=True), array_at(types.uint8)
_ints, _longs, _words = array_at(types.int32), array_at(types.int64), array_at(types.uint64)
_pairs_of_words, _rows_of_words = array_at(types.uint64, 2), array_at(types.uint64, 4)


@loop
def encode_line(places, line, count):
    """`encode_pieces` for one document of `count` pieces, its arrays handed over as addresses and lengths.

    places: of Tables, Memory, scratch, out and out_offsets; line: of the text, its offsets, the classes and the ends of its pieces.
    """
    p = places
    return encode_pieces(
        _text(line[0], line[1] + PADDING), 0, _longs(line[6], count),
        _ints(p[0], p[1]), _ints(p[2], p[3]), _words(p[4], p[5]), _ints(p[6], p[7]), _pairs_of_words(p[8], p[9]),
        _text(p[10], p[11]), _words(p[12], p[13]), _rows_of_words(p[14], p[15]), _rows_of_words(p[16], p[17]),
        _copies(p[18], p[19]),
        _ints(p[20], p[21]), _longs(p[22], p[23]), _longs(p[24], p[25]), _ints(p[26], p[27]), 0,
        _longs(line[2], line[3]), 0, _longs(p[28], p[29]),
    )  # fmt: skip


@loop
def _fill_twos(byte_ids, filter, pairs, twos):
    """The ranks of all pairs of bytes."""
    for a in range(256):
        for b in range(256):
            twos[a << 8 | b] = _rank_of(byte_ids[a], byte_ids[b], filter, pairs)


@loop
def _fill_whole(text, starts, ids, whole):
    """Enter the tokens text[starts[k]:starts[k + 1]] into a table for `_whole`."""
    mask = np.uint64(len(whole) - 1)
    for k in range(len(ids)):
        length = starts[k + 1] - starts[k]
        mixed = _hash(text, starts[k], length)
        place = mixed & mask
        while whole[place, 1] != _FREE:
            place = (place + _ONE) & mask
        whole[place, 0] = mixed
        whole[place, 1] = np.uint64(ids[k]) << _WHOLE_ID | np.uint64(length) << _HALF | np.uint64(starts[k])


@loop
def _find_halves(text, starts, ids, whole, filter, found):
    """Every way in which a token is two other tokens, as rows (left, right, joined) of `found`; how many."""
    count = 0
    for k in range(len(ids)):
        for middle in range(starts[k] + 1, starts[k + 1]):
            left = _whole(text, starts[k], middle - starts[k], whole, text, filter)
            right = _whole(text, middle, starts[k + 1] - middle, whole, text, filter) if left >= 0 else left
            if right >= 0:
                found[count, 0], found[count, 1], found[count, 2] = left, right, ids[k]
                count += 1
    return count


@loop
def _fill_pairs(lefts, rights, ranks, table):
    """Enter merges into a table for `_rank_of`; of two for one pair the first counts."""
    mask = np.uint64(len(table) - 1)
    for k in range(len(ranks)):
        key = np.uint64(lefts[k]) << _ID_BITS | np.uint64(rights[k])
        place = (key * _MIX) >> _HALF & mask
        while table[place] != _FREE and table[place] >> _RANK_BITS != key:
            place = (place + _ONE) & mask
        if table[place] == _FREE:
            table[place] = key << _RANK_BITS | np.uint64(ranks[k])


def pair_table(lefts: np.ndarray, rights: np.ndarray, ids: np.ndarray, ranks: np.ndarray | None = None) -> Pairs:
    """Hash table of the merges for `_rank_of`; merge i has rank i unless `ranks` are given."""
    table = np.full(1 << max(4, (2 * len(ids)).bit_length()), _FREE)
    ranks = np.arange(len(ids)) if ranks is None else ranks.astype(np.int64)
    _fill_pairs(lefts.astype(np.int64), rights.astype(np.int64), ranks, table)
    by_rank = np.zeros(1 + int(ranks.max(initial=0)), np.int32)
    by_rank[ranks] = ids
    return Pairs(table, by_rank)


@loop
def _fill_filter(whole, pairs, filter):
    """Set the bits of all that two tables hold."""
    for k in range(len(whole)):
        if whole[k, 1] != _FREE:
            bit = _bit_of(whole[k, 0], filter)
            filter[bit >> _WORD_BITS] |= _ONE << (bit & (_WORD - _ONE))
    for pair in pairs:
        if pair != _FREE:
            bit = _bit_of((pair >> _RANK_BITS) * _MIX, filter)
            filter[bit >> _WORD_BITS] |= _ONE << (bit & (_WORD - _ONE))


def _filter_of(whole: np.ndarray, pairs: np.ndarray | None = None) -> np.ndarray:
    """The filter of two tables: 4 to 8 bits for all that they hold, so that a seventh of the rest gets through."""
    pairs = np.full(1, _FREE) if pairs is None else pairs
    held = int(np.count_nonzero(whole[:, 1] != _FREE) + np.count_nonzero(pairs != _FREE))
    filter = np.zeros(1 << (held // 16).bit_length(), np.uint64)
    _fill_filter(whole, pairs, filter)
    return filter


def _whole_table(whole: Mapping[bytes, int]) -> tuple[np.ndarray, ...]:
    """Tables for `_whole`, and where each token starts and its id."""
    if not whole:
        return np.full((1, 2), _FREE), np.frombuffer(bytes(8), np.uint8), np.zeros(1, np.int64), np.zeros(0, np.int64)
    text = np.frombuffer(b"".join(whole) + bytes(8), np.uint8)
    starts = np.cumsum([0, *map(len, whole)], dtype=np.int64)
    table = np.full(
        (1 << (5 * len(whole) // 4).bit_length(), 2), _FREE
    )  # four fifths full: what is not there, the filter knows
    ids = np.fromiter(whole.values(), np.int64, len(whole))
    _fill_whole(text, starts, ids, table)
    return table, text, starts, ids


def _rows(count: int) -> np.ndarray:
    """Empty rows of a cache, two in one line of memory."""
    words = np.zeros(4 * count + 8, np.uint64)
    first = (-words.ctypes.data % 64) // 8
    return words[first : first + 4 * count].reshape(count, 4)


def _addresses(*arrays: np.ndarray) -> np.ndarray:
    """Where arrays stand in memory and how long they are, one after another."""
    return np.array([number for array in arrays for number in (array.ctypes.data, len(array))], np.int64)


class _Space:
    """What one call at a time uses: memory (two in one could read a row half written) and working space."""

    def __init__(self, tables: Tables) -> None:
        copies = np.empty(_COPIED_BYTES, np.uint8), np.empty(_COPIED_IDS, np.int32)
        self.memory = Memory(_rows(_CACHED_PIECES), _rows(_CACHED_LONG_PIECES), *copies, np.zeros(2, np.int64))
        self.scratch, self.out = np.empty(_SCRATCH * _LINE, np.int64), np.empty(_LINE + 6, np.int32)
        # for `encode_text` alone
        self.text, self.ends = np.zeros(_LINE + PADDING, np.uint8), np.empty(_LINE + 80, np.int64)
        self.window, self.offsets = self.text.data, np.zeros(2, np.int64)
        self.line = _addresses(self.text[:_LINE], self.offsets, class_table(), self.ends)
        self._alive = tables, np.zeros(2, np.int64)
        self.places = _addresses(*tables, *self.memory, self.scratch, self.out, self._alive[1])


class Encoder:
    """The tables of one vocabulary, and caches of pieces and working space for as many threads as use it at once."""

    def __init__(
        self, byte_ids: np.ndarray, pairs: Pairs, style: int, whole: Mapping[bytes, int] | None = None
    ) -> None:
        """byte_ids: the id of each byte, int32[256]; pairs: from `pair_table`; style: from `splitting.STYLES`.

        whole: pieces that are looked up before anything is merged, and the id of each.
        """
        self._style = style
        self._spaces: deque[_Space] = deque()  # the one used last is taken first: its caches are near
        self._set_tables(byte_ids, pairs, *_whole_table(whole or {})[:2])

    def _set_tables(self, byte_ids: np.ndarray, pairs: Pairs, whole: np.ndarray, text: np.ndarray) -> None:
        twos = np.empty(1 << 16, np.int32)
        filter = _filter_of(whole, pairs.table)
        _fill_twos(byte_ids, filter, pairs.table, twos)
        self._tables = Tables(byte_ids, twos, *pairs, whole, text, filter)

    @classmethod
    def of_ranks(cls, ranks: Mapping[bytes, int], style: int) -> Self:
        """An encoder that merges any two tokens whose bytes joined are a token: the one of lowest id first."""
        made = cls.__new__(cls)
        made._style, made._spaces = style, deque()
        whole, text, starts, ids = _whole_table(ranks)
        found = np.empty((len(text), 3), np.int32)
        lefts, rights, joined = found[: _find_halves(text, starts, ids, whole, _filter_of(whole), found)].T
        byte_ids = np.array([ranks[bytes([byte])] for byte in range(256)], np.int32)
        made._set_tables(byte_ids, pair_table(lefts, rights, joined, joined), whole, text)
        return made

    @contextlib.contextmanager
    def _space(self) -> Iterator[_Space]:
        """A space that no other thread uses meanwhile; its caches outlive the thread."""
        try:
            own = self._spaces.pop()
        except IndexError:
            own = _Space(self._tables)
        yield own
        self._spaces.append(own)

    def encode_text(self, text: bytes) -> list[int]:
        """Ids of one UTF-8 document."""
        size = len(text)
        if size > _LINE or slots.filled("text.tokenizers.split_gpt2"):
            return self.encode(text, np.array([0, size]))[0].tolist()
        try:  # without `with`, which takes as long as ten words
            own = self._spaces.pop()
        except IndexError:
            own = _Space(self._tables)
        own.window[:size], own.offsets[1] = text, size
        o = encode_line(own.places, own.line, split_line(own.line, self._style))
        ids = own.out[:o].tolist()
        self._spaces.append(own)
        return ids

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the UTF-8 documents text[offsets[d]:offsets[d + 1]], and where each document's ids start."""
        data = np.zeros(len(text) + PADDING, np.uint8)
        # other threads go on while this copies, as they do not while bytes are added to bytes
        data[: len(text)] = np.frombuffer(text, np.uint8)
        data.flags.writeable = False  # as elsewhere: `split_documents` is compiled once
        out, out_offsets, o = np.empty(len(text) + 6, np.int32), np.zeros(len(offsets), np.int64), 0
        with self._space() as own:
            scratch = own.scratch
            for first, ends in split_batches(data, offsets, self._style):
                document = int(np.searchsorted(offsets, first, side="right")) - 1
                longest = max(int(ends[0]) - first, int((ends[1:] - ends[:-1]).max(initial=0)))
                if len(scratch) < _SCRATCH * longest:
                    scratch = np.empty(_SCRATCH * longest, np.int64)
                places = scratch, out, o, offsets, document, out_offsets
                o = encode_pieces(data, first, ends, *self._tables, *own.memory, *places)
        out_offsets[-1] = o
        return out[:o], out_offsets
