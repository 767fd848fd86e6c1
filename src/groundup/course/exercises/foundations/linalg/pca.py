"""Exercise: the directions in which data varies most."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def array(values):
    """Doubles."""
    import numpy

    return numpy.array(values, dtype=float)


def case(rows, features):
    """Points far from 0 whose spread differs from direction to direction, the same at every call."""
    import numpy

    source = numpy.random.default_rng(rows + 10 * features)
    turn = numpy.linalg.qr(source.normal(size=(features, features)))[0]
    return (source.normal(size=(rows, features)) * 2.0 ** -numpy.arange(features)) @ turn + 5


def by_covariance(data):
    """Variances and directions by the eigenvalues of the covariance matrix, the largest first; the signs are free."""
    import numpy

    values, vectors = numpy.linalg.eigh(numpy.atleast_2d(numpy.cov(data.T)))
    return values[::-1], vectors[:, ::-1].T


SIZES = ((3, 1), (3, 2), (5, 2), (4, 3), (8, 4))


@check("shape")
def a_row_each_direction(mine):
    """Gives other shapes: mean (features,), components (components, features), and a number each component."""
    for rows, features in SIZES:
        for components in range(1, features + 1):
            found = mine(case(rows, features), components)
            shape(found.mean, (features,))
            shape(found.components, (components, features))
            shape(found.explained_variance, (components,))
            shape(found.explained_variance_ratio, (components,))


@check("invariant")
def directions_are_orthonormal(mine):
    """Gives directions that are not orthonormal: they are the rows of V', without the singular values."""
    import numpy

    for rows, features in SIZES:
        directions = mine(case(rows, features), features).components
        product = directions @ directions.T
        that(abs(product - numpy.eye(features)).max() < 1e-9, expected="V'V = I", got=product)


@check("invariant")
def where_the_cloud_stands_does_not_matter(mine):
    """Finds the way from 0 to the data, not how the data varies: take the mean away first."""
    data = array([[0, 1], [0, -1], [0, 3]])
    same(mine(data + array([100, 0]), 1).components, mine(data, 1).components, atol=1e-6)


@check("invariant")
def the_sign_is_fixed(mine):
    """Leaves the sign to chance: the entry of largest size in each direction is to be positive."""
    for data in (
        [[1, 0], [2, 0], [9, 0]],
        [[-9, 0], [-2, 0], [-1, 0]],
        [[4, 3, 3], [3, -4, 3], [4, -2, -3], [-4, 3, 4]],
        [[-4, 2, -3], [-2, 4, -3], [1, -2, -1], [4, -3, 3]],
    ):
        direction = mine(array(data), 1).components[0]
        that(direction[abs(direction).argmax()] > 0, expected="the largest entry above 0", got=direction)


@check("invariant")
def the_largest_entry_decides(mine):
    """Takes the sign from another entry than the one of largest size, whose place differs from direction to direction."""
    for data in ([[1, -2], [2, -4], [4, -8]], [[-2, 1, 3], [-4, 2, 6], [-8, 4, 12]]):
        direction = mine(array(data), 1).components[0]
        that(direction[abs(direction).argmax()] > 0, expected="the largest entry above 0", got=direction)
    for rows, features in SIZES:
        directions = mine(case(rows, features), features).components
        largest = [row[abs(row).argmax()] for row in directions]
        that(all(one > 0 for one in largest), expected="largest entries above 0", got=directions)


@check("values")
def the_mean_is_the_data_s(mine):
    """Gives another mean than that of each feature over all rows."""
    for size in SIZES:
        same(mine(case(*size), 1).mean, case(*size).mean(axis=0))


@check("values")
def the_directions_are_those_of_the_covariance(mine):
    """Finds other directions than the eigenvectors of the covariance matrix, the one of largest variance first."""
    for size in SIZES:
        got, expected = mine(case(*size), 1).components, by_covariance(case(*size))[1][:1]
        same(abs(got @ expected.T), array([[1]]), rtol=1e-6)


@check("values")
def variances_are_with_n_minus_one(mine):
    """Gives other variances than s^2 / (n - 1)."""
    for rows, features in SIZES:
        expected = by_covariance(case(rows, features))[0]
        mistakes = {
            "Divides by n: the variance of a sample has n - 1, as in scikit-learn.": expected * (rows - 1) / rows,
            "Gives standard deviations: the variance is the square.": expected**0.5,
            "Gives the squares of the singular values: divide them by n - 1.": expected * (rows - 1),
        }
        same(mine(case(rows, features), features).explained_variance, expected, rtol=1e-7, mistakes=mistakes)


