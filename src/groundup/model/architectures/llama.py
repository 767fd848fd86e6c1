"""LLaMA: RMSNorm before each part, rotary positions, grouped-query attention, SwiGLU, no biases.

Touvron et al. 2023, arXiv:2302.13971 and 2307.09288 (grouped-query); Llama 3 turns its heads more slowly for longer texts
(`rope_scaling` of type llama3). The shape that most open models share.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import RMSConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaConfig(RMSConfig):
    """The configuration of `LlamaForCausalLM`."""

    model_type: ClassVar[str] = "llama"
    architecture: ClassVar[str] = "LlamaForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    without_effect: ClassVar[frozenset[str]] = frozenset({"pretraining_tp"})  # how the matrices were once sliced

    attention_bias: bool = False
    mlp_bias: bool = False

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks of rotary grouped-query attention and SwiGLU."""
        block = Block(
            norm=self.norm(),
            attention=self.attention(rotary=self.rotary(), bias="qkvo" if self.attention_bias else ""),
            feed_forward=FeedForward(intermediate=self.intermediate_size, bias=self.mlp_bias),
        )
        return self.decoder([block] * self.num_hidden_layers, self.norm())
