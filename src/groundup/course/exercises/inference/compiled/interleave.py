"""Exercise: sixteen rows side by side."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def rows(count, columns):
    """A matrix whose number says its place: 100 row + column."""
    import numpy as np

    return 100 * np.arange(count)[:, None] + np.arange(columns)


@check("shape")
def four_axes(mine):
    """Is not (blocks, parts, 16, together): blocks of sixteen rows, parts of `together` columns."""
    shape(mine(rows(32, 8), 4), (2, 2, 16, 4))
    shape(mine(rows(16, 8), 2), (1, 4, 16, 2))


@check("values")
def one_part(mine):
    """Does not hold the first columns of sixteen rows in the first part, a row behind the other."""
    mistakes = {
        "Keeps each row whole: the parts of a row stand behind each other, not beside those of the other rows.": [
            [0, 1],
            [2, 3],
            [4, 5],
        ],
        "Turns the part round: a row's columns stay beside each other.": [[0, 100], [200, 300], [400, 500]],
        "Takes columns that lie apart: a part's columns are neighbours.": [[0, 16], [100, 116], [200, 216]],
    }
    same(mine(rows(16, 32), 2)[0, 0, :3].tolist(), [[0, 1], [100, 101], [200, 201]], mistakes=mistakes)


@check("values")
def the_next_part(mine):
    """Does not go on with the next columns of the same rows."""
    same(mine(rows(16, 4), 2)[0, 1, :2].tolist(), [[2, 3], [102, 103]])


@check("values")
def the_next_block(mine):
    """Does not begin the second block with row 16."""
    mistakes = {"Deals the rows out in turns: a block's rows are neighbours.": [[100, 101], [300, 301]]}
    same(mine(rows(32, 4), 2)[1, 0, :2].tolist(), [[1600, 1601], [1700, 1701]], mistakes=mistakes)


@check("values")
def one_stream(mine):
    """Is a view in the old order: the loop reads memory as it lies, so make it contiguous."""
    same(bool(mine(rows(16, 4), 2).flags.c_contiguous), True)


SPLIT = "rows.reshape(len(rows) // 16, 16, rows.shape[1] // together, together)"

EXERCISE = Exercise(
    slot="inference.compiled.interleave",
    title="Sixteen rows side by side",
    task="""
    A processor's register holds sixteen numbers. If they are sixteen columns of one row, the product with a vector ends in a
    sum across the register, which costs as much as the products. If they are one column of sixteen rows, each lane is a row's
    own sum, and none is needed. So weights are stored that way, in the order in which they will be read.

    rows is (16 n, columns). Give back (n, columns / together, 16, together), contiguous: for each block of sixteen rows, for each
    part of `together` neighbouring columns, the sixteen rows' numbers behind each other.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("machine.numbers.encode_q8_0",),
    hints=(
        "reshape splits the axes without moving a number: (n, 16, parts, together).",
        "Then rows and parts change places: swapaxes(1, 2).",
        "swapaxes gives a view; np.ascontiguousarray writes it down in the new order.",
    ),
    run="groundup --mine my learn lesson inference.compiled.records",
    checks=(four_axes, one_part, the_next_part, the_next_block, one_stream),
    mutants=(
        Mutant("not swapped", "Is not (blocks", ((".swapaxes(1, 2)", ""),)),
        Mutant(
            "rows whole", "Keeps each row whole", ((f"split = {SPLIT}", "split = rows.reshape(-1, rows.shape[1] // together, 16, together).swapaxes(1, 2)"),)
        ),
        Mutant(
            "turned", "Turns the part round",
            (("np.ascontiguousarray(split.swapaxes(1, 2))",
              "np.ascontiguousarray(split.swapaxes(1, 2).swapaxes(2, 3)).reshape(len(split), -1, 16, together)"),),
        ),
        Mutant(
            "columns apart", "Takes columns that lie apart",
            ((SPLIT, "rows.reshape(len(rows) // 16, 16, together, rows.shape[1] // together).swapaxes(2, 3)"),),
        ),
        Mutant(
            "rows in turns", "Deals the rows out",
            ((SPLIT, "rows.reshape(16, len(rows) // 16, rows.shape[1] // together, together).swapaxes(0, 1)"),),
        ),
        Mutant("a view", "Is a view", (("np.ascontiguousarray(split.swapaxes(1, 2))", "split.swapaxes(1, 2)"),)),
    ),
)  # fmt: skip
