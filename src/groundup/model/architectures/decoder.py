"""The configuration that every decoder family shares: key/value heads, rotary positions, windows, and the heads it may have.

What all families share stands in `configuration.py`, the names of the heads in `labels.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures import labels as words
from groundup.model.architectures import rope
from groundup.model.architectures.blueprint import (
    Attention,
    Block,
    Blueprint,
    LanguageModelHead,
    Norm,
    Rotary,
    ScoreHead,
)
from groundup.model.architectures.configuration import ModelConfig, divisors
from groundup.model.formats.names import Names

FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig(ModelConfig):
    """Sizes of a decoder. num_key_value_heads and head_dim may be left 0: as many as heads, and hidden_size / heads."""

    stem: ClassVar[str] = (
        ""  # what the names of its classes begin with, where it is not what `architecture` begins with
    )
    heads: ClassVar[tuple[str, ...]] = ("text", "token")  # of which kinds transformers has heads with labels
    tag_head: ClassVar[str] = "score"  # what its files call the head that tags

    num_key_value_heads: int = 0  # 1: multi-query; = num_attention_heads: multi-head; between: grouped-query

    def _derive(self) -> None:
        object.__setattr__(self, "num_key_value_heads", self.num_key_value_heads or self._kv_heads())
        if self.num_key_value_heads < 0 or self.num_attention_heads % self.num_key_value_heads:
            raise ConfigError(
                f"num_attention_heads={self.num_attention_heads} cannot be shared evenly by "
                f"num_key_value_heads={self.num_key_value_heads}; use {divisors(self.num_attention_heads)}"
            )
        ModelConfig._derive(self)

    def _derived(self) -> dict[str, Any]:
        return ModelConfig._derived(self) | {"num_key_value_heads": self._kv_heads}

    def _kv_heads(self) -> int:
        """How many key/value heads there are where none are given."""
        return self.num_attention_heads

    @property
    def groups(self) -> int:
        """Rows of fused matrices go by key/value head, each with its query heads."""
        return self.num_key_value_heads

    def attention(self, **parts: Any) -> Attention:
        """Attention of this configuration's heads; parts: what else it has."""
        return Attention(
            heads=self.num_attention_heads, kv_heads=self.num_key_value_heads, head_dim=self.head_dim, **parts
        )

    def decoder(self, blocks: Sequence[Block], norm: Norm | None, **parts: Any) -> Blueprint:
        """A decoder of these blocks under the configuration's head; parts: what else it has."""
        head: LanguageModelHead | ScoreHead | None = LanguageModelHead() if self.writes else None
        if self.head in words.LABELLED:
            every = self.head in words.EVERY_TOKEN
            head = ScoreHead(labels=len(self.labels), bias=every, every_token=every)
        return Blueprint(
            vocab=self.vocab_size, hidden=self.hidden_size, blocks=tuple(blocks), norm=norm, head=head, **parts
        )

    @classmethod
    def class_names(cls) -> dict[str, str]:
        """The class of the language model, and those of the other heads that transformers has."""
        stem = cls.stem or cls.architecture.removesuffix("ForCausalLM").removesuffix("LMHeadModel")
        usual = {words.LANGUAGE_MODEL: cls.architecture}
        return words.class_names(stem, usual, text="text" in cls.heads, token="token" in cls.heads)

    def weight_names(self) -> Names:
        """How files of this configuration call the weights; the head that tags has a name of its own in some families."""
        if self.head not in words.LABELLED:
            return self.names
        theirs = self.tag_head if self.head in words.EVERY_TOKEN else "score"
        return replace(self.names, outside={**self.names.outside, theirs: "score.out_proj"})

    def twins(self) -> dict[str, str]:
        """A tied head is the embedding."""
        tied = self.writes and self.tie_word_embeddings
        return {"lm_head.weight": "model.embed_tokens.weight"} if tied else {}

    @property
    def gated(self) -> bool:
        """Whether the feed-forward has a third matrix, the gate."""
        return self.blueprint().blocks[0].feed_forward.gated

    @property
    def normalizes_heads(self) -> bool:
        """Whether query and key heads are normalised before they meet (QK-norm)."""
        return self.blueprint().blocks[0].attention.qk_norm is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class RotaryConfig(DecoderConfig):
    """A decoder with rotary positions. rope_scaling: how the angles are stretched for longer texts, as in config.json."""

    rope_theta: float = 10_000.0
    rope_scaling: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        DecoderConfig.__post_init__(self)
        turning = int(self.head_dim * self.rotary().share)
        if turning < 2 or turning % 2:
            wanted = max(2, self.head_dim + self.head_dim % 2)
            raise ConfigError(
                f"head_dim={self.head_dim} must be even, as rotary positions turn pairs of coordinates; "
                f"set head_dim={wanted}"
                if self.rotary().share == 1.0
                else f"partial_rotary_factor={self.rotary().share} turns {turning} of {self.head_dim} coordinates, which "
                f"must be an even number; set partial_rotary_factor={2 * max(1, turning // 2) / self.head_dim}"
            )

    def rotary(self) -> Rotary:
        """How the heads turn."""
        return Rotary(
            theta=self.rope_theta, share=getattr(self, "partial_rotary_factor", 1.0), scaling=self.rope_scaling
        )

    @classmethod
    def read_rope(cls, raw: Mapping[str, Any], origin: str) -> tuple[dict[str, Any], set[str]]:
        """Base, scaling and turned part, from either of the two places where a config.json says them."""
        return rope.read(raw, origin, partial="partial_rotary_factor" in cls.__dataclass_fields__), set(rope.KEYS)

    def to_dict(self) -> dict[str, Any]:
        """Write the configuration as config.json; the angles in the older and in the newer place."""
        partial = "partial_rotary_factor" in self.__dataclass_fields__
        return DecoderConfig.to_dict(self) | rope.write(self.rotary(), partial)


@dataclass(frozen=True, kw_only=True, slots=True)
class RMSConfig(RotaryConfig):
    """What LLaMA and those after it share: rotary positions and RMSNorm."""

    rms_norm_eps: float = 1e-6

    def norm(self) -> Norm:
        """The norm that stands everywhere in the model."""
        return Norm(eps=self.rms_norm_eps)


def windows(
    layer_types: tuple[str, ...] | None, window: int | None, layers: int, otherwise: str = FULL
) -> list[int | None]:
    """For each layer how many tokens a query sees; None: all before it. otherwise: the type where no types are given."""
    types = (otherwise,) * layers if layer_types is None else layer_types
    if len(types) != layers or set(types) - {FULL, SLIDING}:
        raise ConfigError(f"layer_types={list(types)} does not fit; give {layers} of {FULL} and {SLIDING}")
    if SLIDING in types and window is not None and window < 1:
        raise ConfigError(f"sliding_window={window} is not possible; use 1 or more, or null for none")
    return [window if kind == SLIDING else None for kind in types]
