"""The encoder: token ids in, a vector for every token out, made from the whole text; then a head.

    ids -> embedding + positions + token types -> norm -> block, block, ... -> head -> scores

No token is hidden from another but padding: `masks.padding` says which that is. Blocks, attention and feed-forward are those of
the decoder (`parts.py`); what differs is the sum at the beginning and that nothing is causal. There is no cache, as every
vector changes when a token is added. Devlin et al. 2019, arXiv:1810.04805, section 3.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.errors import InputError
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.layers.embedding import Embedding
from groundup.model.positions.absolute import LearnedPositions
from groundup.model.transformer import Model


class EncoderTrunk(nn.Module):
    """Everything but the head; its name in the module is `model`. pooler: None where nothing reads it."""

    def __init__(
        self,
        embed_tokens: Embedding,
        embed_positions: LearnedPositions,
        embed_types: Embedding,
        embed_norm: nn.Module,
        layers: Sequence[nn.Module],
        pooler: nn.Module | None = None,
    ):
        super().__init__()
        self.embed_tokens = embed_tokens
        self.embed_positions = embed_positions
        self.embed_types = embed_types
        self.embed_norm = embed_norm
        self.layers = nn.ModuleList(layers)
        self.pooler = pooler


class Encoder(Model):
    """A bidirectional model under a head. `config` is its family's configuration, with the Hugging Face field names."""

    def __init__(self, config: Any, model: EncoderTrunk, head: nn.Module | None):
        super().__init__(config, model, head)

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch #seq seq"] | None = None,
        positions: Int[Tensor, "#batch seq"] | Int[Tensor, " seq"] | None = None,
        token_types: Int[Tensor, "#batch seq"] | None = None,
    ) -> Float[Tensor, "..."]:
        """What the head scores. mask: True where a token may look (None: everywhere); `masks.padding` makes it.

        positions: default 0, 1, 2, ... token_types: which of two sentences a token stands in, default the first.
        """
        return self.scored(self.hidden(input_ids, mask, positions, token_types), input_ids, mask)

    def hidden(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch #seq seq"] | None = None,
        positions: Int[Tensor, "#batch seq"] | Int[Tensor, " seq"] | None = None,
        token_types: Int[Tensor, "#batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """The last hidden states: what the head reads."""
        x = self.embedded(input_ids, positions, token_types)
        prepared = prepare_mask(mask, x.dtype)
        for block in self.model.layers:
            x = block(x, None, prepared)
        return x

    def embedded(
        self,
        input_ids: Int[Tensor, "batch seq"],
        positions: Int[Tensor, "#batch seq"] | Int[Tensor, " seq"] | None = None,
        token_types: Int[Tensor, "#batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """The sum of what is known of a token: which it is, where it stands, of which type; normalised."""
        x = self.model.embed_tokens(input_ids)
        types = torch.zeros_like(input_ids) if token_types is None else token_types
        self._check_types(token_types)
        x = x + self.model.embed_types(types).to(x.dtype) + self._places(input_ids, positions).to(x.dtype)
        return self.model.embed_norm(x)

    def _check_types(self, token_types: Tensor | None) -> None:
        if token_types is None or token_types.is_meta or torch.compiler.is_compiling():
            return
        kinds, worst = len(self.model.embed_types.weight), int(token_types.max())
        worst = min(int(token_types.min()), worst) if worst < kinds else worst
        if not 0 <= worst < kinds:
            raise InputError(f"token type {worst} has no row in a table of {kinds}; use 0 to {kinds - 1}")

    def _places(self, input_ids: Tensor, positions: Tensor | None) -> Tensor:
        """The vectors of the positions. Where positions begin after the padding's row, padding has that row and is not counted."""
        table = self.model.embed_positions
        if positions is not None:
            return table(positions)
        if not table.offset:
            return table(torch.arange(input_ids.shape[1], device=input_ids.device))
        real = input_ids != self.config.pad_token_id
        counted = (real.cumsum(dim=1) - 1).clamp(min=0)
        return torch.where(real[..., None], table(counted), table.weight[table.offset - 1])
