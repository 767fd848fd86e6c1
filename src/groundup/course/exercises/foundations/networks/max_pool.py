"""Exercise: the largest number of each window, and where it stood."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    PICTURE = np.array([[1.0, 2, 5, 4], [3, 0, 6, 7], [9, 8, -1, -2], [4, 4, -4, -3]])[None, None]
    return PICTURE


def torchs(x, size, stride):
    """The same by torch."""
    import torch

    value, places = torch.nn.functional.max_pool2d(torch.tensor(x), size, stride, return_indices=True)
    return value.numpy(), places.numpy()


def some(*size):
    """Pictures whose numbers are all different, the same at every call."""
    import numpy as np

    return np.random.default_rng(0).permutation(int(np.prod(size))).reshape(size) - 7.0


@check("shape")
def as_many_windows_as_fit(mine):
    """Gives another number of windows: along an axis of n there are (n - size) // stride + 1."""
    for n, size, stride in ((4, 2, 2), (5, 2, 2), (4, 3, 1), (5, 1, 3)):
        fit = (n - size) // stride + 1
        for got in mine(some(2, 1, n, n), size, stride):
            shape(got, (2, 1, fit, fit))


@check("values")
def the_largest(mine):
    """Does not give the largest number of each window."""
    import numpy as np

    PICTURE = given()

    mistakes = {
        "Gives the mean of each window.": np.array([[1.5, 5.5], [6.25, -2.5]])[None, None],
        "Gives the smallest of each window.": np.array([[0.0, 4], [4, -4]])[None, None],
        "Cuts at 0: below 0 the largest is still the one nearest to 0.": np.array([[3.0, 7], [9, 0]])[None, None],
        "Gives the largest absolute number.": np.array([[3.0, 7], [9, 4]])[None, None],
    }
    same(mine(PICTURE, 2, 2)[0], np.array([[3.0, 7], [9, -1]])[None, None], mistakes=mistakes)


@check("values")
def where_it_stood(mine):
    """The places are not row * width + column within the picture."""
    import numpy as np

    PICTURE = given()

    mistakes = {
        "Gives the place within the window: count in the whole picture, row * width + column.": np.array(
            [[2, 3], [0, 0]]
        )[None, None],
        "Exchanges rows and columns: a step down the picture is width places.": np.array([[1, 13], [2, 10]])[
            None, None
        ],
    }
    same(mine(PICTURE, 2, 2)[1], np.array([[4, 7], [8, 10]])[None, None], mistakes=mistakes)


@check("values")
def windows_that_overlap(mine):
    """Does not move by `stride`: a window of 3 may move by 1, and one of 1 by 2."""
    x = some(1, 1, 4, 4)
    for size, stride in ((3, 1), (1, 2)):
        same(mine(x, size, stride), torchs(x, size, stride))


@check("values")
def not_square(mine):
    """Takes the height for the width: in a picture that is not square, a row has `width` places."""
    x = some(1, 1, 2, 6)
    same(mine(x, 2, 2), torchs(x, 2, 2))


@check("values")
def each_channel_for_itself(mine):
    """Mixes pictures or channels: each has windows and places of its own, from 0 on."""
    x = some(2, 2, 2, 2)
    same(mine(x, 2, 2), torchs(x, 2, 2))


@check("values")
def of_equals_the_first(mine):
    """Of equal numbers takes another than the first, row by row."""
    import numpy as np

    x = np.zeros((1, 1, 2, 4))
    same(mine(x, 2, 2), torchs(x, 2, 2))


@check("speed")
def all_windows_at_once(mine):
    """Is far slower than the reference: numpy.lib.stride_tricks.sliding_window_view gives all windows at once."""
    from groundup.foundations.networks.cnn import max_pool

    fast(mine, max_pool, (some(8, 8, 16, 16), 2, 2), times=8)


ROWS, COLUMNS = "np.arange(windows.shape[2])[:, None] * stride", "np.arange(windows.shape[3]) * stride"
EXERCISE = Exercise(
    slot="foundations.networks.max_pool",
    title="Max-pooling",
    task="""
    A filter has looked everywhere on a picture and says how much of its pattern it found. For most questions it is
    enough to know that the pattern is about here. Pooling lays windows of size x size on the picture, every `stride`
    places, and keeps the largest number of each. With size = stride = 2 the picture is half as wide and half as high.

    Going back, the gradient belongs to the winner alone, so give the places too: row * width + column within the
    picture of one channel (the numbering that torch has). Of equal numbers the first counts; windows that would reach
    over the edge are left out.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.networks.cnn",),
    hints=(
        "np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3)) gives all windows, one at each place; slice with ::stride.",
        "Flatten each window to one axis of size * size; then max and argmax along it.",
        "A place b within a window is row b // size and column b % size of it; add the window's own corner, its number times stride.",
    ),
    run="groundup --mine my learn lesson foundations.networks.cnn",
    checks=(
        as_many_windows_as_fit,
        the_largest,
        where_it_stood,
        windows_that_overlap,
        not_square,
        each_channel_for_itself,
        of_equals_the_first,
        all_windows_at_once,
    ),
    mutants=(
        Mutant("all windows", "another number of windows", (("[:, :, ::stride, ::stride]", ""),)),
        Mutant("the mean", "Gives the mean", (("flat.max(axis=-1)", "flat.mean(axis=-1)"),)),
        Mutant("the smallest", "Gives the smallest", (("flat.max(axis=-1)", "flat.min(axis=-1)"),)),
        Mutant("at least 0", "Cuts at 0", (("flat.max(axis=-1)", "np.maximum(flat.max(axis=-1), 0)"),)),
        Mutant("absolute", "largest absolute", (("flat.max(axis=-1)", "abs(flat).max(axis=-1)"),)),
        Mutant("within the window", "within the window", (("rows * x.shape[3] + columns", "best"),)),
        Mutant(
            "columns first",
            "Exchanges rows and columns",
            (("rows * x.shape[3] + columns", "columns * x.shape[3] + rows"),),
        ),
        Mutant(
            "corners at every place",
            "Does not move by",
            ((ROWS, "np.arange(windows.shape[2])[:, None] * size"), (COLUMNS, "np.arange(windows.shape[3]) * size")),
        ),
        Mutant("the height", "the height for the width", (("rows * x.shape[3]", "rows * x.shape[2]"),)),
        Mutant(
            "numbered on",
            "Mixes pictures",
            (
                (
                    "rows * x.shape[3] + columns",
                    "rows * x.shape[3] + columns + np.arange(x.shape[1])[:, None, None] * x.shape[2] * x.shape[3]",
                ),
            ),
        ),
        Mutant(
            "the last",
            "another than the first",
            (("flat.argmax(axis=-1)", "size * size - 1 - flat[..., ::-1].argmax(axis=-1)"),),
        ),
        Mutant(
            "a loop",
            "far slower",
            source="""
            import numpy as np


            def max_pool(x, size, stride):
                high, wide = ((n - size) // stride + 1 for n in x.shape[2:])
                value, places = np.zeros((*x.shape[:2], high, wide)), np.zeros((*x.shape[:2], high, wide), int)
                for a, b, i, j in np.ndindex(value.shape):
                    window = x[a, b, i * stride : i * stride + size, j * stride : j * stride + size]
                    best = window.argmax()
                    value[a, b, i, j] = window.max()
                    places[a, b, i, j] = (i * stride + best // size) * x.shape[3] + j * stride + best % size
                return value, places
            """,
        ),
    ),
)
