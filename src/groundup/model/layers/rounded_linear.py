"""A linear map that rounds what it reads to whole numbers of a few bits, with a scale for each token.

    scale = max |x| / (2^(bits-1) - 1)        x' = round(x / scale) * scale        y = x' W^T + b

With a matrix whose rows are codes times a scale as well, the product is one of whole numbers, which processors multiply two to four times as fast as
floats; here it is computed with what they stand for, which is the same number up to the float's own rounding (`whole_product` has them
multiplied as they are). Xiao et al. 2022, arXiv:2211.10438, eq. 1, per token and dynamic.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from groundup.errors import UnsupportedModel
from groundup.model.layers.linear import Linear


def token_codes(
    x: Float[Tensor, "*batch inputs"], bits: int = 8
) -> tuple[Float[Tensor, "*batch inputs"], Float[Tensor, "*batch 1"]]:
    """Whole numbers (as floats) and the scale of each token, the last axis: its largest magnitude becomes 2^(bits-1) - 1.

    A token of zeros has the scale 0 and the codes 0.
    """
    scale = x.abs().amax(-1, keepdim=True) / (2 ** (bits - 1) - 1)
    return (x / torch.where(scale > 0, scale, 1)).round(), scale


class RoundedLinear(Linear):
    """A linear map over inputs of `bits` bits."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False, bits: int = 8):
        super().__init__(inputs, outputs, bias)
        self.bits = bits

    @classmethod
    def of(cls, part: Linear, bits: int = 8) -> "RoundedLinear":
        """The same map, weights shared, with its inputs rounded."""
        outputs, inputs = part.weight.shape
        with torch.device("meta"):
            made = cls(inputs, outputs, part.bias is not None, bits)
        made.weight, made.bias = part.weight, part.bias
        return made

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Round, then multiply; scales in float32. UnsupportedModel: gradients are asked for, and rounding has none."""
        if torch.is_grad_enabled() and x.requires_grad:
            raise UnsupportedModel(
                "the inputs of this model's matrices are rounded, so that nothing can be learned through them; tune the model from "
                "which it was made, and compress it afterwards"
            )
        codes, scale = token_codes(x.float(), self.bits)
        return super().forward((codes * scale).to(x.dtype))

    def extra_repr(self) -> str:
        """Show the bits as well."""
        return f"{super().extra_repr()}, bits={self.bits}"


def whole_product(
    x: Float[Tensor, "tokens inputs"],
    codes: Int[Tensor, "outputs inputs"],
    scale: Float[Tensor, "outputs 1"],
) -> Float[Tensor, "tokens outputs"]:
    """x W^T by whole numbers of 8 bits, summed in 32 bits: what a processor's kernel computes. codes int8, with a scale for each row."""
    mine, each = token_codes(x)
    return torch._int_mm(mine.to(torch.int8), codes.T.contiguous()).to(x.dtype) * each * scale[:, 0]


def round_inputs(module: nn.Module, bits: int = 8) -> None:
    """From now on every linear map below the module rounds what it reads, in place."""
    for path, part in list(module.named_modules()):
        if type(part) is Linear:
            parent, _, name = path.rpartition(".")
            setattr(module.get_submodule(parent), name, RoundedLinear.of(part, bits))
