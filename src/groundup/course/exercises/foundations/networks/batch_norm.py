"""Exercise: batch norm in both modes, with nothing remembered in secret."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shape


def numbers():
    """The numbers of the cases."""
    import numpy as np

    X = np.array([[0.0, 10.0], [2.0, 10.0], [4.0, 16.0]])
    ONES, ZEROS = np.ones(2), np.zeros(2)
    RUNNING = (np.array([1.0, 2.0]), np.array([4.0, 9.0]))
    MEAN, VARIANCE = np.array([2.0, 12.0]), np.array([8 / 3, 8.0])
    return X, ONES, ZEROS, RUNNING, MEAN, VARIANCE


def torchs(x, weight, bias, running, training, momentum=0.1, eps=1e-5):
    """The same by torch."""
    import torch

    mean, variance = (torch.tensor(one) for one in running)
    numbers, scale, shift = (torch.tensor(one) for one in (x, weight, bias))
    y = torch.nn.functional.batch_norm(numbers, mean, variance, scale, shift, training, momentum, eps)
    return y.numpy(), (mean.numpy(), variance.numpy())


def some(*size):
    """x, weight, bias and running statistics, the same at every call."""
    import numpy as np

    random = np.random.default_rng(0)
    x = random.integers(-4, 5, size).astype(float) + random.integers(0, 3, size)
    features = size[1]
    return (
        x,
        np.arange(1.0, features + 1),
        np.arange(features) - 1.0,
        (np.arange(features) * 1.0, np.ones(features) * 2),
    )


@check("shape")
def as_it_came(mine):
    """Gives a result of another shape than x, or statistics that are not one number for each feature."""
    for size in ((3, 2), (2, 3, 2, 2)):
        y, (mean, variance) = mine(*some(*size), True)
        shape(y, size)
        shape(mean, size[1:2])
        shape(variance, size[1:2])


@check("values")
def in_training(mine):
    """In training the result is not (x - mean) / sqrt(variance + eps) with the batch's own numbers."""
    import numpy as np

    X, ONES, ZEROS, RUNNING, MEAN, VARIANCE = numbers()

    deviation = np.sqrt(VARIANCE + 1e-5)
    mistakes = {
        "Uses the running statistics in training: there the batch's own count.": (X - RUNNING[0])
        / np.sqrt(RUNNING[1] + 1e-5),
        "Normalizes each example: a batch norm takes each feature over the examples (that was layer norm).": (
            (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-5)
        ),
        "Divides by the variance: it is its root.": (X - MEAN) / (VARIANCE + 1e-5),
        "Uses the variance over n - 1 for the result: that one is for the running statistics.": (X - MEAN)
        / np.sqrt(1.5 * VARIANCE + 1e-5),
        "Does not subtract the mean.": X / deviation,
        "Takes mean and variance over all features together.": (X - X.mean()) / np.sqrt(X.var() + 1e-5),
    }
    same(mine(X, ONES, ZEROS, RUNNING, True)[0], (X - MEAN) / deviation, mistakes=mistakes)


@check("values")
def afterwards(mine):
    """Afterwards the result is not made with the running statistics, so an example's result depends on its neighbours."""
    import numpy as np

    X, ONES, ZEROS, RUNNING, _, _ = numbers()

    same(mine(X, ONES, ZEROS, RUNNING, False)[0], (X - RUNNING[0]) / np.sqrt(RUNNING[1] + 1e-5))


@check("values")
def the_running_mean(mine):
    """The new running mean is not (1 - momentum) running + momentum batch."""
    X, ONES, ZEROS, RUNNING, MEAN, _ = numbers()
    mistakes = {
        "Exchanges momentum and 1 - momentum: the batch gets the small share.": 0.1 * RUNNING[0] + 0.9 * MEAN,
        "Gives the batch's own mean as the running one.": MEAN,
        "Leaves the running mean as it was in training.": RUNNING[0],
    }
    same(mine(X, ONES, ZEROS, RUNNING, True)[1][0], 0.9 * RUNNING[0] + 0.1 * MEAN, mistakes=mistakes)


