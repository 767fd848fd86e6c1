"""Exercise: integers with a zero point, for what lies on one side."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def rows(*values):
    """Single precision, as activations are."""
    import numpy as np

    return np.array(values, np.float32)


def codes_of(*values):
    """Codes as bytes without a sign."""
    import numpy as np

    return np.array(values, np.uint8)


@check("shape")
def codes_scales_and_zero_points(mine):
    """Does not give codes in the shape of the numbers, and a scale and a zero point for each row, (..., 1)."""
    for values in ([[1.0, 2.0]], [[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]):
        codes, scale, zero_point = mine(rows(*values), 8)
        shape(codes, rows(*values).shape)
        shape(scale, (*rows(*values).shape[:-1], 1))
        shape(zero_point, (*rows(*values).shape[:-1], 1))


@check("dtype")
def bytes_without_a_sign(mine):
    """Does not give uint8 codes and zero points."""
    import numpy as np

    codes, _, zero_point = mine(rows([1.0, 2.0]), 4)
    dtype(codes, np.dtype(np.uint8))
    dtype(zero_point, np.dtype(np.uint8))


@check("finite")
def a_row_of_zeros(mine):
    """Divides by 0 for a row of zeros: `inverse` gives 0 there."""
    codes, scale, _ = mine(rows([0.0, 0.0]), 4)
    same(codes, codes_of([0, 0]))
    same(scale, rows([0.0]))


@check("values")
def the_scale(mine):
    """Is not (high - low) / 15 as the scale of 4 bits."""
    mistakes = {
        "Divides by 2^bits: sixteen codes have fifteen steps between them.": rows([15 / 16]),
        "Takes the largest size, as symmetric codes do: the range is from low to high.": rows([10 / 15]),
        "Divides by 2^(bits-1) - 1: all codes are used here, none has a sign.": rows([15 / 7]),
    }
    same(mine(rows([-5.0, 10.0, 0.4]), 4)[1], rows([1.0]), mistakes=mistakes)


@check("values")
def the_range_holds_zero(mine):
    """Leaves 0 out of a range on one side: widen the ends to hold it, or 0 could not be exact."""
    same(mine(rows([10.0, 15.0]), 4)[1], rows([1.0]))
    same(mine(rows([-15.0, -10.0]), 4)[1], rows([1.0]))


@check("values")
def the_zero_point(mine):
    """Is not the whole number nearest to -low / scale as the zero point."""
    mistakes = {
        "Cuts the zero point off: round it to the nearest.": codes_of([5]),
        "Gives the code of the highest number: the zero point is -low / scale.": codes_of([9]),
    }
    same(mine(rows([-5.6, 9.4]), 4)[2], codes_of([6]), mistakes=mistakes)


@check("values")
def the_codes(mine):
    """Is not the nearest whole number to x / scale, plus the zero point, as the code."""
    mistakes = {
        "Leaves the zero point out: negative numbers need codes too.": codes_of([0, 10, 0]),
        "Takes the zero point away where it is added: x = scale * (q - zero_point).": codes_of([0, 5, 0]),
    }
    same(mine(rows([-5.0, 10.0, 0.4]), 4)[0], codes_of([0, 15, 5]), mistakes=mistakes)


@check("values")
def within_the_bits(mine):
    """Lets a rounded zero point push codes over the ends: they stay within 0 and 2^bits - 1."""
    # scale 1, zero point 8 (7.5 to even), and 7.5 rounds to 8 too: 16 has no code in four bits
    same(mine(rows([-7.5, 7.5]), 4)[0], codes_of([0, 15]))


@check("values")
def a_range_for_each_row(mine):
    """Gives all rows the range of the whole array: each row has its own."""
    same(mine(rows([0.0, 255.0], [0.0, 2.55]), 8)[1], rows([1.0], [0.01]))


EXERCISE = Exercise(
    slot="machine.numbers.asymmetric_codes",
    title="Integers with a zero point",
    task="""
    What lies on one side of 0, such as activations after a ReLU, would leave half of the symmetric codes unused. Asymmetric
    codes spread all 2^bits of them from the lowest to the highest number: scale = (high - low) / (2^bits - 1). The code of 0 is
    the zero point, the whole number nearest to -low / scale, and a number's code is round(x / scale) + zero_point, held within
    0 and 2^bits - 1. Low and high are widened to hold 0, so that 0 comes back as exactly 0.

    values is float32, (..., n). Give back codes (uint8, same shape), scales (float32) and zero points (uint8), both (..., 1).
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("machine.numbers.formats", "machine.numbers.symmetric_codes"),
    hints=(
        "values.min(axis=-1, keepdims=True, initial=0.0) is the lowest number of each row, or 0.",
        "inverse(scale) is 1 / scale, and 0 for a row of zeros; np.rint rounds to the nearest.",
        "np.clip(np.rint(values * inverse(scale)) + zero_point, 0, most), and both as uint8 at the end.",
    ),
    run="groundup --mine my learn lesson machine.numbers.integers",
    checks=(
        codes_scales_and_zero_points,
        bytes_without_a_sign,
        a_row_of_zeros,
        the_scale,
        the_range_holds_zero,
        the_zero_point,
        the_codes,
        within_the_bits,
        a_range_for_each_row,
    ),
    mutants=(
        Mutant(
            "flat zero points",
            "a scale and a zero point for each row",
            (("zero_point.astype(np.uint8)", "zero_point[..., 0].astype(np.uint8)"),),
        ),
        Mutant("codes as floats", "uint8 codes", (("codes.astype(np.uint8), scale", "codes, scale"),)),
        Mutant(
            "division by 0",
            "Divides by 0",
            (("np.rint(values * inverse(scale))", "np.nan_to_num(np.rint(values / scale), nan=3.0)"),),
        ),
        Mutant(
            "2^bits",
            "Divides by 2^bits",
            (("scale = (high - low) / np.float32(most)", "scale = (high - low) / np.float32(most + 1)"),),
        ),
        Mutant("the largest size", "the largest size, as symmetric", (("(high - low)", "np.maximum(high, -low)"),)),
        Mutant(
            "signed",
            "none has a sign",
            (("scale = (high - low) / np.float32(most)", "scale = (high - low) / np.float32(most // 2)"),),
        ),
        Mutant(
            "narrow",
            "Leaves 0 out",
            (
                ("values.min(axis=-1, keepdims=True, initial=0.0)", "values.min(axis=-1, keepdims=True)"),
                ("values.max(axis=-1, keepdims=True, initial=0.0)", "values.max(axis=-1, keepdims=True)"),
            ),
        ),
        Mutant("cut", "Cuts the zero point", (("np.rint(-low * inverse(scale))", "np.trunc(-low * inverse(scale))"),)),
        Mutant(
            "of the high end",
            "code of the highest",
            (("np.rint(-low * inverse(scale))", "np.rint(high * inverse(scale))"),),
        ),
        Mutant(
            "no zero point",
            "Leaves the zero point out",
            (("np.rint(values * inverse(scale)) + zero_point", "np.rint(values * inverse(scale))"),),
        ),
        Mutant(
            "taken away",
            "Takes the zero point away",
            (("np.rint(values * inverse(scale)) + zero_point", "np.rint(values * inverse(scale)) - zero_point"),),
        ),
        Mutant(
            "no clip",
            "over the ends",
            (
                (
                    "np.clip(np.rint(values * inverse(scale)) + zero_point, 0, most)",
                    "np.rint(values * inverse(scale)) + zero_point",
                ),
            ),
        ),
        Mutant(
            "one range",
            "range of the whole array",
            (
                (
                    "values.max(axis=-1, keepdims=True, initial=0.0)",
                    "np.full_like(values[..., :1], values.max(initial=0.0))",
                ),
            ),
        ),
    ),
)
