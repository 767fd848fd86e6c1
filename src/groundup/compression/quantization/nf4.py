"""NF4 with double quantisation: the matrices of a model in 4 bits, and the sizes of their blocks in 8.

    NF4            a weight is one of 16 levels times its block's largest size; 64 weights a block          4.5   bits a weight
    double         these sizes, less their mean, in 8 bits, with one fp32 size for 256 of them              4.127 bits a weight

A matrix is decoded when it is multiplied with, on the way forward and on the way back, and given free again: memory holds the codes. Gradients flow
through it to what is below, and it gets none. The levels themselves, and why they lie where they do: `machine.numbers.normal_float`.

The 8 bits are bitsandbytes' "dynamic" numbers: a sign, a power of ten told by leading zeros, and the fraction in the bits that are left (Dettmers et al.
2022, arXiv:2110.02861, section 1.2). Dettmers et al. 2023, arXiv:2305.14314, section 3 and eq. 5-6.
Left out: a kernel that multiplies codes without decoding them; a file format (GGUF and compressed-tensors have none for NF4).
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from groundup.errors import InputError
from groundup.machine.numbers.normal_float import NormalFloat, decode_nf4, encode_nf4
from groundup.model.layers.linear import Linear
from groundup.model.layers.product import product
from groundup.slots import slot

BLOCK, SIZES_BLOCK = 64, 256


def dynamic_numbers() -> np.ndarray:
    """The 256 numbers of the dynamic format, in order, from -0.993 to 1.

    For each power of ten from -6 to 0 as many fractions as the bits after its leading zeros allow, with either sign; and 0 and 1.
    """
    found = [0.0, 1.0]
    for power in range(7):
        edges = np.linspace(0.1, 1, 2**power + 1, dtype=np.float32)
        middles = 10.0 ** (power - 6) * (edges[:-1] + edges[1:]).astype(np.float64) / 2
        found += [*middles, *-middles]
    return np.sort(np.array(found, np.float32))


DYNAMIC = dynamic_numbers()


class Sizes(NamedTuple):
    """Sizes of blocks in 8 bits: codes into `DYNAMIC`, a size for each 256 of them, and the mean that was taken off."""

    codes: np.ndarray
    absmax: np.ndarray
    mean: float


@slot
def quantize_sizes(absmax: np.ndarray, block: int = 256) -> Sizes:
    """The sizes of blocks of weights (float32), in 8 bits each.

    Take their mean off; divide each `block` of them by its largest magnitude (a block of zeros stays zeros); give each the code of the nearest
    of the sorted numbers DYNAMIC.
    """
    mean = np.float32(absmax.mean(dtype=np.float64)) if absmax.size else np.float32(0)
    centred = np.pad(absmax - mean, (0, -absmax.size % block)).reshape(-1, block)
    largest = np.abs(centred).max(1)
    scaled = centred / np.where(largest > 0, largest, 1)[:, None]
    codes = np.searchsorted((DYNAMIC[1:] + DYNAMIC[:-1]) / 2, scaled).astype(np.uint8)
    return Sizes(codes.ravel()[: absmax.size], largest.astype(np.float32), float(mean))


def dequantize_sizes(sizes: Sizes, block: int = SIZES_BLOCK) -> np.ndarray:
    """The sizes again, as float32."""
    return DYNAMIC[sizes.codes] * np.repeat(sizes.absmax, block)[: len(sizes.codes)] + np.float32(sizes.mean)


class NF4Linear(nn.Module):
    """A frozen linear layer whose matrix is held in NF4 with double quantised sizes."""

    codes: Tensor
    size_codes: Tensor | None
    sizes: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, double: bool = True):
        super().__init__()
        self.shape, self.dtype = tuple(weight.shape), weight.dtype
        encoded = encode_nf4(weight.detach().float().cpu().numpy(), BLOCK)
        self.register_buffer("codes", torch.from_numpy(encoded.codes))
        self.mean = 0.0
        if double:
            sizes = quantize_sizes(encoded.absmax)
            self.mean = sizes.mean
            self.register_buffer("size_codes", torch.from_numpy(sizes.codes))
            self.register_buffer("sizes", torch.from_numpy(sizes.absmax))
        else:
            self.register_buffer("size_codes", None)
            self.register_buffer("sizes", torch.from_numpy(encoded.absmax))
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)

    @property
    def weight(self) -> Tensor:
        """A tensor of the matrix's shape that holds no numbers: for those who ask how large it is."""
        return torch.empty(self.shape, dtype=self.dtype, device="meta")

    def decoded(self) -> Tensor:
        """The matrix in the dtype that it was given in."""
        kept = self.sizes.cpu().numpy()
        if self.size_codes is not None:
            kept = dequantize_sizes(Sizes(self.size_codes.cpu().numpy(), kept, self.mean))
        numbers = decode_nf4(NormalFloat(self.codes.cpu().numpy(), kept, self.shape, BLOCK))
        return torch.from_numpy(numbers).to(self.codes.device, self.dtype)

    def times(self, x: Tensor) -> Tensor:
        """x W^T, with a gradient for x."""
        return _Decoded.apply(x, self)

    def forward(self, x: Tensor) -> Tensor:
        """As a linear layer."""
        y = self.times(x)
        return y if self.bias is None else y + self.bias.to(x.dtype)

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""
        held = [one for one in (self.codes, self.size_codes, self.sizes, self.bias) if one is not None]
        return sum(one.numel() * one.element_size() for one in held)


class _Decoded(torch.autograd.Function):
    """The product with a matrix that is decoded on the way forward and again on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: NF4Linear) -> Tensor:
        ctx.layer = layer
        return product(x, layer.decoded().to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        dy = gradients[0].contiguous()
        return product(dy, ctx.layer.decoded().to(dy.dtype).T), None


def quantize(module: Any, double: bool = True) -> int:
    """Hold the matrices of a model's blocks in NF4 from now on, in place; how many there were. Embedding, head and gains stay as they are."""
    if any(isinstance(one, NF4Linear) for one in module.modules()):
        raise InputError("the model is quantised already; to round it once more would only lose; load it anew")
    found = {path: one for path, one in module.named_modules() if type(one) is Linear and ".layers." in path}
    if not found:
        raise InputError("the model has no matrices in blocks to quantise; use LoRA on it as it is")
    for path, layer in found.items():
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, NF4Linear(layer.weight, layer.bias, double))
    return len(found)


def quantized_bytes(shape: tuple[int, ...], double: bool = True) -> int:
    """What a matrix of that shape takes: half a byte a weight, and its sizes.

    >>> quantized_bytes((1024, 1024)) * 8 / 2**20, quantized_bytes((1024, 1024), double=False) * 8 / 2**20
    (4.126953125, 4.5)
    """
    count = math.prod(shape)
    blocks = -(-count // BLOCK)
    return -(-count // 2) + (blocks + 4 * -(-blocks // SIZES_BLOCK) if double else 4 * blocks)
