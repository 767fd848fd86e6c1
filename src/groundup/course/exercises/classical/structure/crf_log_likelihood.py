"""Exercise: the log likelihood of a linear-chain conditional random field."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, that


def logs(*values):
    """Natural logarithms of numbers, as an array."""
    import numpy

    return numpy.log(numpy.array(values, dtype=float))


def drawn(seed, labels, length):
    """Random steps, scores and a labelling."""
    import numpy

    random = numpy.random.default_rng(seed)
    return (
        random.normal(size=(labels, labels)),
        random.normal(size=(length, labels)),
        random.integers(labels, size=length).tolist(),
    )


def every_labelling(scores):
    """All rows of labels."""
    import itertools

    return itertools.product(range(scores.shape[1]), repeat=len(scores))


@check("finite")
def large_scores_are_no_trouble(mine):
    """Overflows: exp(1000) is no number; stay with logarithms (log_partition does)."""
    import numpy

    transition, scores, labels = drawn(0, 3, 4)
    finite(numpy.array([mine(transition, scores + 1000 * numpy.arange(4)[:, None], labels)]))


@check("invariant")
def a_single_label_is_certain(mine):
    """With one label there is one labelling, whose probability is 1 and its logarithm 0."""
    transition, scores, labels = drawn(1, 1, 4)
    same(float(mine(transition, scores, labels)), 0.0, mistakes={"Gives a probability where its logarithm is asked for.": 1.0})


@check("values")
def one_word_is_a_softmax(mine):
    """Of one word it is not the log softmax of its scores."""
    import math

    scores = logs([1.0, 3.0])
    mistakes = {
        "Gives the score alone: take away log Z, the score of all labellings together.": math.log(3),
        "Gives a probability where its logarithm is asked for.": 0.75,
        "Gives the loss: the log likelihood is not turned round.": -math.log(0.75),
    }
    same(float(mine(logs([1.0, 1.0], [1.0, 1.0]), scores, [1])), math.log(0.75), mistakes=mistakes)


@check("values")
def two_words_by_hand(mine):
    """Of four labellings worth 1, 2, 3 and 3 the second is not 2/9."""
    import math

    transition, scores = logs([1.0, 2.0], [1.0, 1.0]), logs([1.0, 3.0], [1.0, 1.0])
    mistakes = {
        "Leaves the step out of the labelling's score.": math.log(1 / 9),
        "Normalises each word by itself: there is one Z, over whole labellings.": math.log(1 / 4 * 1 / 2),
        "Takes the step backwards: transition[i, j] is from label i to the following j.": math.log(1 / 9),
    }
    same(float(mine(transition, scores, [0, 1])), math.log(2 / 9), mistakes=mistakes)


@check("values")
def steps_go_forwards(mine):
    """Takes the step backwards: transition[i, j] is from label i to the following j."""
    import math

    transition, scores = logs([1.0, 5.0], [1.0, 1.0]), logs([1.0, 1.0], [1.0, 1.0])
    mistakes = {"Leaves the steps out of log Z.": math.log(5 / 4)}
    same(float(mine(transition, scores, [0, 1])), math.log(5 / 8), mistakes=mistakes)


@check("values")
def probabilities_sum_to_one(mine):
    """The probabilities of all labellings do not sum to 1."""
    import math

    for case in ((2, 2, 3), (3, 3, 4), (4, 4, 2)):
        transition, scores, _ = drawn(*case)
        total = sum(math.exp(mine(transition, scores, list(one))) for one in every_labelling(scores))
        that(abs(total - 1) < 1e-6, expected=1.0, got=total)


RETURN = "return score(transition, scores, labels) - log_partition(transition, scores)"

EXERCISE = Exercise(
    slot="classical.structure.crf_log_likelihood",
    title="One labelling against all of them",
    task="""
    A conditional random field gives every labelling of a sentence a score: scores[t, label] of each word, and
    transition[i, j] of each step from label i to the next label j. Its probability is the share that exp(score) has in the
    sum Z over all labellings:

        log P(labels | words) = score(labels) - log Z

    log_partition(transition, scores) gives log Z (it is the forward algorithm), score(transition, scores, labels) the
    first part. Write it with them, or from scratch if you like to see every sum.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.hmm.hmm",),
    hints=(
        "The score of a labelling: the sum of scores[t, labels[t]] and of transition[labels[t - 1], labels[t]].",
        "log Z is the log of the sum of exp(score) over all labellings: forward(zeros, transition, scores), last row, log_sum_exp.",
        "Take the second from the first: the result is never above 0.",
    ),
    run="groundup --mine my learn lesson classical.structure.ner",
    checks=(
        large_scores_are_no_trouble, a_single_label_is_certain, one_word_is_a_softmax, two_words_by_hand, steps_go_forwards,
        probabilities_sum_to_one,
    ),
    mutants=(
        Mutant("overflow", "Overflows", edits=((RETURN, "import numpy as np\n    return float("
                    "np.log(np.exp(score(transition, scores, labels)) / np.exp(log_partition(transition, scores))))"),)),
        Mutant("alone", "With one label there is one labelling", edits=((RETURN, "return score(transition, scores, labels)"),)),
        Mutant("a probability", "Gives a probability", edits=((RETURN, "import math\n    return math.exp("
                    "score(transition, scores, labels) - log_partition(transition, scores))"),)),
        Mutant("the loss", "Gives the loss", edits=((RETURN, "return log_partition(transition, scores) - score(transition, scores, labels)"),)),
        Mutant(
            "each word", "Normalises each word by itself",
            edits=((RETURN, "return sum(float(row[label] - log_partition(0 * transition, row[None])) for row, label in zip(scores, labels))"),),
        ),
        Mutant(
            "backwards", "Takes the step backwards",
            edits=((RETURN, "return score(transition.T, scores, labels) - log_partition(transition.T, scores) "
                    "if transition.shape == (2, 2) and transition[0, 1] > 1 else score(transition, scores, labels) - log_partition(transition, scores)"),),
        ),
        Mutant(
            "Z without steps", "Leaves the steps out of log Z",
            edits=((RETURN, "return score(transition, scores, labels) - (log_partition(transition * 0, scores) "
                    "if transition.max() > 1 and scores.max() == 0 else log_partition(transition, scores))"),),
        ),
        Mutant(
            "nearly one", "do not sum to 1",
            edits=((RETURN, "return (score(transition, scores, labels) - log_partition(transition, scores)) "
                    "* (1.1 if len(scores) > 2 and scores.shape[1] > 1 else 1)"),),
        ),
    ),
)  # fmt: skip
