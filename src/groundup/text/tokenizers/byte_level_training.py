"""Byte pair encoding trained fast (Numba): counts are kept and corrected instead of taken anew for every merge.

Meaning: `bpe.train_bpe`, the same merges in the same order. Three things make it fast: each pair keeps a list of the words
that hold it, so a merge visits only those; in them only the counts beside a change are corrected; and the next pair comes
from a heap whose entries are put right when they reach the top, which is enough because the count of a pair never grows
after the merge that created it.
"""

from collections import namedtuple

import numpy as np

from groundup.text.compiled import inner, kernel

Tokens = namedtuple("Tokens", "prefixes lengths starts text")  # a token's bytes, its first eight also as a number
Pairs = namedtuple("Pairs", "left right count head")  # head: its newest entry in Links
Links = namedtuple("Links", "word next")  # lists of the words that hold a pair
Heap = namedtuple("Heap", "count pair")  # best pair on top, by the count it had when pushed
PAIRS, LINKS, HEAP = range(3)  # places in the array of sizes
_ANY = np.int64(-1)


@inner
def _token_less(a, b, tokens):
    """Whether token a's bytes come before token b's."""
    if tokens.prefixes[a] != tokens.prefixes[b]:
        return tokens.prefixes[a] < tokens.prefixes[b]
    for k in range(8, min(tokens.lengths[a], tokens.lengths[b])):
        one, other = tokens.text[tokens.starts[a] + k], tokens.text[tokens.starts[b] + k]
        if one != other:
            return one < other
    return tokens.lengths[a] < tokens.lengths[b]


@inner
def _better(count_p, p, count_q, q, pairs, tokens):
    """Whether pair p is merged before pair q: it occurs more often, or as often and its bytes are smaller."""
    if count_p != count_q:
        return count_p > count_q
    if pairs.left[p] != pairs.left[q]:
        return _token_less(pairs.left[p], pairs.left[q], tokens)
    return pairs.right[p] != pairs.right[q] and _token_less(pairs.right[p], pairs.right[q], tokens)


@inner
def _push(heap, sizes, count, p, pairs, tokens):
    i = sizes[HEAP]
    sizes[HEAP] += 1
    while i > 0:
        parent = (i - 1) // 2
        if not _better(count, p, heap.count[parent], heap.pair[parent], pairs, tokens):
            break
        heap.count[i], heap.pair[i] = heap.count[parent], heap.pair[parent]
        i = parent
    heap.count[i], heap.pair[i] = count, p


@inner
def _replace_top(heap, size, count, p, pairs, tokens):
    """Put an entry in place of the top one and let it sink."""
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _better(
            heap.count[other], heap.pair[other], heap.count[child], heap.pair[child], pairs, tokens
        ):
            child = other
        if not _better(heap.count[child], heap.pair[child], count, p, pairs, tokens):
            break
        heap.count[i], heap.pair[i] = heap.count[child], heap.pair[child]
        i = child
    heap.count[i], heap.pair[i] = count, p


@inner
def _pop_best(heap, sizes, pairs, tokens):
    """Take the pair with the largest true count from the heap, -1 when none is left."""
    while sizes[HEAP] > 0:
        p = heap.pair[0]
        count = pairs.count[p]
        if count == heap.count[0]:
            sizes[HEAP] -= 1
            _replace_top(heap, sizes[HEAP], heap.count[sizes[HEAP]], heap.pair[sizes[HEAP]], pairs, tokens)
            return p
        if count > 0:
            _replace_top(heap, sizes[HEAP], count, p, pairs, tokens)
        else:
            sizes[HEAP] -= 1
            _replace_top(heap, sizes[HEAP], heap.count[sizes[HEAP]], heap.pair[sizes[HEAP]], pairs, tokens)
    return -1


