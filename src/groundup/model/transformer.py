"""The decoder: token ids in, a score for every next token out.

    ids -> embedding (+ learned positions) -> block, block, ... -> norm -> head -> logits

It knows no tokenizer, no sampler and no family: a family's file names the parts, `parts.compose` hands them in. Parameter
names are those of the Hugging Face files of LLaMA's kind, so a state dict is a checkpoint; other families' names are
translated where files are read and written (`formats/names.py`).

Layers may differ in how far back they see and how they turn (Mistral's and Gemma's windows, Gemma 3's two thetas). Masks and
angles are made once a pass for each kind that there is, and each block is handed its own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear
from groundup.model.positions.absolute import LearnedPositions
from groundup.model.positions.rotary import Angles, Rotary


class Trunk(nn.Module):
    """Everything but the head; its name in the files is `model`."""

    def __init__(
        self,
        embed_tokens: Embedding,
        layers: Sequence[nn.Module],
        norm: nn.Module | None,
        embed_positions: LearnedPositions | None = None,
    ):
        super().__init__()
        self.embed_tokens = embed_tokens
        self.embed_positions = embed_positions
        self.layers = nn.ModuleList(layers)
        self.norm = norm


class Decoder(nn.Module):
    """A causal language model. `config` is its family's configuration, with the Hugging Face field names.

    norm: None where the head reads the stream as it is. rotary: one for all blocks, or one (or None) for each.
    windows: for each block how many tokens a query sees, itself included; None: all before it.
    """

    def __init__(
        self,
        config: Any,
        embed_tokens: Embedding,
        layers: Sequence[nn.Module],
        norm: nn.Module | None,
        lm_head: Linear,
        rotary: Rotary | Sequence[Rotary | None] | None,
        *,
        embed_positions: LearnedPositions | None = None,
        windows: Sequence[int | None] | None = None,
    ):
        super().__init__()
        self.config = config
        self.model = Trunk(embed_tokens, layers, norm, embed_positions)
        self.lm_head = lm_head
        self.rotaries = list(rotary) if isinstance(rotary, Sequence) else [rotary] * len(layers)
        self.windows = [None] * len(layers) if windows is None else list(windows)
        self.tie()

    @property
    def rotary(self) -> Rotary | None:
        """How the first block turns, and all others where they are alike."""
        return self.rotaries[0]

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
        start = 0 if cache is None else cache.length
        if positions is None:
            positions = torch.arange(start, start + input_ids.shape[1], device=input_ids.device)
        if self.model.embed_positions is not None:
            x = x + self.model.embed_positions(positions).to(x.dtype)
        angles = self._angles(positions, x.dtype)
        prepared = self._masks(mask, input_ids.shape[1], start + input_ids.shape[1], x)
        for index, block in enumerate(self.model.layers):
            x = block(x, angles[self.rotaries[index]], prepared[self.windows[index]], cache, index)
        return x if self.model.norm is None else self.model.norm(x)

    def _angles(self, positions: Tensor, dtype: torch.dtype) -> dict[Rotary | None, Angles | None]:
        """For each way of turning, the cosines and sines of all positions."""
        return {rotary: None if rotary is None else rotary.angles(positions, dtype) for rotary in set(self.rotaries)}

    def _masks(self, mask: Tensor | None, queries: int, keys: int, x: Tensor) -> dict[int | None, Tensor | None]:
        """For each window, who may look at whom, in the form that attention adds to its scores; None stays None (causal)."""
        prepared: dict[int | None, Tensor | None] = {}
        for window in set(self.windows):
            seen = mask
            if window is not None and window < keys:  # a shorter text fits into the window: the fast causal path stays
                near = masks.sliding_window(queries, keys, window, x.device)
                seen = near & (masks.causal(queries, keys, x.device) if mask is None else mask)
            prepared[window] = prepare_mask(seen, x.dtype)
        return prepared
