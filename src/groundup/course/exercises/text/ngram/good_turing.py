"""Exercise: Good-Turing's count, the probability of the unseen read off what was seen once."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

FISH = {1: 10, 2: 4, 3: 2, 5: 1}  # kinds seen once, twice, three times, five times


@check("dtype")
def a_number(mine):
    """Gives something else than a float."""
    that(type(mine(dict(FISH), 0)) is float, expected=10.0, got=mine(dict(FISH), 0))


@check("finite")
def a_gap_is_no_error(mine):
    """Fails where no kind has one count more: then n[r + 1] is 0, and so is the answer."""
    same(mine(dict(FISH), 3), 0.0)
    same(mine({}, 0), 0.0)


@check("values")
def the_unseen_together(mine):
    """Differs for count 0: all unseen kinds together are expected as often as there are kinds seen once."""
    same(mine(dict(FISH), 0), 10.0)


@check("values")
def seen_kinds(mine):
    """Differs from (r + 1) n[r + 1] / n[r]."""
    same(mine(dict(FISH), 2), 1.5, mistakes={
        "Divides the wrong way round: kinds seen once more are above.": 6.0,
        "Leaves out the factor r + 1.": 0.5,
        "Multiplies by r: the kinds in n[r + 1] were seen r + 1 times each.": 1.0,
    })  # fmt: skip
    same(mine(dict(FISH), 1), 0.8)


LINE = "return float(more) if count == 0 else (count + 1) * more / counts_of_counts[count]"

EXERCISE = Exercise(
    slot="text.ngram.good_turing",
    title="Good-Turing: what may be expected of the unseen",
    task="""
    You fished 10 kinds once and 4 kinds twice. How likely is it that the next fish is of a kind you have not seen? Good's answer: as likely as the
    fish that are the only one of their kind, n[1] / N. And a kind seen r times is expected in as much new water not r times but r* = (r + 1) n[r + 1] / n[r].

    You get how many kinds were seen r times for each r (a count that no kind has is missing) and a count. Give r*; for count 0 give what all unseen kinds
    together are expected, n[1]. A float.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("text.ngram.counts",),
    hints=(
        "A count that no kind has is 0 kinds: counts_of_counts.get(r, 0).",
        "The unseen kinds are not counted one by one, there is no n[0]: their sum is 1 * n[1].",
        "float(more) if count == 0, else (count + 1) * more / counts_of_counts[count], where more is n[count + 1].",
    ),
    run="groundup --mine my learn lesson text.ngram.counts --run",
    checks=(a_number, a_gap_is_no_error, the_unseen_together, seen_kinds),
    mutants=(
        Mutant("a whole number", "Returns int where float is expected", edits=(("float(more) if", "more if"),)),
        Mutant("no gaps", "KeyError", edits=((".get(count + 1, 0)", "[count + 1]"),)),
        Mutant("the unseen are nothing", "Differs for count 0", edits=(("float(more) if", "0.0 if"),)),
        Mutant(
            "upside down",
            "the wrong way round",
            edits=(
                (
                    LINE,
                    "return float(more) if count == 0 else (count + 1) * counts_of_counts[count] / more if more else 0.0",
                ),
            ),
        ),
        Mutant("no factor", "Leaves out the factor", edits=(("else (count + 1) * more", "else more"),)),
        Mutant("the factor r", "Multiplies by r", edits=(("else (count + 1) * more", "else count * more"),)),
    ),
)
