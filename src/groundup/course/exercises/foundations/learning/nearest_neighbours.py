"""Exercise: ask the most similar examples."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    LINE = np.array([[0.0], [1.0], [2.0], [10.0]])
    return LINE


def answers(got):
    """The classes as a list."""
    import numpy as np

    return np.asarray(got).tolist()


@check("shape")
def one_answer_a_query(mine):
    """Gives another number of answers than there are queries."""
    import numpy as np

    LINE = given()

    for queries in (1, 3):
        shape(mine(LINE, np.array([0, 0, 1, 1]), LINE[:queries] + 0.2, 1), (queries,))


@check("invariant")
def one_neighbour_repeats_what_it_has_seen(mine):
    """Does not find an example itself when asked for it with k = 1: its distance is 0, and the nearest come first."""
    import numpy as np

    LINE = given()

    labels = np.array([5, 6, 7, 8])
    far = "Asks the farthest examples: the smallest distances come first."
    same(
        answers(mine(LINE, labels, LINE, 1)),
        labels.tolist(),
        mistakes={
            far: [8, 8, 8, 5],
            "Gives the places of the classes: the classes themselves are wanted.": [0, 1, 2, 3],
        },
    )


@check("values")
def most_votes_win(mine):
    """Does not let k examples vote."""
    import numpy as np

    LINE = given()

    labels = np.array([1, 0, 0, 1])
    few = "Lets the nearest one alone decide: all k vote."
    same(answers(mine(LINE, labels, np.array([[0.1]]), 3)), [0], mistakes={few: [1]})
    more = "Lets more than k examples vote."
    same(answers(mine(LINE, np.array([1, 0, 0, 0]), np.array([[-1.0]]), 1)), [1], mistakes={more: [0]})


@check("values")
def distance_is_euclidean(mine):
    """Measures the distance otherwise: it is the root of the sum of squares over all features."""
    import numpy as np

    x, labels = np.array([[1.0, 9.0], [2.0, 0.0]]), np.array([0, 1])
    same(answers(mine(x, labels, np.zeros((1, 2)), 1)), [1], mistakes={"Looks at the first feature only.": [0]})
    x = np.array([[3.0, 3.0], [0.0, 5.0]])
    same(
        answers(mine(x, labels, np.zeros((1, 2)), 1)),
        [0],
        mistakes={"Adds up the differences without squaring them.": [1]},
    )


@check("values")
def of_equal_votes_the_first_class(mine):
    """Decides equal votes otherwise: the first class in sorted order wins, whoever is nearer."""
    import numpy as np

    LINE = given()

    for labels in ([0, 1], [1, 0]):
        same(answers(mine(LINE[:2], np.array(labels), np.array([[0.1]]), 2)), [0])


@check("values")
def of_equal_distances_the_first_example(mine):
    """Decides equal distances otherwise: the example that stands first counts as nearer, so the sort must be stable."""
    import numpy as np

    for labels in ([0, 1], [1, 0]):
        same(answers(mine(np.array([[1.0], [-1.0]]), np.array(labels), np.zeros((1, 1)), 1)), labels[:1])


@check("values")
def classes_may_be_words(mine):
    """Cannot answer with words: labels may be strings."""
    import numpy as np

    LINE = given()

    got = answers(mine(LINE, np.array(["cat", "cat", "dog", "dog"]), np.array([[9.0], [0.4]]), 1))
    that(got == ["dog", "cat"], expected=["dog", "cat"], got=got)


@check("values")
def as_by_hand(mine):
    """Differs from sorting and counting by hand."""
    import numpy as np

    source = np.random.default_rng(0)
    x, labels, queries = (
        source.normal(size=(9, 2)).round(2),
        source.integers(0, 3, 9),
        source.normal(size=(3, 2)).round(2),
    )
    for k in (1, 4, 9):
        expected = []
        for query in queries:
            near = sorted(range(9), key=lambda row: float(((x[row] - query) ** 2).sum()))[:k]
            votes = [int(labels[row]) for row in near]
            expected.append(min(range(3), key=lambda one: (-votes.count(one), one)))
        same(answers(mine(x, labels, queries, k)), expected)


SORTED = 'squared_distances(asked, table).argsort(axis=1, kind="stable")[:, :k]'

EXERCISE = Exercise(
    slot="foundations.learning.nearest_neighbours",
    title="k nearest neighbours",
    task="""
    The simplest way to learn is to remember. For each query find the k examples that are nearest, and answer with the
    class that most of them have. Retrieval works like this, and so do language models that look up similar contexts.
    Where two classes have equally many votes, the first in sorted order is the answer; where two examples are equally
    near, the one that stands first in x is nearer.

    `nearest_rows` is yours too, if you want to use it: for each query the numbers of the k nearest rows.
    `squared_distances` and `with_classes` (the classes in sorted order, and each label's place among them) are given.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.learning.supervised",),
    hints=(
        "Three steps for each query: distances to all examples, the k smallest, the commonest class among those.",
        "argsort(kind='stable') gives the places from the smallest distance on and keeps the order of equal ones. The root is not needed to sort.",
        "Give each class a place (with_classes), turn the k neighbours' places into rows with one 1 (one_hot), add them up: argmax is the first largest.",
    ),
    run="groundup --mine my learn lesson foundations.learning.supervised.neighbours --run",
    written=("nearest_rows",),
    checks=(
        one_answer_a_query,
        one_neighbour_repeats_what_it_has_seen,
        most_votes_win,
        distance_is_euclidean,
        of_equal_votes_the_first_class,
        of_equal_distances_the_first_example,
        classes_may_be_words,
        as_by_hand,
    ),
    mutants=(
        Mutant(
            "the farthest", "Asks the farthest", ((SORTED, f"(-{SORTED[: SORTED.index('.')]}).argsort(axis=1)[:, :k]"),)
        ),
        Mutant(
            "places of the classes", "Gives the places", (("classes[votes.argmax(axis=1)]", "votes.argmax(axis=1)"),)
        ),
        Mutant("only the nearest votes", "Lets the nearest one alone", (("[:, :k]", "[:, :1]"),)),
        Mutant(
            "sum of differences",
            "without squaring",
            ((SORTED, 'abs(asked[:, None] - table).sum(axis=2).argsort(axis=1, kind="stable")[:, :k]'),),
        ),
        Mutant(
            "one feature",
            "first feature only",
            (("squared_distances(asked, table)", "squared_distances(asked[:, :1], table[:, :1])"),),
        ),
        Mutant(
            "the last class",
            "Decides equal votes otherwise",
            (("votes.argmax(axis=1)", "len(classes) - 1 - votes[:, ::-1].argmax(axis=1)"),),
        ),
        Mutant(
            "the last example",
            "Decides equal distances otherwise",
            ((SORTED, 'len(table) - 1 - squared_distances(asked, table[::-1]).argsort(axis=1, kind="stable")[:, :k]'),),
        ),
        Mutant(
            "one answer for all",
            "another number of answers",
            (("return classes[votes.argmax(axis=1)]", "return classes[votes.sum(axis=0).argmax()][None]"),),
        ),
    ),
)
