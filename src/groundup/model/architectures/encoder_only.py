"""Encoder only: every token sees the whole text, before it and after it; made to be read, not to write.

    text      the [MASK] sat on the mat            some tokens are hidden, and the model says what stood there
    looks     <-------- everywhere ------->        no causal mask: what comes after helps as well as what came before

A decoder learns from every token but sees one side; an encoder sees both sides but learns from the hidden tokens alone, 15 %
of them in BERT. It cannot write: a next token would have to be known to compute the vectors before it.
Devlin et al. 2019, arXiv:1810.04805, sections 3 and 3.1 (task 1); Liu et al. 2019, arXiv:1907.11692 (RoBERTa), section 4.

The block is that of 2017, a norm after each part; to a token's vector are added those of its place and of its type (which of
two sentences), and their sum is normalised. Over the blocks stand BERT's pooler and the heads of `heads.py`.
Left out: dropout, next-sentence prediction, and an encoder's use as decoder (is_decoder, cross-attention), which is refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures import labels as words
from groundup.model.architectures.blueprint import Attention, Block, Blueprint, FeedForward, MaskedHead, Norm, ScoreHead
from groundup.model.architectures.configuration import ModelConfig
from groundup.model.formats.names import Names


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig(ModelConfig):
    """Sizes of an encoder of BERT's kind. type_vocab_size: how many kinds of token there are."""

    stem: ClassVar[str]  # what the names of its classes begin with
    fixed: ClassVar[frozenset[str]] = frozenset({"head_dim"})
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "is_decoder": (False,),
        "is_encoder_decoder": (False,),
        "add_cross_attention": (False,),
        "cross_attention_hidden_size": (None,),
        "position_embedding_type": ("absolute", None),
        "pruned_heads": ({}, None),
        "output_past": (True, False),
    }
    without_effect: ClassVar[frozenset[str]] = frozenset(
        "hidden_dropout_prob attention_probs_dropout_prob finetuning_task".split()
    )

    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"
    tie_word_embeddings: bool = True
    head: str = words.MASKED

    def __post_init__(self) -> None:
        ModelConfig.__post_init__(self)
        if self.type_vocab_size < 1:
            raise ConfigError(f"type_vocab_size={self.type_vocab_size} is not possible; use 1 or more")
        if self.head == words.MASKED and not self.tie_word_embeddings:
            raise ConfigError(
                f"tie_word_embeddings=false is not implemented for {self.model_type} with a masked language model; "
                "set it to true, as all published models have it"
            )

    @classmethod
    def class_names(cls) -> dict[str, str]:
        """The class with the masked language model, and those of the other heads."""
        return words.class_names(cls.stem, {words.MASKED: cls.architecture})

    @property
    def places(self) -> int:
        """How many tokens a text may have."""
        return self.max_position_embeddings - self.first_position

    @property
    def longest(self) -> int | None:
        """As many as it has places."""
        return self.places

    @property
    def first_position(self) -> int:
        """The row of the table of positions at which a text begins."""
        return 0

    def twins(self) -> dict[str, str]:
        """The masked language model scores with the embedding, and files may hold its bias twice."""
        if self.head != words.MASKED:
            return {}
        return {"lm_head.decoder.weight": "model.embed_tokens.weight", "lm_head.decoder.bias": "lm_head.bias"}

    def norm(self) -> Norm:
        """The norm that stands everywhere in the model."""
        return Norm(kind="layer", eps=self.layer_norm_eps, bias=True)

    def text_head(self) -> ScoreHead:
        """The head that scores the labels of a text."""
        raise NotImplementedError

    def described_head(self) -> MaskedHead | ScoreHead | None:
        """The head that the configuration names."""
        if self.head == words.MASKED:
            return MaskedHead(activation=self.hidden_act, norm=self.norm())
        if self.head in words.EVERY_TOKEN:
            return ScoreHead(labels=len(self.labels), bias=True, every_token=True)
        return self.text_head() if self.head in words.WHOLE_TEXT else None

    def blueprint(self) -> Blueprint:
        """Post-norm blocks in which every token sees all."""
        heads, size = self.num_attention_heads, self.head_dim
        attention = Attention(heads=heads, kv_heads=heads, head_dim=size, bias="qkvo", causal=False)
        wide = FeedForward(intermediate=self.intermediate_size, activation=self.hidden_act, gated=False, bias=True)
        block = Block(norm=self.norm(), order="post_norm", attention=attention, feed_forward=wide)
        head = self.described_head()
        return Blueprint(
            vocab=self.vocab_size,
            hidden=self.hidden_size,
            blocks=(block,) * self.num_hidden_layers,
            norm=None,
            learned_positions=self.places,
            first_position=self.first_position,
            embedding_norm=self.norm(),
            token_types=self.type_vocab_size,
            pooler=head is None or (isinstance(head, ScoreHead) and head.reads == "pooler"),
            head=head,
        )


def named(prefix: str, head: Mapping[str, str], unread: frozenset[str] = frozenset()) -> Names:
    """The names of BERT's kind under a prefix. head: names of the head, theirs -> ours; unread: what else files hold."""
    return Names(
        prefix=f"{prefix}.",
        outside={
            f"{prefix}.embeddings.word_embeddings": "model.embed_tokens",
            f"{prefix}.embeddings.position_embeddings": "model.embed_positions",
            f"{prefix}.embeddings.token_type_embeddings": "model.embed_types",
            f"{prefix}.embeddings.LayerNorm": "model.embed_norm",
            f"{prefix}.pooler.dense": "model.pooler",
            **head,
        },
        block=f"{prefix}.encoder.layer.*.",
        inside={
            "attention.self.query": "self_attn.q_proj",
            "attention.self.key": "self_attn.k_proj",
            "attention.self.value": "self_attn.v_proj",
            "attention.output.dense": "self_attn.o_proj",
            "attention.output.LayerNorm": "post_attention_layernorm",
            "intermediate.dense": "mlp.up_proj",
            "output.dense": "mlp.down_proj",
            "output.LayerNorm": "post_feedforward_layernorm",
        },
        dropped=frozenset({f"{prefix}.embeddings.position_ids"}) | unread,
        renamed={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    )
