"""The parts on one shelf, and the way most families put them together; what a family's file imports to build.

embedding, then per block: norm -> attention -> add, norm -> feed-forward -> add; then norm and head
"""

from collections.abc import Callable

from torch import nn

from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.feed_forward import GatedFeedForward, SquaredReluFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import RMSNorm
from groundup.model.layers.residual import Block
from groundup.model.positions.rotary import Rotary
from groundup.model.transformer import Decoder

__all__ = [
    "Block",
    "Decoder",
    "Embedding",
    "GatedFeedForward",
    "Linear",
    "MultiHeadAttention",
    "RMSNorm",
    "Rotary",
    "SquaredReluFeedForward",
    "attention",
    "pre_norm_decoder",
]


def attention(config: DecoderConfig) -> MultiHeadAttention:
    """Grouped-query attention of the configuration's sizes, with or without bias and QK-norm."""
    return MultiHeadAttention(
        config.hidden_size,
        config.num_attention_heads,
        config.num_key_value_heads,
        config.head_dim,
        bias=config.attention_has_bias,
        qk_norm=config.rms_norm_eps if config.normalizes_heads else None,
    )


def pre_norm_decoder(config: DecoderConfig, feed_forward: Callable[[], nn.Module]) -> Decoder:
    """Compose blocks with RMSNorm before each part and rotary positions."""
    hidden, eps = config.hidden_size, config.rms_norm_eps
    blocks = [
        Block(attention(config), feed_forward(), RMSNorm(hidden, eps), RMSNorm(hidden, eps))
        for _ in range(config.num_hidden_layers)
    ]
    return Decoder(
        config,
        Embedding(config.vocab_size, hidden),
        blocks,
        RMSNorm(hidden, eps),
        Linear(hidden, config.vocab_size),
        Rotary(config.head_dim, config.rope_theta),
    )
