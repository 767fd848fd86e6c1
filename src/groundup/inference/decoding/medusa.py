"""Medusa heads: the model guesses its own next tokens, each place from the same hidden state.

    head k    h + silu(W_k h)  ->  the model's own output matrix  ->  the token k places behind the next one

The model's last state says much about more than the next token. Each head is one square matrix, and starts as zero: at first all heads give
the next token. Only they learn, from the states of the model as it is; that costs a few hundred steps. A head does not see what the heads before it
guessed, so guesses far ahead are worse than a draft model's, but they cost next to nothing.
Cai et al. 2024, arXiv:2401.10774, section 2.1 (heads, zero start), 2.2 (loss: cross-entropy of head k times 0.8^k). Left out: the tree of
guesses (one chain is checked), training the model along with the heads, heads with an output matrix of their own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.drafts import guess, proposal, without_the_text
from groundup.inference.decoding.speculative import Proposal

DECAY = 0.8  # how much less each further head counts in the loss


class MedusaHeads(nn.Module):
    """One matrix a head."""

    def __init__(self, hidden_size: int, heads: int = 3):
        super().__init__()
        if heads < 1:
            raise ConfigError(f"heads={heads} guess nothing; use a few, such as 3")
        self.hidden_size = hidden_size
        self.maps = nn.ModuleList(nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(heads))
        for weight in self.maps.parameters():
            nn.init.zeros_(weight)

    def forward(self, hidden: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "heads *batch hidden"]:
        """What each head makes of a state, for the output matrix to read."""
        return torch.stack([hidden + functional.silu(one(hidden)) for one in self.maps])


def medusa_loss(
    heads: MedusaHeads,
    lm_head: Any,
    hidden: Float[Tensor, "batch seq hidden"],
    input_ids: Int[Tensor, "batch seq"],
) -> Float[Tensor, ""]:
    """Cross-entropy of every head in nats, added up with less weight for those further ahead. Head k reads place t and is asked for t + k + 1, from k = 1."""
    total = hidden.new_zeros(())
    for number, states in enumerate(heads(hidden), 1):
        ahead = number + 1
        scores = lm_head(states[:, :-ahead]).float()
        total = total + DECAY**number * functional.cross_entropy(scores.flatten(0, 1), input_ids[:, ahead:].flatten())
    return total


def train_heads(
    module: Any,
    rows: Int[Tensor, "rows seq"],
    heads: int = 3,
    *,
    steps: int = 300,
    batch: int = 16,
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> tuple[MedusaHeads, list[float]]:
    """Heads for a model that stays as it is, learned from rows of its text; and the loss of each step."""
    if rows.dim() != 2 or rows.shape[1] < heads + 2:
        raise InputError(
            f"rows of {tuple(rows.shape)} hold no token {heads + 1} places ahead; give (rows, seq) with a seq of {heads + 2} or more"
        )
    made = MedusaHeads(module.config.hidden_size, heads).to(module.device)
    optimizer = torch.optim.AdamW(made.parameters(), lr=learning_rate, weight_decay=0.0)
    source, losses = torch.Generator().manual_seed(seed), []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, 4 * (steps - step) / steps)  # the last quarter runs out
        some = rows[torch.randint(len(rows), (min(batch, len(rows)),), generator=source)].to(module.device)
        with torch.no_grad():
            hidden = module.hidden(some)
        loss = medusa_loss(made, module.lm_head, hidden.float(), some)
        gradients = torch.autograd.grad(loss, [*made.parameters()])
        for parameter, gradient in zip(made.parameters(), gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        losses.append(float(loss.detach()))
    return made, losses


class MedusaDraft:
    """The heads as a draft: their likeliest tokens where decoding is greedy, else draws."""

    def __init__(self, heads: MedusaHeads):
        self.heads = heads

    def start(self, module: Any, prompt: Sequence[int], limit: int) -> None:
        """The states are those of this module."""
        width = self.heads.hidden_size
        if width != module.config.hidden_size:
            raise ConfigError(
                f"the heads read states of {width} numbers and the model has {module.config.hidden_size}; train heads on this model"
            )
        self.lm_head = module.lm_head

    def propose(self, ids: Sequence[int], most: int, sampling: SamplingConfig, hidden: Tensor | None) -> Proposal:
        """One token a head; nothing before the model's first pass."""
        count = min(len(self.heads.maps), most)
        if hidden is None or count < 1:
            return Proposal([])
        scores = self.lm_head(self.heads(hidden)[:count].to(hidden.dtype))
        plain = without_the_text(sampling)
        return proposal([guess(row, plain, len(ids) + place) for place, row in enumerate(scores)])
