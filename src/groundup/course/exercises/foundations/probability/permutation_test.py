"""Exercise: could the difference be luck?"""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def asked(mine, first, second, permutations=1000, seed=0):
    """The learner's p-value with a seeded generator."""
    import numpy

    return mine(numbers(*first), numbers(*second), permutations, numpy.random.default_rng(seed))


@check("invariant")
def it_is_never_zero(mine):
    """Gives 0, or less than 1 / (1 + permutations): what was seen is one of the shufflings, so both counts have a 1 added."""
    for permutations in (9, 99):
        p = asked(mine, [0.0] * 30, [1.0] * 30, permutations)
        same(
            p,
            1 / (1 + permutations),
            mistakes={"Adds the 1 only above: the count of permutations has one more as well.": 1 / permutations},
        )


@check("invariant")
def equal_groups_have_a_p_of_one(mine):
    """Is not 1 where both groups have the same mean: every difference is at least as large as 0."""
    for groups in (([1.0, 1.0], [1.0, 1.0]), ([1.0, 2.0], [2.0, 1.0])):
        same(asked(mine, *groups, 99), 1.0)


@check("values")
def ties_count(mine):
    """Leaves out ties: a difference as large as the one seen counts, >= and not >."""
    p = asked(mine, [0.0, 0.0], [1.0, 1.0])
    that(p > 0.1, expected="about 1/3: of 6 ways to choose 2 of 4, 2 are as far apart", got=p)


@check("values")
def labels_are_shuffled_not_drawn_anew(mine):
    """Draws with replacement: shuffling keeps every number exactly once (generator.permutation), only its label changes."""
    p = asked(mine, [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], 2000)
    that(p > 0.04, expected="about 1/10: of 20 ways to choose 3 of 6, 2 are as far apart", got=p)


@check("values")
def both_directions_count(mine):
    """Counts one direction only: a difference as large the other way round counts too, so compare absolute values."""
    for groups in (([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 0.0])):
        p = asked(mine, *groups)
        that(p > 0.25, expected="about 1/3: of 6 ways to choose 2 of 4, 2 are as far apart", got=p)


@check("values")
def the_means_are_compared(mine):
    """Compares something else than the means of the groups: their sums differ where the groups differ in size."""
    p = asked(mine, [9.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2000)
    that(p < 0.12, expected="about 1/28: no other 2 of the 8 numbers are as far from the rest", got=p)


@check("values")
def groups_keep_their_sizes(mine):
    """Does not keep the sizes of the groups: the first len(first) of the shuffled numbers are the first group."""
    p = asked(mine, [9.0], [1.0, 2.0, 3.0, 4.0], 2000)
    that(abs(p - 0.2) < 0.04, expected="about 1/5: of 5 numbers, one is as far from the others", got=p)


@check("values")
def rounding_is_no_difference(mine):
    """Loses ties to rounding: the mirrored split differs in the last bit; compare with the seen size times (1 - 1e-12)."""
    for groups in (([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), ([0.7, 0.8, 0.8], [1.7, 2.5, 1.6])):
        p = asked(mine, *groups, 2000)
        if abs(p - 0.1) > 0.03:
            raise Failed(expected="about 1/10: of 20 ways to choose 3 of 6, 2 are as far apart", got=f"{p:.4g}")


SHUFFLED = "shuffled = generator.permutation(everything)"
COMPARE = "abs(difference) >= seen * (1 - 1e-12)"

EXERCISE = Exercise(
    slot="foundations.probability.permutation_test",
    title="A permutation test",
    task="""
    Model A's ten scores are better than model B's, on average. Could that be luck? If the labels A and B mean nothing,
    every other way to hand them out was as likely. So hand them out anew, many times, and count how often the means
    differ as much.

    Put both groups into one array. For each of `permutations` rounds shuffle it with generator.permutation, take the
    first len(first) numbers as the first group and the rest as the second, and look whether their means differ at least
    as much as those of the true groups, in either direction.

    p = (1 + how many did) / (1 + permutations): the true labels are one of the ways, so p is never 0. Give back p as a
    float.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.probability.statistics",),
    hints=(
        "everything = np.concatenate([first, second]); seen = abs(first.mean() - second.mean()).",
        "Sums of the same numbers in another order differ in the last bit, so compare with seen * (1 - 1e-12), and let ties count: >=.",
        "extreme += abs(shuffled[: len(first)].mean() - shuffled[len(first) :].mean()) >= seen * "
        "(1 - 1e-12); at the end (1 + extreme) / (1 + permutations).",
    ),
    run="groundup --mine my learn lesson foundations.probability.statistics.hypothesis_tests",
    checks=(
        it_is_never_zero,
        equal_groups_have_a_p_of_one,
        ties_count,
        labels_are_shuffled_not_drawn_anew,
        both_directions_count,
        the_means_are_compared,
        groups_keep_their_sizes,
        rounding_is_no_difference,
    ),
    mutants=(
        Mutant(
            "without the 1",
            "Gives 0, or less",
            edits=(("float((1 + extreme) / (1 + permutations))", "float(extreme / permutations)"),),
        ),
        Mutant(
            "the 1 only above",
            "Adds the 1 only above",
            edits=(("float((1 + extreme) / (1 + permutations))", "float((1 + extreme) / permutations)"),),
        ),
        Mutant("ties lost", "Leaves out ties", edits=((COMPARE, "abs(difference) > seen or not seen"),)),
        Mutant(
            "one direction",
            "Counts one direction",
            edits=((COMPARE, "difference * np.sign(np.mean(first) - np.mean(second)) >= seen * (1 - 1e-12)"),),
        ),
        Mutant(
            "drawn anew",
            "Draws with replacement",
            edits=((SHUFFLED, "shuffled = generator.choice(everything, len(everything))"),),
        ),
        Mutant(
            "halves",
            "the sizes of the groups",
            edits=(
                (
                    "shuffled[: len(first)].mean() - shuffled[len(first) :].mean()",
                    "shuffled[: len(everything) // 2].mean() - shuffled[len(everything) // 2 :].mean()",
                ),
            ),
        ),
        Mutant(
            "sums",
            "something else than the means",
            edits=(
                ("abs(np.mean(first) - np.mean(second))", "abs(np.sum(first) - np.sum(second))"),
                (
                    "shuffled[: len(first)].mean() - shuffled[len(first) :].mean()",
                    "shuffled[: len(first)].sum() - shuffled[len(first) :].sum()",
                ),
            ),
        ),
        Mutant("to the last bit", "Loses ties to rounding", edits=((COMPARE, "abs(difference) >= seen"),)),
    ),
)
