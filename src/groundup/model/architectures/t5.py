"""T5: an encoder-decoder whose scores know distances, and whose every task is text in, text out.

    norm         RMSNorm in front of each part, and once after each stack; no biases anywhere
    positions    a learned number for each head and bucket of distances, one table a stack, shared by its blocks; none in cross-attention
    scores       not divided by sqrt(head_dim): the first values of the queries are smaller instead
    v1.0         ReLU, and one matrix for source, answer and head, whose input is then scaled by 1 / sqrt(d_model)
    v1.1         gated GELU, and a head of its own (also Flan-T5, and UL2, which is this shape trained on a mixture of denoisers)

Raffel et al. 2020, arXiv:1910.10683, sections 2.1 and 3.1.1; gates: Shazeer 2020, arXiv:2002.05202; UL2: Tay et al. 2022,
arXiv:2205.05131, section 3. Left out: the encoder alone and the heads that sort texts (transformers has them for T5 too).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import ACTIVATIONS, Block, Blueprint, FeedForward, Norm, Relative
from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig
from groundup.model.formats.names import Names

ATTENTION = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj"}
PLAIN, GATED = {"wi": "up_proj", "wo": "down_proj"}, {"wi_0": "gate_proj", "wi_1": "up_proj", "wo": "down_proj"}


@dataclass(frozen=True, kw_only=True, slots=True)
class T5Config(EncoderDecoderConfig):
    """The configuration of `T5ForConditionalGeneration`.

    feed_forward_proj: an activation, with "gated-" in front where there is a gate. scale_decoder_outputs None: where the head
    is tied. max_position_embeddings bounds nothing: it is the length of the first T5's training texts.
    """

    model_type: ClassVar[str] = "t5"
    architecture: ClassVar[str] = "T5ForConditionalGeneration"
    keys: ClassVar[Mapping[str, str]] = {
        "hidden_size": "d_model",
        "head_dim": "d_kv",
        "intermediate_size": "d_ff",
        "num_hidden_layers": "num_layers",
        "num_attention_heads": "num_heads",
        "max_position_embeddings": "n_positions",
    }
    fixed: ClassVar[frozenset[str]] = frozenset({"initializer_range"})
    defaults: ClassVar[dict[str, Any]] = {"head_dim": 64}
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "dropout_rate classifier_dropout output_past is_gated_act dense_act_fn initializer_factor".split()
    )

    max_position_embeddings: int = 512
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "relu"
    tie_word_embeddings: bool = True
    scale_decoder_outputs: bool | None = None
    eos_token_id: int | tuple[int, ...] | None = 1
    pad_token_id: int | None = 0

    def __post_init__(self) -> None:
        if self.scale_decoder_outputs is None:
            object.__setattr__(self, "scale_decoder_outputs", self.tie_word_embeddings)
        EncoderDecoderConfig.__post_init__(self)
        self.feed_forward_kind()

    def _derived(self) -> dict[str, Any]:
        return EncoderDecoderConfig._derived(self) | {"initializer_range": lambda: 0.02}

    def feed_forward_kind(self) -> tuple[str, bool]:
        """Name and whether it gates; T5 means the tanh form by gated-gelu."""
        gate, dash, name = self.feed_forward_proj.rpartition("-")
        if name not in ACTIVATIONS or gate != ("gated" if dash else ""):
            raise ConfigError(
                f"feed_forward_proj={self.feed_forward_proj!r} is not a feed-forward; use relu, gated-gelu, or another of "
                f"{', '.join(ACTIVATIONS)} with or without gated- in front"
            )
        return ("gelu_new" if self.feed_forward_proj == "gated-gelu" else name), bool(dash)

    def weight_names(self) -> Names:
        """The files number the parts of a block; the first block holds the table that all use."""
        feed_forward = GATED if self.feed_forward_kind()[1] else PLAIN
        names = {"shared": "model.embed_tokens"}
        for stack, last in (("encoder", 1), ("decoder", 2)):
            theirs, ours = f"{stack}.block.*.layer", f"model.{stack}.layers.*"
            names |= {f"{theirs}.0.SelfAttention.{key}": f"{ours}.self_attn.{name}" for key, name in ATTENTION.items()}
            names |= {
                f"{theirs}.{last}.DenseReluDense.{key}": f"{ours}.mlp.{name}" for key, name in feed_forward.items()
            }
            names |= {f"{theirs}.0.layer_norm": f"{ours}.input_layernorm"}
            names |= {f"{theirs}.1.layer_norm": f"{ours}.post_attention_layernorm"}
            names |= {f"{stack}.final_layer_norm": f"model.{stack}.norm"}
            table = "layer.0.SelfAttention.relative_attention_bias"
            names |= {f"{stack}.block.0.{table}": f"model.{stack}.relative_attention_bias"}
        cross = {f"{theirs}.1.EncDecAttention.{key}": f"{ours}.cross_attn.{name}" for key, name in ATTENTION.items()}
        names |= cross | {f"{theirs}.2.layer_norm": f"{ours}.post_cross_layernorm"}
        # What older files hold a second time, and a table of the cross-attention that was never used.
        twice = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
        unused = {"decoder.block.*.layer.1.EncDecAttention.relative_attention_bias.weight"}
        return Names(prefix="", outside=names, block="", dropped=frozenset(twice | unused))

    def fitting(self, stored: Mapping[str, Any]) -> "T5Config":
        """The same with a head of its own where the files hold one: transformers 5 writes tie_word_embeddings for every T5."""
        head, embedding = stored.get("lm_head.weight"), stored.get("shared.weight")
        if not self.tie_word_embeddings or head is None or embedding is None:
            return self
        same = head.shape == embedding.shape and bool((head == embedding).all())
        return self if same else replace(self, tie_word_embeddings=False)

    def blueprint(self) -> Blueprint:
        """Pre-norm blocks with RMSNorm; scores as they are, with the bias of their distance."""
        name, gated = self.feed_forward_kind()
        norm = Norm(eps=self.layer_norm_epsilon)
        feed_forward = FeedForward(intermediate=self.intermediate_size, activation=name, gated=gated)
        reads = Block(norm=norm, attention=self.attention(scale=1.0, causal=False), feed_forward=feed_forward)
        writes = replace(reads, attention=self.attention(scale=1.0), cross=self.attention(scale=1.0, causal=False))
        return Blueprint(
            vocab=self.vocab_size,
            hidden=self.hidden_size,
            blocks=(writes,) * self.decoder_layers,
            norm=norm,
            encoder=(reads,) * self.num_hidden_layers,
            encoder_norm=norm,
            relative=Relative(
                buckets=self.relative_attention_num_buckets, max_distance=self.relative_attention_max_distance
            ),
            logit_scale=self.hidden_size**-0.5 if self.scale_decoder_outputs else 1.0,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MT5Config(T5Config):
    """The configuration of `MT5ForConditionalGeneration`: v1.1, trained on 101 languages (Xue et al. 2021, arXiv:2010.11934)."""

    model_type: ClassVar[str] = "mt5"
    architecture: ClassVar[str] = "MT5ForConditionalGeneration"

    feed_forward_proj: str = "gated-gelu"
    scale_decoder_outputs: bool | None = False
