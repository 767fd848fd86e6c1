"""BERT's whole tokenizer in one loop over bytes (Numba): normaliser, splitter and longest match.

Meaning: BertNormalizer, BertPreTokenizer and `wordpiece.encode_word` one after another. Three ideas make it fast.

- *One look-up a character.* What cleaning, spacing of ideographs, stripping of accents, small letters and splitting do
  to a character is worked out once for each (`bert_characters.character_table`); in the loop it is one entry: kept, replaced by others,
  removed, white space, or a token of its own with its id. ASCII words, most of English, are found eight bytes at a
  time and made small by setting a bit.
- *A trie.* All tokens as one tree of bytes: walking down it along the word passes every token that fits, and the last
  one passed is the longest. ## is a place in the same tree, where every piece but the first begins.
- *A cache of words.* Text repeats itself: a word of up to 31 bytes, as it stands in the text, is a few 64-bit words that
  are compared at once, with up to six ids (in a second, smaller one twelve) beside them. It is bounded, and each
  thread has its own.

A word longer than `max_input_chars_per_word` is unknown and not stored, so no word takes more than linear time.
"""

import threading
from collections import namedtuple
from collections.abc import Mapping

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, loop, trailing_zeros, word_at
from groundup.text.tokenizers.bert_characters import (
    ALONE,
    KIND,
    ORDERED,
    REMOVED,
    REPLACED,
    SHIFT,
    SPACE,
    SPREAD,
    character_table,
)
from groundup.text.tokenizers.wordpiece import WordPiece

MOST_IDS = 1 << 20  # ids are kept in 20 bits in the cache
Trie = namedtuple("Trie", "edges ids inside")  # node n has the token ids[n] (-1: none); pieces inside begin at `inside`
Caches = namedtuple("Caches", "short long")

_CACHED_WORDS = 1 << 16  # 32 bytes each
_CACHED_LONG_WORDS = 1 << 13  # 64 bytes each: words of more than 15 bytes or of more than six ids
_SPARE = 24  # bytes behind a text or a word that may be read
_ZERO, _ONE_STEP = np.int64(0), np.int64(1)
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ONE, _ID_BITS, _TWO_IDS, _COUNT_BITS, _HALF, _TOP = map(np.uint64, (1, 20, 40, 60, 32, 56))
_ID = np.uint64((1 << 20) - 1)
_SHORT_IDS, _LONG_IDS = np.int64(2), np.int64(4)  # columns of the caches where the ids begin
_EVERY_BYTE = 0x0101010101010101
_CASE, _SEVEN_BITS, _TOP_BITS = (np.uint64(bits * _EVERY_BYTE) for bits in (0x20, 0x7F, 0x80))
_FROM_A, _ABOVE_Z = np.uint64((0x80 - 0x61) * _EVERY_BYTE), np.uint64((0x80 - 0x7B) * _EVERY_BYTE)
_FROM_0, _ABOVE_9 = np.uint64((0x80 - 0x30) * _EVERY_BYTE), np.uint64((0x80 - 0x3A) * _EVERY_BYTE)
_FREE = np.uint64(0xFFFFFFFFFFFFFFFF)


@inner
def _character_at(data, i):
    """Code point and width in bytes of the character at byte i, as code << 3 | width. Valid UTF-8 is assumed."""
    first = np.int64(data[i])
    if first < 0x80:
        return first << 3 | 1
    if first < 0xE0:
        return ((first & 0x1F) << 6 | np.int64(data[i + 1]) & 0x3F) << 3 | 2
    if first < 0xF0:
        code = (first & 0xF) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | np.int64(data[i + 2]) & 0x3F
        return code << 3 | 3
    high = (first & 0x7) << 18 | (np.int64(data[i + 1]) & 0x3F) << 12
    return (high | (np.int64(data[i + 2]) & 0x3F) << 6 | np.int64(data[i + 3]) & 0x3F) << 3 | 4


