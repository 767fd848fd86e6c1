"""The configuration that every family shares, under the Hugging Face names, checked where it is built.

`to_dict` is the model folder's config.json. A family adds its own fields, says how they are called in its config.json, and
names its parts (`blueprint`) and the names of its weights (`names`). Which head stands on the parts: `labels.py`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from groundup.errors import ConfigError
from groundup.model.architectures import labels as words
from groundup.model.architectures.blueprint import ACTIVATIONS, Blueprint
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Sizes of a model, and its head. head_dim may be left 0: hidden_size / heads. labels: names of what the head scores."""

    model_type: ClassVar[str]
    architecture: ClassVar[str]  # the class of transformers that has the head for which the family was trained
    names: ClassVar[Names] = Names()  # how the family's files call the weights
    keys: ClassVar[Mapping[str, str]] = {}  # field -> what the family's config.json calls it, where it is another word
    older_keys: ClassVar[Mapping[str, str]] = {}  # key of older files -> field
    older_classes: ClassVar[Mapping[str, str]] = {}  # class that older files name -> head
    fixed: ClassVar[frozenset[str]] = frozenset()  # fields without a key: this family knows only the derived value
    constants: ClassVar[dict[str, Any]] = {}  # keys that config.json must carry though only one value is implemented
    harmless: ClassVar[Mapping[str, tuple[Any, ...]]] = {}  # other keys, and the values with which they change nothing
    defaults: ClassVar[dict[str, Any]] = {}  # what transformers takes for a key that a foreign config.json leaves out
    without_effect: ClassVar[frozenset[str]] = frozenset()  # the family's keys that do not change what is computed
    widens: ClassVar[int] = 0  # where intermediate_size is left 0, so many times hidden_size; 0: it must be said

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    head_dim: int = 0
    max_position_embeddings: int = 2048
    tie_word_embeddings: bool = False
    initializer_range: float = 0.02
    bos_token_id: int | None = None
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None
    head: str = words.LANGUAGE_MODEL
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "intermediate_size", self.intermediate_size or self._widened())
        for name in SIZES:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        given = {name: getattr(self, name) for name in self.fixed}
        self._derive()
        self._check_choices(given)
        object.__setattr__(self, "labels", words.checked(self.head, self.labels, type(self).class_names()))

    def _derive(self) -> None:
        """Fill in the sizes that were left 0."""
        object.__setattr__(self, "head_dim", self.head_dim or self._even_share())

    def _check_choices(self, given: Mapping[str, Any]) -> None:
        """Refuse what this family cannot express, and an activation that nobody knows."""
        derived = self._derived()
        for name, value in given.items():
            only = derived[name]()
            if value not in (0, only):
                raise ConfigError(f"{name}={value} cannot be said in {self.model_type}; leave it out, it is {only}")
        for key in ACTIVATION_KEYS:
            if (value := getattr(self, key, ACTIVATIONS[0])) not in ACTIVATIONS:
                raise ConfigError(f"{key}={value!r} is not an activation; use {', '.join(ACTIVATIONS)}")

    def _derived(self) -> dict[str, Any]:
        """For each size that may be left 0, what computes it."""
        return {"head_dim": self._even_share, "intermediate_size": self._widened}

    def _widened(self) -> int:
        return self.widens * self.hidden_size

    def _even_share(self) -> int:
        if self.hidden_size % self.num_attention_heads:
            heads = self.num_attention_heads
            raise ConfigError(
                f"hidden_size={self.hidden_size} cannot be split evenly over num_attention_heads={heads}; use "
                f"num_attention_heads of {divisors(self.hidden_size)}, "
                f"or hidden_size={-(-self.hidden_size // heads) * heads}"
            )
        return self.hidden_size // self.num_attention_heads

    def blueprint(self) -> Blueprint:
        """The parts of this configuration's model."""
        raise NotImplementedError

    @classmethod
    def class_names(cls) -> dict[str, str]:
        """For each head that the family can have, the class of transformers with it; the first is the usual one."""
        return {words.LANGUAGE_MODEL: cls.architecture}

    def weight_names(self) -> Names:
        """How files of this configuration call the weights."""
        return self.names

    def twins(self) -> dict[str, str]:
        """Our names of matrices that are one with another one, which files may hold under either name: this -> that."""
        return {}

    def fitting(self, stored: Mapping[str, Any]) -> "ModelConfig":
        """The configuration of what the files hold, where config.json leaves it open; stored: the weights by their names."""
        return self

    @property
    def groups(self) -> int:
        """In how many groups the rows of a matrix go that holds query, key and value head by head."""
        return 1

    @property
    def longest(self) -> int | None:
        """How many tokens a text may have; None: as many as one likes."""
        return self.max_position_embeddings

    @property
    def writes(self) -> bool:
        """Whether the model writes text, token by token."""
        return self.head == words.LANGUAGE_MODEL

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
            if name not in self.fixed | words.FIELDS
            and not (name == "layer_types" and value is None)  # tools expect a list or no key
        }
        said = words.write(self.head, self.labels, type(self).class_names())
        return {"model_type": self.model_type} | said | kept | self.constants


def divisors(number: int) -> str:
    """Name up to eight divisors of a number, largest last, for an error message."""
    found = [candidate for candidate in range(1, number + 1) if number % candidate == 0]
    return " or ".join(map(str, found[-8:]))
