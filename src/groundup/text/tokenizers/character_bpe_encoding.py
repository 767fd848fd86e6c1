"""BPE over characters encoded fast (Numba): UTF-8 documents in, ids out.

Meaning: `character_bpe.CharacterBPE`, over whole texts as SentencePiece does it, or over words. As in `unigram_encoding`
words begin where no piece can reach across, and most are answered by a cache. The rest are merged: a short one by scanning
for the best pair, a long one with a heap (`byte_level_encoding` has the same two for bytes).
"""

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, loop, word_at
from groundup.text.tokenizers.character_bpe import refuse_repeated
from groundup.text.tokenizers.double_array import build
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.unigram_encoding import BEFORE_EACH, BEFORE_RUNS, WHOLE

_CACHED_WORDS = 1 << 16  # 64 bytes each
_BATCH = 1 << 20  # bytes normalised at once
_SHORT = 48  # symbols; from here on a heap is faster than scanning
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ZERO, _ONE, _ID_BITS, _TWO_IDS, _COUNT_BITS, _HALF, _TOP = map(np.uint64, (0, 1, 20, 40, 60, 32, 56))
_ID = np.uint64((1 << 20) - 1)
_FREE, _NO_MERGE, _LOW_HALF = np.int64(-1), np.int64((1 << 63) - 1), np.int64((1 << 32) - 1)
_LABEL, _ENDS, _FAR, _VALUE = map(np.int64, (0xFF | 1 << 31, 1 << 8, 1 << 9, (1 << 31) - 1))
_UNKNOWN, _WHOLE = (
    np.int64(-(1 << 40)),
    np.int64(-(1 << 50)),
)  # symbols that never merge: minus a character, minus an id


@loop
def _enter(keys, values, table):
    """Fill the hash table of the merges: rows (left << 32 | right, rank << 32 | id); each pair stands there once."""
    mask = np.uint64(len(table) - 1)
    for i in range(len(keys)):
        place = (np.uint64(keys[i]) * _MIX) >> _HALF & mask
        while table[place, 0] != _FREE and table[place, 0] != keys[i]:
            place = (place + _ONE) & mask
        table[place, 0], table[place, 1] = keys[i], values[i]


@inner
def _value_of(a, b, pairs):
    """rank << 32 | id of the merge of a and b, _NO_MERGE when there is none."""
    if a < 0 or b < 0:
        return _NO_MERGE
    mask, key = np.uint64(len(pairs) - 1), a << 32 | b
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
            if values[k] >> 32 < values[best] >> 32:
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
def _push_pair(k, length, symbols, after, heap, size, pairs):
    """Put the pair that starts at symbol k on the heap when it can be merged; the heap's new size."""
    if k < 0 or after[k] >= length:
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
def _merge_long(symbols, length, after, before, heap, pairs):
    """The same as `_merge_short` in length x log(length): pairs wait in a heap as rank << 32 | place."""
    size = np.int64(0)
    for k in range(length):
        after[k], before[k] = k + 1, k - 1
        size = _push_pair(k - 1, length, symbols, after, heap, size, pairs)
    while size > 0:
        item = _pop(heap, size)
        size -= 1
        k = item & _LOW_HALF
        gone = after[k] < 0 or after[k] >= length
        value = _NO_MERGE if gone else _value_of(symbols[k], symbols[after[k]], pairs)
        if value >> 32 != item >> 32:
            continue  # the pair that waited here is no longer there
        merged = after[k]
        symbols[k], after[k] = value & _LOW_HALF, after[merged]
        after[merged] = -1
        if after[k] < length:
            before[after[k]] = k
        size = _push_pair(before[k], length, symbols, after, heap, size, pairs)
        size = _push_pair(k, length, symbols, after, heap, size, pairs)
    kept = 0
    for k in range(length):
        if after[k] >= 0:
            symbols[kept] = symbols[k]
            kept += 1
    return kept


@inner
def _longest_symbol(units, data, i, end):
    """The longest of the user's own symbols that begins at data[i]: its length, 0 for none, and its id."""
    place, length, value = np.int64(0), np.int64(0), np.int64(0)
    for k in range(i, end):
        unit, byte = np.int64(units[place]), np.int64(data[k])
        place ^= (unit >> 10) << (8 if unit & _FAR else 0) ^ byte
        unit = np.int64(units[place])
        if unit & _LABEL != byte:
            break
        if unit & _ENDS:
            target = place ^ (unit >> 10) << (8 if unit & _FAR else 0)
            length, value = k + 1 - i, np.int64(units[target]) & _VALUE
    return length, value


@inner
def _character(data, i, end):
    """The code point at data[i], and its length in bytes."""
    byte = np.int64(data[i])
    length = np.int64(1) if byte < 0x80 else np.int64(2) if byte < 0xE0 else np.int64(3) if byte < 0xF0 else np.int64(4)
    length = min(length, end - i)
    code = byte if length == 1 else byte & (0xFF >> (length + 1))
    for k in range(1, length):
        code = code << 6 | np.int64(data[i + k]) & 0x3F
    return code, length