@check("values")
def the_ratio_is_of_all_variance(mine):
    """Divides by the variance of the components that were asked for: the ratio is of all there is, also of what is left out."""
    for rows, features in SIZES[1:]:
        expected = by_covariance(case(rows, features))[0]
        same(mine(case(rows, features), 1).explained_variance_ratio, expected[:1] / expected.sum(), rtol=1e-7)


@check("values")
def what_cannot_be_is_refused(mine):
    """Answers where there is no answer: one row, more components than rows or features, rows that are all the same: raise InputError."""
    from groundup.errors import InputError

    for data, components in (([[1, 2]], 1), ([[1, 2], [3, 5]], 3), ([[1, 2], [3, 5]], 0), ([[1, 2], [1, 2]], 1)):
        try:
            got = mine(array(data), components)
        except InputError:
            continue
        raise Failed(expected="InputError", got=str(got))


EXERCISE = Exercise(
    slot="foundations.linalg.pca",
    title="PCA: the directions that tell most",
    task="""
    Take the mean away, then X = U S V': the rows of V' are the directions in which the data varies, most first, and
    s^2 / (n - 1) is the variance along each. With two of them, embeddings become a picture.

    Give a PrincipalComponents(mean, components, explained_variance, explained_variance_ratio) with scikit-learn's meaning.
    A direction may point either way; `flip_signs`, which you write too, makes the entry of largest size in each row of V'
    positive, and turns the column of U with it. Refuse what has no answer with InputError.
    """,
    difficulty=2,
    minutes=30,
    prerequisites=("foundations.linalg.low_rank", "foundations.linalg.pca"),
    hints=(
        "mean = data.mean(axis=0), then jacobi_svd(data - mean): no covariance matrix is needed, and small variances stay exact.",
        "largest = numpy.abs(vt).argmax(axis=1) are the places; vt[numpy.arange(len(vt)), largest] the numbers whose sign counts.",
        "variance = s**2 / (rows - 1); the ratio divides by variance.sum(), taken before you cut to `components`.",
    ),
    run="groundup --mine my learn lesson foundations.linalg.pca",
    written=("flip_signs",),
    checks=(
        a_row_each_direction,
        directions_are_orthonormal,
        where_the_cloud_stands_does_not_matter,
        the_sign_is_fixed,
        the_largest_entry_decides,
        the_mean_is_the_data_s,
        the_directions_are_those_of_the_covariance,
        variances_are_with_n_minus_one,
        the_ratio_is_of_all_variance,
        what_cannot_be_is_refused,
    ),
    mutants=(
        Mutant(
            "columns for rows",
            "Gives other shapes",
            (("return PrincipalComponents(mean, directions,", "return PrincipalComponents(mean, directions.T,"),),
        ),
        Mutant(
            "with the singular values",
            "not orthonormal",
            (
                (
                    "return PrincipalComponents(mean, directions,",
                    "return PrincipalComponents(mean, directions * s[:components, None],",
                ),
            ),
        ),
        Mutant("the mean left in", "from 0 to the data", (("jacobi_svd(data - mean)", "jacobi_svd(data)"),)),
        Mutant("the sign left to chance", "Leaves the sign to chance", (("flip_signs(u, vt)[1]", "vt"),)),
        Mutant(
            "the first entry positive",
            "another entry than the one of largest size",
            (("largest = np.abs(vt).argmax(axis=1)", "largest = np.zeros(len(vt), int)"),),
        ),
        Mutant(
            "one mean of all",
            "Gives another mean",
            (("return PrincipalComponents(mean,", "return PrincipalComponents(mean * 0 + data.mean(),"),),
        ),
        Mutant(
            "the smallest first",
            "Finds other directions",
            (("flip_signs(u, vt)[1][:components]", "flip_signs(u, vt)[1][::-1][:components]"),),
        ),
        Mutant("divided by n", "Divides by n", (("s**2 / (rows - 1)", "s**2 / rows"),)),
        Mutant("standard deviations", "Gives standard deviations", (("s**2 / (rows - 1)", "s / (rows - 1) ** 0.5"),)),
        Mutant("not divided", "Gives the squares", (("s**2 / (rows - 1)", "s**2"),)),
        Mutant(
            "of what was asked for",
            "Divides by the variance of the components",
            (("variance[:components] / variance.sum()", "variance[:components] / variance[:components].sum()"),),
        ),
        Mutant(
            "nothing refused",
            "Answers where there is no answer",
            (
                ("if rows < 2 or not 1 <= components <= min(rows, features)", "if False"),
                ("if s[0] <=", "if False and s[0] <="),
            ),
        ),
    ),
)
