"""CKY: every tree of a sentence at once, from short spans to long ones.

A chart has a cell for every span of words. What can stand over one word its tags say; over a longer span, whatever
joins two neighbours that are already in the chart (Cocke; Kasami 1965; Younger 1967):

    best(A, i, j)   = max over B, C, k of  P(A -> B C) best(B, i, k) best(C, k, j)          Viterbi: the best tree
    inside(A, i, j) = sum over B, C, k of  P(A -> B C) inside(B, i, k) inside(C, k, j)      all trees (Baker 1979)

and after each cell the chains of unary rules. n words take n^3 / 6 splits times the grammar. `cky_chart` and `inside_chart`
are the definition in dictionaries; `parse` uses the kernels of `chart.py`. Where no tree covers the sentence, the fewest
pieces that do are given, of these the best. Left out: outside scores, k-best trees, the words of heads.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundup.classical.structure.parsing import chart as kernels
from groundup.classical.structure.parsing.chart import Tables, cell_at, cells_of, tags_of
from groundup.classical.structure.parsing.grammar import Grammar
from groundup.classical.structure.parsing.trees import Tree, followed, restore
from groundup.errors import InputError
from groundup.slots import slot

MEMORY_BYTES = 1 << 30  # of one chart: a sentence that needs more is refused

Chart = dict[tuple[int, int], dict[str, float]]


@slot
def cky_chart(
    words: Sequence[str],
    lexicon: Mapping[tuple[str, str], float],
    binary: Mapping[tuple[str, str, str], float],
    chains: Mapping[tuple[str, str], float],
) -> Chart:
    """For each span (start, end) the symbols that can stand over it, each with the log-probability of its best tree.

    lexicon: (tag, word) -> log-probability; binary: (A, B, C); chains: (A, B), the best chain of unary rules from A to B.
    A span over which nothing can stand has an empty cell.
    """
    cells: Chart = {}
    for length in range(1, len(words) + 1):
        for start in range(len(words) - length + 1):
            end = start + length
            cell = {tag: score for (tag, word), score in lexicon.items() if length == 1 and word == words[start]}
            for middle in range(start + 1, end):
                left, right = cells[start, middle], cells[middle, end]
                for (a, b, c), score in binary.items():
                    if b in left and c in right:
                        cell[a] = max(cell.get(a, -math.inf), score + left[b] + right[c])
            with_chains = dict(cell)
            for (a, b), score in chains.items():
                if b in cell:
                    with_chains[a] = max(with_chains.get(a, -math.inf), score + cell[b])
            cells[start, end] = with_chains
    return cells


@slot
def inside_chart(
    words: Sequence[str],
    lexicon: Mapping[tuple[str, str], float],
    binary: Mapping[tuple[str, str, str], float],
    chains: Mapping[tuple[str, str], float],
) -> Chart:
    """For each span (start, end) the symbols that can stand over it, each with the summed probability of all its trees.

    lexicon and binary hold log-probabilities; chains: (A, B) -> the summed probability of all chains from A to B, where
    A has any; the chain of no rule, from A to A, is then one of them.
    """
    cells: Chart = {}
    for length in range(1, len(words) + 1):
        for start in range(len(words) - length + 1):
            end = start + length
            cell = {
                tag: math.exp(score) for (tag, word), score in lexicon.items() if length == 1 and word == words[start]
            }
            for middle in range(start + 1, end):
                left, right = cells[start, middle], cells[middle, end]
                for (a, b, c), score in binary.items():
                    if b in left and c in right:
                        cell[a] = cell.get(a, 0.0) + math.exp(score) * left[b] * right[c]
            with_chains = {a: share for a, share in cell.items() if (a, a) not in chains}
            for (a, b), share in chains.items():
                if b in cell:
                    with_chains[a] = with_chains.get(a, 0.0) + share * cell[b]
            cells[start, end] = with_chains
    return cells


@dataclass(frozen=True)
class Parse:
    """A sentence's best tree. whole: one tree of the grammar covers it; else the pieces stand under TOP, without a probability."""

    tree: Tree
    log_probability: float | None  # natural logarithm; None where the grammar has no tree
    whole: bool


def checked(words: Sequence[str], rules: Tables, memory_bytes: int = MEMORY_BYTES) -> list[str]:
    """The words, if they are a sentence whose chart fits into memory."""
    if isinstance(words, str):
        raise InputError("words are a list, not one string; split the sentence first, punctuation apart")
    if not len(words) or not all(isinstance(word, str) and word for word in words):
        raise InputError("a sentence needs at least one word, and no word may be empty; give a list of words")
    needed = cells_of(len(words)) * len(rules.symbols) * 8
    if needed > memory_bytes:
        longest = int((math.sqrt(1 + memory_bytes / len(rules.symbols)) - 1) / 2)
        raise InputError(
            f"a sentence of {len(words):,} words needs {needed / 1e9:.1f} GB for its chart and {memory_bytes / 1e9:.1f} GB "
            f"are allowed; split it into sentences of at most {longest:,} words, or raise memory_bytes"
        )
    return list(words)


