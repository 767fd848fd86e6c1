"""Exercise: the nearest of sixteen levels."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def numbers(*values):
    """Single precision, as weights are."""
    import numpy as np

    return np.array(values, np.float32)


def codes(*values):
    """Codes as bytes."""
    import numpy as np

    return np.array(values, np.uint8)


@check("shape")
def a_code_for_each(mine):
    """Gives another number of codes than numbers."""
    for count in (1, 5):
        shape(mine(numbers(*[0.3] * count)), (count,))


@check("dtype")
def bytes_of_codes(mine):
    """Does not give uint8: two codes are packed into a byte."""
    import numpy as np

    dtype(mine(numbers(0.5)), np.dtype(np.uint8))


@check("values")
def the_ends_and_zero(mine):
    """Does not give -1 the code 0, 0 the code 7 and 1 the code 15."""
    mistakes = {
        "Counts from 1: the lowest level has the code 0.": codes(1, 8, 16),
    }
    same(mine(numbers(-1, 0, 1)), codes(0, 7, 15), mistakes=mistakes)


@check("values")
def the_nearest(mine):
    """Does not give the nearest level's code: 0.05 lies between 0 and 0.0796, nearer to the second; -0.8 nearer to -0.696."""
    mistakes = {
        "Goes down to the next level: take the nearest, the one beyond whose middle the number lies.": codes(7, 0, 13),
        "Goes up to the next level: take the nearest.": codes(8, 1, 14),
        "Spaces the levels evenly: NF4's are those of NF4_LEVELS.": codes(7, 1, 11),
    }
    same(mine(numbers(0.05, -0.8, 0.6)), codes(8, 1, 13), mistakes=mistakes)


@check("values")
def a_middle_goes_down(mine):
    """Sends the middle between two levels up: as in bitsandbytes it goes to the lower one."""
    same(mine(numbers(0.03979014977812767)), codes(7))


@check("values")
def as_the_smallest_difference(mine):
    """Differs from the level with the smallest difference."""
    import numpy as np

    from groundup.machine.numbers.normal_float import NF4_LEVELS

    for count in (4, 30):
        scaled = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
        same(mine(scaled), np.abs(scaled[:, None] - NF4_LEVELS).argmin(1).astype(np.uint8))


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: compare all numbers at once, no loop in Python."""
    import numpy as np

    from groundup.machine.numbers.normal_float import nf4_codes

    fast(mine, nf4_codes, (np.linspace(-1, 1, 20_000, dtype=np.float32),))


SEARCH = 'np.searchsorted(middles, scaled, side="left")'

EXERCISE = Exercise(
    slot="machine.numbers.nf4_codes",
    title="NF4: the nearest of sixteen levels",
    task="""
    NF4 stores a weight, divided by the largest size of its block, as the code of one of sixteen levels, NF4_LEVELS: they run
    from -1 to 1 and lie where normally distributed weights are, dense around 0. The code is the level's place, 0 to 15.

    Give each number (a float32 array of one axis) the code of the nearest level, as uint8. A number exactly in the middle
    between two levels goes to the lower. The middles are reckoned in float64 and rounded to float32, as in bitsandbytes.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("machine.numbers.formats",),
    hints=(
        "There are fifteen middles between sixteen levels; the code is the number of middles that lie below the number.",
        "np.searchsorted(middles, scaled) finds that for all numbers at once; look at its `side`.",
        'middles = (NF4_LEVELS[1:] + NF4_LEVELS[:-1]) / 2 in float64; side="left" sends an equal number down.',
    ),
    run="groundup --mine my learn lesson machine.numbers.normal_float",
    checks=(
        a_code_for_each,
        bytes_of_codes,
        the_ends_and_zero,
        the_nearest,
        a_middle_goes_down,
        as_the_smallest_difference,
        all_at_once,
    ),
    mutants=(
        Mutant("packed already", "another number of codes", ((SEARCH, f"{SEARCH}[::2]"),)),
        Mutant("int64", "does not give uint8".capitalize(), ((f"{SEARCH}.astype(np.uint8)", SEARCH),)),
        Mutant("from 1", "Counts from 1", ((SEARCH, f"({SEARCH} + 1)"),)),
        Mutant("down", "Goes down to", ((SEARCH, '(np.searchsorted(NF4_LEVELS, scaled, side="right") - 1)'),)),
        Mutant("up", "Goes up to", ((SEARCH, 'np.searchsorted(NF4_LEVELS, scaled, side="left")'),)),
        Mutant(
            "evenly", "Spaces the levels evenly", ((SEARCH, "np.where(scaled > 0.99, 15, np.rint((scaled + 1) * 7))"),)
        ),
        Mutant("middles up", "middle between two levels up", (('side="left"', 'side="right"'),)),
        Mutant(
            "wrong at a level",
            "smallest difference",
            (("/ 2).astype(np.float32)", "/ 2).astype(np.float32)\n    middles[4] = middles[5]"),),
        ),
        Mutant(
            "a loop", "far slower", ((SEARCH, "np.array([sum(one > middle for middle in middles) for one in scaled])"),)
        ),
    ),
)
