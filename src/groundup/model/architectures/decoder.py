"""The configuration that every decoder family shares, under the Hugging Face names, checked where it is built.

`to_dict` is the model folder's config.json. A family adds its own fields and says what its parts are.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError

SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig:
    """Sizes of a decoder. num_key_value_heads and head_dim may be left 0: as many as heads, and hidden_size / heads."""

    model_type: ClassVar[str]
    architecture: ClassVar[str]  # the class name that transformers looks for
    constants: ClassVar[dict[str, Any]] = {}  # keys that config.json must carry though only one value is implemented
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
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10_000.0
    tie_word_embeddings: bool = False
    initializer_range: float = 0.02
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None

    def __post_init__(self) -> None:
        for name in SIZES:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        object.__setattr__(self, "num_key_value_heads", self.num_key_value_heads or self.num_attention_heads)
        if self.num_key_value_heads < 0 or self.num_attention_heads % self.num_key_value_heads:
            raise ConfigError(
                f"num_attention_heads={self.num_attention_heads} cannot be shared evenly by "
                f"num_key_value_heads={self.num_key_value_heads}; use {_divisors(self.num_attention_heads)}"
            )
        object.__setattr__(self, "head_dim", self.head_dim or self._even_share())
        if self.head_dim < 2 or self.head_dim % 2:
            raise ConfigError(
                f"head_dim={self.head_dim} must be even, as rotary positions turn pairs of coordinates; "
                f"set head_dim={max(2, self.head_dim + self.head_dim % 2)}"
            )

    def _even_share(self) -> int:
        if self.hidden_size % self.num_attention_heads:
            heads = self.num_attention_heads
            raise ConfigError(
                f"hidden_size={self.hidden_size} cannot be split evenly over num_attention_heads={heads}; use "
                f"num_attention_heads of {_divisors(self.hidden_size)}, "
                f"or hidden_size={-(-self.hidden_size // heads) * heads}"
            )
        return self.hidden_size // self.num_attention_heads

    @property
    def gated(self) -> bool:
        """Whether the feed-forward has a third matrix, the gate."""
        return True

    @property
    def normalizes_heads(self) -> bool:
        """Whether query and key heads are normalised before they meet (QK-norm)."""
        return False

    @property
    def attention_has_bias(self) -> bool:
        """Whether the four projections of attention add a bias."""
        return False

    @property
    def feed_forward_has_bias(self) -> bool:
        """Whether the projections of the feed-forward add a bias."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """Write the configuration as config.json; rope_theta in the older and in the newer place."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if isinstance(self.eos_token_id, tuple):
            fields["eos_token_id"] = list(self.eos_token_id)
        rope = {"rope_type": "default", "rope_theta": self.rope_theta}
        head = {"architectures": [self.architecture], "model_type": self.model_type}
        return head | fields | {"rope_parameters": rope, "rope_scaling": None} | self.constants


def _divisors(number: int) -> str:
    """Name up to eight divisors of a number, largest last, for an error message."""
    divisors = [candidate for candidate in range(1, number + 1) if number % candidate == 0]
    return " or ".join(map(str, divisors[-8:]))
