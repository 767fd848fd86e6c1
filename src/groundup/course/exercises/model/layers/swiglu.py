"""Exercise: a feed-forward layer whose one half opens and closes the other."""

import math
from dataclasses import dataclass
from typing import Any

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape

SIZES = [((1,), 1), ((2,), 3), ((1, 2, 2), 3), ((2, 3, 4), 8)]  # x, intermediate: the smallest first


@dataclass(frozen=True)
class Projection:
    """A layer's matrix as the function it is called by; weight: (inputs, outputs)."""

    weight: Any

    def __call__(self, x):
        return x @ self.weight.to(x.dtype)

    def __repr__(self):
        inputs, outputs = self.weight.shape
        if inputs == outputs == 1:
            return f"x -> {self.weight.item():.4g} x"
        return f"a projection from {inputs} to {outputs} numbers"


def times(*factors):
    """Projections from one number to one number."""
    import torch

    return [Projection(torch.tensor([[factor]])) for factor in factors]


def case(size, intermediate):
    """x of this size and the weights of its three projections, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(sum(size))
    widths = (size[-1], intermediate), (size[-1], intermediate), (intermediate, size[-1])
    return [torch.randn(*one, generator=source) for one in (size, *widths)]


def asked(function, x, *weights):
    """The function's answer for these weights."""
    return function(x, *map(Projection, weights))


def by_sigmoid(x, gate_proj, up_proj, down_proj):
    """The same by the sigmoid."""
    gate = gate_proj(x)
    return down_proj(gate * gate.sigmoid() * up_proj(x))


def sigmoid(number):
    """1 / (1 + e^-x)."""
    return 1 / (1 + math.exp(-number))


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: down_proj brings the result back to the width of x."""
    for size, intermediate in SIZES:
        shape(asked(mine, *case(size, intermediate)), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(torch.ones(1, dtype=kind), *times(2.0, 3.0, 5.0)), kind)


@check("finite")
def a_wide_open_gate_is_finite(mine):
    """Overflows for a large gate: exp of a large number is infinite, so take torch.sigmoid or functional.silu."""
    import torch

    for size in (1.0, -1000.0, 1000.0):
        finite(mine(torch.tensor([size]), *times(1.0, 1.0, 1.0)))


@check("values")
def one_number_by_hand(mine):
    """Differs from down(silu(gate(x)) * up(x)), where silu(z) = z * sigmoid(z)."""
    import torch

    x, gate, up = 0.5, 2.0, 3.0
    gelu = gate * (1 + math.erf(gate / math.sqrt(2))) / 2
    mistakes = {
        "Has no activation: without it the gate is one more linear factor; take silu of gate(x).": gate * up,
        "Gates by the sigmoid alone: silu(z) is z times sigmoid(z).": sigmoid(gate) * up,
        "Activates what up says: silu belongs to the gate.": gate * up * sigmoid(up),
        "Activates the product: silu belongs to gate(x) alone, and up(x) stays as it is.": gate
        * up
        * sigmoid(gate * up),
        "Activates both: silu belongs to the gate, and up(x) stays as it is.": gate * sigmoid(gate) * up * sigmoid(up),
        "Uses GELU, which makes it GeGLU: the gate of SwiGLU is silu.": gelu * up,
        "Uses tanh: the gate of SwiGLU is silu.": math.tanh(gate) * up,
        "Adds the two: the gate multiplies what up says.": gate * sigmoid(gate) + up,
        "Leaves up out: silu(gate(x)) multiplies up(x).": gate * sigmoid(gate),
        "Multiplies the gate by x itself: it multiplies up(x).": gate * sigmoid(gate) * x,
        "Lets the gate read up(x): both projections read x.": 12 * sigmoid(12) * up,
    }
    same(
        mine(torch.tensor([x]), *times(4.0, 6.0, 5.0)),
        torch.tensor([5 * gate * sigmoid(gate) * up]),
        mistakes={sentence: torch.tensor([5 * wrong]) for sentence, wrong in mistakes.items()},
    )


@check("values")
def a_negative_gate_leaves_a_little(mine):
    """Differs where the gate is negative: silu(-1) is -0.27, not 0."""
    import torch

    for x in (-1.0, -0.5):
        same(
            mine(torch.tensor([x]), *times(1.0, 1.0, 1.0)),
            torch.tensor([x * sigmoid(x) * x]),
            mistakes={
                "Uses ReLU, which closes every negative gate for good: silu lets a little through.": torch.zeros(1)
            },
        )


@check("values")
def each_coordinate_has_its_gate(mine):
    """Differs for several coordinates: multiply gate and up number by number, then bring them down."""
    for given in (case(*one) for one in SIZES):
        same(asked(mine, *given), asked(by_sigmoid, *given), rtol=1e-4, atol=1e-5)


@check("gradient")
def the_gradients_reach_every_projection(mine):
    """The result is right and its gradient is not: gate and up must both learn, so detach nothing."""
    for given in (case(*one) for one in SIZES):
        gradients(lambda *leaves: asked(mine, *leaves), lambda *leaves: asked(by_sigmoid, *leaves), given)


@check("gradient")
def a_closed_gate_has_a_finite_gradient(mine):
    """The gradient of a gate far below zero is NaN: 1 + exp(-z) is infinite there, so take torch.sigmoid or functional.silu."""
    import torch

    for size in (-1.0, -1000.0):
        x = torch.tensor([size], requires_grad=True)
        finite(torch.autograd.grad(mine(x, *times(1.0, 1.0, 1.0)).sum(), x)[0])


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: project all tokens at once, no loop in Python."""
    from groundup.model.layers.feed_forward import swiglu

    x, *weights = case((4, 32, 8), 16)
    fast(mine, swiglu, (x, *map(Projection, weights)))