@check("values")
def the_running_variance(mine):
    """The new running variance is not (1 - momentum) running + momentum batch."""
    import numpy as np

    X, ONES, ZEROS, RUNNING, _, VARIANCE = numbers()

    mistakes = {
        "Folds in the variance over n: a batch's mean lies too near to its own numbers, so here it is n - 1.": 0.9
        * RUNNING[1]
        + 0.1 * VARIANCE,
        "Folds in the deviation: it is the variance that is kept.": 0.9 * RUNNING[1] + 0.1 * np.sqrt(1.5 * VARIANCE),
    }
    same(mine(X, ONES, ZEROS, RUNNING, True)[1][1], 0.9 * RUNNING[1] + 0.1 * 1.5 * VARIANCE, mistakes=mistakes)


@check("values")
def nothing_is_learned_afterwards(mine):
    """Changes the running statistics when training is over: they are given back as they are."""
    X, ONES, ZEROS, RUNNING, _, _ = numbers()
    same(mine(X, ONES, ZEROS, RUNNING, False)[1], RUNNING)


@check("values")
def weight_and_bias(mine):
    """Does not scale by weight and then move by bias, one of each for a feature."""
    import numpy as np

    X, _, _, RUNNING, _, _ = numbers()

    for training in (True, False):
        given = (X, np.array([2.0, -1.0]), np.array([0.5, 3.0]), RUNNING, training)
        same(mine(*given), torchs(*given))


@check("values")
def its_own_settings(mine):
    """Does not use the momentum or the eps it is given."""
    X, ONES, ZEROS, RUNNING, _, _ = numbers()
    same(mine(X, ONES, ZEROS, RUNNING, True, 0.5, 1.0), torchs(X, ONES, ZEROS, RUNNING, True, 0.5, 1.0))


@check("values")
def pictures(mine):
    """For pictures (axis 1 is the channel) mean and variance do not run over examples, height and width together."""
    for training in (True, False):
        given = (*some(2, 3, 2, 2), training)
        same(mine(*given), torchs(*given))


@check("gradient")
def through_a_graph(mine):
    """Cannot be learned through: with a Tensor for x use only arithmetic, .mean(axis=..., keepdims=True) and .reshape."""
    import numpy as np
    import torch

    from groundup.foundations.autograd.autodiff import Tensor

    X, ONES, ZEROS, RUNNING, _, _ = numbers()

    leaf, other = Tensor(X, True), torch.tensor(X, requires_grad=True)
    weights = np.arange(6.0).reshape(3, 2) ** 2
    expected = torch.nn.functional.batch_norm(other, None, None, None, None, True)
    expected.backward(torch.tensor(weights))
    try:
        y, _ = getattr(mine, "function", mine)(leaf, Tensor(ONES), Tensor(ZEROS), RUNNING, True)  # no copies of a graph
        y.backward(weights)
    except Exception as error:
        raise Failed(
            input="x = a Tensor of shape (3, 2)", expected="a Tensor", got=f"{type(error).__name__}: {error}"[:200]
        ) from None
    same(leaf.grad, np.asarray(other.grad))


@check("speed")
def all_features_at_once(mine):
    """Is far slower than the reference: compute on whole arrays, no loop over the features."""
    from groundup.foundations.networks.normalization import batch_norm

    fast(mine, batch_norm, (*some(16, 200), True))


MEANS = "variance = ((x - mean) ** 2).mean(axis=others, keepdims=True)"
RESULT = "    return (x"

