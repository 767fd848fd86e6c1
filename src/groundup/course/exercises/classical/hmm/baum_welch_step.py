"""Exercise: one step of Baum and Welch."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def model(start, transition, emission):
    """A hidden Markov model of these probabilities."""
    import numpy

    from groundup.classical.hmm.hmm import HMM

    return HMM(*(numpy.array(one, dtype=float) for one in (start, transition, emission)))


def drawn(seed, states=2, symbols=3):
    """A random model and some sequences."""
    import numpy

    random = numpy.random.default_rng(seed)
    rows = [random.dirichlet(numpy.ones(n), size) for n, size in ((states, ()), (states, states), (symbols, states))]
    return model(*rows), [random.integers(symbols, size=length).tolist() for length in (1, 4, 3)]


def by_all_ways(given, sequences):
    """Counts by writing out every way: of beginnings, steps and symbols, and the log likelihood."""
    import itertools

    import numpy

    counts, total = [numpy.zeros_like(one) for one in given], 0.0
    for symbols in sequences:
        ways = {}
        for way in itertools.product(range(len(given.start)), repeat=len(symbols)):
            p = given.start[way[0]] * numpy.prod([given.emission[s, o] for s, o in zip(way, symbols, strict=True)])
            ways[way] = p * numpy.prod([given.transition[i, j] for i, j in zip(way, way[1:], strict=False)])
        whole = sum(ways.values())
        total += float(numpy.log(whole))
        for way, p in ways.items():
            counts[0][way[0]] += p / whole
            for i, j in zip(way, way[1:], strict=False):
                counts[1][i, j] += p / whole
            for state, symbol in zip(way, symbols, strict=True):
                counts[2][state, symbol] += p / whole
    return counts, total


@check("shape")
def a_model_and_a_number(mine):
    """Does not give a pair of a model and its log likelihood."""
    given, sequences = drawn(0)
    found = mine(given, sequences)
    that(isinstance(found, tuple) and len(found) == 2, expected="(HMM, float)", got=type(found).__name__)
    that(
        type(found[0]) is type(given),
        "The first of the two is no HMM(start, transition, emission).",
        got=type(found[0]).__name__,
    )
    for one, old in zip(found[0], given, strict=True):
        shape(one, old.shape)


@check("invariant")
def rows_sum_to_one(mine):
    """A row of the new model does not sum to 1: counts become shares when each row is divided by its own sum."""
    given, sequences = drawn(1)
    for one in mine(given, sequences)[0]:
        whole = "Divides a table by the sum of all its counts: each row is a distribution of its own."
        that(one.ndim == 1 or abs(one.sum() - 1) > 1e-9, whole, expected="rows of sum 1", got=one)
        same(one.sum(-1), one.sum(-1) * 0 + 1)


@check("values")
def states_that_are_seen_are_counted(mine):
    """Where each state shows a symbol of its own, the new model is not what one would count."""
    given = model([0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]])
    found, _ = mine(given, [[0, 0, 1], [0, 1, 1]])
    mistakes = {"The start is the share of all places; only each sequence's first place counts.": [0.5, 0.5]}
    import numpy

    same(found.start, numpy.array([1.0, 0.0]), mistakes={text: numpy.array(one) for text, one in mistakes.items()})
    same(
        found.transition,
        numpy.array([[1 / 3, 2 / 3], [0.0, 1.0]]),
        mistakes={
            "The steps are counted from the later state to the earlier: [i, j] is from i to j.": numpy.array(
                [[1.0, 0.0], [2 / 3, 1 / 3]]
            )
        },
    )


@check("values")
def the_likelihood_is_of_the_model_given(mine):
    """The log likelihood is not that of the model that was given, summed over the sequences."""
    given, sequences = drawn(2)
    _, total = by_all_ways(given, sequences)
    better, found = mine(given, sequences)
    mistakes = {
        "Gives the log likelihood of the new model: it is that of the one given that is known.": by_all_ways(
            better, sequences
        )[1],
        "Gives the mean over sequences where the sum is asked for.": total / len(sequences),
    }
    same(float(found), total, mistakes=mistakes)


@check("values")
def expected_counts_become_shares(mine):
    """Differs from the counts over all ways written out, each row over its sum."""
    for seed in (3, 4):
        given, sequences = drawn(seed, states=3, symbols=2)
        counts, _ = by_all_ways(given, sequences)
        for one, count in zip(mine(given, sequences)[0], counts, strict=True):
            same(one, count / count.sum(-1, keepdims=True))


@check("values")
def a_state_that_never_happens_keeps_its_row(mine):
    """A state that cannot be reached gets NaN or zeros (0 / 0): it keeps the row it had."""
    given = model([1.0, 0.0], [[1.0, 0.0], [0.3, 0.7]], [[0.5, 0.5], [0.2, 0.8]])
    found, _ = mine(given, [[0, 1, 1]])
    same(found.transition[1], given.transition[1])
    same(found.emission[1], given.emission[1])


SHARES = "HMM(*(shares(found, old) for found, old in zip(counts[:3], model, strict=True)))"
FOUND = "found, old in zip(counts[:3], model, strict=True)))"

EXERCISE = Exercise(
    slot="classical.hmm.baum_welch_step",
    title="A better model from what the old one believes",
    task="""
    Nobody has seen the states, only symbols. Baum and Welch count all the same: how often a beginning, a step and a symbol
    of a state happened, in the opinion of the model that there is. The shares of these counts are a new model, and it never
    explains the sequences worse.

    Given are expected_counts_reference(model, sequences), which counts (start, transition, emission, log_likelihood), and
    shares(counts, otherwise), which divides each row by its sum and keeps the row of `otherwise` where there is nothing.
    Give the new HMM, and the log likelihood of the model that was given.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.hmm.hmm",),
    hints=(
        "counts = expected_counts_reference(model, sequences) has start, transition, emission, log_likelihood.",
        "Each array of the new model is shares(count, the model's own array).",
        "HMM(start, transition, emission) makes a model; return it with counts.log_likelihood.",
    ),
    run="groundup --mine my learn lesson classical.hmm.hmm",
    checks=(
        a_model_and_a_number, rows_sum_to_one, states_that_are_seen_are_counted, the_likelihood_is_of_the_model_given,
        expected_counts_become_shares, a_state_that_never_happens_keeps_its_row,
    ),
    mutants=(
        Mutant("counts", "A row of the new model does not sum to 1", edits=((SHARES, "HMM(*counts[:3])"),)),
        Mutant("by the whole", "Divides a table by the sum", edits=((SHARES, "HMM(*(found / found.sum() for " + FOUND),)),
        Mutant("0 / 0", "A state that cannot be reached", edits=((SHARES, "HMM(*(found / (found.sum(-1, keepdims=True) + 1e-300) for " + FOUND),)),
        Mutant(
            "the new one's likelihood", "the log likelihood of the new model",
            edits=(("return better, counts.log_likelihood", "return better, expected_counts_reference(better, sequences).log_likelihood"),),
        ),
        Mutant("mean", "the mean over sequences", edits=(("return better, counts.log_likelihood", "return better, counts.log_likelihood / len(sequences)"),)),
        Mutant(
            "all places", "the share of all places",
            edits=(("return better, counts", "better = better._replace(start=counts.emission.sum(1) / counts.emission.sum())\n    return better, counts"),),
        ),
        Mutant(
            "backwards", "from the later state to the earlier",
            edits=(("return better, counts", "better = better._replace(transition=shares(counts.transition.T, model.transition))\n    return better, counts"),),
        ),
        Mutant("model alone", "pair of a model", edits=(("return better, counts.log_likelihood", "return better"),)),
    ),
)  # fmt: skip
