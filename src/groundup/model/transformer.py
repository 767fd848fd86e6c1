"""The decoder: token ids in, a score for every next token out.

    ids -> embedding (+ learned positions) -> block, block, ... -> norm -> head -> logits

It knows no tokenizer, no sampler and no family: a family's file names the parts, `parts.compose` hands them in. Parameter
names are those of the Hugging Face files of LLaMA's kind, so a state dict is a checkpoint; other families' names are
translated where files are read and written (`formats/names.py`).

Layers may differ in how far back they see and how they turn (Mistral's and Gemma's windows, Gemma 3's two thetas). Masks and
angles are made once a pass for each kind that there is, and each block is handed its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.model.architectures.heads import ScoreHead, real_tokens
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.layers.embedding import Embedding
from groundup.model.positions.absolute import LearnedAxes, LearnedPositions
from groundup.model.positions.relative import key_positions
from groundup.model.positions.rotary import Angles, Rotary


class Model(nn.Module):
    """What all models share: a configuration, a trunk, an embedding that decides number format and device, and a head.

    lm_head: scores the vocabulary. score: scores labels (`architectures/heads.py`). Neither: the hidden states are handed out.
    """

    def __init__(self, config: Any, model: nn.Module, head: nn.Module | None):
        super().__init__()
        self.config = config
        self.model: Any = model  # before the head: what both share has its name in the trunk
        scores = isinstance(head, ScoreHead)
        self.lm_head: Any = None if scores else head
        self.score: Any = head if scores else None
        self.tie()

    def tie(self) -> None:
        """Make the head's matrix and the embedding one storage again where the configuration ties them."""
        if self.config.tie_word_embeddings and self.lm_head is not None:
            matrix = getattr(self.lm_head, "decoder", self.lm_head)  # a masked language model has a layer before it
            matrix.weight = self.model.embed_tokens.weight

    @property
    def embedding(self) -> Embedding:
        """The table of token vectors."""
        return self.model.embed_tokens

    @property
    def compute_dtype(self) -> torch.dtype:
        """The dtype in which the model computes; set it to bfloat16 to keep fp32 weights and multiply in bf16."""
        return self.embedding.compute_dtype or self.embedding.weight.dtype

    @compute_dtype.setter
    def compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Set it; None: the dtype in which the weights are stored."""
        self.embedding.compute_dtype = dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.embedding.weight.device

    def scored(
        self, hidden: Float[Tensor, "batch seq hidden"], input_ids: Int[Tensor, "batch seq"], mask: Tensor | None
    ) -> Float[Tensor, "..."]:
        """What the head makes of the hidden states; input_ids and mask tell it where the padding is."""
        if self.lm_head is not None:
            return self.lm_head(hidden)
        if self.score is None:
            return hidden
        last = self.score.reads == "last" and not self.score.every_token
        real = real_tokens(input_ids, mask, self.config.pad_token_id) if last else None
        return self.score(hidden, getattr(self.model, "pooler", None), real)


class Bound:
    """A module with something it was told, as a decoder: ids in, logits out, with a decoder's own arguments.

    So all that writes with a decoder (sampling, streams, the cache) writes with it. Whoever inherits says what the head reads.
    """

    def __init__(self, module: Model, config: Any = None):
        self.module, self.lm_head = module, module.lm_head
        self.config = module.config if config is None else config

    @property
    def compute_dtype(self) -> torch.dtype:
        """As the module's."""
        return self.module.compute_dtype

    @property
    def device(self) -> torch.device:
        """As the module's."""
        return self.module.device

    def __call__(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None, cache: Any = None
    ) -> Float[Tensor, "batch seq vocab"]:
        """Score every next token."""
        return self.lm_head(self.hidden(input_ids, mask, positions, cache))

    def hidden(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None, cache: Any = None
    ) -> Float[Tensor, "batch seq hidden"]:
        """What the head reads."""
        raise NotImplementedError


class Trunk(nn.Module):
    """Everything but the head; its name in the files is `model`."""

    def __init__(
        self,
        embed_tokens: Embedding,
        layers: Sequence[nn.Module],
        norm: nn.Module | None,
        embed_positions: LearnedPositions | LearnedAxes | None = None,
    ):
        super().__init__()
        self.embed_tokens = embed_tokens
        self.embed_positions = embed_positions
        self.layers = nn.ModuleList(layers)
        self.norm = norm


