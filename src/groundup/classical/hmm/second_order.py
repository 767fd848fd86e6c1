"""Viterbi where a tag depends on the two before it: the best way over pairs of tags, for many sentences (Numba).

A chain of second order is one of first order over pairs: what is kept at a place is the best way for each of its last two
tags. Only the tags that a word may have are tried, so a sentence costs the cube of their number (one to five) and not of all
tags. `best_tags_reference` is the definition. Numba could not read functions that are checked for shapes, so none are stated.
"""

from collections.abc import Sequence

import numpy as np

from groundup.text.compiled import kernel


def best_tags_reference(table: np.ndarray, choices: Sequence[dict[int, float]]) -> tuple[list[int], float]:
    """The best tags of one sentence, and their score, as a dictionary of the ways that end in each pair of tags.

    Of equally good ways `best_tags` may give another: it goes by the order in which a word's tags stand.
    """
    mark = table.shape[2] - 1
    ways: dict[tuple[int, int], tuple[float, list[int]]] = {(mark, mark): (0.0, [])}
    for choice in [*choices, {mark: 0.0}]:
        following: dict[tuple[int, int], tuple[float, list[int]]] = {}
        for (a, b), (score, way) in ways.items():
            for c, shown in choice.items():
                value = score + float(table[a if len(table) > 1 else 0, b, c]) + shown
                if (b, c) not in following or value > following[b, c][0]:
                    following[b, c] = value, [*way, c]
        ways = following
    score, way = max(ways.values())
    return way[:-1], score


@kernel
def best_tags(table, tags, scores, first, words, offsets):
    """The best tag of each word; its tags are tags[first[w]:first[w + 1]] with their scores. table: log P(c | a, b).

    best[i, j]: of the ways whose last two words have the i-th and j-th of their tags.
    """
    mark, cube, most = table.shape[2] - 1, table.shape[0] > 1, np.int64(1)
    for w in words:
        most = max(most, first[w + 1] - first[w])
    longest = np.int64(0)
    for k in range(len(offsets) - 1):
        longest = max(longest, offsets[k + 1] - offsets[k])
    best, following = np.empty((most, most)), np.empty((most, most))
    came_from = np.empty((longest + 1, most, most), np.int16)
    found = np.empty(len(words), np.int16)
    for k in range(len(offsets) - 1):
        begin, length = offsets[k], offsets[k + 1] - offsets[k]
        best[0, 0], here, before = 0.0, 1, 1
        for t in range(length + 1):
            w = words[begin + t] if t < length else -1
            after = first[w + 1] - first[w] if t < length else 1
            b_first = first[words[begin + t - 1]] if t > 0 else -1
            a_first = first[words[begin + t - 2]] if t > 1 else -1
            for j in range(here):
                b = tags[b_first + j] if t > 0 else mark
                for c_at in range(after):
                    c = tags[first[w] + c_at] if t < length else mark
                    top, at = -np.inf, 0
                    for i in range(before):
                        a = tags[a_first + i] if t > 1 else mark
                        value = best[i, j] + table[a if cube else 0, b, c]
                        if value > top:
                            top, at = value, i
                    following[j, c_at] = top + (scores[first[w] + c_at] if t < length else 0.0)
                    came_from[t, j, c_at] = at
            best, following = following, best
            before, here = here, after
        end, top = 0, -np.inf
        for j in range(before):
            if best[j, 0] > top:
                end, top = j, best[j, 0]
        after_it, at = 0, end
        for t in range(length, 0, -1):
            found[begin + t - 1] = tags[first[words[begin + t - 1]] + at]
            at, after_it = came_from[t, at, after_it], at
    return found
