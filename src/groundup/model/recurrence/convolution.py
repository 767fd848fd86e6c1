"""A short causal convolution: each channel mixes its value with its last few, before a recurrence reads it.

    y[t] = b + sum over j < kernel of w[kernel - 1 - j] * x[t - j],     channel by channel

A recurrence compares a key with the state, not with the token before; the convolution gives it bigrams and their like, which
attention finds by position (Fu et al. 2023, arXiv:2212.14052, section 3.1; Mamba, arXiv:2312.00752, section 3.4).
Documents of a packed row do not mix. When decoding, the last kernel - 1 inputs are the state.
Left out: dilation, and the fused kernel for a GPU.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


def causal_convolution(
    x: Float[Tensor, "batch seq channels"],
    weight: Float[Tensor, "channels kernel"],
    bias: Float[Tensor, " channels"] | None = None,
    before: Float[Tensor, "batch past channels"] | None = None,
    document: Int[Tensor, "batch seq"] | None = None,
) -> tuple[Float[Tensor, "batch seq channels"], Float[Tensor, "batch past channels"]]:
    """Mix each channel over the last `kernel` tokens; also give the last kernel - 1 inputs, which the next call needs.

    weight: its last column is the token itself. before: the inputs just before x, None for zeros. document: a number a
    token; only tokens of the same document mix, and `before` belongs to document 0.
    """
    past = weight.shape[1] - 1
    before = x.new_zeros(x.shape[0], past, x.shape[2]) if before is None else before.to(x.dtype)
    row = torch.cat((before, x), dim=1)
    weight, bias = weight.to(x.dtype), None if bias is None else bias.to(x.dtype)
    if document is None:
        mixed = functional.conv1d(row.mT, weight[:, None], bias, groups=x.shape[2]).mT
        return mixed, row[:, row.shape[1] - past :]
    return _within_documents(row, weight, bias, functional.pad(document, (past, 0)))


def _within_documents(row: Tensor, weight: Tensor, bias: Tensor | None, document: Tensor) -> tuple[Tensor, Tensor]:
    """The same tap by tap, each hidden where it would reach into another document."""
    past = weight.shape[1] - 1
    seq = row.shape[1] - past
    here = document[:, past:]
    taps = (
        row[:, tap : tap + seq].masked_fill((document[:, tap : tap + seq] != here)[..., None], 0.0) * weight[:, tap]
        for tap in range(past + 1)
    )
    mixed = sum(taps, torch.zeros_like(row[:, :seq]))
    last = row[:, seq:].masked_fill((document[:, seq:] != document[:, -1:])[..., None], 0.0)
    return mixed if bias is None else mixed + bias, last


class CausalConvolution(nn.Module):
    """Hold the taps, in the shape of the published files: (channels, 1, kernel)."""

    def __init__(self, channels: int, kernel: int, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None

    def forward(
        self,
        x: Float[Tensor, "batch seq channels"],
        before: Float[Tensor, "batch past channels"] | None = None,
        document: Int[Tensor, "batch seq"] | None = None,
    ) -> tuple[Float[Tensor, "batch seq channels"], Float[Tensor, "batch past channels"]]:
        """Mix, and give what the next call needs."""
        return causal_convolution(x, self.weight[:, 0], self.bias, before, document)
