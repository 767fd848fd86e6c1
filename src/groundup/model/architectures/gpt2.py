"""GPT-2: LayerNorm before each part, learned positions, multi-head attention, GELU, biases everywhere, a tied head.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3. GPT-3 has the same shape (Brown et
al. 2020, arXiv:2005.14165, section 2.1), with every other layer's attention in a local pattern that was never published.
Its files store query, key and value as one matrix, and every matrix as (inputs, outputs).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class GPT2Config(DecoderConfig):
    """The configuration of `GPT2LMHeadModel`. intermediate_size 0: four times hidden_size."""

    model_type: ClassVar[str] = "gpt2"
    architecture: ClassVar[str] = "GPT2LMHeadModel"
    widens: ClassVar[int] = 4
    tag_head: ClassVar[str] = "classifier"
    keys: ClassVar[Mapping[str, str]] = {
        "hidden_size": "n_embd",
        "intermediate_size": "n_inner",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "n_positions",
    }
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim"})
    constants: ClassVar[dict[str, Any]] = {"add_cross_attention": False}
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "n_ctx reorder_and_upcast_attn summary_type summary_use_proj summary_activation summary_proj_to_labels "
        "summary_first_dropout".split()
    )
    names: ClassVar[Names] = Names(
        prefix="transformer.",
        outside={
            "transformer.wte": "model.embed_tokens",
            "transformer.wpe": "model.embed_positions",
            "transformer.ln_f": "model.norm",
        },
        block="transformer.h.*.",
        inside={
            "ln_1": "input_layernorm",
            "attn.c_attn": QKV,
            "attn.c_proj": "self_attn.o_proj",
            "ln_2": "post_attention_layernorm",
            "mlp.c_fc": "mlp.up_proj",
            "mlp.c_proj": "mlp.down_proj",
        },
        transposed=frozenset({"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}),
        dropped=frozenset({"attn.bias", "attn.masked_bias"}),  # the causal mask, which old files carry along
    )

    intermediate_size: int = 0
    max_position_embeddings: int = 1024
    layer_norm_epsilon: float = 1e-5
    activation_function: str = "gelu_new"
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False
    tie_word_embeddings: bool = True

    def scale(self, layer: int) -> float:
        """What the scores of a layer are multiplied by."""
        scale = self.head_dim**-0.5 if self.scale_attn_weights else 1.0
        return scale / (layer + 1) if self.scale_attn_by_inverse_layer_idx else scale

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with biases, and a learned table of positions."""
        norm = Norm(kind="layer", eps=self.layer_norm_epsilon, bias=True)
        feed_forward = FeedForward(
            intermediate=self.intermediate_size, activation=self.activation_function, gated=False, bias=True
        )
        plain = self.scale_attn_weights and not self.scale_attn_by_inverse_layer_idx
        scales = [None if plain else self.scale(layer) for layer in range(self.num_hidden_layers)]
        attentions = [self.attention(bias="qkvo", scale=scale) for scale in scales]
        blocks = [Block(norm=norm, attention=part, feed_forward=feed_forward) for part in attentions]
        return self.decoder(blocks, norm, learned_positions=self.max_position_embeddings)
