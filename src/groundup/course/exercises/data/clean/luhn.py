"""Exercise: the check digit that tells a card's number from any other."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def single_digits(mine):
    """Is wrong for a single digit: of those only 0 has the sum 0; take 9 from what is more than 9, and not from 9 itself."""
    for digits in ("0", "9", "5", "1"):
        same(bool(mine(digits)), digits == "0")


@check("values")
def every_second(mine):
    """Doubles the wrong digits: the last one is not doubled, the one before it is, and so on in turns."""
    same(bool(mine("125")), True)
    same(bool(mine("126")), False)


@check("values")
def from_the_right(mine):
    """Counts from the left: where the number of digits is even, other digits are then doubled. Count from the last one."""
    same(bool(mine("18")), True)
    same(bool(mine("26")), True)


@check("values")
def two_digits_from_one(mine):
    """Adds a doubled digit as it is: of 14 the digits 1 and 4 are added, which is 14 - 9."""
    same(bool(mine("59")), True)
    same(bool(mine("79927398713")), True)


@check("values")
def one_wrong_digit(mine):
    """Lets a wrong digit through: a number in which one digit was changed is never valid."""
    number = "4539148803436467"
    same(bool(mine(number)), True)
    for place in range(len(number)):
        other = str((int(number[place]) + 1) % 10)
        same(bool(mine(number[:place] + other + number[place + 1 :])), False)


EXERCISE = Exercise(
    slot="data.clean.luhn",
    title="The check digit of a card",
    task="""
    Numbers are everywhere in text, and most of them are no cards. A card's number proves itself: from the right, double every second digit (not the last one),
    subtract 9 from what is more than 9, and add all: the sum is divisible by 10. Say whether the digits of a text do so.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("data.clean.toxicity",),
    hints=(
        "reversed(digits) goes through a text from the right.",
        "enumerate counts from 0: the digits at 1, 3, 5, ... are doubled.",
        "A doubled digit is at most 18, so subtracting 9 once gives the sum of its two digits.",
    ),
    run="groundup --mine my learn lesson data.clean.privacy --run",
    checks=(single_digits, every_second, from_the_right, two_digits_from_one, one_wrong_digit),
    mutants=(
        Mutant("nine too", "Is wrong for a single digit", (("(value > 9)", "(value >= 9)"),)),
        Mutant("the last one doubled", "Doubles the wrong digits", (("(1 + at % 2)", "(2 - at % 2)"),)),
        Mutant("from the left", "Counts from the left", (("enumerate(reversed(digits))", "enumerate(digits)"),)),
        Mutant("as it is", "Adds a doubled digit as it is", (("value - 9 * (value > 9)", "value"),)),
        Mutant("nearly", "Lets a wrong digit through", (("% 10 == 0", "% 10 in (0, 3)"),)),
    ),
)
