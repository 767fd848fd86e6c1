"""RMSNorm: scale a vector to unit root mean square, then by a learned gain a coordinate.

    y = g * x / sqrt(mean(x^2) + eps)

LayerNorm without the mean and the bias; as good and cheaper. Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def rms_norm_reference(
    x: Float[Tensor, "*batch hidden"], gain: Float[Tensor, " hidden"], eps: float
) -> Float[Tensor, "*batch hidden"]:
    """The definition, with the mean square in fp32. The module calls torch's, tested against this."""
    mean_square = x.float().square().mean(-1, keepdim=True)
    return gain.to(x.dtype) * (x.float() * torch.rsqrt(mean_square + eps)).to(x.dtype)


class RMSNorm(nn.Module):
    """Hold the gain; compute in the dtype of x."""

    def __init__(self, hidden: int, eps: float = 1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch hidden"]:
        """Normalise the last axis."""
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)
