"""Exercise: does it put the positives above the negatives."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


def by_pairs(truth, scores):
    """The share of pairs in the right order, a tie counting half."""
    import numpy as np

    above = [
        np.sign(one - other)
        for one, real in zip(scores, truth, strict=True)
        if real
        for other, also in zip(scores, truth, strict=True)
        if not also
    ]
    return float(np.mean([(sign + 1) / 2 for sign in above]))


def area(mine, truth, scores):
    """The learner's area for plain lists."""
    import numpy as np

    return mine(np.array(truth), np.array(scores, float))


@check("invariant")
def perfect_is_1_and_upside_down_0(mine):
    """Does not give 1 where every positive is above every negative, and 0 where every one is below."""
    upside_down = "Stands upside down: 1 is for positives with the higher scores."
    same(area(mine, [0, 1], [0.1, 0.9]), 1.0, mistakes={upside_down: 0.0})
    same(
        area(mine, [0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.8, 0.9]),
        1.0,
        "Divides by the wrong number of pairs: each positive meets each negative once, positives * negatives.",
    )
    same(area(mine, [1, 0], [0.1, 0.9]), 0.0)


@check("invariant")
def it_is_no_accuracy(mine):
    """Is not the share of pairs in order, 3 of 4."""
    accuracy = "Is the accuracy at the threshold 0.5: the area has no threshold."
    same(area(mine, [0, 0, 1, 1], [0.6, 0.7, 0.65, 0.8]), 0.75, mistakes={accuracy: 0.5})


@check("invariant")
def only_the_order_counts(mine):
    """Looks at the scores' size: any increasing change of them leaves the order, and so the area."""
    import numpy as np

    truth, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9])
    for changed in (scores * 100, scores / 100, scores - 5):
        that(abs(mine(truth, changed) - 0.75) < 1e-9, expected=0.75, got=mine(truth, changed))


@check("values")
def a_tie_counts_half(mine):
    """Gets ties wrong: a positive and a negative with the same score count half."""
    first, second = area(mine, [0, 1], [0.5, 0.5]), area(mine, [1, 0], [0.5, 0.5])
    order = "Lets the order in which tied examples stand decide: they share their mean rank."
    that(first == second, order, expected="0.5 for both orders", got=(first, second))
    mistakes = {
        "Gives ties to the positive: a pair with the same score counts half.": 1.0,
        "Gives ties to the negative: a pair with the same score counts half.": 0.0,
    }
    same(first, 0.5, mistakes=mistakes)
    same(area(mine, [1, 0, 0, 1, 1], [1, 1, 1, 1, 2]), by_pairs([1, 0, 0, 1, 1], [1, 1, 1, 1, 2]))


@check("values")
def as_by_pairs(mine):
    """Differs from counting all pairs."""
    import numpy as np

    source = np.random.default_rng(0)
    for count in (5, 9, 12):
        truth, scores = np.append([0, 1], source.integers(0, 2, count)), source.integers(0, 5, count + 2) / 4
        same(mine(truth, scores), by_pairs(truth, scores))


@check("speed")
def no_loop_over_pairs(mine):
    """Is far slower than the reference: with 20,000 examples there are 100 million pairs; sort once, and add up ranks."""
    import numpy as np

    from groundup.foundations.learning.metrics.ranking import roc_auc

    source = np.random.default_rng(0)
    fast(mine, roc_auc, (source.integers(0, 2, 20_000), source.integers(0, 5000, 20_000) / 5000), times=20)


RANKS = "(counts.cumsum() - (counts - 1) / 2)[place]"

EXERCISE = Exercise(
    slot="foundations.learning.roc_auc",
    title="The area under the ROC curve",
    task="""
    A classifier gives scores, and where the threshold stands is for others to say. Does it put positives above
    negatives at all? Take a positive and a negative at random: the area under the ROC curve is the chance that the
    positive has the higher score, where equal scores count half. 1 is perfect, 1/2 is guessing.

    All pairs would be slow. Sort instead, give every score its rank from 1 on (equal scores share their mean rank), and
    add up the positives' ranks: how far is the sum above the smallest it could be? `as_ranked` gives which examples are
    positive, as True and False, and the scores.
    """,
    difficulty=2,
    minutes=30,
    prerequisites=("foundations.learning.metrics",),
    hints=(
        "A positive's rank counts everything below it and itself: the negatives that it beats, and the positives.",
        "So the sum of the positives' ranks is the pairs won plus 1 + 2 + ... + P, whatever the negatives do. Take that off, and divide by P * N.",
        "np.unique(scores, return_inverse=True, return_counts=True): "
        "equal scores end at counts.cumsum(), so their mean rank is counts.cumsum() - (counts - 1) / 2.",
    ),
    run="groundup --mine my learn lesson foundations.learning.metrics.ranking --run",
    checks=(
        perfect_is_1_and_upside_down_0,
        it_is_no_accuracy,
        only_the_order_counts,
        a_tie_counts_half,
        as_by_pairs,
        no_loop_over_pairs,
    ),
    mutants=(
        Mutant(
            "upside down",
            "Stands upside down",
            (("return float((ranks[positive]", "return 1 - float((ranks[positive]"),),
        ),
        Mutant(
            "over all pairs", "the wrong number of pairs", (("/ (positives * negatives)", "/ (len(ranks) ** 2 / 4)"),)
        ),
        Mutant(
            "the scores themselves",
            "Looks at the scores' size",
            source="""
            import numpy as np


            def roc_auc(truth, scores):
                positive = np.asarray(truth) == 1
                margins = scores[positive][:, None] - scores[~positive]
                return float(np.clip(0.5 + 20 * margins, 0, 1).mean())
            """,
        ),
        Mutant(
            "ties to the positive",
            "Gives ties to the positive",
            ((RANKS, "counts.cumsum()[place] * 1.0"),),
        ),
        Mutant(
            "ties to the negative", "Gives ties to the negative", ((RANKS, "(counts.cumsum() - (counts - 1))[place]"),)
        ),
        Mutant(
            "by the order they stand in",
            "order in which tied examples stand",
            ((RANKS, "numbers.argsort(kind='stable').argsort() + 1.0"),),
        ),
        Mutant(
            "accuracy",
            "has no threshold",
            source="""
            import numpy as np


            def roc_auc(truth, scores):
                return float(((scores > 0.5) == np.asarray(truth)).mean())
            """,
        ),
        Mutant(
            "all pairs",
            "far slower than the reference",
            source="""
            import numpy as np


            def roc_auc(truth, scores):
                positive = np.asarray(truth) == 1
                won = sum(float((one > scores[~positive]).sum() + (one == scores[~positive]).sum() / 2) for one in scores[positive])
                return won / float(positive.sum() * (~positive).sum())
            """,
        ),
    ),
)
