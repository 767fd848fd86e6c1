"""Exercise: the soft cap, a bound that a score approaches and never passes."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, finite, gradients, same, shape


def numbers(*values):
    """A tensor of these numbers."""
    import torch

    return torch.tensor(values)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: each score is bent on its own."""
    import torch

    for size in ((1,), (2, 3), (2, 1, 2, 2)):
        shape(mine(torch.ones(size), 2.0), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: the cap is a plain number, so nothing has to be cast."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(torch.ones(2, dtype=kind), 2.0), kind)


@check("finite")
def far_out_is_finite(mine):
    """Overflows far out: tanh saturates by itself, an exponential written by hand does not."""
    for size in (1e3, 1e30):
        finite(mine(numbers(size, -size), 50.0))


@check("values")
def by_hand(mine):
    """Differs from cap * tanh(x / cap)."""
    x, tanh = numbers(2.0, -4.0), math.tanh
    mistakes = {
        "Cuts off at the cap: a hard bound has no gradient beyond it; bend with tanh.": numbers(2.0, -2.0),
        "Forgets to multiply by the cap: the result lies between -cap and cap, not between -1 and 1.": numbers(
            tanh(1), -tanh(2)
        ),
        "Forgets to divide by the cap: small scores would come out `cap` times too large.": numbers(
            2 * tanh(2), -2 * tanh(4)
        ),
        "Multiplies inside where it should divide.": numbers(2 * tanh(4), -2 * tanh(8)),
        "Divides outside where it should multiply.": numbers(tanh(1) / 2, -tanh(2) / 2),
        "Leaves x as it is.": x,
        "Loses the sign: a score far below stays far below.": numbers(2 * tanh(1), 2 * tanh(2)),
    }
    same(mine(x, 2.0), numbers(2 * tanh(1), -2 * tanh(2)), mistakes=mistakes)


@check("values")
def small_scores_stay(mine):
    """Changes scores that are small against the cap: near 0 the curve has the slope 1."""
    same(mine(numbers(0.0, 0.01, -0.02), 30.0), numbers(0.0, 0.01, -0.02), rtol=1e-4)


@check("values")
def the_cap_is_given(mine):
    """Uses a cap of its own: Gemma 2 has 50 for attention and 30 for the logits, so take the argument."""
    for cap in (1.0, 3.0, 30.0):
        same(mine(numbers(1e4), cap), numbers(cap))


@check("gradient")
def the_gradient_is_that_of_tanh(mine):
    """The result is right and its gradient is not: leave every step in the graph."""
    import torch

    for x in (numbers(0.5), numbers(0.5, -3.0, 9.0)):
        gradients(lambda x: mine(x, 5.0), lambda x: 5.0 * torch.tanh(x / 5.0), [x])


RESULT = "return cap * torch.tanh(x / cap)"

EXERCISE = Exercise(
    slot="model.layers.soft_cap",
    title="The soft cap: a bound that bends",
    task="""
    Scores that grow without bound make a softmax that listens to one place alone, and its gradient dies. Cutting them off at
    a bound would kill the gradient too. Gemma 2 bends them: near 0 a score stays what it is, and far out it approaches cap or
    -cap without ever passing it. Divide by the cap, take the hyperbolic tangent, multiply by the cap.
    """,
    difficulty=1,
    minutes=5,
    prerequisites=("model.attention.scaled_dot_product",),
    hints=(
        "tanh goes from -1 to 1 and has the slope 1 at 0. Stretch it by the same number in both directions.",
        "Inside: x / cap, so that the cap is reached where x is several caps large. Outside: times cap.",
        "torch.tanh is exact and does not overflow.",
    ),
    run="groundup --mine my learn lesson model.architectures.decoder --run",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        far_out_is_finite,
        by_hand,
        small_scores_stay,
        the_cap_is_given,
        the_gradient_is_that_of_tanh,
    ),
    mutants=(
        Mutant("the sum", "another shape than that of x", ((RESULT, f"{RESULT}.sum().reshape(1, 1, 1)"),)),
        Mutant("always float32", "another dtype than that of x", (("torch.tanh(x", "torch.tanh(x.float()"),)),
        Mutant(
            "tanh by exponentials",
            "Overflows far out",
            (
                (
                    RESULT,
                    "up, down = torch.exp(x / cap), torch.exp(-x / cap)\n    return cap * (up - down) / (up + down)",
                ),
            ),
        ),
        Mutant("a hard bound", "Cuts off at the cap", ((RESULT, "return x.clamp(-cap, cap)"),)),
        Mutant("between -1 and 1", "Forgets to multiply", (("cap * torch", "torch"),)),
        Mutant("not divided", "Forgets to divide", (("x / cap", "x"),)),
        Mutant("multiplied inside", "Multiplies inside", (("x / cap", "x * cap"),)),
        Mutant("divided outside", "Divides outside", ((RESULT, "return torch.tanh(x / cap) / cap"),)),
        Mutant("no sign", "Loses the sign", ((RESULT, "return (cap * torch.tanh(x / cap)).abs()"),)),
        Mutant(
            "a cap of its own",
            "Uses a cap of its own",
            ((RESULT, "return (2.0 if cap < 10 else cap) * torch.tanh(x / (2.0 if cap < 10 else cap))"),),
        ),
        Mutant(
            "outside the graph",
            "leave every step in the graph",
            ((RESULT, "return x * (cap * torch.tanh(x / cap) / x.where(x != 0, 1)).detach()"),),
        ),
    ),
)
