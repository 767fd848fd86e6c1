"""Exercise: which way to turn the weights of a yes-or-no question."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def by_hand(x, y, weights, intercept):
    """One example after the other, in plain numbers."""
    import numpy as np

    total, last = np.zeros(x.shape[1]), 0.0
    for row, answer in zip(x, y, strict=True):
        believed = 1 / (1 + math.exp(-float(row @ weights + intercept)))
        total += (believed - answer) * row / len(x)
        last += (believed - answer) / len(x)
    return total, last


def at(x, y, weights, intercept):
    """The arguments as arrays of doubles."""
    import numpy as np

    return np.array(x, float), np.array(y, float), np.array(weights, float), intercept


@check("shape")
def one_slope_a_weight(mine):
    """Gives something else than one number for each weight, and one for the intercept."""
    import numpy as np

    for count, features in ((1, 1), (3, 2)):
        shape(mine(np.ones((count, features)), np.ones(count), np.zeros(features), 0.0)[0], (features,))


@check("finite")
def large_sums_do_not_overflow(mine):
    """Overflows where the sum is large: exp(z) / (1 + exp(z)) is inf / inf from z = 710 on; the given sigmoid is safe."""
    import numpy as np

    with np.errstate(all="ignore"):
        for weight in (1000.0, -1000.0):
            finite(mine(*at([[1]], [1], [weight], 0.0))[0])


@check("values")
def one_example_without_weights(mine):
    """Is not -1 and -0.5 for an example x = 2 with the answer 1, where all weights are 0 and so p = 1/2."""
    import numpy as np

    mistakes = {
        "Points uphill: the gradient is what was believed minus what came, p - y; going against it is the optimiser's step.": (
            np.array([1.0]),
            0.5,
        ),
        "Is the gradient of the squared error: with -log p the factor p (1 - p) cancels.": (np.array([-0.25]), -0.125),
        "Decides before it compares: p is the probability itself, not rounded to 0 or 1.": (np.array([-2.0]), -1.0),
        "Gives 0 for the intercept: its slope is the mean of p - y, as if it were the weight of a feature that is always 1.": (
            np.array([-1.0]),
            0.0,
        ),
    }
    same(mine(*at([[2]], [1], [0], 0.0)), (np.array([-1.0]), -0.5), mistakes=mistakes)


@check("values")
def a_loss_is_a_mean(mine):
    """Adds the examples up: the loss is their mean, so its gradient does not grow with their number."""
    import numpy as np

    same(mine(*at([[1], [1]], [0, 0], [0], 0.0)), (np.array([0.5]), 0.5))


@check("values")
def the_intercept_is_in_the_sum(mine):
    """Leaves the intercept out of z = w . x + b."""
    import numpy as np

    same(mine(*at([[1]], [0], [0], math.log(3))), (np.array([0.75]), 0.75))
    same(
        mine(*at([[1]], [0], [math.log(3)], 0.0)), (np.array([0.75]), 0.75), "Leaves the weights out of z = w . x + b."
    )


@check("values")
def as_by_hand(mine):
    """Differs from the sum over examples, written out."""
    import numpy as np

    source = np.random.default_rng(0)
    for count, features in ((2, 2), (5, 3)):
        x, y = source.normal(size=(count, features)).round(2), source.integers(0, 2, count).astype(float)
        weights, intercept = source.normal(size=features).round(2), 0.3
        same(mine(x, y, weights, intercept), by_hand(x, y, weights, intercept))


BELIEVED = "sigmoid(x @ weights + intercept)"

EXERCISE = Exercise(
    slot="foundations.learning.logistic_gradient",
    title="The gradient of logistic regression",
    task="""
    The model believes that the answer to x is yes with probability p = sigmoid(w . x + b), and its loss is -log of the
    probability it gave to what came, on average over the examples. Which way does the loss rise? The answer is the
    shortest in all of machine learning, and a language model's last layer has the same one: what was believed minus
    what came, times the input.

    Give back two things: the gradient by the weights (one number a feature) and by the intercept. `sigmoid` is given.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.learning.supervised", "foundations.autograd.derivatives"),
    hints=(
        "By the chain rule: the slope of the loss by z, times the slope of z by each weight. z = w . x + b, so the second is x, and 1 for b.",
        "The slope of the loss by z is p - y: the derivative of log(1 + exp(z)) is p, that of -y z is -y.",
        "error = sigmoid(x @ weights + intercept) - y; every row of x times its error, averaged, is x.T @ error / len(x).",
    ),
    run="groundup --mine my learn lesson foundations.learning.supervised.logistic --run",
    checks=(
        one_slope_a_weight,
        large_sums_do_not_overflow,
        one_example_without_weights,
        a_loss_is_a_mean,
        the_intercept_is_in_the_sum,
        as_by_hand,
    ),
    mutants=(
        Mutant("uphill", "Points uphill", ((BELIEVED + " - y", "y - " + BELIEVED),)),
        Mutant(
            "squared error",
            "gradient of the squared error",
            (("    return", "    error = error * (error + y) * (1 - error - y)\n    return"),),
        ),
        Mutant("rounded", "Decides before it compares", ((BELIEVED, "(x @ weights + intercept > 0)"),)),
        Mutant("no slope for the intercept", "Gives 0 for the intercept", (("float(error.mean())", "0.0"),)),
        Mutant(
            "a sum", "Adds the examples up", (("error / len(x), float(error.mean())", "error, float(error.sum())"),)
        ),
        Mutant("without the intercept", "Leaves the intercept out", ((" + intercept", " + 0 * intercept"),)),
        Mutant("without the weights", "Leaves the weights out", (("x @ weights +", "x @ (0 * weights) +"),)),
        Mutant(
            "one slope for all",
            "one number for each weight",
            (("x.T @ error / len(x)", "x * error[:, None] / len(x)"),),
        ),
        Mutant(
            "a sigmoid that overflows",
            "Overflows where the sum is large",
            source="""
            import numpy as np


            def logistic_gradient(x, y, weights, intercept):
                odds = np.exp(x @ weights + intercept)
                error = odds / (1 + odds) - y
                return x.T @ error / len(x), float(error.mean())
            """,
        ),
    ),
)
