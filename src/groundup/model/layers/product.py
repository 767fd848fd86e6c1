"""A product of matrices by the faster of the two libraries that torch carries on a CPU.

torch multiplies fp32 with MKL and bf16 with oneDNN. On AMD's processors MKL reaches no more than AVX2 gives (it is Intel's), and
oneDNN's fp32 product, in AVX-512, needs less than half the time: 250 against 110 billion operations a second on one core of an
EPYC with 512 tokens and width 320. The sums are the same, in another order (5e-7 of the largest number). Elsewhere MKL stays.

Two reasons to stay with MKL: oneDNN compiles a kernel for every shape and keeps it (1.7 MB each), so it is asked only where the
number of rows is a multiple of 64, as in training, and it has more to prepare, so that a few rows (decoding) are slower.
Where somebody looks on (a counter of operations, fake tensors, an exporter, torch.func), the plain product runs, which they know.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from groundup.processor import processor

ROWS_STEP = 64  # tokens: batches of training and pieces of the loss are multiples, prompts and answers mostly not
LEAST = 1 << 21  # multiplications; below it the preparation costs more than the kernel gains


def product(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"] | None = None,
) -> Float[Tensor, "*batch outputs"]:
    """x W^T + b, as `torch.nn.functional.linear`, with gradients."""
    if torch.compiler.is_compiling():  # first, as a compiler cannot look into what follows
        return functional.linear(x, weight, bias)
    times = kernel(x, weight)
    learns = torch.is_grad_enabled() and any(part is not None and part.requires_grad for part in (x, weight, bias))
    return _OneDNN.apply(x, weight, bias) if times is one_dnn and learns else times(x, weight, bias)


def kernel(x: Tensor, weight: Tensor) -> Callable[..., Tensor]:
    """What multiplies x with W^T fastest here: `one_dnn`, which makes no gradients, or torch's own `linear`."""
    rows = x.numel() // x.shape[-1]
    worth_it = rows % ROWS_STEP == 0 and rows * weight.numel() >= LEAST
    if not (worth_it and x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu" and one_dnn_is_faster()):
        return functional.linear
    return functional.linear if somebody_looks_on(x, weight) else one_dnn


@cache
def one_dnn_is_faster() -> bool:
    """Whether this is a processor with AVX-512 on which MKL does not use it."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return there and torch.backends.cpu.get_cpu_capability().startswith("AVX512") and "AMD" in processor()


def somebody_looks_on(*tensors: Tensor) -> bool:
    """Whether these are more than plain tensors: subclasses, or within a mode, a transform, a trace or a compiler."""
    plain = all(type(tensor) in (Tensor, torch.nn.Parameter) for tensor in tensors)
    transformed = torch._C._len_torch_dispatch_stack() > 0 or torch._C._functorch.peek_interpreter_stack() is not None
    return not plain or transformed or torch.compiler.is_compiling() or torch.jit.is_tracing()


def one_dnn(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b by oneDNN; both may be transposed views. No gradient."""
    rows = torch.ops.mkldnn._linear_pointwise(x.flatten(0, -2), weight, bias, "none", [], "")
    return rows.view(*x.shape[:-1], -1)


class _OneDNN(torch.autograd.Function):
    """The product and its two gradients, dX = dY W and dW = dY^T X, which are products of the same kind."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        wants_x, wants_weight, _ = ctx.needs_input_grad  # each gradient needs the other side only
        ctx.save_for_backward(x if wants_weight else None, weight if wants_x else None)
        return one_dnn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        dy, wanted = gradients[0].contiguous(), ctx.needs_input_grad
        # with a gradient of the gradient wanted, by what torch can follow
        times = product if torch.is_grad_enabled() else one_dnn
        rows = dy.flatten(0, -2)
        return (
            None if weight is None else times(dy, weight.t()),
            None if x is None else times(rows.t(), x.flatten(0, -2).t()),
            rows.sum(0) if wanted[2] else None,
        )
