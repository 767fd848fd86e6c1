"""A foreign config.json is read completely or refused by key: no key that would change the numbers is passed over.

Every key is a field, or carries the one value that is implemented, or is listed here as without effect.
"""

import dataclasses
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures.decoder import DecoderConfig

Config = TypeVar("Config", bound=DecoderConfig)

WITHOUT_EFFECT = frozenset(
    "architectures model_type torch_dtype dtype transformers_version _name_or_path use_cache "  # who wrote it, and how
    "output_attentions output_hidden_states return_dict problem_type id2label label2id "  # what else to return
    "chunk_size_feed_forward is_encoder_decoder is_decoder torchscript use_return_dict _commit_hash "
    "attention_dropout".split()  # while training only; groundup trains without dropout
)
DERIVED = ("num_key_value_heads", "head_dim")  # null in the file: computed from the other sizes


def read(config_class: type[Config], raw: dict[str, Any], origin: str) -> Config:
    """Turn a family's config.json into its dataclass."""
    fields = {field.name: field for field in dataclasses.fields(config_class)}
    used = {name: raw[name] for name in fields if name in raw}
    theta = _rope_theta(raw, origin)
    if theta is not None:
        used["rope_theta"] = theta
    rope = {"rope_theta", "rope_scaling", "rope_parameters"}
    refused = raw.keys() - fields.keys() - rope - WITHOUT_EFFECT - config_class.without_effect
    refused = {key for key in refused if not _is_constant(key, raw[key], config_class)}
    if refused:
        named = ", ".join(f"{key}={raw[key]!r}" for key in sorted(refused))
        raise UnsupportedModel(
            f"{origin}: {named} would change the output and is not implemented for {config_class.model_type}"
        )
    return _construct(config_class, config_class.defaults | used, fields, origin)


def _is_constant(key: str, value: Any, config_class: type[DecoderConfig]) -> bool:
    """Whether the key carries the one value that is implemented."""
    if key == "layer_types":
        return set(value or ()) <= {"full_attention"}
    return key in config_class.constants and value == config_class.constants[key]


def _rope_theta(raw: dict[str, Any], origin: str) -> float | None:
    """Find the rotary base in either of its two places; refuse any type but the plain one."""
    theta = raw.get("rope_theta")
    for key in ("rope_scaling", "rope_parameters"):
        rope = raw.get(key) or {}
        if not isinstance(rope, dict):
            raise FormatError(f"{origin}: {key} should be an object, not {rope!r}; fetch the file again")
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind != "default":
            raise UnsupportedModel(f"{origin}: {key} of type {kind!r} would change the output and is not implemented")
        unknown = (
            rope.keys()
            - {"rope_type", "type", "rope_theta"}
            - ({"partial_rotary_factor"} if rope.get("partial_rotary_factor") == 1 else set())
        )
        if unknown:
            raise UnsupportedModel(
                f"{origin}: {key}.{', '.join(sorted(unknown))} would change the output and is not implemented"
            )
        theta = rope.get("rope_theta", theta)
    return theta


def _accepted(annotation: Any) -> tuple[type, ...]:
    """The classes that a field's annotation admits; JSON writes 1 for 1.0."""
    alternatives = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    classes = tuple(get_origin(alternative) or alternative for alternative in alternatives)
    return (*classes, int) if float in classes else classes


def _construct(config_class: type[Config], values: dict[str, Any], fields: dict[str, Any], origin: str) -> Config:
    """Check the presence and the type of every value, then build."""
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise FormatError(
                    f"{origin}: {name} is missing; the file is not a complete {config_class.model_type} configuration"
                )
            continue
        if isinstance(values[name], list):
            values[name] = tuple(values[name])
        if values[name] is None and name in DERIVED:
            values[name] = 0
        if not isinstance(values[name], _accepted(field.type)):
            wanted = getattr(field.type, "__name__", field.type)
            raise FormatError(f"{origin}: {name}={values[name]!r} has the wrong type; write {wanted}")
    return config_class(**values)
