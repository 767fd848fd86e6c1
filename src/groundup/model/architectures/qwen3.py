"""Qwen 3: LLaMA's shape, and each query and key head is normalised before it is rotated.

Qwen team 2025, arXiv:2505.09388, section 2. QK-norm bounds the scores, so higher learning rates stay stable; the
demo's own model is of this family, and every tool that reads Qwen 3 reads it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Blueprint
from groundup.model.architectures.qwen2 import QwenConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Qwen3Config(QwenConfig):
    """The configuration of `Qwen3ForCausalLM`."""

    model_type: ClassVar[str] = "qwen3"
    architecture: ClassVar[str] = "Qwen3ForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {
        "num_key_value_heads": 32,
        "head_dim": 128,
        "max_position_embeddings": 32_768,
        "sliding_window": 4096,
    }

    attention_bias: bool = False

    def blueprint(self) -> Blueprint:
        """LLaMA's blocks with QK-norm."""
        return self.of_attention(qk_norm=self.norm(), bias="qkvo" if self.attention_bias else "")
