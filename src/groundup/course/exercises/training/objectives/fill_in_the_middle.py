"""Exercise: a document in the order in which its middle comes last."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

MARKS = (96, 97, 98, 99)
TEXT = [1, 2, 3, 4, 5]


@check("shape")
def a_list(mine):
    """Gives something else than one list of tokens."""
    got = mine(TEXT, 1, 3, MARKS, "psm")
    that(isinstance(got, list), expected="a list", got=type(got).__name__)


@check("values")
def prefix_suffix_middle(mine):
    """In the order "psm": the prefix's mark and prefix, the suffix's mark and suffix, the middle's mark and middle, the end."""
    mistakes = {
        "Leaves the document in its own order: the model could not see the suffix before it writes the middle.": [
            *(96, 1, 98, 2, 3),
            *(97, 4, 5, 99),
        ],
        "Ends without the end mark: the model would not learn where a middle is full.": [96, 1, 97, 4, 5, 98, 2, 3],
        "Leaves the middle out: it is what is to be learned.": [96, 1, 97, 4, 5, 98, 99],
        "Puts the marks behind their parts: a mark says what comes next.": [1, 96, 4, 5, 97, 2, 3, 98, 99],
        "Begins the suffix one token late.": [96, 1, 97, 5, 98, 2, 3, 99],
        "Takes the token at `last` into the middle: it is one after the last.": [96, 1, 97, 5, 98, 2, 3, 4, 99],
        "Leaves the prefix's mark out.": [1, 97, 4, 5, 98, 2, 3, 99],
    }
    same(mine(TEXT, 1, 3, MARKS, "psm"), [96, 1, 97, 4, 5, 98, 2, 3, 99], mistakes=mistakes)


@check("values")
def suffix_prefix_middle(mine):
    """In the order "spm": the prefix's and the suffix's mark, suffix, the middle's mark, and then prefix and middle without a mark between."""
    mistakes = {
        "Gives the same order for both: in spm the suffix comes first.": [96, 1, 97, 4, 5, 98, 2, 3, 99],
        "Puts the prefix's mark in front of the prefix: in this form it stands first of all, and the prefix follows the middle's mark.": [
            *(97, 4, 5, 96, 1),
            *(98, 2, 3, 99),
        ],
        "Puts the middle in front of the prefix: it goes on where the prefix ends.": [96, 97, 4, 5, 98, 2, 3, 1, 99],
        "Puts the middle's mark between prefix and middle: in this form the middle goes on where the prefix ends, with no mark.": [
            *(96, 97, 4, 5, 1),
            *(98, 2, 3, 99),
        ],
        "In spm it ends without the end mark.": [96, 97, 4, 5, 98, 1, 2, 3],
    }
    same(mine(TEXT, 1, 3, MARKS, "spm"), [96, 97, 4, 5, 98, 1, 2, 3, 99], mistakes=mistakes)


@check("values")
def empty_parts(mine):
    """Differs where a part is empty: all marks stand there all the same."""
    same(mine([1, 2], 0, 2, MARKS, "psm"), [96, 97, 98, 1, 2, 99])
    same(mine([1, 2], 1, 1, MARKS, "psm"), [96, 1, 97, 2, 98, 99])
    same(mine([1, 2], 2, 2, MARKS, "spm"), [96, 97, 98, 1, 2, 99])


@check("values")
def psm_by_default(mine):
    """Without an order it is "psm"."""
    same(mine([1, 2, 3], 1, 2, MARKS), [96, 1, 97, 3, 98, 2, 99])


PSM = "[prefix_mark, *prefix, suffix_mark, *suffix, middle_mark, *middle, end_mark]"
SPM = "[prefix_mark, suffix_mark, *suffix, middle_mark, *prefix, *middle, end_mark]"

EXERCISE = Exercise(
    slot="training.objectives.fill_in_the_middle",
    title="Fill in the middle: a text in another order",
    task="""
    A decoder writes from left to right, and an editor asks it for what belongs at the cursor, with text on both sides. Nothing of the model
    has to change: move the text. Cut a document into prefix, middle = ids[first:last] and suffix, and give it back in the order "psm"
    (prefix, suffix, middle, each behind its mark) or "spm" (the marks of prefix and suffix, then suffix, the middle's mark, prefix and middle
    with nothing between). At the end stands the end mark, so that the model learns when a middle is full.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("training.objectives.causal",),
    hints=(
        "prefix = ids[:first], middle = ids[first:last], suffix = ids[last:].",
        "marks are the tokens of prefix, suffix, middle and end, in this order.",
        "psm: [p, *prefix, s, *suffix, m, *middle, e]; spm: [p, s, *suffix, m, *prefix, *middle, e].",
    ),
    run="groundup --mine my learn lesson training.objectives.fill_in_middle --run",
    checks=(a_list, prefix_suffix_middle, suffix_prefix_middle, empty_parts, psm_by_default),
    mutants=(
        Mutant(
            "not moved",
            "in its own order",
            ((PSM, "[prefix_mark, *prefix, middle_mark, *middle, suffix_mark, *suffix, end_mark]"),),
        ),
        Mutant("no end", "Ends without the end mark", ((PSM, PSM.replace(", end_mark", "")),)),
        Mutant("no middle", "Leaves the middle out", ((PSM, PSM.replace("*middle, ", "")),)),
        Mutant(
            "marks behind",
            "behind their parts",
            ((PSM, "[*prefix, prefix_mark, *suffix, suffix_mark, *middle, middle_mark, end_mark]"),),
        ),
        Mutant("late suffix", "one token late", (("ids[last:]", "ids[last + 1 :]"),)),
        Mutant(
            "last is included",
            "one after the last",
            (("ids[first:last], ids[last:]", "ids[first : last + 1], ids[last + 1 :]"),),
        ),
        Mutant("no first mark", "Leaves the prefix's mark out", ((PSM, PSM.replace("prefix_mark, ", "", 1)),)),
        Mutant("psm for both", "the same order for both", ((SPM, PSM),)),
        Mutant(
            "prefix behind its mark",
            "in front of the prefix",
            ((SPM, "[suffix_mark, *suffix, prefix_mark, *prefix, middle_mark, *middle, end_mark]"),),
        ),
        Mutant(
            "middle first", "Puts the middle in front", ((SPM, SPM.replace("*prefix, *middle", "*middle, *prefix")),)
        ),
        Mutant(
            "a mark between",
            "between prefix and middle",
            ((SPM, SPM.replace("middle_mark, *prefix,", "*prefix, middle_mark,")),),
        ),
        Mutant(
            "spm by default",
            "Without an order",
            (('order: str = "psm"', 'order: str = "spm"'),),
        ),
    ),
)
