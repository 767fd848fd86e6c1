"""Exercise: the pattern of the nearest number."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def e4m3(mine, value):
    """The pattern in FP8 e4m3."""
    from groundup.machine.numbers.formats import FP8_E4M3

    return mine(value, FP8_E4M3)


def e5m2(mine, value):
    """The pattern in FP8 e5m2."""
    from groundup.machine.numbers.formats import FP8_E5M2

    return mine(value, FP8_E5M2)


@check("shape")
def a_whole_number(mine):
    """Does not give a whole number: a pattern is an int."""
    got = e4m3(mine, 1.5)
    that(isinstance(got, int), expected="an int", got=got)


@check("values")
def what_the_format_holds(mine):
    """Misses numbers that the format holds exactly: 6 = 2^2 * 1.5 is 0 1001 100 in e4m3."""
    mistakes = {
        "Gives the exponent one too many: math.frexp's fraction lies between 1/2 and 1.": 0b0_1001_110,
        "Adds the leading 1 to the exponent field twice: the steps have it already.": 0b0_1010_100,
    }
    same(e4m3(mine, 6.0), 0b0_1001_100, mistakes=mistakes)


@check("values")
def the_sign(mine):
    """Forgets the sign, the leftmost bit."""
    same([e4m3(mine, -6.0), e4m3(mine, -448.0)], [0b1_1001_100, 0b1_1111_110])


@check("values")
def zero_of_both_signs(mine):
    """Does not keep 0 and -0 apart: 0 0000 000 and 1 0000 000."""
    same([e4m3(mine, 0.0), e4m3(mine, -0.0)], [0, 0b1_0000_000])


@check("values")
def to_the_nearest(mine):
    """Does not go to the nearest number: e4m3 has 4, 4.5 and 5, so that 4.3 becomes 4.5 and 4.7 too."""
    mistakes = {
        "Cuts off what does not fit: round to the nearest.": [0b0_1001_000, 0b0_1001_001],
        "Always goes up: round to the nearest.": [0b0_1001_001, 0b0_1001_010],
    }
    same([e4m3(mine, 4.3), e4m3(mine, 4.7)], [0b0_1001_001, 0b0_1001_001], mistakes=mistakes)


@check("values")
def ties_to_even(mine):
    """Does not go to the even pattern on a tie: 4.25 lies between 4 and 4.5, and 4.75 between 4.5 and 5."""
    mistakes = {
        "Goes up on a tie, and so makes sums larger bit by bit: take the even pattern.": [0b0_1001_001, 0b0_1001_010]
    }
    same([e4m3(mine, 4.25), e4m3(mine, 4.75)], [0b0_1001_000, 0b0_1001_010], mistakes=mistakes)


@check("values")
def a_carry_into_the_exponent(mine):
    """Loses the carry: 7.9 rounds to 8, the next power of two."""
    same(e4m3(mine, 7.9), 0b0_1010_000)


@check("values")
def the_subnormal_numbers(mine):
    """Lets small numbers vanish, or spaces them too finely: below 2^-6 e4m3 goes on in even steps of 2^-9."""
    same([e4m3(mine, 3 * 2.0**-9), e4m3(mine, 1.4 * 2.0**-9), e4m3(mine, 0.4 * 2.0**-9)], [3, 1, 0])


@check("values")
def beyond_the_largest(mine):
    """Does not become infinity (e5m2) or NaN (e4m3) beyond the largest number: the pattern after format.largest_pattern."""
    mistakes = {
        "Holds what is too large at the largest number: that is saturation, which has to be asked for.": [
            0b0_11110_11,
            0x7E,
        ],
    }
    same([e5m2(mine, 1e6), e4m3(mine, 1e6)], [0b0_11111_00, 0x7F], mistakes=mistakes)


@check("values")
def infinity_itself(mine):
    """Cannot do infinity: it has no exponent to compute with."""
    same([e5m2(mine, math.inf), e5m2(mine, -math.inf)], [0b0_11111_00, 0b1_11111_00])


@check("values")
def nan_itself(mine):
    """Does not write NaN as format.nan_pattern."""
    same([e5m2(mine, math.nan), e4m3(mine, math.nan)], [0b0_11111_10, 0x7F])


@check("values")
def rounded_once(mine):
    """Rounds twice: a double just above a tie must go up, even where float32 would call it a tie."""
    from groundup.machine.numbers.formats import FP16

    same(mine(1 + 2.0**-11 + 2.0**-40, FP16), 0x3C01)


EXERCISE = Exercise(
    slot="machine.numbers.encode_bits",
    title="Rounding, bit by bit",
    task="""
    Find the pattern of the number that is nearest to `value` in a format; where two are equally near, the one whose last bit
    is 0. Patterns of positive numbers stand in the order of their values, which makes rounding simple: a number of size 2^k
    (k at least format.smallest_exponent) lies on a grid of 2^(k - F); count the steps to the nearest grid point, and the
    pattern is ((k - smallest_exponent) << F) + steps. The leading 1 is among the steps, and a carry raises the exponent.

    What comes out above format.largest_pattern is the pattern just after it. NaN is format.nan_pattern. The sign goes left.
    """,
    difficulty=3,
    minutes=40,
    prerequisites=("machine.numbers.formats", "machine.numbers.decode_bits"),
    hints=(
        "math.frexp(value)[1] - 1 is the power of two below a number; take the larger of it and format.smallest_exponent.",
        "Python's round() of a Fraction is exact and goes to even on a tie: round(Fraction(abs(value)) / spacing).",
        "Treat NaN, infinity and 0 first; math.copysign(1.0, value) knows the sign of -0.0. min(pattern, largest + 1) at the end.",
    ),
    run="groundup --mine my learn lesson machine.numbers.formats",
    checks=(
        a_whole_number,
        what_the_format_holds,
        the_sign,
        zero_of_both_signs,
        to_the_nearest,
        ties_to_even,
        a_carry_into_the_exponent,
        the_subnormal_numbers,
        beyond_the_largest,
        infinity_itself,
        nan_itself,
        rounded_once,
    ),
    mutants=(
        Mutant("a float", "Returns float where int", (("return sign | min(", "return float(sign) + min("),)),
        Mutant("one exponent up", "one too many", (("math.frexp(value)[1] - 1", "math.frexp(value)[1]"),)),
        Mutant("the leading 1 twice", "twice", (("exponent - format.smallest_exponent)", "exponent + format.bias)"),)),
        Mutant(
            "no sign",
            "Forgets the sign",
            (
                (
                    "sign = 2 ** (format.bits - 1) if math.copysign(1.0, value) < 0 else 0",
                    "sign = 2 ** (format.bits - 1) if value == 0 and math.copysign(1.0, value) < 0 else 0",
                ),
            ),
        ),
        Mutant("one zero", "0 and -0 apart", (("math.copysign(1.0, value) < 0", "value < 0"),)),
        Mutant("cut", "Cuts off", (("round(Fraction(abs(value)) / spacing)", "int(Fraction(abs(value)) / spacing)"),)),
        Mutant(
            "up",
            "Always goes up",
            (("round(Fraction(abs(value)) / spacing)", "math.ceil(Fraction(abs(value)) / spacing)"),),
        ),
        Mutant(
            "ties up",
            "Goes up on a tie",
            (("round(Fraction(abs(value)) / spacing)", "math.floor(Fraction(abs(value)) / spacing + Fraction(1, 2))"),),
        ),
        Mutant(
            "no carry",
            "Loses the carry",
            (
                (
                    "    return sign | min(",
                    "    steps = min(steps, 2 ** (format.fraction_bits + 1) - 1)\n    return sign | min(",
                ),
            ),
        ),
        Mutant(
            "no subnormals",
            "small numbers vanish",
            (("    spacing = ", "    if abs(value) < format.smallest_normal:\n        return sign\n    spacing = "),),
        ),
        Mutant("saturated", "that is saturation", (("+ steps, beyond)", "+ steps, beyond - 1)"),)),
        Mutant(
            "no infinity",
            "cannot convert Infinity",
            (("    if math.isinf(value):\n        return sign | beyond\n", ""),),
        ),
        Mutant(
            "infinity for NaN",
            "format.nan_pattern",
            (("return sign | format.nan_pattern", "return sign | format.largest_pattern + 1"),),
        ),
        Mutant(
            "single precision first",
            "Rounds twice",
            (("Fraction(abs(value))", "Fraction(abs(float(__import__('numpy').float32(value))))"),),
        ),
    ),
)
