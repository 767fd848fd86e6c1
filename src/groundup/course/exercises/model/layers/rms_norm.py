"""Exercise: bring every vector to a root mean square of one."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape

SIZES = [(2,), (2, 2), (2, 3), (2, 3, 8)]  # the smallest first
EPS = 1e-6


def case(*size):
    """A tensor of this size and gains for its last axis, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(len(size))
    return 3 * torch.randn(*size, generator=source), 1 + torch.rand(size[-1], generator=source)


def torchs(x, gain, eps=EPS):
    """The same by torch's own."""
    from torch.nn import functional

    return functional.rms_norm(x, (x.shape[-1],), gain, eps)


def vector(*numbers):
    """A vector of these numbers."""
    import torch

    return torch.tensor(numbers)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: every vector stays as long as it was."""
    for size in ((1,), (2,), (2, 2), (2, 2, 2)):
        shape(mine(*case(*size), EPS), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: a float32 gain widens a bfloat16 x, so bring both back with .to(x.dtype)."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        x, gain = case(2)
        dtype(mine(x.to(kind), gain, EPS), kind)


@check("finite")
def a_vector_of_zeros_is_finite(mine):
    """Divides by zero where all of x is 0: add eps to the mean square, then take the root."""
    import torch

    for hidden in (1, 2):
        finite(mine(torch.zeros(hidden), torch.ones(hidden), EPS))


@check("invariant")
def each_vector_is_its_own(mine):
    """Lets one vector change another: the mean runs along the last axis only, one number for each vector."""
    import torch

    x = torch.tensor([[3.0, 4.0], [30.0, 40.0]])
    square = x.square()
    mistakes = {
        "Divides the columns by the numbers of the rows: mean(-1, keepdim=True) keeps the axis, so each row meets its own.": (
            x / square.mean(-1).sqrt()
        ),
        "Takes the mean over the vectors (axis 0): it runs over the numbers of one vector, the last axis.": (
            x / square.mean(0).sqrt()
        ),
        "Takes one mean over the whole tensor: each vector has its own, so give mean the last axis.": (
            x / square.mean().sqrt()
        ),
    }
    small = vector(3.0, 4.0)
    alone = torch.stack([mine(one, torch.ones(2), EPS) for one in (small, 10 * small)])
    same(mine(x, torch.ones(2), EPS), alone, mistakes=mistakes)


@check("values")
def three_and_four(mine):
    """Does not divide by the root mean square: square, take the mean, add eps, take the root, divide."""
    import torch

    x = vector(3.0, 4.0)  # mean square 12.5
    mistakes = {
        "Divides by the length of the vector: take the mean of the squares, not their sum.": x / 5.0,
        "Divides by the mean square itself: take its root.": x / 12.5,
        "Takes the mean of x away first, as LayerNorm does: RMSNorm only scales.": vector(-1.0, 1.0),
        "Divides by the standard deviation, which takes the mean away: square x itself.": x / 0.5,
        "Divides by the mean of the absolute values: square, mean, then the root.": x / 3.5,
        "Multiplies by the root mean square: divide by it, or multiply by its rsqrt.": x * 12.5**0.5,
        "Multiplies by 1 + gain, as Gemma's files want it: here the gain starts at one and is the factor itself.": (
            2 * x / 12.5**0.5
        ),
    }
    same(mine(x, torch.ones(2), EPS), x / 12.5**0.5, mistakes=mistakes)


@check("values")
def eps_stands_under_the_root(mine):
    """Has eps in the wrong place: it is added to the mean square, under the root."""
    import torch

    x = vector(3.0, 4.0)
    mistakes = {
        "Adds eps after the root: it is added to the mean square, under the root.": x / (12.5**0.5 + 3.5),
        "Uses another eps than the one it is given: models differ in it (1e-5, 1e-6), so take the argument.": x
        / 12.5**0.5,
        "Adds eps to the sum of the squares: add it to their mean.": x / 14.25**0.5,
    }
    same(mine(x, torch.ones(2), 3.5), vector(0.75, 1.0), mistakes=mistakes)  # sqrt(12.5 + 3.5) = 4


@check("values")
def the_gain_multiplies_each_coordinate(mine):
    """Uses the gain in another way than to multiply the scaled vector by it, coordinate by coordinate."""
    x, gain = vector(3.0, 4.0), vector(2.0, 10.0)
    mistakes = {
        "Leaves the gain out: multiply the scaled vector by it.": vector(0.75, 1.0),
        "Multiplies by the gain before the mean is taken: scale x first, then multiply.": x
        * gain
        / ((6.0**2 + 40.0**2) / 2 + 3.5) ** 0.5,
        "Adds the gain: it is a factor.": vector(2.75, 11.0),
    }
    same(mine(x, gain, 3.5), vector(1.5, 10.0), mistakes=mistakes)


@check("values")
def half_precision_does_not_overflow(mine):
    """Squares in half precision: 300 squared is more than a float16 can hold (65,504), so everything becomes 0; square in float32."""
    import torch

    for size in (1.0, 300.0):
        same(mine(torch.full((2,), size).half(), torch.ones(2), EPS), torch.ones(2).half(), rtol=2e-3)


@check("values")
def as_torch(mine):
    """Differs from gain * x / sqrt(mean(x^2) + eps) on random numbers."""
    for size in SIZES:
        given = case(*size)
        same(mine(*given, EPS), torchs(*given), rtol=1e-4)


@check("gradient")
def the_gradients_are_torchs(mine):
    """The result is right and its gradient is not: the root mean square depends on x too, so leave it in the graph."""
    for size in SIZES:
        gradients(lambda x, gain: mine(x, gain, EPS), torchs, case(*size))


@check("speed")
def all_vectors_at_once(mine):
    """Is far slower than the reference: let torch square and average all vectors at once, no loop in Python."""
    from groundup.model.layers.norms import rms_norm

    fast(mine, rms_norm, (*case(2, 256, 64), EPS))


ROOT = "scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)"
RESULT = "return gain.to(x.dtype) * (wide * scale).to(x.dtype)"

EXERCISE = Exercise(
    slot="model.layers.rms_norm",
    title="RMSNorm: keep the stream at one size",
    task="""
    Every part of a block reads the stream through a norm; without one, numbers that grow a little in each layer grow out of
    bounds. RMSNorm divides each vector (the last axis) by its root mean square, sqrt(mean(x^2) + eps), and multiplies each
    coordinate by a learned gain. Unlike LayerNorm it takes no mean away and has no bias. The squares are computed in float32
    at least; the result has the dtype of x. Any number of axes may stand in front.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.layers.norms",),
    hints=(
        "Square, mean along the last axis, add eps, root, divide, multiply by the gain: six steps, in this order.",
        "mean(-1, keepdim=True) leaves an axis of size 1, so that each vector is divided by its own number.",
        "wide = x.to(torch.promote_types(x.dtype, torch.float32)) for the squares, torch.rsqrt for 1 / root, and "
        ".to(x.dtype) on the gain and on the scaled vector at the end.",
    ),
    run="groundup --mine my demo --fast",
    banned=("torch.nn.functional.rms_norm", "torch.rms_norm"),
    checks=(
        the_shape_stays,
        the_dtype_stays,
        a_vector_of_zeros_is_finite,
        each_vector_is_its_own,
        three_and_four,
        eps_stands_under_the_root,
        the_gain_multiplies_each_coordinate,
        half_precision_does_not_overflow,
        as_torch,
        the_gradients_are_torchs,
        all_vectors_at_once,
    ),
    mutants=(
        Mutant(
            "one number for each vector given back",
            "another shape than that of x",
            ((RESULT, "return (wide * scale).mean(-1).to(x.dtype)"),),
        ),
        Mutant("the gain widens", "another dtype than that of x", (("gain.to(x.dtype) *", "gain *"),)),
        Mutant("no eps", "Divides by zero", ((" + eps", ""),)),
        Mutant("the axis is lost", "keeps the axis", (("mean(-1, keepdim=True)", "mean(-1)"),)),
        Mutant("mean over the vectors", "over the vectors (axis 0)", (("mean(-1,", "mean(0,"),)),
        Mutant("one mean for all", "over the whole tensor", (("mean(-1, keepdim=True)", "mean()"),)),
        Mutant("the length", "length of the vector", (("mean(-1", "sum(-1"),)),
        Mutant("no root", "mean square itself", (("torch.rsqrt(", "torch.reciprocal("),)),
        Mutant("LayerNorm", "as LayerNorm does", ((ROOT, f"wide = wide - wide.mean(-1, keepdim=True)\n    {ROOT}"),)),
        Mutant(
            "the standard deviation",
            "Divides by the standard deviation",
            (("wide.square().mean(-1, keepdim=True)", "wide.var(-1, keepdim=True, correction=0)"),),
        ),
        Mutant("the wrong way", "Multiplies by the root mean square", (("torch.rsqrt(", "torch.sqrt("),)),
        Mutant(
            "eps after the root",
            "Adds eps after the root",
            ((ROOT, "scale = 1 / (wide.square().mean(-1, keepdim=True).sqrt() + eps)"),),
        ),
        Mutant("an eps of its own", "another eps than the one it is given", ((" + eps", " + 1e-6"),)),
        Mutant("no gain", "Leaves the gain out", (("gain.to(x.dtype) * ", ""),)),
        Mutant("Gemma's gain", "Multiplies by 1 + gain", (("gain.to(x.dtype)", "(1 + gain).to(x.dtype)"),)),
        Mutant(
            "the gain first",
            "before the mean is taken",
            ((ROOT, f"wide = wide * gain\n    {ROOT}"), ("gain.to(x.dtype) * ", "")),
        ),
        Mutant(
            "squares in half precision",
            "Squares in half precision",
            (("wide = x.to(torch.promote_types(x.dtype, torch.float32))", "wide = x"),),
        ),
        Mutant(
            "the root outside the graph",
            "depends on x too",
            (("keepdim=True) + eps)", "keepdim=True) + eps).detach()"),),
        ),
        Mutant(
            "torch's own",
            "the ready-made",
            ((RESULT, "return torch.nn.functional.rms_norm(x, x.shape[-1:], gain, eps)"),),
        ),
        Mutant("in place", "Changes its argument x in place", ((RESULT, f"x.mul_(scale)\n    {RESULT}"),)),
        Mutant(
            "a loop over vectors",
            "far slower than the reference",
            (
                (
                    RESULT,
                    "rows = [row * (row.square().mean() + eps).rsqrt() for row in wide.reshape(-1, wide.shape[-1])]\n    "
                    "return gain.to(x.dtype) * torch.stack(rows).reshape(x.shape).to(x.dtype)",
                ),
            ),
        ),
    ),
)
