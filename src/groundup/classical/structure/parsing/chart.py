"""The chart of CKY as compiled loops: rules by their left part, scores of a cell in one row, sums kept in scale.

`cky_chart` and `inside_chart` in `cky.py` say what is computed. Here a cell is a row of float64, one place a symbol, and
a list of the symbols that are in it and can be a left part: for each of these its rules are tried on the right cell. The best tree is found
again from the scores alone, node by node (`trace`), so a cell holds no pointers. Sums of probabilities are kept relative to
the largest of their cell, whose logarithm stands beside it: no logarithm in the inner loop, and no underflow.

With a beam, what is worse than the best of its cell by more than so many nats is dropped: faster, and no longer exact.
"""

import math
from dataclasses import dataclass

import numpy as np

from groundup.classical.structure.parsing.grammar import Grammar, best_chains, sum_of_chains
from groundup.errors import InputError
from groundup.text.compiled import inner, kernel


@dataclass(frozen=True)
class Tables:
    """A grammar's rules as arrays: those of one left part, or of one symbol, stand together from first[s] to first[s + 1]."""

    symbols: list[str]
    number: dict[str, int]
    known: dict[str, list[tuple[str, float]]]  # word or class -> its tags
    by_left: tuple[np.ndarray, ...]  # first, parent, right, score
    by_parent: tuple[np.ndarray, ...]  # first, left, right, score
    chains_up: tuple[np.ndarray, ...]  # first, parent, score: by the lower end of a chain
    chains_down: tuple[np.ndarray, ...]  # first, lower end, score: by the upper
    sums_up: tuple[np.ndarray, ...]  # first, parent, summed probability; with the empty chain
    steps: dict[tuple[str, str], str]  # (A, B) -> the first step of the best chain from A to B


def _grouped(keys: list[int], columns: list[list], size: int) -> tuple[np.ndarray, ...]:
    """Columns sorted by key, with where each key begins; whole numbers as int32, others as float64."""
    order = np.argsort(np.array(keys, np.int64), kind="stable")
    first = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(np.array(keys, np.int64), minlength=size), out=first[1:])
    kinds = [*[np.int32] * (len(columns) - 1), np.float64]  # the last column is the score
    return first, *(np.array(column, kind)[order] for column, kind in zip(columns, kinds, strict=True))


def tables(grammar: Grammar) -> Tables:
    """A grammar's rules in the order in which the kernels read them."""
    symbols = grammar.symbols
    number, size = {name: place for place, name in enumerate(symbols)}, len(symbols)
    parent, left, right = ([number[rule[place]] for rule in grammar.binary] for place in range(3))
    chains = best_chains(grammar.unary)
    upper, lower = ([number[pair[place]] for pair in chains] for place in range(2))
    scores, chain_scores = list(grammar.binary.values()), [score for score, _ in chains.values()]
    sums = sum_of_chains(grammar.unary)
    sum_upper, sum_lower = ([number[pair[place]] for pair in sums] for place in range(2))
    return Tables(
        symbols, number, grammar.by_word(),
        by_left=_grouped(left, [parent, right, scores], size),
        by_parent=_grouped(parent, [left, right, scores], size),
        chains_up=_grouped(lower, [upper, chain_scores], size),
        chains_down=_grouped(upper, [lower, chain_scores], size),
        sums_up=_grouped(sum_lower, [sum_upper, list(sums.values())], size),
        steps={pair: step for pair, (_, step) in chains.items()},
    )  # fmt: skip


def tags_of(grammar: Grammar, rules: Tables, words: list[str]) -> tuple[np.ndarray, ...]:
    """For each word the tags that may stand over it and their log-probabilities, one after the other."""
    first, tags, scores = [0], [], []
    for place, word in enumerate(words):
        found = grammar.of_word(rules.known, word)
        if not found:
            raise InputError(
                f"word {place + 1}, {word!r}, has no tag in this grammar, and no class of unknown words has one; "
                "replace it, or train on a treebank with rare words"
            )
        tags += [rules.number[tag] for tag, _ in found]
        scores += [score for _, score in found]
        first.append(len(tags))
    return np.array(first, np.int64), np.array(tags, np.int32), np.array(scores)


def cells_of(words: int) -> int:
    """How many spans a sentence has."""
    return words * (words + 1) // 2


@inner
def cell_at(start, end, words):
    """The row of a span: those that begin at the first word first."""
    return start * words - start * (start - 1) // 2 + end - start - 1


