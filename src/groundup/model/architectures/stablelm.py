"""StableLM: LLaMA's shape with LayerNorm and a quarter of each head turned; optionally side by side behind one norm.

Bellagamba et al. 2024 (StableLM 2), arXiv:2402.17834, section 2.2.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RotaryConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class StableLmConfig(RotaryConfig):
    """The configuration of `StableLmForCausalLM`."""

    model_type: ClassVar[str] = "stablelm"
    architecture: ClassVar[str] = "StableLmForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu", "qk_layernorm": False}
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 32}

    max_position_embeddings: int = 4096
    layer_norm_eps: float = 1e-5
    partial_rotary_factor: float = 0.25
    use_qkv_bias: bool = False
    use_parallel_residual: bool = False

    def blueprint(self) -> Blueprint:
        """Pre-norm or parallel blocks with SwiGLU."""
        norm = Norm(kind="layer", eps=self.layer_norm_eps, bias=True)
        block = Block(
            order="parallel" if self.use_parallel_residual else "pre_norm",
            norm=norm,
            attention=self.attention(rotary=self.rotary(), bias="qkv" if self.use_qkv_bias else ""),
            feed_forward=FeedForward(intermediate=self.intermediate_size),
        )
        return self.decoder([block] * self.num_hidden_layers, norm)
