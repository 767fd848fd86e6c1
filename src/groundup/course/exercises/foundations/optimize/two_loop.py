"""Exercise: the direction of L-BFGS."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


@check("shape")
def as_long_as_the_gradient(mine):
    """Gives an array of another shape than the gradient's."""
    shape(mine(numbers(1.0, 2.0, 3.0), [], []), (3,))
    shape(mine(numbers(1.0, 2.0), [numbers(1.0, 0.0)], [numbers(2.0, 0.0)]), (2,))


@check("invariant")
def without_pairs_it_goes_against_the_gradient(mine):
    """Does not go straight against the gradient where no pair is known."""
    mistakes = {"Goes uphill: the direction is minus H^-1 times the gradient.": numbers(3.0, -4.0)}
    same(mine(numbers(3.0, -4.0), [], []), numbers(-3.0, 4.0), mistakes=mistakes)


@check("values")
def in_one_dimension_it_is_newtons_step(mine):
    """Is not Newton's step -g / H in one dimension: s = 2 and y = 8 say that H is 4."""
    same(mine(numbers(4.0), [numbers(2.0)], [numbers(8.0)]), numbers(-1.0))


@check("values")
def what_no_pair_speaks_of_is_scaled(mine):
    """Scales a gradient across all pairs by something else than s y / y y = 16 / 64."""
    mistakes = {
        "Leaves out the scale: between the two passes multiply by s y / y y of the newest pair.": numbers(0.0, -1.0),
        "Scales by y y / s y: it is the other way round.": numbers(0.0, -4.0),
    }
    same(mine(numbers(0.0, 1.0), [numbers(2.0, 0.0)], [numbers(8.0, 0.0)]), numbers(0.0, -0.25), mistakes=mistakes)


@check("values")
def of_two_pairs(mine):
    """Differs from -H^-1 g of two pairs, H^-1 built as a matrix by the updates of BFGS."""
    mistakes = {
        "Walks from the oldest pair in the first pass: it begins with the newest.": numbers(1 / 6, -5 / 9),
        "Hands the shares to the wrong pairs: the second pass goes the other way, so its shares are turned round.": numbers(
            -0.075, -0.475
        ),
        "Adds the whole share in the second pass: what y finds in the direction already is taken off it.": numbers(
            -0.5, 0.15
        ),
        "Scales by the oldest pair: the newest knows best how steep it is here.": numbers(-0.6, 0.2),
    }
    steps, changes = [numbers(1.0, 0.0), numbers(0.0, 1.0)], [numbers(2.0, 1.0), numbers(1.0, 3.0)]
    same(mine(numbers(1.0, 0.0), steps, changes), numbers(-0.575, 0.575 / 3), mistakes=mistakes)


@check("values")
def as_the_matrix_of_many_pairs(mine):
    """Differs from the product with BFGS's matrix for four pairs in three dimensions."""
    import numpy

    random = numpy.random.default_rng(3)
    root = random.normal(size=(3, 3))
    steps = list(random.normal(size=(4, 3)))
    changes = [(root @ root.T + numpy.eye(3)) @ s for s in steps]
    matrix = numpy.eye(3) * (steps[-1] @ changes[-1] / (changes[-1] @ changes[-1]))
    for s, y in zip(steps, changes, strict=True):
        turn = numpy.eye(3) - numpy.outer(s, y) / (s @ y)
        matrix = turn @ matrix @ turn.T + numpy.outer(s, s) / (s @ y)
    gradient = random.normal(size=3)
    same(mine(gradient, steps, changes), -matrix @ gradient, rtol=1e-9, atol=1e-9)


EXERCISE = Exercise(
    slot="foundations.optimize.two_loop",
    title="Newton's direction without a matrix",
    task="""
    The last steps s and the changes y of the gradient over them say what the second derivatives do: y = H s. Give -H^-1 g for
    the matrix of BFGS that agrees with them, without ever building one (Nocedal and Wright 2006, algorithm 7.4). Begin with -g.
    From the newest pair to the oldest: share = (s d) / (s y), and d loses share * y. Then scale d by s y / y y of the newest
    pair. From the oldest to the newest: d gains (share - (y d) / (s y)) * s. steps and changes have the newest pair last; where there
    are none, -g is the answer.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("foundations.optimize.momentum",),
    hints=(
        "Two loops over the pairs, and a list of the shares of the first one.",
        "reversed(steps) and reversed(changes) in the first loop; reversed(shares) in the second.",
        "direction = direction + (share - y @ direction / (s @ y)) * s",
    ),
    run="groundup --mine my learn lesson classical.structure.ner --run",
    checks=(
        as_long_as_the_gradient,
        without_pairs_it_goes_against_the_gradient,
        in_one_dimension_it_is_newtons_step,
        what_no_pair_speaks_of_is_scaled,
        of_two_pairs,
        as_the_matrix_of_many_pairs,
    ),
    mutants=(
        Mutant("uphill", "Goes uphill", (("direction = -gradient", "direction = gradient"),)),
        Mutant("no scale", "Leaves out the scale", (("if len(steps):", "if False:"),)),
        Mutant(
            "the scale turned round",
            "Scales by y y / s y",
            (
                (
                    "(steps[-1] @ changes[-1] / (changes[-1] @ changes[-1]))",
                    "(changes[-1] @ changes[-1] / (steps[-1] @ changes[-1]))",
                ),
            ),
        ),
        Mutant(
            "the oldest first",
            "Walks from the oldest pair",
            (("zip(reversed(steps), reversed(changes), strict=True)", "zip(steps, changes, strict=True)"),),
        ),
        Mutant("shares mixed up", "Hands the shares to the wrong pairs", (("reversed(shares)", "shares"),)),
        Mutant("whole shares", "Adds the whole share", (("(share - y @ direction / (s @ y))", "share"),)),
        Mutant(
            "the oldest pair's scale",
            "Scales by the oldest pair",
            (
                (
                    "(steps[-1] @ changes[-1] / (changes[-1] @ changes[-1]))",
                    "(steps[0] @ changes[0] / (changes[0] @ changes[0]))",
                ),
            ),
        ),
        Mutant(
            "in place",
            "Changes its argument gradient in place",
            (("direction = -gradient", "direction = gradient\n    direction *= -1"),),
        ),
    ),
)
