"""Exercise: a gradient that is measured, the judge of every gradient that is derived."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape


def square(x):
    """The sum of the squares."""
    return float((x**2).sum())


def product(x):
    """The product of two numbers."""
    return float(x[0] * x[1])


def cube(x):
    """The cube of one number."""
    return float(x[0] ** 3)


def both(numbers):
    """An array of floats."""
    import numpy as np

    return np.array(numbers, dtype=float)


@check("shape")
def one_number_for_each(mine):
    """Does not give one derivative for each number: the result has the shape of the point."""
    import numpy as np

    for size in ((1,), (2,), (2, 3), (2, 1, 2)):
        shape(mine(square, np.ones(size)), size)


@check("values")
def whole_numbers_move_too(mine):
    """Makes its copies with the integers of the point, where a step of 0.00001 is lost: copy with dtype=float."""
    import numpy as np

    same(mine(square, np.array([1, 2])), both([2, 4]), rtol=1e-7)


@check("values")
def the_slope_of_a_square(mine):
    """Is not (f(x + h) - f(x - h)) / 2h, which is 6 for x² at 3."""
    mistakes = {
        "Divides by h: from x - h to x + h it is 2h.": both([12]),
        "Goes downhill: take f(x + h) minus f(x - h).": both([-6]),
        "Measures from x to x + h only, which is wrong by about h: step to both sides.": both([6.00001]),
        "Measures from x - h to x only, which is wrong by about h: step to both sides.": both([5.99999]),
        "Does not divide by the distance 2h.": both([0.00012]),
    }
    same(mine(square, both([3])), both([6]), rtol=1e-7, atol=1e-9, mistakes=mistakes)


@check("values")
def one_coordinate_at_a_time(mine):
    """A partial derivative moves one coordinate and leaves the others: for x·y at (2, 3) they are 3 and 2."""
    mistakes = {
        "Moves all coordinates at once: a partial derivative moves one.": both([5, 5]),
        "Leaves the coordinates moved that it has done: begin each with a fresh copy.": both([3, 2.00001]),
        "Leaves the coordinates moved back that it has done: begin each with a fresh copy.": both([3, 1.99999]),
        "Exchanges the coordinates.": both([2, 3]),
    }
    same(mine(product, both([2, 3])), both([3, 2]), rtol=1e-7, mistakes=mistakes)


@check("values")
def the_step_is_used(mine):
    """Does not use the step it is given: for x³ at 0 with step 1 the quotient is (1 - (-1)) / 2 = 1."""
    same(mine(cube, both([0]), 1.0), both([1]))


@check("speed")
def two_calls_for_each_number(mine):
    """Calls the function more than twice for each number: f at x + h and at x - h is all that is needed."""
    import numpy as np

    calls = 0

    def counted(x):
        nonlocal calls
        calls += 1
        return square(x)

    mine(counted, np.ones(10))
    if calls > 20:
        raise Failed(input="a point of 10 numbers", expected="at most 20 calls", got=f"{calls} calls")


COPIES = "ahead, behind = np.array(point, dtype=float), np.array(point, dtype=float)"
QUOTIENT = "(function(ahead) - function(behind)) / (2 * step)"
LOOP = "    for place in np.ndindex(gradient.shape):\n"

EXERCISE = Exercise(
    slot="foundations.autograd.numerical_gradient",
    title="A gradient by differences",
    task="""
    How fast does f change when one number of its argument does? Step a little ahead and a little behind, and divide the
    difference by the way between:

    ∂f/∂xᵢ ≈ (f(x + h eᵢ) - f(x - h eᵢ)) / 2h, where eᵢ is 1 at place i and 0 elsewhere, and h is `step`

    Give all of them, as an array of the shape of `point`. The point stays as it is; f takes an array and gives one number.
    This knows nothing of any formula, so it can judge every gradient that was derived.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.autograd.derivatives",),
    hints=(
        "np.ndindex(shape) gives every place of an array of that shape, whatever the number of its axes.",
        "For each place make two fresh copies of the point in floats, and add the step to one and take it from the other there.",
        "gradient[place] = (function(ahead) - function(behind)) / (2 * step), in an array np.zeros(np.shape(point)).",
    ),
    run="groundup --mine my learn lesson foundations.autograd.derivatives",
    checks=(
        one_number_for_each,
        the_slope_of_a_square,
        one_coordinate_at_a_time,
        whole_numbers_move_too,
        the_step_is_used,
        two_calls_for_each_number,
    ),
    mutants=(
        Mutant("flat", "one derivative for each number", edits=(("return gradient", "return gradient.ravel()"),)),
        Mutant("integers stay", "integers of the point", edits=((COPIES, COPIES.replace(", dtype=float", "")),)),
        Mutant("divided by h", "Divides by h", edits=(("(2 * step)", "step"),)),
        Mutant(
            "the wrong way",
            "Goes downhill",
            edits=(("+= step", "-= step"), ("behind[place] -= step", "behind[place] += step")),
        ),
        Mutant(
            "forward only", "from x to x + h", edits=(("        behind[place] -= step\n", ""), ("(2 * step)", "step"))
        ),
        Mutant(
            "backward only", "from x - h to x", edits=(("        ahead[place] += step\n", ""), ("(2 * step)", "step"))
        ),
        Mutant("not divided", "Does not divide", edits=((" / (2 * step)", ""),)),
        Mutant(
            "all at once",
            "all coordinates at once",
            edits=(("ahead[place] += step", "ahead += step"), ("behind[place] -= step", "behind -= step")),
        ),
        Mutant(
            "not put back",
            "Leaves the coordinates moved that",
            source="""
            import numpy as np


            def numerical_gradient(function, point, step=1e-5):
                gradient = np.zeros(np.shape(point))
                moved = np.array(point, dtype=float)
                for place in np.ndindex(gradient.shape):
                    behind = moved.copy()
                    behind[place] -= step
                    moved[place] += step
                    gradient[place] = (function(moved) - function(behind)) / (2 * step)
                return gradient
            """,
        ),
        Mutant("a step of its own", "Does not use the step", edits=((LOOP, "    step = 1e-5\n" + LOOP),)),
        Mutant("a third call", "more than twice", edits=((QUOTIENT, f"{QUOTIENT} + 0 * function(point)"),)),
        Mutant(
            "the point itself is moved",
            "Changes its argument point",
            edits=(("ahead, behind = np.array(point, dtype=float)", "ahead, behind = point"),),
        ),
    ),
)
