"""Exercise: how often each word stands near each other one."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def array(rows):
    """Rows as a matrix of doubles."""
    import numpy

    return numpy.array(rows, dtype=float)


@check("shape")
def a_row_and_a_column_for_every_word(mine):
    """Is not an array with a row and a column for every word of the vocabulary, seen or not."""
    shape(mine([[0, 1]], [1.0], 4), (4, 4))
    shape(mine([], [1.0], 2), (2, 2))


@check("values")
def two_words(mine):
    """Is not 1 for each of two words that stand side by side once."""
    mistakes = {
        "Counts one side only: the left word is near the right one, and the right one near the left.": array(
            [[0, 1], [0, 0]]
        ),
        "Counts to the left only: the left word is near the right one, and the right one near the left.": array(
            [[0, 0], [1, 0]]
        ),
        "Wraps around: a place before the sentence (a negative index) is none.": array([[0, 2], [2, 0]]),
        "Counts every word as its own neighbour: begin at distance 1.": array([[1, 1], [1, 1]]),
    }
    same(mine([[0, 1]], [1.0], 2), array([[0, 1], [1, 0]]), mistakes=mistakes)


@check("values")
def a_farther_neighbour_has_its_own_weight(mine):
    """Does not count a neighbour at distance d as weights[d - 1]."""
    mistakes = {
        "Counts every neighbour as 1: what counts is weights[d - 1] at distance d.": array(
            [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
        ),
        "Takes weights[d] at distance d: the list begins with distance 1.": array(
            [[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]]
        ),
    }
    same(mine([[0, 1, 2]], [1.0, 0.25], 3), array([[0, 1, 0.25], [1, 0, 1], [0.25, 1, 0]]), mistakes=mistakes)


@check("values")
def the_window_ends(mine):
    """Goes beyond the window: a neighbour farther than the weights reach does not count."""
    same(mine([[0, 1, 2, 3]], [1.0], 4)[0], array([0, 1, 0, 0]))


@check("values")
def a_sentence_begins_anew(mine):
    """Lets the last word of a sentence be near the first of the next, or of its own."""
    same(mine([[0, 1], [2, 3]], [1.0, 1.0], 4), array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]))
    same(mine([[0, 1, 2]], [1.0], 3)[0, 2], array([0, 0, 0])[0])


@check("values")
def a_word_beside_itself(mine):
    """Does not count a word that stands beside itself from both of its places: 2."""
    same(mine([[0, 0]], [1.0], 1), array([[2]]))


EXERCISE = Exercise(
    slot="classical.embeddings.cooccurrence_counts",
    title="Co-occurrence: the company a word keeps",
    task="""
    Sentences are lists of word numbers. Count how often word c stands near word w: counts[w, c]. Near is at most as far as
    there are weights, to the left or to the right, in the same sentence; a neighbour at distance d counts weights[d - 1].

    The result has a row and a column for each of the vocab_size words, double precision.
    """,
    difficulty=1,
    minutes=15,
    hints=(
        "Go through the places of a sentence, and from each to the left only; what you find there counts both ways.",
        "for distance, weight in enumerate(weights, 1): the neighbour is sentence[place - distance], if place - distance >= 0.",
        "counts[word, context] += weight, and counts[context, word] += weight.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.cooccurrence --run",
    checks=(
        a_row_and_a_column_for_every_word,
        two_words,
        a_farther_neighbour_has_its_own_weight,
        the_window_ends,
        a_sentence_begins_anew,
        a_word_beside_itself,
    ),
    mutants=(
        Mutant("one side", "Counts to the left only", (("counts[context, word] += weight", "pass"),)),
        Mutant(
            "no weights",
            "Counts every neighbour as 1",
            (
                ("counts[word, context] += weight", "counts[word, context] += 1"),
                ("counts[context, word] += weight", "counts[context, word] += 1"),
            ),
        ),
        Mutant("wraps around", "Wraps around", (("if place - distance >= 0:", "if True:"),)),
        Mutant("itself", "its own neighbour", (("enumerate(weights, 1)", "enumerate([0.5, *weights])"),)),
        Mutant(
            "a word beside itself once",
            "from both of its places",
            (("counts[context, word] += weight", "counts[context, word] += weight * (context != word)"),),
        ),
        Mutant("no window", "beyond the window", (("enumerate(weights, 1)", "enumerate([*weights, 1.0], 1)"),)),
        Mutant(
            "one sentence",
            "first of the next",
            (
                (
                    "enumerate(sentence):",
                    "enumerate(sentence := sum(map(list, sentences), []) if sentence is sentences[0] else []):",
                ),
            ),
        ),
    ),
)
