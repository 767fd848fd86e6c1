"""Falcon: attention and feed-forward side by side, one key/value head for all queries (7B) or a few (40B), no biases.

Almazrouei et al. 2023, arXiv:2311.16867, section 3. The 7B form has one LayerNorm a block, the 40B form (here
new_decoder_architecture) two. Its files hold query, key and value as one matrix, each key/value head with its query heads.
The first ones (falcon-rw) have ALiBi instead of rotary positions; their code divides score and bias by sqrt(head_dim) together, and
rounds the bias to bfloat16.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Alibi, Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import RotaryConfig
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class FalconConfig(RotaryConfig):
    """The configuration of `FalconForCausalLM`. intermediate_size 0: four times hidden_size."""

    model_type: ClassVar[str] = "falcon"
    architecture: ClassVar[str] = "FalconForCausalLM"
    widens: ClassVar[int] = 4
    tag_head: ClassVar[str] = "classifier"
    keys: ClassVar[Mapping[str, str]] = {"intermediate_size": "ffn_hidden_size"}
    older_keys: ClassVar[Mapping[str, str]] = {"n_layer": "num_hidden_layers", "n_head": "num_attention_heads"}
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim"})
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {"apply_residual_connection_post_layernorm": (False,)}
    names: ClassVar[Names] = Names(
        prefix="transformer.",
        outside={"transformer.word_embeddings": "model.embed_tokens", "transformer.ln_f": "model.norm"},
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
    num_kv_heads: int | None = None  # of the 40B form alone
    new_decoder_architecture: bool = False
    num_ln_in_parallel_attn: int | None = None
    multi_query: bool = True
    parallel_attn: bool = True
    alibi: bool = False
    bias: bool = False
    layer_norm_epsilon: float = 1e-5
    activation: str = "gelu"
    tie_word_embeddings: bool = True

    def _kv_heads(self) -> int:
        if self.new_decoder_architecture:
            return self.num_kv_heads or self.num_attention_heads
        return 1 if self.multi_query else self.num_attention_heads

    def order(self) -> str:
        """Where the norms of a block stand."""
        if self.new_decoder_architecture:
            return "parallel" if self.num_ln_in_parallel_attn == 1 else "parallel_two_norms"
        return "parallel" if self.parallel_attn else "pre_norm"

    def weight_names(self) -> Names:
        """The 40B form has words of its own for its two norms."""
        names = RotaryConfig.weight_names(self)
        if self.order() != "parallel_two_norms":
            return names
        norms = {"ln_attn": "input_layernorm", "ln_mlp": "post_attention_layernorm"}
        kept = {theirs: ours for theirs, ours in names.inside.items() if ours not in norms.values()}
        return replace(names, inside=kept | norms)

    def blueprint(self) -> Blueprint:
        """Parallel blocks (or, if asked, pre-norm) with LayerNorm."""
        norm = Norm(kind="layer", eps=self.layer_norm_epsilon, bias=True)
        block = Block(
            order=self.order(),
            norm=norm,
            attention=self.attention(rotary=None if self.alibi else self.rotary(), bias="qkvo" if self.bias else ""),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size, activation=self.activation, gated=False, bias=self.bias
            ),
        )
        bias = Alibi(scale=self.head_dim**-0.5, in_bfloat16=True) if self.alibi else None
        return self.decoder([block] * self.num_hidden_layers, norm, alibi=bias)
