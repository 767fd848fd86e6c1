"""Which tags a word may have: by how it was tagged, and for a word never seen by its ending.

What is known of a word never seen is how it looks. Its ending says most ("-ing", "-able", "-s"), so tags are counted for
every ending of the words that occur seldom, and each ending's shares are mixed with those of the ending one letter shorter,
down to those of all words of the same shape (capital, digit, hyphen) and of all words: Samuelsson 1993; Brants 2000 (TnT,
arXiv:cs/0003055), section 2.3, whose weight theta is one number for all. Here an ending that was followed by few different
tags is trusted more (Witten and Bell 1991):

    P(tag | ending) = (count + kinds * P(tag | shorter ending)) / (total + kinds)

A word that was seen is told by its own counts, mixed in the same way with its ending's: one that occurred once, as a noun,
may well be a verb the second time. Left out: a dictionary, and the words around, which the tagger knows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

RARE = 10  # a word that occurs more often tells nothing about new ones
LONGEST_ENDING = 6  # letters; longer ones made nothing better (10: 0.02 points)


def shape(word: str) -> str:
    """What a word looks like: "1" with a digit in it, "." without a letter; else "AA", "A" or "a" by its capitals, and "-" with a hyphen.

    >>> [shape(word) for word in ("dogs", "Paris", "IBM", "1990s", "well-known", "...")]
    ['a', 'A', 'AA', '1', 'a-', '.']
    """
    if any(letter.isdigit() for letter in word):
        return "1"
    if not any(letter.isalpha() for letter in word):
        return "."
    kind = "AA" if word.isupper() and len(word) > 1 else "A" if word[0].isupper() else "a"
    return f"{kind}-" if "-" in word else kind


def endings(word: str, longest: int = LONGEST_ENDING) -> list[str]:
    """The keys of a word from what is most common to what is most its own.

    >>> endings("dogs", 2)
    ['', 'a ', 'a s', 'a gs']
    """
    kind, lower = shape(word), word.lower()
    return ["", *(f"{kind} {lower[len(lower) - size :]}" for size in range(min(longest, len(word)) + 1))]


class Lexicon:
    """Shares of tags by word and by ending. Make it with `Lexicon.count`.

    nodes: the row of each key in `shares`, float32[keys, tags]; a key is an ending, or a tab and a whole word.
    """

    def __init__(self, nodes: dict[str, int], shares: Float[np.ndarray, "keys tags"]) -> None:
        self.nodes, self.shares = nodes, shares

    @classmethod
    def count(cls, words: Mapping[tuple[str, int], int], tags: int) -> "Lexicon":
        """Count (word, tag) -> times, and smooth level by level."""
        times: Counter[str] = Counter()
        for (word, _), count in words.items():
            times[word] += count
        nodes: dict[str, int] = {"": 0}
        rows, columns, counts, parents, depths = [], [], [], [0], [0]
        for (word, tag), count in words.items():
            way, parent = [*endings(word), f"\t{word}"], 0
            for depth, key in enumerate(way):
                node = nodes.setdefault(key, len(nodes))
                if node == len(parents):
                    parents.append(parent)
                    depths.append(depth)
                if times[word] <= RARE or depth in (0, len(way) - 1):
                    rows.append(node)
                    columns.append(tag)
                    counts.append(count)
                parent = node
        table = np.zeros((len(nodes), tags), np.float32)
        np.add.at(table, (rows, columns), counts)
        return cls(nodes, smoothed(table, np.array(parents), np.array(depths)))

    def distribution(self, word: str) -> Float[np.ndarray, " tags"]:
        """P(tag | word): by the word itself, or by its longest ending that was seen."""
        node = self.nodes.get(f"\t{word}")
        if node is not None:
            return self.shares[node]
        found = 0
        for key in endings(word):
            found = self.nodes.get(key, found)
        return self.shares[found]

    def knows(self, word: str) -> bool:
        """Whether the word was seen in training."""
        return f"\t{word}" in self.nodes


def smoothed(
    counts: Float[np.ndarray, "keys tags"], parents: np.ndarray, depths: np.ndarray
) -> Float[np.ndarray, "keys tags"]:
    """Shares of each row, mixed with those of its parent; the first row's with equal ones."""
    shares = np.empty_like(counts)
    for depth in range(int(depths.max()) + 1):
        level = np.flatnonzero(depths == depth)
        below = shares[parents[level]] if depth else np.full((1, counts.shape[1]), 1 / counts.shape[1])
        kinds = np.maximum((counts[level] > 0).sum(1, keepdims=True), 1)
        shares[level] = (counts[level] + kinds * below) / (counts[level].sum(1, keepdims=True) + kinds)
    return shares


def word_counts(sentences: Iterable[tuple[Sequence[str], Sequence[int]]]) -> Counter[tuple[str, int]]:
    """How often each word has each tag."""
    counts: Counter[tuple[str, int]] = Counter()
    for words, tags in sentences:
        counts.update(zip(words, tags, strict=True))
    return counts
