"""Exercise: the best approximation of a matrix with few numbers."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(rows, columns):
    """A matrix, the same at every call."""
    import numpy

    return numpy.random.default_rng(rows + 10 * columns).normal(size=(rows, columns))


SIZES = ((1, 1), (2, 2), (2, 3), (3, 2), (5, 4))


@check("shape")
def a_matrix_of_the_same_shape(mine):
    """Gives the factors, or another shape: the product itself is wanted, as large as the matrix."""
    for size in SIZES:
        shape(mine(case(*size), 1), size)


@check("invariant")
def no_higher_rank(mine):
    """Keeps too many terms: the rank of the result is at most `rank`."""
    import numpy

    for size in SIZES:
        for rank in range(min(size) + 1):
            got = numpy.linalg.svd(mine(case(*size), rank), compute_uv=False)
            that((got > 1e-9).sum() <= rank, expected=f"at most {rank} singular values above 0", got=got)


@check("invariant")
def full_rank_is_the_matrix(mine):
    """Does not give the matrix itself when all terms are kept."""
    for size in SIZES:
        same(mine(case(*size), min(size)), case(*size), rtol=1e-9, atol=1e-10)


@check("values")
def the_largest_are_kept(mine):
    """Keeps other terms than the largest: the singular values come sorted, and the first ones weigh most."""
    same(mine(array([[3, 0], [0, 1]]), 1), array([[3, 0], [0, 0]]), atol=1e-9)
    same(mine(array([[1, 0, 0], [0, 3, 0], [0, 0, 2]]), 2), array([[0, 0, 0], [0, 3, 0], [0, 0, 2]]), atol=1e-9)


@check("values")
def nothing_is_nearer(mine):
    """Is not the nearest: its distance is more than the root of the sum of squares of the singular values that are left out."""
    import numpy

    for size in SIZES:
        s = numpy.linalg.svd(case(*size), compute_uv=False)
        for rank in range(min(size) + 1):
            distance = float(numpy.linalg.norm(case(*size) - mine(case(*size), rank)))
            same(distance, float(numpy.sqrt((s[rank:] ** 2).sum())), rtol=1e-8, atol=1e-9)


@check("values")
def ranks_that_cannot_be_are_refused(mine):
    """Takes a rank below 0 or above min(rows, columns), where slices silently count from the end: raise InputError."""
    from groundup.errors import InputError

    for rank in (-1, 3):
        try:
            got = mine(array([[1, 2, 3], [4, 5, 7]]), rank)
        except InputError:
            continue
        raise Failed(expected="InputError", got=str(got.tolist()))


EXERCISE = Exercise(
    slot="foundations.linalg.low_rank",
    title="Low rank: most of a matrix in few numbers",
    task="""
    A = s_1 u_1 v_1' + s_2 u_2 v_2' + ..., each term a matrix of rank 1, the heaviest first. Keep the first `rank` terms:
    no matrix of that rank is nearer to A, by the spectral norm as by the sum of squares (Eckart and Young 1936). A picture, a
    table of word counts, the change that fine-tuning makes to a weight: most of it often lies in a few terms, and they
    take rank (m + n + 1) numbers in place of m n.

    `jacobi_svd(matrix)` gives U, s and V'. A rank that cannot be is an InputError.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.linalg.svd",),
    hints=(
        "The columns of U and the rows of V' belong together in pairs; the first `rank` of each are what stays.",
        "(u * s) multiplies every column of u by its own s: no diagonal matrix is needed.",
        "(u[:, :rank] * s[:rank]) @ vt[:rank], after a test that 0 <= rank <= min(matrix.shape).",
    ),
    run="groundup --mine my learn lesson foundations.linalg.svd",
    checks=(
        a_matrix_of_the_same_shape,
        no_higher_rank,
        full_rank_is_the_matrix,
        the_largest_are_kept,
        nothing_is_nearer,
        ranks_that_cannot_be_are_refused,
    ),
    mutants=(
        Mutant(
            "a factor",
            "Gives the factors",
            (
                ("(u[:, :rank] * s[:rank]) @ vt[:rank]", "np.column_stack([u[:, :rank] * s[:rank], u])"),
                ("from numpy.typing", "import numpy as np\nfrom numpy.typing"),
            ),
        ),
        Mutant(
            "one term too many",
            "Keeps too many terms",
            (("(u[:, :rank] * s[:rank]) @ vt[:rank]", "(u[:, : rank + 1] * s[: rank + 1]) @ vt[: rank + 1]"),),
        ),
        Mutant("roots of the values", "the matrix itself when all terms", (("* s[:rank]", "* s[:rank] ** 0.5"),)),
        Mutant(
            "the smallest kept",
            "other terms than the largest",
            (
                (
                    "(u[:, :rank] * s[:rank]) @ vt[:rank]",
                    "(u[:, len(s) - rank :] * s[len(s) - rank :]) @ vt[len(s) - rank :]",
                ),
            ),
        ),
        Mutant(
            "the first rows kept",
            "Is not the nearest",
            source="""
            import numpy as np

            from groundup.foundations.linalg.svd import jacobi_svd


            def low_rank(matrix, rank):
                kept = np.argsort(-(matrix**2).sum(axis=1), kind="stable")[:rank]
                if rank == min(matrix.shape):
                    return matrix.copy()
                found = np.zeros_like(matrix)
                found[kept] = matrix[kept]
                return found
            """,
        ),
        Mutant("any rank taken", "Takes a rank below 0", (("if not 0 <= rank <= min(matrix.shape)", "if False"),)),
    ),
)
