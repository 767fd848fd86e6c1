"""Exercise: ids as rows of zeros with a single one."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def by_hand(ids, size):
    """Row by row, number by number."""
    import numpy as np

    rows = np.zeros((len(ids), size), np.float32)
    for row, id in enumerate(ids):
        rows[row, id] = 1
    return rows


@check("shape")
def a_row_an_id(mine):
    """Has another shape: one row for each id and one column for each token of the vocabulary, also without any id."""
    for ids, size in (([0], 2), ([1, 0, 1], 2), ([], 3)):
        shape(mine(ids, size), (len(ids), size))


@check("dtype")
def numbers_that_can_be_multiplied(mine):
    """Gives other numbers than float32: truth values or integers do not train."""
    import numpy as np

    dtype(mine([1], 2), np.float32)


@check("invariant")
def one_one_a_row(mine):
    """Has rows that do not sum to 1: exactly one place of each is 1, all others 0, also where an id comes twice."""
    import numpy as np

    for ids in ([0], [1, 1], [2, 0, 2]):
        same(mine(ids, 3).sum(axis=1), np.ones(len(ids), np.float32))


@check("values")
def the_place_is_the_id(mine):
    """Puts the one at another place than the id: ids count from 0."""
    for ids in ([0], [1], [2, 0, 1]):
        same(mine(ids, 3), by_hand(ids, 3))


@check("values")
def times_a_table_it_is_a_row(mine):
    """Does not pick the row of a table when multiplied with it."""
    import numpy as np

    table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
    for ids in ([2], [0, 2, 2]):
        same(np.asarray(mine(ids, 3)) @ table, table[ids])


@check("values")
def an_id_outside_is_refused(mine):
    """Takes an id outside the vocabulary and gives a row of zeros, or counts -1 from the end: raise an InputError."""
    from groundup.course.exercise import Failed
    from groundup.errors import InputError

    for ids in ([3], [-1]):
        try:
            got = mine(ids, 3)
        except InputError:
            continue
        raise Failed(expected="an InputError", got=str(got))


@check("speed")
def all_rows_at_once(mine):
    """Is far slower than the reference: compare all ids with all places at once, without a loop in Python."""
    import numpy as np

    from groundup.text.preprocess.one_hot import one_hot

    fast(mine, one_hot, (np.arange(3000) % 20, 20), times=8)


EXERCISE = Exercise(
    slot="text.preprocess.one_hot",
    title="One-hot: an id as a row",
    task="""
    A vocabulary numbers its tokens, but a number says that token 7 is nearer to 8 than to 900, which means nothing. A one-hot row
    spells an id without that: zeros, and a one at the id's place. Give one row for each id, float32, and refuse ids outside 0 to
    size - 1 with groundup.errors.InputError. Times a matrix such a row picks one row of it, which is all an embedding does.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("text.preprocess.one_hot",),
    hints=(
        "np.arange(size) holds every place; a row is where it equals the id.",
        "Give the ids a last axis of length 1, ids[..., None], and the comparison makes a row for each.",
        "The comparison gives truth values: .astype(np.float32). An empty list needs np.zeros(0, np.int64) to begin with.",
    ),
    run="groundup --mine my learn lesson text.preprocess.one_hot --run",
    checks=(
        a_row_an_id,
        numbers_that_can_be_multiplied,
        one_one_a_row,
        the_place_is_the_id,
        times_a_table_it_is_a_row,
        an_id_outside_is_refused,
        all_rows_at_once,
    ),
    mutants=(
        Mutant(
            "turned over",
            "another shape",
            edits=(
                (
                    "(places[..., None] == np.arange(size)).astype(np.float32)",
                    "(places[..., None] == np.arange(size)).astype(np.float32).T",
                ),
            ),
        ),
        Mutant("truth values", "other numbers than float32", edits=((".astype(np.float32)", ""),)),
        Mutant(
            "up to the id",
            "do not sum to 1",
            edits=(("places[..., None] == np.arange", "places[..., None] >= np.arange"),),
        ),
        Mutant(
            "from the other end",
            "another place than the id",
            edits=(("np.arange(size)).astype", "np.arange(size)[::-1]).astype"),),
        ),
        Mutant("ids outside taken", "Takes an id outside", edits=(("if places.size and not", "if False and not"),)),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "    return (places",
                    "    for place in places.ravel().tolist() * 9:\n        np.arange(size) == place\n    return (places",
                ),
            ),
        ),
    ),
)
