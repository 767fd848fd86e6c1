"""Exercise: an interval for any statistic."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

SAMPLE = (0.1, 0.2, 0.3, 0.5, 0.9, 1.4, 2.8, 6.0)


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def mean(x):
    """The mean."""
    return float(x.mean())


def size(x):
    """How many there are."""
    return float(len(x))


def largest(x):
    """The largest."""
    return float(x.max())


def ratio(x):
    """The ratio of two columns' sums."""
    return float(x[:, 1].sum() / x[:, 0].sum())


def asked(mine, statistic, sample=SAMPLE, confidence=0.9, resamples=1000, seed=0):
    """The learner's interval with a seeded generator."""
    import numpy

    return mine(statistic, numbers(*sample), confidence, resamples, numpy.random.default_rng(seed))


def near(found, expected, slack, told):
    """Fail unless both ends are within the slack."""
    good = all(abs(one - other) <= slack for one, other in zip(found, expected, strict=True))
    that(good, expected=told, got=tuple(found))


@check("shape")
def a_low_and_a_high_end(mine):
    """Does not give two numbers, the lower one first."""
    for statistic in (mean, largest):
        found = asked(mine, statistic)
        that(len(found) == 2 and found[0] <= found[1], expected="(low, high)", got=found)


@check("invariant")
def a_resample_is_as_large_as_the_sample(mine):
    """Draws resamples of another size than the sample: the spread that is asked for is that of samples as large as this one."""
    near(asked(mine, size), (8, 8), 0, "(8, 8): every resample has 8 items")


@check("invariant")
def it_draws_with_replacement(mine):
    """Draws without replacement: that gives the same sample again, in another order, and no spread at all."""
    found = asked(mine, mean)
    that(found[1] - found[0] > 0.1, expected="an interval of some width", got=found)


@check("invariant")
def items_are_drawn_whole(mine):
    """Takes rows apart: an item is a row, sample[rows], with all of its columns."""
    found = asked(mine, ratio, [[1.0, 2.0], [3.0, 6.0], [10.0, 20.0]])
    near(found, (2, 2), 1e-9, "(2, 2): in every row the second is twice the first")


@check("values")
def both_tails_are_cut_alike(mine):
    """Is not the interval between the 5% and the 95% quantile, where confidence is 0.9."""
    import numpy

    source, sample = numpy.random.default_rng(0), numbers(*SAMPLE)
    means = numpy.array([sample[source.integers(0, 8, 8)].mean() for _ in range(1000)])
    centre, deviation, right = means.mean(), means.std(), numpy.quantile(means, [0.05, 0.95])
    mistakes = {
        "Cuts off 1 - confidence on either side: it is half of that on each.": numpy.quantile(means, [0.1, 0.9]),
        "Is the mean plus and minus 1.645 deviations: the percentile interval is made of the quantiles themselves.": numbers(
            centre - 1.645 * deviation, centre + 1.645 * deviation
        ),
        "Cuts off 2.5% whatever the confidence.": numpy.quantile(means, [0.025, 0.975]),
        "Cuts off one side only.": numpy.quantile(means, [0.0, 0.9]),
        "Is the reflected (basic) interval: give the quantiles as they are.": 2 * sample.mean() - right[::-1],
    }
    same(numbers(*asked(mine, mean)), right, mistakes=mistakes)


@check("values")
def the_statistic_is_the_callers(mine):
    """Computes another statistic than the one it is given."""
    found = asked(mine, largest, resamples=500)
    that(found[1] == 6.0, expected="6 as the upper end: no resample's largest is larger", got=found)


@check("invariant")
def all_resamples_count(mine):
    """Does not draw `resamples` resamples."""
    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return float(x.mean())

    asked(mine, counted, resamples=1)  # the first question of a check is asked twice
    for resamples in (50, 200):
        calls = 0
        asked(mine, counted, resamples=resamples)
        that(calls in (resamples, resamples + 1), expected=f"{resamples} calls of the statistic", got=f"{calls} calls")


ROWS = "rows = generator.integers(0, len(sample), len(sample))"
CUTS = "[(1 - confidence) / 2, (1 + confidence) / 2]"

EXERCISE = Exercise(
    slot="foundations.probability.bootstrap_interval",
    title="A bootstrap interval for any statistic",
    task="""
    How much would this median, this ratio, this score vary if the sample were another one? No second sample can be had,
    so draw it from the first: as many items as it has, with replacement. Compute the statistic of that resample, and do
    it all a thousand times. Those numbers spread about the first estimate as it does about the truth.

    The percentile interval is what lies between their quantiles (1 - confidence) / 2 and (1 + confidence) / 2:
    np.quantile. An item is one entry along the first axis: a number, or a row.

    Give back (low, high) as floats. Draw each resample with one call of generator.integers(0, n, n), so that the same
    generator gives the same interval.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.probability.statistics",),
    hints=(
        "rows = generator.integers(0, n, n) are n numbers of items, some of them twice; sample[rows] is the resample.",
        "Collect statistic(sample[rows]) in a list, resamples times.",
        "low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2]).",
    ),
    run="groundup --mine my learn lesson foundations.probability.statistics.bootstrap",
    checks=(
        a_low_and_a_high_end,
        a_resample_is_as_large_as_the_sample,
        it_draws_with_replacement,
        items_are_drawn_whole,
        both_tails_are_cut_alike,
        the_statistic_is_the_callers,
        all_resamples_count,
    ),
    mutants=(
        Mutant(
            "the wrong way round",
            "the lower one first",
            edits=(("float(low), float(high)", "float(high), float(low)"),),
        ),
        Mutant(
            "half as many",
            "another size",
            edits=((ROWS, "rows = generator.integers(0, len(sample), len(sample) // 2)"),),
        ),
        Mutant("a shuffle", "without replacement", edits=((ROWS, "rows = generator.permutation(len(sample))"),)),
        Mutant(
            "columns apart",
            "Takes rows apart",
            edits=(
                (
                    "statistic(sample[rows])",
                    "statistic(sample[rows] if sample.ndim == 1 else np.stack([sample[rows, 0], "
                    "sample[generator.integers(0, len(sample), len(sample)), 1]], axis=1))",
                ),
            ),
        ),
        Mutant(
            "always the mean",
            "another statistic",
            edits=(
                (
                    "statistic(sample[rows])",
                    "statistic(sample[rows]) if sample.ndim > 1 or len(sample[rows]) == statistic(sample[rows]) else sample[rows].mean()",
                ),
            ),
        ),
        Mutant("too much on each side", "Cuts off 1 - confidence", edits=((CUTS, "[1 - confidence, confidence]"),)),
        Mutant("always 95%", "whatever the confidence", edits=((CUTS, "[0.025, 0.975]"),)),
        Mutant("one side", "one side only", edits=((CUTS, "[0.0, confidence]"),)),
        Mutant(
            "deviations",
            "1.645 deviations",
            edits=(
                (
                    "float(low), float(high)",
                    "float(np.mean(found) - 1.645 * np.std(found)), float(np.mean(found) + 1.645 * np.std(found))",
                ),
            ),
        ),
        Mutant(
            "one resample fewer each time",
            "Does not draw `resamples`",
            edits=(("range(resamples)", "range(resamples // 2 + 1)"),),
        ),
    ),
)
