"""Feed-forward: what a token does on its own, between two attentions; two thirds of a model's weights.

    gated (SwiGLU)      down(silu(gate(x)) * up(x))     Shazeer 2020, arXiv:2002.05202
    squared ReLU        down(relu(up(x))^2)             So et al. 2021 (Primer), arXiv:2109.08668

For equal parameters the ungated one is wider by half: 2 matrices of 4 * hidden against 3 of 8/3 * hidden.
"""

from collections.abc import Callable

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


class GatedFeedForward(nn.Module):
    """SwiGLU with its three matrices."""

    def __init__(self, hidden: int, intermediate: int, bias: bool = False):
        super().__init__()
        self.gate_proj = Linear(hidden, intermediate, bias=bias)
        self.up_proj = Linear(hidden, intermediate, bias=bias)
        self.down_proj = Linear(intermediate, hidden, bias=bias)

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Widen, gate, narrow."""
        return swiglu(x, self.gate_proj, self.up_proj, self.down_proj)


class SquaredReluFeedForward(nn.Module):
    """Squared ReLU: sparse like ReLU, steeper where it is open."""

    def __init__(self, hidden: int, intermediate: int, bias: bool = False):
        super().__init__()
        self.up_proj = Linear(hidden, intermediate, bias=bias)
        self.down_proj = Linear(intermediate, hidden, bias=bias)

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Widen, square what is positive, narrow."""
        return self.down_proj(functional.relu(self.up_proj(x)).square())
