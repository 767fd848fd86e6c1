"""Phi 1, 1.5 and 2: attention and feed-forward side by side behind one LayerNorm, half of each head turned, biases everywhere.

Gunasekar et al. 2023, arXiv:2306.11644, section 2.3. The block is GPT-J's and PaLM's; even the head has a bias.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RotaryConfig
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class PhiConfig(RotaryConfig):
    """The configuration of `PhiForCausalLM`."""

    model_type: ClassVar[str] = "phi"
    architecture: ClassVar[str] = "PhiForCausalLM"
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    constants: ClassVar[dict[str, Any]] = {"qk_layernorm": False}
    names: ClassVar[Names] = Names(
        outside={"model.final_layernorm": "model.norm"},
        inside={"self_attn.dense": "self_attn.o_proj", "mlp.fc1": "mlp.up_proj", "mlp.fc2": "mlp.down_proj"},
    )

    layer_norm_eps: float = 1e-5
    hidden_act: str = "gelu_new"
    partial_rotary_factor: float = 0.5

    def blueprint(self) -> Blueprint:
        """Parallel blocks with one norm each."""
        norm = Norm(kind="layer", eps=self.layer_norm_eps, bias=True)
        block = Block(
            order="parallel",
            norm=norm,
            attention=self.attention(rotary=self.rotary(), bias="qkvo"),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size, activation=self.hidden_act, gated=False, bias=True
            ),
        )
        return self.decoder([block] * self.num_hidden_layers, norm, head_bias=True)
