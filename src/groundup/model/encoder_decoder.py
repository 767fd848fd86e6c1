"""The encoder-decoder: one stack reads a source, the other writes an answer and asks the first one in every block.

    source -> embedding -> block, block, ...                          -> norm -> states
    answer -> embedding -> block that asks the states, block, ...     -> norm -> head -> logits

The source is known whole, so every token of it may see every other; the answer is written from left to right, so its tokens
see only what came before. States, and the keys and values that each block makes of them, are computed once (`read`), whatever
the length of the answer; the answer's own go into the cache that a decoder has. So one step costs what it costs in a decoder,
and one attention more over the source.

`Answering` is a model whose source has been read: from then on it is a decoder, and all that works with one (sampling, streams,
the cache) works with it.

Vaswani et al. 2017, arXiv:1706.03762, section 3.1; the bias of relative positions shared by all blocks of a stack: Raffel et al.
2020, arXiv:1910.10683, section 2.1. The families: `architectures/original.py`, `architectures/t5.py`.
Left out: separate vocabularies for source and answer; windows.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.attention.self_cross import Memory
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear
from groundup.model.layers.residual import Part, cross_block, post_norm_cross_block
from groundup.model.positions.absolute import sinusoidal
from groundup.model.positions.relative import RelativeBias
from groundup.model.transformer import Bound, Model

ENDLESS = 2**31 - 1  # no table of positions ends: the context of a model whose positions are relative or computed


class Source(NamedTuple):
    """A source that was read: for each block of the decoder its keys and values, and which of its tokens are real."""

    memories: tuple[Memory, ...]
    mask: Bool[Tensor, "batch 1 keys"] | None


def shift_right(
    targets: Int[Tensor, "batch seq"], decoder_start_token_id: int, pad_token_id: int = 0
) -> Int[Tensor, "batch seq"]:
    """What the decoder reads while it learns `targets`: the beginning, then all targets but the last.

    So each place is asked for the token that stands there. Targets below 0, which a loss passes over, are read as padding.
    """
    begin = torch.full_like(targets[:, :1], decoder_start_token_id)
    shifted = torch.cat((begin, targets[:, :-1]), dim=1)
    return shifted.masked_fill(shifted < 0, pad_token_id)


class CrossBlock(nn.Module):
    """A block of the decoder: self-attention, cross-attention, feed-forward, each read through its norm (T5)."""

    norms: ClassVar[tuple[str, ...]] = ("input_layernorm", "post_attention_layernorm", "post_cross_layernorm")
    input_layernorm: nn.Module
    post_attention_layernorm: nn.Module
    post_cross_layernorm: nn.Module
    post_feedforward_layernorm: nn.Module

    def __init__(self, self_attn: nn.Module, cross_attn: nn.Module, mlp: nn.Module, norms: Sequence[nn.Module]):
        super().__init__()
        self.self_attn, self.cross_attn, self.mlp = self_attn, cross_attn, mlp
        for name, norm in zip(self.norms, norms, strict=True):
            setattr(self, name, norm)

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        mask: Tensor | None,
        memory: Memory,
        memory_mask: Tensor | None,
        cache: Any = None,
        layer: int = 0,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Add what the three parts have to say; masks as `prepare_mask` makes them."""

        def attention(read: Tensor) -> Tensor:
            return self.self_attn(read, None, mask, cache, layer)

        def cross(read: Tensor) -> Tensor:
            return self.cross_attn(read, memory, memory_mask)

        return self.ordered(x, attention, cross)

    def ordered(self, x: Tensor, attention: Part, cross: Part) -> Tensor:
        """Each part behind its norm."""
        norms = self.input_layernorm, self.post_attention_layernorm, self.post_cross_layernorm
        return cross_block(x, norms[0], attention, norms[1], cross, norms[2], self.mlp)


class PostNormCrossBlock(CrossBlock):
    """The same with a norm on the stream after each part (2017)."""

    norms = ("post_attention_layernorm", "post_cross_layernorm", "post_feedforward_layernorm")

    def ordered(self, x: Tensor, attention: Part, cross: Part) -> Tensor:
        """A norm behind each part."""
        norms = self.post_attention_layernorm, self.post_cross_layernorm, self.post_feedforward_layernorm
        return post_norm_cross_block(x, attention, norms[0], cross, norms[1], self.mlp, norms[2])


CROSS_BLOCKS: dict[str, type[CrossBlock]] = {"pre_norm": CrossBlock, "post_norm": PostNormCrossBlock}