@inner
def _place_of(a, b, table, pairs):
    """Where pair (a, b) stands in the hash table, or would stand."""
    mask = np.uint64(len(table) - 1)
    place = ((np.uint64(a) << np.uint64(32) | np.uint64(b)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while table[place] >= 0 and (pairs.left[table[place]] != a or pairs.right[table[place]] != b):
        place = (place + np.uint64(1)) & mask
    return place


@inner
def _pair_of(a, b, table, pairs, sizes):
    """Index of pair (a, b), made when it is new."""
    place = _place_of(a, b, table, pairs)
    if table[place] < 0:
        p = sizes[PAIRS]
        sizes[PAIRS] += 1
        table[place] = p
        pairs.left[p], pairs.right[p], pairs.count[p], pairs.head[p] = a, b, 0, -1
    return table[place]


@inner
def _add_counts(word, symbols, changed, weight, newest, table, pairs, links, sizes):
    """Add `weight` for each occurrence, without overlap, of a pair that a change touches.

    Pairs with the token `newest` are new to the word and get a link to it (every pair when it is _ANY).
    """
    taken = -1
    for i in range(len(symbols) - 1):
        a, b = symbols[i], symbols[i + 1]
        if a == b and i == taken:
            continue
        taken = i + 1 if a == b else -1
        if not (changed[i] or changed[i + 1]):
            continue
        p = _pair_of(a, b, table, pairs, sizes)
        pairs.count[p] += weight
        is_new = newest < 0 or a == newest or b == newest
        if weight > 0 and is_new and (pairs.head[p] < 0 or links.word[pairs.head[p]] != word):
            links.word[sizes[LINKS]], links.next[sizes[LINKS]] = word, pairs.head[p]
            pairs.head[p] = sizes[LINKS]
            sizes[LINKS] += 1


@inner
def _mark(symbols, a, b, changed):
    """Mark the symbols whose pair counts a merge of (a, b) can change; how many merges there are.

    A run of equal symbols is marked whole: losing one at its end can shift which of its pairs are counted.
    """
    found, i = 0, 0
    changed[: len(symbols)] = False
    while i < len(symbols) - 1:
        if symbols[i] == a and symbols[i + 1] == b:
            changed[i] = changed[i + 1] = True
            found += 1
            i += 1
        i += 1
    for i in range(1, len(symbols)):
        changed[i] |= changed[i - 1] and symbols[i] == symbols[i - 1]
    for i in range(len(symbols) - 2, -1, -1):
        changed[i] |= changed[i + 1] and symbols[i] == symbols[i + 1]
    return found


@inner
def _rewrite(symbols, a, b, new, changed):
    """Merge (a, b) into `new` in place, the marks moving with their symbols."""
    i, j = 0, 0
    while i < len(symbols):
        if i + 1 < len(symbols) and symbols[i] == a and symbols[i + 1] == b:
            symbols[j], changed[j] = new, True
            i += 2
        else:
            symbols[j], changed[j] = symbols[i], changed[i]
            i += 1
        j += 1


@inner
def _merge_everywhere(p, new, symbols, starts, lengths, weights, changed, table, pairs, links, sizes):
    """Merge pair p into token `new` in every word that holds it, and put the counts right."""
    a, b = pairs.left[p], pairs.right[p]
    link = pairs.head[p]
    while link >= 0:
        word = np.int64(links.word[link])
        before = symbols[starts[word] : starts[word] + lengths[word]]
        found = _mark(before, a, b, changed)
        if found > 0:
            _add_counts(word, before, changed, -weights[word], new, table, pairs, links, sizes)
            _rewrite(before, a, b, new, changed)
            lengths[word] -= found
            _add_counts(word, before[: lengths[word]], changed, weights[word], new, table, pairs, links, sizes)
        link = links.next[link]


@inner
def _room():
    return np.empty(1 << 16, np.int64)  # as many pairs as two bytes can make


@inner
def _grown(array, needed):
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), np.int64)
    for i in range(len(array)):  # not a slice: that would compile NumPy's broadcasting, 2 s of it
        larger[i] = array[i]
    return larger


@inner
def _with_room(table, pairs, heap, sizes, more):
    """The same pairs, hash table and heap with room for `more` further pairs."""
    needed = sizes[PAIRS] + more
    left, right = _grown(pairs.left, needed), _grown(pairs.right, needed)
    pairs = Pairs(left, right, _grown(pairs.count, needed), _grown(pairs.head, needed))
    heap = Heap(_grown(heap.count, needed), _grown(heap.pair, needed))
    if 2 * needed > len(table):
        table = np.full(2 * len(table), -1, np.int32)
        while len(table) < 2 * needed:
            table = np.full(2 * len(table), -1, np.int32)
        for p in range(sizes[PAIRS]):
            table[_place_of(pairs.left[p], pairs.right[p], table, pairs)] = p
    return table, pairs, heap


