"""Feed-forward: what a token does on its own, between two attentions; two thirds of a model's weights.

    plain               down(act(up(x)))                Vaswani et al. 2017, arXiv:1706.03762, eq. 2 (act = relu)
    squared ReLU        down(relu(up(x))^2)             So et al. 2021 (Primer), arXiv:2109.08668
    gated               down(act(gate(x)) * up(x))      Shazeer 2020, arXiv:2002.05202: SwiGLU (silu), GeGLU (gelu)

GELU is x times the normal distribution's Phi(x) (Hendrycks and Gimpel 2016, arXiv:1606.08415); GPT-2 and Gemma use its tanh
form, which differs by at most 0.0005.

For equal parameters the ungated one is wider by half: 2 matrices of 4 * hidden against 3 of 8/3 * hidden.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.model.layers.linear import Linear
from groundup.slots import slot

Projection = Callable[[Tensor], Tensor]


@slot
def swiglu(
    x: Float[Tensor, "*batch hidden"], gate_proj: Projection, up_proj: Projection, down_proj: Projection
) -> Float[Tensor, "*batch out"]:
    """Let one projection open or close what another one says, coordinate by coordinate, and bring it back to the width of x.

    gate_proj, up_proj: hidden -> intermediate; down_proj: intermediate -> out, in a block as wide as x.
    Shazeer 2020, eq. 6 (Swish with beta = 1).
    """
    return down_proj(functional.silu(gate_proj(x)) * up_proj(x))


def squared_relu(x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Square what is positive and drop the rest."""
    return functional.relu(x).square()


def quick_gelu(x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """GELU by a logistic curve instead of the normal one: x * sigmoid(1.702 x)."""
    return x * torch.sigmoid(1.702 * x)


_gelu_tanh = partial(functional.gelu, approximate="tanh")
# By the names that Hugging Face's configurations use; several name one function.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "swish": functional.silu,
    "gelu": functional.gelu,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "gelu_fast": _gelu_tanh,
    "quick_gelu": quick_gelu,
    "relu": functional.relu,
    "relu2": squared_relu,
}


class GatedFeedForward(nn.Module):
    """Three matrices: SwiGLU, or another activation in the gate."""

    def __init__(self, hidden: int, intermediate: int, bias: bool = False, activation: str = "silu"):
        super().__init__()
        self.gate_proj = Linear(hidden, intermediate, bias=bias)
        self.up_proj = Linear(hidden, intermediate, bias=bias)
        self.down_proj = Linear(intermediate, hidden, bias=bias)
        self.activation = activation

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Widen, gate, narrow."""
        if self.activation == "silu":
            return swiglu(x, self.gate_proj, self.up_proj, self.down_proj)
        return self.down_proj(ACTIVATIONS[self.activation](self.gate_proj(x)) * self.up_proj(x))


class PlainFeedForward(nn.Module):
    """Two matrices with an activation between them."""

    def __init__(self, hidden: int, intermediate: int, bias: bool = False, activation: str = "gelu"):
        super().__init__()
        self.up_proj = Linear(hidden, intermediate, bias=bias)
        self.down_proj = Linear(intermediate, hidden, bias=bias)
        self.activation = activation

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Widen, bend, narrow."""
        return self.down_proj(ACTIVATIONS[self.activation](self.up_proj(x)))


class SquaredReluFeedForward(PlainFeedForward):
    """Squared ReLU: sparse like ReLU, steeper where it is open."""

    def __init__(self, hidden: int, intermediate: int, bias: bool = False):
        super().__init__(hidden, intermediate, bias, "relu2")