def parse(
    grammar: Grammar,
    rules: Tables,
    words: Sequence[str],
    *,
    beam: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Parse:
    """The most probable tree of a sentence. rules: `tables(grammar)`; beam: nats below a cell's best that are kept, None: all."""
    if beam is not None and not beam >= 0:  # NaN too
        raise InputError(f"beam={beam} is not possible; use 0 or more nats, or None for all")
    words = checked(words, rules, memory_bytes)
    tags = tags_of(grammar, rules, words)
    scores = kernels.viterbi(
        *tags, rules.by_left, rules.chains_up, len(rules.symbols), math.inf if beam is None else beam
    )
    best = scores[cell_at.py_func(0, len(words), len(words)), 0]
    follow = _Follow(words, tags, scores, rules)
    with followed("the best tree"):
        if best > -math.inf:
            return Parse(restore(follow.tree(0, len(words), 0)), float(best), True)
        pieces = [follow.tree(start, end, symbol) for start, end, symbol in cover(scores, len(words), _shown(rules))]
        return Parse(restore((grammar.start, *pieces)), None, False)


class _Follow:
    """From the scores of a chart back to the tree that has them."""

    def __init__(self, words: list[str], tags: tuple[np.ndarray, ...], scores: np.ndarray, rules: Tables) -> None:
        self.words, self.tags, self.scores, self.rules = words, tags, scores, rules

    def tree(self, start: int, end: int, symbol: int) -> Tree:
        """The best tree of a symbol over a span, its chain of unary rules on top."""
        rules, over = self.rules, np.full(len(self.rules.symbols) if end - start == 1 else 1, -math.inf)
        if end - start == 1:
            first, tag, score = self.tags
            over[tag[first[start] : first[end]]] = score[first[start] : first[end]]
        lower, middle, left, right = kernels.trace(
            self.scores, len(self.words), start, end, symbol, over, rules.by_parent, rules.chains_down
        )
        name = rules.symbols[lower]
        if middle < 0:
            tree: Tree = (name, self.words[start])
        else:
            tree = (name, self.tree(start, middle, left), self.tree(middle, end, right))
        for above in reversed(self._chain(rules.symbols[symbol], name)):
            tree = (above, tree)
        return tree

    def _chain(self, upper: str, lower: str) -> list[str]:
        """The symbols of the best chain above its lower end."""
        found = []
        while upper != lower:
            found.append(upper)
            upper = self.rules.steps[upper, lower]
        return found


@functools.lru_cache(maxsize=4)
def _is_shown(symbols: tuple[str, ...]) -> np.ndarray:
    return np.array([name[0] != "@" for name in symbols])


def _shown(rules: Tables) -> np.ndarray:
    """Which symbols a reader knows: those that binarising made cannot stand alone."""
    return _is_shown(tuple(rules.symbols))


def cover(scores: np.ndarray, words: int, shown: np.ndarray) -> list[tuple[int, int, int]]:
    """The fewest (start, end, symbol) that cover a sentence, of these the ones with the largest summed score."""
    only = np.where(shown, scores, -math.inf)
    symbol = only.argmax(axis=1)
    best: list[tuple[int, float, int]] = [
        (0, 0.0, 0)
    ]  # up to each word: pieces, minus their score, where the last begins
    for end in range(1, words + 1):
        ways = []
        for start in range(end):
            row = cell_at.py_func(start, end, words)
            if (score := only[row, symbol[row]]) > -math.inf:
                ways.append((best[start][0] + 1, best[start][1] - score, start))
        best.append(min(ways))  # a word alone always has a tag
    pieces, end = [], words
    while end:
        start = best[end][2]
        pieces.append((start, end, int(symbol[cell_at.py_func(start, end, words)])))
        end = start
    return pieces[::-1]


def log_inside(grammar: Grammar, rules: Tables, words: Sequence[str], *, memory_bytes: int = MEMORY_BYTES) -> float:
    """The natural logarithm of a sentence's probability, over all its trees; minus infinity where it has none."""
    words = checked(words, rules, memory_bytes)
    tags = tags_of(grammar, rules, words)
    sums, scale = kernels.inside(*tags, rules.by_left, rules.sums_up, len(rules.symbols))
    top = cell_at.py_func(0, len(words), len(words))
    return math.log(sums[top, 0]) + float(scale[top]) if sums[top, 0] > 0 else -math.inf
