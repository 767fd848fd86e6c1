"""groundup: combinations that no published family says; loadable here only, and the model card says so.

Here a squared ReLU instead of the gate, with QK-norm as a choice. What LLaMA or Qwen 3 can express is written under
their name, so that every tool reads it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import RMSConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundupConfig(RMSConfig):
    """A decoder with squared-ReLU feed-forward: two matrices instead of three, for equal weights wider by half."""

    model_type: ClassVar[str] = "groundup"
    architecture: ClassVar[str] = "GroundupForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "relu2"}

    qk_norm: bool = True

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks of rotary grouped-query attention and squared ReLU."""
        block = Block(
            norm=self.norm(),
            attention=self.attention(rotary=self.rotary(), qk_norm=self.norm() if self.qk_norm else None),
            feed_forward=FeedForward(intermediate=self.intermediate_size, activation="relu2", gated=False),
        )
        return self.decoder([block] * self.num_hidden_layers, self.norm())
