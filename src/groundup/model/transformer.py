"""The decoder: token ids in, a score for every next token out.

    ids -> embedding -> block, block, ... -> norm -> head -> logits

It knows no tokenizer, no sampler and no family: a family's file composes the parts and hands them in. Parameter names
are those of the Hugging Face files, so a state dict is a checkpoint.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear
from groundup.model.positions.rotary import Rotary


class Trunk(nn.Module):
    """Everything but the head; its name in the files is `model`."""

    def __init__(self, embed_tokens: Embedding, layers: Sequence[nn.Module], norm: nn.Module):
        super().__init__()
        self.embed_tokens = embed_tokens
        self.layers = nn.ModuleList(layers)
        self.norm = norm


class Decoder(nn.Module):
    """A causal language model. `config` is its family's configuration, with the Hugging Face field names."""

    def __init__(
        self,
        config: Any,
        embed_tokens: Embedding,
        layers: Sequence[nn.Module],
        norm: nn.Module,
        lm_head: Linear,
        rotary: Rotary | None,
    ):
        super().__init__()
        self.config = config
        self.model = Trunk(embed_tokens, layers, norm)
        self.lm_head = lm_head
        self.rotary = rotary
        self.tie()

    def tie(self) -> None:
        """Make the head and the embedding one storage again where the configuration ties them."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def compute_dtype(self) -> torch.dtype:
        """The dtype in which the model computes; set it to bfloat16 to keep fp32 weights and multiply in bf16."""
        return self.model.embed_tokens.compute_dtype or self.model.embed_tokens.weight.dtype

    @compute_dtype.setter
    def compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Set it; None: the dtype in which the weights are stored."""
        self.model.embed_tokens.compute_dtype = dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.embed_tokens.weight.device

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq vocab"]:
        """Score every next token. mask: True where a token may look (None: causal). positions: default 0, 1, 2, ...

        cache: has `.length` (tokens seen before) and `.update(layer, key, value)` -> all keys and values so far.
        """
        return self.lm_head(self.hidden(input_ids, mask, positions, cache))

    def hidden(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """The last hidden states, normalised: what the head reads. A chunked loss calls this and the head apart."""
        x = self.model.embed_tokens(input_ids)
        if positions is None:
            start = 0 if cache is None else cache.length
            positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)
        angles = None if self.rotary is None else self.rotary.angles(positions, x.dtype)
        prepared = prepare_mask(mask, x.dtype)
        for index, block in enumerate(self.model.layers):
            x = block(x, angles, prepared, cache, index)
        return self.model.norm(x)
