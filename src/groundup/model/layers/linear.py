"""A linear map whose weight follows its input's number format.

The one place that decides in which format matrices are multiplied: the weight is cast to the input's dtype. So fp32
master weights compute in bf16 when the embedding hands out bf16, without autocast and without a second copy to keep.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.layers.product import product


class Linear(nn.Module):
    """y = x W^T + b, computed in the dtype of x."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Multiply, casting the weight to x's dtype (free when they agree)."""
        return product(x, self.weight.to(x.dtype), None if self.bias is None else self.bias.to(x.dtype))

    def extra_repr(self) -> str:
        """Show the shape in the module's printed form."""
        return f"{self.weight.shape[1]}, {self.weight.shape[0]}, bias={self.bias is not None}"
