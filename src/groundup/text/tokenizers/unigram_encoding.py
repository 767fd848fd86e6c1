"""Unigram encoded fast (Numba): UTF-8 documents in, the ids of each one's most probable segmentation out.

Meaning: `unigram.viterbi_segment`. The pieces that begin at a place are read off a double array (`double_array`). A
text falls into words where no piece can reach across (before a `▁` that follows something else), and words repeat, so
most are answered by a cache as in `byte_level_encoding`.

SentencePiece adds its log probabilities in single precision over a whole sentence, and where two segmentations are
equally good (`a` `aa` or `aa` `a`) its rounding decides. So with `single` the running sum is kept as it keeps it, and a
word comes from the cache only when its best segmentation is ahead by more than rounding could change. Hugging Face's
Unigram adds in double precision, a word for itself.
"""

import threading
from collections import namedtuple

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, loop, word_at
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer

WHOLE, BEFORE_RUNS, BEFORE_EACH = 0, 1, 2  # where words begin: nowhere, before each run of ▁, before each ▁
_CACHED_WORDS = 1 << 16  # 64 bytes each
_BATCH = 1 << 20  # bytes normalised at once
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ZERO, _ONE, _EIGHT, _ID_BITS, _TWO_IDS, _COUNT_BITS, _HALF, _TOP = map(np.uint64, (0, 1, 8, 20, 40, 60, 32, 56))
_ID = np.uint64((1 << 20) - 1)
_LABEL, _ENDS, _FAR, _VALUE = map(np.int64, (0xFF | 1 << 31, 1 << 8, 1 << 9, (1 << 31) - 1))
_UNKNOWN, _NOTHING = np.int64(-1), np.int64(-2)  # in place of an id: no piece; nothing ends here
_ROUNDING = float(1 << 22)  # 2^24 steps of single precision in a number, halved for two sums, and again for safety
_LOWEST = -100_000.0  # a sum below it is set to zero
_FAR_BEHIND, _ALWAYS = -1e300, float(1 << 62)


Tables = namedtuple("Tables", "units scores unknown unk_id byte_ids single splits")  # see `UnigramEncoder`
Nodes = namedtuple("Nodes", "best second starts ids after")  # of a word: for each place in it the best way there


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
def _rounded(score, single):
    return np.float64(np.float32(score)) if single else np.float64(score)


@inner
def _offer(node, score, id, start, nodes):
    """A segmentation up to `node` with this score: keep it if it is better, and note the second best score."""
    if nodes.ids[node] == _NOTHING or score > nodes.best[node]:
        nodes.second[node] = nodes.best[node] if nodes.ids[node] != _NOTHING else _FAR_BEHIND
        nodes.best[node], nodes.ids[node], nodes.starts[node] = score, id, start
    elif score > nodes.second[node]:
        nodes.second[node] = score


@inner
def _lift(start, size, nodes):
    """Measure all scores from the node `start` on, as SentencePiece does, lest large sums lose small differences."""
    score = nodes.best[start]
    for node in range(start, size + 1):
        if node == start or nodes.ids[node] != _NOTHING:
            nodes.best[node] = _rounded(nodes.best[node] - score, True)
            nodes.second[node] = max(_FAR_BEHIND, nodes.second[node] - score)


@inner
def _offer_pieces(data, first, start, size, tables, nodes):
    """Offer every piece that begins at data[first + start]; where the character ends there if none is that character."""
    byte = np.int64(data[first + start])
    step = np.int64(1) if byte < 0x80 else np.int64(2) if byte < 0xE0 else np.int64(3) if byte < 0xF0 else np.int64(4)
    step = min(step, size - start)
    place, known, here, units = np.int64(0), False, nodes.best[start], tables.units
    for k in range(start, size):
        unit, byte = np.int64(units[place]), np.int64(data[first + k])
        place ^= (unit >> 10) << (8 if unit & _FAR else 0) ^ byte
        unit = np.int64(units[place])
        if unit & _LABEL != byte:
            break
        if unit & _ENDS:
            id = np.int64(units[place ^ (unit >> 10) << (8 if unit & _FAR else 0)]) & _VALUE
            _offer(k + 1, _rounded(here + tables.scores[id], tables.single), id, start, nodes)
            known |= k + 1 - start == step
    if not known:
        _offer(start + step, _rounded(here + tables.unknown, tables.single), _UNKNOWN, start, nodes)
    return start + step


