"""Qwen 3: LLaMA's shape, and each query and key head is normalised before it is rotated.

Qwen team 2025, arXiv:2505.09388, section 2. QK-norm bounds the scores, so higher learning rates stay stable; the
demo's own model is of this family, and every tool that reads Qwen 3 reads it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from groundup.model.architectures.decoder import DecoderConfig

if TYPE_CHECKING:
    from groundup.model.transformer import Decoder


@dataclass(frozen=True, kw_only=True, slots=True)
class Qwen3Config(DecoderConfig):
    """The configuration of `Qwen3ForCausalLM`."""

    model_type: ClassVar[str] = "qwen3"
    architecture: ClassVar[str] = "Qwen3ForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu", "use_sliding_window": False, "sliding_window": None}
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 32, "head_dim": 128, "max_position_embeddings": 32_768}
    without_effect: ClassVar[frozenset[str]] = frozenset({"max_window_layers"})  # sliding windows are refused

    attention_bias: bool = False

    @property
    def normalizes_heads(self) -> bool:
        """Whether query and key heads are normalised before they meet (QK-norm)."""
        return True

    @property
    def attention_has_bias(self) -> bool:
        """Whether the four projections of attention add a bias."""
        return self.attention_bias


def build(config: Qwen3Config) -> "Decoder":
    """LLaMA's blocks; `config.normalizes_heads` gives attention its QK-norm."""
    from groundup.model import parts

    return parts.pre_norm_decoder(config, lambda: parts.GatedFeedForward(config.hidden_size, config.intermediate_size))