@inner
def _spell(data, i, end, units, has_symbols, characters, symbols):
    """Write the symbols of data[i:end]; how many."""
    count = np.int64(0)
    while i < end:
        if has_symbols:
            length, id = _longest_symbol(units, data, i, end)
            if length > 0:
                symbols[count] = _WHOLE - id
                count += 1
                i += length
                continue
        code, length = _character(data, i, end)
        symbol = np.int64(characters[code])
        symbols[count] = symbol if symbol >= 0 else _UNKNOWN - code
        count += 1
        i += length
    return count


@inner
def _put_bytes(code, byte_ids, out, o):
    """Write the ids of the UTF-8 bytes of a character."""
    if code < 0x80:
        out[o] = byte_ids[code]
        return o + 1
    more = 1 if code < 0x800 else 2 if code < 0x10000 else 3
    first = (0xC0, 0xE0, 0xF0)[more - 1]
    out[o] = byte_ids[first | code >> (6 * more)]
    for k in range(1, more + 1):
        out[o + k] = byte_ids[0x80 | code >> (6 * (more - k)) & 0x3F]
    return o + more + 1


@inner
def _write(symbols, count, spelled, known, unk_id, fuse, byte_ids, out, o, start):
    """Write the ids of symbols to out[o:]; where the next goes, and whether one was unknown.

    spelled: code points of the symbols that are no pieces, from `known` on.
    """
    unknown = False
    for k in range(count):
        symbol = symbols[k]
        if symbol <= _WHOLE:
            out[o] = _WHOLE - symbol
            o += 1
            continue
        if 0 <= symbol < known:
            out[o] = symbol
            o += 1
            continue
        code = _UNKNOWN - symbol if symbol < 0 else np.int64(spelled[symbol - known])
        if len(byte_ids):
            o = _put_bytes(code, byte_ids, out, o)
            continue
        unknown = True
        if not (fuse and o > start and out[o - 1] == unk_id):
            out[o] = unk_id
            o += 1
    return o, unknown


@inner
def _is_space(data, i):
    return data[i] == 0xE2 and data[i + 1] == 0x96 and data[i + 2] == 0x81


@inner
def _word_end(data, i, end, splits):
    """Where the word that begins at data[i] ends."""
    if splits == WHOLE:
        return end
    if splits == BEFORE_EACH:
        i += 1
    else:
        while i + 3 <= end and _is_space(data, i):
            i += 3
    while i < end and not (data[i] == 0xE2 and i + 3 <= end and _is_space(data, i)):
        i += 1
    return i


@loop
def _longest_word(data, offsets, splits):
    longest = np.int64(0)
    for document in range(len(offsets) - 1):
        i, end = offsets[document], offsets[document + 1]
        while i < end:
            stop = _word_end(data, i, end, splits)
            longest = max(longest, stop - i)
            i = stop
    return longest


@inner
def _part(data, i, left):
    """Eight bytes from data[i], those beyond `left` zero."""
    if left >= 8:
        return word_at(data, i)
    if left <= 0:
        return _ZERO
    return word_at(data, i) & ((_ONE << np.uint64(8 * left)) - _ONE)


@inner
def _remember(out, o, count, row):
    first, second = np.uint64(count) << _COUNT_BITS, _ZERO
    for k in range(min(count, 3)):
        first |= np.uint64(out[o + k]) << np.uint64(20 * k)
    for k in range(3, count):
        second |= np.uint64(out[o + k]) << np.uint64(20 * k - 60)
    row[4], row[5] = first, second


@inner
def _recall(first, second, out, o):
    """Write the ids that `_remember` packed to out[o:], always three or six; how many count."""
    out[o], out[o + 1], out[o + 2] = first & _ID, first >> _ID_BITS & _ID, first >> _TWO_IDS & _ID
    count = np.int64(first >> _COUNT_BITS)
    if count > 3:
        out[o + 3], out[o + 4], out[o + 5] = second & _ID, second >> _ID_BITS & _ID, second >> _TWO_IDS & _ID
    return count


@loop
def _encode_all(
    data, offsets, splits, units, has_symbols, characters, spelled, known, pairs, unk_id, fuse, byte_ids,
    cache, symbols, after, before, heap, out, edges,
):  # fmt: skip
    """Write the ids of all documents to `out`, and where each one's begin to `edges`."""
    o, mask = np.int64(0), np.uint64(len(cache) - 1)
    for document in range(len(offsets) - 1):
        i, end, start = offsets[document], offsets[document + 1], o
        while i < end:
            stop = _word_end(data, i, end, splits)
            size, place, a, b, c, d = stop - i, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
            if splits == BEFORE_EACH:
                start = o  # unknown pieces join within a word only
            if size < 32:
                a, b, c = _part(data, i, size), _part(data, i + 8, size - 8), _part(data, i + 16, size - 16)
                d = _part(data, i + 24, size - 24) | np.uint64(size) << _TOP
                place = ((((a ^ b * _MIX_2) * _MIX) ^ c * _MIX_2 ^ d) * _MIX) >> _HALF & mask
                row = cache[place]
                if row[0] == a and row[1] == b and row[2] == c and row[3] == d:
                    o += _recall(row[4], row[5], out, o)
                    i = stop
                    continue
            count = _spell(data, i, stop, units, has_symbols, characters, symbols)
            if count <= _SHORT:
                count = _merge_short(symbols, count, after, pairs)
            else:
                count = _merge_long(symbols, count, after, before, heap, pairs)
            first = o
            o, unknown = _write(symbols, count, spelled, known, unk_id, fuse, byte_ids, out, o, start)
            if size < 32 and o - first <= 6 and not unknown:
                row = cache[place]
                row[0], row[1], row[2], row[3] = a, b, c, d
                _remember(out, first, o - first, row)
            i = stop
        edges[document + 1] = o


