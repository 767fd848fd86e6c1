"""The configuration that every decoder family shares, under the Hugging Face names, checked where it is built.

`to_dict` is the model folder's config.json. A family adds its own fields, says how they are called in its config.json, and
names its parts (`blueprint`) and the names of its weights (`names`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures import rope
from groundup.model.architectures.blueprint import ACTIVATIONS, Attention, Block, Blueprint, Norm, Rotary
from groundup.model.formats.names import Names

SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)
ACTIVATION_KEYS = ("hidden_act", "hidden_activation", "activation_function", "activation", "afn")
FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig:
    """Sizes of a decoder. num_key_value_heads and head_dim may be left 0: as many as heads, and hidden_size / heads."""

    model_type: ClassVar[str]
    architecture: ClassVar[str]  # the class name that transformers looks for
    names: ClassVar[Names] = Names()  # how the family's files call the weights
    keys: ClassVar[Mapping[str, str]] = {}  # field -> what the family's config.json calls it, where it is another word
    older_keys: ClassVar[Mapping[str, str]] = {}  # key of older files -> field
    fixed: ClassVar[frozenset[str]] = frozenset()  # fields without a key: this family knows only the derived value
    constants: ClassVar[dict[str, Any]] = {}  # keys that config.json must carry though only one value is implemented
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {}  # other keys, and the values with which they change nothing
    defaults: ClassVar[dict[str, Any]] = {}  # what transformers takes for a key that a foreign config.json leaves out
    without_effect: ClassVar[frozenset[str]] = frozenset()  # the family's keys that do not change what is computed

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int = 0  # 1: multi-query; = num_attention_heads: multi-head; between: grouped-query
    head_dim: int = 0
    max_position_embeddings: int = 2048
    tie_word_embeddings: bool = False
    initializer_range: float = 0.02
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None

    def __post_init__(self) -> None:
        for name in SIZES:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        given = {name: getattr(self, name) for name in self.fixed}
        object.__setattr__(self, "num_key_value_heads", self.num_key_value_heads or self._kv_heads())
        if self.num_key_value_heads < 0 or self.num_attention_heads % self.num_key_value_heads:
            raise ConfigError(
                f"num_attention_heads={self.num_attention_heads} cannot be shared evenly by "
                f"num_key_value_heads={self.num_key_value_heads}; use {_divisors(self.num_attention_heads)}"
            )
        object.__setattr__(self, "head_dim", self.head_dim or self._even_share())
        self._check_choices(given)

    def _check_choices(self, given: Mapping[str, Any]) -> None:
        """Refuse what this family cannot express, and an activation that nobody knows."""
        derived = {"num_key_value_heads": self._kv_heads, "head_dim": self._even_share}
        for name, value in given.items():
            only = derived[name]() if name in derived else 4 * self.hidden_size
            if value not in (0, only):
                raise ConfigError(f"{name}={value} cannot be said in {self.model_type}; leave it out, it is {only}")
        for key in ACTIVATION_KEYS:
            if (value := getattr(self, key, ACTIVATIONS[0])) not in ACTIVATIONS:
                raise ConfigError(f"{key}={value!r} is not an activation; use {', '.join(ACTIVATIONS)}")

    def _kv_heads(self) -> int:
        """How many key/value heads there are where none are given."""
        return self.num_attention_heads

    def _even_share(self) -> int:
        if self.hidden_size % self.num_attention_heads:
            heads = self.num_attention_heads
            raise ConfigError(
                f"hidden_size={self.hidden_size} cannot be split evenly over num_attention_heads={heads}; use "
                f"num_attention_heads of {_divisors(self.hidden_size)}, "
                f"or hidden_size={-(-self.hidden_size // heads) * heads}"
            )
        return self.hidden_size // self.num_attention_heads

    def blueprint(self) -> Blueprint:
        """The parts of this configuration's decoder."""
        raise NotImplementedError

    def attention(self, **parts: Any) -> Attention:
        """Attention of this configuration's heads; parts: what else it has."""
        return Attention(
            heads=self.num_attention_heads, kv_heads=self.num_key_value_heads, head_dim=self.head_dim, **parts
        )

    def decoder(self, blocks: Sequence[Block], norm: Norm | None, **parts: Any) -> Blueprint:
        """A decoder of these blocks; parts: what else it has."""
        return Blueprint(vocab=self.vocab_size, hidden=self.hidden_size, blocks=tuple(blocks), norm=norm, **parts)

    def weight_names(self) -> Names:
        """How files of this configuration call the weights."""
        return self.names

    @property
    def gated(self) -> bool:
        """Whether the feed-forward has a third matrix, the gate."""
        return self.blueprint().blocks[0].feed_forward.gated

    @property
    def normalizes_heads(self) -> bool:
        """Whether query and key heads are normalised before they meet (QK-norm)."""
        return self.blueprint().blocks[0].attention.qk_norm is not None

    @classmethod
    def read_rope(cls, raw: Mapping[str, Any], origin: str) -> tuple[dict[str, Any], set[str]]:
        """Fields that a config.json says in its keys for rotary positions, and these keys; here none."""
        return {}, set()

    def to_dict(self) -> dict[str, Any]:
        """Write the configuration as config.json."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        kept = {
            self.keys.get(name, name): list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if name not in self.fixed and not (name == "layer_types" and value is None)  # tools expect a list or no key
        }
        return {"architectures": [self.architecture], "model_type": self.model_type} | kept | self.constants


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


def _divisors(number: int) -> str:
    """Name up to eight divisors of a number, largest last, for an error message."""
    divisors = [candidate for candidate in range(1, number + 1) if number % candidate == 0]
    return " or ".join(map(str, divisors[-8:]))
