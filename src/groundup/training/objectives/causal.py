"""Next-token prediction: the loss is the surprise at each token, given those before it in its document.

The sum and the count come apart, not the mean: batches with different numbers of targets then add up to exactly the
loss of one large batch (a mean of means would weigh a short batch's tokens more).
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.model.attention import masks
from groundup.model.layers.linear import Linear
from groundup.training.step.cross_entropy import cross_entropy_in_pieces


def causal_loss(module: Any, batch: Any) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the targets that `batch.loss_mask` keeps; nats, and how many there were.

    Documents packed into one row neither see each other nor continue each other's positions.
    """
    hidden = module.hidden(batch.input_ids, document_mask(batch), batch.positions).flatten(0, 1)
    targets, kept = batch.targets.flatten(), batch.loss_mask.flatten().bool()
    if not bool(kept.all()):  # the head is a third of a small model's work: score only what counts
        chosen = kept.nonzero()[:, 0]
        hidden, targets = hidden.index_select(0, chosen), targets.index_select(0, chosen)
    return loss_of_targets(module.lm_head, hidden, targets), len(targets)


def loss_of_targets(
    head: Any, hidden: Float[Tensor, "tokens hidden"], targets: Int[Tensor, " tokens"]
) -> Float[Tensor, ""]:
    """Sum the cross-entropy of a head's scores; in pieces where the head is one matrix and nothing else."""
    if type(head) is Linear and head.bias is None:
        return cross_entropy_in_pieces(hidden, head.weight, targets)
    return functional.cross_entropy(head(hidden[None])[0].float(), targets, reduction="sum")


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
        loss, targets = causal_loss(module, batch)
        total, count = total + float(loss), count + targets
    return total / max(count, 1)
