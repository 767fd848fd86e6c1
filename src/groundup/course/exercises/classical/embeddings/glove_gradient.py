"""Exercise: which way GloVe's vectors move."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def arrays(*parts):
    """Lists as arrays of doubles."""
    import numpy

    return tuple(numpy.array(part, dtype=float) for part in parts)


def case(size=4, hidden=2, seed=0):
    """Counts that are not symmetric, vectors and biases, the same at every call."""
    import numpy

    source = numpy.random.default_rng(seed)
    counts = source.integers(0, 4, (size, size)).astype(float)
    return counts, *source.normal(size=(2, size, hidden)), *source.normal(size=(2, size))


def by_hand(counts, words, contexts, word_bias, context_bias, x_max=100.0, alpha=0.75):
    """Pair after pair."""
    import numpy

    found = [numpy.zeros_like(part) for part in (words, contexts, word_bias, context_bias)]
    for i, row in enumerate(counts.tolist()):
        for j, x in enumerate(row):
            if x > 0:
                error = float(words[i] @ contexts[j] + word_bias[i] + context_bias[j]) - math.log(x)
                slope = min(1.0, (x / x_max) ** alpha) * error
                found[0][i] += slope * contexts[j]
                found[1][j] += slope * words[i]
                found[2][i] += slope
                found[3][j] += slope
    return found


@check("shape")
def four_in_the_shapes_of_their_own(mine):
    """Is not four gradients in the shapes of words, contexts, word_bias and context_bias."""
    counts, *parts = case(4, 2)
    got = mine(counts, *parts)
    same(len(got), 4)
    for one, part in zip(got, parts, strict=True):
        shape(one, part.shape)


@check("finite")
def pairs_that_never_met_pull_nowhere(mine):
    """Takes the logarithm of a count of 0: pairs that never occur have no part in the gradient."""
    import numpy

    with numpy.errstate(all="ignore"):
        got = mine(*arrays([[0, 1], [0, 0]], [[1], [1]], [[1], [1]], [0, 0], [0, 0]))
    for one in got:
        finite(one)
    same(got[0][1], arrays([0])[0])


@check("values")
def one_pair_by_hand(mine):
    """Is not f(x) e times the other vector for one pair."""
    counts, *parts = arrays([[0, 16], [0, 0]], [[1], [2]], [[3], [4]], [0.5, 0], [0, -0.25])
    slope = 8 / 27 * (4.25 - math.log(16))
    mistakes = {
        "Has a factor 2: the loss is halved, so that its gradient has none.": arrays([[8 * slope], [0]])[0],
        "Points downhill: the gradient is fitted minus log x, and the step goes against it.": arrays(
            [[-4 * slope], [0]]
        )[0],
        "Leaves out the weight f(x).": arrays([[4 * slope * 27 / 8], [0]])[0],
        "Gives a word its own vector: the slope of w . c by w is c.": arrays([[slope], [0]])[0],
    }
    got = mine(counts, *parts, 81.0)
    same(got[0], arrays([[4 * slope], [0]])[0], rtol=1e-9, mistakes=mistakes)
    same(got[2], arrays([slope, 0])[0], "The slope by a bias is not f(x) e, summed over the word's pairs.", rtol=1e-9)


@check("values")
def words_and_contexts_are_not_the_same(mine):
    """Mixes up rows and columns: pair (i, j) moves word i and context j, and counts need not be symmetric."""
    for got, expected in zip(mine(*case()), by_hand(*case()), strict=True):
        same(got, expected, rtol=1e-9, atol=1e-12)


@check("values")
def the_weights_end_at_one(mine):
    """Lets a frequent pair weigh more than 1, or does not use x_max and alpha."""
    for got, expected in zip(mine(*case(), 2.0, 0.5), by_hand(*(*case(), 2.0, 0.5)), strict=True):
        same(got, expected, rtol=1e-9, atol=1e-12)


EXERCISE = Exercise(
    slot="classical.embeddings.glove_gradient",
    title="GloVe's gradient: each pair pulls two vectors",
    task="""
    The loss is half of the sum, over the pairs with counts[i, j] = x above 0, of f(x) e^2, where
    e = words[i] . contexts[j] + word_bias[i] + context_bias[j] - log x and f(x) = min(1, (x / x_max)^alpha).

    Give its gradients by words, contexts, word_bias and context_bias, each in the shape of its own. All pairs at once: two
    products of matrices and two sums. f is `pair_weights`.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("classical.embeddings.glove_loss",),
    hints=(
        "The slope of the loss by e is f(x) e, and e is linear in everything: by words[i] its slope is contexts[j].",
        "Make the matrix of all f(x) e with words @ contexts.T and the biases as a column and a row; put 0 where the count is 0.",
        "errors @ contexts, errors.T @ words, errors.sum(axis=1), errors.sum(axis=0)",
    ),
    run="groundup --mine my learn lesson classical.embeddings.glove --run",
    checks=(
        four_in_the_shapes_of_their_own,
        pairs_that_never_met_pull_nowhere,
        one_pair_by_hand,
        words_and_contexts_are_not_the_same,
        the_weights_end_at_one,
    ),
    mutants=(
        Mutant(
            "three gradients",
            "not four gradients",
            ((", errors.sum(axis=1), errors.sum(axis=0)", ", errors.sum(axis=1)"),),
        ),
        Mutant(
            "log of 0",
            "logarithm of a count of 0",
            (
                ("np.log(np.where(seen, counts, 1.0))", "np.log(counts)"),
                ("errors = np.where(seen, errors, 0.0)", "pass"),
            ),
        ),
        Mutant("a factor 2", "Has a factor 2", (("errors = weights * (", "errors = 2 * weights * ("),)),
        Mutant("downhill", "Points downhill", (("errors = weights * (", "errors = -weights * ("),)),
        Mutant("no weights", "Leaves out the weight", (("errors = weights * (", "errors = 1.0 * ("),)),
        Mutant(
            "own vector",
            "its own vector",
            (("return errors @ contexts", "return errors.sum(axis=1, keepdims=True) * words"),),
        ),
        Mutant("not transposed", "Mixes up rows and columns", (("errors.T @ words", "errors @ words"),)),
        Mutant(
            "biases swapped",
            "not f(x) e",
            (("errors.sum(axis=1), errors.sum(axis=0)", "errors.sum(axis=0), errors.sum(axis=1)"),),
        ),
        Mutant(
            "no limit",
            "weigh more than 1",
            (("pair_weights(counts, x_max, alpha)", "(counts / x_max) ** alpha"),),
        ),
    ),
)