@kernel
def viterbi(word_first, word_tag, word_score, by_left, chains_up, symbols, beam):
    """The log-probability of the best tree for each span and symbol, a row a span."""
    first, parent, right, score = by_left
    chain_first, chain_parent, chain_score = chains_up
    words = len(word_first) - 1
    chart = np.full((words * (words + 1) // 2, symbols), -np.inf)
    lefts, many = np.empty((len(chart), 2), np.int64), 0  # each cell's part of the pool
    pool = np.empty(max(1024, symbols), np.int32)
    present, before = np.empty(symbols, np.int32), np.empty(symbols)
    for length in range(1, words + 1):
        for start in range(words - length + 1):
            end = start + length
            here = cell_at(start, end, words)
            row = chart[here]
            if length == 1:
                for k in range(word_first[start], word_first[end]):
                    row[word_tag[k]] = max(row[word_tag[k]], word_score[k])
            for middle in range(start + 1, end):
                cell = cell_at(start, middle, words)
                one, other = chart[cell], chart[cell_at(middle, end, words)]
                for k in range(lefts[cell, 0], lefts[cell, 1]):
                    b = pool[k]
                    for rule in range(first[b], first[b + 1]):
                        total = one[b] + score[rule] + other[right[rule]]
                        if total > row[parent[rule]]:
                            row[parent[rule]] = total
            count = 0
            for b in range(symbols):
                if row[b] > -np.inf:
                    present[count], before[count] = b, row[b]
                    count += 1
            for k in range(count):
                for c in range(chain_first[present[k]], chain_first[present[k] + 1]):
                    row[chain_parent[c]] = max(row[chain_parent[c]], before[k] + chain_score[c])
            pool, many = _note(row, first, beam, pool, lefts, here, many)
    return chart


@inner
def _best(row):
    best = -np.inf
    for value in row:
        best = max(best, value)
    return best


@kernel
def _note(row, first, beam, pool, lefts, here, many):
    """Drop what is outside of the beam, and list the symbols of a cell that some rule has as its left part."""
    lowest = _best(row) - beam if beam < np.inf else -np.inf
    lefts[here, 0] = many
    if many + len(row) > len(pool):
        larger = np.empty(2 * len(pool) + len(row), np.int32)
        larger[:many] = pool[:many]
        pool = larger
    for b in range(len(row)):
        if row[b] < lowest:
            row[b] = -np.inf
        elif row[b] > -np.inf and first[b + 1] > first[b]:
            pool[many] = b
            many += 1
    lefts[here, 1] = many
    return pool, many


@kernel
def inside(word_first, word_tag, word_score, by_left, sums_up, symbols):
    """The summed probability of all trees for each span and symbol, relative to exp(scale) of its row; and the scales."""
    first, parent, right, score = by_left
    words = len(word_first) - 1
    chart, probability = np.zeros((words * (words + 1) // 2, symbols)), np.exp(score)
    scale = np.full(len(chart), -np.inf)
    for length in range(1, words + 1):
        for start in range(words - length + 1):
            end = start + length
            here = cell_at(start, end, words)
            row, level = chart[here], -np.inf
            if length == 1:
                level = 0.0
                for k in range(word_first[start], word_first[end]):
                    row[word_tag[k]] += math.exp(word_score[k])
            for middle in range(start + 1, end):
                level = max(level, scale[cell_at(start, middle, words)] + scale[cell_at(middle, end, words)])
            for middle in range(start + 1, end):
                cell, next_ = cell_at(start, middle, words), cell_at(middle, end, words)
                share = math.exp(scale[cell] + scale[next_] - level) if level > -np.inf else 0.0
                one, other = chart[cell], chart[next_]
                for b in range(symbols if share > 0 else 0):
                    if one[b] > 0:
                        weight = share * one[b]
                        for rule in range(first[b], first[b + 1]):
                            row[parent[rule]] += weight * probability[rule] * other[right[rule]]
            _sum_chains(row, sums_up)
            largest = _best(row)
            if largest > 0:
                for b in range(symbols):
                    row[b] /= largest
                scale[here] = level + math.log(largest)
    return chart, scale


@kernel
def _sum_chains(row, sums_up):
    """Add all chains of unary rules; the empty chain is among a symbol's own."""
    first, parent, probability = sums_up
    before = row.copy()
    for b in range(len(row)):
        if first[b + 1] > first[b]:
            row[b] = 0.0
    for b in range(len(row)):
        if before[b] > 0:
            for k in range(first[b], first[b + 1]):
                row[parent[k]] += before[b] * probability[k]


@kernel
def trace(chart, words, start, end, symbol, tags, by_parent, chains_down):
    """How the best tree of a symbol over a span goes on: (lower end of its chain, middle, left, right); middle is -1 over a word.

    tags: the log-probability of each symbol over the word, where the span is one.
    """
    first, left, right, score = by_parent
    chain_first, chain_lower, chain_score = chains_down
    best, found = -np.inf, (symbol, -1, -1, -1)
    for k in range(chain_first[symbol] - 1, chain_first[symbol + 1]):
        empty = k < chain_first[symbol]
        lower, chain = (symbol, 0.0) if empty else (np.int64(chain_lower[k]), chain_score[k])
        if end - start == 1:
            if tags[lower] + chain > best:
                best, found = tags[lower] + chain, (lower, -1, -1, -1)
            continue
        for middle in range(start + 1, end):
            one, other = chart[cell_at(start, middle, words)], chart[cell_at(middle, end, words)]
            for rule in range(first[lower], first[lower + 1]):
                total = one[left[rule]] + score[rule] + other[right[rule]] + chain
                if total > best:
                    best, found = total, (lower, middle, np.int64(left[rule]), np.int64(right[rule]))  # type: ignore[assignment]
    return found
