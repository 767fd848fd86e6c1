"""Cross-entropy of rows too long for a tile: walk over the vocabulary with a running maximum and sum.

    loss = log sum exp(x) - x[target]        dx = (softmax(x) - [target]) dloss

A program owns a row and takes TILE logits at a time; when a larger one comes, the sum so far shrinks by exp(old - new). In
words: `tiles.log_sum_exp_in_tiles`. Nothing of the size of the logits is kept for the way back but the logits themselves: the
softmax is computed again from the one log-sum-exp of its row. Targets of `ignore_index` cost 0 and get a gradient of 0.
Computed in float32.

Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3. Left out: the head's product in the same kernel, which never makes
the logits at all (`groundup.training.step.cross_entropy` does that in chunks, in torch).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.machine.kernels.triton.launch import as_rows, jit, ready, tl, wide

TILE = 4096
IGNORED = -100
SMALLEST = tl and tl.constexpr(
    -1e30
)  # the maximum before the first logit; finite, or a tile of -inf would be inf - inf


@jit
def forward_kernel(
    logits, targets, losses, log_sums, vocab, ignored, WIDE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """One row: its log-sum-exp and its loss."""
    row = tl.program_id(0).to(tl.int64)
    logits += row * vocab
    largest = tl.max(tl.full((1,), SMALLEST, WIDE), 0)
    total = tl.sum(tl.zeros((1,), WIDE), 0)
    for start in range(0, vocab, TILE):
        places = start + tl.arange(0, TILE)
        tile = tl.load(logits + places, mask=places < vocab, other=-float("inf")).to(WIDE)
        new = tl.maximum(largest, tl.max(tile, 0))
        total = total * tl.exp(largest - new) + tl.sum(tl.exp(tile - new), 0)
        largest = new
    log_sum = largest + tl.log(total)
    target = tl.load(targets + row)
    counts = target != ignored
    chosen = tl.load(logits + target, mask=counts, other=0.0).to(WIDE)
    tl.store(losses + row, tl.where(counts, log_sum - chosen, 0.0))
    tl.store(log_sums + row, log_sum)


@jit
def backward_kernel(
    logits, targets, log_sums, grads, result, vocab, ignored, WIDE: tl.constexpr, TILE: tl.constexpr
):  # fmt: skip
    """One tile of one row: the softmax, computed again, less 1 at the target."""
    row = tl.program_id(0).to(tl.int64)
    places = tl.program_id(1) * TILE + tl.arange(0, TILE)
    there = places < vocab
    tile = tl.load(logits + row * vocab + places, mask=there, other=-float("inf")).to(WIDE)
    target = tl.load(targets + row)
    told = tl.where(target != ignored, tl.load(grads + row), 0.0)
    moved = (tl.exp(tile - tl.load(log_sums + row)) - tl.where(places == target, 1.0, 0.0)) * told
    tl.store(result + row * vocab + places, moved.to(result.dtype.element_ty), mask=there)


class _CrossEntropy(torch.autograd.Function):
    """Forward and backward as autograd calls them."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, ignored: int, tile: int) -> Tensor:
        logits, targets = logits.contiguous(), targets.contiguous()
        rows, vocab = logits.shape
        losses = logits.new_empty(rows, dtype=torch.promote_types(logits.dtype, torch.float32))
        log_sums, told = torch.empty_like(losses), {"WIDE": wide(logits), "TILE": tile}
        forward_kernel[(rows,)](logits, targets, losses, log_sums, vocab, ignored, **told)
        ctx.save_for_backward(logits, targets, log_sums)
        ctx.ignored, ctx.told = ignored, told
        return losses

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, targets, log_sums = ctx.saved_tensors
        rows, vocab = logits.shape
        result, grid = torch.empty_like(logits), (rows, -(-vocab // ctx.told["TILE"]))
        given = (logits, targets, log_sums, grad.contiguous(), result)
        backward_kernel[grid](*given, vocab, ctx.ignored, **ctx.told)
        return result, None, None, None


def token_losses(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED, tile: int = TILE) -> Tensor:
    """The loss of every token in nats, in float32 (float64 for float64): logits (..., vocab), targets (...) of whole numbers.

    A target outside of the vocabulary is refused where the check is free, off the GPU; on one it would wait for every kernel before.
    """
    ready(logits)
    if targets.shape != logits.shape[:-1] or targets.dtype != torch.int64 or targets.device != logits.device:
        raise InputError(
            f"targets are {targets.dtype} {tuple(targets.shape)} on {targets.device}; give int64 of the shape "
            f"{tuple(logits.shape[:-1])} on {logits.device}"
        )
    if not targets.is_cuda:
        wrong = targets[(targets != ignore_index) & ((targets < 0) | (targets >= logits.shape[-1]))]
        if wrong.numel():
            raise InputError(
                f"target {wrong[0].item()} is outside of the vocabulary of {logits.shape[-1]}; mark what should not count "
                f"with {ignore_index}"
            )
    rows = as_rows(logits)
    return _CrossEntropy.apply(rows, targets.reshape(-1), ignore_index, tile).reshape(targets.shape)


def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    """The mean loss of the tokens that count, as torch's; NaN where none does."""
    return token_losses(logits, targets, ignore_index).sum() / (targets != ignore_index).sum()
