"""GPT-NeoX (and Pythia): attention and feed-forward side by side, each behind its LayerNorm, a quarter of each head turned.

Black et al. 2022, arXiv:2204.06745, section 2; Biderman et al. 2023 (Pythia), arXiv:2304.01373. Its files hold query, key and
value as one matrix, head by head.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RotaryConfig
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class GPTNeoXConfig(RotaryConfig):
    """The configuration of `GPTNeoXForCausalLM`."""

    model_type: ClassVar[str] = "gpt_neox"
    architecture: ClassVar[str] = "GPTNeoXForCausalLM"
    tag_head: ClassVar[str] = "classifier"
    older_keys: ClassVar[Mapping[str, str]] = {
        "rotary_pct": "partial_rotary_factor",
        "rotary_emb_base": "rope_theta",
    }
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim"})
    names: ClassVar[Names] = Names(
        prefix="gpt_neox.",
        outside={
            "gpt_neox.embed_in": "model.embed_tokens",
            "gpt_neox.final_layer_norm": "model.norm",
            "embed_out": "lm_head",
        },
        block="gpt_neox.layers.*.",
        inside={
            "input_layernorm": "input_layernorm",
            "attention.query_key_value": QKV,
            "attention.dense": "self_attn.o_proj",
            "post_attention_layernorm": "post_attention_layernorm",
            "mlp.dense_h_to_4h": "mlp.up_proj",
            "mlp.dense_4h_to_h": "mlp.down_proj",
        },
        grouped=frozenset({"attention.query_key_value"}),
        dropped=frozenset({"attention.bias", "attention.masked_bias", "attention.rotary_emb.inv_freq"}),
    )

    layer_norm_eps: float = 1e-5
    hidden_act: str = "gelu"
    partial_rotary_factor: float = 0.25
    use_parallel_residual: bool = True
    attention_bias: bool = True

    def blueprint(self) -> Blueprint:
        """Parallel blocks with two norms each, or pre-norm blocks."""
        norm = Norm(kind="layer", eps=self.layer_norm_eps, bias=True)
        block = Block(
            order="parallel_two_norms" if self.use_parallel_residual else "pre_norm",
            norm=norm,
            attention=self.attention(rotary=self.rotary(), bias="qkvo" if self.attention_bias else ""),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size, activation=self.hidden_act, gated=False, bias=True
            ),
        )
        return self.decoder([block] * self.num_hidden_layers, norm)
