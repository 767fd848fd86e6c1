"""Exercise: a row of numbers as small integers and one scale."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def rows(*values):
    """Single precision, as weights are."""
    import numpy as np

    return np.array(values, np.float32)


def codes_of(*values):
    """Codes as bytes with a sign."""
    import numpy as np

    return np.array(values, np.int8)


@check("shape")
def codes_and_scales(mine):
    """Does not give codes in the shape of the numbers and a scale for each row, (..., 1)."""
    for values in ([[1.0, 2.0]], [[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]):
        codes, scale = mine(rows(*values), 8)
        shape(codes, rows(*values).shape)
        shape(scale, (*rows(*values).shape[:-1], 1))


@check("dtype")
def bytes_and_single_precision(mine):
    """Does not give int8 codes and float32 scales."""
    import numpy as np

    codes, scale = mine(rows([1.0, 2.0]), 4)
    dtype(codes, np.dtype(np.int8))
    dtype(scale, np.dtype(np.float32))


@check("finite")
def a_row_of_zeros(mine):
    """Divides by 0 for a row of zeros: `inverse` gives 0 there."""
    codes, scale = mine(rows([0.0, 0.0]), 4)
    same(codes, codes_of([0, 0]))
    same(scale, rows([0.0]))


@check("values")
def four_bits_by_hand(mine):
    """Is not the largest size / 7 as the scale of 4 bits, and numbers / scale as codes."""
    mistakes = {
        "Uses the code -8 too (divides by 2^(bits-1)): then x and -x are treated unlike.": rows([14 / 8]),
        "Spreads the scale over 2^bits - 1 steps: half of them are for negative numbers.": rows([14 / 15]),
        "Takes the largest number instead of the largest size: -14 is larger in size than 7.": rows([7.2 / 7]),
    }
    codes, scale = mine(rows([-14.0, 7.2, 2.2]), 4)
    same(scale, rows([2.0]), mistakes=mistakes)
    same(
        codes,
        codes_of([-7, 4, 1]),
        mistakes={"Cuts off what follows the point: round to the nearest.": codes_of([-7, 3, 1])},
    )


@check("values")
def a_scale_for_each_row(mine):
    """Gives all rows the scale of the largest number: each row has its own."""
    same(mine(rows([127.0, 1.0], [1.27, 0.01]), 8)[1], rows([1.0], [0.01]))


@check("values")
def other_bits(mine):
    """Does not use the bits it is given."""
    same(mine(rows([3.0, -1.0]), 3)[0], codes_of([3, -1]))


@check("values")
def halves_to_even(mine):
    """Rounds halves in one direction: np.rint goes to the even neighbour, so that sums stay right."""
    same(mine(rows([7.0, 0.5, 1.5, 2.5, -0.5]), 4)[0], codes_of([7, 0, 2, 2, 0]))


ROUND = "np.rint(values * inverse(scale))"

EXERCISE = Exercise(
    slot="machine.numbers.symmetric_codes",
    title="Weights as integers",
    task="""
    A weight matrix in INT8 is a matrix of whole numbers q and a scale for each row: x is about scale * q. Symmetric means that
    0 is the code 0 and -x has the code -q; so of the 2^bits codes the most negative one stays unused, and the largest size in
    the row becomes 2^(bits-1) - 1: 127 for 8 bits, 7 for 4.

    values is float32, (..., n). Give back the codes as int8 in the same shape and the scales as float32, (..., 1).
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("machine.numbers.formats",),
    hints=(
        "np.abs(values).max(axis=-1, keepdims=True) is the largest size of each row, ready to be broadcast.",
        "inverse(scale) is 1 / scale, and 0 for a row of zeros. np.float32(...) keeps a division in single precision.",
        "np.rint rounds to the nearest; np.clip holds what rounding errors push over the end; .astype(np.int8).",
    ),
    run="groundup --mine my learn lesson machine.numbers.integers",
    checks=(
        codes_and_scales,
        bytes_and_single_precision,
        a_row_of_zeros,
        four_bits_by_hand,
        a_scale_for_each_row,
        other_bits,
        halves_to_even,
    ),
    mutants=(
        Mutant(
            "flat scales",
            "a scale for each row, (..., 1)",
            ((".astype(np.int8), scale", ".astype(np.int8), scale[..., 0]"),),
        ),
        Mutant("codes as floats", "int8 codes", ((".astype(np.int8), scale", ", scale"),)),
        Mutant("division by 0", "Divides by 0", ((ROUND, "np.nan_to_num(np.rint(values / scale), nan=1.0)"),)),
        Mutant("all codes", "the code -8 too", (("most = 2 ** (bits - 1) - 1", "most = 2 ** (bits - 1)"),)),
        Mutant("too many steps", "2^bits - 1 steps", (("most = 2 ** (bits - 1) - 1", "most = 2**bits - 1"),)),
        Mutant("the largest number", "largest number instead", (("np.abs(values).max(", "values.max("),)),
        Mutant("cut", "Cuts off", ((ROUND, "np.trunc(values * inverse(scale))"),)),
        Mutant(
            "one scale",
            "scale of the largest number",
            (
                (
                    "np.abs(values).max(axis=-1, keepdims=True, initial=0.0)",
                    "np.full_like(values[..., :1], np.abs(values).max(initial=0.0))",
                ),
            ),
        ),
        Mutant(
            "always 4 bits", "the bits it is given", (("most = 2 ** (bits - 1) - 1", "most = {8: 127}.get(bits, 7)"),)
        ),
        Mutant(
            "halves up", "halves in one direction", ((ROUND, "np.floor(values * inverse(scale) + np.float32(0.5))"),)
        ),
    ),
)