@inner
def _write_character(code, word, length):
    """Write a code point as UTF-8 to word[length:]; the length after it."""
    if code < 0x80:
        word[length] = code
        return length + 1
    if code < 0x800:
        word[length], word[length + 1] = 0xC0 | code >> 6, 0x80 | code & 0x3F
        return length + 2
    if code < 0x10000:
        word[length], word[length + 1], word[length + 2] = (
            0xE0 | code >> 12,
            0x80 | code >> 6 & 0x3F,
            0x80 | code & 0x3F,
        )
        return length + 3
    word[length], word[length + 1] = 0xF0 | code >> 18, 0x80 | code >> 12 & 0x3F
    word[length + 2], word[length + 3] = 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F
    return length + 4


@inner
def _entry(code, table):
    return table.entries[np.int64(table.pages[code >> 8]), code & 0xFF]


@inner
def _put_in_order(word, barrier, length, table):
    """Move the mark at the end of word[barrier:length] before the marks of a higher combining class."""
    last = length - 1
    while word[last] & 0xC0 == 0x80:
        last -= 1
    own = _entry(_character_at(word, last) >> 3, table)
    place = last
    while place > barrier:
        before = place - 1
        while before > barrier and word[before] & 0xC0 == 0x80:
            before -= 1
        other = _entry(_character_at(word, before) >> 3, table)
        if other & KIND != ORDERED or other <= own:
            break
        place = before
    for _ in range(length - last):  # rotate the mark's bytes to its place
        byte = word[length - 1]
        for k in range(length - 1, place, -1):
            word[k] = word[k - 1]
        word[place] = byte


@inner
def _write_sequence(place, word, length, barrier, table):
    """Write the characters of one that comes apart; the length after them."""
    for k in range(place + 1, place + 1 + table.sequences[place]):
        code = np.int64(table.sequences[k])
        length = _write_character(code, word, length)
        if _entry(code, table) & KIND == ORDERED:
            _put_in_order(word, barrier, length, table)
    return length


@inner
def _collect(data, i, end, most, word, table):
    """Write the normalised word that starts at byte i to `word`: where it ends, its length in bytes and characters.

    It ends before white space and before a character that stands alone. Of a word of more than `most` characters only
    the beginning is written.
    """
    length, characters, barrier = _ZERO, _ZERO, _ZERO
    while i < end:
        character = _character_at(data, i)
        entry = _entry(character >> 3, table)
        kind, value, width = entry & KIND, np.int64(entry >> SHIFT), character & 7
        if kind >= SPACE:
            break
        if kind == REMOVED:
            barrier = length if value == 1 else barrier
        elif characters > most:
            characters += 1
        elif kind == SPREAD:
            length = _write_sequence(value, word, length, barrier, table)
            characters += table.sequences[value]
        elif kind == REPLACED:
            length = _write_character(value, word, length)
            characters += 1
        else:
            for k in range(width):
                word[length + k] = data[i + k]
            length += width
            characters += 1
            if kind == ORDERED:
                _put_in_order(word, barrier, length, table)
        i += width
    return i, length, characters


@inner
def _ascii_word_end(data, i, end):
    """End of the run of ASCII letters and digits at byte i, eight bytes at a time."""
    while i < end:
        word = word_at(data, i)
        low, plain = (word | _CASE) & _SEVEN_BITS, word & _SEVEN_BITS
        wanted = ((low + _FROM_A) & ~(low + _ABOVE_Z) | (plain + _FROM_0) & ~(plain + _ABOVE_9)) & ~word & _TOP_BITS
        run = np.int64(trailing_zeros(wanted ^ _TOP_BITS) >> np.uint64(3))
        i += run
        if run < 8:
            break
    return min(i, end)


@inner
def _child(node, byte, edges):
    """The node that `byte` leads to from `node`, -1 for none."""
    mask, key = np.uint64(len(edges) - 1), np.uint64(node << 8 | byte)
    place = (key * _MIX) >> _HALF & mask
    while edges[place] != _FREE:
        if edges[place] >> _HALF == key:
            return np.int64(edges[place] & np.uint64(0xFFFFFFFF))
        place = (place + _ONE) & mask
    return np.int64(-1)


