"""The loss of the next token without ever holding the scores of all tokens.

    loss = sum over tokens of  log(sum over the vocabulary of exp(w . h)) - w_target . h

4,096 tokens and a vocabulary of 4,096 are 67 MB of scores, as much again for their gradient, each written and read several
times; of 131,072 words they are 2.1 GB. But the gradient of a token's scores is known as soon as its scores are (softmax -
one-hot), so the rows go through in pieces: scores, loss, gradient of the hidden states and of the head, then the next piece.

A piece of a small vocabulary stays in the processor's cache. One of a large vocabulary is 67 MB even so; its scores are made, and
its products with the head added up, in strips of the vocabulary, and softmax and gradient stand in the scores' place: large
results are new pages from the system each time, and those cost more than the numbers in them (128 rows of 131,072 scores: softmax
in place 7 ms, into a new tensor 42). The head's gradient is as large as the head; it exists once, and is scaled in place on the
way back. Against the plain form: `benchmarks/training/step/cross_entropy.py`.
Wijmans et al. 2024 (Cut Cross-Entropy), arXiv:2411.09009; Hsu et al. 2024 (Liger), arXiv:2410.10989.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.model.layers.product import kernel
from groundup.slots import filled, slot
from groundup.training.objectives.z_loss import SLOT as Z_SLOT
from groundup.training.objectives.z_loss import charged

SLOT = "training.step.cross_entropy"

PIECE = 1 << 20  # scores at once: 4 MB in fp32
PIECE_OF_A_CARD = 1 << 28  # 1 GB: a card has no such cache to stay in, and each product must fill it
SMALLEST = 1e-30
FEWEST_ROWS = 128  # below it the matrix products lose more than the cache wins
STEP_ROWS = 64  # the last piece is filled up to a multiple: torch compiles and keeps a bf16 product for every number of rows it meets


@slot
def cross_entropy(
    hidden: Float[Tensor, "tokens hidden"], weight: Float[Tensor, "vocab hidden"], targets: Int[Tensor, " tokens"]
) -> Float[Tensor, ""]:
    """Score every token of the vocabulary, then sum the surprise at the targets; nats, in fp32 whatever computes the scores."""
    scores = (hidden @ weight.to(hidden.dtype).T).float()
    at_target = scores.gather(1, targets[:, None])[:, 0]
    return (torch.logsumexp(scores, dim=1) - at_target).sum()


def cross_entropy_in_pieces(
    hidden: Float[Tensor, "tokens hidden"],
    weight: Float[Tensor, "vocab hidden"],
    targets: Int[Tensor, " tokens"],
    z_loss: float = 0.0,
) -> Float[Tensor, ""]:
    """The same in pieces, or by the learner's function; the gradients are made on the way forward. hidden: bf16 or fp32; weight: fp32.

    z_loss: adds the gradient of z_loss * sum of log^2 Z (`objectives/z_loss.py`); the loss itself stays the surprise.
    """
    if not (filled(SLOT) or (z_loss and filled(Z_SLOT))):
        return _Pieces.apply(hidden, weight, targets, z_loss)
    loss = cross_entropy(hidden, weight, targets)
    return charged(loss, (hidden @ weight.to(hidden.dtype).T).float(), z_loss) if z_loss else loss


def _surprise(probabilities: Tensor, piece: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """-log p of each row's target; where p is too small for fp32, by scores made once more (to do so everywhere costs another exp)."""
    found = -probabilities.log()
    tiny = probabilities < SMALLEST
    if tiny.any():
        scores = (piece[tiny] @ head.T).float()
        found[tiny] = -torch.log_softmax(scores, dim=1).gather(1, targets[tiny])[:, 0]
    return found


def _filled(piece: Tensor) -> Tensor:
    """The rows of a piece, and rows of zeros up to the next multiple of STEP_ROWS."""
    missing = -len(piece) % STEP_ROWS
    return functional.pad(piece, (0, 0, 0, missing)) if missing else piece


def piece_of(device: torch.device) -> int:
    """Scores at once on a device."""
    return PIECE if device.type == "cpu" else PIECE_OF_A_CARD


