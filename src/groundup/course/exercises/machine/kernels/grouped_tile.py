"""Exercise: the order in which programs take tiles, so that neighbours in time share their inputs."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def order(mine, down, across, group):
    """The tiles of all programs, in their order."""
    return [tuple(mine(program, down, across, group)) for program in range(down * across)]


@check("values")
def bands_of_one_row(mine):
    """Is not row after row where a band is one row."""
    expected = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    mistakes = {
        "Begins every band at row 0: the bands before it have `group` rows each.": [(0, 0), (0, 1), (0, 2)] * 2,
        "Goes down columns of the whole grid: a band of one row is finished first.": [
            (r, c) for c in range(3) for r in range(2)
        ],
    }
    same(order(mine, 2, 3, 1), expected, mistakes=mistakes)


@check("values")
def down_a_column_of_the_band(mine):
    """Does not go down the column of tiles of a band before it takes the next column."""
    expected = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 0), (3, 0), (2, 1), (3, 1), (2, 2), (3, 2)]
    mistakes = {
        "Goes along the rows inside a band: go down first, so that a wave is as high as it is broad.": [
            (r, c) for r in range(4) for c in range(3)
        ],
        "Takes a column of tiles from below: begin at the top of the band.": [
            (r + 1 - 2 * (r % 2), c) for r, c in expected
        ],
    }  # fmt: skip
    same(order(mine, 4, 3, 2), expected, mistakes=mistakes)


@check("values")
def the_last_band_may_be_lower(mine):
    """Takes the last band for as high as the others: where `group` does not divide the rows, it has only the rows that are left."""
    same(order(mine, 3, 2, 2), [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1)])
    same(order(mine, 2, 2, 5), [(0, 0), (1, 0), (0, 1), (1, 1)])


@check("values")
def every_tile_once(mine):
    """Some tile has no program, or two."""
    for down, across, group in ((2, 3, 2), (4, 2, 2)):
        same(sorted(order(mine, down, across, group)), [(r, c) for r in range(down) for c in range(across)])


HEIGHT = "height = min(group, down - band * group)"
GIVEN = "return band * group + place % height, place // height"

EXERCISE = Exercise(
    slot="machine.kernels.grouped_tile",
    title="Which tile a program owns",
    task="""
    A matrix product is `down` rows of `across` tiles, and program number 0, 1, 2 ... each makes one of them. Programs with neighbouring
    numbers run at the same time, so they should need the same inputs: a square of tiles needs few strips of the two matrices, a row of
    tiles needs many. So the rows come in bands of `group`: inside a band the programs go down a column of tiles, then to the next column,
    until the band is done. The last band has the rows that are left.

    Give the (row, column) of the tile of program number `program`.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("machine.kernels.tiled_matmul",),
    hints=(
        "How many programs does a whole band have? divmod gives the band and the place in it.",
        "The height of a band is `group`, or what is left: min(group, down - band * group).",
        "Inside a band: the row is place % height, the column place // height; before it stand band * group rows.",
    ),
    run="groundup --mine my learn lesson machine.kernels.triton.tiles",
    checks=(
        bands_of_one_row,
        down_a_column_of_the_band,
        the_last_band_may_be_lower,
        every_tile_once,
    ),
    mutants=(
        Mutant("the wrong way to divide", "Does not go down the column", ((GIVEN, "return band * group + place % height, place % across"),)),
        Mutant("one band", "columns of the whole grid", (("divmod(program, group * across)", "divmod(program, down * across)"), (HEIGHT, "height = down"))),
        Mutant("along the rows", "along the rows", ((GIVEN, "return band * group + place // across, place % across"),)),
        Mutant("from below", "from below", ((GIVEN, "return band * group + height - 1 - place % height, place // height"),)),
        Mutant("every band at the top", "Begins every band", ((GIVEN, "return place % height, place // height"),)),
        Mutant("all as high", "as high as the others", ((HEIGHT, "height = group"),)),
    ),
)  # fmt: skip