EXERCISE = Exercise(
    slot="foundations.networks.batch_norm",
    title="Batch norm in both modes",
    task="""
    Batch norm brings each feature to mean 0 and variance 1 over the examples of a batch, then scales it by weight and
    moves it by bias. That ties the examples together: what the network says about one depends on its neighbours. So
    there are two modes. In training the batch's own mean and variance (over n) are used, and folded into running
    ones: (1 - momentum) running + momentum batch, where the variance is the one over n - 1. Afterwards the running
    ones are used, and stay.

    Give the result and the new running (mean, variance); change nothing in place. Features are axis 1: x is
    (examples, features) or (pictures, channels, height, width), and everything but axis 1 is averaged over.

    x, weight and bias may be Tensors of our autodiff, so that the network learns: use only arithmetic,
    x.mean(axis=..., keepdims=True) and .reshape, and np.asarray(...) for the statistics.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.networks.normalization",),
    hints=(
        "The axes to average over: (0,) for a table, (0, 2, 3) for pictures, which is (0, *range(2, len(x.shape))).",
        "With keepdims=True the mean is broadcast back by itself. One number a feature becomes broadcast by .reshape(1, -1) or .reshape(1, -1, 1, 1).",
        "variance = ((x - mean) ** 2).mean(axis=axes, keepdims=True); with n numbers a feature the other one is variance * n / (n - 1).",
    ),
    run="groundup --mine my learn lesson foundations.networks.normalization",
    checks=(
        as_it_came,
        in_training,
        afterwards,
        the_running_mean,
        the_running_variance,
        nothing_is_learned_afterwards,
        weight_and_bias,
        its_own_settings,
        pictures,
        through_a_graph,
        all_features_at_once,
    ),
    mutants=(
        Mutant(
            "statistics as they are broadcast",
            "not one number for each feature",
            (("np.asarray(mean).reshape(-1),", "np.asarray(mean),"),),
        ),
        Mutant(
            "running in training",
            "Uses the running statistics in training",
            (("    return (x", "    mean, variance = (old.reshape(along) for old in running)\n    return (x"),),
        ),
        Mutant("the variance", "Divides by the variance", (("** 0.5", "** 1.0"),)),
        Mutant(
            "n - 1", "for the result", (("    else:", "        variance = variance * count / (count - 1)\n    else:"),)
        ),
        Mutant("no mean", "Does not subtract", (("return (x - mean)", "return x"),)),
        Mutant(
            "all together",
            "over all features together",
            (
                (
                    RESULT,
                    "    if training:\n        mean, variance = x.mean(), ((x - x.mean()) ** 2).mean()\n    return (x",
                ),
            ),
        ),
        Mutant(
            "the batch afterwards",
            "depends on its neighbours",
            (
                (
                    "(old.reshape(along) for old in running)",
                    "(one.reshape(along) for one in (x.mean(axis=others), x.var(axis=others)))",
                ),
            ),
        ),
        Mutant(
            "exchanged",
            "Exchanges momentum",
            (("(1 - momentum) * old + momentum * now", "momentum * old + (1 - momentum) * now"),),
        ),
        Mutant("the batch's own", "Gives the batch's own mean", (("(1 - momentum) * old + momentum * now", "now"),)),
        Mutant("never folded", "Leaves the running mean", (("(1 - momentum) * old + momentum * now", "old"),)),
        Mutant("over n", "Folds in the variance over n", ((" * count / (count - 1)", " * count / count"),)),
        Mutant(
            "the deviation",
            "Folds in the deviation",
            (
                (
                    "np.asarray(variance).reshape(-1) * count / (count - 1)",
                    "(np.asarray(variance).reshape(-1) * count / (count - 1)) ** 0.5",
                ),
            ),
        ),
        Mutant(
            "afterwards too",
            "when training is over",
            (("new = tuple(running)", "new = tuple(0.9 * old + 0.1 for old in running)"),),
        ),
        Mutant("no bias", "Does not scale by weight", ((" + bias.reshape(*along)", ""),)),
        Mutant("an eps of its own", "the momentum or the eps", (("(variance + eps)", "(variance + 1e-5)"),)),
        Mutant(
            "a number for each place",
            "For pictures",
            (
                (
                    RESULT,
                    "    if training:\n        mean, variance = x.mean(axis=0), ((x - x.mean(axis=0)) ** 2).mean(axis=0)\n    return (x",
                ),
            ),
        ),
        Mutant(
            "NumPy's own variance",
            "Cannot be learned through",
            ((MEANS, "variance = np.var(x, axis=others, keepdims=True)"),),
        ),
        Mutant(
            "in place",
            "Changes its argument running",
            (("    return (x", "    running[0][:] = new[0] + 1\n    return (x"),),
        ),
    ),
)
