"""Gradients summed over batches: the loss of several small batches is the loss of the one large batch, to float error.

Sums of losses are added and divided once, by the number of all targets. A mean of the batches' means would weigh three
tokens in one batch as much as nine in another.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from groundup.slots import slot

Objective = Callable[[Any, Any], tuple[Tensor, int]]


@slot
def accumulate(module: Any, batches: Sequence[Any], objective: Objective) -> float:
    """Add the gradients of the mean loss over all targets of all batches; the mean loss in nats.

    objective(module, batch) gives the sum of the losses at a batch's targets, and how many these are; batch.loss_mask is
    true at each of them.
    """
    total = max(1, sum(int(batch.loss_mask.sum()) for batch in batches))
    loss_sum = 0.0
    for batch in batches:
        loss, count = objective(module, batch)
        if count:  # without targets a loss may be a plain 0, outside of any graph
            (loss / total).backward()
        loss_sum += float(loss.detach())
    return loss_sum / total
