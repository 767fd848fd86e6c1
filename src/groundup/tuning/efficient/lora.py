"""LoRA: a frozen matrix learns by two thin ones beside it.

    y = W x + s B A x        A: (r, inputs)    B: (outputs, r)    s = alpha / r, or alpha / sqrt(r) (rank-stabilised)

r (inputs + outputs) numbers learn in place of inputs * outputs. B begins as 0, so the first output is the model's own. After the training
W + s B A is one matrix again, and nothing is slower.
    DoRA      m (W + s B A) / ||W + s B A||, each row's length m learned apart from its direction; the norm counts as a constant
    PiSSA     A and B begin as the r largest singular directions of W, which are taken out of W:  W - s B0 A0 + s B A
    OLoRA     the same with the first r columns of Q and rows of R, W = Q R
What PiSSA and OLoRA take out stays beside A and B (`start_A`, `start_B`), so W is not touched and several adapters share it; in files it is
a LoRA of twice the rank, as PEFT's own conversion writes it.

Training in fp32 the two thin products are not made a token at a time: W + s B A is made once a pass (r multiplications a weight, seldom more
than a thousandth of the work), so a pass has one product for each of the frozen model's (`Fused`).

Hu et al. 2021, arXiv:2106.09685, section 4.1; Kalajdzievski 2023, arXiv:2312.03732, eq. 3; Liu et al. 2024 (DoRA), arXiv:2402.09353, eq. 5
and section 4.3; Meng et al. 2024 (PiSSA), arXiv:2404.02948, eq. 2-4; Buyukakyuz 2024 (OLoRA), arXiv:2406.01775.
Left out: adapters on embeddings and convolutions; LoRA-GA.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.layers.product import product
from groundup.slots import filled, slot
from groundup.tuning.efficient.config import LoraConfig

LORA_SLOT, DORA_SLOT = "tuning.efficient.lora_linear", "tuning.efficient.dora_gain"


@slot
def lora_linear(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    lora_a: Float[Tensor, "rank inputs"],
    lora_b: Float[Tensor, "outputs rank"],
    scaling: float,
) -> Float[Tensor, "*batch outputs"]:
    """W x + scaling * B (A x), never making B A: that would cost as much as another W."""
    return x @ weight.T + scaling * ((x @ lora_a.T) @ lora_b.T)


@slot
def dora_gain(
    weight: Float[Tensor, "outputs inputs"],
    lora_a: Float[Tensor, "rank inputs"],
    lora_b: Float[Tensor, "outputs rank"],
    scaling: float,
    magnitude: Float[Tensor, " outputs"],
) -> Float[Tensor, " outputs"]:
    """By what each output of W + scaling * B A is multiplied so that its row has the length `magnitude`.

    The length of the row now is a constant: no gradient flows through it (section 4.3 of the paper), but it does to `magnitude`.
    """
    length = torch.linalg.vector_norm(weight + scaling * (lora_b @ lora_a), dim=1).detach()
    return magnitude / length.clamp_min(1e-12)  # a row of zeros has no direction: it stays 0


class LoraPart(nn.Module):
    """The thin matrices of one LoRA or DoRA beside one frozen layer."""

    start_A: Tensor | None
    start_B: Tensor | None

    def __init__(self, layer: Any, config: LoraConfig, generator: torch.Generator, path: str = ""):
        super().__init__()
        weight = dense(layer)
        self.config, self.scaling = config, config.scaling
        a, b = first_matrices(weight.float(), config, generator)
        self.lora_A, self.lora_B = nn.Parameter(a), nn.Parameter(b)
        taken = config.init_lora_weights in ("pissa", "olora")
        self.register_buffer("start_A", a.clone() if taken else None)
        self.register_buffer("start_B", b.clone() if taken else None)
        length = torch.linalg.vector_norm(weight.float(), dim=1) if config.use_dora else None
        self.lora_magnitude_vector = None if length is None else nn.Parameter(length)

    def matrices(self) -> tuple[Tensor, Tensor]:
        """A and B, with those of the start, negative, beside them where they were taken out of W."""
        if self.start_A is None or self.start_B is None:
            return self.lora_A, self.lora_B
        return torch.cat((self.lora_A, self.start_A)), torch.cat((self.lora_B, -self.start_B), dim=1)

    @property
    def adds(self) -> bool:
        """Whether what it gives is the layer's own output and something beside it; a DoRA scales the sum."""
        return self.lora_magnitude_vector is None

    def forward(self, x: Tensor, layer: Any) -> Tensor:
        """The layer's output with the adapter's beside it. layer: the frozen one, or another adapter around it."""
        a, b = (one.to(x.dtype) for one in self.matrices())
        dropped = self.training and self.config.lora_dropout > 0
        if dropped or not hasattr(layer, "weight"):
            thin = functional.dropout(x, self.config.lora_dropout, dropped) @ a.T
            y = layer(x) + self.scaling * (thin @ b.T)
            return y if self.lora_magnitude_vector is None else self._lengthened(y, layer, a, b)
        bias = None if layer.bias is None else layer.bias.to(x.dtype)
        if self.lora_magnitude_vector is None:
            return beside(x, layer, bias, a, b, self.scaling)
        y = self._gain(layer, a, b).to(x.dtype) * beside(x, layer, None, a, b, self.scaling)
        return y if bias is None else y + bias

    def _gain(self, layer: Any, a: Tensor, b: Tensor) -> Tensor:
        assert self.lora_magnitude_vector is not None
        weight = dense(layer).float()
        return dora_gain(weight, a.float(), b.float(), self.scaling, self.lora_magnitude_vector)

    def _lengthened(self, y: Tensor, layer: Any, a: Tensor, b: Tensor) -> Tensor:
        if not hasattr(layer, "weight"):
            raise ConfigError("DoRA cannot stand on another adapter; activate it first, or alone")
        bias = 0 if layer.bias is None else layer.bias.to(y.dtype)
        return self._gain(layer, a, b).to(y.dtype) * (y - bias) + bias

    @torch.no_grad()
    def merged(self, weight: Float[Tensor, "outputs inputs"]) -> Float[Tensor, "outputs inputs"]:
        """The one matrix in fp32 that does what the frozen one and the adapter do together."""
        a, b = (one.float() for one in self.matrices())
        whole = weight.float() + self.scaling * (b @ a)
        if self.lora_magnitude_vector is None:
            return whole
        return dora_gain(weight.float(), a, b, self.scaling, self.lora_magnitude_vector.float())[:, None] * whole


