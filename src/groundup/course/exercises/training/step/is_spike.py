"""Exercise: is this loss a spike?"""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, shown

CALM = [2.0, 1.9, 2.1, 2.0, 1.8, 2.2, 2.0]  # median 2, median distance 0.1: with factor 6 the limit is 2.88956


def says(mine, value, before, factor, expected, mistakes=None):
    """The answer for one value; mistakes: sentence -> the limit which that mistake would draw."""
    got = mine(value, before, factor)
    if bool(got) != expected:
        sentence = next((one for one, limit in (mistakes or {}).items() if (value > limit) == bool(got)), "")
        raise Failed(sentence, expected=shown(expected), got=shown(got))


@check("shape")
def a_single_value_before(mine):
    """Cannot judge with one value before it: the median of one value is that value."""
    says(mine, 2.0, [2.0], 6.0, False)


@check("finite")
def no_number_is_a_spike(mine):
    """Lets a NaN or an infinity pass: no comparison with NaN is true, so ask math.isfinite first."""
    for value in (float("nan"), float("inf")):
        says(mine, value, CALM, 6.0, True)


@check("invariant")
def a_low_value_is_none(mine):
    """Calls a low value a spike: only what lies above the median is one."""
    for value in (2.0, 1.0, -50.0):
        says(mine, value, CALM, 6.0, False)


@check("invariant")
def the_window_stays(mine):
    """Changes the values before: a copy may be sorted, sorted(before), but before itself stays as it is."""
    before = list(CALM)
    mine(2.0, before, 6.0)
    if before != CALM:
        raise Failed(expected=shown(CALM), got=shown(before))


@check("values")
def the_limit_is_factor_deviations_above_the_median(mine):
    """The limit is not median + factor * deviation."""
    mistakes = {"Leaves out NORMAL: a deviation is 1.4826 median distances.": 2.6}
    says(mine, 2.85, CALM, 6.0, False, mistakes)
    says(mine, 2.93, CALM, 6.0, True, {"Multiplies by NORMAL twice.": 2.0 + 6 * 0.1 * 1.4826**2})
    mistakes = {"Does not use the factor it is given: how many deviations are far is its word.": 2.88956}
    says(mine, 2.5, CALM, 3.0, True, mistakes)


@check("values")
def wild_values_do_not_widen_it(mine):
    """Takes the standard deviation, which two wild values widen: the median of the distances stays."""
    before = [2.0, 1.9, 2.1, 2.0, 1.8, 2.2, 2.0, 12.0, -8.0]
    says(mine, 4.0, before, 6.0, True)
    says(mine, 2.5, before, 6.0, False)


@check("values")
def wild_values_do_not_move_it(mine):
    """Takes the mean as the middle, which two wild values move: take the median."""
    before = [2.0, 1.9, 2.1, 2.0, 1.8, 2.2, 2.0, 1.9, 2.1, 90.0, 90.0]
    says(mine, 9.0, before, 6.0, True)
    says(mine, 2.5, before, 6.0, False)


@check("values")
def the_middle_of_an_unsorted_window(mine):
    """Takes the value in the middle of the list: the median is the middle of the sorted values."""
    says(mine, 5.0, [2.0, 2.1, 1.9, 9.0, 2.0, 1.8, 2.2], 6.0, True)


@check("values")
def nearly_alike_values_leave_room(mine):
    """Calls a difference of a few percent a spike where the values before were alike: a deviation is at least LEAST of the median's size."""
    says(mine, 2.2, [2.0] * 9, 6.0, False)
    says(
        mine,
        2.3,
        [2.0] * 9,
        6.0,
        True,
        {"The least deviation is LEAST times the median's size, before the factor.": 2.0 + 6 * 0.06},
    )


@check("values")
def a_median_below_0(mine):
    """Forgets that a median may be below 0: the least deviation is LEAST times its size, abs(middle)."""
    says(mine, -1.95, [-2.0] * 9, 6.0, False)


@check("speed")
def fast_enough(mine):
    """Is far slower than the reference: sort once, do not compare every value with every other."""
    from groundup.training.step.spikes import is_spike

    fast(mine, is_spike, (2.0, CALM * 9, 6.0))


DEVIATION = "NORMAL * statistics.median(abs(one - middle) for one in before)"

EXERCISE = Exercise(
    slot="training.step.is_spike",
    title="Spikes: a loss that does not belong",
    task="""
    A training step whose loss stands far above those before it is better not taken. Far is counted in deviations, and both the
    middle and the deviation must not move when the values before hold a spike or two themselves. So they are medians:

    middle = median of `before`      deviation = NORMAL * median of |one - middle|, and at least LEAST * |middle|

    Give True where `value` is more than `factor` deviations above the middle, or is no finite number; else False. NORMAL (1.4826) and
    LEAST (0.02) stand in `groundup.training.step.spikes`; `statistics.median` is there to be used.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("training.step.clipping",),
    hints=(
        "NaN > 3 is False, and so is NaN < 3. What asks whether a number is one?",
        "statistics.median takes a generator too: statistics.median(abs(one - middle) for one in before).",
        "After the NaN: return value > middle + factor * max(deviation, LEAST * abs(middle))",
    ),
    run="groundup --mine my run demo-fast --set train.on_spike=skip",
    checks=(
        a_single_value_before,
        no_number_is_a_spike,
        a_low_value_is_none,
        the_window_stays,
        wild_values_do_not_widen_it,
        the_limit_is_factor_deviations_above_the_median,
        wild_values_do_not_move_it,
        the_middle_of_an_unsorted_window,
        nearly_alike_values_leave_room,
        a_median_below_0,
        fast_enough,
    ),
    mutants=(
        Mutant("one value too few", "StatisticsError", edits=((DEVIATION, "statistics.stdev(before)"),)),
        Mutant("NaN passes", "Lets a NaN", edits=(("not math.isfinite(value)", "value == math.inf"),)),
        Mutant("both sides", "Calls a low value", edits=(("value > middle + ", "abs(value - middle) > "),)),
        Mutant(
            "sorted in place",
            "Changes",
            edits=(("middle = statistics.median(before)", "before.sort(); middle = statistics.median(before)"),),
        ),
        Mutant("no constant", "Leaves out NORMAL", edits=(("NORMAL * statistics", "statistics"),)),
        Mutant("twice the constant", "NORMAL twice", edits=(("NORMAL * statistics", "NORMAL * NORMAL * statistics"),)),
        Mutant("six always", "Does not use the factor", edits=(("factor * max", "6.0 * max"),)),
        Mutant("mean", "Takes the mean as the middle", edits=(("middle = statistics.median(before)", "middle = statistics.fmean(before)"),)),
        Mutant("standard deviation", "Takes the standard deviation", edits=((DEVIATION, "statistics.pstdev(before)"),)),
        Mutant(
            "middle of the list",
            "the middle of the sorted values",
            edits=(("middle = statistics.median(before)", "middle = before[len(before) // 2]"),),
        ),
        Mutant("no least", "where the values before were alike", edits=(("max(deviation, LEAST * abs(middle))", "deviation"),)),
        Mutant("the median's sign", "below 0", edits=(("LEAST * abs(middle)", "LEAST * middle"),)),
    ),
)  # fmt: skip
