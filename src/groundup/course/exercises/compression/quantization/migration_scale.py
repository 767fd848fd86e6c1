"""Exercise: how much of an input's range its weights take over."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def ranges():
    """The largest sizes of four inputs, and those of the weights that meet them."""
    import torch

    return torch.tensor([64.0, 1.0, 4.0, 0.25]), torch.tensor([0.25, 1.0, 4.0, 0.5])


@check("shape")
def one_scale_an_input(mine):
    """Gives another shape than the inputs have: every input has a scale of its own."""
    shape(mine(*ranges(), 0.5), (4,))


@check("finite")
def what_was_never_there(mine):
    """Is no number where an input or its weights are all 0: take neither below LEAST."""
    import torch

    finite(mine(torch.tensor([0.0, 2.0]), torch.tensor([0.0, 1.0]), 0.5))
    finite(mine(torch.tensor([2.0, 2.0]), torch.tensor([0.0, 1.0]), 0.5))


@check("invariant")
def half_makes_both_sides_equal(mine):
    """Does not let inputs and weights have the same largest numbers at alpha 0.5: x / s and w * s both become the root of x * w."""
    inputs, weights = ranges()
    scale = mine(inputs, weights, 0.5)
    same(inputs / scale, weights * scale)


@check("values")
def one_makes_inputs_alike(mine):
    """Leaves inputs of different sizes at alpha 1: all of the range goes into the weights, and every x / s is 1."""
    import torch

    inputs, weights = ranges()
    same(inputs / mine(inputs, weights, 1.0), torch.ones(4))


@check("values")
def nought_makes_weights_alike(mine):
    """Leaves weights of different sizes at alpha 0: all of the weights' range goes into the inputs, and every w * s is 1."""
    import torch

    inputs, weights = ranges()
    same(weights * mine(inputs, weights, 0.0), torch.ones(4))


@check("values")
def between(mine):
    """Is not the input's size to the power alpha over the weight's to the power 1 - alpha."""
    import torch

    same(mine(torch.tensor([16.0]), torch.tensor([16.0]), 0.75), torch.tensor([4.0]))


EXERCISE = Exercise(
    slot="compression.quantization.migration_scale",
    title="Share the difficulty between inputs and weights",
    task="""
    Where inputs are rounded as well as weights, a few loud inputs set the step for all. SmoothQuant divides each input by a scale and multiplies its weights by
    it. `inputs` is the largest |x| of each input, `weights` the largest |w| that meets it, `alpha` how much of the range moves into the weights. The scale is
    inputs to the power alpha, over weights to the power 1 - alpha; neither is taken below LEAST, since an input may never have been there.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("compression.quantization.ptq",),
    hints=(
        "Clamp both with .clamp(min=LEAST) before the powers.",
        "Try alpha 1 by hand: the weights then have the power 0 and do not count.",
        "inputs.pow(alpha) / weights.pow(1 - alpha)",
    ),
    run="groundup --mine my learn lesson compression.quantization.smoothquant --run",
    checks=(
        one_scale_an_input,
        what_was_never_there,
        half_makes_both_sides_equal,
        one_makes_inputs_alike,
        nought_makes_weights_alike,
        between,
    ),
    mutants=(
        Mutant("no clamp of the weights", "all 0", (("weights.clamp(min=LEAST)", "weights"),)),
        Mutant("one for all", "another shape", (("weights.clamp(min=LEAST)", "weights.amax().reshape(1, 1)"),)),
        Mutant("multiplied", "same largest numbers", ((" / weights", " * weights"),)),
        Mutant("inputs never more than half", "at alpha 1", ((".pow(alpha)", ".pow(min(alpha, 0.5))"),)),
        Mutant("weights never more than half", "at alpha 0:", ((".pow(1 - alpha)", ".pow(min(1 - alpha, 0.5))"),)),
        Mutant("in steps of a half", "over the weight's to the power", ((".pow(alpha)", ".pow(round(2 * alpha) / 2)"),)),
    ),
)
