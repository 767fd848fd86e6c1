"""Tricks of small models: each a switch of the `groundup` family, off by default, measured by `groundup run ablation`.

    switch (config.json)             what it does                                       where it stands, and its source
    qk_norm                          query and key heads to unit size before they meet   attention/multi_head; Henry et al. 2020, arXiv:2010.04245
    hidden_act, gated_mlp            squared ReLU, or SwiGLU, or any other                layers/feed_forward; So et al. 2021, arXiv:2109.08668
    attn_logit_softcapping           scores bent towards a bound                          layers/soft_cap; Gemma 2, arXiv:2408.00118
    final_logit_softcapping          logits bent towards a bound                          the same
    zero_init_projections            what a part writes to the stream starts as zero      layers/initialization; Bachlechner et al. 2020, arXiv:2003.04887
    tie_word_embeddings              one matrix reads and scores                          layers/embedding; Press and Wolf 2017, arXiv:1608.05859
    block_order                      sandwich, output norm, parallel, post-norm           layers/residual
    partial_rotary_factor            only a part of each head turns                       attention/multi_head; GPT-NeoX, arXiv:2204.06745
    embedding_norm                   a norm behind the embedding                          here; BLOOM, arXiv:2211.05100, section 3.2
    residual_scalars                 x <- keep_l * x + add_l * x_0 before block l         here; the GPT-2 speed run (github.com/KellerJordan/modded-nanogpt)
    value_embedding_layers           value <- value + table_l[token]                      here; the speed run, after Zhou et al. 2024, arXiv:2410.17897

The last two give a deep block a short way to the token itself, which the stream otherwise has to carry through every addition.
At the first step keep is 1 and add is 0, so residual scalars begin as no change. A value table costs vocab * kv width parameters and hardly
any time: a row is looked up, not multiplied; for the optimiser it is an embedding.

Left out: the speed run's gates on these tables, its skips between mirrored layers, and mixing a token with the one before it
("smear"), which needs state in the cache beside keys and values.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.model.positions.rotary import Angles
from groundup.model.transformer import Decoder
from groundup.slots import slot


@slot
def mix_with_start(
    x: Float[Tensor, "batch seq hidden"],
    start: Float[Tensor, "batch seq hidden"],
    keep: Float[Tensor, ""],
    add: Float[Tensor, ""],
) -> Float[Tensor, "batch seq hidden"]:
    """Scale the stream and give it a share of what it began as: keep * x + add * start, in the dtype of x.

    start: the embedding, as it entered the first block. keep, add: two learned numbers of one block, kept in float32.
    """
    return keep.to(x.dtype) * x + add.to(x.dtype) * start


@slot
def add_value_embedding(
    value: Float[Tensor, "batch seq width"], table: Float[Tensor, "vocab width"], input_ids: Int[Tensor, "batch seq"]
) -> Float[Tensor, "batch seq width"]:
    """Add to each token's value the row that a second embedding has for that token, in the dtype of value.

    width: all key/value heads together, before they are split.
    """
    return value + functional.embedding(input_ids, table).to(value.dtype)


class ResidualScalars(nn.Module):
    """Two numbers a block: `weight` keeps (1 at the start), `bias` adds (0 at the start)."""

    def __init__(self, layers: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(layers))
        self.bias = nn.Parameter(torch.empty(layers))

    def forward(
        self, x: Float[Tensor, "batch seq hidden"], start: Float[Tensor, "batch seq hidden"], layer: int
    ) -> Float[Tensor, "batch seq hidden"]:
        """Mix before block number `layer`."""
        return mix_with_start(x, start, self.weight[layer], self.bias[layer])


class ValueEmbedding(nn.Module):
    """One row a token, as wide as all key/value heads of its block together."""

    def __init__(self, vocab: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab, width))

    def forward(
        self, value: Float[Tensor, "batch seq width"], input_ids: Int[Tensor, "batch seq"]
    ) -> Float[Tensor, "batch seq width"]:
        """Add the tokens' rows."""
        return add_value_embedding(value, self.weight, input_ids)


class TrickDecoder(Decoder):
    """A decoder with any of: a norm behind the embedding, residual scalars, value embeddings (by the number of their block)."""

    def __init__(
        self,
        *parts: Any,
        embed_norm: nn.Module | None = None,
        residual_scalars: ResidualScalars | None = None,
        value_embeddings: Mapping[int, ValueEmbedding] | None = None,
        **more: Any,
    ):
        super().__init__(*parts, **more)
        self.model.embed_norm = embed_norm
        self.model.residual_scalars = residual_scalars
        named = {str(layer): table for layer, table in (value_embeddings or {}).items()}
        self.model.value_embeddings = nn.ModuleDict(named) if named else None

    def through(
        self,
        x: Float[Tensor, "batch seq hidden"],
        input_ids: Int[Tensor, "batch seq"],
        sides: list[tuple[Angles | None, Tensor | None]],
        cache: Any,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Let every block add to the stream, with what is switched on before and inside it."""
        trunk: Any = self.model
        x = x if trunk.embed_norm is None else trunk.embed_norm(x)
        start, tables = x, trunk.value_embeddings or {}
        for index, (block, (angles, mask)) in enumerate(zip(trunk.layers, sides, strict=True)):
            if trunk.residual_scalars is not None:
                x = trunk.residual_scalars(x, start, index)
            table = tables[str(index)] if str(index) in tables else None
            on_value = None if table is None else partial(table, input_ids=input_ids)
            x = block(x, angles, mask, cache, index, on_value)
        return x