class Decoder(Model):
    """A causal language model, or one of its trunk under another head. `config` is its family's configuration, with the Hugging Face field names.

    norm: None where the head reads the stream as it is. rotary: one for all blocks, or one (or None) for each.
    windows: for each block how many tokens a query sees, itself included; None: all before it. bias: what is added to the scores
    of every block, given the positions of the queries, the number of keys and whether there is no mask (ALiBi).
    """

    def __init__(
        self,
        config: Any,
        embed_tokens: Embedding,
        layers: Sequence[nn.Module],
        norm: nn.Module | None,
        head: nn.Module | None,
        rotary: Rotary | Sequence[Rotary | None] | None,
        *,
        embed_positions: LearnedPositions | LearnedAxes | None = None,
        windows: Sequence[int | None] | None = None,
        bias: Callable[[Tensor, int, bool], Tensor] | None = None,
    ):
        super().__init__(config, Trunk(embed_tokens, layers, norm, embed_positions), head)
        self.rotaries = list(rotary) if isinstance(rotary, Sequence) else [rotary] * len(layers)
        self.windows = [None] * len(layers) if windows is None else list(windows)
        self.bias = bias

    @property
    def rotary(self) -> Rotary | None:
        """How the first block turns, and all others where they are alike."""
        return self.rotaries[0]

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"] | Int[Tensor, "batch seq axes"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "..."]:
        """Score every next token, or what the head scores. mask: True where a token may look (None: causal). positions: default 0, 1, 2, ...

        cache: has `.length` (tokens seen before) and `.update(layer, key, value)` -> all keys and values so far (of a layer
        with a window at least those that it shows).
        """
        return self.scored(self.hidden(input_ids, mask, positions, cache), input_ids, mask)

    def hidden(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"] | Int[Tensor, "batch seq axes"] | None = None,
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
        bias = None if self.bias is None else self.bias(positions, start + input_ids.shape[1], mask is None)
        prepared: dict[int | None, Tensor | None] = dict.fromkeys(self.windows)  # a cache that attends itself reads none
        if getattr(cache, "attend", None) is None:
            prepared = self._masks(mask, input_ids.shape[1], start + input_ids.shape[1], x, bias, positions)
        sides = [(angles[turn], prepared[window]) for turn, window in zip(self.rotaries, self.windows, strict=True)]
        x = self.through(x, input_ids, sides, cache)
        return x if self.model.norm is None else self.model.norm(x)

    def through(
        self,
        x: Float[Tensor, "batch seq hidden"],
        input_ids: Int[Tensor, "batch seq"],
        sides: list[tuple[Angles | None, Tensor | None]],
        cache: Any,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Let every block add to the stream. sides: the angles and the prepared mask of each."""
        for index, (block, (angles, mask)) in enumerate(zip(self.model.layers, sides, strict=True)):
            x = block(x, angles, mask, cache, index)
        return x

    def _angles(self, positions: Tensor, dtype: torch.dtype) -> dict[Rotary | None, Angles | None]:
        """For each way of turning, the cosines and sines of all positions."""
        return {rotary: None if rotary is None else rotary.angles(positions, dtype) for rotary in set(self.rotaries)}

    def _masks(
        self,
        mask: Tensor | None,
        queries: int,
        keys: int,
        x: Tensor,
        bias: Tensor | None = None,
        positions: Tensor | None = None,
    ) -> dict[int | None, Tensor | None]:
        """For each window, who may look at whom, in the form that attention adds to its scores; None stays None (causal)."""
        prepared: dict[int | None, Tensor | None] = {}
        if bias is not None and mask is None and queries > 1:  # what is added says all, the causal mask as well
            mask = masks.causal(queries, keys, x.device)
        for window in set(self.windows):
            seen = mask
            if window is not None and window < keys:  # a shorter text fits into the window: the fast causal path stays
                seen = _within(mask, queries, min(keys, queries + window - 1), window, x.device, positions)
            prepared[window] = prepare_mask(seen, x.dtype, _nearest(bias, seen))
        return prepared


def _nearest(bias: Tensor | None, seen: Tensor | None) -> Tensor | None:
    """The bias of those keys that a mask is about."""
    return bias if bias is None or seen is None else bias[..., -seen.shape[-1] :]


def _within(
    mask: Tensor | None, queries: int, near: int, window: int, device: torch.device, positions: Tensor | None = None
) -> Tensor | None:
    """Who sees whom of the last `near` keys, all that some query's window reaches; None where all see all.

    Rows with a mask and positions of their own are measured by these: of answers side by side the last stands as near its prompt as the first.
    """
    seen = None if mask is None else mask[..., -near:]
    if queries == 1:
        return seen
    if seen is None or positions is None or positions.dim() != 2:
        return masks.sliding_window(queries, near, window, device) & (
            masks.causal(queries, near, device) if seen is None else seen
        )
    places, span = key_positions(positions, near).clamp(min=0), int(positions.max()) + 1  # below 0: padding, that the mask hides
    return masks.sliding_window(span, span, window, device)[0][positions[:, :, None], places[:, None]] & seen
