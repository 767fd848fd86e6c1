"""Multi-token prediction: at each place the next token is asked for, and those after it too, each by a head of its own.

    hidden state at t    -> head                       -> token t + 1
                         -> layer 1 -> the same head   -> token t + 2
                         -> layer 2 -> the same head   -> token t + 3

The hidden state has to know where the text is going, not only its next step; and the extra heads guess a few tokens at once, which
speculative decoding then checks in one pass (Gloeckle et al., section 3.2: up to three times faster). What a head sees is the hidden state at t alone,
not the tokens between, so the loss grows with the distance, and beyond what a text decides by itself it learns only frequencies.

Extra heads, not DeepSeek-V3's sequential modules (arXiv:2412.19437, section 2.2), which read the true tokens between through a block each: heads fit
on every decoder here as it is, cost a matrix of hidden x hidden a token ahead, and can all be asked at once. The layer is
Medusa's (hidden + silu(W hidden), W = 0 at first, so each head begins as the model's own: Cai et al. 2024, arXiv:2401.10774, section 2.1.1).
The loss is Gloeckle et al. 2024, arXiv:2404.19737, equation 2: the sum over heads. Left out: a whole block a head.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.slots import slot
from groundup.training.objectives.around import Around
from groundup.training.objectives.causal import Asked, document_mask, loss_where


@slot
def targets_ahead(
    targets: Int[Tensor, "batch seq"],
    loss_mask: Bool[Tensor, "batch seq"],
    document_ids: Int[Tensor, "batch seq"],
    further: int,
) -> tuple[Int[Tensor, "batch seq"], Bool[Tensor, "batch seq"]]:
    """Give at each place the target that stands `further` places on, and whether it counts.

    It counts where that place is in the same row and of the same document, and its target counts itself. Elsewhere the target is 0.
    """
    seq = targets.shape[1]
    further = min(further, seq)
    moved, kept = torch.zeros_like(targets), torch.zeros_like(loss_mask)
    same = document_ids[:, further:] == document_ids[:, : seq - further]
    kept[:, : seq - further] = loss_mask[:, further:] & same
    moved[:, : seq - further] = targets[:, further:]
    return moved.masked_fill(~kept, 0), kept


class AheadLayer(nn.Module):
    """hidden + silu(W hidden), W = 0 at first: what one more token ahead makes of the hidden state."""

    def __init__(self, hidden: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hidden, hidden))

    def forward(self, hidden: Float[Tensor, "*places hidden"]) -> Float[Tensor, "*places hidden"]:
        """The hidden state as this head reads it."""
        return hidden + functional.silu(functional.linear(hidden, self.weight.to(hidden.dtype)))


class MultiToken(Around):
    """A decoder and the layers of its extra heads: what is trained. The decoder alone is what is kept; the layers make drafts.

    ahead: how many tokens are asked for at each place; 1 is next-token prediction.
    """

    def __init__(self, module: Any, ahead: int):
        if ahead < 1:
            raise ConfigError(f"ahead={ahead} asks for nothing; use 1 for the next token alone, or 2 to 4")
        if module.lm_head is None:
            raise ConfigError("this model has no head that scores tokens; load it as a language model")
        super().__init__(module)
        self.layers = nn.ModuleList(AheadLayer(module.config.hidden_size) for _ in range(ahead - 1))
        self.layers.to(module.device)

    def hidden(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None
    ) -> list[Float[Tensor, "batch seq hidden"]]:
        """What the head reads for each token ahead, the next one first."""
        hidden = self.module.hidden(input_ids, mask, positions)
        return [hidden, *(layer(hidden) for layer in self.layers)]

    @torch.no_grad()
    def draft(self, input_ids: Int[Tensor, "batch seq"]) -> Int[Tensor, "batch ahead"]:
        """The likeliest next tokens, all from the last place in one pass; speculative decoding would check them."""
        return torch.stack([self.module.lm_head(one[:, -1:])[:, 0].argmax(-1) for one in self.hidden(input_ids)], 1)


def asked_ahead(module: MultiToken, batch: Any) -> list[Asked]:
    """Ask each head for its token ahead, the next one first."""
    states = module.hidden(batch.input_ids, document_mask(batch), batch.positions)
    return [
        Asked(
            module.module.lm_head,
            hidden,
            *targets_ahead(batch.targets, batch.loss_mask.bool(), batch.document_ids, further),
        )
        for further, hidden in enumerate(states)
    ]


def losses_ahead(module: MultiToken, batch: Any, z_loss: float = 0.0) -> list[tuple[Tensor, int]]:
    """For each token ahead the sum of the cross-entropy in nats, and how many targets there were."""
    return [loss_where(asked, z_loss) for asked in asked_ahead(module, batch)]


def multi_token_loss(module: MultiToken, batch: Any, z_loss: float = 0.0) -> tuple[Tensor, int]:
    """Sum the cross-entropy over all heads; nats, and the number of next tokens, which is what a step is divided by.

    So the loss of one head is next-token prediction's own, and each further one adds to it. Divided by the next tokens, small batches add up to
    the large one (a far head has fewer targets than these).
    """
    results = losses_ahead(module, batch, z_loss)
    return torch.stack([loss for loss, _ in results]).sum(), results[0][1]
