"""Exercise: what GloVe makes small."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same


def arrays(*parts):
    """Lists as arrays of doubles."""
    import numpy

    return tuple(numpy.array(part, dtype=float) for part in parts)


def by_hand(counts, words, contexts, word_bias, context_bias, x_max=100.0, alpha=0.75):
    """Pair after pair."""
    total = 0.0
    for i, row in enumerate(counts.tolist()):
        for j, x in enumerate(row):
            if x > 0:
                error = float(words[i] @ contexts[j] + word_bias[i] + context_bias[j]) - math.log(x)
                total += min(1.0, (x / x_max) ** alpha) * error**2 / 2
    return total


# one pair: 1 * 4 + 0.5 - 0.25 = 4.25 beside log 16 = 2.7726; f(16) = (16 / 81)^0.75 = 8 / 27
ONE = ([[0, 16], [0, 0]], [[1], [2]], [[3], [4]], [0.5, 0], [0, -0.25])


def near(error, weight=8 / 27, half=0.5):
    """The loss of one pair."""
    return half * weight * error**2


@check("finite")
def pairs_that_never_met_do_not_count(mine):
    """Takes the logarithm of a count of 0: pairs that never occur are left out of the sum."""
    import numpy

    with numpy.errstate(all="ignore"):
        got = mine(*arrays([[0, 1], [0, 0]], [[1], [1]], [[1], [1]], [0, 0], [0, 0]))
    finite(numpy.array(float(got)))


@check("values")
def one_pair_by_hand(mine):
    """Is not half of f(x) (w . c + b + d - log x)^2 for one pair."""
    error = 4.25 - math.log(16)
    mistakes = {
        "Is not halved: this J is half of the paper's, so that its gradient has no factor 2.": near(error, half=1.0),
        "Leaves out the weight f(x) = min(1, (x / x_max)^alpha).": near(error, 1.0),
        "Leaves out the biases.": near(4 - math.log(16)),
        "Compares with the count and not with its logarithm.": near(4.25 - 16),
        "Takes both vectors from the same table: the word is row i of words, the context row j of contexts.": near(
            2.25 - math.log(16)
        ),
    }
    same(float(mine(*arrays(*ONE), 81.0)), near(error), rtol=1e-9, mistakes=mistakes)


@check("values")
def weights_end_at_one(mine):
    """Lets a frequent pair weigh more than 1: f(x) is min(1, ...), or "the" would drown everything."""
    same(float(mine(*arrays(*ONE), 1.0)), near(4.25 - math.log(16), 1.0), rtol=1e-9)


@check("values")
def alpha_is_used(mine):
    """Does not use the alpha it was given."""
    same(float(mine(*arrays(*ONE), 81.0, 0.5)), near(4.25 - math.log(16), 4 / 9), rtol=1e-9)


@check("values")
def many_pairs(mine):
    """Is not the sum over all pairs that occur."""
    import numpy

    source = numpy.random.default_rng(0)
    counts = source.integers(0, 4, (5, 5)).astype(float)
    case = (
        counts,
        source.normal(size=(5, 2)),
        source.normal(size=(5, 2)),
        source.normal(size=5),
        source.normal(size=5),
    )
    mistakes = {"Is the mean over the pairs: J is their sum.": by_hand(*case, 2.0) / int((counts > 0).sum())}
    same(float(mine(*case, 2.0)), by_hand(*case, 2.0), rtol=1e-9, mistakes=mistakes)


EXERCISE = Exercise(
    slot="classical.embeddings.glove_loss",
    title="GloVe's loss: dot products that are logarithms of counts",
    task="""
    counts[i, j] says how often words i and j stand together. Word i has the vector words[i] and the number word_bias[i], and as
    a context contexts[j] and context_bias[j]. Where counts[i, j] = x is above 0, their fit is off by

    e = words[i] . contexts[j] + word_bias[i] + context_bias[j] - log x, and this matters by f(x) = min(1, (x / x_max)^alpha).

    Give half of the sum of f(x) e^2 over all pairs that occur, as a float. `pair_weights`, which is f, is yours too.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.embeddings.glove",),
    hints=(
        "Pick the pairs that occur first, then everything is an array as long as there are pairs.",
        "rows, columns = numpy.nonzero(counts); x = counts[rows, columns]; the dot products are (words[rows] * contexts[columns]).sum(axis=1).",
        "float(0.5 * (pair_weights(x, x_max, alpha) * (fitted - numpy.log(x)) ** 2).sum()), and f is numpy.minimum(1.0, (x / x_max) ** alpha)",
    ),
    run="groundup --mine my learn lesson classical.embeddings.glove --run",
    written=("pair_weights",),
    checks=(
        pairs_that_never_met_do_not_count,
        one_pair_by_hand,
        weights_end_at_one,
        alpha_is_used,
        many_pairs,
    ),
    mutants=(
        Mutant("all pairs", "logarithm of a count of 0", (("np.nonzero(counts)", "np.nonzero(counts >= 0)"),)),
        Mutant("not halved", "not halved", (("0.5 * (", "1.0 * ("),)),
        Mutant("no weights", "Leaves out the weight", (("weights * (fitted", "1.0 * (fitted"),)),
        Mutant("no biases", "Leaves out the biases", ((" + word_bias[rows] + context_bias[columns]", ""),)),
        Mutant("no logarithm", "not with its logarithm", (("np.log(seen)", "seen"),)),
        Mutant("one table", "the same table", (("contexts[columns]).sum", "words[columns]).sum"),)),
        Mutant(
            "no limit",
            "weigh more than 1",
            (("np.minimum(1.0, (counts / x_max) ** alpha)", "(counts / x_max) ** alpha"),),
        ),
        Mutant("alpha fixed", "the alpha it was given", (("** alpha", "** 0.75"),)),
        Mutant("a mean", "Is the mean", (("** 2).sum())", "** 2).mean())"),)),
    ),
)
