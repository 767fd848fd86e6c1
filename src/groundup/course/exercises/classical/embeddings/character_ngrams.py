"""Exercise: the pieces of a word."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("dtype")
def a_list_of_texts(mine):
    """Gives something else than a list of texts."""
    same([type(mine("cat", 3, 4)).__name__, type(next(iter(mine("cat", 3, 4)))).__name__], ["list", "str"])


@check("values")
def marks_stand_around_a_word(mine):
    """Forgets the marks < and > around the word: with them a prefix is another piece than the same letters inside."""
    same(
        mine("where", 3, 3),
        ["<wh", "whe", "her", "ere", "re>"],
        mistakes={
            "Forgets the marks < and > around the word: with them a prefix is another piece.": ["whe", "her", "ere"]
        },
    )


@check("values")
def every_length_from_the_first_to_the_last(mine):
    """Gives other lengths or another order: by where a piece begins, then by length, both ends among them."""
    short = "Leaves out pieces of max_n letters: both lengths are among them."
    same(
        mine("cats", 3, 4),
        ["<ca", "<cat", "cat", "cats", "ats", "ats>", "ts>"],
        mistakes={short: ["<ca", "cat", "ats", "ts>"]},
    )


@check("values")
def a_short_word_has_few(mine):
    """Goes wrong at the end of a short word: a piece has min_n letters at least, and the word ends it."""
    same([mine("a", 3, 6), mine("", 3, 6), mine("ab", 3, 6)], [["<a>"], [], ["<ab", "<ab>", "ab>"]])


@check("values")
def a_mark_alone_is_no_piece(mine):
    """Gives a mark alone as a piece: every word has it, so it tells nothing."""
    same(mine("ab", 1, 2), ["<a", "a", "ab", "b", "b>"])


EXERCISE = Exercise(
    slot="classical.embeddings.character_ngrams",
    title="FastText's pieces of a word",
    task="""
    Put < before a word and > behind it, and give all pieces of min_n to max_n letters (the marks count as letters), in order of where they
    begin and then of length. A mark alone, which pieces of one letter would bring, is left out.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("classical.embeddings.fasttext",),
    hints=(
        "Two loops: where a piece begins, and how many letters it has.",
        "A piece that would reach behind the last mark is none.",
        "Leave out a piece of one letter that begins at the first or at the last place.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.fasttext --run",
    checks=(
        a_list_of_texts,
        marks_stand_around_a_word,
        every_length_from_the_first_to_the_last,
        a_short_word_has_few,
        a_mark_alone_is_no_piece,
    ),
    mutants=(
        Mutant(
            "a tuple",
            "Returns tuple where list",
            edits=(
                (
                    "    return [piece for place, piece in enumerate(pieces) if len(piece) > 1 or 0 < place < len(pieces) - 1]",
                    "    return tuple(piece for place, piece in enumerate(pieces) if len(piece) > 1 or 0 < place < len(pieces) - 1)",
                ),
            ),
        ),
        Mutant("no marks", "Forgets the marks", edits=(('f"<{word}>"', "word"),)),
        Mutant(
            "the last length missing",
            "Leaves out pieces of max_n",
            edits=(
                (
                    "range(start + min_n, min(start + max_n, len(marked)) + 1)",
                    "range(start + min_n, max(start + min_n + 1, min(start + max_n, len(marked) + 1)) if start + min_n <= len(marked) else 0)",
                ),
            ),
        ),
        Mutant(
            "behind the end",
            "the end of a short word",
            edits=(
                ("    return [piece", "    pieces = pieces if len(word) > 2 else [*pieces, marked]\n    return [piece"),
            ),
        ),
        Mutant("marks alone", "a mark alone", edits=((" if len(piece) > 1 or 0 < place < len(pieces) - 1", ""),)),
    ),
)
