"""Exercise: a bit pattern taken apart into sign, exponent, fraction and the number they mean."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def formats():
    """The formats by a short name."""
    from groundup.machine.numbers import formats as known

    return known


def value(mine, pattern, format):
    """The number alone."""
    return mine(pattern, format)[3]


@check("shape")
def four_parts(mine):
    """Does not give four parts: sign, exponent, fraction and value, as Parts(...)."""
    got = mine(0, formats().FP8_E4M3)
    that(isinstance(got, tuple) and len(got) == 4, expected="Parts(sign, exponent, fraction, value)", got=got)


@check("values")
def the_fields(mine):
    """Cuts the fields at the wrong places: from the left one bit of sign, then the exponent, then the fraction."""
    mistakes = {
        "Leaves the sign in the exponent: mask it with as many ones as the exponent has bits.": [1, 25, 4],
        "Shifts the exponent by its own width: what stands right of it is the fraction.": [1, 12, 4],
    }
    same(list(mine(0b1_1001_100, formats().FP8_E4M3)[:3]), [1, 9, 4], mistakes=mistakes)


@check("values")
def a_normal_number(mine):
    """Is not 2^(exponent - bias) * (1 + fraction / 2^F): 0 1001 100 in e4m3 is 2^(9-7) * 1.5 = 6."""
    mistakes = {
        "Forgets the leading 1, which is not stored: the fraction comes on top of it.": 2.0,
        "Forgets the bias: the exponent field counts from the bias, not from 0.": 768.0,
        "Divides the fraction by 2^F - 1: it has 2^F steps to the next power of two.": 4 * (1 + 4 / 7),
        "Takes the fraction for a whole number: it is a part, fraction / 2^F.": 20.0,
    }
    same(value(mine, 0b0_1001_100, formats().FP8_E4M3), 6.0, mistakes=mistakes)


@check("values")
def a_negative_number(mine):
    """Forgets the sign, the leftmost bit."""
    same(value(mine, 0b1_1001_100, formats().FP8_E4M3), -6.0)


@check("values")
def zero_and_the_subnormal_numbers(mine):
    """Treats the exponent field 0 like the others: there is no leading 1, and the power is that of the smallest normal number."""
    mistakes = {
        "Takes the power one lower at exponent field 0: subnormal numbers share the smallest normal number's, 1 - bias.": [
            0.0,
            3 * 2.0**-10,
        ],
    }
    got = [value(mine, pattern, formats().FP8_E4M3) for pattern in (0, 3)]
    same(got, [0.0, 3 * 2.0**-9], mistakes=mistakes)


@check("values")
def minus_zero(mine):
    """Loses the sign of zero: 1 0000 000 is -0.0."""
    got = value(mine, 0b1_0000_000, formats().FP8_E4M3)
    that(got == 0 and math.copysign(1, got) < 0, expected="-0.0", got=repr(got))


@check("values")
def infinity(mine):
    """Is not infinity where all bits of the exponent are 1 and the fraction is 0, in a format with infinities."""
    got = [value(mine, pattern, formats().FP8_E5M2) for pattern in (0b0_11111_00, 0b1_11111_00)]
    same(
        got,
        [math.inf, -math.inf],
        mistakes={"Gives NaN for infinity: the fraction 0 makes the difference.": [math.nan, math.nan]},
    )


@check("values")
def not_a_number(mine):
    """Is not NaN where all bits of the exponent are 1 and the fraction is not 0, in a format with infinities."""
    same(value(mine, 0b0_11111_01, formats().FP8_E5M2), math.nan)


@check("values")
def the_ends_of_e4m3(mine):
    """Wastes the largest exponent of a format without infinities: only the pattern of all ones is NaN; format.largest_pattern helps."""
    same([value(mine, pattern, formats().FP8_E4M3) for pattern in (0x78, 0x7E, 0x7F)], [256.0, 448.0, math.nan])


@check("values")
def as_numpy_reads_half_precision(mine):
    """Differs from the numbers that NumPy reads from FP16 patterns."""
    import numpy as np

    for pattern in (1, 0x03FF, 0x0400, 0x3C00, 0x3555, 0x7BFF, 0xC000):
        same(value(mine, pattern, formats().FP16), float(np.uint16(pattern).view(np.float16)))


NORMAL = "2.0 ** (exponent - format.bias) * (1 + part)"
SUBNORMAL = "2.0**format.smallest_exponent * part"

EXERCISE = Exercise(
    slot="machine.numbers.decode_bits",
    title="A float, taken apart",
    task="""
    A floating-point number is three fields side by side: one bit of sign, format.exponent_bits of exponent e, and F =
    format.fraction_bits of fraction f. For 0 < e the number is 2^(e - bias) * (1 + f / 2^F). Where e is 0 there is no leading
    1: 2^(1 - bias) * f / 2^F, so that numbers fade evenly to 0. What lies above format.largest_pattern (without the sign) is
    infinity or NaN: in a format with infinities the fraction 0 is infinity and the others NaN; without them all is NaN.

    Give back Parts(sign, exponent, fraction, value), the fields as they are stored.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("machine.numbers.formats",),
    hints=(
        "pattern >> n drops the n lowest bits; & (2**n - 1) keeps the n lowest.",
        "format.bias, format.smallest_exponent (1 - bias) and format.largest_pattern are there.",
        "Take the size first, from three cases; then -size if sign else size, which also makes -0.0.",
    ),
    run="groundup --mine my learn lesson machine.numbers.formats",
    checks=(
        four_parts,
        the_fields,
        a_normal_number,
        a_negative_number,
        zero_and_the_subnormal_numbers,
        minus_zero,
        infinity,
        not_a_number,
        the_ends_of_e4m3,
        as_numpy_reads_half_precision,
    ),
    mutants=(
        Mutant(
            "the value alone",
            "Returns float where Parts",
            (("return Parts(sign, exponent, fraction, -size if sign else size)", "return -size if sign else size"),),
        ),
        Mutant("no mask", "Leaves the sign in the exponent", ((" & (2**format.exponent_bits - 1)", ""),)),
        Mutant(
            "the wrong shift",
            "by its own width",
            (("(pattern >> format.fraction_bits) &", "(pattern >> format.exponent_bits) &"),),
        ),
        Mutant("no leading 1", "the leading 1, which", ((NORMAL, "2.0 ** (exponent - format.bias) * part"),)),
        Mutant("no bias", "Forgets the bias", ((NORMAL, "2.0**exponent * (1 + part)"),)),
        Mutant(
            "one step too few",
            "2^F - 1",
            (("part = fraction / 2**format.fraction_bits", "part = fraction / (2**format.fraction_bits - 1)"),),
        ),
        Mutant(
            "a whole number", "for a whole number", (("part = fraction / 2**format.fraction_bits", "part = fraction"),)
        ),
        Mutant("no sign", "Forgets the sign", (("-size if sign else size", "size"),)),
        Mutant(
            "no subnormals",
            "field 0 like the others",
            ((SUBNORMAL, "2.0 ** (exponent - format.bias) * (1 + part)  # all alike"),),
        ),
        Mutant("a power lower", "one lower at exponent", ((SUBNORMAL, "2.0**-format.bias * part"),)),
        Mutant("plus zero", "sign of zero", (("-size if sign else size", "-size if sign and size else size"),)),
        Mutant(
            "all NaN",
            "Gives NaN for infinity",
            (("math.inf if format.infinities and fraction == 0 else math.nan", "math.nan"),),
        ),
        Mutant(
            "all infinite",
            "fraction is not 0",
            (("math.inf if format.infinities and fraction == 0 else math.nan", "math.inf"),),
        ),
        Mutant(
            "a wasted exponent",
            "Wastes the largest",
            (
                (
                    "(pattern & (2 ** (format.bits - 1) - 1)) <= format.largest_pattern",
                    "exponent < 2**format.exponent_bits - 1",
                ),
            ),
        ),
    ),
)
