"""Exercise: weights that give back what a relu throws away."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def generator(seed=0):
    """The same numbers at every call."""
    import numpy as np

    return np.random.default_rng(seed)


def deviation(mine, size, *gain):
    """The deviation of the weights, to two digits after the first."""
    return float(f"{mine(size, generator(), *gain).std():.1e}")


def about(number):
    """The same rounding for what is expected."""
    return float(f"{number:.1e}")


@check("shape")
def the_shape_asked_for(mine):
    """Gives weights of another shape than asked for."""
    for size in ((1, 1), (3, 5), (4, 2, 3, 3)):
        shape(mine(size, generator()), size)


@check("invariant")
def around_0(mine):
    """Draws weights whose mean is not 0: a normal number plus something would push every neuron the same way."""
    got = mine((100, 100), generator())
    that(abs(got.mean()) < 0.005, expected="a mean of about 0", got=float(got.mean()))


@check("invariant")
def normal(mine):
    """Draws weights that are not normal: about 4.6 % of them should be beyond two deviations."""
    got = mine((200, 200), generator())
    share = float((abs(got) > 2 * got.std()).mean())
    that(0.04 < share < 0.05, expected="0.046 of them beyond 2 deviations", got=share)


@check("values")
def the_deviation(mine):
    """The deviation is not sqrt(2 / inputs)."""
    size, n, m = (400, 1600), 400, 1600
    mistakes = {
        "Gives normal() the variance: its second argument is the deviation, the root.": 2 / n,
        "Leaves the gain out: a relu throws half of the mean square away, so the variance is doubled.": (1 / n) ** 0.5,
        "Divides by the outputs: a sum runs over the inputs.": (2 / m) ** 0.5,
        "Divides by inputs + outputs: that is Xavier's.": (2 / (n + m)) ** 0.5,
    }
    same(deviation(mine, size), about((2 / n) ** 0.5), rtol=0.02, mistakes={k: about(v) for k, v in mistakes.items()})


@check("values")
def another_gain(mine):
    """Does not use the gain it is given: it stands in place of sqrt(2)."""
    same(deviation(mine, (400, 1600), 1.0), about(0.05), rtol=0.02)


@check("values")
def filters(mine):
    """Takes the wrong number for a convolution: each filter sums channels * rows * columns, and `fans` counts them."""
    same(deviation(mine, (64, 32, 3, 3)), about((2 / (32 * 9)) ** 0.5), rtol=0.02)


@check("values")
def a_signal_lives(mine):
    """Lets a signal fade or explode through thirty layers with relu."""
    import numpy as np

    random = generator()
    x = random.standard_normal((50, 100))
    for _ in range(30):
        x = np.maximum(x @ mine((100, 100), random), 0)
    that(0.05 < x.std() < 20, expected="a deviation of about 1", got=float(x.std()))


@check("values")
def the_generator_given(mine):
    """Does not draw from the generator it was given: two of another seed must give other weights."""
    one, other = mine((3, 4), generator(1)), mine((3, 4), generator(2))
    that(abs(one - other).max() > 1e-3, expected="other weights", got="the same")


EXERCISE = Exercise(
    slot="foundations.networks.kaiming",
    title="Kaiming's weights",
    task="""
    Weights of the variance 1 / inputs keep a signal's scale, as long as nothing is thrown away. A relu sets every
    second number to 0 and so halves the mean square, layer after layer: after thirty layers 1e-9 is left. He and
    others (2015) gave the half back: variance 2 / inputs, which is the deviation sqrt(2) / sqrt(inputs).

    Draw normal weights with mean 0 and the deviation gain / sqrt(inputs). The gain is sqrt(2) for relu and 1 where
    nothing is bent. `fans(shape)` says how many inputs and outputs there are, for a matrix and for the filters of a
    convolution.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.networks.initialization",),
    hints=(
        "generator.normal takes the mean, the deviation (not the variance) and the shape.",
        "inputs, outputs = fans(shape), and only the inputs count.",
        "generator.normal(0.0, gain / math.sqrt(inputs), shape).",
    ),
    run="groundup --mine my learn lesson foundations.networks.initialization",
    checks=(
        the_shape_asked_for,
        around_0,
        normal,
        the_deviation,
        another_gain,
        filters,
        a_signal_lives,
        the_generator_given,
    ),
    mutants=(
        Mutant("transposed", "another shape", (("(inputs), shape)", "(inputs), shape[::-1])"),)),
        Mutant("a mean of 1", "mean is not 0", (("normal(0.0", "normal(1.0"),)),
        Mutant(
            "uniform",
            "not normal",
            (("normal(0.0, gain / math.sqrt(inputs), shape)", "uniform(-1, 1, shape) * gain * math.sqrt(3 / inputs)"),),
        ),
        Mutant("the variance", "Gives normal() the variance", (("gain / math.sqrt(inputs)", "gain**2 / inputs"),)),
        Mutant("no gain", "Leaves the gain out", (("gain / math", "1 / math"),)),
        Mutant("outputs", "by the outputs", (("inputs, _ =", "_, inputs ="),)),
        Mutant("both", "that is Xavier's", (("inputs, _ = fans(shape)", "inputs = sum(fans(shape))"),)),
        Mutant("always sqrt 2", "the gain it is given", (("gain / math.sqrt(inputs)", "math.sqrt(2 / inputs)"),)),
        Mutant("the first axis", "number for a convolution", (("inputs, _ = fans(shape)", "inputs = shape[0]"),)),
        Mutant(
            "a seed of its own",
            "the generator it was given",
            (("return generator", "generator = np.random.default_rng(0)\n    return generator"),),
        ),
    ),
)
