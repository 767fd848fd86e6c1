"""Exercise: numbers that go missing in training."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    X = np.arange(1.0, 9.0)
    return X


def generator(seed=0):
    """The same numbers at every call."""
    import numpy as np

    return np.random.default_rng(seed)


def stays(rate, size=(8,)):
    """Which numbers stay."""
    return generator().random(size) >= rate


@check("shape")
def as_it_came(mine):
    """Gives a result of another shape than x: a dropped number is 0, it does not disappear."""
    import numpy as np

    for size in ((4,), (2, 3), (2, 1, 3)):
        shape(mine(np.ones(size), 0.5, generator()), size)


@check("invariant")
def once_training_is_over(mine):
    """Drops or scales when training is over: then x goes through as it is."""
    X = given()
    same(mine(X, 0.5, generator(), False), X)


@check("invariant")
def the_expected_value_stays(mine):
    """Lets the mean drift: what stays is divided by the share that stays, 1 - rate, so that the expected value does not change."""
    import numpy as np

    ones = np.ones(20_000)
    for rate in (0.2, 0.5):
        got = float(mine(ones, rate, generator()).mean())
        that(abs(got - 1) < 0.03, expected="a mean of about 1", got=got)


@check("values")
def what_stays(mine):
    """Does not keep the numbers where generator.random(x.shape) >= rate, divided by 1 - rate."""
    X = given()
    kept = stays(0.25)
    mistakes = {
        "Keeps what should go: a number goes with probability rate, where the draw is below it.": X * ~kept / 0.75,
        "Draws one mask for all numbers.": X / 0.75,
    }
    same(mine(X, 0.25, generator()), X * kept / 0.75, mistakes=mistakes)


@check("values")
def every_number_for_itself(mine):
    """Drops whole rows or columns: each number has a draw of its own."""
    import numpy as np

    x = np.arange(1.0, 13.0).reshape(3, 4)
    same(mine(x, 0.5, generator()), x * stays(0.5, (3, 4)) * 2)


@check("values")
def the_generator_moves_on(mine):
    """Drops the same numbers at every call: draw from the generator that was given, which moves on."""
    X = given()
    random = generator()
    mine(X, 0.5, random)
    second, other = mine(X, 0.5, random), generator(7)
    again = generator()
    again.random(X.shape)
    same(second, X * (again.random(X.shape) >= 0.5) * 2)
    same(mine(X, 0.5, other), X * (generator(7).random(X.shape) >= 0.5) * 2)


@check("values")
def rates_that_cannot_be(mine):
    """Takes a rate of 1 or below 0: raise InputError there, since 1 - rate would be 0 or above 1."""
    from groundup.errors import InputError

    X = given()

    for rate in (1.0, 1.5, -0.1):
        try:
            got = mine(X, rate, generator())
        except InputError:
            continue
        raise Failed(expected="InputError", got=str(got.tolist()))
    same(mine(X, 0.0, generator()), X)


KEPT = "kept = generator.random(x.shape) >= rate"

EXERCISE = Exercise(
    slot="foundations.networks.dropout",
    title="Dropout",
    task="""
    A network with many weights lets neurons lean on each other: one mends what another does wrong, for the training
    examples only. Dropout takes that away. In every step of training each number is set to 0 with probability rate,
    so none can rely on another being there.

    With fewer numbers the sums of the next layer would shrink. Divide what stays by 1 - rate, and the expected value
    is x, so that nothing has to be done when the network is used: then x goes through unchanged. A number stays where
    generator.random(x.shape) >= rate. A rate below 0, or of 1 and more, is an InputError. x may be a Tensor: multiply
    it by an array, change nothing in place.
    """,
    difficulty=1,
    minutes=12,
    prerequisites=("foundations.networks.dropout",),
    hints=(
        "A comparison of an array gives True and False, which count as 1 and 0 when multiplied.",
        "One draw for each number: generator.random(x.shape); where training is False, nothing is drawn.",
        "x * ((generator.random(x.shape) >= rate) / (1 - rate)).",
    ),
    run="groundup --mine my learn lesson foundations.networks.dropout",
    banned=("groundup.foundations.learning.regularization.dropout.dropout_mask",),
    checks=(
        as_it_came,
        once_training_is_over,
        the_expected_value_stays,
        what_stays,
        every_number_for_itself,
        the_generator_moves_on,
        rates_that_cannot_be,
    ),
    mutants=(
        Mutant("taken out", "does not disappear", (("return x * (kept / (1 - rate))", "return x[kept] / (1 - rate)"),)),
        Mutant("always", "when training is over", (("if not training:", "if rate == 0:"),)),
        Mutant("not scaled", "Lets the mean drift", (("kept / (1 - rate)", "kept / 1.0"),)),
        Mutant(
            "the other way round",
            "Keeps what should go",
            ((KEPT, "kept = (generator.random(x.shape) >= rate) ^ (x.size < 100)"),),
        ),
        Mutant(
            "from the other end", "Does not keep the numbers", ((KEPT, "kept = 1 - generator.random(x.shape) >= rate"),)
        ),
        Mutant(
            "whole rows",
            "Drops whole rows",
            ((KEPT, "kept = generator.random((len(x),) + (1,) * (len(x.shape) - 1)) >= rate"),),
        ),
        Mutant(
            "the same mask", "at every call", (("    kept =", "    generator = np.random.default_rng(0)\n    kept ="),)
        ),
        Mutant("any rate", "Takes a rate of 1", (("if not 0 <= rate < 1:", "if not 0 <= rate < 2:"),)),
        Mutant("NumPy's own", "global generator", ((KEPT, "kept = np.random.random(x.shape) >= rate"),)),
        Mutant(
            "the ready-made mask",
            "the ready-made",
            source="""
            from groundup.foundations.learning.regularization.dropout import dropout_mask


            def dropout(x, rate, generator, training=True):
                return x * dropout_mask(x.shape, rate, generator) if training else x
            """,
        ),
    ),
)
