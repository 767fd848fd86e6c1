"""Exercise: Nesterov's momentum."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def always_one(x):
    """The gradient of a slope that is the same everywhere."""
    return x * 0 + 1


def twice(x):
    """The gradient of x²."""
    return 2 * x


@check("shape")
def the_path_has_the_start_and_every_step(mine):
    """Has another number of rows than steps + 1: row 0 is the start, and each step adds one."""
    for steps in (0, 1, 3):
        shape(mine(twice, numbers(1.0, 2.0), 0.1, steps), (steps + 1, 2))


@check("invariant")
def without_momentum_it_is_plain_descent(mine):
    """Is not plain gradient descent where beta is 0."""
    mistakes = {
        "Walks uphill: subtract the step.": numbers([8.0], [12.0], [18.0]),
        "Leaves out the rate: the step is rate times (gradient + beta * velocity).": numbers([8.0], [-8.0], [8.0]),
    }
    same(mine(twice, numbers(8.0), 0.25, 2, 0.0), numbers([8.0], [4.0], [2.0]), mistakes=mistakes)


@check("values")
def the_first_step_already_looks_ahead(mine):
    """The first step on a slope of 1 (rate 1, beta 0.5) is not 1.5: velocity 1, and the step is gradient + 0.5 * velocity."""
    mistakes = {
        "Is the heavy ball: it steps by the velocity. Nesterov steps by gradient + beta * velocity.": numbers(
            [0.0], [-1.0]
        ),
        "Adds the whole velocity to the gradient: it comes with beta.": numbers([0.0], [-2.0]),
        "Weighs the gradient by 1 - beta, as an average would: the whole gradient goes into the velocity.": numbers(
            [0.0], [-1.25]
        ),
        "Leaves the gradient out of the step: it is gradient + beta * velocity.": numbers([0.0], [-0.5]),
    }
    same(mine(always_one, numbers(0.0), 1.0, 1, 0.5), numbers([0.0], [-1.5]), mistakes=mistakes)


@check("values")
def the_velocity_adds_up(mine):
    """The steps on a slope of 1 (beta 0.5) are not 1.5, 1.75, 1.875: the velocity is 1, then 1.5, then 1.75."""
    mistakes = {
        "Forgets the velocity between steps: it keeps beta of itself.": numbers([0.0], [-1.5], [-3.0], [-4.5]),
        "Lets the velocity keep all of itself: it keeps beta.": numbers([0.0], [-1.5], [-3.5], [-6.0]),
    }
    same(mine(always_one, numbers(0.0), 1.0, 3, 0.5), numbers([0.0], [-1.5], [-3.25], [-5.125]), mistakes=mistakes)


@check("values")
def the_gradient_is_that_of_the_current_point(mine):
    """Takes the gradient somewhere else than at the last point of the path: in this form the path itself is what looks ahead."""
    x, v, expected = 1.0, 0.0, [[1.0]]
    for _ in range(4):
        v = 0.9 * v + 2 * x
        x -= 0.1 * (2 * x + 0.9 * v)
        expected.append([x])
    same(mine(twice, numbers(1.0), 0.1, 4), numbers(*expected))


@check("values")
def every_coordinate_has_its_own_velocity(mine):
    """Mixes the coordinates: the velocity has the shape of the point."""
    curves = numbers([1.0, 2.0], [0.5, 0.1])
    alone = [mine(lambda x, c=c: c * x, numbers(3.0), 0.2, 3) for c in curves.reshape(-1)]
    together = mine(lambda x: curves * x, numbers([3.0, 3.0], [3.0, 3.0]), 0.2, 3)
    for place, one in enumerate(alone):
        same(together.reshape(4, 4)[:, place : place + 1], one)


VELOCITY = "velocity = beta * velocity + current"
STEP = "(current + beta * velocity)"

EXERCISE = Exercise(
    slot="foundations.optimize.nesterov",
    title="Nesterov's momentum",
    task="""
    In a long narrow valley the gradient points across, hardly along it. A velocity that adds up gradients and keeps a
    part beta of itself a step lets the crossing parts cancel and the others grow. Nesterov's change: step not by the
    velocity, but by what the next velocity would be if the gradient stayed as it is. So it brakes one step earlier.

    v <- beta v + g, where g is the gradient at the current point and v begins at 0

    x <- x - rate (g + beta v)

    Give back the path: row 0 is the start, and each step adds a row. It is what torch.optim.SGD(nesterov=True) does.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.optimize.gradient_descent", "foundations.optimize.momentum"),
    hints=(
        "Ask for the gradient once a step, keep it under a name, and use it twice: in the velocity and in the step.",
        "First the velocity: velocity = beta * velocity + current. Then the point, with the new velocity.",
        "path.append(path[-1] - rate * (current + beta * velocity)), where velocity = np.zeros_like(path[0]) before the loop.",
    ),
    run="groundup --mine my learn lesson foundations.optimize.momentum",
    checks=(
        the_path_has_the_start_and_every_step,
        without_momentum_it_is_plain_descent,
        the_first_step_already_looks_ahead,
        the_velocity_adds_up,
        the_gradient_is_that_of_the_current_point,
        every_coordinate_has_its_own_velocity,
    ),
    mutants=(
        Mutant("heavy ball", "Is the heavy ball", edits=((STEP, "velocity"),)),
        Mutant("uphill", "Walks uphill", edits=(("- rate * " + STEP, "+ rate * " + STEP),)),
        Mutant("no rate", "Leaves out the rate", edits=(("rate * " + STEP, STEP),)),
        Mutant(
            "whole velocity",
            "Adds the whole velocity",
            edits=(("current + beta * velocity)", "current + (beta > 0) * velocity)"),),
        ),
        Mutant(
            "an average",
            "as an average would",
            edits=((VELOCITY, "velocity = beta * velocity + (1 - beta) * current"),),
        ),
        Mutant(
            "without the gradient", "Leaves the gradient out", edits=((STEP, "(beta * velocity if beta else current)"),)
        ),
        Mutant("forgets", "Forgets the velocity", edits=((VELOCITY, "velocity = current"),)),
        Mutant("never brakes", "keep all of itself", edits=((VELOCITY, "velocity = velocity + current"),)),
        Mutant(
            "looks ahead twice",
            "somewhere else",
            edits=(("slope(gradient, path[-1])", "slope(gradient, path[-1] - rate * beta * velocity)"),),
        ),
        Mutant(
            "one velocity", "Mixes the coordinates", edits=((VELOCITY, "velocity = beta * velocity.mean() + current"),)
        ),
        Mutant(
            "without the start", "another number of rows", edits=(("np.stack(path)", "np.stack(path[1:] or path)"),)
        ),
    ),
)
