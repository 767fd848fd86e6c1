"""A schema's words put together: what `$ref`, `allOf`, `const` and types mean becomes one plain set of conditions.

Conditions side by side must all hold, so those of a `$ref`'s target or of `allOf` join the others: the larger minimum, the smaller maximum, the types of
both. `anyOf` beside other conditions means each of its options together with them.
"""

import json
from collections.abc import Mapping
from typing import Any

from groundup.errors import InputError, did_you_mean

SILENT = {
    "title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly", "$defs", "definitions",
}  # fmt: skip
LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
NOT_FOLLOWED = {
    "not", "if", "then", "else", "oneOf", "contains", "minContains", "maxContains", "uniqueItems", "patternProperties", "propertyNames", "minProperties",
    "maxProperties", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$anchor",
    "additionalItems",
}  # fmt: skip
WITHOUT_EFFECT = {
    ("uniqueItems", False),
    ("unevaluatedProperties", True),
    ("unevaluatedItems", True),
    ("minProperties", 0),
}
KINDS: dict[str, tuple[type, ...]] = {
    "properties": (Mapping,), "required": (list,), "enum": (list,), "anyOf": (list,), "allOf": (list,), "oneOf": (list,), "prefixItems": (list,),
    "pattern": (str,), "format": (str,), "$ref": (str,), "items": (Mapping, bool, list), "additionalProperties": (Mapping, bool),
} | dict.fromkeys((*LARGER, *SMALLER, "multipleOf"), (int, float))  # fmt: skip
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
MOST_STEPS = 200  # of $ref and allOf within one schema


class NothingFits(InputError):
    """A schema that no finite value satisfies."""


def merged(schema: Mapping[str, Any], root: Any, path: str, steps: int = 0) -> dict[str, Any]:
    """One schema's conditions without $ref, allOf, const and oneOf; type is a list."""
    if steps > MOST_STEPS:
        raise NothingFits(
            "the schema is recursive without end: a $ref leads to itself before any value; give it something of its own"
        )
    if schema is True or schema is False or not isinstance(schema, Mapping):
        if schema is True:
            return {}
        if schema is False:
            return {"enum": []}
        raise InputError(f"{schema!r} is no schema; use an object, true or false")
    wanted = {
        key: value for key, value in schema.items() if key not in SILENT and (key, _plain(value)) not in WITHOUT_EFFECT
    }
    _check(wanted)
    parts = [target(root, wanted.pop("$ref"))] if "$ref" in wanted else []
    parts += wanted.pop("allOf", [])
    if "const" in wanted:
        parts.append({"enum": [wanted.pop("const")]})
    if "oneOf" in wanted:
        parts.append({"anyOf": exclusive(wanted.pop("oneOf"), root, path)})
    if isinstance(wanted.get("items"), list):  # as drafts before 2020-12 said it
        wanted["prefixItems"] = wanted.pop("items")
    if "type" in wanted:
        if not isinstance(wanted["type"], (str, list)):
            raise InputError(f"type={wanted['type']!r} is none; use {', '.join(TYPES)}, or a list of these")
        wanted["type"] = [wanted["type"]] if isinstance(wanted["type"], str) else list(wanted["type"])
        if unknown := [name for name in wanted["type"] if name not in TYPES]:
            raise InputError(f"type {unknown[0]!r} is none of JSON's; {did_you_mean(str(unknown[0]), TYPES)}")
    for part in parts:
        wanted = both(wanted, merged(part, root, path, steps + 1))
    return wanted


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int)) else None


def _check(wanted: Mapping[str, Any]) -> None:
    if refused := sorted(wanted.keys() & NOT_FOLLOWED - {"oneOf"}):
        raise InputError(f"{', '.join(refused)} is not followed; leave it out, or say it with anyOf, enum or pattern")
    for key, kinds in KINDS.items():
        if key in wanted and (
            not isinstance(wanted[key], kinds) or (isinstance(wanted[key], bool) and bool not in kinds)
        ):
            raise InputError(
                f"{key}={wanted[key]!r} is of a wrong kind; JSON Schema wants {' or '.join(kind.__name__ for kind in kinds)}"
            )


def target(root: Any, reference: str) -> Any:
    """What a $ref within the schema names."""
    found = root
    if not reference.startswith("#"):
        raise InputError(f"$ref={reference!r} leads out of the schema; put what it names into $defs")
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise InputError(
                f"$ref={reference!r} names nothing: there is no {name!r}; correct it, or add it to $defs"
            ) from None
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are one, also deep inside: in Python [true] equals [1].

    >>> same([1], [True]), same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    (False, True)
    """
    first, second = (json.dumps(value, sort_keys=True, default=str) for value in (one, other))
    return first == second


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of two schemas together."""
    whole = {**one, **other}
    for key in one.keys() & other.keys():
        first, second = one[key], other[key]
        if same(first, second):
            continue
        if key in LARGER or key in SMALLER:
            whole[key] = max(first, second) if key in LARGER else min(first, second)
        elif key == "type":
            whole[key] = _types(first, second)
        elif key == "required":
            whole[key] = [*first, *(name for name in second if name not in first)]
        elif key == "enum":
            whole[key] = [value for value in first if any(same(value, also) for also in second)]
        elif key in ("items", "additionalProperties"):
            whole[key] = {"allOf": [first, second]}
        elif key == "properties":
            whole[key] = {**first, **second} | {
                name: {"allOf": [first[name], second[name]]} for name in first.keys() & second.keys()
            }
        else:
            raise InputError(f"two different conditions of {key} meet in allOf or behind a $ref; write them as one")
    return _closed(whole, one, other)


def _closed(whole: dict[str, Any], one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A side's additionalProperties speaks of what its own properties do not name."""
    for side, across in ((one, other), (other, one)):
        rule = side.get("additionalProperties", True)
        if rule is not True:
            for name in across.get("properties", {}):
                if name not in side.get("properties", {}):
                    whole["properties"] = whole["properties"] | {name: {"allOf": [whole["properties"][name], rule]}}
    return whole


def _types(first: list[str], second: list[str]) -> list[str]:
    """The types of both; an integer is a number too."""
    wide = [{*names, *(["integer"] if "number" in names else [])} for names in (first, second)]
    shared = wide[0] & wide[1]
    return [name for name in TYPES if name in shared]


def parts_of(wanted: Mapping[str, Any]) -> list[Any]:
    """Each option of anyOf together with what stands beside it."""
    rest = {key: value for key, value in wanted.items() if key != "anyOf"}
    return [{"allOf": [one, rest]} if rest else one for one in wanted["anyOf"]]


def exclusive(options: list[Any], root: Any, path: str) -> list[Any]:
    """The options of oneOf, if no value can be two of them because their types differ: then it means anyOf."""
    seen: set[str] = set()
    for option in options:
        names = merged(option, root, path).get("type")
        wide = {*(names or TYPES), *(["integer", "number"] if names and {"integer", "number"} & {*names} else [])}
        if wide & seen:
            raise InputError("oneOf is followed only where its options are of different types; use anyOf")
        seen |= wide
    return options
