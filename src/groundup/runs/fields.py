"""A table of plain values becomes a typed configuration, or one sentence that says what to write instead.

TOML and `--set` both bring plain values (whole numbers, fractions, words, true/false, lists, tables). Here they meet the annotations of a frozen
dataclass: an unknown key is refused with the nearest known one, a value of the wrong kind with an example of the right one, and what the dataclass
itself refuses (heads that do not divide) is passed on under the recipe's own key. Leaves out: unions other than `X | None`, and generics other than
`tuple[X, ...]`, `list[X]` and `dict`.
"""

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from groundup.errors import ConfigError, did_you_mean

PLAIN = {int: "a whole number", float: "a number", bool: "true or false", str: "a text in quotes"}
EXAMPLES = {int: "200", float: "0.02", bool: "true", str: '"words"'}


def hints(cls: type) -> dict[str, Any]:
    """The annotation of every field that a user may set."""
    types_by_name = typing.get_type_hints(cls)
    return {field.name: types_by_name[field.name] for field in dataclasses.fields(cls) if field.init}


def build(cls: type, table: Mapping[str, Any], key: str, source: str = "the recipe") -> Any:
    """Make a `cls` from `table`; `key` is the table's name in the recipe, `source` who wrote it, both for the sentence of an error."""
    known = hints(cls)
    for name in table:
        if name not in known:
            raise ConfigError(f"{source}: '{name}' is not a key of [{key}]; {did_you_mean(name, known)}")
    values = {name: convert(known[name], value, f"{key}.{name}", source) for name, value in table.items()}
    needed = [
        f.name for f in dataclasses.fields(cls) if f.init and f.default is f.default_factory is dataclasses.MISSING
    ]
    for name in needed:
        if name not in values:
            raise ConfigError(f"{source}: [{key}] has no {name}; write {name} = {example(known[name])} into it")
    try:
        return cls(**values)
    except ConfigError as error:
        raise ConfigError(f"{source}: [{key}] {error}") from error


def convert(kind: Any, value: Any, key: str, source: str) -> Any:
    """`value` as the annotation `kind` wants it; ConfigError when it is of another kind."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(kind, value, key, source)
    if origin is Literal:
        return _choice(get_args(kind), value, key, source)
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return build(typing.cast(type, kind), value, key, source)
    if kind in PLAIN:
        return _plain(kind, value, key, source)
    if (origin or kind) in (tuple, list) and isinstance(value, (list, tuple)):
        return _sequence(kind, value, key, source)
    if (origin or kind) in (dict, Mapping) and isinstance(value, Mapping):
        return dict(value)
    if kind is Any:
        return value
    raise ConfigError(f"{source}: {key} wants {describe(kind)}, not {shown(value)}; write for example {example(kind)}")


def _optional(kind: Any, value: Any, key: str, source: str) -> Any:
    inner = [part for part in get_args(kind) if part is not type(None)]
    if value is None or value == "none":
        return None
    return convert(inner[0], value, key, source)


def _choice(choices: tuple, value: Any, key: str, source: str) -> Any:
    if value not in choices:
        names = [str(choice) for choice in choices]
        near = did_you_mean(str(value), names)
        way_out = "take one of them" if near.startswith("use") else near  # the list is not said twice
        raise ConfigError(f"{source}: {key} = {shown(value)} is not one of {', '.join(names)}; {way_out}")
    return value


def _plain(kind: type, value: Any, key: str, source: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(
            f"{source}: {key} wants {PLAIN[kind]}, not {shown(value)}; write for example {key.rsplit('.', 1)[-1]} = {EXAMPLES[kind]}"
        )
    return value


def _sequence(kind: Any, value: Any, key: str, source: str) -> Any:
    parts = get_args(kind)
    made = [convert(parts[0] if parts else Any, item, key, source) for item in value]
    return tuple(made) if (get_origin(kind) or kind) is tuple else made


def describe(kind: Any) -> str:
    """The annotation in words: `tuple[str, ...]` is "a list"."""
    if kind in PLAIN:
        return PLAIN[kind]
    return "a list" if (get_origin(kind) or kind) in (tuple, list) else "a table"


def example(kind: Any) -> str:
    """A value of this kind as a recipe would write it."""
    if get_origin(kind) is Literal:
        return json.dumps(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return example(get_args(kind)[0])
    return EXAMPLES.get(kind) or ('["words"]' if describe(kind) == "a list" else "{ ... }")


def shown(value: Any) -> str:
    """A value as the user wrote it, cut to one short line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def parse_value(text: str) -> Any:
    """What stands after `=` in `--set key=value`: TOML where it is TOML, else the bare word.

    >>> parse_value("200"), parse_value("0.5"), parse_value("true"), parse_value("adamw"), parse_value('["a", "b"]')
    (200, 0.5, True, 'adamw', ['a', 'b'])
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def plain(config: Any) -> Any:
    """A configuration as plain values, ready for TOML and JSON; `None` is left out where it is the default, else written "none"."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = [f for f in dataclasses.fields(config) if f.init]
        values = {
            f.name: plain(getattr(config, f.name)) for f in fields if not (getattr(config, f.name) is None is f.default)
        }
        return {name: "none" if value is None else value for name, value in values.items()}
    if isinstance(config, Mapping):
        return {key: plain(value) for key, value in config.items() if value is not None}
    if isinstance(config, (list, tuple)):
        return [plain(value) for value in config]
    return config
