"""groundup: combinations that no published family says; loadable here only, and the model card says so.

Here a squared ReLU instead of the gate, with QK-norm as a choice. What LLaMA or Qwen 3 can express is written under
their name, so that every tool reads it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from groundup.model.architectures.decoder import DecoderConfig

if TYPE_CHECKING:
    from groundup.model.transformer import Decoder


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundupConfig(DecoderConfig):
    """A decoder with squared-ReLU feed-forward: two matrices instead of three, for equal weights wider by half."""

    model_type: ClassVar[str] = "groundup"
    architecture: ClassVar[str] = "GroundupForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "relu2"}

    qk_norm: bool = True

    @property
    def gated(self) -> bool:
        """Whether the feed-forward has a third matrix, the gate."""
        return False

    @property
    def normalizes_heads(self) -> bool:
        """Whether query and key heads are normalised before they meet (QK-norm)."""
        return self.qk_norm


def build(config: GroundupConfig) -> "Decoder":
    """Squared-ReLU blocks with rotary grouped-query attention."""
    from groundup.model import parts

    return parts.pre_norm_decoder(
        config, lambda: parts.SquaredReluFeedForward(config.hidden_size, config.intermediate_size)
    )
