"""BLOOM: GPT-3's shape with ALiBi in place of positions, and a norm behind the embedding.

Le Scao et al. 2022, arXiv:2211.05100, section 3.2. LayerNorm before each part, biases everywhere, the tanh form of GELU, a tied head.
Its files hold query, key and value as one matrix, head by head. ALiBi takes any length, so no key says one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Alibi, Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class BloomConfig(DecoderConfig):
    """The configuration of `BloomForCausalLM`. intermediate_size is four times hidden_size; max_position_embeddings bounds a text here."""

    model_type: ClassVar[str] = "bloom"
    architecture: ClassVar[str] = "BloomForCausalLM"
    widens: ClassVar[int] = 4
    keys: ClassVar[Mapping[str, str]] = {
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "seq_length",
    }
    older_keys: ClassVar[Mapping[str, str]] = {
        "n_embed": "hidden_size",
        "num_hidden_layers": "num_hidden_layers",
        "num_attention_heads": "num_attention_heads",
    }
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim", "intermediate_size"})
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "apply_residual_connection_post_layernorm": (False,),
        "n_inner": (None,),
    }
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "pretraining_tp slow_but_exact skip_bias_add skip_bias_add_qkv offset_alibi masked_softmax_fusion "
        "attention_softmax_in_fp32 bias_dropout_fusion unk_token_id".split()
    )
    names: ClassVar[Names] = Names(
        prefix="transformer.",
        outside={
            "transformer.word_embeddings": "model.embed_tokens",
            "transformer.word_embeddings_layernorm": "model.embed_norm",
            "transformer.ln_f": "model.norm",
        },
        block="transformer.h.*.",
        inside={
            "input_layernorm": "input_layernorm",
            "self_attention.query_key_value": QKV,
            "self_attention.dense": "self_attn.o_proj",
            "post_attention_layernorm": "post_attention_layernorm",
            "mlp.dense_h_to_4h": "mlp.up_proj",
            "mlp.dense_4h_to_h": "mlp.down_proj",
        },
        grouped=frozenset({"self_attention.query_key_value"}),
    )

    intermediate_size: int = 0
    layer_norm_epsilon: float = 1e-5
    tie_word_embeddings: bool = True

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with biases, and a bias that falls with the distance."""
        norm = Norm(kind="layer", eps=self.layer_norm_epsilon, bias=True)
        feed_forward = FeedForward(intermediate=self.intermediate_size, activation="gelu_new", gated=False, bias=True)
        block = Block(norm=norm, attention=self.attention(bias="qkvo"), feed_forward=feed_forward)
        return self.decoder([block] * self.num_hidden_layers, norm, alibi=Alibi(), embedding_norm=norm)
