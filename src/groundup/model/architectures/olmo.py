"""OLMo: LLaMA's shape with a LayerNorm that learns nothing: no gain, no bias.

Groeneveld et al. 2024, arXiv:2402.00838, section 2.1: the safest and fastest of the norms that were tried. Left out: the
clipping of query, key and value to a range (clip_qkv, the 7B model).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RotaryConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class OlmoConfig(RotaryConfig):
    """The configuration of `OlmoForCausalLM`."""

    model_type: ClassVar[str] = "olmo"
    architecture: ClassVar[str] = "OlmoForCausalLM"
    heads: ClassVar[tuple[str, ...]] = ("text",)
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {"clip_qkv": (None,)}
    without_effect: ClassVar[frozenset[str]] = frozenset({"pretraining_tp"})

    attention_bias: bool = False

    def blueprint(self) -> Blueprint:
        """LLaMA's blocks behind weightless norms."""
        norm = Norm(kind="layer", eps=1e-5, gain=False)
        block = Block(
            norm=norm,
            attention=self.attention(rotary=self.rotary(), bias="qkvo" if self.attention_bias else ""),
            feed_forward=FeedForward(intermediate=self.intermediate_size),
        )
        return self.decoder([block] * self.num_hidden_layers, norm)
