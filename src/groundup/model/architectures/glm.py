"""GLM: blanks are filled in, one after another, by a decoder that sees the text around them both ways.

    text     a b c d e f      blanks  "c" and "e f"        part A (prefix)      part B, blanks in any order
    reads                                                  a  b  [M] d  [M]     [S] e  f   [S] c
    place in the text                                      0  1  2   3  4       4   4  4   2   2
    place in the blank                                     0  0  0   0  0       1   2  3   1   2
    targets                                                                     e   f  [E] c   [E]

A token of part B stands where its blank stands, and beside it has a place in the blank, so that nothing of a blank's length is given
away before it is filled. Both places have a learned table. With one blank in the middle this is BERT's task, with one at the
end a language model's. Du et al. 2022, arXiv:2103.10360, sections 2.1 to 2.3; the mask: `prefix_lm.py`.

`GLM2022Config` is that model (110 million parameters in its base form); no class of transformers has it, so its folder is loadable
here only. `GlmConfig` and `Glm4Config` are today's GLM-4 models, causal decoders with rotary positions in half of each head, whose
pairs stand side by side. Left out: the layer norm's rescaling in GLM-130B (DeepNorm), and the vision models of the family.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from groundup.model.architectures.blueprint import Attention, Block, Blueprint, FeedForward, Norm
from groundup.model.architectures.decoder import DecoderConfig, RMSConfig
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class GLM2022Config(DecoderConfig):
    """The configuration of the blank-infilling GLM. intermediate_size 0: four times hidden_size; max_position_embeddings: rows a table."""

    model_type: ClassVar[str] = "groundup-glm"
    architecture: ClassVar[str] = "GroundupGlmForCausalLM"
    widens: ClassVar[int] = 4

    intermediate_size: int = 0
    max_position_embeddings: int = 513
    layer_norm_eps: float = 1e-5
    activation_function: str = "gelu_new"
    tie_word_embeddings: bool = True

    def blueprint(self) -> Blueprint:
        """GPT-2's blocks; two numbers say where a token stands."""
        norm = Norm(kind="layer", eps=self.layer_norm_eps, bias=True)
        feed_forward = FeedForward(
            intermediate=self.intermediate_size, activation=self.activation_function, gated=False, bias=True
        )
        block = Block(norm=norm, attention=self.attention(bias="qkvo"), feed_forward=feed_forward)
        tables = {"learned_positions": 2 * self.max_position_embeddings, "position_axes": 2}
        return self.decoder([block] * self.num_hidden_layers, norm, **tables)


@dataclass(frozen=True, kw_only=True, slots=True)
class GlmConfig(RMSConfig):
    """The configuration of `GlmForCausalLM`: LLaMA's block, gate and up as one matrix."""

    model_type: ClassVar[str] = "glm"
    architecture: ClassVar[str] = "GlmForCausalLM"
    constants: ClassVar[dict[str, Any]] = {"hidden_act": "silu"}
    defaults: ClassVar[dict[str, Any]] = {"num_key_value_heads": 2, "head_dim": 128}
    names: ClassVar[Names] = Names(inside={"mlp.gate_up_proj": "mlp.gate_proj mlp.up_proj"})
    order: ClassVar[str] = "pre_norm"

    max_position_embeddings: int = 131_072
    rms_norm_eps: float = 1.5625e-7
    partial_rotary_factor: float = 0.5
    attention_bias: bool = True

    def turning(self) -> Attention:
        """Attention whose heads turn in part, pairs side by side."""
        bias = "qkv" if self.attention_bias else ""
        return replace(self.attention(rotary=self.rotary(), bias=bias), interleaved=True)

    def blueprint(self) -> Blueprint:
        """Blocks in the family's order of norms."""
        feed_forward = FeedForward(intermediate=self.intermediate_size)
        block = Block(order=self.order, norm=self.norm(), attention=self.turning(), feed_forward=feed_forward)
        return self.decoder([block] * self.num_hidden_layers, self.norm())


@dataclass(frozen=True, kw_only=True, slots=True)
class Glm4Config(GlmConfig):
    """The configuration of `Glm4ForCausalLM`: with a norm on what each part says, too."""

    model_type: ClassVar[str] = "glm4"
    architecture: ClassVar[str] = "Glm4ForCausalLM"
    names: ClassVar[Names] = Names(
        inside={
            "mlp.gate_up_proj": "mlp.gate_proj mlp.up_proj",
            "post_self_attn_layernorm": "post_attention_layernorm",
            "post_attention_layernorm": "pre_feedforward_layernorm",
            "post_mlp_layernorm": "post_feedforward_layernorm",
        },
    )
    order: ClassVar[str] = "sandwich"
