"""A foreign config.json is read completely or refused by key: no key that would change the numbers is passed over.

Every key is a field (under the family's word for it, or an older one), or carries the one value that is implemented, or is
listed here or by the family as without effect.
"""

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures import labels
from groundup.model.architectures.configuration import ModelConfig

Config = TypeVar("Config", bound=ModelConfig)

WITHOUT_EFFECT = frozenset(
    "model_type torch_dtype dtype transformers_version _name_or_path use_cache "  # who wrote it, and how
    "auto_map tokenizer_class task_specific_params gradient_checkpointing "
    "output_attentions output_hidden_states return_dict problem_type "  # what else to return
    "chunk_size_feed_forward is_encoder_decoder is_decoder torchscript use_return_dict _commit_hash "
    "attention_dropout hidden_dropout classifier_dropout resid_pdrop embd_pdrop attn_pdrop "  # while training only;
    "residual_dropout embedding_dropout".split()  # groundup trains without dropout
)
DERIVED = ("num_key_value_heads", "head_dim", "intermediate_size")  # null in the file: computed from the other sizes


def read(config_class: type[Config], raw: dict[str, Any], origin: str) -> Config:
    """Turn a family's config.json into its dataclass."""
    fields = {
        field.name: field
        for field in dataclasses.fields(config_class)
        if field.name not in config_class.fixed | labels.FIELDS
    }
    own = {config_class.keys.get(name, name): name for name in fields}
    older = {key: name for key, name in config_class.older_keys.items() if key in raw}
    rope, rope_keys = config_class.read_rope(raw, origin)
    said = {own[key]: raw[key] for key in own if key in raw and key not in rope_keys}
    used = {name: raw[key] for key, name in older.items()} | said | rope | labels.read(raw, config_class, origin)
    idle = (WITHOUT_EFFECT - config_class.harmless.keys()) | config_class.without_effect | labels.KEYS
    refused = raw.keys() - own.keys() - older.keys() - rope_keys - idle
    refused = {key for key in refused if not _is_constant(key, raw[key], config_class)}
    if refused:
        named = ", ".join(f"{key}={raw[key]!r}" for key in sorted(refused))
        raise UnsupportedModel(
            f"{origin}: {named} would change the output and is not implemented for {config_class.model_type}"
        )
    return _construct(config_class, config_class.defaults | used, fields, origin)


def _is_constant(key: str, value: Any, config_class: type[ModelConfig]) -> bool:
    """Whether the key carries the one value that is implemented, or one that changes nothing."""
    if key == "layer_types":
        return set(value or ()) <= {"full_attention"}
    if key in config_class.harmless:
        return value in config_class.harmless[key]
    return key in config_class.constants and value == config_class.constants[key]


def _accepted(annotation: Any) -> tuple[type, ...]:
    """The classes that a field's annotation admits; JSON writes 1 for 1.0."""
    alternatives = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    classes = tuple(get_origin(alternative) or alternative for alternative in alternatives)
    return (*classes, int) if float in classes else classes


def _construct(config_class: type[Config], values: dict[str, Any], fields: Mapping[str, Any], origin: str) -> Config:
    """Check the presence and the type of every value, then build."""
    for name, field in fields.items():
        key = config_class.keys.get(name, name)
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise FormatError(
                    f"{origin}: {key} is missing; the file is not a complete {config_class.model_type} configuration"
                )
            continue
        if isinstance(values[name], list):
            values[name] = tuple(values[name])
        if values[name] is None and name in DERIVED:
            values[name] = 0
        if not isinstance(values[name], _accepted(field.type)):
            wanted = getattr(field.type, "__name__", field.type)
            raise FormatError(f"{origin}: {key}={values[name]!r} has the wrong type; write {wanted}")
    return config_class(**values)
