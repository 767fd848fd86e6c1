"""Matrix products in float8: eight bits a number, where bf16 has sixteen, and tensor cores twice as fast.

    y  = x W^T        x, W in e4m3 (4 bits of exponent, 3 of fraction: up to 448)      more precision for what is multiplied forward
    dx = dy W         dy in e5m2 (5 and 2: up to 57,344)                               more range for gradients
    dW = dy^T x

Neither format reaches far: gradients of 1e-7 would all be 0. So each tensor is first divided by a number that brings its largest
value to the format's largest, and the product is multiplied by both numbers afterwards. The number is found anew each time
(dynamic, one a tensor); the products are added up in fp32 and given back in the format of the step, bf16. Weights and optimiser stay fp32.

Only the matrices inside the blocks: embedding and head decide over every token and are a small part of a large model. What is kept
for the way back is x in 8 bits. Where there is no such tensor core the same is computed by casting and multiplying in fp32, to be
tested and looked at; as a setting of a run it is refused there, since it would be slower than bf16.

Micikevicius et al. 2022, arXiv:2209.05433, sections 3 and 4; Noune et al. 2022, arXiv:2206.02915. Left out: scales from earlier steps (delayed),
one a row or block, and optimisers that keep their means in float8.
"""

from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import ConfigError
from groundup.model.layers.linear import Linear
from groundup.slots import filled, slot
from groundup.training.step.activation_checkpointing import blocks_of

SLOT = "training.step.to_float8"
FORWARD, BACKWARD = torch.float8_e4m3fn, torch.float8_e5m2
STEP = 16  # tensor cores take sides that are multiples of it
LEAST_SCALE = 1e-30  # of a tensor of zeros alone; what is divided by it stays finite
FIRST_CAPABILITY = (8, 9)  # Ada; Hopper is 9.0


@slot
def to_float8(x: Float[Tensor, "*shape"], dtype: torch.dtype) -> tuple[Tensor, Float[Tensor, ""]]:
    """Round x to a float8 format so that its largest value becomes the format's largest; the values, and the scale with x = values * scale.

    dtype: torch.float8_e4m3fn or torch.float8_e5m2. A tensor of zeros has some scale above 0; one with an infinity or a NaN gives NaN.
    Micikevicius et al. 2022, section 4.
    """
    largest = torch.finfo(dtype).max
    scale = scale_of(x, dtype)
    return (x.float() / scale).clamp(-largest, largest).to(dtype), scale


def scale_of(x: Tensor, dtype: torch.dtype) -> Float[Tensor, ""]:
    """The largest absolute value over the format's largest, in fp32."""
    if not x.numel():
        return torch.ones((), device=x.device)
    largest = torch.linalg.vector_norm(x.detach(), torch.inf).float()
    return (largest / torch.finfo(dtype).max).clamp(min=LEAST_SCALE)


def both_ways(x: Float[Tensor, "rows columns"], dtype: torch.dtype) -> tuple[Tensor, Tensor, Float[Tensor, ""]]:
    """`to_float8` of a matrix, as it lies and turned, and the scale."""
    if x.is_cuda and x.numel() and has_triton() and not (filled(SLOT) or torch.compiler.is_compiling()):
        from groundup.machine.kernels.triton.scaled_cast import cast_both_ways

        scale = scale_of(x, dtype)
        return *cast_both_ways(x, scale, dtype), scale
    values, scale = to_float8(x, dtype)
    return values, values.t().contiguous(), scale


def times(left: Tensor, right: Tensor, scale: Tensor, other: Tensor, dtype: torch.dtype, fast: bool = False) -> Tensor:
    """left right^T of two matrices in float8, times their scales, in `dtype`; by tensor cores where they are.

    fast: sums of a few products are kept in fewer bits, which is enough on the way forward and not for gradients.
    """
    if has_float8(left.device):
        return torch._scaled_mm(left, right.t(), scale, other, out_dtype=dtype, use_fast_accum=fast)
    return ((left.float() @ right.float().t()) * (scale * other)).to(dtype)


