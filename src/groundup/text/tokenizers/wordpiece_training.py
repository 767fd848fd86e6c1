"""WordPiece trained fast (Numba): counts are kept and corrected, and the best pair waits on a heap.

Meaning: `wordpiece.train_wordpiece`, the same tokens in the same order. As in `byte_level_training` each pair keeps a list
of the words that hold it, and a merge visits only those. What is new is that a pair's score can rise: count(ab) /
(count(a) count(b)) grows when a or b is used up by other merges. So each symbol keeps a list of its pairs, and after a
merge of a and b those of a and b are looked at again; one that rose goes onto the heap a second time. An entry whose
score has fallen is put right when it reaches the top, so the top is always the best pair there is.

`character_bpe_training` uses the same kernel, by frequency and without marks. `count_words` counts the words of texts
as BERT's normaliser and splitter make them.
"""

from collections import Counter, namedtuple
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.text.compiled import inner, loop
from groundup.text.tokenizers.bert_characters import Table, character_table
from groundup.text.tokenizers.wordpiece import PREFIX, Rule, check_size, check_words, join
from groundup.text.tokenizers.wordpiece_encoding import write_words

# word w: lengths[w] symbols from starts[w], seen weights[w] times
Words = namedtuple("Words", "symbols starts lengths weights")
# symbol s: counts[s] times, of lengths[s] characters, its bytes text[starts[s]:starts[s + 1]]; its newest pair on either side
Symbols = namedtuple("Symbols", "counts lengths starts text as_left as_right")
# head: newest entry in Links; next_left: the pair before it with the same left part; score, top: the best entry pushed
Pairs = namedtuple("Pairs", "left right count head next_left next_right top score")
Links = namedtuple("Links", "word next")  # lists of the words that hold a pair
Heap = namedtuple("Heap", "score count pair")
PAIRS, LINKS, HEAP, PUSHED, STEP = range(5)  # places in the array of sizes
_INSIDE = 1 << 21  # above every code point
_CAPACITY = 1 << 16  # pairs there is room for at first
_MOST_SYMBOLS = 1 << 31  # in all words: products of two counts stay below 2^63
_SPARE_NAMES = 1 << 8  # of the longest symbols there is room for at first
_BATCH_BYTES = 1 << 23  # text normalised at a time


@inner
def _symbol_less(a, b, symbols):
    """Whether the text of symbol a comes before that of symbol b."""
    start, other = symbols.starts[a], symbols.starts[b]
    length, other_length = symbols.starts[a + 1] - start, symbols.starts[b + 1] - other
    for k in range(min(length, other_length)):
        if symbols.text[start + k] != symbols.text[other + k]:
            return symbols.text[start + k] < symbols.text[other + k]
    return length < other_length


@inner
def _better(score_p, count_p, p, score_q, count_q, q, pairs, symbols):
    """Whether pair p is merged before pair q: its score is higher, or it occurs more often, or its text is smaller."""
    if score_p != score_q:
        return score_p > score_q
    if count_p != count_q:
        return count_p > count_q
    if pairs.left[p] != pairs.left[q]:
        return _symbol_less(pairs.left[p], pairs.left[q], symbols)
    return pairs.right[p] != pairs.right[q] and _symbol_less(pairs.right[p], pairs.right[q], symbols)


@inner
def _score(p, by_likelihood, pairs, symbols):
    count = np.float64(pairs.count[p])
    if by_likelihood:
        return count / np.float64(symbols.counts[pairs.left[p]] * symbols.counts[pairs.right[p]])
    return count


@inner
def _push(heap, sizes, score, count, p, pairs, symbols):
    i = sizes[HEAP]
    sizes[HEAP] += 1
    while i > 0:
        above = (i - 1) // 2
        if not _better(score, count, p, heap.score[above], heap.count[above], heap.pair[above], pairs, symbols):
            break
        heap.score[i], heap.count[i], heap.pair[i] = heap.score[above], heap.count[above], heap.pair[above]
        i = above
    heap.score[i], heap.count[i], heap.pair[i] = score, count, p


