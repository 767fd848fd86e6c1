"""Exercise: walk downhill, and keep the path."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def twice(x):
    """The gradient of x²."""
    return 2 * x


def always_one(x):
    """The gradient of a slope that is the same everywhere."""
    return x * 0 + 1


@check("shape")
def the_path_has_the_start_and_every_step(mine):
    """Has another number of rows than steps + 1: row 0 is the start, and each step adds one."""
    for start, steps in ((numbers(8.0), 3), (numbers(1.0, 2.0), 2)):
        shape(mine(twice, start, 0.25, steps), (steps + 1, *start.shape))


@check("shape")
def no_step_leaves_the_start_alone(mine):
    """Takes a step, or gives nothing back, where steps is 0: the path is then the start alone."""
    found = mine(twice, numbers(8.0), 0.25, 0)
    shape(found, (1, 1))
    same(found, numbers([8.0]))


@check("invariant")
def the_path_begins_at_the_start(mine):
    """Does not have the start in row 0; keep it before the first step is taken."""
    found = mine(twice, numbers(8.0), 0.25, 2)
    all_alike = (
        "Shows the end in every row: a point that is changed in place changes in the path as well, so make a new one."
    )
    that((found != found[-1]).any(), all_alike, expected=numbers([8.0], [4.0], [2.0]), got=found)
    same(found[0], numbers(8.0))


@check("values")
def one_step_goes_down_by_rate_times_gradient(mine):
    """One step from 8 with gradient 1 and rate 0.25 does not end at 7.75."""
    mistakes = {
        "Walks uphill: the gradient points to where f rises, so subtract it.": numbers([8.0], [8.25]),
        "Leaves out the rate: the step is rate times the gradient.": numbers([8.0], [7.0]),
    }
    same(mine(always_one, numbers(8.0), 0.25, 1), numbers([8.0], [7.75]), mistakes=mistakes)


@check("values")
def the_gradient_is_asked_at_each_point(mine):
    """The second step is wrong: from 8 with gradient 2x and rate 0.25 the path is 8, 4, 2."""
    mistakes = {
        "Takes the gradient at the start for every step: ask for it again at each point.": numbers([8.0], [4.0], [0.0]),
        "Lets every step begin at the start: each begins where the last one ended.": numbers([8.0], [4.0], [4.0]),
    }
    same(mine(twice, numbers(8.0), 0.25, 2), numbers([8.0], [4.0], [2.0]), mistakes=mistakes)


@check("values")
def every_coordinate_has_its_own_gradient(mine):
    """Mixes the coordinates: each moves by its own part of the gradient, in a matrix too."""
    import numpy

    start, curves = numbers([1.0, 2.0], [3.0, -4.0]), numbers([1.0, 2.0], [0.5, 0.1])
    expected = numpy.stack([start * (1 - 0.5 * curves) ** step for step in range(4)])
    same(mine(lambda x: curves * x, start, 0.5, 3), expected)


STEP = "path[-1] - rate * slope(gradient, path[-1])"

EXERCISE = Exercise(
    slot="foundations.optimize.gradient_descent",
    title="Gradient descent: the whole path",
    task="""
    The gradient of f at a point is the direction in which f rises fastest. A short step against it goes down; many of
    them go to the bottom of the valley: x <- x - rate * gradient(x).

    Give back the path: an array whose row 0 is the start, row 1 the point after the first step, and so on, steps + 1
    rows in all. The start may have any shape. `gradient` is a function: it takes a point and gives an array of the same
    shape.

    starting_point and slope are given: they do what np.array(start, dtype=float) and gradient(point) do, and refuse
    what cannot be. You need not use them.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.autograd.derivatives",),
    hints=(
        "Begin a list with a copy of the start, and let each step add a point to it.",
        "The next point is made of the last one in the list: path[-1] - rate * gradient(path[-1]). Make a new array; -= would change the old one.",
        "path = [starting_point(start)]; in the loop path.append(path[-1] - rate * slope(gradient, path[-1])); at the end np.stack(path).",
    ),
    run="groundup --mine my learn lesson foundations.optimize.gradient_descent",
    checks=(
        the_path_has_the_start_and_every_step,
        no_step_leaves_the_start_alone,
        the_path_begins_at_the_start,
        one_step_goes_down_by_rate_times_gradient,
        the_gradient_is_asked_at_each_point,
        every_coordinate_has_its_own_gradient,
    ),
    mutants=(
        Mutant("uphill", "Walks uphill", edits=((STEP, STEP.replace("- rate", "+ rate")),)),
        Mutant("no rate", "Leaves out the rate", edits=((STEP, STEP.replace("rate * ", "")),)),
        Mutant(
            "one gradient for all",
            "gradient at the start for every step",
            edits=((STEP, "path[-1] - rate * slope(gradient, path[0])"),),
        ),
        Mutant(
            "from the start again",
            "every step begin at the start",
            edits=((STEP, "path[0] - rate * slope(gradient, path[-2 if len(path) > 1 else -1])"),),
        ),
        Mutant("without the start", "another number of rows", edits=(("np.stack(path)", "np.stack(path[1:])"),)),
        Mutant(
            "the start twice",
            "Takes a step, or gives nothing",
            edits=(("np.stack(path)", "np.stack(path[: steps + 1] if steps else path * 2)"),),
        ),
        Mutant("backwards", "Does not have the start in row 0", edits=(("np.stack(path)", "np.stack(path[::-1])"),)),
        Mutant(
            "mean gradient",
            "Mixes the coordinates",
            edits=((STEP, "path[-1] - rate * slope(gradient, path[-1]).mean()"),),
        ),
        Mutant(
            "in place",
            "Shows the end in every row",
            edits=(
                (
                    "        path.append(" + STEP + ")",
                    "        path.append(path[-1])\n        path[-1] -= rate * slope(gradient, path[-1])",
                ),
                ("np.stack(path)", "np.stack([path[-1]] * len(path))"),
            ),
        ),
    ),
)