def filled_up(x: Float[Tensor, "rows columns"]) -> Float[Tensor, "more columns"]:
    """Rows of zeros up to the next multiple of STEP: along them the gradient of a weight is added up."""
    missing = -len(x) % STEP
    return torch.nn.functional.pad(x, (0, 0, 0, missing)) if missing else x


class _Product(torch.autograd.Function):
    """x W^T and its two gradients, three products in float8."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.rows, ctx.dtype, ctx.weight_dtype = len(x), x.dtype, weight.dtype
        values, turned, scale = both_ways(filled_up(x), FORWARD)
        matrix, matrix_turned, other = both_ways(weight, FORWARD)
        ctx.save_for_backward(turned, scale, matrix_turned, other)
        return times(values, matrix, scale, other, x.dtype, fast=True)[: ctx.rows]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        turned, scale, matrix_turned, other = ctx.saved_tensors
        wants_x, wants_weight = ctx.needs_input_grad
        told, told_turned, pull = both_ways(filled_up(gradient.contiguous()), BACKWARD)
        to_x = times(told, matrix_turned, pull, other, ctx.dtype)[: ctx.rows] if wants_x else None
        to_weight = times(told_turned, turned, pull, scale, torch.float32) if wants_weight else None
        return to_x, None if to_weight is None else to_weight.to(ctx.weight_dtype)


def float8_product(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None = None,
) -> Float[Tensor, "*batch outputs"]:
    """x W^T + b with the product and both of its gradients in float8; sides must be multiples of 16."""
    made = _Product.apply(x.flatten(0, -2), weight).view(*x.shape[:-1], -1)
    return made if bias is None else made + bias.to(made.dtype)


class Float8Linear(Linear):
    """A linear map that multiplies in float8. Same weights, same names."""

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Multiply, in the dtype of x around the product."""
        return float8_product(x, self.weight, self.bias)


@cache
def has_triton() -> bool:
    """Whether a kernel can be compiled for a card here."""
    return find_spec("triton") is not None


@cache
def has_float8(device: torch.device) -> bool:
    """Whether a device has tensor cores for float8."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FIRST_CAPABILITY


def check(device: torch.device) -> None:
    """Refuse a device without them: ConfigError."""
    if not has_float8(device):
        here = torch.cuda.get_device_name(device) if device.type == "cuda" else f"the device {device.type!r}"
        raise ConfigError(
            f"dtype float8 needs an NVIDIA card of compute capability {'.'.join(map(str, FIRST_CAPABILITY))} or later (Ada, Hopper), "
            f"and this is {here}; give --dtype bfloat16"
        )


def takes_float8(linear: Any) -> bool:
    """Whether a layer is a plain linear map of fitting sides."""
    return type(linear) in (Linear, Float8Linear) and all(side % STEP == 0 for side in linear.weight.shape)


def multiply_in_float8(module: Any, on: bool = True) -> int:
    """Let the fitting matrices of a module's blocks multiply in float8, or (on=False) plainly again; how many there are.

    It is done from outside, by the layer's type: weights, their names and their optimiser stay what they are.
    """
    fitting = [part for stack in blocks_of(module) for block in stack for part in block.modules() if takes_float8(part)]
    for linear in fitting:
        linear.__class__ = Float8Linear if on else Linear
    return len(fitting)


def compute_in(module: Any, name: str) -> None:
    """Let a module compute in the number format of a run's `dtype`; float8: bf16 around the products."""
    from groundup.model.formats.huggingface import dtype_of

    if name == "float8":
        check(module.device)
        if not multiply_in_float8(module):
            raise ConfigError(
                f"dtype float8 is for matrices inside blocks whose sides are multiples of {STEP}, and this model has none; "
                "give --dtype bfloat16"
            )
    module.compute_dtype = torch.bfloat16 if name == "float8" else dtype_of(name)
