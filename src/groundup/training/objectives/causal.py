"""Next-token prediction: the loss is the surprise at each token, given those before it in its document.

The sum and the count come apart, not the mean: batches with different numbers of targets then add up to exactly the
loss of one large batch (a mean of means would weigh a short batch's tokens more).
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.machine.probe.device import device_of_module, placed
from groundup.model.attention import masks
from groundup.model.layers.linear import Linear
from groundup.training.objectives.z_loss import charged
from groundup.training.step.cross_entropy import cross_entropy_in_pieces


class Asked(NamedTuple):
    """What a model was asked in a batch: at each kept place, its head is to make the target of the hidden state."""

    head: Any
    hidden: Float[Tensor, "batch seq hidden"]
    targets: Int[Tensor, "batch seq"]
    kept: Bool[Tensor, "batch seq"]

    def chosen(self) -> tuple[Float[Tensor, "tokens hidden"], Int[Tensor, " tokens"]]:
        """Hidden states and targets of the kept places alone: a head is a third of a small model's work."""
        hidden, targets, kept = self.hidden.flatten(0, 1), self.targets.flatten(), self.kept.flatten().bool()
        if bool(kept.all()):
            return hidden, targets
        places = kept.nonzero()[:, 0]
        return hidden.index_select(0, places), targets.index_select(0, places)


def causal_asked(module: Any, batch: Any) -> Asked:
    """Ask a decoder for every next token. Documents packed into one row neither see each other nor continue each other's positions."""
    hidden = module.hidden(batch.input_ids, document_mask(batch), batch.positions)
    return Asked(module.lm_head, hidden, batch.targets, batch.loss_mask)


def causal_loss(module: Any, batch: Any, z_loss: float = 0.0) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the targets that `batch.loss_mask` keeps; nats, and how many there were."""
    return loss_where(causal_asked(module, batch), z_loss)


def loss_where(asked: Asked, z_loss: float = 0.0) -> tuple[Float[Tensor, ""], int]:
    """Sum the cross-entropy over the kept places; nats, and how many there are. z_loss: see `z_loss.py`."""
    hidden, targets = asked.chosen()
    return loss_of_targets(asked.head, hidden, targets, z_loss), len(targets)


@torch.no_grad()
def hits_where(asked: Asked) -> tuple[int, int]:
    """At how many of the kept places the likeliest token is the target, and how many there are."""
    hidden, targets = asked.chosen()
    if not len(targets):
        return 0, 0
    return int((asked.head(hidden[None])[0].argmax(-1) == targets).sum()), len(targets)


def loss_of_targets(
    head: Any, hidden: Float[Tensor, "tokens hidden"], targets: Int[Tensor, " tokens"], z_loss: float = 0.0
) -> Float[Tensor, ""]:
    """Sum the cross-entropy of a head's scores; in pieces where the head is one matrix and nothing else."""
    if type(head) is Linear and head.bias is None:
        return cross_entropy_in_pieces(hidden, head.weight, targets, z_loss)
    scores = head(hidden[None])[0].float()
    return charged(functional.cross_entropy(scores, targets, reduction="sum"), scores, z_loss)


def document_mask(batch: Any) -> Tensor | None:
    """Who may look at whom in a packed batch; None (causal) when every row is one document.

    Padding is one more document, not nothing: a row that sees no key would need a pass of its own in every layer.
    """
    ids = batch.document_ids
    if bool((ids == ids[:, :1]).all()):
        return None
    return masks.causal(ids.shape[1], device=ids.device) & masks.documents(ids.where(ids >= 0, ids.shape[1]))


@torch.no_grad()
def mean_loss(module: Any, batches: Any) -> float:
    """The mean loss over batches, in nats a target, without gradients."""
    total, count = 0.0, 0
    for batch in batches:
        loss, targets = causal_loss(module, placed(batch, device_of_module(module)))
        total, count = total + float(loss), count + targets
    return total / max(count, 1)
