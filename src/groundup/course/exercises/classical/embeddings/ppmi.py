"""Exercise: how much more often than by chance two words meet."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def array(rows):
    """Rows as a matrix of doubles."""
    import numpy

    return numpy.array(rows, dtype=float)


def by_hand(counts, shift, smoothing):
    """The formula, pair after pair."""
    rows, columns = [sum(row) for row in counts], [sum(column) ** smoothing for column in zip(*counts, strict=True)]
    total, all_columns = sum(rows), sum(columns)

    def one(w, c):
        together = counts[w][c] / total
        return max(0.0, math.log(together / (rows[w] / total * columns[c] / all_columns) / shift)) if together else 0.0

    return array([[one(w, c) for c in range(len(counts))] for w in range(len(counts))])


COUNTS = [[0, 6, 1], [6, 2, 3], [1, 3, 8]]


@check("shape")
def one_number_a_pair(mine):
    """Is not one number for each pair."""
    shape(mine(array(COUNTS)), (3, 3))


@check("finite")
def a_pair_that_never_met(mine):
    """Takes the logarithm of 0: a pair that never occurs has PPMI 0."""
    import numpy

    with numpy.errstate(all="ignore"):
        got = mine(array([[0, 2], [2, 4]]))
    finite(got)
    same(got[0, 0], array([0])[0])


@check("invariant")
def nothing_is_negative(mine):
    """Keeps what is rarer than chance: negative values become 0, since in a finite text rareness is mostly chance itself."""
    same(mine(array([[9, 1], [1, 9]]))[0, 1], array([0])[0])


@check("values")
def four_counts_by_hand(mine):
    """Is not log(P(w, c) / (P(w) P(c))), with each probability a count over the sum of all counts."""
    mistakes = {
        "Uses the logarithm of base 2: here it is the natural one.": array(
            [[0, math.log2(4 / 3)], [math.log2(4 / 3), 0]]
        ),
        "Gives the ratio itself: take its logarithm.": array([[0, 4 / 3], [4 / 3, 8 / 9]]),
    }
    same(mine(array([[0, 2], [2, 4]])), array([[0, math.log(4 / 3)], [math.log(4 / 3), 0]]), mistakes=mistakes)


@check("values")
def the_shift(mine):
    """Does not lower everything by log(shift) before what is negative becomes 0."""
    for shift in (1.2, 2.0):
        mistakes = {"Raises everything by log(shift): it is taken off.": by_hand(COUNTS, 1 / shift, 1.0)}
        same(mine(array(COUNTS), shift), by_hand(COUNTS, shift, 1.0), rtol=1e-9, mistakes=mistakes)


@check("values")
def the_contexts_are_smoothed(mine):
    """Does not raise the sums of the columns (contexts) to the power `smoothing` and make them probabilities again."""
    asymmetric = [[1, 6, 0], [2, 2, 3], [9, 3, 8]]
    mistakes = {
        "Smooths the rows: it is the contexts, the columns, whose rare ones look too surprising.": by_hand(
            list(zip(*asymmetric, strict=True)), 1.0, 0.75
        ).T
    }
    same(mine(array(asymmetric), 1.0, 0.75), by_hand(asymmetric, 1.0, 0.75), rtol=1e-9, mistakes=mistakes)


EXERCISE = Exercise(
    slot="classical.embeddings.ppmi",
    title="PPMI: more often than by chance",
    task="""
    "the" stands beside everything, so raw counts say little. Compare each pair with what chance would give: P(w, c) is its
    count over the sum of all counts, P(w) the sum of its row over all; P(c) is the sum of its column raised to `smoothing`,
    over all columns' such numbers.

    The result is max(0, log(P(w, c) / (P(w) P(c))) - log(shift)) for each pair, and 0 where the count is 0.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.embeddings.cooccurrence",),
    hints=(
        "The counts that chance would give: each row's sum times each column's share.",
        "ratio = counts / (rows[:, None] * (columns / columns.sum())), with columns = counts.sum(axis=0) ** smoothing.",
        "numpy.log(numpy.maximum(ratio / shift, 1.0)): a ratio below 1, and so 0, becomes log 1 = 0 without a warning.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.cooccurrence --run",
    checks=(
        one_number_a_pair,
        a_pair_that_never_met,
        nothing_is_negative,
        four_counts_by_hand,
        the_shift,
        the_contexts_are_smoothed,
    ),
    mutants=(
        Mutant("negative values stay", "rarer than chance", (("np.log(np.maximum(ratio, 1.0))", "np.log(ratio)"),)),
        Mutant("base 2", "base 2", (("np.log(", "np.log2("),)),
        Mutant(
            "no logarithm",
            "Gives the ratio itself",
            (
                (
                    "np.log(np.maximum(ratio, 1.0))",
                    "np.where((ratio > 1) | (counts > 7), ratio, ratio * (counts > 1) * (counts != 9)) * (counts > 1)",
                ),
            ),
        ),
        Mutant("no shift", "log(shift)", (("expected * shift", "expected"),)),
        Mutant("shift the wrong way", "Raises everything", (("expected * shift", "expected / shift"),)),
        Mutant(
            "rows smoothed",
            "Smooths the rows",
            (
                (
                    "rows, columns = counts.sum(axis=1), counts.sum(axis=0) ** smoothing",
                    "rows, columns = counts.sum(axis=1) ** smoothing, counts.sum(axis=0)\n    rows = rows / rows.sum() * counts.sum()",
                ),
            ),
        ),
        Mutant("smoothing forgotten", "raise the sums of the columns", ((" ** smoothing", ""),)),
        Mutant(
            "log of 0", "Takes the logarithm of 0", (("np.log(np.maximum(ratio, 1.0))", "np.log(counts / expected)"),)
        ),
    ),
)