@inner
def _match(word, length, trie, unknown, out, o):
    """Write the ids of the longest tokens of word[:length] to out[o:], or `unknown` alone; where the next id goes."""
    start, first = _ZERO, o
    while start < length:
        node, longest, end = (_ZERO if start == 0 else trie.inside), np.int32(-1), start
        k = start
        while k < length:
            node = _child(node, np.int64(word[k]), trie.edges) if node >= 0 else node
            if node < 0:
                break
            k += 1
            if trie.ids[node] >= 0:
                longest, end = trie.ids[node], k
        if longest < 0:
            out[first] = unknown
            return first + 1
        out[o] = longest
        o += 1
        start = end
    return o


@inner
def _last_word(data, i, length, case):
    """The last bytes of a word, less than eight from byte i on, and above them the word's length."""
    left = np.uint64(8 * (length & 7))
    return (word_at(data, i) | case) & ((_ONE << left) - _ONE) | np.uint64(length) << _TOP


@inner
def _remember(ids, first, end, cache, place, column):
    """Put ids[first:end] into words of the cache from `column` on, three in each, their number on top of the first."""
    cache[place, column] = np.uint64(end - first) << _COUNT_BITS
    for k in range(end - first):
        if k > 0 and k % 3 == 0:
            column += 1
            cache[place, column] = np.uint64(0)
        cache[place, column] |= np.uint64(ids[first + k]) << np.uint64(20 * (k % 3))


@inner
def _recall(cache, place, column, out, o):
    """Write the ids that `_remember` packed to out[o:], always three at a time; where the next id goes."""
    packed = cache[place, column]
    out[o], out[o + 1], out[o + 2] = packed & _ID, packed >> _ID_BITS & _ID, packed >> _TWO_IDS & _ID
    count = np.int64(packed >> _COUNT_BITS)
    for k in range(3, count, 3):
        column += 1
        packed = cache[place, column]
        out[o + k], out[o + k + 1], out[o + k + 2] = packed & _ID, packed >> _ID_BITS & _ID, packed >> _TWO_IDS & _ID
    return o + count


@inner
def _encode_new(data, first, end, most, word, table, trie, unknown, out, o):
    """Normalise the word data[first:end] and write its ids to out[o:]; where the next id goes."""
    _, length, characters = _collect(data, first, end, most, word, table)
    if characters > most:
        out[o] = unknown
        return o + 1
    return _match(word, length, trie, unknown, out, o)


@inner
def _short_key(data, first, length, case):
    """A word of up to 15 bytes, `case` set in each, and its length as two numbers."""
    if length < 8:
        return np.uint64(0), _last_word(data, first, length, case)
    return word_at(data, first) | case, _last_word(data, first + 8, length, case)


@inner
def _short_place(low, high, cache):
    return ((low ^ high * _MIX_2) * _MIX) >> _HALF & np.uint64(len(cache) - 1)


@inner
def _known(data, first, length, case, cache, out, o):
    """Write the ids of a short word that the cache holds to out[o:]; where the next goes, -1 when it does not.

    Small enough to become part of the loop: a call with all the arrays of `_encode_word` costs 30 ns.
    """
    if length > 15:
        return np.int64(-1)
    low, high = _short_key(data, first, length, case)
    place = _short_place(low, high, cache)
    if cache[place, 0] != low or cache[place, 1] != high:
        return np.int64(-1)
    return _recall(cache, place, _SHORT_IDS, out, o)


@inner
def _long_key(data, first, length, case):
    """A word of up to 31 bytes and its length as four numbers."""
    if length < 16:
        low, high = _short_key(data, first, length, case)
        return low, high, np.uint64(0), np.uint64(0)
    a, b = word_at(data, first) | case, word_at(data, first + 8) | case
    if length < 24:
        return a, b, np.uint64(0), _last_word(data, first + 16, length, case)
    return a, b, word_at(data, first + 16) | case, _last_word(data, first + 24, length, case)


