"""Gemma 3 (text): Gemma 2 with QK-norm in place of the soft caps; five layers with a window to each one without.

Gemma team 2025, arXiv:2503.19786, section 2. The layers with a window turn their heads as fast as always (theta 10,000), the
others a hundred times slower (1,000,000, and `rope_scaling` on top), so that only these need to know far places apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import UnsupportedModel
from groundup.model.architectures import rope
from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm, Rotary
from groundup.model.architectures.decoder import FULL, SLIDING, RMSConfig, windows


@dataclass(frozen=True, kw_only=True, slots=True)
class Gemma3Config(RMSConfig):
    """The configuration of `Gemma3ForCausalLM`. rope_theta: of the layers without a window; rope_local_base_freq: with one."""

    model_type: ClassVar[str] = "gemma3_text"
    architecture: ClassVar[str] = "Gemma3ForCausalLM"
    stem: ClassVar[str] = "Gemma3Text"
    heads: ClassVar[tuple[str, ...]] = ("text",)
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 4, "head_dim": 256}
    older_keys: ClassVar[Mapping[str, str]] = {"_sliding_window_pattern": "sliding_window_pattern"}
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "use_bidirectional_attention": (None, False),
        "hidden_act": ("gelu_pytorch_tanh",),
    }
    without_effect: ClassVar[frozenset[str]] = frozenset({"cache_implementation"})

    max_position_embeddings: int = 131_072
    tie_word_embeddings: bool = True
    attention_bias: bool = False
    hidden_activation: str = "gelu_pytorch_tanh"
    query_pre_attn_scalar: float = 256
    sliding_window: int | None = 4096
    sliding_window_pattern: int = 6
    layer_types: tuple[str, ...] | None = None
    attn_logit_softcapping: float | None = None
    final_logit_softcapping: float | None = None
    rope_theta: float = 1_000_000.0
    rope_local_base_freq: float = 10_000.0

    def types(self) -> tuple[str, ...]:
        """For each layer whether it has a window: all but every sliding_window_pattern-th, unless layer_types says otherwise."""
        every = self.sliding_window_pattern
        return self.layer_types or tuple(
            FULL if (i + 1) % every == 0 else SLIDING for i in range(self.num_hidden_layers)
        )

    def blueprint(self) -> Blueprint:
        """Sandwich blocks with GeGLU, QK-norm and two kinds of layer."""
        norm = Norm(eps=self.rms_norm_eps, offset=1.0)
        turns = {FULL: self.rotary(), SLIDING: Rotary(theta=self.rope_local_base_freq)}
        blocks = [
            Block(
                order="sandwich",
                norm=norm,
                attention=self.attention(
                    rotary=turns[kind],
                    bias="qkvo" if self.attention_bias else "",
                    qk_norm=norm,
                    window=window,
                    scale=self.query_pre_attn_scalar**-0.5,
                    soft_cap=self.attn_logit_softcapping,
                ),
                feed_forward=FeedForward(intermediate=self.intermediate_size, activation=self.hidden_activation),
            )
            for kind, window in zip(self.types(), self.windows(), strict=True)
        ]
        scale, cap = self.hidden_size**0.5, self.final_logit_softcapping
        return self.decoder(blocks, norm, embedding_scale=scale, logit_soft_cap=cap)

    def windows(self) -> list[int | None]:
        """For each layer how many tokens a query sees; None: all before it."""
        return windows(self.types(), self.sliding_window, self.num_hidden_layers)

    @classmethod
    def read_rope(cls, raw: Mapping[str, Any], origin: str) -> tuple[dict[str, Any], set[str]]:
        """The newer place holds one object for each kind of layer."""
        parameters = raw.get("rope_parameters") or {}
        if not (isinstance(parameters, dict) and parameters.keys() & {FULL, SLIDING}):
            return rope.read(raw, origin, partial=False), set(rope.KEYS)
        far, near = (rope.read({"rope_parameters": parameters.get(kind)}, origin, False) for kind in (FULL, SLIDING))
        if near.pop("rope_scaling", None):
            raise UnsupportedModel(f"{origin}: a rope_scaling of layers with a window is not implemented")
        local = {"rope_local_base_freq": near["rope_theta"]} if "rope_theta" in near else {}
        return far | local, set(rope.KEYS)

    def to_dict(self) -> dict[str, Any]:
        """Write the configuration as config.json; the pattern as the list of layer types, which every tool reads."""
        written = RMSConfig.to_dict(self) | {"layer_types": list(self.types())}
        far, near = written["rope_parameters"], rope.write(Rotary(theta=self.rope_local_base_freq))["rope_parameters"]
        return written | {"rope_parameters": {FULL: far, SLIDING: near}}
