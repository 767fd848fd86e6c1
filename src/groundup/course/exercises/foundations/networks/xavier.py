"""Exercise: weights that keep a signal's scale in both directions."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def generator(seed=0):
    """The same numbers at every call."""
    import numpy as np

    return np.random.default_rng(seed)


@check("shape")
def the_shape_asked_for(mine):
    """Gives weights of another shape than asked for."""
    for size in ((1, 1), (3, 5), (4, 2, 3, 3)):
        shape(mine(size, generator()), size)


@check("invariant")
def around_0(mine):
    """Draws weights that are not symmetric around 0: the interval goes from minus the limit to the limit."""
    got = mine((100, 100), generator())
    that(abs(got.mean()) < 0.005 and got.min() < 0, expected="a mean of about 0", got=float(got.mean()))


@check("invariant")
def evenly(mine):
    """Draws weights that are not uniform: a quarter of them should be beyond three quarters of the limit."""
    got = abs(mine((100, 100), generator()))
    share = float((got > 0.75 * got.max()).mean())
    that(0.23 < share < 0.27, expected="0.25 of them beyond 3/4 of the largest", got=share)


@check("values")
def the_limit(mine):
    """The limit is not sqrt(6 / (inputs + outputs))."""
    mistakes = {
        "Uses 2 for the limit: a uniform number within +-a has the variance a^2 / 3, so it takes 6.": (2 / 400) ** 0.5,
        "Divides by the inputs alone: Xavier's compromise has inputs + outputs.": (6 / 300) ** 0.5,
        "Divides by the outputs alone: Xavier's compromise has inputs + outputs.": (6 / 100) ** 0.5,
        "Divides by the mean of both: it is their sum.": (6 / 200) ** 0.5,
        "Takes no root: 6 / (inputs + outputs) is the limit's square.": 6 / 400,
    }
    same(
        round(float(abs(mine((300, 100), generator())).max()), 3),
        round((6 / 400) ** 0.5, 3),
        mistakes={k: round(v, 3) for k, v in mistakes.items()},
    )


@check("values")
def filters(mine):
    """Takes the wrong numbers for a convolution: each filter sums channels * rows * columns, and `fans` counts them."""
    got = round(float(abs(mine((32, 16, 3, 3), generator())).max()), 3)
    same(got, round((6 / (9 * 16 + 9 * 32)) ** 0.5, 3))


@check("values")
def the_generator_given(mine):
    """Does not draw from the generator it was given: two of another seed must give other weights."""
    one, other = mine((3, 4), generator(1)), mine((3, 4), generator(2))
    that(abs(one - other).max() > 1e-3, expected="other weights", got="the same")


LIMIT = "math.sqrt(6 / (inputs + outputs))"

EXERCISE = Exercise(
    slot="foundations.networks.xavier",
    title="Xavier's weights",
    task="""
    A sum of n products of weights and inputs has n times the variance of one. After twenty layers the signal is gone
    or infinite unless each layer's weights have the variance 1 / inputs. The gradient comes back through the same
    weights the other way and asks for 1 / outputs. Glorot and Bengio (2010) took the middle: 2 / (inputs + outputs).

    Draw uniform weights between minus a limit and the limit so that this is their variance. A uniform number within
    +-a has the variance a^2 / 3. `fans(shape)` says how many inputs and outputs there are, for a matrix and for the
    filters of a convolution.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.networks.initialization",),
    hints=(
        "Set a^2 / 3 equal to 2 / (inputs + outputs) and solve for a.",
        "The limit is sqrt(6 / (inputs + outputs)).",
        "generator.uniform(-limit, limit, shape).",
    ),
    run="groundup --mine my learn lesson foundations.networks.initialization",
    checks=(the_shape_asked_for, around_0, evenly, the_limit, filters, the_generator_given),
    mutants=(
        Mutant("transposed", "another shape", ((", limit, shape)", ", limit, shape[::-1])"),)),
        Mutant("from 0", "not symmetric", (("uniform(-limit,", "uniform(0,"),)),
        Mutant("normal", "not uniform", (("uniform(-limit, limit, shape)", "normal(0, limit / 3**0.5, shape)"),)),
        Mutant("2", "Uses 2 for the limit", ((LIMIT, LIMIT.replace("6", "2")),)),
        Mutant("inputs", "by the inputs alone", ((LIMIT, "math.sqrt(6 / inputs)"),)),
        Mutant("outputs", "by the outputs alone", ((LIMIT, "math.sqrt(6 / outputs)"),)),
        Mutant("the mean", "by the mean of both", ((LIMIT, LIMIT.replace("6", "12")),)),
        Mutant("no root", "Takes no root", ((LIMIT, "6 / (inputs + outputs)"),)),
        Mutant(
            "the shape's own ends",
            "numbers for a convolution",
            (("inputs, outputs = fans(shape)", "inputs, outputs = shape[:2]"),),
        ),
        Mutant(
            "a seed of its own",
            "the generator it was given",
            (("return generator", "generator = np.random.default_rng(0)\n    return generator"),),
        ),
    ),
)