@inner
def _replace_top(heap, size, score, count, p, pairs, symbols):
    """Put an entry in place of the top one and let it sink."""
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        k = child + 1
        if k < size and _better(
            heap.score[k],
            heap.count[k],
            heap.pair[k],
            heap.score[child],
            heap.count[child],
            heap.pair[child],
            pairs,
            symbols,
        ):
            child = k
        if not _better(heap.score[child], heap.count[child], heap.pair[child], score, count, p, pairs, symbols):
            break
        heap.score[i], heap.count[i], heap.pair[i] = heap.score[child], heap.count[child], heap.pair[child]
        i = child
    heap.score[i], heap.count[i], heap.pair[i] = score, count, p


@inner
def _drop_top(heap, sizes, pairs, symbols):
    sizes[HEAP] -= 1
    last = sizes[HEAP]
    _replace_top(heap, last, heap.score[last], heap.count[last], heap.pair[last], pairs, symbols)


@inner
def _pop_best(heap, sizes, by_likelihood, least, pairs, symbols):
    """Take the best pair that occurs `least` times from the heap, -1 when none is left."""
    while sizes[HEAP] > 0:
        p, score, count = heap.pair[0], heap.score[0], heap.count[0]
        now = _score(p, by_likelihood, pairs, symbols) if pairs.count[p] > 0 else 0.0
        if now == score and pairs.count[p] == count:
            _drop_top(heap, sizes, pairs, symbols)
            return p
        newest = score == pairs.score[p] and count == pairs.top[p]
        if newest and pairs.count[p] >= least:  # it fell since it was pushed
            pairs.score[p], pairs.top[p] = now, pairs.count[p]
            _replace_top(heap, sizes[HEAP], now, pairs.count[p], p, pairs, symbols)
        else:
            _drop_top(heap, sizes, pairs, symbols)
    return np.int64(-1)


@inner
def _push_if_risen(p, heap, sizes, by_likelihood, least, most, pairs, symbols):
    """Push pair p if its score rose, unless it occurs too seldom or its token would have more than `most` characters."""
    count = pairs.count[p]
    if count >= least and symbols.lengths[pairs.left[p]] + symbols.lengths[pairs.right[p]] <= most:
        score = _score(p, by_likelihood, pairs, symbols)
        if score > pairs.score[p] or (score == pairs.score[p] and count > pairs.top[p]):
            pairs.score[p], pairs.top[p] = score, count
            _push(heap, sizes, score, count, p, pairs, symbols)


@inner
def _push_risen(a, heap, sizes, by_likelihood, least, most, pairs, symbols):
    """Push the pairs of symbol a whose score rose."""
    p = symbols.as_left[a]
    while p >= 0:
        _push_if_risen(p, heap, sizes, by_likelihood, least, most, pairs, symbols)
        p = pairs.next_left[p]
    p = symbols.as_right[a]
    while p >= 0:
        _push_if_risen(p, heap, sizes, by_likelihood, least, most, pairs, symbols)
        p = pairs.next_right[p]


