"""Gemma: GeGLU, embeddings scaled by sqrt(hidden), heads wider than hidden / heads, gains stored less one.

Gemma team 2024, arXiv:2403.08295, section 2. The head is tied to a vocabulary of 256,000, most of the small model's weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RMSConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GemmaConfig(RMSConfig):
    """The configuration of `GemmaForCausalLM`."""

    model_type: ClassVar[str] = "gemma"
    architecture: ClassVar[str] = "GemmaForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 16, "head_dim": 256}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "use_bidirectional_attention": (None, False),
        "hidden_activation": (None, "gelu_pytorch_tanh"),
    }

    max_position_embeddings: int = 8192
    tie_word_embeddings: bool = True
    attention_bias: bool = False
    hidden_act: str = "gelu_pytorch_tanh"

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with GeGLU."""
        norm = Norm(eps=self.rms_norm_eps, offset=1.0)
        block = Block(
            norm=norm,
            attention=self.attention(rotary=self.rotary(), bias="qkvo" if self.attention_bias else ""),
            feed_forward=FeedForward(intermediate=self.intermediate_size, activation=self.hidden_act),
        )
        scale = self.hidden_size**0.5
        return self.decoder([block] * self.num_hidden_layers, norm, embedding_scale=scale)
