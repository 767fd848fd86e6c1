"""Exercise: the sum of a block, as a tree."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def numbers(*values):
    """Single precision, as the block's shared memory holds them."""
    import numpy as np

    return np.array(values, np.float32)


@check("values")
def a_small_sum(mine):
    """Is not the sum."""
    mistakes = {
        "Leaves the second half out: its numbers are added to the first half's.": 1.0,
        "Makes one round only: go on until one number is left.": 4.0,
        "Adds the second half to itself.": 16.0,
    }
    same(float(mine(numbers(1.0, 2.0, 3.0, 4.0))), 10.0, mistakes=mistakes)


@check("values")
def one_alone(mine):
    """Is not the number itself where there is one alone: no round is to be made."""
    same(float(mine(numbers(5.0))), 5.0)


@check("values")
def first_half_and_second_half(mine):
    """Adds in another order: in each round the second half is added to the first, place by place."""
    mistakes = {
        "Adds neighbours (0 + 1, 2 + 3): a block adds place i and place i + half, so that the threads at work stand together.": 0.0,
        "Adds one number after another: that is not a tree, and takes as many rounds as numbers.": 2.0,
    }
    same(float(mine(numbers(1e8, 1.0, -1e8, 2.0))), 3.0, mistakes=mistakes)
    same(float(mine(numbers(1e8, 1.0, 2.0, 4.0, -1e8, 3.0, 5.0, 6.0))), 21.0)


@check("values")
def rounded_in_every_round(mine):
    """Adds in double precision and rounds at the end: shared memory holds the values' own dtype, and each round rounds to it."""
    same(float(mine(numbers(2.0**24, -(2.0**24), 1.0, 0.0))), 0.0)


EXERCISE = Exercise(
    slot="machine.kernels.tree_sum",
    title="A block's sum, as a tree",
    task="""
    The threads of a block hold one number each, 2^k of them, and want the sum. In one round the first half of the threads add the second half's
    numbers to their own: place i takes place i + half. Then half of them are left and do the same, and after k rounds one number is left. Between two
    rounds all wait at a barrier.

    Do it in NumPy, in this very order and in the dtype of the values, so that the rounding is the block's own; `values` stays as it is.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("machine.kernels.cuda",),
    hints=(
        "A loop that goes on while more than one number is left.",
        "partial[:half] are the threads that work, partial[half:] what they add.",
        "partial = partial[:half] + partial[half:] makes a new array, so the caller's stays; at the end partial[0].",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.blocks",
    banned=("numpy.sum", "math.fsum"),
    checks=(a_small_sum, one_alone, first_half_and_second_half, rounded_in_every_round),
    mutants=(
        Mutant("one half", "Leaves the second half out", (("partial[:half] + partial[half:]", "partial[:half]"),)),
        Mutant("one round", "Makes one round only", (("while len(partial) > 1:", "if len(partial) > 1:"),)),
        Mutant("to itself", "to itself", (("partial[:half] + partial[half:]", "partial[half:] + partial[half:]"),)),
        Mutant("neighbours", "Adds neighbours", (("partial[:half] + partial[half:]", "partial[::2] + partial[1::2]"),)),
        Mutant(
            "one after another",
            "not a tree",
            source="""
            def tree_sum(values):
                total = values[0]
                for value in values[1:]:
                    total = total + value
                return total
            """,
        ),
        Mutant(
            "double precision",
            "rounds at the end",
            (("values.copy()", "values.astype(float)"), ("return partial[0]", "return values.dtype.type(partial[0])")),
        ),
        Mutant(
            "in place",
            "Changes its argument values",
            (
                ("values.copy()", "values"),
                (
                    "partial = partial[:half] + partial[half:]",
                    "partial[:half] += partial[half:]; partial = partial[:half]",
                ),
            ),
        ),
    ),
)
