"""Gated attention: what a head has found goes on only as far as the token that asked wants it. A template: make it yours.

    attention(x) = o_proj(sigmoid(gate_proj(x)) * heads(x))

Softmax weights sum to one, so a head that finds nothing must still look somewhere; the gate lets it say nothing (Qiu et al.
2025, arXiv:2505.06708, where the gate stands behind the heads). Everything else is LLaMA's.

How to make it yours: change `GatedAttention.forward`, or exchange the feed-forward or the norms in `blueprint`; give `model_type`
a name of its own. Then `groundup inspect FOLDER --check`. The guide: `groundup.model.architectures.your_own`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from groundup.model.architectures.blueprint import Attention, Block, Blueprint, Counted, FeedForward
from groundup.model.architectures.decoder import RMSConfig
from groundup.model.architectures.your_own import Architecture
from groundup.model.attention.multi_head import turn
from groundup.model.attention.scaled_dot_product import attend
from groundup.model.layers.linear import Linear
from groundup.model.positions.rotary import Angles


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated(Attention):
    """The part as a description: what it is made with, and how many parameters it has."""

    def counted(self, hidden: int) -> Counted:
        """Those of plain attention, and the gate."""
        plain = Attention.counted(self, hidden)
        return plain._replace(weights=plain.weights + hidden * self.heads * self.head_dim)


class GatedAttention(nn.Module):
    """The part as a module: hold the weights, project, attend, project back."""

    def __init__(self, described: Gated, hidden: int):
        super().__init__()
        query, shared = described.heads * described.head_dim, described.kv_heads * described.head_dim
        self.head_dim = described.head_dim
        self.q_proj = Linear(hidden, query)
        self.k_proj = Linear(hidden, shared)
        self.v_proj = Linear(hidden, shared)
        self.gate_proj = Linear(hidden, query)
        self.o_proj = Linear(query, hidden)

    def forward(
        self, x: Tensor, angles: Angles, mask: Tensor | None = None, cache: Any = None, layer: int = 0
    ) -> Tensor:
        """Attend from x to x and to what the cache holds, then let the gate open or close each coordinate."""
        query, key, value = self._heads(self.q_proj(x)), self._heads(self.k_proj(x)), self._heads(self.v_proj(x))
        query, key = turn(query, angles), turn(key, angles)  # positions: (batch, seq, heads, head_dim)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if cache is not None:
            key, value = cache.update(layer, key, value)
        mixed = attend(query, key, value, mask, causal=True)
        mixed = mixed.transpose(1, 2).flatten(2)
        return self.o_proj(torch.sigmoid(self.gate_proj(x)) * mixed)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim))


@dataclass(frozen=True, kw_only=True, slots=True)
class MyConfig(RMSConfig):
    """The sizes, as config.json holds them; a field more is a key more in [model] of a recipe."""

    model_type: ClassVar[str] = "my_architecture"
    architecture: ClassVar[str] = "MyArchitectureForCausalLM"

    def blueprint(self) -> Blueprint:
        """Which parts the decoder is composed of."""
        block = Block(
            norm=self.norm(),
            attention=Gated(
                heads=self.num_attention_heads,
                kv_heads=self.num_key_value_heads,
                head_dim=self.head_dim,
                rotary=self.rotary(),
            ),
            feed_forward=FeedForward(intermediate=self.intermediate_size),
        )
        return self.decoder([block] * self.num_hidden_layers, self.norm())


ARCHITECTURE = Architecture(
    config=MyConfig,
    parts={Gated: GatedAttention},
    example=MyConfig(  # small: the conformance test makes some forty models of it
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    ),
)
