"""The auxiliary z-loss: what keeps a head's scores from drifting, all together, where their number format cannot follow.

    loss = surprise + z_loss * sum over targets of log^2 Z        Z = sum over the vocabulary of exp(score)

A softmax does not change when one number is added to all scores, so the surprise leaves log Z free to wander, and it does. A score of 100 in
bf16 knows steps of 0.5: what the model wants to say between two tokens is rounded away. The penalty pulls log Z to 0, where a score is a
log-probability itself. Its gradient to the scores, 2 z_loss log Z softmax, joins the surprise's own (softmax - one-hot):

    d loss / d scores = (1 + 2 z_loss log Z) softmax - one-hot

so the chunked cross-entropy (`step/cross_entropy.py`) has it for one product more. Only the gradient enters: the number that a run
reports stays the surprise a target, which can be compared with that of a run without it.

Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, section 5, with 1e-4. The recipes `palm` and `ul2` put its training beside that of UL2 (Tay et al. 2022,
arXiv:2205.05131). Left out: the router's z-loss of ST-MoE (arXiv:2202.08906, equation 5).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.slots import slot

SLOT = "training.objectives.z_penalty"
PALM = 1e-4  # PaLM's coefficient


@slot
def z_penalty(scores: Float[Tensor, "tokens vocab"]) -> Float[Tensor, ""]:
    """Sum over the tokens the square of log Z, where Z is the sum over the vocabulary of exp(score); finite for scores of any size."""
    return torch.logsumexp(scores, dim=1).square().sum()


def charged(loss: Float[Tensor, ""], scores: Float[Tensor, "tokens vocab"], coefficient: float) -> Float[Tensor, ""]:
    """The loss as it is, with the gradient of coefficient * the penalty beside its own."""
    if not coefficient:
        return loss
    charge = coefficient * z_penalty(scores)
    return loss + charge - charge.detach()


@torch.no_grad()
def drift(scores: Float[Tensor, "tokens vocab"]) -> tuple[float, float]:
    """How far log Z lies from 0: the root of its mean square, and its mean, in nats."""
    log_z = torch.logsumexp(scores.float(), dim=1)
    return float(log_z.square().mean().sqrt()), float(log_z.mean())
