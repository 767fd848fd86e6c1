"""Qwen 2 and 2.5: LLaMA's shape with a bias on query, key and value, and windows in the upper layers if asked for.

Qwen team 2024, arXiv:2407.10671. The bias on the key side lets attention prefer places whatever the token (Su 2023 found
that it helps texts longer than those trained on). Published models leave the windows off.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward
from groundup.model.architectures.decoder import FULL, SLIDING, RMSConfig, windows


@dataclass(frozen=True, kw_only=True, slots=True)
class QwenConfig(RMSConfig):
    """What Qwen 2 and 3 share: windows of sliding_window tokens from layer max_window_layers on, or as layer_types says."""

    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}

    use_sliding_window: bool = False
    sliding_window: int | None = None
    max_window_layers: int = 28
    layer_types: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.use_sliding_window:
            object.__setattr__(self, "sliding_window", None)  # files carry a number even where it is switched off
        RMSConfig.__post_init__(self)

    def windows(self) -> list[int | None]:
        """For each layer how many tokens a query sees; None: all before it."""
        layers = range(self.num_hidden_layers)
        types = self.layer_types or tuple(SLIDING if i >= self.max_window_layers else FULL for i in layers)
        return windows(types, self.sliding_window, self.num_hidden_layers)

    def of_attention(self, **parts: Any) -> Blueprint:
        """Pre-norm blocks of SwiGLU and an attention with these parts."""
        feed_forward = FeedForward(intermediate=self.intermediate_size)
        attentions = [self.attention(rotary=self.rotary(), window=window, **parts) for window in self.windows()]
        blocks = [Block(norm=self.norm(), attention=part, feed_forward=feed_forward) for part in attentions]
        return self.decoder(blocks, self.norm())


@dataclass(frozen=True, kw_only=True, slots=True)
class Qwen2Config(QwenConfig):
    """The configuration of `Qwen2ForCausalLM`."""

    model_type: ClassVar[str] = "qwen2"
    architecture: ClassVar[str] = "Qwen2ForCausalLM"
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    defaults: ClassVar[dict[str, Any]] = {
        "num_key_value_heads": 32,
        "max_position_embeddings": 32_768,
        "sliding_window": 4096,
    }

    def blueprint(self) -> Blueprint:
        """LLaMA's blocks, with three biases."""
        return self.of_attention(bias="qkv")
