"""Exercise: whether a document holds text of a benchmark."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

QUESTION = "which of the nine rivers of this valley is the longest one".split()  # 12 words
FILLER = [f"w{number}" for number in range(20)]


@check("values")
def a_whole_row(mine):
    """Does not find a row that stands in the document word for word: give the place where its first run begins."""
    same(int(mine([*FILLER[:5], *QUESTION, *FILLER[5:]], QUESTION, 13, 8)), 5)
    same(int(mine(QUESTION, QUESTION, 12, 8)), 0)


@check("values")
def nothing_shared(mine):
    """Finds what is not there: words that stand in both, but in no run, are no reason."""
    same(int(mine(FILLER, QUESTION, 5, 3)), -1)
    same(int(mine(QUESTION[::-1], QUESTION, 5, 3)), -1)


@check("values")
def a_part_of_a_long_row(mine):
    """Does not find a part of a long row: any run of `ngram` words counts, not only the first one of the row."""
    same(int(mine([*FILLER[:3], *QUESTION[4:9], *FILLER[3:]], QUESTION, 5, 3)), 3)


@check("values")
def exactly_ngram_words(mine):
    """Wants another number of words in a row than `ngram`: so many are enough, and one fewer is not."""
    row = FILLER
    same(int(mine(["x", *row[4:17], "y"], row, 13, 8)), 1)
    mistakes = {"Is content with fewer words than `ngram`, though the row has enough of them.": 1}
    same(int(mine(["x", *row[4:16], "y"], row, 13, 8)), -1, mistakes=mistakes)


@check("values")
def short_rows(mine):
    """Does not find a row shorter than `ngram`: then all its words are the run."""
    same(int(mine([*FILLER[:2], *QUESTION, "then"], QUESTION, 13, 8)), 2)


@check("values")
def too_short_rows(mine):
    """Finds a row of fewer than `least` words: "what is the capital" stands everywhere, and so does an empty row."""
    same(int(mine("tell me what is the capital of it".split(), "what is the capital".split(), 13, 8)), -1)
    same(int(mine(FILLER, [], 13, 0)), -1)
    mistakes = {"Leaves out rows of exactly `least` words: so many are enough.": -1}
    same(int(mine(QUESTION[:8], QUESTION[:8], 13, 8)), 0, mistakes=mistakes)


@check("values")
def the_first_of_several(mine):
    """Gives a later place: of several shared runs it is the first in the document."""
    same(int(mine([*FILLER[:2], *QUESTION[6:], *FILLER[2:6], *QUESTION[:5]], QUESTION, 5, 3)), 2)


@check("values")
def the_very_end(mine):
    """Does not find a run at the very end of the document, or of the row."""
    same(int(mine([*FILLER, *QUESTION[-5:]], QUESTION, 5, 3)), 20)


EXERCISE = Exercise(
    slot="data.clean.shared_run_reference",
    title="Benchmark text in training data",
    task="""
    A model that has read a test's questions is measured by its memory. Given the words of a document and those of a row of a benchmark, say where in the
    document the first run of words begins that both share, or -1. A run is `ngram` words in a row; of a row that has fewer, all its words are the run; but a
    row of fewer than `least` words says nothing, nor does an empty one, and is never found.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.clean.decontaminate",),
    hints=(
        "How long is a run? min(ngram, len(row)). If that is less than least (and at least 1), the answer is -1 at once.",
        "Put all runs of the row into a set, as tuples; then go through the document and ask for each place whether its run is in the set.",
        "There are len(words) - length + 1 places where a run can begin. Forget the + 1 and the last one is never looked at.",
    ),
    run="groundup --mine my learn lesson data.clean.decontaminate --run",
    checks=(
        a_whole_row,
        nothing_shared,
        a_part_of_a_long_row,
        exactly_ngram_words,
        short_rows,
        too_short_rows,
        the_first_of_several,
        the_very_end,
    ),
    mutants=(
        Mutant(
            "words anywhere",
            "Finds what is not there",
            (
                ("tuple(row[at : at + length])", "tuple(sorted(row[at : at + length]))"),
                ("tuple(document[at : at + length])", "tuple(sorted(document[at : at + length]))"),
            ),
        ),
        Mutant(
            "only the beginning",
            "Does not find a part of a long row",
            (("range(len(row) - length + 1)}", "range(1)}"),),
        ),
        Mutant(
            "fewer are enough", "Is content with fewer words", (("min(ngram, len(row))", "min(ngram - 1, len(row))"),)
        ),
        Mutant("long rows only", "Does not find a row that stands", (("min(ngram, len(row))", "ngram"),)),
        Mutant("no least", "Finds a row of fewer than", (("max(1, least)", "1"),)),
        Mutant(
            "more than least", "Leaves out rows of exactly", (("length < max(1, least)", "length <= max(1, least)"),)
        ),
        Mutant("the last place", "Gives a later place", (("for at in places if", "for at in reversed(places) if"),)),
        Mutant(
            "the end",
            "at the very end of the document",
            (("range(len(document) - length + 1)", "range(max(1, len(document) - length))"),),
        ),
    ),
)
