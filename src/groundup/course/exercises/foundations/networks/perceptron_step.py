"""Exercise: one step of the rule by which a neuron learns from its mistakes."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    W, X = np.array([1.0, -1.0, 0.5]), np.array([2.0, 1.0, 1.0])  # w . x = 1.5
    return W, X


@check("shape")
def as_many_weights(mine):
    """Gives another number of weights than came."""
    import numpy as np

    for size in (1, 2, 5):
        shape(mine(np.zeros(size), np.ones(size), 1), (size,))


@check("invariant")
def what_is_right_teaches_nothing(mine):
    """Moves the weights although the answer was right: only a mistake teaches."""
    W, X = given()
    same(mine(W, X, 1), W)
    same(mine(-W, X, -1), -W)


@check("values")
def a_mistake_below(mine):
    """Does not add target * x after a mistake."""
    W, X = given()
    mistakes = {
        "Turns away from the example: where it should be 1, x is added.": -W - X,
        "Leaves the weights after a mistake: they move by target * x.": -W,
        "Forgets the weights it had: x is added to them.": X,
    }
    same(mine(-W, X, 1), X - W, mistakes=mistakes)


@check("values")
def a_mistake_above(mine):
    """Adds x whatever the target is: where it should be -1, x is subtracted."""
    W, X = given()
    same(mine(W, X, -1), W - X)


@check("values")
def on_the_line(mine):
    """Takes w . x = 0 for right: weights of 0 would then never move, so it counts as wrong."""
    import numpy as np

    _, X = given()

    same(mine(np.zeros(3), X, 1), X)
    same(mine(np.zeros(3), X, -1), -X)


@check("values")
def the_size_of_the_mistake_does_not_matter(mine):
    """Moves by how wrong the sum was: the perceptron's step is target * x, whatever the sum."""
    W, X = given()
    same(mine(-10 * W, X, 1), X - 10 * W)


@check("values")
def it_learns_and(mine):
    """Does not learn AND within twenty passes over its four examples."""
    import numpy as np

    corners = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    w = np.zeros(3)
    for _ in range(20):
        for x, target in zip(corners, (-1, -1, -1, 1), strict=True):
            w = mine(w, x, target)
    same((corners @ w > 0).tolist(), [False, False, False, True])


EXERCISE = Exercise(
    slot="foundations.networks.perceptron_step",
    title="The perceptron's step",
    task="""
    In 1958 a machine learned to tell pictures apart by one rule: look at an example, answer with the sign of w . x,
    and only where that was wrong, move the weights. Towards x where the answer should have been 1, away from it where
    it should have been -1.

    The last entry of x is 1, so the last weight is the bias and needs no line of its own. A sum of exactly 0 is no
    answer and counts as wrong. Give new weights; leave the ones you got as they are.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.linalg.vectors",),
    hints=(
        "The target is 1 or -1, and the answer is right where it has the sign of weights @ x.",
        "target * (weights @ x) is above 0 exactly where the answer was right.",
        "weights + target * x if target * (weights @ x) <= 0, else weights.copy().",
    ),
    run="groundup --mine my learn lesson foundations.networks.perceptron",
    checks=(
        as_many_weights,
        what_is_right_teaches_nothing,
        a_mistake_below,
        a_mistake_above,
        on_the_line,
        the_size_of_the_mistake_does_not_matter,
        it_learns_and,
    ),
    mutants=(
        Mutant(
            "one too few", "another number of weights", (("weights + target * x if", "(weights + target * x)[:-1] if"),)
        ),
        Mutant("always", "Moves the weights although", ((" if wrong else weights.copy()", ""),)),
        Mutant("away", "Turns away", (("weights + target * x if", "weights - target * x if"),)),
        Mutant(
            "never",
            "Leaves the weights after",
            (("weights + target * x if wrong else weights.copy()", "weights.copy()"),),
        ),
        Mutant("forgets", "Forgets the weights", (("weights + target * x if", "target * x if"),)),
        Mutant("always x", "Adds x whatever", (("weights + target * x if", "weights + x if"),)),
        Mutant("0 is right", "for right: weights of 0", (("<= 0", "< 0"),)),
        Mutant(
            "by the error",
            "Moves by how wrong",
            (("weights + target * x if", "weights + max(1, abs(weights @ x) - 1) * target * x if"),),
        ),
        Mutant("in place", "Changes its argument weights", (("    wrong = ", "    weights -= 0.5\n    wrong = "),)),
    ),
)
