"""Exercise: the forward algorithm, in logarithms."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def logs(*values):
    """Natural logarithms of numbers, as an array."""
    import numpy

    with numpy.errstate(divide="ignore"):
        return numpy.log(numpy.array(values, dtype=float))


def ice_cream():
    """Jurafsky and Martin's chain of hot and cold days, and what three, one and three ices say of each day."""
    start, transition = logs(0.8, 0.2), logs([0.6, 0.4], [0.5, 0.5])
    return start, transition, logs([0.4, 0.1], [0.2, 0.5], [0.4, 0.1])


def all_ways(start, transition, scores):
    """The sums by writing out every way."""
    import itertools

    import numpy

    length, states = scores.shape
    sums = numpy.zeros((length, states))
    for end in range(1, length + 1):
        for way in itertools.product(range(states), repeat=end):
            worth = start[way[0]] + sum(scores[t, s] for t, s in enumerate(way))
            worth += sum(transition[i, j] for i, j in zip(way, way[1:], strict=False))
            sums[end - 1, way[-1]] += numpy.exp(worth)
    with numpy.errstate(divide="ignore"):
        return numpy.log(sums)


@check("shape")
def a_row_for_each_place(mine):
    """Does not give a row for each place and a column for each state."""
    start, transition, scores = ice_cream()
    for length in (1, 3):
        shape(mine(start, transition, scores[:length]), (length, 2))


@check("finite")
def a_long_chain_stays_finite(mine):
    """Leaves the logarithms: over 2,000 places the probabilities themselves are 0 for a machine."""
    import numpy

    start, transition, scores = ice_cream()
    finite(mine(start, transition, numpy.tile(scores, (700, 1)))[-1])


@check("values")
def the_first_day(mine):
    """The first row is not start + scores[0]."""
    start, transition, scores = ice_cream()
    mistakes = {
        "The first row leaves out what the first place itself is worth, scores[0].": start[None],
        "The first row leaves out the start.": scores[:1],
    }
    same(mine(start, transition, scores[:1]), (start + scores[0])[None], mistakes=mistakes)


@check("values")
def the_second_day(mine):
    """The second row is not the textbook's 0.0404 and 0.069: sum over where one came from, then what the place is worth."""
    start, transition, scores = ice_cream()
    first = [0.32, 0.02]
    mistakes = {
        "Takes the best way where all ways are summed: that is Viterbi.": logs(
            first, [0.32 * 0.6 * 0.2, 0.32 * 0.4 * 0.5]
        ),
        "Goes through transition[j, i]: it is transition[i, j] from i to j, so the sum runs over its rows.": logs(
            first, [(0.32 * 0.6 + 0.02 * 0.4) * 0.2, (0.32 * 0.5 + 0.02 * 0.5) * 0.5]
        ),
        "Leaves out what the place itself is worth, scores[t].": logs(
            first, [0.32 * 0.6 + 0.02 * 0.5, 0.32 * 0.4 + 0.02 * 0.5]
        ),
        "Takes what the place before is worth, scores[t - 1], where it is scores[t].": logs(
            first, [(0.32 * 0.6 + 0.02 * 0.5) * 0.4, (0.32 * 0.4 + 0.02 * 0.5) * 0.1]
        ),
    }
    same(mine(start, transition, scores[:2]), logs(first, [0.0404, 0.069]), mistakes=mistakes)


@check("values")
def all_ways_are_summed(mine):
    """Differs from the sum over all ways written out."""
    import numpy

    random = numpy.random.default_rng(0)
    for states, length in ((1, 3), (3, 4), (4, 3)):
        case = random.normal(size=states), random.normal(size=(states, states)), random.normal(size=(length, states))
        same(mine(*case), all_ways(*case))


@check("values")
def what_cannot_be_has_minus_infinity(mine):
    """A step of probability 0 gives NaN or a number: -inf + -inf is -inf, but -inf - -inf is NaN."""
    start, transition, scores = logs(1.0, 0.0), logs([0.0, 1.0], [1.0, 0.0]), logs([0.5, 0.5], [0.5, 0.5], [0.5, 0.5])
    same(mine(start, transition, scores), logs([0.5, 0.0], [0.0, 0.25], [0.125, 0.0]))


STEP = "log_sum_exp(sums[t - 1][:, None] + transition, axis=0) + scores[t]"

EXERCISE = Exercise(
    slot="classical.hmm.forward",
    title="How likely is what was seen?",
    task="""
    In a hidden Markov model the states are not seen; what was seen can have come about on states ** length ways. All that
    matters of the past is the state one is in, so the sum over all ways grows place by place:

        sums[0, j] = start[j] + scores[0, j]
        sums[t, j] = log( sum over i of exp(sums[t-1, i] + transition[i, j]) ) + scores[t, j]

    Everything is a logarithm, because a product of thousands of probabilities is 0 for a machine. log_sum_exp(x, axis) is
    given.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.information.cross_entropy",),
    hints=(
        "Begin with np.empty_like(scores) and fill row 0; then a loop over t from 1.",
        "sums[t - 1][:, None] + transition is a matrix: row i, column j is the sum over all ways to i, one step on to j.",
        "log_sum_exp(that matrix, axis=0) sums over i; then add scores[t].",
    ),
    run="groundup --mine my learn lesson classical.hmm.hmm",
    checks=(
        a_row_for_each_place, a_long_chain_stays_finite, the_first_day, the_second_day, all_ways_are_summed,
        what_cannot_be_has_minus_infinity,
    ),
    mutants=(
        Mutant("viterbi", "that is Viterbi", edits=((STEP, "(sums[t - 1][:, None] + transition).max(0) + scores[t]"),)),
        Mutant("turned", "runs over its rows", edits=((STEP, STEP.replace("transition", "transition.T")),)),
        Mutant("without the place", "Leaves out what the place itself is worth", edits=((STEP, STEP[:-12]),)),
        Mutant("the place before", "scores[t - 1], where it is", edits=((STEP, STEP.replace("scores[t]", "scores[t - 1]")),)),
        Mutant("no start", "leaves out the start", edits=(("sums[0] = start + scores[0]", "sums[0] = scores[0]"),)),
        Mutant("no first place", "leaves out what the first place", edits=(("sums[0] = start + scores[0]", "sums[0] = start"),)),
        Mutant(
            "probabilities", "Leaves the logarithms",
            edits=((STEP, "np.log((np.exp(sums[t - 1])[:, None] * np.exp(transition)).sum(0)) + scores[t]"),),
        ),
        Mutant("the last row", "a row for each place", edits=(("return sums", "return sums[-1]"),)),
    ),
)  # fmt: skip
