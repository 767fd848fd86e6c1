"""Exercise: where a stream of text can be cut without changing a token."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


@check("shape")
def a_place(mine):
    """Gives something else than a place in the text: a whole number, 0 where the text cannot be cut."""
    for text in ("one two", "one", ""):
        got = mine(text)
        that(type(got) is int and 0 <= got <= len(text), expected=f"a number from 0 to {len(text)}", got=got)


@check("values")
def before_a_blank_between_letters(mine):
    """Misses the place before a blank between two letters: the next word begins with its blank."""
    behind = "Cuts behind the blank: a blank belongs to the word that follows it."
    same(mine("one two"), 3, mistakes={behind: 4})
    same(mine("é ñ"), 1, mistakes={behind: 2})


@check("values")
def none_is_0(mine):
    """Cuts where no cut is safe: both sides of the blank must be letters, and a blank beside another one is no edge."""
    for text in ("", "one", "one  two", "one ", " one", "3 4", "3 two", "one, two", "one \ttwo"):
        same(mine(text), 0)


@check("values")
def a_letter_behind_too(mine):
    """Looks before the blank only: behind it must be a letter too, or a pattern may cut there in another way."""
    for text in ("one 4", "one .", "é 3rd"):
        same(mine(text), 0)


@check("values")
def behind_a_newline(mine):
    """Misses the place behind a newline that stands between a visible character and a letter."""
    before = "Cuts before the newline: it may belong to the signs before it, so the cut is behind."
    same(mine("one.\ntwo"), 5, mistakes={before: 4})
    same(mine("7\ntwo"), 2, mistakes={before: 1})


@check("values")
def not_every_newline(mine):
    """Cuts at a newline that is no edge: with white space before it, or something else than a letter behind it."""
    for text in ("one\n\ntwo", "one.\n two", "one.\n", "\ntwo", "one. \ntwo", "x\n/", "x\n\t"):
        same(mine(text), 0)


@check("values")
def the_last_place(mine):
    """Gives an earlier place: the last one leaves the least text to be carried over."""
    same(mine("one two three"), 7)
    same(mine("one two\nthree. 4"), 8)
    same(mine("one\ntwo three.  4"), 7)


@check("speed")
def from_the_end(mine):
    """Is far slower than the reference on a long text: look from the end, where a cut is near."""
    from groundup.text.tokenizers.streaming import safe_cut

    fast(mine, safe_cut, ("one two " * 20_000,))


EXERCISE = Exercise(
    slot="text.tokenizers.safe_cut",
    title="Streaming: where a text can be cut",
    task="""
    A file larger than memory is encoded part by part. Cut in the middle of a word, and its ids change. Two kinds of
    places are safe for every split pattern: before a single blank with a letter on either side (a word takes its blank
    along), and behind a newline with a visible character before it and a letter behind it. Find the last such place.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("text.tokenizers.byte_level",),
    hints=(
        'str.isalpha() asks for letters in any script; "".isalpha() and " ".isalpha() are False.',
        "Go through the places from the end and look at three characters: before, here, after.",
        "A blank at `place` gives `place`, a newline at `place` gives `place + 1`; 0 when the loop has found nothing.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.streaming --run",
    checks=(
        a_place,
        before_a_blank_between_letters,
        none_is_0,
        a_letter_behind_too,
        behind_a_newline,
        not_every_newline,
        the_last_place,
        from_the_end,
    ),
    mutants=(
        Mutant("nothing for none", "Returns NoneType", (("    return 0", "    return None"),)),
        Mutant(
            "behind the blank",
            "Cuts behind the blank",
            (("            return place\n", "            return place + 1\n"),),
        ),
        Mutant("any blank", "Cuts where no cut is safe", ((" and before.isalpha() and after.isalpha()", ""),)),
        Mutant(
            "a letter on one side",
            "Looks before the blank only",
            (("before.isalpha() and after.isalpha()", "before.isalpha() and not after.isspace()"),),
        ),
        Mutant("before the newline", "Cuts before the newline", (("return place + 1", "return place"),)),
        Mutant("any newline", "Cuts at a newline that is no edge", ((" and not before.isspace()", ""),)),
        Mutant("newlines left out", "Misses the place behind a newline", (('here == "\\n"', "False"),)),
        Mutant(
            "the first place", "Gives an earlier place", (("range(len(text) - 2, 0, -1)", "range(1, len(text) - 1)"),)
        ),
        Mutant(
            "everything looked at",
            "far slower than the reference",
            (("    for place in", "    sorted(text)\n    sorted(text)\n    for place in"),),
        ),
    ),
)
