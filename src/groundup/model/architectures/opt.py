"""OPT: GPT-3's shape in the open: GPT-2's blocks with ReLU, and positions that begin at row 2 of their table.

Zhang et al. 2022, arXiv:2205.01068, section 2.1. Left out: the 350M model, which alone has post-norm blocks and embeddings
narrower than the stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import UnsupportedModel
from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class OPTConfig(DecoderConfig):
    """The configuration of `OPTForCausalLM`."""

    model_type: ClassVar[str] = "opt"
    architecture: ClassVar[str] = "OPTForCausalLM"
    heads: ClassVar[tuple[str, ...]] = ("text",)
    keys: ClassVar[Mapping[str, str]] = {"intermediate_size": "ffn_dim", "initializer_range": "init_std"}
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim"})
    constants: ClassVar[dict[str, Any]] = {
        "do_layer_norm_before": True,
        "_remove_final_layer_norm": False,
        "enable_bias": True,
        "layer_norm_elementwise_affine": True,
    }
    without_effect: ClassVar[frozenset[str]] = frozenset({"dropout", "activation_dropout", "layerdrop", "prefix"})
    names: ClassVar[Names] = Names(
        outside={
            "model.decoder.embed_tokens": "model.embed_tokens",
            "model.decoder.embed_positions": "model.embed_positions",
            "model.decoder.final_layer_norm": "model.norm",
        },
        block="model.decoder.layers.*.",
        inside={
            "self_attn_layer_norm": "input_layernorm",
            "self_attn.q_proj": "self_attn.q_proj",
            "self_attn.k_proj": "self_attn.k_proj",
            "self_attn.v_proj": "self_attn.v_proj",
            "self_attn.out_proj": "self_attn.o_proj",
            "final_layer_norm": "post_attention_layernorm",
            "fc1": "mlp.up_proj",
            "fc2": "mlp.down_proj",
        },
    )

    activation_function: str = "relu"
    word_embed_proj_dim: int = 0
    tie_word_embeddings: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "word_embed_proj_dim", self.word_embed_proj_dim or self.hidden_size)
        DecoderConfig.__post_init__(self)
        if self.word_embed_proj_dim != self.hidden_size:
            raise UnsupportedModel(
                f"word_embed_proj_dim={self.word_embed_proj_dim} would change the output and is not implemented; "
                f"it can be {self.hidden_size}, as hidden_size"
            )

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with biases and ReLU."""
        norm = Norm(kind="layer", eps=1e-5, bias=True)
        block = Block(
            norm=norm,
            attention=self.attention(bias="qkvo"),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size, activation=self.activation_function, gated=False, bias=True
            ),
        )
        places = self.max_position_embeddings
        return self.decoder([block] * self.num_hidden_layers, norm, learned_positions=places, first_position=2)
