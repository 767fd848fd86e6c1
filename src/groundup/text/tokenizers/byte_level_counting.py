"""Count the distinct pieces of a corpus (Numba): all that training needs to know of it.

20 MB of text hold some hundred thousand distinct pieces, so training sees a few hundredths of the bytes. A piece of up
to 15 bytes is two 64-bit words with its length on top, beside them in a hash table stands its count; of a longer one
the table holds a hash and where its copy stands. Texts go through in batches, so a corpus may be larger than memory;
each thread counts in a table of its own, and they are added up at the end. Pieces longer than `LONGEST_PIECE` are
counted in parts: a line of 10,000 dashes would otherwise be rescanned for each merge in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from groundup.processor import cores
from groundup.text.compiled import fetch, inner, loop, word_at
from groundup.text.tokenizers.byte_level_splitting import PADDING, split_batches
from groundup.text.tokenizers.splitting import STYLES

LONGEST_PIECE = 256  # bytes
_ROWS = 1 << 18  # of a table at first, 32 bytes each; half of them are used before it is doubled
_COPIED = 1 << 18  # bytes of longer pieces there is room for at first
_BATCH_BYTES = 1 << 22  # text joined at a time
_COUNT, _USED, _BYTES = np.int64(2), np.int64(0), np.int64(1)  # a column of the table; places in the array of sizes
_ONE, _HALF, _TOP, _LENGTH = map(np.uint64, (1, 32, 56, 40))
_START = np.uint64((1 << 40) - 1)  # of a longer piece's second word: where its copy starts; the length stands above
# the bytes of a word's two halves that belong to a piece of 0 to 15 bytes
_LOW = np.array([(1 << 8 * min(length, 8)) - 1 for length in range(16)], np.uint64)
_HIGH = np.array([(1 << 8 * max(length - 8, 0)) - 1 for length in range(16)], np.uint64)
_AHEAD = 12  # pieces whose rows are asked for before they are read
_MIX, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@inner
def _word(data, i, length):
    """The first `length` bytes, eight at most, from byte i on."""
    if length >= 8:
        return word_at(data, i)
    return word_at(data, i) & ((_ONE << np.uint64(8 * max(length, 0))) - _ONE)


@inner
def _hash(data, first, length):
    """64 bits mixed from a piece's bytes, eight at a time."""
    mixed = np.uint64(length) * _MIX_2
    for k in range(0, length, 8):
        mixed = (mixed ^ _word(data, first + k, length - k)) * _MIX
        mixed ^= mixed >> _HALF
    return mixed


@inner
def _same(data, first, text, start, length):
    """Whether two pieces of one length are equal."""
    for k in range(0, length, 8):
        if _word(data, first + k, length - k) != _word(text, start + k, length - k):
            return False
    return True


@inner
def _key(data, first, length):
    """A piece of up to 15 bytes as two words, its length on top."""
    low, high = word_at(data, first) & _LOW[length], word_at(data, first + 8) & _HIGH[length]
    return low, high | np.uint64(length) << _TOP


@inner
def _place_of(data, first, length, table, text):
    """Where a piece stands in the table or would stand, and its two words (a hash and nothing when it is long)."""
    mask = np.uint64(len(table) - 1)
    if length < 16:
        low, high = _key(data, first, length)
        place = (low * _MIX ^ high * _MIX_2) >> _HALF & mask
        while table[place, _COUNT] != 0 and (table[place, 0] != low or table[place, 1] != high):
            place = (place + _ONE) & mask
        return place, low, high
    mixed = _hash(data, first, length)
    place = mixed & mask
    while table[place, _COUNT] != 0:
        copy = table[place, 1]
        if table[place, 0] == mixed and np.int64(copy >> _LENGTH) == length:
            if _same(data, first, text, np.int64(copy & _START), length):
                break
        place = (place + _ONE) & mask
    return place, mixed, np.uint64(0)


@inner
def _add(data, first, length, weight, table, text, sizes):
    """Count a piece `weight` times."""
    place, low, high = _place_of(data, first, length, table, text)
    if table[place, _COUNT] == 0:
        if length > 15:
            high = np.uint64(length << 40 | sizes[_BYTES])
            for k in range(length):
                text[sizes[_BYTES] + k] = data[first + k]
            sizes[_BYTES] += length
        table[place, 0], table[place, 1] = low, high
        sizes[_USED] += 1
    table[place, _COUNT] += np.uint64(weight)


@inner
def _is_full(table, text, sizes):
    return 2 * sizes[_USED] >= len(table) or sizes[_BYTES] + LONGEST_PIECE + 8 > len(text)


@loop
def count_pieces(data, first, ends, table, text, sizes):
    """Count the pieces that start at byte `first` and end at `ends`, too long ones cut at a character's edge.

    Returns the byte reached: the end, or less when the table or the room for copies is full.
    """
    mask = np.uint64(len(table) - 1)
    for k in range(len(ends)):
        end = ends[k]
        if k + _AHEAD < len(ends):
            soon = ends[k + _AHEAD - 1]
            length = ends[k + _AHEAD] - soon
            if length < 16:
                low, high = _key(data, soon, length)
                fetch(table, np.int64(4 * ((low * _MIX ^ high * _MIX_2) >> _HALF & mask)))
        while first < end:
            if _is_full(table, text, sizes):
                return first
            stop = min(end, first + LONGEST_PIECE)
            while stop < end and data[stop] & 0xC0 == 0x80:
                stop -= 1
            _add(data, first, stop - first, 1, table, text, sizes)
            first = stop
    return first


