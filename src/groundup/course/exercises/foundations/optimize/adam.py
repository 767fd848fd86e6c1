"""Exercise: Adam as a path."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def always_two(x):
    """A gradient of 2 everywhere."""
    return x * 0 + 2


def far_apart(x):
    """Gradients of very different size."""
    return x * 0 + numbers(0.05, 5.0, -2e4)[: x.shape[0]]


def falling(x):
    """A gradient that depends on the point: of x²/2 + x."""
    return x + 1


@check("shape")
def the_path_has_the_start_and_every_step(mine):
    """Has another number of rows than steps + 1: row 0 is the start, and each step adds one."""
    for steps in (0, 1, 3):
        shape(mine(always_two, numbers(1.0, 2.0), 0.1, steps), (steps + 1, 2))


@check("finite")
def a_gradient_of_zero_divides_nothing_by_nothing(mine):
    """Divides 0 by 0 where the gradient has always been 0: add epsilon to the root."""
    import numpy

    with numpy.errstate(invalid="ignore", divide="ignore"):
        finite(mine(lambda x: x * 0, numbers(1.0), 0.1, 1))


@check("invariant")
def the_first_step_has_the_length_of_the_rate(mine):
    """The first step is not rate * sign(gradient): there m is the gradient itself, and the root of s its size."""
    early = math.sqrt(0.001 * 4)
    mistakes = {
        "Walks uphill: subtract the step.": numbers([1.0], [1.1]),
        "Forgets that both means began at 0: divide them by 1 - beta^t before they are used.": numbers(
            [1.0], [1 - 0.1 * 0.2 / early]
        ),
        "Divides only the mean by 1 - beta1^t: the square began at 0 too.": numbers([1.0], [1 - 0.1 * 2 / early]),
        "Divides only the square by 1 - beta2^t: the mean began at 0 too.": numbers([1.0], [0.99]),
        "Divides by the square itself: take its root.": numbers([1.0], [0.95]),
        "Counts t from 2: the first step has t = 1.": numbers(
            [1.0], [1 - 0.1 * (0.2 / 0.19) / math.sqrt(0.004 / 0.001999)]
        ),
        "Swaps the shares: the old mean keeps beta, the new gradient comes with 1 - beta.": numbers(
            [1.0], [1 - 0.1 * 18 / math.sqrt(3996)]
        ),
        "Leaves out the rate: the step is rate * m / (root of s + epsilon).": numbers([1.0], [0.0]),
    }
    same(mine(always_two, numbers(1.0), 0.1, 1), numbers([1.0], [0.9]), mistakes=mistakes)


@check("invariant")
def every_coordinate_steps_alike(mine):
    """Coordinates with gradients of 0.05, 5 and -20000 do not step alike: each has a square of its own."""
    same(mine(far_apart, numbers(0.0, 0.0, 0.0), 0.1, 1)[1], numbers(-0.1, -0.1, 0.1), rtol=1e-3)


@check("values")
def epsilon_stands_beside_the_root(mine):
    """epsilon is not in its place: m / (sqrt(s) + epsilon), after s was divided by 1 - beta2^t."""
    mistakes = {
        "Adds epsilon inside the root: it stands beside it.": numbers([0.0], [-0.1 * 2 / math.sqrt(6)]),
        "Does not use the epsilon it is given.": numbers([0.0], [-0.1]),
    }
    same(mine(always_two, numbers(0.0), 0.1, 1, 0.9, 0.999, 2.0), numbers([0.0], [-0.05]), mistakes=mistakes)


@check("values")
def the_means_remember(mine):
    """After gradients that change, the path is not that of mean and square kept from step to step."""
    found = {
        name: numbers(*_by_hand(name))
        for name in ("right", "kept divided", "wrong beta", "t stays 1", "no square", "wrong point")
    }
    mistakes = {
        "Writes the divided means back: what is kept between the steps stays undivided.": found["kept divided"],
        "Uses beta1 for the square, or beta2 for the mean: each has its own.": found["wrong beta"],
        "Divides by 1 - beta at every step: it is 1 - beta^t, and t grows.": found["t stays 1"],
        "Forgets to square the gradient that goes into the square (its size is not enough).": found["no square"],
        "Takes the gradient at the start for every step: ask for it again at each point.": found["wrong point"],
    }
    same(mine(falling, numbers(1.0), 0.5, 4, 0.5, 0.8, 1e-8), found["right"], mistakes=mistakes)


def _by_hand(mistake):
    """The path in plain Python, right or with one mistake."""
    b1, b2 = (0.8, 0.5) if mistake == "wrong beta" else (0.5, 0.8)
    x, mean, square, path = 1.0, 0.0, 0.0, [[1.0]]
    for step in range(1, 5):
        g = 2.0 if mistake == "wrong point" else x + 1
        into = abs(g) if mistake == "no square" else g * g
        mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * into
        t = 1 if mistake == "t stays 1" else step
        m, s = mean / (1 - b1**t), square / (1 - b2**t)
        if mistake == "kept divided":
            mean, square = m, s
        x -= 0.5 * m / (math.sqrt(s) + 1e-8)
        path.append([x])
    return path


MEAN, SQUARE = "mean = beta1 * mean + (1 - beta1) * current\n", "square = beta2 * square + (1 - beta2) * current**2"
UNBIASED_MEAN, UNBIASED_SQUARE = "mean / (1 - beta1**step)", "square / (1 - beta2**step)"
STEP = "path[-1] - rate * unbiased_mean / (np.sqrt(unbiased_square) + epsilon)"

EXERCISE = Exercise(
    slot="foundations.optimize.adam",
    title="Adam: a step length for each coordinate",
    task="""
    One rate for all coordinates is too long for the steep and too short for the flat. Adam keeps of each coordinate the
    mean of its gradients and the mean of their squares, and steps by the one over the root of the other: about `rate`,
    whatever the size.

    mean <- beta1 mean + (1 - beta1) g, and square <- beta2 square + (1 - beta2) g^2; both are 0 at first

    x <- x - rate m / (sqrt(s) + epsilon), where m = mean / (1 - beta1^t) and s = square / (1 - beta2^t)

    t is 1 at the first step. The divisions make up for the means having begun at 0. Give back the path: row 0 is the
    start, and each step adds a row.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("foundations.optimize.gradient_descent", "foundations.optimize.adaptive"),
    hints=(
        "Begin as in gradient descent; mean and square are arrays of zeros in the shape of the point, made before the loop.",
        "Keep mean and square as they are, and give the divided ones names of their own; for step in range(1, steps + 1) makes step the t.",
        "path.append(path[-1] - rate * m / (np.sqrt(s) + epsilon)) with m = mean / (1 - beta1**step), s = square / (1 - beta2**step).",
    ),
    run="groundup --mine my learn lesson foundations.optimize.adaptive",
    checks=(
        the_path_has_the_start_and_every_step,
        a_gradient_of_zero_divides_nothing_by_nothing,
        the_first_step_has_the_length_of_the_rate,
        every_coordinate_steps_alike,
        epsilon_stands_beside_the_root,
        the_means_remember,
    ),
    mutants=(
        Mutant("uphill", "Walks uphill", edits=(("path[-1] - rate", "path[-1] + rate"),)),
        Mutant("no rate", "Leaves out the rate", edits=(("- rate * ", "- "),)),
        Mutant(
            "no correction",
            "Forgets that both means began at 0",
            edits=((UNBIASED_MEAN, "mean"), (UNBIASED_SQUARE, "square")),
        ),
        Mutant("mean corrected alone", "Divides only the mean", edits=((UNBIASED_SQUARE, "square"),)),
        Mutant("square corrected alone", "Divides only the square", edits=((UNBIASED_MEAN, "mean"),)),
        Mutant("no root", "Divides by the square itself", edits=(("np.sqrt(unbiased_square)", "unbiased_square"),)),
        Mutant("t from 2", "Counts t from 2", edits=(("range(1, steps + 1)", "range(2, steps + 2)"),)),
        Mutant(
            "no epsilon",
            "Divides 0 by 0",
            edits=(("(np.sqrt(unbiased_square) + epsilon)", "np.sqrt(unbiased_square)"),),
        ),
        Mutant("its own epsilon", "Does not use the epsilon", edits=((" + epsilon)", " + 1e-8)"),)),
        Mutant(
            "inside the root",
            "epsilon inside the root",
            edits=(("np.sqrt(unbiased_square) + epsilon", "np.sqrt(unbiased_square + epsilon)"),),
        ),
        Mutant("one square for all", "do not step alike", edits=(("current**2", "np.mean(current**2)"),)),
        Mutant(
            "shares swapped",
            "Swaps the shares",
            edits=(
                (MEAN, "mean = (1 - beta1) * mean + beta1 * current\n"),
                (SQUARE, "square = (1 - beta2) * square + beta2 * current**2"),
            ),
        ),
        Mutant(
            "kept divided",
            "Writes the divided means back",
            edits=(
                ("unbiased_mean = mean", "mean = unbiased_mean = mean"),
                ("unbiased_square = square", "square = unbiased_square = square"),
            ),
        ),
        Mutant(
            "t stays 1",
            "t grows",
            edits=((UNBIASED_MEAN, "mean / (1 - beta1)"), (UNBIASED_SQUARE, "square / (1 - beta2)")),
        ),
        Mutant(
            "gradient of the start",
            "at the start for every step",
            edits=(("slope(gradient, path[-1])", "slope(gradient, path[0])"),),
        ),
        Mutant(
            "without the start", "another number of rows", edits=(("np.stack(path)", "np.stack(path[1:] or path)"),)
        ),
    ),
)
