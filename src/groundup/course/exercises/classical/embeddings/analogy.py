"""Exercise: a is to b as c is to which word?"""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


def unit(*rows):
    """Rows made one long."""
    import numpy

    table = numpy.array(rows, dtype=float)
    return table / numpy.sqrt((table**2).sum(axis=1, keepdims=True))


def by_hand(table, a, b, c, multiply):
    """Word after word."""
    best, found = -1e9, -1
    for d, row in enumerate(table):
        to_a, to_b, to_c = (float(row @ table[one]) for one in (a, b, c))
        score = (to_b + 1) / 2 * (to_c + 1) / 2 / ((to_a + 1) / 2 + 0.001) if multiply else to_b + to_c - to_a
        if d not in (a, b, c) and score > best:
            best, found = score, d
    return found


def random_table(seed=0):
    """Forty vectors, the same at every call."""
    import numpy

    return unit(*numpy.random.default_rng(seed).normal(size=(40, 5)))


def questions(count=40):
    """Three different rows each."""
    import numpy

    source = numpy.random.default_rng(1)
    return [tuple(int(row) for row in source.permutation(40)[:3]) for _ in range(count)]


@check("shape")
def a_row_number(mine):
    """Is not the number of a row as an int."""
    got = mine(random_table(), 0, 1, 2)
    same(type(got).__name__, "int")


@check("invariant")
def the_three_are_no_answer(mine):
    """Answers with one of the three words asked about: b or c itself is nearly always nearest, and says nothing."""
    table = unit([1, 0, 0.1], [1, 0.1, 0], [1, 0.05, 0.05], [-1, 1, 1])
    same(mine(table, 0, 1, 2), 3)
    same(mine(table, 0, 1, 2, True), 3)


@check("values")
def king_and_queen(mine):
    """Does not find the queen: man is to woman as king is to queen."""
    # columns: person, royal, female
    table = unit([1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1], [1, 0, -1], [0, 1, -1])
    for multiply in (False, True):
        mistakes = {
            "Goes the wrong way: from a to b is + b - a, so a is what is subtracted (or divided by).": mine_wrong(table)
        }
        same(mine(table, 0, 1, 2, multiply), 3, mistakes=mistakes)


def mine_wrong(table):
    """What the step from b to a would give."""
    return by_hand(table, 1, 0, 2, False)


@check("values")
def add_as_by_hand(mine):
    """Is not the row with the largest d . b + d . c - d . a."""
    for a, b, c in questions():
        same(mine(random_table(), a, b, c), by_hand(random_table(), a, b, c, False))


@check("values")
def multiply_as_by_hand(mine):
    """Is not, with `multiply`, the row with the largest d'b * d'c / (d'a + 0.001), each cosine moved to 0..1 by (cosine + 1) / 2."""
    got = [mine(random_table(), *question, True) for question in questions()]
    plain = [by_hand(*(random_table(), *question, False)) for question in questions()]
    that(got != plain, "Gives with `multiply` what it gives without.", expected="other answers to some", got=got[:9])
    for a, b, c in questions():
        same(mine(random_table(), a, b, c, True), by_hand(random_table(), a, b, c, True))


@check("speed")
def all_words_at_once(mine):
    """Is far slower than the reference: one product of the table with three vectors gives all cosines."""
    import numpy

    from groundup.classical.embeddings.evaluation.scores import analogy

    table = unit(*numpy.random.default_rng(2).normal(size=(3000, 20)))
    fast(mine, analogy, (table, 0, 1, 2))


EXERCISE = Exercise(
    slot="classical.embeddings.analogy",
    title="Analogies: the fourth word",
    task="""
    Man is to woman as king is to ...? `unit` has a vector of length 1 in each row, a, b and c are rows. Find the row d that is
    near b and near c and not near a: the largest d . b + d . c - d . a. With `multiply`, move each cosine to between 0 and 1
    by (cosine + 1) / 2 and take the largest d'b * d'c / (d'a + 0.001), so that no single closeness decides alone.

    The answer is none of a, b and c, and an int. The table stays as it is.
    """,
    difficulty=2,
    minutes=20,
    hints=(
        "One product gives every word's cosine with a, b and c: unit @ unit[[a, b, c]].T.",
        "Put -inf at the three words themselves before you look for the largest.",
        "scores = to_b + to_c - to_a; scores[[a, b, c]] = -numpy.inf; int(scores.argmax())",
    ),
    run="groundup --mine my learn lesson classical.embeddings.evaluation.scores --run",
    checks=(
        a_row_number,
        the_three_are_no_answer,
        king_and_queen,
        add_as_by_hand,
        multiply_as_by_hand,
        all_words_at_once,
    ),
    mutants=(
        Mutant("a number of NumPy's", "Returns int64", (("int(scores.argmax())", "scores.argmax()"),)),
        Mutant("the three may answer", "one of the three words", (("scores[[a, b, c]] = -np.inf", "pass"),)),
        Mutant("the wrong way", "Goes the wrong way", (("to_a, to_b, to_c =", "to_b, to_a, to_c ="),)),
        Mutant(
            "nothing subtracted", "largest d . b + d . c - d . a", (("to_b + to_c - to_a", "to_b + to_c - 0.6 * to_a"),)
        ),
        Mutant("multiply ignored", "what it gives without", (("if multiply:", "if False:"),)),
        Mutant(
            "cosines not moved",
            "moved to 0..1",
            (
                (
                    "(to_b + 1) / 2 * ((to_c + 1) / 2) / ((to_a + 1) / 2 + 0.001)",
                    "np.where((to_b > 0) & (to_c > 0), to_b * to_c, -1.0) / (abs(to_a) + 0.001)",
                ),
            ),
        ),
        Mutant(
            "table changed",
            "Changes its argument unit in place",
            (("scores[[a, b, c]] = -np.inf", "scores[[a, b, c]] = -np.inf\n    unit *= -1"),),
        ),
    ),
)
