"""Mistral: LLaMA's shape, and a query sees only the last `sliding_window` tokens, itself included.

Jiang et al. 2023, arXiv:2310.06825, section 2. The cost of a step stops growing at the window; later releases leave it off
(null).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import SLIDING, RMSConfig, windows


@dataclass(frozen=True, kw_only=True, slots=True)
class MistralConfig(RMSConfig):
    """The configuration of `MistralForCausalLM`."""

    model_type: ClassVar[str] = "mistral"
    architecture: ClassVar[str] = "MistralForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    defaults: ClassVar[dict[str, Any]] = {
        "num_key_value_heads": 8,
        "max_position_embeddings": 131_072,
        "sliding_window": 4096,
    }

    sliding_window: int | None = None

    def blueprint(self) -> Blueprint:
        """LLaMA's blocks, each with the window."""
        blocks = [
            Block(
                norm=self.norm(),
                attention=self.attention(rotary=self.rotary(), window=window),
                feed_forward=FeedForward(intermediate=self.intermediate_size),
            )
            for window in windows(None, self.sliding_window, self.num_hidden_layers, otherwise=SLIDING)
        ]
        return self.decoder(blocks, self.norm())
