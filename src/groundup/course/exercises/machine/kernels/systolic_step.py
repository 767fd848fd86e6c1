"""Exercise: one clock of a systolic array."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def grid(*rows):
    """Numbers of a grid."""
    import numpy as np

    return np.array(rows, float)


@check("shape")
def two_grids(mine):
    """Does not give the numbers and the sums of the grid, each (rows, columns)."""
    import numpy as np

    numbers, sums = mine(np.ones((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)), np.ones(2))
    shape(numbers, (2, 3))
    shape(sums, (2, 3))


@check("values")
def numbers_move_to_the_right(mine):
    """Does not move the numbers one cell to the right, with what enters at the left."""
    numbers, _ = mine(grid([1, 1], [1, 1]), grid([5, 6], [7, 8]), grid([0, 0], [0, 0]), grid([1, 2])[0])
    same(
        numbers,
        grid([1, 5], [2, 7]),
        mistakes={
            "Leaves the numbers where they are: each hands its own on.": grid([5, 6], [7, 8]),
            "Moves the numbers to the left.": grid([6, 1], [8, 2]),
            "Moves the numbers down: sums move down, numbers to the right.": grid([1, 2], [5, 6]),
        },
    )


@check("values")
def sums_move_down(mine):
    """Does not add to the sum of the cell above: sums go downwards, a cell a clock."""
    zero = grid([0, 0], [0, 0])
    _, sums = mine(grid([1, 1], [1, 1]), zero, grid([10, 20], [30, 40]), grid([0, 0])[0])
    same(
        sums,
        grid([0, 0], [10, 20]),
        mistakes={
            "Keeps each sum in its cell: then every cell would need a way out.": grid([10, 20], [30, 40]),
            "Lets what left below come in again above: the top row starts with 0.": grid([30, 40], [10, 20]),
            "Moves the sums upwards.": grid([30, 40], [0, 0]),
        },
    )


@check("values")
def all_at_the_same_time(mine):
    """Multiplies the number that a cell held before this clock: the one that has just arrived meets the weight."""
    _, sums = mine(grid([1, 2], [3, 4]), grid([5, 6], [7, 8]), grid([10, 20], [0, 0]), grid([1, 2])[0])
    same(
        sums,
        grid([1, 10], [16, 48]),
        mistakes={
            "Gives the lower row the sum that the upper one made in the same clock: it comes one clock later.": grid(
                [1, 10], [7, 38]
            ),
            "Adds the products and leaves the sums from above out.": grid([1, 10], [6, 28]),
        },
    )


@check("values")
def a_whole_product(mine):
    """Does not come to X W when it is repeated clock after clock."""
    import numpy as np

    x, weights = np.arange(6.0).reshape(3, 2), np.arange(1.0, 5.0).reshape(2, 2)
    numbers, sums, found = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((3, 2))
    for clock in range(5):
        entering = np.array([x[clock - k, k] if 0 <= clock - k < 3 else 0.0 for k in range(2)])
        numbers, sums = mine(weights, numbers, sums, entering)
        for n in range(2):
            if 0 <= clock - n - 1 < 3:
                found[clock - n - 1, n] = sums[-1, n]
    same(found, x @ weights)


EXERCISE = Exercise(
    slot="machine.kernels.systolic_step",
    title="One clock of a TPU",
    task="""
    Cells stand in a grid, and each holds a weight. In every clock each cell takes the number of its left neighbour (the leftmost
    ones what is `entering`) and the sum of the cell above (the top ones 0), adds number * weight to the sum, and holds both for its
    neighbours on the right and below, which get them in the next clock. All cells do this at the same time.

    weights, numbers and sums are (rows, columns), as the grid holds them before the clock; entering is (rows,). Give back numbers
    and sums after it.
    """,
    difficulty=2,
    minutes=20,
    hints=(
        "First the numbers: a column enters at the left, and the last one is dropped. np.concatenate([...], axis=1) does it.",
        "The sums from above: a row of zeros at the top, and the last row is dropped, since it leaves the grid.",
        "return arrived, above + arrived * weights",
    ),
    run="groundup --mine my learn lesson machine.kernels.tpu",
    checks=(two_grids, numbers_move_to_the_right, sums_move_down, all_at_the_same_time, a_whole_product),
    mutants=(
        Mutant("sums alone", "numbers and the sums", (("return arrived, above + arrived * weights", "return above, (above + arrived * weights)[0]"),)),
        Mutant("numbers stay", "Leaves the numbers", (("return arrived, above", "return numbers, above"),)),
        Mutant("to the left", "to the left", (("np.concatenate([entering[:, None], numbers[:, :-1]], axis=1)",
                                              "np.concatenate([numbers[:, 1:], entering[:, None]], axis=1)"),)),
        Mutant("sums stay", "Keeps each sum", (("np.concatenate([np.zeros_like(sums[:1]), sums[:-1]])", "sums"),)),
        Mutant("round again", "come in again above", (("np.zeros_like(sums[:1])", "sums[-1:]"),)),
        Mutant("upwards", "upwards", (("[np.zeros_like(sums[:1]), sums[:-1]]", "[sums[1:], np.zeros_like(sums[:1])]"),)),
        Mutant("the old number", "held before this clock", (("above + arrived * weights", "above + numbers * weights"),)),
        Mutant("no sums", "sum of the cell above", (("above + arrived * weights", "arrived * weights"),)),
    ),
)  # fmt: skip
