"""The parts on one shelf, and the one way to put them together: a family's blueprint in, its module out.

    embedding (+ learned positions), then blocks of attention and feed-forward with their norms; then norm and head

What stands in the blueprint by name is looked up here and nowhere else. A new kind of feed-forward: one line in BUILDERS.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from groundup.model.architectures import blueprint as plan
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.embedding import Embedding, Head
from groundup.model.layers.feed_forward import GatedFeedForward, PlainFeedForward, SquaredReluFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import LayerNorm, RMSNorm
from groundup.model.layers.residual import BLOCKS
from groundup.model.positions.absolute import LearnedPositions
from groundup.model.positions.rotary import Rotary
from groundup.model.transformer import Decoder


def compose(config: DecoderConfig) -> Decoder:
    """Build the decoder that a configuration's blueprint describes; its parameters are not yet filled."""
    shape = config.blueprint()
    kinds: dict[
        str, Rotary | None
    ] = {}  # blocks that turn alike share one Rotary, so that angles are computed once a pass
    rotaries = [kinds.setdefault(repr(b.attention.rotary), rotary(b.attention, config)) for b in shape.blocks]
    embed_positions = None
    if shape.learned_positions:
        embed_positions = LearnedPositions(shape.learned_positions, shape.hidden, offset=shape.first_position)
    return Decoder(
        config,
        Embedding(shape.vocab, shape.hidden, shape.embedding_scale),
        [block(described, shape.hidden) for described in shape.blocks],
        None if shape.norm is None else norm(shape.norm, shape.hidden),
        head(shape),
        rotaries,
        embed_positions=embed_positions,
        windows=[described.attention.window for described in shape.blocks],
    )


def block(described: plan.Block, hidden: int) -> nn.Module:
    """A block with its parts and norms, in its order."""
    norms = [norm(described.norm, hidden) for _ in range(plan.ORDERS[described.order])]
    feed_forward = BUILDERS[type(described.feed_forward)](described.feed_forward, hidden)
    parts = attention(described.attention, hidden), feed_forward
    return BLOCKS[described.order](*parts, *norms, residual_scale=described.residual_scale)


def attention(described: plan.Attention, hidden: int) -> MultiHeadAttention:
    """Multi-head, grouped-query or multi-query attention, by the number of key/value heads."""
    return MultiHeadAttention(
        hidden,
        described.heads,
        described.kv_heads,
        described.head_dim,
        bias=described.bias,
        qk_norm=None if described.qk_norm is None else partial(norm, described.qk_norm),
        qk_norm_over=described.qk_norm_over,
        scale=described.scale,
        cap=described.soft_cap,
    )


def feed_forward(described: plan.FeedForward, hidden: int) -> nn.Module:
    """Two matrices or three."""
    if described.gated:
        return GatedFeedForward(hidden, described.intermediate, described.bias, described.activation)
    if described.activation == "relu2":
        return SquaredReluFeedForward(hidden, described.intermediate, described.bias)
    return PlainFeedForward(hidden, described.intermediate, described.bias, described.activation)


BUILDERS: dict[type, Callable[[Any, int], nn.Module]] = {plan.FeedForward: feed_forward}


def norm(described: plan.Norm, width: int) -> nn.Module:
    """RMSNorm or LayerNorm, with what it learns."""
    if described.kind == "rms":
        return RMSNorm(width, described.eps, described.offset)
    return LayerNorm(width, described.eps, gain=described.gain, bias=described.bias, offset=described.offset)


def rotary(described: plan.Attention, config: DecoderConfig) -> Rotary | None:
    """How the heads turn, or None where they do not."""
    if (turning := described.rotary) is None:
        return None
    return Rotary(
        int(described.head_dim * turning.share), turning.theta, turning.scaling, config.max_position_embeddings
    )


def head(shape: plan.Blueprint) -> Linear:
    """The output head: one matrix, or one with a scale and a soft cap behind it."""
    if shape.logit_scale == 1.0 and shape.logit_soft_cap is None:
        return Linear(shape.hidden, shape.vocab, shape.head_bias)
    return Head(shape.hidden, shape.vocab, shape.head_bias, shape.logit_scale, shape.logit_soft_cap)
