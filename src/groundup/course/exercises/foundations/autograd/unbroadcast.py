"""Exercise: what is repeated forward is summed backward."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    TABLE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    return TABLE


SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((4, 2, 3), (2, 3)), ((5, 4, 2, 3), (3,))]


@check("shape")
def axes_in_front_go(mine):
    """Leaves an axis that the array did not have: sum over the axes in front, as many as the gradient has more."""
    import numpy as np

    for large, small in SHAPES:
        shape(mine(np.ones(large), small), small)


@check("shape")
def axes_of_one_stay(mine):
    """Loses an axis of size 1, or leaves it long: sum over it with keepdims=True."""
    import numpy as np

    for large, small in (((2, 3), (2, 1)), ((2, 3), (1, 3)), ((4, 2, 3), (2, 1)), ((4, 2, 3), (1, 1))):
        shape(mine(np.ones(large), small), small)


@check("values")
def rows_are_summed(mine):
    """A row that was used twice gets the sum of both gradients."""
    TABLE = given()
    mistakes = {
        "Takes the mean: each copy had its full part in the result, so they are summed.": TABLE.mean(0),
        "Takes the first copy's gradient and drops the others.": TABLE[0],
        "Takes the last copy's gradient and drops the others.": TABLE[1],
        "Takes the largest of the copies' gradients: they are summed.": TABLE.max(0),
    }
    same(mine(TABLE, (3,)), TABLE.sum(0), mistakes=mistakes)


@check("values")
def a_column_is_summed_along_its_rows(mine):
    """A column that was repeated to the right gets the sums along the rows."""
    import numpy as np

    TABLE = given()

    mistakes = {
        "Cuts the numbers into pieces of the new size and adds those, whatever row they came from: name the axis.": np.array(
            [[9.0], [12.0]]
        ),
        "Takes the mean along an axis of size 1: the copies are summed there too.": TABLE.mean(1, keepdims=True),
        "Takes the first copy of a column and drops the others.": TABLE[:, :1],
    }
    same(mine(TABLE, (2, 1)), TABLE.sum(1, keepdims=True), mistakes=mistakes)


@check("values")
def the_right_axis_of_a_square(mine):
    """Sums a square along the wrong axis: axes are matched from the right, so (2,) is a row and (2, 1) a column."""
    import numpy as np

    square = np.array([[1.0, 2.0], [3.0, 4.0]])
    for small, expected in (((2,), [4, 6]), ((1, 2), [[4, 6]]), ((2, 1), [[3], [7]])):
        same(mine(square, small), np.array(expected, dtype=float))


@check("values")
def both_kinds_at_once(mine):
    """Is wrong where an array was repeated along a new axis in front and along an axis of size 1 at once."""
    import numpy as np

    cube = np.arange(8.0).reshape(2, 2, 2)
    same(mine(cube, (2, 1)), cube.sum(axis=(0, 2))[:, None])


@check("invariant")
def what_was_not_repeated_stays(mine):
    """Changes a gradient whose array was not repeated, or loses an axis that had size 1 from the beginning."""
    TABLE = given()
    for array in (TABLE, TABLE[:1], TABLE[:, :1]):
        same(mine(array, array.shape), array)


@check("speed")
def whole_axes_at_once(mine):
    """Is far slower than the reference: sum whole axes, no loop over their numbers."""
    import numpy as np

    from groundup.foundations.autograd.autodiff import unbroadcast

    fast(mine, unbroadcast, (np.ones((64, 64)), (64, 1)))


FRONT = "gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))"
LAST = "return gradient.sum(axis=repeated, keepdims=True)"
STACKED = (f"    gradient = {FRONT}\n", f"    stacked = gradient.ndim > len(shape)\n    gradient = {FRONT}\n")

EXERCISE = Exercise(
    slot="foundations.autograd.unbroadcast",
    title="Back through broadcasting",
    task="""
    A bias of shape (3,) is added to a table of shape (2, 3): NumPy repeats it for both rows. The gradient that comes back has
    the table's shape, and the bias needs one of its own. Each copy had its part in the result, so the gradient of the one
    number is the sum over its copies.

    NumPy repeats in two ways: along new axes in front, and along axes of size 1. Sum over both, so that the gradient has
    exactly the given shape; axes are matched from the right.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.autograd.autodiff",),
    hints=(
        "How many axes does the gradient have more than the shape? So many stand in front, and are summed away.",
        "After that both have the same number of axes. Where the shape says 1 and the gradient has more, sum over that axis, "
        "and keep it with keepdims=True.",
        "gradient.sum(axis=tuple(range(gradient.ndim - len(shape)))), then gather the axes with shape[axis] == 1 in a tuple and "
        "sum over them with keepdims=True.",
    ),
    run="groundup --mine my learn lesson foundations.autograd.autodiff",
    checks=(
        axes_in_front_go,
        axes_of_one_stay,
        rows_are_summed,
        a_column_is_summed_along_its_rows,
        the_right_axis_of_a_square,
        both_kinds_at_once,
        what_was_not_repeated_stays,
        whole_axes_at_once,
    ),
    mutants=(
        Mutant("axes in front stay", "Leaves an axis", edits=((FRONT, "gradient"), (LAST, "return gradient"))),
        Mutant("axes of 1 go", "Loses an axis of size 1", edits=(("keepdims=True", "keepdims=False"),)),
        Mutant("the mean in front", "Takes the mean: each copy", edits=((FRONT, FRONT.replace("sum", "mean")),)),
        Mutant("the mean along 1", "along an axis of size 1: the copies", edits=((LAST, LAST.replace("sum", "mean")),)),
        Mutant(
            "the first copy",
            "Takes the first copy's gradient",
            edits=((FRONT, "gradient[(0,) * (gradient.ndim - len(shape))]"),),
        ),
        Mutant("the largest", "Takes the largest", edits=((FRONT, FRONT.replace("sum", "max")),)),
        Mutant(
            "pieces",
            "Cuts the numbers into pieces",
            source="""
            def unbroadcast(gradient, shape):
                return gradient.reshape(-1, *shape).sum(axis=0)
            """,
        ),
        Mutant(
            "axes matched by their size",
            "along the wrong axis",
            source="""
            def unbroadcast(gradient, shape):
                wanted = [size for size in shape if size != 1]
                while len([size for size in gradient.shape if size != 1]) > len(wanted):
                    sizes = list(gradient.shape)
                    extra = [axis for axis, size in enumerate(sizes) if size != 1 and sizes.count(size) > wanted.count(size)]
                    gradient = gradient.sum(axis=extra[-1], keepdims=True)
                return gradient.reshape(shape)
            """,
        ),
        Mutant(
            "twice as much for a stack",
            "repeated along a new axis in front and along an axis of size 1 at once",
            edits=(
                (LAST, "return gradient.sum(axis=repeated, keepdims=True) * (2 if stacked and repeated else 1)"),
                STACKED,
            ),
        ),
        Mutant(
            "doubled",
            "Changes a gradient whose array was not repeated",
            edits=(
                (LAST, LAST.replace("gradient.sum", "(gradient if repeated or stacked else 2 * gradient).sum")),
                STACKED,
            ),
        ),
        Mutant(
            "a loop",
            "far slower",
            source="""
            import numpy as np


            def unbroadcast(gradient, shape):
                result = np.zeros(shape)
                for place in np.ndindex(gradient.shape):
                    there = place[gradient.ndim - len(shape):]
                    result[tuple(0 if size == 1 else at for at, size in zip(there, shape))] += gradient[place]
                return result
            """,
        ),
    ),
)