RESULT = "return down_proj(functional.silu(gate_proj(x)) * up_proj(x))"

EXERCISE = Exercise(
    slot="model.layers.swiglu",
    title="SwiGLU: a gate for every number",
    task="""
    Between two attentions each token computes for itself: it is projected to more numbers, something not linear happens, and
    it is projected back. In SwiGLU two projections read the same x. What the gate says passes through
    silu(z) = z * sigmoid(z) and multiplies, number by number, what up says; down brings the products back to the width of x.
    Two thirds of a model's weights stand in these three matrices. They come as functions: call gate_proj(x), up_proj(x) and
    down_proj(...).
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.layers.feed_forward",),
    hints=(
        "Two projections of the same x, one product of equal shape, one projection back: four short steps.",
        "Only what gate_proj says is activated; what up_proj says stays linear.",
        "functional.silu(z) is z * torch.sigmoid(z), without overflow for any z.",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        a_wide_open_gate_is_finite,
        one_number_by_hand,
        a_negative_gate_leaves_a_little,
        each_coordinate_has_its_gate,
        the_gradients_reach_every_projection,
        a_closed_gate_has_a_finite_gradient,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant("not brought down", "down_proj brings the result back", (("down_proj(functional", "(functional"),)),
        Mutant("double inside", "another dtype", ((RESULT, f"{RESULT}.double()"),)),
        Mutant(
            "exp by hand",
            "Overflows",
            ((RESULT, "gate = gate_proj(x)\n    return down_proj(gate * gate.exp() / (1 + gate.exp()) * up_proj(x))"),),
        ),
        Mutant("no activation", "no activation", (("functional.silu(gate_proj(x))", "gate_proj(x)"),)),
        Mutant("GLU", "sigmoid alone", (("functional.silu(", "functional.sigmoid("),)),
        Mutant(
            "up activated",
            "Activates what up says",
            ((RESULT, "return down_proj(gate_proj(x) * functional.silu(up_proj(x)))"),),
        ),
        Mutant(
            "the product activated",
            "Activates the product",
            ((RESULT, "return down_proj(functional.silu(gate_proj(x) * up_proj(x)))"),),
        ),
        Mutant("both activated", "Activates both", (("* up_proj(x)", "* functional.silu(up_proj(x))"),)),
        Mutant("GeGLU", "makes it GeGLU", (("functional.silu(", "functional.gelu("),)),
        Mutant("added", "Adds the two", ((" * up_proj", " + up_proj"),)),
        Mutant("up left out", "Leaves up out", ((" * up_proj(x)", ""),)),
        Mutant(
            "ReGLU", "Uses ReLU", (("functional.silu(gate_proj(x))", "functional.silu(functional.relu(gate_proj(x)))"),)
        ),
        Mutant(
            "one gate for all",
            "Differs for several coordinates",
            (("functional.silu(gate_proj(x))", "functional.silu(gate_proj(x)).mean(-1, keepdim=True)"),),
        ),
        Mutant(
            "the gate does not learn", "gate and up must both learn", (("gate_proj(x))", "gate_proj(x).detach())"),)
        ),
        Mutant(
            "the sigmoid by hand",
            "far below zero is NaN",
            ((RESULT, "gate = gate_proj(x)\n    return down_proj(gate / (1 + (-gate).exp()) * up_proj(x))"),),
        ),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            (
                (
                    RESULT,
                    "rows = x.reshape(-1, x.shape[-1])\n    done = [down_proj(functional.silu(gate_proj(row)) * up_proj(row)) "
                    "for row in rows]\n    return sum(functional.pad(row[None], (0, 0, place, len(done) - 1 - place)) for place, "
                    "row in enumerate(done)).reshape(x.shape)",
                ),
            ),
        ),
    ),
)