def rows_at_once(vocab: int, piece: int = PIECE) -> int:
    """Tokens of one piece."""
    return max(FEWEST_ROWS, piece // vocab // STEP_ROWS * STEP_ROWS)


@dataclass(frozen=True, slots=True)
class _Head:
    """The head in the format of the products, its vocabulary in strips, and room for the scores of a piece."""

    weight: Tensor
    strips: list[slice]
    room: Tensor

    @classmethod
    def of(cls, weight: Tensor) -> "_Head":
        """Strips of which one piece has at most `piece_of` scores; where that is the whole vocabulary, no room is needed."""
        piece, vocab = piece_of(weight.device), len(weight)
        rows = rows_at_once(vocab, piece)
        words = max(STEP_ROWS, piece // rows // STEP_ROWS * STEP_ROWS)
        strips = [slice(start, start + words) for start in range(0, vocab, words)]
        room = torch.empty((rows, vocab if len(strips) > 1 else 0), device=weight.device)
        return cls(weight, strips, room)

    def scores(self, piece: Tensor, times: Callable[..., Tensor]) -> Tensor:
        """All scores of a piece, in fp32."""
        if len(self.strips) == 1:
            return times(piece, self.weight).float()
        for strip in self.strips:
            self.room[: len(piece), strip] = times(piece, self.weight[strip])
        return self.room[: len(piece)]

    def back(
        self,
        gradient: Tensor,
        piece: Tensor,
        times: Callable[..., Tensor],
        to_hidden: Tensor | None,
        to_weight: Tensor | None,
    ) -> None:
        """Add what the gradient of a piece's scores makes of the head to `to_hidden`, and of the piece to `to_weight`."""
        for strip in self.strips:
            part = gradient[:, strip].to(piece.dtype)
            if to_hidden is not None:
                to_hidden += times(part, self.weight[strip].T)[: len(to_hidden)]
            if to_weight is not None:
                to_weight[strip] += times(part.T, piece.T)


def _softmax_(scores: Tensor) -> Tensor:
    """The probabilities in the place of the scores; only torch's kernel for a CPU is known to allow it."""
    return torch.softmax(scores, dim=1, out=scores) if scores.device.type == "cpu" else torch.softmax(scores, dim=1)


class _Pieces(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, z_loss: float) -> Tensor:
        wants_hidden, wants_weight = ctx.needs_input_grad[:2]
        head, rows = _Head.of(weight.to(hidden.dtype)), rows_at_once(len(weight), piece_of(weight.device))
        to_hidden = torch.zeros(hidden.shape, device=weight.device) if wants_hidden else None
        to_weight = torch.zeros(weight.shape, device=weight.device) if wants_weight else None
        total = torch.zeros((), device=hidden.device)
        for start in range(0, len(hidden), rows):
            piece, target = hidden[start : start + rows], targets[start : start + rows, None]
            count, piece = len(piece), _filled(piece)
            times = kernel(piece, head.weight)
            gradient = head.scores(piece, times)
            at_target = gradient[:count].gather(1, target)[:, 0]
            gradient = _softmax_(gradient)
            surprise = _surprise(gradient[:count].gather(1, target)[:, 0], piece[:count], head.weight, target)
            total += surprise.sum()
            if not (wants_hidden or wants_weight):
                continue
            if z_loss:  # log Z is the target's score and what it is short of
                gradient[:count] *= (1 + 2 * z_loss * (at_target + surprise))[:, None]
            gradient[count:] = 0
            gradient.scatter_add_(1, target, gradient.new_full((1, 1), -1.0).expand_as(target))
            head.back(
                gradient, piece, times, None if to_hidden is None else to_hidden[start : start + count], to_weight
            )
        ctx.save_for_backward(None if to_hidden is None else to_hidden.to(hidden.dtype), to_weight)
        ctx.weight_dtype = weight.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        to_hidden, to_weight = ctx.saved_tensors
        return (  # in place: a second way back through a kept graph would find other numbers, and torch says so
            None if to_hidden is None else to_hidden.mul_(outer[0]),
            None if to_weight is None else to_weight.mul_(outer[0]).to(ctx.weight_dtype),
            None,
            None,
        )
