"""StarCoder 2: GPT-2's LayerNorm, GELU and biases with LLaMA's rotary grouped-query attention, and a window.

Lozhkov et al. 2024, arXiv:2402.19173, section 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import SLIDING, RotaryConfig, windows
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class Starcoder2Config(RotaryConfig):
    """The configuration of `Starcoder2ForCausalLM`."""

    model_type: ClassVar[str] = "starcoder2"
    architecture: ClassVar[str] = "Starcoder2ForCausalLM"
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 2, "initializer_range": 0.018042}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {"mlp_type": ("default",), "norm_type": ("layer_norm",)}
    without_effect: ClassVar[frozenset[str]] = frozenset({"activation_function"})
    names: ClassVar[Names] = Names(inside={"mlp.c_fc": "mlp.up_proj", "mlp.c_proj": "mlp.down_proj"})

    max_position_embeddings: int = 4096
    norm_epsilon: float = 1e-5
    hidden_act: str = "gelu_pytorch_tanh"
    use_bias: bool = True
    sliding_window: int | None = None
    tie_word_embeddings: bool = True

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with biases, each with the window."""
        norm = Norm(kind="layer", eps=self.norm_epsilon, bias=True)
        feed_forward = FeedForward(
            intermediate=self.intermediate_size, activation=self.hidden_act, gated=False, bias=self.use_bias
        )
        bias = "qkvo" if self.use_bias else ""
        blocks = [
            Block(
                norm=norm,
                attention=self.attention(rotary=self.rotary(), bias=bias, window=window),
                feed_forward=feed_forward,
            )
            for window in windows(None, self.sliding_window, self.num_hidden_layers, otherwise=SLIDING)
        ]
        return self.decoder(blocks, norm)