@inner
def _place_of(a, b, table, pairs):
    """Where pair (a, b) stands in the hash table, or would stand."""
    mask = np.uint64(len(table) - 1)
    place = ((np.uint64(a) << np.uint64(32) | np.uint64(b)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while table[place] >= 0 and (pairs.left[table[place]] != a or pairs.right[table[place]] != b):
        place = (place + np.uint64(1)) & mask
    return place


@inner
def _pair_of(a, b, table, pairs, symbols, sizes):
    """Index of pair (a, b), made when it is new."""
    place = _place_of(a, b, table, pairs)
    if table[place] < 0:
        p = sizes[PAIRS]
        sizes[PAIRS] += 1
        table[place] = p
        pairs.left[p], pairs.right[p], pairs.count[p], pairs.head[p] = a, b, 0, -1
        pairs.next_left[p], pairs.next_right[p] = symbols.as_left[a], symbols.as_right[b]
        symbols.as_left[a] = symbols.as_right[b] = p
        pairs.score[p], pairs.top[p] = -1.0, 0
    return table[place]


@inner
def _count_word(word, parts, changed, weight, newest, table, pairs, links, symbols, sizes):
    """Add `weight` for each pair of a word that a change touches, without overlap.

    Pairs with the symbol `newest` are new to the word and get a link to it (every pair when it is -1).
    """
    taken = -1
    for i in range(len(parts) - 1):
        a, b = np.int64(parts[i]), np.int64(parts[i + 1])
        if a == b and i == taken:
            continue
        taken = i + 1 if a == b else -1
        if not (changed[i] or changed[i + 1]):
            continue
        p = _pair_of(a, b, table, pairs, symbols, sizes)
        pairs.count[p] += weight
        is_new = weight > 0 and (newest < 0 or a == newest or b == newest)
        if is_new and (pairs.head[p] < 0 or links.word[pairs.head[p]] != word):
            links.word[sizes[LINKS]], links.next[sizes[LINKS]] = word, pairs.head[p]
            pairs.head[p] = sizes[LINKS]
            sizes[LINKS] += 1


@inner
def _mark(parts, a, b, changed):
    """Mark the symbols whose pair counts a merge of (a, b) can change; how many merges there are.

    A run of equal symbols is marked whole: losing one at its end can shift which of its pairs are counted.
    """
    found, i = 0, 0
    changed[: len(parts)] = False
    while i < len(parts) - 1:
        if parts[i] == a and parts[i + 1] == b:
            changed[i] = changed[i + 1] = True
            found += 1
            i += 1
        i += 1
    if found > 0:
        for i in range(1, len(parts)):
            changed[i] |= changed[i - 1] and parts[i] == parts[i - 1]
        for i in range(len(parts) - 2, -1, -1):
            changed[i] |= changed[i + 1] and parts[i] == parts[i + 1]
    return found


@inner
def _rewrite(parts, a, b, new, changed):
    """Merge (a, b) into `new` in place, the marks moving with their symbols."""
    i, j = 0, 0
    while i < len(parts):
        if i + 1 < len(parts) and parts[i] == a and parts[i + 1] == b:
            parts[j], changed[j] = new, True
            i += 2
        else:
            parts[j], changed[j] = parts[i], changed[i]
            i += 1
        j += 1


@inner
def _merge_everywhere(p, new, words, changed, table, pairs, links, symbols, sizes):
    """Merge pair p into symbol `new` in every word that holds it, and put the counts right."""
    a, b = pairs.left[p], pairs.right[p]
    link = pairs.head[p]
    while link >= 0:
        word = np.int64(links.word[link])
        start, weight = words.starts[word], words.weights[word]
        before = words.symbols[start : start + words.lengths[word]]
        merged = _mark(before, a, b, changed)
        if merged > 0:
            _count_word(word, before, changed, -weight, new, table, pairs, links, symbols, sizes)
            _rewrite(before, a, b, new, changed)
            words.lengths[word] -= merged
            after = words.symbols[start : start + words.lengths[word]]
            _count_word(word, after, changed, weight, new, table, pairs, links, symbols, sizes)
            symbols.counts[new] += merged * weight
            symbols.counts[a] -= merged * weight
            symbols.counts[b] -= merged * weight
        link = links.next[link]


@inner
def _name(new, a, b, mark, symbols):
    """Note the text of symbol `new`: that of a, and that of b without its mark."""
    o = symbols.starts[new]
    for k in range(symbols.starts[a], symbols.starts[a + 1]):
        symbols.text[o] = symbols.text[k]
        o += 1
    for k in range(symbols.starts[b] + mark, symbols.starts[b + 1]):
        symbols.text[o] = symbols.text[k]
        o += 1
    symbols.starts[new + 1] = o
    symbols.lengths[new] = symbols.lengths[a] + symbols.lengths[b]


@loop
def count_all(words, changed, table, pairs, links, symbols, sizes):
    """Count the symbols and pairs of all words."""
    for word in range(len(words.starts)):
        parts = words.symbols[words.starts[word] : words.starts[word] + words.lengths[word]]
        for part in parts:
            symbols.counts[part] += words.weights[word]
        _count_word(
            np.int64(word), parts, changed, words.weights[word], np.int64(-1), table, pairs, links, symbols, sizes
        )


@loop
def learn(
    first,
    by_likelihood,
    least,
    most,
    mark,
    longest,
    words,
    changed,
    table,
    pairs,
    links,
    heap,
    symbols,
    sizes,
    lefts,
    rights,
):
    """Learn the merges of (lefts, rights) from number sizes[STEP] on; merge i makes symbol first + i.

    Stops when all are learned or no pair is left (True), or when pairs, heap or texts need more room (False).
    """
    while sizes[STEP] < len(lefts):
        new = first + sizes[STEP]
        for p in range(sizes[PUSHED], sizes[PAIRS]):
            _push_if_risen(p, heap, sizes, by_likelihood, least, most, pairs, symbols)
        sizes[PUSHED] = sizes[PAIRS]
        room = sizes[PAIRS] + 2 * new + 2  # the new symbol has at most each symbol on either side
        full = room > len(pairs.left) or sizes[HEAP] + 2 * room > len(heap.pair)
        if full or symbols.starts[new] + longest > len(symbols.text):
            return False
        best = _pop_best(heap, sizes, by_likelihood, least, pairs, symbols)
        if best < 0:
            break
        a, b = pairs.left[best], pairs.right[best]
        lefts[sizes[STEP]], rights[sizes[STEP]] = a, b
        _name(new, a, b, mark, symbols)
        _merge_everywhere(best, new, words, changed, table, pairs, links, symbols, sizes)
        if by_likelihood:
            _push_risen(a, heap, sizes, by_likelihood, least, most, pairs, symbols)
            _push_risen(b, heap, sizes, by_likelihood, least, most, pairs, symbols)
        sizes[STEP] += 1
    return True


@loop
def fill_table(table, pairs, count):
    """Enter the first `count` pairs into an empty table."""
    for p in range(count):
        table[_place_of(pairs.left[p], pairs.right[p], table, pairs)] = p


def _room(kind: Any, length: int) -> Any:
    return kind(*(np.empty(length, np.float64 if name == "score" else np.int64) for name in kind._fields))


def _more(arrays: Any, length: int) -> Any:
    """The arrays with room for `length` more."""
    return type(arrays)(*map(np.concatenate, zip(arrays, _room(type(arrays), length), strict=True)))


def _coded(words: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The characters of all words as code points, `_INSIDE` more for all but a word's first, and the words' lengths."""
    lengths = np.array([len(word) for word in words], np.int64)
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32) + np.uint32(_INSIDE)
    codes[np.cumsum(lengths) - lengths] -= np.uint32(_INSIDE)
    return codes, lengths


def _alphabet(codes: np.ndarray, characters: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """`wordpiece.alphabet` of coded characters, and the number of each code in it."""
    numbers = np.zeros(2 * _INSIDE, np.int32)
    numbers[codes] = 1
    for character in characters:
        numbers[[ord(character), ord(character) + _INSIDE]] = 1
    present = np.flatnonzero(numbers).tolist()
    spelled = {(PREFIX if code >= _INSIDE else "") + chr(code % _INSIDE): code for code in present}
    symbols = sorted(spelled)
    numbers[[spelled[symbol] for symbol in symbols]] = np.arange(len(symbols))
    return symbols, numbers


def _symbols_of(first: list[str], merges: int, spare: int) -> Symbols:
    """The alphabet, with room for the symbols of all merges."""
    spelled, room = [symbol.encode() for symbol in first], len(first) + merges
    starts, lengths = np.zeros(room + 1, np.int64), np.ones(room, np.int64)
    np.cumsum([len(symbol) for symbol in spelled], out=starts[1 : len(first) + 1])
    text = np.empty(int(starts[len(first)]) + spare, np.uint8)
    text[: starts[len(first)]] = np.frombuffer(b"".join(spelled), np.uint8)
    none = np.full((2, room), -1, np.int64)
    return Symbols(np.zeros(room, np.int64), lengths, starts, text, *none)


def learn_merges(
    state: Words,
    first: list[str],
    merges: int,
    rule: Rule,
    *,
    least: int = 1,
    most: int = _MOST_SYMBOLS,
    mark: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols of the merges' left and right parts, at most `merges`; merge i makes symbol len(first) + i.

    first: the symbols that words are spelled in, each one character. least: times that a pair must occur. most: characters
    of a token. mark: bytes that the right part of a pair loses.
    """
    longest = len(PREFIX) + 4 * int(state.lengths.max())
    symbols = _symbols_of(first, merges, min(merges, _SPARE_NAMES) * longest)
    # a word's symbols give it at most that many links at first, and each merge in it two more and one symbol less
    links = Links(np.empty(3 * len(state.symbols), np.int32), np.empty(3 * len(state.symbols), np.int64))
    sizes, capacity = np.zeros(5, np.int64), max(_CAPACITY, min(len(state.symbols), len(first) ** 2 + 1))
    pairs, heap = _room(Pairs, capacity), _room(Heap, 2 * capacity)
    table = np.full(1 << (4 * capacity).bit_length(), -1, np.int32)
    changed = np.ones(int(state.lengths.max()), np.bool_)
    count_all(state, changed, table, pairs, links, symbols, sizes)
    lefts, rights = np.empty(merges, np.int64), np.empty(merges, np.int64)
    options = (
        np.int64(len(first)),
        rule == "likelihood",
        np.int64(max(1, least)),
        np.int64(most),
        np.int64(mark),
        np.int64(longest),
    )
    while not learn(*options, state, changed, table, pairs, links, heap, symbols, sizes, lefts, rights):
        pairs, heap = _more(pairs, len(pairs.left)), _more(heap, len(heap.pair))
        symbols = symbols._replace(text=np.concatenate([symbols.text, np.empty(len(symbols.text) + longest, np.uint8)]))
        table = np.full(2 * len(table), -1, np.int32)
        fill_table(table, pairs, sizes[PAIRS])
    return lefts[: sizes[STEP]], rights[: sizes[STEP]]


def train_wordpiece_fast(
    words: Mapping[str, int],
    vocab_size: int,
    rule: Rule = "likelihood",
    characters: Iterable[str] = (),
    min_frequency: int = 1,
) -> list[str]:
    """Learn a vocabulary from counted words: what `wordpiece.train_wordpiece` gives, some thousand times as fast."""
    check_words(words, rule)
    codes, lengths = _coded(words)
    tokens, numbers = _alphabet(codes, characters)
    check_size(vocab_size, tokens)
    total = sum(len(word) * times for word, times in words.items())
    if total >= _MOST_SYMBOLS:
        raise InputError(
            f"the words hold {total:,} characters, more than the {_MOST_SYMBOLS:,} that the trainer counts; give a sample"
        )
    if not words:
        return tokens
    weights = np.fromiter(words.values(), np.int64, len(words))
    state = Words(numbers[codes], np.cumsum(lengths) - lengths, lengths, weights)
    found = learn_merges(state, tokens, vocab_size - len(tokens), rule, least=min_frequency, mark=len(PREFIX))
    for left, right in zip(*found, strict=True):
        tokens.append(join((tokens[left], tokens[right])))
    return tokens


def _normalised(documents: list[bytes], table: Table) -> bytes:
    """The normalised words of documents, a blank behind each."""
    offsets = np.zeros(len(documents) + 1, np.int64)
    np.cumsum([len(document) for document in documents], out=offsets[1:])
    data = np.frombuffer(b"".join(documents) + bytes(8), np.uint8)
    out = np.empty(4 * len(data) + 16, np.uint8)  # a Korean syllable of three bytes becomes nine and a blank
    return out[: write_words(data, offsets, table, out)].tobytes()


def count_words(
    documents: Iterable[bytes],
    *,
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
    lowercase: bool = True,
) -> dict[str, int]:
    """How often each word occurs in UTF-8 documents, normalised and split as BERT does (the options of `BertEncoder`)."""
    table = character_table(clean_text, handle_chinese_chars, strip_accents, lowercase)
    counts: Counter[bytes] = Counter()
    batch: list[bytes] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document)
        if size >= _BATCH_BYTES:
            counts.update(_normalised(batch, table).split())
            batch, size = [], 0
    counts.update(_normalised(batch, table).split())
    return {word.decode(): times for word, times in counts.items()}