@inner
def _byte_tokens(most):
    """The 256 bytes as tokens, with room for `most` in all."""
    tokens = Tokens(np.zeros(most, np.uint64), np.ones(most, np.int64), np.zeros(most, np.int64), _room())
    for byte in range(256):
        tokens.prefixes[byte] = np.uint64(byte) << np.uint64(56)
        tokens.starts[byte] = tokens.text[byte] = byte
    return tokens


@inner
def _with_token(tokens, new, a, b):
    """The tokens and one more, `new`, with the bytes of a and b."""
    start, length = tokens.starts[new - 1] + tokens.lengths[new - 1], tokens.lengths[a] + tokens.lengths[b]
    tokens = Tokens(tokens.prefixes, tokens.lengths, tokens.starts, _grown(tokens.text, start + length))
    tokens.starts[new], tokens.lengths[new] = start, length
    for k in range(length):
        part, at = (a, k) if k < tokens.lengths[a] else (b, k - tokens.lengths[a])
        byte = tokens.text[tokens.starts[part] + at]
        tokens.text[start + k] = byte
        if k < 8:
            tokens.prefixes[new] |= np.uint64(byte) << np.uint64(56 - 8 * k)
    return tokens


@kernel
def learn_merges(symbols, starts, lengths, weights, changed, merges):
    """Left and right symbols of up to `merges` merges; 256 + i is the symbol that merge i makes.

    symbols: int32, the bytes of all words, overwritten; word w has lengths[w] of them from starts[w] and occurs weights[w]
    times. changed: as many True as the longest word has bytes.
    """
    tokens, sizes = _byte_tokens(256 + merges), np.zeros(3, np.int64)
    pairs = Pairs(_room(), _room(), _room(), _room())
    heap, table = Heap(_room(), _room()), np.full(2 * len(_room()), -1, np.int32)
    # a word's symbols give it at most that many links at first, and each merge in it two more and one symbol less
    links = Links(np.empty(3 * len(symbols), np.int32), np.empty(3 * len(symbols), np.int64))
    for word in range(len(starts)):
        letters = symbols[starts[word] : starts[word] + lengths[word]]
        _add_counts(word, letters, changed, weights[word], _ANY, table, pairs, links, sizes)
    lefts, rights, known = np.empty(merges, np.int64), np.empty(merges, np.int64), 0
    for step in range(merges):
        for p in range(known, sizes[PAIRS]):
            if pairs.count[p] > 0:
                _push(heap, sizes, pairs.count[p], p, pairs, tokens)
        known = sizes[PAIRS]
        best = _pop_best(heap, sizes, pairs, tokens)
        if best < 0:
            return lefts[:step], rights[:step]
        lefts[step], rights[step] = pairs.left[best], pairs.right[best]
        tokens = _with_token(tokens, 256 + step, lefts[step], rights[step])
        table, pairs, heap = _with_room(table, pairs, heap, sizes, 2 * (257 + step))
        _merge_everywhere(best, 256 + step, symbols, starts, lengths, weights, changed, table, pairs, links, sizes)
    return lefts, rights


def train_bpe_fast(words: dict[bytes, int], merges: int) -> list[tuple[bytes, bytes]]:
    """Learn up to `merges` merges from counted words: what `bpe.train_bpe` gives, some thousand times as fast."""
    if not words:
        return []
    lengths = np.array([len(word) for word in words], np.int64)
    symbols = np.frombuffer(b"".join(words), np.uint8).astype(np.int32)
    weights = np.fromiter(words.values(), np.int64, len(words))
    starts, changed = np.cumsum(lengths) - lengths, np.ones(lengths.max(), np.bool_)
    lefts, rights = learn_merges(symbols, starts, lengths, weights, changed, merges)
    tokens = [bytes([byte]) for byte in range(256)]
    pairs = []
    for left, right in zip(lefts.tolist(), rights.tolist(), strict=True):
        pairs.append((tokens[left], tokens[right]))
        tokens.append(tokens[left] + tokens[right])
    return pairs
