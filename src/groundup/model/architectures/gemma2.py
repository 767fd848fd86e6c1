"""Gemma 2: Gemma with a norm before and after each part, every other layer with a window, scores and logits softly capped.

Gemma team 2024, arXiv:2408.00118, section 2. The scale of the scores is a number of its own, 1 / sqrt(query_pre_attn_scalar).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import FULL, SLIDING, RMSConfig, windows


@dataclass(frozen=True, kw_only=True, slots=True)
class Gemma2Config(RMSConfig):
    """The configuration of `Gemma2ForCausalLM`."""

    model_type: ClassVar[str] = "gemma2"
    architecture: ClassVar[str] = "Gemma2ForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 4, "head_dim": 256}
    older_keys: ClassVar[Mapping[str, str]] = {"sliding_window_size": "sliding_window"}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "use_bidirectional_attention": (None, False),
        "hidden_act": ("gelu_pytorch_tanh",),
    }
    without_effect: ClassVar[frozenset[str]] = frozenset({"cache_implementation"})

    max_position_embeddings: int = 8192
    tie_word_embeddings: bool = True
    attention_bias: bool = False
    hidden_activation: str = "gelu_pytorch_tanh"
    query_pre_attn_scalar: float = 256
    sliding_window: int | None = 4096
    layer_types: tuple[str, ...] | None = None
    attn_logit_softcapping: float | None = 50.0
    final_logit_softcapping: float | None = 30.0

    def windows(self) -> list[int | None]:
        """For each layer how many tokens a query sees: a window in the first, third, ... unless layer_types says otherwise."""
        alternating = tuple(FULL if layer % 2 else SLIDING for layer in range(self.num_hidden_layers))
        return windows(self.layer_types or alternating, self.sliding_window, self.num_hidden_layers)

    def blueprint(self) -> Blueprint:
        """Sandwich blocks with GeGLU, windows and soft caps."""
        norm = Norm(eps=self.rms_norm_eps, offset=1.0)
        blocks = [
            Block(
                order="sandwich",
                norm=norm,
                attention=self.attention(
                    rotary=self.rotary(),
                    bias="qkvo" if self.attention_bias else "",
                    window=window,
                    scale=self.query_pre_attn_scalar**-0.5,
                    soft_cap=self.attn_logit_softcapping,
                ),
                feed_forward=FeedForward(intermediate=self.intermediate_size, activation=self.hidden_activation),
            )
            for window in self.windows()
        ]
        scale, cap = self.hidden_size**0.5, self.final_logit_softcapping
        return self.decoder(blocks, norm, embedding_scale=scale, logit_soft_cap=cap)