class CharacterEncoder:
    """The tables of one vocabulary, and for each thread that uses it a cache of words and working space."""

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        ranks: Sequence[int],
        *,
        unk_id: int | None,
        fuse: bool = True,
        byte_ids: np.ndarray | None = None,
        symbols: Sequence[str] = (),
        splits: int = BEFORE_RUNS,
        normalizer: SentencePieceNormalizer | None = None,
    ) -> None:
        """vocabulary: the pieces that text can become, by id. ranks: of the merges, lowest first.

        symbols: the user's own, found before anything is merged. splits: where words begin; no merge may reach across.
        byte_ids: the id of each byte, in place of unk_id. fuse: unknown characters side by side are one. normalizer: applied
        to each document first.
        """
        self._known = 1 + max(vocabulary.values())
        parts = {part for pair in merges for part in pair if part not in vocabulary}
        extra = {part: self._known + place for place, part in enumerate(sorted(parts))}  # characters in pieces only
        ids = {**vocabulary, **extra}
        self._spelled = np.array([ord(part) for part in sorted(parts)], np.int64)
        self._characters = np.full(0x110000, -1, np.int32)
        for piece, id in ids.items():
            if len(piece) == 1:
                self._characters[ord(piece)] = id
        self._pairs = _pair_table(ids, merges, ranks)
        self._units = build([symbol.encode() for symbol in symbols], [vocabulary[symbol] for symbol in symbols])
        self._has_symbols, self._fuse = bool(symbols), fuse
        self._unk_id = np.int64(-1 if unk_id is None else unk_id)
        self._byte_ids = np.empty(0, np.int32) if byte_ids is None else np.asarray(byte_ids, np.int32)
        self._splits, self._normalizer, self._of_thread = np.int64(splits), normalizer, threading.local()

    def _workspace(self, longest: int) -> tuple[np.ndarray, ...]:
        """This thread's cache, and working space for the longest word."""
        own = self._of_thread
        if not hasattr(own, "cache"):
            own.cache, own.space = np.zeros((_CACHED_WORDS, 8), np.uint64), self._space(1 << 12)
        return own.cache, *(own.space if longest < 1 << 12 else self._space(longest + 1))

    @staticmethod
    def _space(size: int) -> tuple[np.ndarray, ...]:
        return tuple(np.empty(length, np.int64) for length in (size, size, size, 3 * size))

    def _encode_batch(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._normalizer is None:
            data = np.frombuffer(text + bytes(32), np.uint8)
        else:
            data, offsets = self._normalizer.normalize_packed(text, offsets)
        space = self._workspace(_longest_word(data, offsets, self._splits))
        out, edges = np.empty(int(offsets[-1]) + 6, np.int32), np.zeros(len(offsets), np.int64)
        tables = self._units, self._has_symbols, self._characters, self._spelled, self._known, self._pairs
        rest = self._unk_id, self._fuse, self._byte_ids
        _encode_all(data, offsets, self._splits, *tables, *rest, *space, out, edges)
        return out[: edges[-1]], edges

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the UTF-8 documents text[offsets[d]:offsets[d + 1]], and where each document's ids start."""
        ids, edges, first = [np.empty(0, np.int32)], [np.zeros(1, np.int64)], 0
        while first < len(offsets) - 1:
            last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _BATCH, side="right")) - 1)
            part = text[offsets[first] : offsets[last]] if first or last < len(offsets) - 1 else text
            own_ids, own_edges = self._encode_batch(part, offsets[first : last + 1] - offsets[first])
            ids.append(own_ids)
            edges.append(own_edges[1:] + edges[-1][-1])
            first = last
        whole = np.concatenate(ids)
        if self._unk_id < 0 and not len(self._byte_ids) and len(whole) and whole.min() < 0:
            raise InputError(
                "the text has a character that no piece holds and the vocabulary has no unknown piece; set unk_token"
            )
        return whole, np.concatenate(edges)


def _pair_table(ids: Mapping[str, int], merges: Sequence[tuple[str, str]], ranks: Sequence[int]) -> np.ndarray:
    refuse_repeated(merges)
    table = np.full((1 << max(4, (2 * len(merges)).bit_length()), 2), _FREE)
    lefts, rights = (np.array([ids[pair[side]] for pair in merges], np.int64) for side in (0, 1))
    merged = np.array([ids[left + right] for left, right in merges], np.int64)
    _enter(lefts << 32 | rights, np.array(ranks, np.int64) << 32 | merged, table)
    return table
