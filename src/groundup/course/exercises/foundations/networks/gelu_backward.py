"""Exercise: back through a GELU."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    X = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
    ONES = np.ones(5)
    return X, ONES


def torchs(gradient, x):
    """The same by torch."""
    import numpy as np
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    torch.nn.functional.gelu(leaf).backward(torch.tensor(gradient))
    return np.asarray(leaf.grad)


def parts(x=None):
    """The share below x, the density at x."""
    import numpy as np

    x = given()[0] if x is None else x
    share = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in x])
    return share, np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@check("shape")
def as_x(mine):
    """Gives a gradient of another shape than x."""
    import numpy as np

    for size in ((1,), (5,), (2, 3)):
        shape(mine(np.ones(size), np.zeros(size)), size)


@check("finite")
def far_out(mine):
    """Is not finite far from 0."""
    import numpy as np

    finite(mine(np.ones(4), np.array([-1000.0, -30.0, 30.0, 1000.0])))


@check("invariant")
def far_from_0_it_is_a_relu(mine):
    """Is not 1 far above 0 and 0 far below: there a GELU is a relu."""
    import numpy as np

    same(mine(np.ones(2), np.array([12.0, -12.0])), np.array([1.0, 0.0]))


@check("values")
def the_slope(mine):
    """The derivative of x P(x) is not P(x) + x p(x)."""
    X, ONES = given()
    share, density = parts()
    mistakes = {
        "Takes P for a constant: it depends on x too, which adds x p(x).": share,
        "Forgets the factor x before the density: the product rule gives P + x p.": share + density,
        "Subtracts x p(x): it is added.": share - X * density,
        "Gives the value x P(x) in place of its derivative.": X * share,
        "Uses P where its derivative p belongs.": share + X * share,
        "Is a relu's slope: a GELU bends smoothly, and falls below x = -0.75.": (X > 0) * 1.0,
    }
    same(mine(ONES, X), torchs(ONES, X), mistakes=mistakes)


@check("values")
def times_the_gradient(mine):
    """Does not multiply by the gradient that came."""
    X, ONES = given()
    mistakes = {"Adds the gradient that came: the chain rule multiplies.": torchs(ONES, X) + 3.0}
    same(mine(3 * ONES, X), 3 * torchs(ONES, X), mistakes=mistakes)


@check("values")
def the_exact_one(mine):
    """Is the derivative of an approximation (with a tanh, or x sigmoid(1.702 x)): take P and p themselves."""
    import numpy as np

    x = np.linspace(-3, 3, 13)
    same(mine(np.ones(13), x), torchs(np.ones(13), x), rtol=1e-9, atol=1e-12)


@check("gradient")
def tables_too(mine):
    """Differs from torch's for a table of numbers with a gradient of its own for each."""
    import numpy as np

    gradient, x = np.arange(-3.0, 3.0).reshape(2, 3), np.arange(-2.5, 3.5).reshape(2, 3)
    same(mine(gradient, x), torchs(gradient, x))


@check("speed")
def whole_arrays(mine):
    """Is far slower than the reference: compute on whole arrays."""
    import numpy as np

    from groundup.foundations.networks.activations import gelu_backward

    fast(mine, gelu_backward, (np.ones(20_000), np.linspace(-5, 5, 20_000)))


SLOPE = "(normal_share(x) + x * normal_density(x))"
EXERCISE = Exercise(
    slot="foundations.networks.gelu_backward",
    title="Back through a GELU",
    task="""
    A relu lets a number through or not, with a corner at 0. A GELU weighs it: gelu(x) = x P(x), where P(x) is the
    probability that a normal number is below x. Far above 0 that is x, far below it is 0, and between it bends
    smoothly. BERT and GPT are made of it.

    `gradient` is the one by the result. Give the one by x: by the product rule, times the gradient that came.
    `normal_share(x)` is P, and its derivative is the bell curve `normal_density(x)`, exp(-x^2 / 2) / sqrt(2 pi). Both
    take arrays of any shape.
    """,
    difficulty=2,
    minutes=12,
    prerequisites=("foundations.networks.activations", "foundations.autograd.chain_rule"),
    hints=(
        "The product rule: the derivative of x P(x) is 1 P(x) + x P'(x).",
        "P' is the density, so the slope is normal_share(x) + x * normal_density(x).",
        "gradient * (normal_share(x) + x * normal_density(x)).",
    ),
    run="groundup --mine my learn lesson foundations.networks.activations",
    checks=(
        as_x,
        far_out,
        far_from_0_it_is_a_relu,
        the_slope,
        times_the_gradient,
        the_exact_one,
        tables_too,
        whole_arrays,
    ),
    mutants=(
        Mutant(
            "a sum",
            "another shape than x",
            ((f"return gradient * {SLOPE}", f"return (gradient * {SLOPE}).reshape(-1)"),),
        ),
        Mutant(
            "a quotient that overflows",
            "not finite",
            ((SLOPE, "(normal_share(x) + x * normal_density(x) * (x**200 / x**200))"),),
        ),
        Mutant("the value", "there a GELU is a relu", ((SLOPE, "(x * normal_share(x))"),)),
        Mutant("P a constant", "Takes P for a constant", ((SLOPE, "normal_share(x)"),)),
        Mutant("no factor", "Forgets the factor x", (("x * normal_density", "normal_density"),)),
        Mutant("subtracted", "Subtracts x p(x)", (("+ x *", "- x *"),)),
        Mutant("a relu", "Is a relu's slope", ((SLOPE, "(x > 0)"),)),
        Mutant("no gradient", "Does not multiply by", (("gradient * (", "0 * gradient + ("),)),
        Mutant("added", "Adds the gradient", (("gradient * (", "0 * gradient + (gradient > 1) * gradient + ("),)),
        Mutant(
            "nearly",
            "of an approximation",
            ((SLOPE, "(normal_share(x) + x * normal_density(x) + 1e-6 * x * normal_density(x))"),),
        ),
        Mutant(
            "a loop",
            "far slower",
            source="""
            import math

            import numpy as np


            def gelu_backward(gradient, x):
                result = np.zeros_like(x)
                for place in np.ndindex(x.shape):
                    for _ in range(40):
                        share = 0.5 * math.erfc(-float(x[place]) / math.sqrt(2))
                    density = math.exp(-float(x[place]) ** 2 / 2) / math.sqrt(2 * math.pi)
                    result[place] = gradient[place] * (share + x[place] * density)
                return result
            """,
        ),
    ),
)