def beside(x: Tensor, layer: Any, bias: Tensor | None, a: Tensor, b: Tensor, scaling: float) -> Tensor:
    """W x + scaling * B A x + bias, the fastest way: as one product, thin, or by the learner's function."""
    learner = filled(LORA_SLOT)
    rows, (outputs, inputs) = x.numel() // x.shape[-1], layer.weight.shape
    many = rows * (inputs + outputs) >= inputs * outputs
    if not learner and many and x.dtype == torch.float32:
        return Fused.apply(x, layer, bias, a, b, scaling)
    if learner:
        y = lora_linear(x, dense(layer).to(x.dtype), a, b, scaling)
    else:
        y = frozen_product(x, layer).add(functional.linear(functional.linear(x, a), b), alpha=scaling)
    return y if bias is None else y + bias


class Fused(torch.autograd.Function):
    """y = (W + s B A) x + bias as one product; the gradients of A and B by thin ones. W is made anew on the way back, not kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: Any, bias: Tensor | None, a: Tensor, b: Tensor, scaling: float) -> Tensor:
        """One product with W + s B A, which is not kept."""
        ctx.layer, ctx.scaling = layer, scaling
        ctx.save_for_backward(x, a, b)
        return product(x, torch.addmm(dense(layer).to(x.dtype), b, a, alpha=scaling), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Thin products for A and B, one product for x."""
        x, a, b = ctx.saved_tensors
        dy = gradients[0].contiguous()
        rows, seen = dy.flatten(0, -2), x.flatten(0, -2)
        da = db = dx = None
        if ctx.needs_input_grad[3]:
            da = ((rows @ b).T @ seen).mul_(ctx.scaling)
        if ctx.needs_input_grad[4]:
            db = (rows.T @ (seen @ a.T)).mul_(ctx.scaling)
        if ctx.needs_input_grad[0]:
            dx = product(dy, torch.addmm(dense(ctx.layer).to(x.dtype), b, a, alpha=ctx.scaling).T)
        return dx, None, None, da, db, None


def frozen_product(x: Tensor, layer: Any) -> Tensor:
    """The frozen layer's product without its bias."""
    times = getattr(layer, "times", None)
    return product(x, layer.weight.to(x.dtype)) if times is None else times(x)


def dense(layer: Any) -> Tensor:
    """A layer's matrix as numbers: of a quantised layer, decoded."""
    decoded = getattr(layer, "decoded", None)
    return layer.weight.detach() if decoded is None else decoded()


def fits(rank: int, shape: tuple[int, int]) -> None:
    """Refuse a rank that is larger than the matrix: what it could say, a smaller one says. Files may have one, as of PiSSA's twice the rank."""
    if rank > min(shape):
        raise ConfigError(
            f"r={rank} is larger than the matrix {shape[0]} x {shape[1]}; use at most {min(shape)}, often 8"
        )


@torch.no_grad()
def first_matrices(
    weight: Float[Tensor, "outputs inputs"], config: LoraConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A and B before the first step."""
    (outputs, inputs), r = weight.shape, config.r
    if config.init_lora_weights == "pissa":
        u, sizes, v = torch.linalg.svd(weight, full_matrices=False)
        root = (sizes[:r] / config.scaling).sqrt()
        return (root[:, None] * v[:r]).contiguous(), (u[:, :r] * root).contiguous()
    if config.init_lora_weights == "olora":
        q, upper = torch.linalg.qr(weight)
        return (upper[:r] / config.scaling).contiguous(), q[:, :r].contiguous()
    a, device = torch.empty(r, inputs), weight.device
    if config.init_lora_weights == "gaussian":
        a.normal_(0, 1 / r, generator=generator)
    else:  # Kaiming's uniform with a = sqrt(5), as torch begins a linear layer
        a.uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return a.to(device), torch.zeros(outputs, r, device=device)
