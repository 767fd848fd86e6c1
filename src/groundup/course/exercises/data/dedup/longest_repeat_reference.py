"""Exercise: the longest substring that comes twice, by sorted suffixes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

TEXTS = (b"bananas", b"aaaab", b"abcabd", b"to be or not to be.", b"mississippi", b"xyxzxyw", b"ababc", b"aabaac")


def by_hand(text, overlapping=True):
    """By trying all substrings, the longest first, the smallest of equally long ones first."""
    for length in range(len(text) - 1, 0, -1):
        for part in sorted({text[at : at + length] for at in range(len(text) - length + 1)}):
            first = text.find(part)
            if text.find(part, first + (1 if overlapping else length)) >= 0:
                return part
    return b""


@check("shape")
def bytes_of_the_text(mine):
    """Gives something else than bytes that stand in the text."""
    for text in (b"abcab", b"aa"):
        got = mine(text)
        that(isinstance(got, bytes) and got in text, expected=f"bytes of {text!r}", got=got)


@check("invariant")
def nothing_is_the_longest_of_what_never_repeats(mine):
    """Fails on a text in which nothing comes twice: the answer is b""."""
    for text in (b"abc", b"a", b""):
        same(mine(text), b"")


@check("invariant")
def it_comes_twice(mine):
    """Gives a substring that does not come a second time."""
    for text in TEXTS:
        got = mine(text)
        that(text.find(got, text.find(got) + 1) >= 0, expected=f"a repeat in {text!r}", got=got)


@check("values")
def nothing_longer_comes_twice(mine):
    """Gives a repeat although a longer one is there."""
    for text in TEXTS:
        mistakes = {
            "Does not let the two overlap: in bananas, ana begins at 1 and at 3.": by_hand(text, overlapping=False)
        }
        expected = by_hand(text)
        got = mine(text)
        if len(got) != len(expected):
            same(got, expected, mistakes=mistakes)


@check("values")
def it_may_stand_at_the_end(mine):
    """Misses a repeat that ends where the text ends: a suffix may be the beginning of its neighbour."""
    for text in (b"xax", b"abcxabc", b"zzz"):
        same(mine(text), by_hand(text))


@check("values")
def of_equal_ones_the_smallest(mine):
    """Of repeats of the same length it gives another than the smallest: in the sorted order the first to come stays."""
    for text in (b"bcxbcyabzab", b"zzyy", b"adadbcbc"):
        same(mine(text), by_hand(text))


@check("values")
def bytes_are_compared_by_their_value(mine):
    """Sorts bytes otherwise than by their value."""
    for text in (b"\xff\xff\x01\x01", b"Ab.Abcab.ca", bytes(range(200, 256)) * 2):
        same(mine(text), by_hand(text))


EXERCISE = Exercise(
    slot="data.dedup.longest_repeat_reference",
    title="What comes twice stands side by side",
    task="""
    Sort all suffixes of a text as in a dictionary. Whatever comes twice in the text is the beginning of two suffixes, and these now stand side by side. So the
    longest substring that comes twice is the longest common beginning of two neighbours. Give it, as bytes. The two places may overlap, and of equally
    long ones give the smallest, which is the first that one meets. Where nothing comes twice give b"".
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.dedup.substring",),
    hints=(
        "sorted(range(len(text)), key=lambda at: text[at:]) gives where the suffixes begin, in their order.",
        "Compare each with the next, a byte at a time, and mind the end of the text: the later of the two suffixes ends first.",
        "Keep the best so far and replace it only by a longer one (>), not by an equally long one.",
    ),
    run="groundup --mine my learn lesson data.dedup.substring --run",
    checks=(
        bytes_of_the_text,
        nothing_is_the_longest_of_what_never_repeats,
        it_comes_twice,
        nothing_longer_comes_twice,
        it_may_stand_at_the_end,
        of_equal_ones_the_smallest,
        bytes_are_compared_by_their_value,
    ),
    mutants=(
        Mutant("its length", "Returns int where bytes", (("    return best", "    return len(best)"),)),
        Mutant("one byte at least", "in which nothing comes twice", (('best = b""', "best = text[:1]"),)),
        Mutant(
            "one byte too many",
            "does not come a second time",
            (("one + length]\n    return", "one + length + 1]\n    return"),),
        ),
        Mutant(
            "apart only",
            "Does not let the two overlap",
            (("while max(one, other)", "while length < abs(one - other) and max(one, other)"),),
        ),
        Mutant(
            "suffixes not sorted",
            "although a longer one is there",
            (("sorted(range(len(text)), key=lambda at: text[at:])", "list(range(len(text)))"),),
        ),
        Mutant(
            "not up to the end", "ends where the text ends", (("+ length < len(text)", "+ length < len(text) - 1"),)
        ),
        Mutant(
            "the last of equals",
            "another than the smallest",
            (("length > len(best)", "length >= len(best) > 0 or length > 0 == len(best)"),),
        ),
        Mutant(
            "small letters first",
            "otherwise than by their value",
            (("key=lambda at: text[at:]", "key=lambda at: text[at:].swapcase()"),),
        ),
    ),
)