@inner
def _segment(data, first, size, run, tables, nodes):
    """Find the best segmentation of data[first:first + size]: for each node (a byte's place) score, piece and its start.

    run: the score of what stands before the word.
    """
    nodes.ids[0], nodes.best[0] = 0, run
    for node in range(1, size + 1):
        nodes.ids[node] = _NOTHING
    start = np.int64(0)
    while start < size:
        if tables.single and nodes.best[start] < _LOWEST:
            _lift(start, size, nodes)
        start = _offer_pieces(data, first, start, size, tables, nodes)


@inner
def _chain(size, nodes):
    """Link the nodes of the best segmentation forward; by how much the closest rival was behind."""
    node, ahead = size, _ALWAYS
    while node > 0:
        ahead = min(ahead, nodes.best[node] - nodes.second[node])
        nodes.after[nodes.starts[node]] = node
        node = nodes.starts[node]
    return ahead


@inner
def _write(data, first, size, tables, nodes, out, o, start):
    """Write the ids along the chain to out[o:]; where the next goes, and how many pieces were unknown.

    Unknown pieces side by side are one, back to out[start]; with byte_ids they are their bytes instead.
    """
    node, unknown = np.int64(0), np.int64(0)
    while node < size:
        after_node = nodes.after[node]
        id = nodes.ids[after_node]
        if id != _UNKNOWN:
            out[o] = id
            o += 1
        elif len(tables.byte_ids):
            unknown += 1
            for k in range(node, after_node):
                out[o] = tables.byte_ids[data[first + k]]
                o += 1
        else:
            unknown += 1
            if o == start or out[o - 1] != tables.unk_id:
                out[o] = tables.unk_id
                o += 1
        node = after_node
    return o, unknown


@inner
def _part(data, i, left):
    """Eight bytes from data[i], those beyond `left` zero."""
    if left >= 8:
        return word_at(data, i)
    if left <= 0:
        return _ZERO
    return word_at(data, i) & ((_ONE << np.uint64(8 * left)) - _ONE)


@inner
def _key(data, i, size):
    """The bytes of a word, less than 32, and their number on top."""
    a, b, c = _part(data, i, size), _part(data, i + 8, size - 8), _part(data, i + 16, size - 16)
    return a, b, c, _part(data, i + 24, size - 24) | np.uint64(size) << _TOP


@inner
def _place_of(key, cache):
    a, b, c, d = key
    return ((((a ^ b * _MIX_2) * _MIX) ^ c * _MIX_2 ^ d) * _MIX) >> _HALF & np.uint64(len(cache) - 1)


@inner
def _holds(row, key):
    a, b, c, d = key
    return row[0] == a and row[1] == b and row[2] == c and row[3] == d


@inner
def _remember(key, out, o, count, row, limit):
    first, second = np.uint64(count) << _COUNT_BITS, _ZERO
    for k in range(min(count, 3)):
        first |= np.uint64(out[o + k]) << np.uint64(20 * k)
    for k in range(3, count):
        second |= np.uint64(out[o + k]) << np.uint64(20 * k - 60)
    row[0], row[1], row[2], row[3] = key
    row[4], row[5], row[6] = first, second, np.uint64(limit)


@inner
def _recall(first, second, out, o):
    """Write the ids that `_remember` packed to out[o:], always three or six; how many count."""
    out[o], out[o + 1], out[o + 2] = first & _ID, first >> _ID_BITS & _ID, first >> _TWO_IDS & _ID
    count = np.int64(first >> _COUNT_BITS)
    if count > 3:
        out[o + 3], out[o + 4], out[o + 5] = second & _ID, second >> _ID_BITS & _ID, second >> _TWO_IDS & _ID
    return count


@inner
def _limit(size, run, score, ahead, single):
    """Up to which sum before a word, whatever its sign, the same segmentation is the best."""
    if not single:
        return _ALWAYS
    return min(_ALWAYS, max(0.0, ahead * _ROUNDING / size - 2 * abs(score - run)))


@inner
def _sum_on(run, out, o, count, tables):
    """The score before a word and its pieces', added as they were added when it was cut."""
    if tables.single:
        for k in range(o, o + count):
            run = _rounded(run + tables.scores[out[k]], True)
    return run


