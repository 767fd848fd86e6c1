"""How much of a text repeats itself: by lines, by paragraphs, and by runs of n words.

Boilerplate and text made by bad models repeat themselves, and a model trained on them does too. Rae et al. 2021
(arXiv:2112.11446, section A.1.1, table A1) measure, as parts of all characters: lines and paragraphs that came before, the
most frequent n-gram for n = 2, 3, 4, and n-grams that came before for n = 5 ... 10, where a character that lies in
several of them counts once.

Characters are those of words, without the white space between them; a repetition is what comes the second time and later.
The paper leaves both open.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from groundup.slots import filled, slot
from groundup.text.compiled import inner, kernel

TOP = (2, 3, 4)
REPEATED = (5, 6, 7, 8, 9, 10)


def repeated_parts(parts: Sequence[str]) -> tuple[float, float]:
    """The part of all lines (or paragraphs) that came before, and the part of their characters. Empty parts do not count.

    >>> repeated_parts(["a", "bb", "a", "", "a"])
    (0.5, 0.4)
    """
    parts = [part for part in (part.strip() for part in parts) if part]
    again = [part for part, count in Counter(parts).items() for _ in range(count - 1)]
    return len(again) / max(1, len(parts)), sum(map(len, again)) / max(1, sum(map(len, parts)))


@slot
def repetition_reference(words: Sequence[str], n: int, top: bool = False) -> float:
    """The part of all words' characters that lies in n-grams that came before; with `top`, in the most frequent n-gram.

    Of equally frequent ones the first to come is the most frequent; one that comes once only is none (0.0).

    >>> round(repetition_reference("to be or not to be".split(), 2), 3)
    0.308
    >>> round(repetition_reference("to be or not to be".split(), 2, top=True), 3)
    0.615
    """
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    frequent, count = Counter(grams).most_common(1)[0] if grams else ((), 0)
    covered: set[int] = set()
    seen: set[tuple[str, ...]] = set()
    for at, gram in enumerate(grams):
        if (gram == frequent and count > 1) if top else gram in seen:
            covered.update(range(at, at + n))
        seen.add(gram)
    return sum(len(words[at]) for at in covered) / max(1, sum(map(len, words)))


def repetitions(words: Sequence[str]) -> dict[str, float]:
    """All nine measures of table A1 by n: `top_2` ... `top_4`, `repeated_5` ... `repeated_10`. Meaning: `repetition_reference`.

    >>> repetitions(["a"] * 20)["repeated_10"]
    0.95
    """
    if filled("data.clean.repetition_reference"):
        values = [repetition_reference(words, n, n in TOP) for n in TOP + REPEATED]
    else:
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        hashes = np.fromiter(map(hash, words), np.int64, len(words)).view(np.uint64)
        values = _measure(hashes, lengths, TOP[0], TOP[-1], REPEATED[-1]).tolist()
    names = [f"top_{n}" for n in TOP] + [f"repeated_{n}" for n in REPEATED]
    return dict(zip(names, values, strict=True))


@inner
def _slot_of(table, stamps, stamp, value):
    """Where a hash stands in the table, or the free place for it."""
    at = (value ^ (value >> np.uint64(32))) & np.uint64(len(table) - 1)
    while stamps[at] == stamp and table[at] != value:
        at = (at + np.uint64(1)) & np.uint64(len(table) - 1)
    return at


@inner
def _covered(first, lengths, n, chosen):
    """Characters of the words in n-grams that came before (chosen < 0), or whose first is `chosen`."""
    total, end = 0, 0
    for at in range(len(lengths) - n + 1):
        if (first[at] != at) if chosen < 0 else (first[at] == chosen):
            for word in range(max(at, end), at + n):
                total += lengths[word]
            end = at + n
    return total


@kernel
def _measure(hashes, lengths, low, top, high):
    """The measures for n = low ... high: of the most frequent n-gram up to `top`, of those that came before from there on."""
    size = 16
    while size < 2 * len(hashes):
        size *= 2
    table, stamps = np.empty(size, np.uint64), np.zeros(size, np.int64)
    places = np.empty(size, np.int64)
    first, counts = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    values = np.zeros(high - low + 1, np.float64)
    total = max(1, lengths.sum())
    for n in range(low, min(high, len(hashes)) + 1):
        most, chosen = 1, -1
        for at in range(len(hashes) - n + 1):
            value = np.uint64(n)
            for word in range(at, at + n):
                value = (value ^ hashes[word]) * np.uint64(0x9E3779B97F4A7C15)
                value ^= value >> np.uint64(29)
            place = _slot_of(table, stamps, n, value)
            if stamps[place] != n:
                stamps[place], table[place], places[place], counts[at] = n, value, at, 0
            first[at] = places[place]
            counts[first[at]] += 1
        for at in range(len(hashes) - n + 1):
            if first[at] == at and counts[at] > most:
                most, chosen = counts[at], at
        if n > top or chosen >= 0:
            values[n - low] = _covered(first, lengths, n, -1 if n > top else chosen) / total
    return values
