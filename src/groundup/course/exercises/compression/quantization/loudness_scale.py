"""Exercise: how much larger a weight is made before it is rounded."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def sizes():
    """The mean sizes of five inputs, one of them loud."""
    import torch

    return torch.tensor([0.5, 20.0, 1.0, 2.0, 0.1])


@check("shape")
def one_scale_an_input(mine):
    """Gives another shape than the sizes have: every input has a scale of its own."""
    shape(mine(sizes(), 0.5), (5,))


@check("finite")
def an_input_that_is_never_there(mine):
    """Divides by an input that was never there: no scale may be below LEAST before the balance, and size 0 to any power is 0."""
    import torch

    finite(mine(torch.tensor([0.0, 1.0, 3.0]), 0.5))


@check("invariant")
def alpha_zero_scales_nothing(mine):
    """Scales although alpha is 0: that is plain rounding, every scale 1."""
    import torch

    same(mine(sizes(), 0.0), torch.ones(5))


@check("invariant")
def balanced(mine):
    """Lets the weights grow or shrink as a whole: divide by the root of the largest scale times the smallest, so that their product is 1."""
    import torch

    for alpha in (0.3, 0.9):
        made = mine(sizes(), alpha)
        same(made.max() * made.min(), torch.tensor(1.0))


@check("values")
def loud_inputs_have_large_scales(mine):
    """Gives loud inputs the small scales: the weights that loud inputs meet are the ones to be made larger."""
    import torch

    made = mine(torch.tensor([16.0, 1.0]), 0.5)
    same(made > 1, torch.tensor([True, False]))


@check("values")
def tempered_by_alpha(mine):
    """Is not size to the power alpha: 16 against 1 at alpha 0.5 is 4 against 1, which the balance makes 2 against 1/2."""
    import torch

    same(mine(torch.tensor([16.0, 1.0, 4.0]), 0.5), torch.tensor([2.0, 0.5, 1.0]))
    same(mine(torch.tensor([16.0, 1.0, 4.0]), 1.0), torch.tensor([4.0, 0.25, 1.0]))


EXERCISE = Exercise(
    slot="compression.quantization.loudness_scale",
    title="Make larger what loud inputs meet",
    task="""
    AWQ multiplies each input's weights by a scale before they are rounded, and divides the input by it: the function stays, but the error of rounding comes
    out smaller where the input is loud. `size` is the mean of |x| of each input. The scale is size to the power `alpha`; none is taken below LEAST (an input
    that was never there has size 0); and all are divided by the root of the largest scale times the smallest, so that the weights neither grow nor shrink
    as a whole.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("compression.quantization.ptq",),
    hints=(
        "tensor.pow(alpha), then .clamp(min=LEAST).",
        "The balance uses the scales, not the sizes: after the power and the clamp.",
        "scale / (scale.max() * scale.min()).sqrt()",
    ),
    run="groundup --mine my learn lesson compression.quantization.awq --run",
    checks=(
        one_scale_an_input,
        an_input_that_is_never_there,
        alpha_zero_scales_nothing,
        balanced,
        loud_inputs_have_large_scales,
        tempered_by_alpha,
    ),
    mutants=(
        Mutant("no clamp", "never there", ((".clamp(min=LEAST)", ""),)),
        Mutant("one for all", "another shape", (("size.pow(alpha)", "size.mean().pow(alpha)"),)),
        Mutant("not balanced", "grow or shrink", ((" / (scale.max() * scale.min()).sqrt()", ""),)),
        Mutant("the other way round", "small scales", (("size.pow(alpha)", "size.clamp(min=LEAST).pow(-alpha)"),)),
        Mutant("one minus alpha", "although alpha is 0", (("size.pow(alpha)", "size.pow(1 - alpha)"),)),
        Mutant("half the power", "not size to the power", (("size.pow(alpha)", "size.pow(alpha / 2)"),)),
    ),
)
