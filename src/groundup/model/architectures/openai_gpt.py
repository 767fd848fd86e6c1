"""GPT-1: the 2017 decoder's blocks: a LayerNorm on the stream after each addition, learned positions, GELU, a tied head.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 4.1. There is no norm before the
head: the last block ends with one. GPT-2 moved the norms to the front, which is all that separates the two shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from groundup.model.architectures.blueprint import Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.formats.names import QKV, Names


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenAIGPTConfig(DecoderConfig):
    """The configuration of `OpenAIGPTLMHeadModel`; its "gelu" is the tanh form."""

    model_type: ClassVar[str] = "openai-gpt"
    architecture: ClassVar[str] = "OpenAIGPTLMHeadModel"
    widens: ClassVar[int] = 4
    heads: ClassVar[tuple[str, ...]] = ("text",)
    keys: ClassVar[Mapping[str, str]] = {
        field: key for field, key in GPT2Config.keys.items() if field != "intermediate_size"
    }
    fixed: ClassVar[frozenset[str]] = frozenset({"num_key_value_heads", "head_dim", "intermediate_size"})
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "n_ctx n_special predict_special_tokens summary_type summary_use_proj summary_activation summary_proj_to_labels "
        "summary_first_dropout".split()
    )
    names: ClassVar[Names] = Names(
        prefix="transformer.",
        outside={
            "transformer.tokens_embed": "model.embed_tokens",
            "transformer.positions_embed": "model.embed_positions",
        },
        block="transformer.h.*.",
        inside={
            "attn.c_attn": QKV,
            "attn.c_proj": "self_attn.o_proj",
            "ln_1": "post_attention_layernorm",
            "mlp.c_fc": "mlp.up_proj",
            "mlp.c_proj": "mlp.down_proj",
            "ln_2": "post_feedforward_layernorm",
        },
        transposed=GPT2Config.names.transposed,
        dropped=frozenset({"attn.bias"}),
    )

    intermediate_size: int = 0
    max_position_embeddings: int = 512
    layer_norm_epsilon: float = 1e-5
    afn: str = "gelu"
    tie_word_embeddings: bool = True

    def blueprint(self) -> Blueprint:
        """Post-norm blocks with biases, and a learned table of positions."""
        block = Block(
            order="post_norm",
            norm=Norm(kind="layer", eps=self.layer_norm_epsilon, bias=True),
            attention=self.attention(bias="qkvo"),
            feed_forward=FeedForward(
                intermediate=self.intermediate_size,
                activation="gelu_new" if self.afn == "gelu" else self.afn,
                gated=False,
                bias=True,
            ),
        )
        return self.decoder([block] * self.num_hidden_layers, None, learned_positions=self.max_position_embeddings)