class UndividedQueries(Linear):
    """Queries whose scores nothing divides by sqrt(head_dim): their first values are that much smaller (T5)."""

    def __init__(self, inputs: int, outputs: int, head_dim: int):
        super().__init__(inputs, outputs)
        self.head_dim = head_dim

    def first_values(self, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Of normal deviation 1 / sqrt(inputs * head_dim), so that scores of unit vectors have deviation 1."""
        inputs = self.weight.shape[1]
        return {
            "weight": torch.empty(self.weight.shape).normal_(0, (inputs * self.head_dim) ** -0.5, generator=generator)
        }


class Stack(nn.Module):
    """The blocks of one side, the norm after them (None: none), and the bias that all of them share (None: none)."""

    def __init__(
        self, layers: Sequence[nn.Module], norm: nn.Module | None, relative_attention_bias: RelativeBias | None = None
    ):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = norm
        self.relative_attention_bias = relative_attention_bias

    def mask(self, mask: Tensor | None, queries: int, keys: int, dtype: torch.dtype) -> Tensor | None:
        """Who may look at whom, with the bias of their distance, in the form that attention adds to its scores."""
        bias = self.relative_attention_bias
        return prepare_mask(mask, dtype, None if bias is None else bias(queries, keys))

    def finished(self, x: Tensor) -> Tensor:
        """What leaves the stack."""
        return x if self.norm is None else self.norm(x)


class Trunk(nn.Module):
    """Everything but the head. sinusoidal: whether sines and cosines of the place are added to each token (2017)."""

    def __init__(self, embed_tokens: Embedding, encoder: Stack, decoder: Stack, sinusoidal: bool = False):
        super().__init__()
        self.embed_tokens, self.encoder, self.decoder, self.sinusoidal = embed_tokens, encoder, decoder, sinusoidal

    def embed(self, ids: Tensor, positions: Tensor) -> Float[Tensor, "batch seq hidden"]:
        """Vectors of the tokens, and of their places where these are absolute."""
        x = self.embed_tokens(ids)
        return x + sinusoidal(positions, x.shape[-1]).to(x.dtype) if self.sinusoidal else x


class EncoderDecoder(Model):
    """A model that answers a source. `config` is its family's configuration, with the Hugging Face field names."""

    def __init__(self, config: Any, model: Trunk, head: nn.Module | None):
        super().__init__(config, model, head)

    def forward(
        self,
        input_ids: Int[Tensor, "batch source"],
        decoder_input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch source"] | Bool[Tensor, "batch source"] | None = None,
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq vocab"]:
        """Score every next token of the answer to a source.

        attention_mask: 1 at the source's real tokens, 0 at padding; None: all are real. mask: True where a token of the answer
        may look at the answer (None: causal). cache: as a decoder's, for the answer alone.
        """
        return self.decode(decoder_input_ids, self.read(input_ids, attention_mask), mask, cache)

    def encode(
        self,
        input_ids: Int[Tensor, "batch source"],
        attention_mask: Int[Tensor, "batch source"] | Bool[Tensor, "batch source"] | None = None,
    ) -> Float[Tensor, "batch source hidden"]:
        """The states of a source. Padding may stand on either side: places count real tokens only."""
        seen, positions = None, torch.arange(input_ids.shape[1], device=input_ids.device)
        if attention_mask is not None:
            seen = masks.padding(attention_mask)
            positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)
        x, stack = self.model.embed(input_ids, positions), self.model.encoder
        prepared = stack.mask(seen, x.shape[1], x.shape[1], x.dtype)
        for layer, block in enumerate(stack.layers):
            x = block(x, None, prepared, None, layer)
        return stack.finished(x)

    def read(
        self,
        input_ids: Int[Tensor, "batch source"],
        attention_mask: Int[Tensor, "batch source"] | Bool[Tensor, "batch source"] | None = None,
    ) -> Source:
        """Read a source once, for any number of steps: what `decode` asks."""
        states = self.encode(input_ids, attention_mask)
        memories = tuple(block.cross_attn.remember(states) for block in self.model.decoder.layers)
        return Source(memories, None if attention_mask is None else masks.padding(attention_mask))

    def decode(
        self,
        decoder_input_ids: Int[Tensor, "batch seq"],
        source: Source,
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq vocab"]:
        """Score every next token of the answer to a source that was read."""
        return self.lm_head(self.hidden(decoder_input_ids, source, mask, None, cache))

    def hidden(
        self,
        decoder_input_ids: Int[Tensor, "batch seq"],
        source: Source,
        mask: Bool[Tensor, "#batch seq keys"] | None = None,
        positions: Int[Tensor, "batch seq"] | Int[Tensor, " seq"] | None = None,
        cache: Any = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """What the head reads of the answer. positions: default 0, 1, 2, ..."""
        start, seq = 0 if cache is None else cache.length, decoder_input_ids.shape[1]
        if positions is None:
            positions = torch.arange(start, start + seq, device=decoder_input_ids.device)
        x, stack = self.model.embed(decoder_input_ids, positions), self.model.decoder
        if mask is None and seq > 1 and stack.relative_attention_bias is not None:
            mask = masks.causal(seq, start + seq, x.device)
        prepared, source_mask = stack.mask(mask, seq, start + seq, x.dtype), prepare_mask(source.mask, x.dtype)
        for layer, (block, memory) in enumerate(zip(stack.layers, source.memories, strict=True)):
            x = block(x, prepared, memory, source_mask, cache, layer)
        return stack.finished(x)


class Answering(Bound):
    """A model whose source has been read, as a decoder: ids of the answer in, logits out, with the same arguments."""

    module: EncoderDecoder

    def __init__(self, module: EncoderDecoder, source: Source):
        layers = len(module.model.decoder.layers)
        super().__init__(
            module, dataclasses.replace(module.config, num_hidden_layers=layers, max_position_embeddings=ENDLESS)
        )
        self.source = source

    def hidden(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None, cache: Any = None
    ) -> Float[Tensor, "batch seq hidden"]:
        """What the head reads. A source of one row serves all rows: the beams of one answer."""
        rows, source = len(input_ids), self.source
        if rows > 1 and len(source.memories[0].key) == 1:
            wide = [type(memory)(*(part.expand(rows, -1, -1, -1) for part in memory)) for memory in source.memories]
            source = source._replace(memories=tuple(wide))
        return self.module.hidden(input_ids, source, mask, positions, cache)