@inner
def _encode_word(data, first, end, case, most, word, table, trie, unknown, caches, out, o):
    """Write the ids of the word data[first:end], which `_known` does not know, to out[o:]; where the next id goes."""
    if end - first > 31:
        return _encode_new(data, first, end, most, word, table, trie, unknown, out, o)
    cache = caches.long
    a, b, c, d = _long_key(data, first, end - first, case)
    mixed = ((a ^ b * _MIX_2) * _MIX ^ c * _MIX_2 ^ d) * _MIX
    place = mixed >> _HALF & np.uint64(len(cache) - 1)
    if cache[place, 0] == a and cache[place, 1] == b and cache[place, 2] == c and cache[place, 3] == d:
        return _recall(cache, place, _LONG_IDS, out, o)
    after = _encode_new(data, first, end, most, word, table, trie, unknown, out, o)
    if end - first < 16 and after - o <= 6:
        place = _short_place(a, b, caches.short)
        caches.short[place, 0], caches.short[place, 1] = a, b
        _remember(out, o, after, caches.short, place, _SHORT_IDS)
    elif after - o <= 12:
        cache[place, 0], cache[place, 1], cache[place, 2], cache[place, 3] = a, b, c, d
        _remember(out, o, after, cache, place, _LONG_IDS)
    return after


@inner
def _word_end(data, i, end, table):
    """The end of the word that goes on at byte i: before white space or a character that stands alone."""
    while i < end:
        character = _character_at(data, i)
        if _entry(character >> 3, table) & KIND >= SPACE:
            break
        i += character & 7
    return i


@inner
def _encode_document(data, i, end, case, most, word, table, trie, unknown, caches, out, o):
    """Write the ids of data[i:end] to out[o:]; where the next id goes.

    The cache knows words as they stand in the text, those of ASCII letters and digits alone with `case` set.
    """
    while i < end:
        character = _character_at(data, i)
        entry = _entry(character >> 3, table)
        if entry & KIND >= SPACE:
            i += character & 7
            if entry & KIND == ALONE:
                out[o] = entry >> SHIFT
                o += 1
            continue
        plain = _ascii_word_end(data, i, end)
        after = _word_end(data, plain, end, table)
        bits = case if after == plain else np.uint64(0)
        known = _known(data, i, after - i, bits, caches.short, out, o)
        if known < 0:
            known = _encode_word(data, i, after, bits, most, word, table, trie, unknown, caches, out, o)
        i, o = after, known
    return o


@loop
def encode_documents(data, offsets, case, most, word, table, trie, unknown, caches, out, out_offsets):
    """Write the ids of the documents data[offsets[d]:offsets[d + 1]] one after another; where each one's ids start.

    The text in `data` is followed by `_SPARE` bytes of anything.
    """
    o = _ZERO
    for document in range(len(offsets) - 1):
        o = _encode_document(
            data, offsets[document], offsets[document + 1], case, most, word, table, trie, unknown, caches, out, o
        )
        out_offsets[document + 1] = o
    return o


@loop
def write_words(data, offsets, table, out):
    """Write the normalised words of all documents to `out`, a blank behind each; how many bytes.

    Entries of characters that stand alone hold their code point here, not an id.
    """
    o = _ZERO
    for document in range(len(offsets) - 1):
        i, end = offsets[document], offsets[document + 1]
        while i < end:
            character = _character_at(data, i)
            entry = _entry(character >> 3, table)
            if entry & KIND == SPACE:
                i += character & 7
                continue
            length = _ZERO
            if entry & KIND == ALONE:
                length = _write_character(np.int64(entry >> SHIFT), out[o:], _ZERO)
                i += character & 7
            else:
                i, length, _ = _collect(data, i, end, end, out[o:], table)
            if length > 0:
                out[o + length] = 0x20
                o += length + 1
    return o


