"""Exercise: back through a layer norm, whose mean and deviation depend on every number."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    X = np.array([[1.0, 3.0, 8.0]])
    G = np.array([[1.0, 0.0, -2.0]])
    ONES = np.ones(3)
    return X, G, ONES


def torchs(gradient, x, weight, eps=1e-5):
    """The same by torch."""
    import numpy as np
    import torch

    leaves = [torch.tensor(one, requires_grad=True) for one in (x, weight, np.zeros_like(weight))]
    result = torch.nn.functional.layer_norm(leaves[0], weight.shape, leaves[1], leaves[2], eps)
    return tuple(one.numpy() for one in torch.autograd.grad(result, leaves, torch.tensor(gradient)))


def some(*size):
    """A gradient, x and weight, the same at every call."""
    import numpy as np

    random = np.random.default_rng(0)
    gradient, x = (random.integers(-4, 5, size).astype(float) for _ in range(2))
    return gradient, x + np.arange(size[-1]), random.integers(1, 5, size[-1]).astype(float)


def parts(gradient, x, eps=1e-5):
    """The gradient, the normal numbers and the deviation, for a weight of 1."""
    import numpy as np

    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    return gradient, (x - x.mean(axis=-1, keepdims=True)) / deviation, deviation


def mean(numbers):
    """The mean of each row."""
    return numbers.mean(axis=-1, keepdims=True)


@check("shape")
def three_gradients(mine):
    """Each gradient has the shape of what it is taken by: x, weight, bias; those of weight and bias are summed over the rows."""
    for size in ((3,), (1, 3), (2, 3), (2, 2, 3)):
        gradient, x, weight = some(*size)
        for got, expected in zip(mine(gradient, x, weight), (size, (size[-1],), (size[-1],)), strict=True):
            shape(got, expected)


@check("values")
def by_the_bias(mine):
    """The bias is added to every row, so its gradient is the sum of the rows."""
    gradient, x, weight = some(2, 3)
    mistakes = {
        "Takes the mean over the rows for the bias: each row had its full part, so they are summed.": gradient.mean(0),
        "Multiplies the gradient by weight for the bias: the bias is added after that.": (gradient * weight).sum(0),
    }
    same(mine(gradient, x, weight)[2], gradient.sum(0), mistakes=mistakes)


@check("values")
def by_the_weight(mine):
    """The weight multiplies x̂, so its gradient is Σ g x̂ over the rows."""
    gradient, x, weight = some(2, 3)
    _, normal, _ = parts(gradient, x)
    mistakes = {
        "Multiplies by x for the weight: it is the normal x̂ that the weight multiplies.": (gradient * x).sum(0),
        "Multiplies by the weight itself in its own gradient.": (gradient * normal * weight).sum(0),
        "Takes the mean over the rows for the weight: they are summed.": (gradient * normal).mean(0),
    }
    same(mine(gradient, x, weight)[1], (gradient * normal).sum(0), mistakes=mistakes)


@check("values")
def by_x(mine):
    """The gradient by x is not (h - mean(h) - x̂ mean(h x̂)) / √(variance + eps)."""
    X, G, ONES = given()
    h, normal, deviation = parts(G, X)
    mistakes = {
        "Takes mean and deviation for constants: they depend on every number of the row.": h / deviation,
        "Leaves out that the deviation depends on x: subtract x̂ mean(h x̂).": (h - mean(h)) / deviation,
        "Leaves out that the mean depends on x: subtract mean(h).": (h - normal * mean(h * normal)) / deviation,
        "Does not multiply mean(h x̂) by x̂.": (h - mean(h) - mean(h * normal)) / deviation,
        "Sums where the mean belongs: each number has a share of 1/n in mean and variance.": (
            h - 3 * mean(h) - normal * 3 * mean(h * normal)
        )
        / deviation,
        "Does not divide by √(variance + eps).": h - mean(h) - normal * mean(h * normal),
        "Divides by the variance: it is its root.": (h - mean(h) - normal * mean(h * normal)) / deviation**2,
        "Adds the terms of mean and deviation: they are subtracted.": (h + mean(h) + normal * mean(h * normal))
        / deviation,
    }
    same(mine(G, X, ONES)[0], torchs(G, X, ONES)[0], mistakes=mistakes)


@check("values")
def the_weight_counts(mine):
    """Leaves weight out of the gradient by x, or brings it in at the end: h = gradient · weight comes before the means."""
    import numpy as np

    X, G, _ = given()

    weight = np.array([1.0, 2.0, 4.0])
    same(mine(G, X, weight)[0], torchs(G, X, weight)[0])


@check("values")
def eps_is_used(mine):
    """Does not use the eps it is given: the root is of variance + eps, also in x̂."""
    X, G, ONES = given()
    for got, expected in zip(mine(G, X, ONES, 9.0), torchs(G, X, ONES, 9.0), strict=True):
        same(got, expected)


@check("values")
def every_row_for_itself(mine):
    """Lets one row change the gradient of another: mean and variance run along the last axis."""
    arrays = some(2, 3)
    same(mine(*arrays)[0], torchs(*arrays)[0])


@check("gradient")
def as_torchs_for_stacks(mine):
    """Differs from torch's gradients of layer_norm for a stack of rows."""
    for size in ((3,), (2, 3), (2, 2, 4)):
        same(mine(*some(*size)), torchs(*some(*size)))


