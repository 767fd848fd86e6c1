"""Exercise: is "90% sure" right nine times in ten."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def error(mine, confidence, correct, bins=10):
    """The learner's answer for plain lists."""
    import numpy as np

    return mine(np.array(confidence, float), np.array(correct, float), bins)


def by_hand(confidence, correct, bins):
    """Bin by bin."""
    total = 0.0
    for one in range(bins):
        low, high = one / bins, (one + 1) / bins
        inside = [place for place, sure in enumerate(confidence) if low < sure <= high or (one == 0 and sure == 0)]
        if inside:
            sure = sum(confidence[place] for place in inside) / len(inside)
            right = sum(correct[place] for place in inside) / len(inside)
            total += len(inside) / len(confidence) * abs(right - sure)
    return total


@check("finite")
def an_empty_bin_adds_nothing(mine):
    """Divides by the size of an empty bin: a bin without examples adds nothing."""
    import numpy as np

    with np.errstate(all="ignore"):
        got = error(mine, [0.95], [1])
    that(np.isfinite(got), expected=0.05, got=got)


@check("invariant")
def what_is_calibrated_has_none(mine):
    """Finds an error where there is none: four examples, 75% sure, three of them right."""
    single = "Compares each example by itself with 0 or 1: only the part that is right in a whole bin can agree with a confidence."
    same(error(mine, [0.75] * 4, [1, 1, 1, 0], 2), 0.0, mistakes={single: 0.375})


@check("values")
def one_bin(mine):
    """Gets a single bin wrong: two examples, 80% sure, one right, are off by 0.3."""
    mistakes = {
        "Squares the difference: it is its absolute value that counts.": 0.09,
        "Adds up the bin's examples: the mean over all examples is wanted.": 0.6,
    }
    same(error(mine, [0.8, 0.8], [1, 0], 1), 0.3, mistakes=mistakes)
    same(
        error(mine, [0.4, 0.4], [1, 0], 1),
        0.1,
        "Counts only where it is too sure (or gives a negative number): too modest is an error as well.",
    )


@check("values")
def errors_of_bins_do_not_cancel(mine):
    """Lets bins cancel: one that is too sure and one that is too modest are both wrong, so the absolute value is taken in each."""
    same(error(mine, [0.25, 0.75], [1, 0], 2), 0.75)


@check("values")
def bins_count_by_their_examples(mine):
    """Takes all bins as equally important: each counts by the part of the examples in it."""
    same(error(mine, [0.9, 0.9, 0.9, 0.2], [1, 1, 1, 0], 2), (3 * 0.1 + 0.2) / 4)


@check("values")
def the_number_of_bins_is_the_callers(mine):
    """Uses a number of bins of its own."""
    same(error(mine, [0.3, 0.9], [1, 0], 1), 0.1)
    same(error(mine, [0.55, 0.95], [1, 0], 4), (0.45 + 0.95) / 2)


@check("values")
def an_edge_belongs_below(mine):
    """Puts a confidence on an edge into the wrong bin: the upper edge belongs to its bin, so 0.5 of two bins is in the first."""
    same(error(mine, [0.5, 0.9], [1, 0], 2), (0.5 + 0.9) / 2)
    same(error(mine, [0.5, 0.1], [1, 0], 2), 0.2)


@check("values")
def the_ends_have_a_bin(mine):
    """Loses a confidence of 0 or 1: 0 goes to the first bin, 1 to the last."""
    same(error(mine, [0.0], [1], 5), 1.0)
    same(error(mine, [1.0], [0], 5), 1.0)


@check("values")
def as_by_hand(mine):
    """Differs from going through the bins by hand."""
    import numpy as np

    source = np.random.default_rng(0)
    for bins in (3, 7, 10):
        sure, right = source.random(12).round(3).tolist(), source.integers(0, 2, 12).tolist()
        same(error(mine, sure, right, bins), by_hand(sure, right, bins))


GAPS = "np.bincount(bin_of(sure, bins), weights=sure - right, minlength=bins)"
RESULT = "float(np.abs(too_sure).sum() / len(sure))"
COUNTS = "np.bincount(bin_of(sure, bins), minlength=bins)"

EXERCISE = Exercise(
    slot="foundations.learning.expected_calibration_error",
    title="Is it as sure as it is right?",
    task="""
    A model says how sure it is of each answer. If it is honest, then of all answers that it is 90% sure of, nine in ten
    are right. One answer cannot show that, so gather those of similar confidence: cut (0, 1] into equal bins, and
    compare in each the part that is right with the mean confidence. The error is the mean of these differences, in
    absolute value, each bin counted by its examples. Language models are honest before they are tuned to please, and
    less so afterwards.

    A confidence on the edge between two bins belongs to the lower one; 0 goes to the first. `bin_of` is yours too, if
    you want to use it: the bin of each confidence. `as_judged` checks the input.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("foundations.learning.metrics",),
    hints=(
        "count / n * |right / count - sure / count| is |sum of right - sum of sure| / n: no division by an empty bin.",
        "The edges inside are np.linspace(0, 1, bins + 1)[1:-1]; np.searchsorted(edges, confidence, side='left') gives the bin, an edge going below.",
        "np.bincount(bin, weights=confidence - correct, minlength=bins) adds up each bin; then absolute values, their sum, over the number of examples.",
    ),
    run="groundup --mine my learn lesson foundations.learning.metrics.calibration --run",
    written=("bin_of",),
    checks=(
        an_empty_bin_adds_nothing,
        what_is_calibrated_has_none,
        one_bin,
        errors_of_bins_do_not_cancel,
        bins_count_by_their_examples,
        the_number_of_bins_is_the_callers,
        an_edge_belongs_below,
        the_ends_have_a_bin,
        as_by_hand,
    ),
    mutants=(
        Mutant(
            "divided by nothing",
            "Divides by the size of an empty bin",
            ((RESULT, f"float(np.abs(too_sure / {COUNTS}).mean())"),),
        ),
        Mutant("each by itself", "Compares each example by itself", ((RESULT, "float(np.abs(sure - right).mean())"),)),
        Mutant(
            "squared",
            "Squares the difference",
            ((RESULT, f"float((too_sure**2 / np.maximum({COUNTS}, 1)).sum() / len(sure))"),),
        ),
        Mutant("a sum", "Adds up the bin's examples", ((RESULT, "float(np.abs(too_sure).sum())"),)),
        Mutant(
            "only too sure", "too modest is an error", ((RESULT, "float(np.maximum(too_sure, 0).sum() / len(sure))"),)
        ),
        Mutant("cancelled", "Lets bins cancel", ((RESULT, "float(abs(too_sure.sum()) / len(sure))"),)),
        Mutant(
            "bins of equal weight",
            "all bins as equally important",
            ((RESULT, f"float((np.abs(too_sure) / np.maximum({COUNTS}, 1)).sum() / ({COUNTS} > 0).sum())"),),
        ),
        Mutant(
            "twice as many bins",
            "a number of bins of its own",
            (("np.linspace(0, 1, bins + 1)", "np.linspace(0, 1, 2 * bins + 1)"),),
        ),
        Mutant("an edge goes up", "on an edge", (('side="left"', 'side="right"'),)),
        Mutant(
            "0 is lost",
            "Loses a confidence of 0 or 1",
            ((GAPS, "np.bincount(bin_of(sure, bins), weights=(sure - right) * (sure > 0), minlength=bins)"),),
        ),
    ),
)