@loop
def add_words(data, starts, counts, first, table, text, sizes):
    """Count words data[starts[w]:starts[w + 1]] from number `first` on, counts[w] times each; the number reached."""
    for word in range(first, len(counts)):
        if _is_full(table, text, sizes):
            return word
        _add(data, starts[word], starts[word + 1] - starts[word], counts[word], table, text, sizes)
    return len(counts)


@loop
def list_prefixes(places, table, text, prefixes):
    """The first eight bytes of the words that stand at some places of a table."""
    for word in range(len(places)):
        prefixes[word] = table[places[word], 0]
        copy = table[places[word], 1]
        if copy >> _TOP == 0:
            prefixes[word] = word_at(text, np.int64(copy & _START))


@loop
def list_words(places, table, text, data, starts, counts):
    """Write the words that stand at some places of a table to `data`, one after another, and their counts."""
    for word in range(len(places)):
        row, start = table[places[word]], starts[word]
        length = np.int64(row[1] >> _TOP)
        for k in range(length):
            data[start + k] = row[k >> 3] >> np.uint64(8 * (k & 7)) & np.uint64(0xFF)
        if length == 0:
            length = np.int64(row[1] >> _LENGTH)
            for k in range(length):
                data[start + k] = text[np.int64(row[1] & _START) + k]
        starts[word + 1], counts[word] = start + length, row[_COUNT]


class CountedWords(Mapping[bytes, int]):
    """Distinct words and how often each occurs, as arrays: words data[starts[w]:starts[w + 1]] with counts[w]."""

    def __init__(self, data: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> None:
        """data: uint8, with 16 bytes of anything behind the words; starts: one more than there are words."""
        self.data, self.starts, self.counts = data, starts, counts
        self._dict: dict[bytes, int] | None = None  # made when it is first asked for a word

    def _made(self) -> dict[bytes, int]:
        if self._dict is None:
            text, edges = self.data.tobytes(), self.starts.tolist()
            words = (text[start:end] for start, end in zip(edges, edges[1:], strict=False))
            self._dict = dict(zip(words, self.counts.tolist(), strict=True))
        return self._dict

    def __getitem__(self, word: bytes) -> int:
        """How often a word occurs."""
        return self._made()[word]

    def __iter__(self) -> Iterator[bytes]:
        """The words."""
        return iter(self._made())

    def __len__(self) -> int:
        """The number of distinct words."""
        return len(self.counts)


class _Counter:
    """A table that grows."""

    def __init__(self) -> None:
        self.table, self.text = np.zeros((_ROWS, 4), np.uint64), np.empty(_COPIED, np.uint8)
        self.sizes = np.zeros(2, np.int64)

    def _grow(self) -> None:
        words = self._listed(np.flatnonzero(self.table[:, _COUNT]))
        if 2 * self.sizes[_USED] >= len(self.table):
            self.table = np.zeros((2 * len(self.table), 4), np.uint64)
        else:
            self.text = np.empty(2 * len(self.text), np.uint8)
            self.table[:] = 0
        self.sizes[:] = 0
        self.add_words(words)

    def add_documents(self, documents: list[bytes], style: int) -> None:
        """Count the pieces of UTF-8 documents."""
        data = np.frombuffer(b"".join([*documents, bytes(PADDING)]), np.uint8)
        offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
        for reached, ends in split_batches(data, offsets, style):
            while (reached := count_pieces(data, reached, ends, self.table, self.text, self.sizes)) < ends[-1]:
                self._grow()
                ends = ends[ends > reached]

    def add_words(self, words: CountedWords) -> None:
        """Count what another table holds."""
        reached, given = 0, (words.data, words.starts, words.counts)
        while (reached := add_words(*given, reached, self.table, self.text, self.sizes)) < len(words):
            self._grow()

    def words(self) -> CountedWords:
        """What was counted, sorted by the first bytes: a merge then meets the words that it changes side by side.

        Training is half as fast on words in the order of the table: what it waits for is memory.
        """
        places = np.flatnonzero(self.table[:, _COUNT])
        prefixes = np.empty(len(places), np.uint64)
        list_prefixes(places, self.table, self.text, prefixes)
        return self._listed(places[np.argsort(prefixes.byteswap())])

    def _listed(self, places: np.ndarray) -> CountedWords:
        used, most = len(places), 15 * len(places) + int(self.sizes[_BYTES])
        data, starts, counts = np.empty(most + 16, np.uint8), np.zeros(used + 1, np.int64), np.empty(used, np.int64)
        list_words(places, self.table, self.text, data, starts, counts)
        return CountedWords(data[: starts[-1] + 16], starts, counts)


def _batches(documents: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if size:
        yield batch


def count_words(documents: Iterable[bytes], pattern: str, threads: int | None = None) -> CountedWords:
    """How often each distinct piece occurs in UTF-8 documents: the words that `train_bpe` learns from.

    threads: None takes one a core. The counts do not depend on it, nor does memory on the size of the corpus.
    """
    threads = threads or cores()
    batches, style = _batches(documents), STYLES[pattern]
    counters = [_Counter() for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        while lots := [*islice(batches, threads)]:
            jobs = [pool.submit(one.add_documents, lot, style) for one, lot in zip(counters, lots, strict=False)]
            for job in jobs:
                job.result()
    for other in counters[1:]:
        counters[0].add_words(other.words())
    return counters[0].words()
