"""Exercise: LayerNorm, which takes the mean away, divides by the deviation, and learns a gain and a bias."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape

EPS = 1e-6


def vector(*numbers):
    """A vector of these numbers."""
    import torch

    return torch.tensor(numbers)


def case(*size):
    """A tensor of this size, gains and biases for its last axis; the same at every call."""
    import torch

    source = torch.Generator().manual_seed(len(size))
    hidden = size[-1]
    x = 1 + 3 * torch.randn(*size, generator=source)
    return x, 1 + torch.rand(hidden, generator=source), torch.randn(hidden, generator=source)


def torchs(x, gain, bias, eps=EPS):
    """The same by torch's own."""
    from torch.nn import functional

    return functional.layer_norm(x, (x.shape[-1],), gain, bias, eps)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: every vector stays as long as it was."""
    for size in ((1,), (2,), (2, 3), (2, 2, 3)):
        shape(mine(*case(*size), EPS), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: compute wide and bring the result back with .to(x.dtype)."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        x, gain, bias = case(2)
        dtype(mine(x.to(kind), gain, bias, EPS), kind)


@check("finite")
def equal_numbers_are_finite(mine):
    """Divides by zero where all numbers of a vector are equal: add eps to the mean square, then take the root."""
    import torch

    for hidden in (1, 2):
        finite(mine(torch.full((hidden,), 3.0), torch.ones(hidden), None, EPS))


@check("values")
def one_and_five(mine):
    """Does not take the mean away and divide by the deviation."""
    import torch

    x = vector(1.0, 5.0)  # mean 3, deviation 2
    mistakes = {
        "Leaves the mean in, as RMSNorm does: subtract it first.": x / 13.0**0.5,
        "Takes the mean away and divides by the root mean square of x: divide by the deviation, of what is left.": (
            vector(-2.0, 2.0) / 13.0**0.5
        ),
        "Divides by the deviation but leaves the mean in: subtract it first.": x / 2.0,
        "Takes the mean away and divides by nothing.": vector(-2.0, 2.0),
        "Divides by the variance: take its root.": vector(-0.5, 0.5),
        "Divides the squares by n - 1: the mean over all n numbers is meant (correction=0).": vector(-2.0, 2.0)
        / 8.0**0.5,
    }
    same(mine(x, torch.ones(2), None, EPS), vector(-1.0, 1.0), mistakes=mistakes)


@check("values")
def eps_stands_under_the_root(mine):
    """Has eps in the wrong place: it is added to the mean square of the deviations, under the root."""
    import torch

    x = vector(1.0, 5.0)
    mistakes = {
        "Adds eps after the root: it belongs under it.": vector(-2.0, 2.0) / (2.0 + 12.0),
        "Uses another eps than the one it is given.": vector(-1.0, 1.0),
    }
    same(mine(x, torch.ones(2), None, 12.0), vector(-0.5, 0.5), mistakes=mistakes)  # sqrt(4 + 12) = 4


@check("values")
def gain_and_bias(mine):
    """Does not multiply by the gain and then add the bias, coordinate by coordinate."""
    x, gain, bias = vector(1.0, 5.0), vector(2.0, 3.0), vector(10.0, 20.0)
    mistakes = {
        "Leaves the gain out.": vector(9.0, 21.0),
        "Leaves the bias out.": vector(-2.0, 3.0),
        "Adds the bias before it multiplies: the gain comes first.": vector(18.0, 63.0),
        "Subtracts the bias.": vector(-12.0, -17.0),
    }
    same(mine(x, gain, bias, EPS), vector(8.0, 23.0), mistakes=mistakes)


@check("values")
def either_may_be_left_out(mine):
    """Fails where gain or bias is None: leave that step out."""
    import torch

    x = vector(1.0, 5.0)
    same(mine(x, None, None, EPS), vector(-1.0, 1.0))
    same(mine(x, None, torch.ones(2), EPS), vector(0.0, 2.0))


@check("values")
def each_vector_is_its_own(mine):
    """Lets one vector change another: mean and deviation run along the last axis only."""
    import torch

    x = torch.tensor([[1.0, 5.0], [10.0, 50.0]])
    same(mine(x, torch.ones(2), None, EPS), torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]))


@check("values")
def half_precision_does_not_overflow(mine):
    """Squares in half precision: 600 squared is more than a float16 can hold (65,504); compute in float32 at least."""
    import torch

    same(mine(vector(-600.0, 600.0).half(), torch.ones(2), None, EPS), vector(-1.0, 1.0).half(), rtol=2e-3)


@check("gradient")
def the_gradients_are_torchs(mine):
    """The result is right and its gradient is not: mean and deviation depend on x too, so leave both in the graph."""
    for size in ((2,), (2, 3), (2, 3, 8)):
        gradients(lambda *given: mine(*given, EPS), torchs, case(*size))


@check("speed")
def all_vectors_at_once(mine):
    """Is far slower than the reference: let torch average all vectors at once, no loop in Python."""
    from groundup.model.layers.norms import layer_norm

    fast(mine, layer_norm, (*case(2, 256, 64), EPS))


WIDE = "wide = x.to(torch.promote_types(x.dtype, torch.float32))"
CENTRED = "centred = wide - wide.mean(-1, keepdim=True)"
SCALED = "y = centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps)"
GAINED = "y = y if gain is None else y * gain"
RESULT = "return (y if bias is None else y + bias).to(x.dtype)"

EXERCISE = Exercise(
    slot="model.layers.layer_norm",
    title="LayerNorm: no mean, unit deviation",
    task="""
    The norm of the first transformers, of BERT and of GPT-2. It takes the mean of each vector (the last axis) away and
    divides by what is then its root mean square, the deviation: sqrt(mean((x - mean)^2) + eps). Then each coordinate is multiplied by a learned
    gain and a learned bias is added; either may be None, and is then left out. Compute in float32 at least; the result has the
    dtype of x. RMSNorm is what remains without mean and bias.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.layers.norms",),
    hints=(
        "Mean along the last axis, subtract; square, mean, add eps, root, divide; multiply by the gain; add the bias.",
        "mean(-1, keepdim=True) leaves an axis of size 1, so that each vector meets its own mean and its own deviation.",
        "centred = wide - wide.mean(-1, keepdim=True), then centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + eps).",
    ),
    run="groundup --mine my learn lesson model.architectures.decoder --run",
    banned=("torch.nn.functional.layer_norm", "torch.layer_norm", "torch.native_layer_norm"),
    checks=(
        the_shape_stays,
        the_dtype_stays,
        equal_numbers_are_finite,
        one_and_five,
        eps_stands_under_the_root,
        gain_and_bias,
        either_may_be_left_out,
        each_vector_is_its_own,
        half_precision_does_not_overflow,
        the_gradients_are_torchs,
        all_vectors_at_once,
    ),
    mutants=(
        Mutant("one number a vector", "another shape than that of x", ((RESULT, "return y.mean(-1).to(x.dtype)"),)),
        Mutant("stays wide", "another dtype than that of x", ((RESULT, RESULT.replace(".to(x.dtype)", "")),)),
        Mutant("no eps", "Divides by zero", ((" + eps", ""),)),
        Mutant("RMSNorm", "as RMSNorm does", ((CENTRED, "centred = wide"),)),
        Mutant("the size of x", "root mean square of x", ((SCALED, SCALED.replace("centred.square", "wide.square")),)),
        Mutant("the mean stays", "but leaves the mean in", ((SCALED, SCALED.replace("y = centred *", "y = wide *")),)),
        Mutant(
            "nothing divided",
            "divides by nothing",
            ((SCALED, "y = centred * torch.rsqrt(0 * eps + wide[..., :1] ** 0)"),),
        ),
        Mutant("the variance", "Divides by the variance", (("torch.rsqrt(", "torch.reciprocal("),)),
        Mutant(
            "n - 1",
            "Divides the squares by n - 1",
            (
                (
                    SCALED,
                    "y = centred * torch.rsqrt(wide.var(-1, keepdim=True, correction=min(1, x.shape[-1] - 1)) + eps)",
                ),
            ),
        ),
        Mutant(
            "eps after the root",
            "Adds eps after the root",
            ((SCALED, "y = centred / (centred.square().mean(-1, keepdim=True).sqrt() + eps)"),),
        ),
        Mutant("an eps of its own", "another eps than the one it is given", ((" + eps", " + 1e-6"),)),
        Mutant("no gain", "Leaves the gain out", ((GAINED, "y = y"),)),
        Mutant("no bias", "Leaves the bias out", ((RESULT, "return y.to(x.dtype)"),)),
        Mutant(
            "the bias first",
            "Adds the bias before it multiplies",
            (
                (GAINED, "y = y if bias is None else y + bias"),
                (RESULT, "return (y if gain is None else y * gain).to(x.dtype)"),
            ),
        ),
        Mutant("no gain is zero", "where gain or bias is None", ((GAINED, "y = y * (0.0 if gain is None else gain)"),)),
        Mutant("one mean for all", "Lets one vector change another", ((CENTRED, "centred = wide - wide.mean()"),)),
        Mutant("narrow squares", "Squares in half precision", ((WIDE, "wide = x"),)),
        Mutant(
            "the deviation outside the graph", "leave both in the graph", (("True) + eps)", "True) + eps).detach()"),)
        ),
        Mutant(
            "torch's own",
            "the ready-made",
            ((RESULT, "return torch.nn.functional.layer_norm(x, x.shape[-1:], gain, bias, eps)"),),
        ),
        Mutant(
            "a loop over vectors",
            "far slower than the reference",
            (
                (
                    SCALED,
                    "rows = [row * (row.square().mean() + eps).rsqrt() for row in centred.reshape(-1, x.shape[-1])]\n    "
                    "y = torch.stack(rows).reshape(x.shape)",
                ),
            ),
        ),
    ),
)