@check("speed")
def all_rows_at_once(mine):
    """Is far slower than the reference: compute on whole arrays, no loop over the rows."""
    from groundup.foundations.autograd.functions import layer_norm_backward

    fast(mine, layer_norm_backward, some(256, 16), times=10)


DEVIATION = "np.sqrt(x.var(axis=-1, keepdims=True) + eps)"
SHARED = "by_normal.mean(axis=-1, keepdims=True) + normal * (by_normal * normal).mean(axis=-1, keepdims=True)"
BY_X = "(by_normal - shared) / deviation"
BY_WEIGHT, BY_BIAS = "(gradient * normal).sum(axis=rows)", "gradient.sum(axis=rows)"

EXERCISE = Exercise(
    slot="foundations.autograd.layer_norm_backward",
    title="Back through a layer norm",
    task="""
    A layer norm takes each row (the last axis) to mean 0 and variance 1, x̂ = (x - mean) / √(variance + eps), then scales and
    moves it: y = weight · x̂ + bias. `gradient` is the one by y.

    weight and bias are used in every row: their gradients are Σ gradient · x̂ and Σ gradient over the rows. By x it is harder,
    since mean and variance depend on every number of the row. With h = gradient · weight it comes to

    (h - mean(h) - x̂ mean(h x̂)) / √(variance + eps)

    The variance is the mean square (divided by n), as np.var has it. Give the gradients by x, weight and bias.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.autograd.autodiff", "foundations.networks.normalization"),
    hints=(
        "Compute the deviation and x̂ again, with keepdims=True, so that they are broadcast back along the row.",
        "The rows are all axes but the last: tuple(range(x.ndim - 1)); sum over them for weight and bias.",
        "h = gradient * weight first; then both means along axis=-1 with keepdims=True, and one division by the deviation at "
        "the end.",
    ),
    run="groundup --mine my learn lesson foundations.autograd.gpt",
    checks=(
        three_gradients,
        by_the_bias,
        by_the_weight,
        by_x,
        the_weight_counts,
        eps_is_used,
        every_row_for_itself,
        as_torchs_for_stacks,
        all_rows_at_once,
    ),
    mutants=(
        Mutant(
            "not summed over rows", "has the shape of what it is taken by", edits=((BY_WEIGHT, "gradient * normal"),)
        ),
        Mutant(
            "the mean for the bias",
            "mean over the rows for the bias",
            edits=((f", {BY_BIAS}", ", gradient.mean(axis=rows)"),),
        ),
        Mutant("the bias by weight", "weight for the bias", edits=((f", {BY_BIAS}", ", by_normal.sum(axis=rows)"),)),
        Mutant("x for the weight", "Multiplies by x for", edits=((BY_WEIGHT, "(gradient * x).sum(axis=rows)"),)),
        Mutant(
            "weight for the weight", "in its own gradient", edits=((BY_WEIGHT, "(by_normal * normal).sum(axis=rows)"),)
        ),
        Mutant(
            "the mean for the weight",
            "mean over the rows for the weight",
            edits=((BY_WEIGHT, "(gradient * normal).mean(axis=rows)"),),
        ),
        Mutant("constants", "for constants", edits=((BY_X, "by_normal / deviation"),)),
        Mutant(
            "a constant deviation",
            "that the deviation depends",
            edits=((SHARED, "by_normal.mean(axis=-1, keepdims=True)"),),
        ),
        Mutant(
            "a constant mean",
            "that the mean depends",
            edits=((SHARED, "normal * (by_normal * normal).mean(axis=-1, keepdims=True)"),),
        ),
        Mutant("without x̂", "by x̂", edits=((" + normal * (by", " + (by"),)),
        Mutant("sums", "Sums where the mean", edits=((SHARED, SHARED.replace("mean", "sum")),)),
        Mutant("not divided", "Does not divide", edits=((BY_X, "(by_normal - shared)"),)),
        Mutant("the variance", "Divides by the variance", edits=((BY_X, "(by_normal - shared) / deviation**2"),)),
        Mutant("added", "Adds the terms", edits=((BY_X, "(by_normal + shared) / deviation"),)),
        Mutant(
            "without weight", "Leaves weight out", edits=(("by_normal = gradient * weight", "by_normal = gradient"),)
        ),
        Mutant("an eps of its own", "Does not use the eps", edits=((DEVIATION, DEVIATION.replace("eps", "1e-5")),)),
        Mutant(
            "over all rows",
            "Lets one row",
            edits=((SHARED, SHARED.replace("by_normal.mean(axis=-1, keepdims=True) +", "by_normal.mean() +")),),
        ),
        Mutant(
            "a loop over rows",
            "far slower",
            source="""
            import numpy as np


            def layer_norm_backward(gradient, x, weight, eps=1e-5):
                by_x, by_weight, by_bias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(weight)
                for row in np.ndindex(x.shape[:-1]):
                    deviation = np.sqrt(x[row].var() + eps)
                    normal, h = (x[row] - x[row].mean()) / deviation, gradient[row] * weight
                    by_x[row] = (h - h.mean() - normal * (h * normal).mean()) / deviation
                    by_weight += gradient[row] * normal
                    by_bias += gradient[row]
                return by_x, by_weight, by_bias
            """,
        ),
    ),
)