@inner
def _cut_word(data, i, size, run, tables, row, key, nodes, out, o, start):
    """Write the ids of a word that the cache does not hold to out[o:], and remember them; where the next goes."""
    _segment(data, i, size, run, tables, nodes)
    ahead = _chain(size, nodes)
    end, unknowns = _write(data, i, size, tables, nodes, out, o, start)
    if size < 32 and end - o <= 6 and end > o and not (unknowns and (tables.single or o > start)):
        _remember(key, out, o, end - o, row, _limit(size, run, nodes.best[size], ahead, tables.single))
    return end


@loop
def _encode_all(data, offsets, tables, cache, nodes, out, edges):
    """Write the ids of all documents to `out`, and where each one's begin to `edges`."""
    o, single = np.int64(0), tables.single
    most = -_LOWEST - 32 * abs(tables.unknown) if single else _ALWAYS
    for document in range(len(offsets) - 1):
        i, end, run, start = offsets[document], offsets[document + 1], 0.0, o
        while i < end:
            stop = _word_end(data, i, end, tables.splits)
            if not single and tables.splits == BEFORE_EACH:
                start = o  # unknown pieces join within a word only
            key = _key(data, i, min(stop - i, 31))
            row = cache[_place_of(key, cache)]
            if stop - i < 32 and _holds(row, key) and abs(run) <= min(np.float64(row[6]), most):
                count = _recall(row[4], row[5], out, o)
                run = _sum_on(run, out, o, count, tables)
                o += count
            else:
                o = _cut_word(data, i, stop - i, run, tables, row, key, nodes, out, o, start)
                run = nodes.best[stop - i] if single else 0.0
            i = stop
        edges[document + 1] = o


class UnigramEncoder:
    """The tables of one vocabulary, and for each thread that uses it a cache of words and working space."""

    def __init__(
        self,
        units: np.ndarray,
        scores: np.ndarray,
        *,
        unknown: float,
        unk_id: int | None,
        byte_ids: np.ndarray | None = None,
        splits: int = BEFORE_RUNS,
        single: bool = False,
        normalizer: SentencePieceNormalizer | None = None,
    ) -> None:
        """units: the pieces as a trie of their ids; scores: each id's log probability; unknown: an unknown character's.

        byte_ids: the id of each byte, in place of unk_id. splits: where words begin; no piece may reach across.
        single: sums as SentencePiece rounds them. normalizer: applied to each document first.
        """
        self._tables = Tables(
            units,
            np.asarray(scores, np.float64),
            float(unknown),
            np.int64(-1 if unk_id is None else unk_id),
            np.empty(0, np.int32) if byte_ids is None else np.asarray(byte_ids, np.int32),
            single,
            np.int64(splits),
        )
        self._normalizer, self._of_thread = normalizer, threading.local()

    def _workspace(self, longest: int) -> tuple[np.ndarray, Nodes]:
        """This thread's cache, and a place for each byte of the longest word."""
        own = self._of_thread
        if not hasattr(own, "cache"):
            own.cache, own.nodes = np.zeros((_CACHED_WORDS, 8), np.uint64), self._nodes(1 << 12)
        return own.cache, own.nodes if longest < 1 << 12 else self._nodes(longest + 1)

    @staticmethod
    def _nodes(size: int) -> Nodes:
        return Nodes(*(np.empty(size, np.float64) for _ in range(2)), *(np.empty(size, np.int64) for _ in range(3)))

    def _encode_batch(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._normalizer is None:
            data = np.frombuffer(text + bytes(32), np.uint8)
        else:
            data, offsets = self._normalizer.normalize_packed(text, offsets)
        size = int(offsets[-1])
        cache, nodes = self._workspace(_longest_word(data, offsets, self._tables.splits))
        out, edges = np.empty(size + 6, np.int32), np.zeros(len(offsets), np.int64)
        _encode_all(data, offsets, self._tables, cache, nodes, out, edges)
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
        if self._tables.unk_id < 0 and not len(self._tables.byte_ids) and len(whole) and whole.min() < 0:
            raise InputError(
                "the text has a character that no piece holds and the vocabulary no unknown piece; set unk_id"
            )
        return whole, np.concatenate(edges)
