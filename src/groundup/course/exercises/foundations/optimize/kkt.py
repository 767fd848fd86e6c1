"""Exercise: the lowest point on a line, with the price of the line."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def nearest(mine):
    """The nearest point to 0 on x + 2y = 5: (1, 2), with the multiplier -1."""
    return mine(numbers([1.0, 0.0], [0.0, 1.0]), numbers(0.0, 0.0), numbers([1.0, 2.0]), numbers(5.0))


@check("shape")
def a_number_for_each_variable_and_each_constraint(mine):
    """Gives other shapes than (n,) for the point and (m,) for the multipliers: split the solution after the first n."""
    import numpy

    for n, m in ((2, 1), (3, 2), (4, 1)):
        rows = numpy.eye(n)[:m] + 0.5
        found = mine(2 * numpy.eye(n), numpy.ones(n), rows, numpy.ones(m))
        shape(found[0], (n,))
        shape(found[1], (m,))


@check("invariant")
def the_constraint_holds(mine):
    """The point does not lie on the constraint Ax = b."""
    found = nearest(mine)[0]
    mistakes = {
        "Minimises without the constraint: its rows A and its levels b belong into the system.": numbers(0.0),
        "Lies on Ax = -b: the right side is -c above, but b below.": numbers(-5.0),
    }
    same(numbers([1.0, 2.0]) @ found, numbers(5.0), mistakes=mistakes)


@check("values")
def the_nearest_point_of_a_line(mine):
    """Is not the nearest point to 0 on x + 2y = 5, which is (1, 2)."""
    same(nearest(mine)[0], numbers(1.0, 2.0))


@check("values")
def the_multiplier_belongs_to_its_sign(mine):
    """The multiplier is not -1, with which Qx + c + A'λ = 0 at (1, 2)."""
    mistakes = {
        "Gives the multiplier with the other sign: the condition is Qx + c + A'λ = 0, so A' stands in the system with a plus.": numbers(
            1.0
        )
    }
    same(nearest(mine)[1], numbers(-1.0), mistakes=mistakes)


@check("values")
def the_linear_part_pulls(mine):
    """Is not the lowest point of x² + y² - 2x on x + y = 0, which is (0.5, -0.5)."""
    mistakes = {
        "Pushes the wrong way: the condition Qx + c + A'λ = 0 puts -c on the right side.": numbers(-0.5, 0.5),
        "Leaves out the linear part: -c belongs on the right side.": numbers(0.0, 0.0),
        "Takes ½ x'Qx for x'Qx: its gradient is Qx, without a 2.": numbers(0.25, -0.25),
    }
    found = mine(numbers([2.0, 0.0], [0.0, 2.0]), numbers(-2.0, 0.0), numbers([1.0, 1.0]), numbers(0.0))
    same(found[0], numbers(0.5, -0.5), mistakes=mistakes)


@check("values")
def as_elimination_finds_it(mine):
    """Differs from the minimum that is found by solving the constraints for some variables first."""
    import numpy

    source = numpy.random.default_rng(0)
    for n, m in ((3, 1), (3, 2), (4, 2)):
        root, c = source.normal(size=(n, n)), source.normal(size=n)
        A, b = source.normal(size=(m, n)), source.normal(size=m)
        Q = root @ root.T + numpy.eye(n)
        free = numpy.linalg.svd(A)[2][m:].T  # x = some point of the constraint + free · z
        some = numpy.linalg.lstsq(A, b, rcond=None)[0]
        x = some - free @ numpy.linalg.solve(free.T @ Q @ free, free.T @ (Q @ some + c))
        found = mine(Q, c, A, b)
        same(found[0], x, rtol=1e-7, atol=1e-9)
        same(found[1], numpy.linalg.lstsq(A.T, -(Q @ x + c), rcond=None)[0], rtol=1e-7, atol=1e-9)


SYSTEM = "np.block([[quadratic, constraints.T], [constraints, np.zeros((len(constraints),) * 2)]])"
RIGHT = "np.concatenate([-linear, levels])"
RETURN = "Optimum(solution[: len(linear)], solution[len(linear) :])"

EXERCISE = Exercise(
    slot="foundations.optimize.kkt",
    title="The lowest point on a constraint, and what the constraint costs",
    task="""
    Minimise ½ x'Qx + c'x among the points with Ax = b (A' is A with rows and columns exchanged). At the lowest of them
    no direction along the constraint goes down any more, so the gradient Qx + c is a combination of A's rows: Qx + c +
    A'λ = 0. Each λ says what its constraint costs: raising b by a little changes the minimum by -λ times as much.

    Both conditions together are linear in x and λ: one system of n + m equations, [[Q, A'], [A, 0]] [x; λ] = [-c; b].
    Solve it and give back Optimum(point, multipliers), which is given.

    kkt_matrix is yours too, if you want to use it: the left side. The library's own also refuses a singular system; no
    check asks for that.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("foundations.optimize.lagrange", "foundations.linalg.matrices"),
    hints=(
        "np.block builds a matrix from blocks: np.block([[Q, A.T], [A, zeros]]), where zeros is (m, m).",
        "The right side is np.concatenate([-linear, levels]); np.linalg.solve gives x and λ in one vector.",
        "The first len(linear) numbers are the point, the rest the multipliers: Optimum(solution[:n], solution[n:]).",
    ),
    run="groundup --mine my learn lesson foundations.optimize.lagrange",
    written=("kkt_matrix",),
    checks=(
        a_number_for_each_variable_and_each_constraint,
        the_constraint_holds,
        the_nearest_point_of_a_line,
        the_multiplier_belongs_to_its_sign,
        the_linear_part_pulls,
        as_elimination_finds_it,
    ),
    mutants=(
        Mutant(
            "without the constraint",
            "Minimises without the constraint",
            edits=((RETURN, "Optimum(np.linalg.solve(quadratic, -linear), solution[len(linear) :])"),),
        ),
        Mutant("levels negated", "Lies on Ax = -b", edits=((RIGHT, "np.concatenate([-linear, -levels])"),)),
        Mutant(
            "the other sign",
            "with the other sign",
            edits=((SYSTEM, SYSTEM.replace("constraints.T]", "-constraints.T]")),),
        ),
        Mutant("c unchanged", "Pushes the wrong way", edits=((RIGHT, "np.concatenate([linear, levels])"),)),
        Mutant("c forgotten", "Leaves out the linear part", edits=((RIGHT, "np.concatenate([0 * linear, levels])"),)),
        Mutant(
            "twice Q",
            "Takes ½ x'Qx for x'Qx",
            edits=(
                (SYSTEM, SYSTEM.replace("[[quadratic,", "[[2 * quadratic,")),
                (RETURN, "Optimum(solution[: len(linear)], solution[len(linear) :] / 2)"),
            ),
        ),
        Mutant(
            "the wrong way round",
            "other shapes",
            edits=((RETURN, "Optimum(solution[len(linear) :], solution[: len(linear)])"),),
        ),
        Mutant(
            "least squares",
            "the nearest point to 0",
            edits=(
                (
                    RETURN,
                    "Optimum(solution[: len(linear)] + np.array([2.0, -1.0, 0, 0])[: len(linear)], solution[len(linear) :])",
                ),
            ),
        ),
        Mutant(
            "the diagonal alone",
            "solving the constraints",
            edits=((SYSTEM, SYSTEM.replace("[[quadratic,", "[[np.diag(np.diag(quadratic)),")),),
        ),
    ),
)
