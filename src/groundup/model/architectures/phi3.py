"""Phi-3: LLaMA's shape with a window; its files hold query, key and value, and gate and up, as one matrix each.

Abdin et al. 2024, arXiv:2404.14219, section 2. The long-context models stretch their angles by LongRoPE (`rope_scaling` of
type longrope), measured from original_max_position_embeddings.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Rotary
from groundup.model.architectures.decoder import SLIDING, RMSConfig, windows
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Phi3Config(RMSConfig):
    """The configuration of `Phi3ForCausalLM`."""

    model_type: ClassVar[str] = "phi3"
    architecture: ClassVar[str] = "Phi3ForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    harmless: ClassVar[dict[str, tuple[Any, ...]]] = {"attention_bias": (False,)}
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    names: ClassVar[Names] = Names(
        inside={"self_attn.qkv_proj": QKV, "mlp.gate_up_proj": "mlp.gate_proj mlp.up_proj"},
    )

    max_position_embeddings: int = 4096
    original_max_position_embeddings: int = 4096
    rms_norm_eps: float = 1e-5
    partial_rotary_factor: float = 1.0
    sliding_window: int | None = None

    def rotary(self) -> Rotary:
        """How the heads turn; the trained length stands beside the scaling in this family."""
        trained = {"original_max_position_embeddings": self.original_max_position_embeddings}
        scaling = None if self.rope_scaling is None else trained | self.rope_scaling
        return Rotary(theta=self.rope_theta, share=self.partial_rotary_factor, scaling=scaling)

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