@loop
def grow_trie(text, ends, ids, edges, node_ids):
    """Enter the tokens text[:ends[0]], text[ends[0]:ends[1]] ... into an empty trie; the number of its nodes.

    Nodes are numbered as they are made, so the first token's are 1, 2, 3 ... its length.
    """
    nodes, i, mask = _ONE_STEP, _ZERO, np.uint64(len(edges) - 1)
    for token in range(len(ends)):
        node = _ZERO
        while i < ends[token]:
            child = _child(node, np.int64(text[i]), edges)
            if child < 0:
                child, key = nodes, np.uint64(node << 8 | np.int64(text[i]))
                nodes += 1
                place = (key * _MIX) >> _HALF & mask
                while edges[place] != _FREE:
                    place = (place + _ONE) & mask
                edges[place] = key << _HALF | np.uint64(child)
            node = child
            i += 1
        node_ids[node] = ids[token]
    return nodes


def build_trie(vocabulary: Mapping[str, int], prefix: str) -> Trie:
    """The tokens of a vocabulary as a tree of bytes, its edges in one hash table: node << 8 | byte, and the child."""
    entered = {prefix: -1, **{token: id for token, id in vocabulary.items() if token}}  # the prefix first, token or not
    spelled = [token.encode("utf-8", "surrogatepass") for token in entered]  # half a pair is in no text, so never met
    ends = np.cumsum([len(token) for token in spelled], dtype=np.int64)
    text = np.frombuffer(b"".join(spelled) + bytes(1), np.uint8)
    edges = np.full(1 << max(4, (2 * len(text)).bit_length()), _FREE)
    node_ids = np.full(len(text), -1, np.int32)
    nodes = grow_trie(text, ends, np.fromiter(entered.values(), np.int32, len(entered)), edges, node_ids)
    return Trie(edges, node_ids[:nodes].copy(), np.int64(len(spelled[0])))


class BertEncoder:
    """The tables of one vocabulary, and for each thread that uses it a cache of words and working space."""

    def __init__(
        self,
        model: WordPiece,
        *,
        clean_text: bool = True,
        handle_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        lowercase: bool = True,
    ) -> None:
        """The options are BertNormalizer's; `strip_accents` of None does as `lowercase` does."""
        if max(model.vocabulary.values()) >= MOST_IDS or min(model.vocabulary.values()) < 0:
            raise InputError(f"the vocabulary has ids outside of 0 to {MOST_IDS - 1:,}, which the encoder holds")
        self._unknown = np.int32(model.vocabulary[model.unk_token])
        options = (clean_text, handle_chinese_chars, strip_accents, lowercase)
        self._table = character_table(*options, ids=model.vocabulary, unknown=int(self._unknown))
        self._trie = build_trie(model.vocabulary, model.continuing_subword_prefix)
        self._case, self._most = _CASE if lowercase else np.uint64(0), model.max_input_chars_per_word
        self._of_thread = threading.local()

    def _workspace(self, size: int) -> tuple[Caches, np.ndarray]:
        """This thread's caches (two in one could read an entry half written) and room for one word of a text."""
        own, needed = self._of_thread, 4 * min(self._most, size) + _SPARE + 16
        if not hasattr(own, "caches"):
            own.caches = Caches(np.zeros((_CACHED_WORDS, 4), np.uint64), np.zeros((_CACHED_LONG_WORDS, 8), np.uint64))
            own.word = np.empty(1 << 10, np.uint8)
        if len(own.word) < needed:
            own.word = np.empty(needed, np.uint8)
        return own.caches, own.word

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the UTF-8 documents text[offsets[d]:offsets[d + 1]], and where each document's ids start."""
        data = np.frombuffer(text + bytes(_SPARE), np.uint8)
        out, starts = np.empty(len(text) + 6, np.int32), np.zeros(len(offsets), np.int64)
        caches, word = self._workspace(len(text))
        most, tables = np.int64(min(self._most, len(text))), (self._table, self._trie, self._unknown)
        o = encode_documents(data, offsets, self._case, most, word, *tables, caches, out, starts)
        return out[:o], starts
