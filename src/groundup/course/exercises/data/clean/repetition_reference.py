"""Exercise: how much of a text lies in n-grams that came before."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

SONG = "row row row your boat gently down the stream row row row".split()


def by_hand(words, n, top=False, twice=False, first=False, by_words=False):
    """Straight from the definition. twice: characters in several n-grams count for each; first: so does the first of each."""
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    if top:
        best = max(grams, key=grams.count, default=None)
        inside = [at for at, gram in enumerate(grams) if gram == best and grams.count(gram) > 1]
    else:
        inside = [at for at, gram in enumerate(grams) if gram in grams[:at] or (first and grams.count(gram) > 1)]
    covered = [at + more for at in inside for more in range(n)]
    covered = covered if twice else sorted(set(covered))
    sizes = [1 if by_words else len(word) for word in words]
    return sum(sizes[at] for at in covered) / max(1, sum(sizes))


@check("invariant")
def nothing_repeats_in_nothing(mine):
    """Fails on a text that is shorter than n words: nothing repeats in it, 0."""
    for words in ([], ["one"], ["one", "two"]):
        for top in (False, True):
            same(float(mine(words, 3, top)), 0.0)


@check("invariant")
def a_part_is_at_most_one(mine):
    """Gives more than 1: a character that lies in several n-grams counts once."""
    for top in (False, True):
        got = float(mine(["la"] * 12, 3, top))
        that(0 <= got <= 1, expected="a part, from 0 to 1", got=got)


@check("values")
def what_came_before(mine):
    """Differs for n-grams that came before: the part of all characters that lies in them."""
    for words, n in (
        ("to be or not to be".split(), 2),
        (SONG, 3),
        (["a"] * 6, 5),
        ("one two three one two".split(), 2),
    ):
        mistakes = {
            "Counts the first time too: what comes once more is repeated, and not what it repeats.": by_hand(
                words, n, first=True
            ),
            "Counts words instead of characters.": by_hand(words, n, by_words=True),
            "Counts a character once for each n-gram that it lies in.": by_hand(words, n, twice=True),
        }
        same(float(mine(words, n)), by_hand(words, n), mistakes=mistakes)


@check("values")
def the_most_frequent(mine):
    """Differs for the most frequent n-gram: all its places count, the first too."""
    for words, n in ((SONG, 2), ("ab ab cde cde cde x".split(), 1), ("to be or not to be".split(), 2)):
        mistakes = {"Leaves out its first place: of the most frequent n-gram every place counts.": by_hand(words, n)}
        same(float(mine(words, n, True)), by_hand(words, n, top=True), mistakes=mistakes)


@check("values")
def of_equally_frequent_ones_the_first(mine):
    """Of equally frequent n-grams it takes another than the one that comes first."""
    for words in ("aaa b c aaa c b".split(), "x yyyy x yyyy z".split()):
        same(float(mine(words, 1, True)), by_hand(words, 1, top=True))


@check("values")
def once_is_no_repetition(mine):
    """Counts a most frequent n-gram that comes only once: then nothing repeats, 0."""
    same(float(mine("all words are different here".split(), 2, True)), 0.0)


EXERCISE = Exercise(
    slot="data.clean.repetition_reference",
    title="Gopher's measure of repetition",
    task="""
    Pages that say the same thing over and over are of no use to a model. From the words of a text and n, give the part of all characters (those of
    words, without white space) that lies in n-grams that came before: the second place of an n-gram and all later ones count, the first does not.
    A character in several such n-grams counts once. With `top`, look at the most frequent n-gram only: all its places count, also the first; of
    equally frequent ones it is the one that comes first; and if it comes only once the answer is 0.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("data.clean.quality",),
    hints=(
        "Make the list of all n-grams as tuples; its place in the list is where an n-gram begins.",
        "Collect the numbers of covered words in a set: an n-gram at place i covers i ... i + n - 1. In a set nothing counts twice.",
        "collections.Counter(grams).most_common(1) keeps the first of equals; a set of the n-grams met so far tells what came before.",
    ),
    run="groundup --mine my learn lesson data.clean.quality --run",
    checks=(
        nothing_repeats_in_nothing,
        a_part_is_at_most_one,
        what_came_before,
        the_most_frequent,
        of_equally_frequent_ones_the_first,
        once_is_no_repetition,
    ),
    mutants=(
        Mutant("no guard", "IndexError", ((" if grams else ((), 0)", ""),)),
        Mutant(
            "places counted each time",
            "Gives more than 1",
            (
                ("covered: set[int] = set()", "covered: list[int] = []"),
                ("covered.update(", "covered.extend("),
            ),
        ),
        Mutant(
            "words",
            "Counts words instead of",
            (
                (
                    "sum(len(words[at]) for at in covered) / max(1, sum(map(len, words)))",
                    "len(covered) / max(1, len(words))",
                ),
            ),
        ),
        Mutant("the first too", "Counts the first time too", (("gram in seen:", "grams.count(gram) > 1:"),)),
        Mutant(
            "one word each", "for n-grams that came before: the part", (("range(at, at + n))", "range(at, at + 1))"),)
        ),
        Mutant(
            "without its first place",
            "Leaves out its first place",
            (("(gram == frequent and count > 1)", "(gram == frequent and gram in seen)"),),
        ),
        Mutant(
            "the last of equals",
            "Of equally frequent n-grams",
            (("Counter(grams).most_common(1)[0]", "Counter(grams[::-1]).most_common(1)[0]"),),
        ),
        Mutant("once is enough", "that comes only once", ((" and count > 1)", ")"),)),
    ),
)
