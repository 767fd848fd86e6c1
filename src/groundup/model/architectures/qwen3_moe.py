"""Qwen3-MoE: Qwen 3's attention with normalised heads, and experts without a shared one.

Qwen team 2025, arXiv:2505.09388, section 2: 128 experts, of which a token uses 8. Qwen3-30B-A3B holds 30.5 billion parameters
and multiplies a token by 3.3.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Blueprint
from groundup.model.architectures.qwen2_moe import QwenMoeConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Qwen3MoeConfig(QwenMoeConfig):
    """The configuration of `Qwen3MoeForCausalLM`. Where there is a window, all layers have it."""

    model_type: ClassVar[str] = "qwen3_moe"
    architecture: ClassVar[str] = "Qwen3MoeForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {
        "num_key_value_heads": 4,
        "max_position_embeddings": 32_768,
        "sliding_window": 4096,
        "moe_intermediate_size": 768,
        "num_experts": 128,
        "num_experts_per_tok": 8,
    }
    without_effect: ClassVar[frozenset[str]] = frozenset({"output_router_logits", "max_window_layers"})

    attention_bias: bool = False

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks of attention with QK-norm, and experts."""
        return self.of_attention(qk_norm=self.norm(), bias="qkvo" if self.attention_bias else "")
