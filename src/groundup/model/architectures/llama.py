"""LLaMA: RMSNorm before each part, rotary positions, grouped-query attention, SwiGLU, no biases.

Touvron et al. 2023, arXiv:2302.13971 and 2307.09288 (grouped-query). The shape that most open models share.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from groundup.model.architectures.decoder import DecoderConfig

if TYPE_CHECKING:
    from groundup.model.transformer import Decoder


@dataclass(frozen=True, kw_only=True, slots=True)
class LlamaConfig(DecoderConfig):
    """The configuration of `LlamaForCausalLM`."""

    model_type: ClassVar[str] = "llama"
    architecture: ClassVar[str] = "LlamaForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    without_effect: ClassVar[frozenset[str]] = frozenset({"pretraining_tp"})  # how the matrices were once sliced

    attention_bias: bool = False
    mlp_bias: bool = False

    @property
    def attention_has_bias(self) -> bool:
        """Whether the four projections of attention add a bias."""
        return self.attention_bias

    @property
    def feed_forward_has_bias(self) -> bool:
        """Whether the projections of the feed-forward add a bias."""
        return self.mlp_bias


def build(config: LlamaConfig) -> "Decoder":
    """SwiGLU blocks with rotary grouped-query attention."""
    from groundup.model import parts

    return parts.pre_norm_decoder(
        config, lambda: parts.GatedFeedForward(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
    )
