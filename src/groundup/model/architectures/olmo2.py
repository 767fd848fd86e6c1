"""OLMo 2: LLaMA's parts, but the norms stand after them: each part reads the raw stream, and what it says is normalised.

OLMo team 2024, arXiv:2501.00656, section 2. QK-norm goes over all heads of a token together. Both were chosen because the
loss of OLMo had spikes.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import RMSConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Olmo2Config(RMSConfig):
    """The configuration of `Olmo2ForCausalLM`."""

    model_type: ClassVar[str] = "olmo2"
    architecture: ClassVar[str] = "Olmo2ForCausalLM"
    heads: ClassVar[tuple[str, ...]] = ("text",)
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    without_effect: ClassVar[frozenset[str]] = frozenset({"pretraining_tp"})

    rms_norm_eps: float = 1e-5
    attention_bias: bool = False

    def blueprint(self) -> Blueprint:
        """Blocks that normalise their outputs."""
        block = Block(
            order="output_norm",
            norm=self.norm(),
            attention=self.attention(
                rotary=self.rotary(),
                bias="qkvo" if self.attention_bias else "",
                qk_norm=self.norm(),
                qk_norm_over="width",
            ),
            feed_forward=FeedForward(intermediate=self.intermediate_size),
        )
        return self.decoder([block] * self.num_hidden_layers, self.norm())
