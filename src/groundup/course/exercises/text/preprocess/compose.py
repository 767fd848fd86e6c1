"""Exercise: join bases and marks to single code points, the last step of Unicode's NFC."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that

ACUTE, GRAVE, CIRCUMFLEX, DOT_BELOW, MACRON, KEROKEN = "\u0301", "\u0300", "\u0302", "\u0323", "\u0305", "\u0338"


def by_python(text):
    """What Python's own normalisation makes of it."""
    import unicodedata

    return unicodedata.normalize("NFC", text)


@check("shape")
def a_string(mine):
    """Gives something else than a string: "".join(...) makes one of a list of characters."""
    for text in ("a", "", "e" + ACUTE):
        that(isinstance(mine(text), str), expected=by_python(text), got=mine(text))


@check("invariant")
def what_cannot_be_joined_stays(mine):
    """Loses or changes characters that nothing joins: a text of plain letters, or a mark without a base, stays as it is."""
    for text in ("a", "ab c", ACUTE, "x" + ACUTE, ACUTE + "e"):
        same(mine(text), text)


@check("values")
def a_mark_joins_its_base(mine):
    """Does not join a base with the mark right behind it; join_pair gives the one code point, or None."""
    same(mine("e" + ACUTE), "é")
    same(mine("ae" + ACUTE + "o"), "aéo")


@check("values")
def marks_join_one_after_another(mine):
    """Joins only the first mark of a base: what was joined is the base for the mark after it."""
    same(mine("e" + DOT_BELOW + CIRCUMFLEX), "ệ")


@check("values")
def a_mark_reaches_over_one_of_a_lower_class(mine):
    """Gives up at a mark that joins nothing: a later one of a higher class is not blocked by it and still joins the base."""
    text = "a" + KEROKEN + DOT_BELOW + ACUTE
    same(mine(text), by_python(text))
    same(mine("q" + DOT_BELOW + ACUTE + "a" + "\u0345" + ""), by_python("q" + DOT_BELOW + ACUTE + "a\u0345"))


@check("values")
def a_mark_of_the_same_class_blocks(mine):
    """Joins a mark over another one of its class: the two stand above each other, and their order shows."""
    same(mine("a" + MACRON + ACUTE), "a" + MACRON + ACUTE)


@check("values")
def another_base_blocks(mine):
    """Joins over another base: a mark belongs to the last base before it, and a base behind something does not join an earlier one."""
    same(mine("ex" + ACUTE), "ex" + ACUTE)
    same(mine("\u1100" + ACUTE + "\u1161"), "\u1100" + ACUTE + "\u1161")


@check("values")
def korean_letters_join(mine):
    """Leaves Korean letters apart: two bases that stand side by side can join as well, a lead with a vowel, that with a tail."""
    same(mine("\u1112\u1161\u11ab"), "한")


@check("values")
def as_python_does(mine):
    """Differs from Python's own normalisation on a mixture of bases and marks."""
    import itertools
    import unicodedata

    for parts in itertools.product(
        "ae\u1100한", ("", DOT_BELOW, ACUTE, "\u1161"), ("", ACUTE, MACRON, "x"), ("", GRAVE, "a")
    ):
        text = unicodedata.normalize("NFD", "".join(parts))
        same(mine(text), by_python(text))


@check("speed")
def one_pass_is_enough(mine):
    """Is far slower than the reference on a long text: go through it once, and keep the result as a list of characters."""
    from groundup.text.preprocess.normalize import compose

    fast(mine, compose, (("e" + ACUTE) * 2000,), times=8)


EXERCISE = Exercise(
    slot="text.preprocess.compose",
    title="Unicode: join marks to their letters",
    task="""
    The letter é can be one code point or two, e and a mark. To compare texts, all must be written one way. Given is a text
    that is taken apart already, its marks in order. Go through it: a character joins the last base before it when `join_pair`
    knows one code point for the two and nothing blocks it. A base has combining class 0 (unicodedata.combining). What
    stands directly behind the base is never blocked; otherwise a character is blocked by the one before it when that has the
    same combining class or a higher one, and a base behind something is always blocked.
    """,
    difficulty=3,
    minutes=35,
    prerequisites=("text.preprocess.normalize",),
    hints=(
        "Keep a list of what is joined so far and the place of the last base in it (-1 before there is one).",
        "A character is adjacent when the base is the last of the list; else compare combining(list[-1]) with its own class: "
        ">= means blocked.",
        "both = join_pair(joined[base], character) if base >= 0 and not blocked else None; if both: joined[base] = both and go on; "
        "else append it, and when its class is 0 it is the new base.",
    ),
    run="groundup --mine my learn lesson text.preprocess.normalize --run",
    checks=(
        a_string,
        what_cannot_be_joined_stays,
        a_mark_joins_its_base,
        marks_join_one_after_another,
        a_mark_reaches_over_one_of_a_lower_class,
        a_mark_of_the_same_class_blocks,
        another_base_blocks,
        korean_letters_join,
        as_python_does,
        one_pass_is_enough,
    ),
    mutants=(
        Mutant("a list", "Returns list where str is expected", edits=(('return "".join(joined)', "return joined"),)),
        Mutant(
            "marks without a base lost",
            "Loses or changes characters",
            edits=(
                (
                    "        joined.append(character)",
                    "        if base >= 0 or own == 0:\n            joined.append(character)",
                ),
            ),
        ),
        Mutant("nothing joined", "Does not join a base", edits=(("        if both:", "        if False:"),)),
        Mutant(
            "one mark a base",
            "Joins only the first mark",
            edits=(("            joined[base] = both\n", "            joined[base] = both\n            base = -1\n"),),
        ),
        Mutant(
            "adjacent only",
            "Gives up at a mark",
            edits=(("blocked = not adjacent and unicodedata.combining(joined[-1]) >= own", "blocked = not adjacent"),),
        ),
        Mutant(
            "equal classes do not block",
            "over another one of its class",
            edits=((">= own", "> own"),),
        ),
        Mutant(
            "bases join over marks",
            "Joins over another base",
            edits=((">= own", ">= own > 0"),),
        ),
        Mutant(
            "marks alone join",
            "Leaves Korean letters apart",
            edits=(("if base >= 0 and not blocked else None", "if base >= 0 and own and not blocked else None"),),
        ),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "        own = unicodedata.combining(character)",
                    "        own = unicodedata.combining(character)\n        ''.join(joined * 9)",
                ),
            ),
        ),
    ),
    banned=("unicodedata.normalize",),
)
