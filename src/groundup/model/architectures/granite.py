"""Granite: LLaMA with four multipliers: of the embeddings, of the scores, of what each part adds, and of the logits.

IBM 2024, Granite 3.0; the multipliers are those of maximal-update parametrisation (Yang et al. 2022, arXiv:2203.03466), with
which learning rates found on a small model hold for a large one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import RMSConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GraniteConfig(RMSConfig):
    """The configuration of `GraniteForCausalLM`."""

    model_type: ClassVar[str] = "granite"
    architecture: ClassVar[str] = "GraniteForCausalLM"
    heads: ClassVar[tuple[str, ...]] = ()
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})

    attention_bias: bool = False
    mlp_bias: bool = False
    embedding_multiplier: float = 1.0
    attention_multiplier: float = 1.0  # instead of 1 / sqrt(head_dim)
    residual_multiplier: float = 1.0
    logits_scaling: float = 1.0  # the logits are divided by it

    def blueprint(self) -> Blueprint:
        """LLaMA's blocks, turned down."""
        block = Block(
            norm=self.norm(),
            attention=self.attention(
                rotary=self.rotary(), bias="qkvo" if self.attention_bias else "", scale=self.attention_multiplier
            ),
            feed_forward=FeedForward(intermediate=self.intermediate_size, bias=self.mlp_bias),
            residual_scale=self.residual_multiplier,
        )
        return self.decoder(
            [block] * self.num_hidden_layers,
            self.norm(),
            embedding_scale=self.embedding_multiplier,
            logit_scale=1.0 / self.logits_scaling,
        )
