"""Exercise: a matrix product by tiles."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, same, shape


def matrix(rows, columns, first=1.0):
    """Small whole numbers, which float32 adds exactly."""
    import numpy as np

    return (np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) + np.float32(first)) % 7


@check("shape")
def rows_of_the_left_columns_of_the_right(mine):
    """The result has not the rows of the left and the columns of the right matrix."""
    shape(mine(matrix(2, 4), matrix(4, 6), 2), (2, 6))


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype than the matrices have."""
    import numpy as np

    dtype(mine(matrix(2, 2), matrix(2, 2), 2), np.dtype(np.float32))


@check("invariant")
def no_product_is_larger_than_a_tile(mine):
    """Multiplies more than a tile at once: the shared memory of a block holds `tile` rows and columns of each matrix."""
    import numpy as np

    class Watched(np.ndarray):
        """An array that says how large a product it is asked for."""

        def __array_ufunc__(self, ufunc, method, *inputs, out=None, **named):
            plain = [one.view(np.ndarray) if isinstance(one, np.ndarray) else one for one in inputs]
            if ufunc is np.matmul and max(max(one.shape, default=1) for one in plain) > 2:
                raise Failed(expected="products of at most 2 x 2", got=" @ ".join(str(one.shape) for one in plain))
            if out is not None:
                named["out"] = tuple(one.view(np.ndarray) for one in out)
            return getattr(ufunc, method)(*plain, **named)

    mine(matrix(4, 4).view(Watched), matrix(4, 4).view(Watched), 2)


@check("values")
def one_tile(mine):
    """Is not the product where everything fits into one tile."""
    same(mine(matrix(2, 2), matrix(2, 2), 2), matrix(2, 2) @ matrix(2, 2))


@check("values")
def tiles_that_fit(mine):
    """Is not the product where tiles fit evenly."""
    left, right = matrix(4, 4), matrix(4, 4, 3.0)
    mistakes = {
        "Keeps only the last step along the shared axis: add the products of all steps.": left[:, 2:] @ right[2:],
        "Keeps only the first step along the shared axis: walk over all of it.": left[:, :2] @ right[:2],
    }
    same(mine(left, right, 2), left @ right, mistakes=mistakes)


@check("values")
def sizes_that_no_tile_divides(mine):
    """Loses what hangs over the edge: rows, columns or steps that no tile divides, or a whole matrix that is smaller than one."""
    for rows, depth, columns, tile in ((5, 4, 4, 2), (4, 4, 5, 2), (4, 5, 4, 2), (3, 5, 7, 2), (2, 3, 2, 16)):
        left, right = matrix(rows, depth), matrix(depth, columns, 2.0)
        same(mine(left, right, tile), left @ right)


STEP = "result[row : row + tile, column : column + tile] += of_left @ of_right"

EXERCISE = Exercise(
    slot="machine.kernels.tiled_matmul",
    title="A matrix product by tiles",
    task="""
    A block of threads owns one square tile of the result, `tile` rows and columns of it. It walks along the axis that both matrices share:
    at each step it takes a tile of the left matrix (its own rows, these steps) and one of the right (these steps, its own columns), and adds
    their product to what it has. Every number that it brings serves a whole row or column of the tile.

    Do it in NumPy with three loops over tiles. Slices stop at a matrix's edge by themselves, so sizes that no tile divides need nothing more.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("machine.kernels.tree_sum",),
    hints=(
        "The result begins as zeros, in the dtype of the left matrix; range(0, rows, tile) are the first rows of the tiles.",
        "left[row : row + tile, step : step + tile] is the left tile; the right one has the steps first.",
        "result[row : row + tile, column : column + tile] += of_left @ of_right, for every step.",
    ),
    run="groundup --mine my learn lesson machine.kernels.cuda.blocks",
    checks=(
        rows_of_the_left_columns_of_the_right,
        the_dtype_stays,
        no_product_is_larger_than_a_tile,
        one_tile,
        tiles_that_fit,
        sizes_that_no_tile_divides,
    ),
    mutants=(
        Mutant("transposed", "has not the rows", (("return result", "return result.T"),)),
        Mutant("double precision", "another dtype", ((", left.dtype)", ")"),)),
        Mutant(
            "all steps at once",
            "more than a tile",
            source="""
            import numpy as np

            def tiled_matmul(left, right, tile):
                result = np.zeros((left.shape[0], right.shape[1]), left.dtype)
                for row in range(0, left.shape[0], tile):
                    for column in range(0, right.shape[1], tile):
                        at = slice(row, row + tile), slice(column, column + tile)
                        result[at] = left[at[0]] @ right[:, at[1]]
                return result
            """,
        ),
        Mutant("number by number", "fits into one tile", ((STEP, STEP.replace("@", "*")),)),
        Mutant("the last step", "only the last step", ((STEP, STEP.replace("+=", "=")),)),
        Mutant(
            "the first step",
            "only the first step",
            (("range(0, left.shape[1], tile)", "range(0, min(tile, left.shape[1]), tile)"),),
        ),
        Mutant("whole tiles", "hangs over the edge", (("range(0, rows, tile)", "range(0, rows - tile + 1, tile)"),)),
    ),
)
