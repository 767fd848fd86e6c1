"""Constraints that no engine should be given: schemas that no finite text satisfies, expressions that explode when their repeats are written out.

The fast engine starts on both at once and fails in the middle of an answer: `(a{1000}){1000}` after two seconds of work, `{"required": ["a"],
"properties": {"a": {"$ref": "#"}}}` never, since each object needs another. So they are looked at before the request is let in.

    a schema        without the conditions of single texts and numbers, its rules cost little to make, and say whether they ever end
    an expression   read into its graph of bytes, which has a bound; the patterns of one schema have one together

What our own reader does not know (look-around, `not`) is no reason to refuse: the fast engine says what it thinks of that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from groundup.errors import InputError
from groundup.inference.decoding.constrained.expression import LARGEST_GRAPH, TooLarge, graph_of
from groundup.inference.decoding.constrained.json_merging import NothingFits
from groundup.inference.decoding.constrained.json_schema import grammar_of

MOST_TOGETHER = 4 * LARGEST_GRAPH  # nodes of all patterns of a schema: half a second
NAMED = (
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
)  # names are keys, schemas their values
VALUES = ("enum", "const", "default", "examples", "required", "type")
OF_LEAVES = (
    "pattern",
    "format",
    "multipleOf",
    *(f"{bound}{of}" for bound in ("min", "max") for of in ("Length", "imum")),
    *(f"exclusive{bound}imum" for bound in ("Min", "Max")),
)


def check_schema(schema: Any) -> None:
    """InputError where no finite text satisfies a schema, or its patterns explode."""
    size = 0
    for pattern in patterns(schema):
        size += expanded(pattern)
        if size > MOST_TOGETHER:
            raise TooLarge(
                f"the schema's patterns are too large together: over {MOST_TOGETHER:,} nodes; use smaller repeats"
            )
    try:
        grammar_of(bare(schema))
    except NothingFits:
        raise
    except InputError:  # a word that only the fast engine knows
        pass


def expanded(expression: str) -> int:
    """How many nodes an expression has with its repeats written out; TooLarge over a bound, 0 where it cannot be read here."""
    try:
        return len(graph_of(expression).free)
    except TooLarge:
        raise
    except InputError:
        return 0


def patterns(schema: Any) -> Iterator[str]:
    """The regular expressions in a schema."""
    for key, value in schema.items() if isinstance(schema, Mapping) else ():
        if key == "pattern" and isinstance(value, str):
            yield value
        elif key in NAMED and isinstance(value, Mapping):
            yield from value if key == "patternProperties" else ()
            for one in value.values():
                yield from patterns(one)
        elif key not in VALUES:
            for one in value if isinstance(value, list) else [value]:
                yield from patterns(one)


def bare(schema: Any) -> Any:
    """A schema without the conditions of single texts and numbers.

    >>> bare({"properties": {"pattern": {"type": "string", "pattern": "a"}}})
    {'properties': {'pattern': {'type': 'string'}}}
    """
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: value for key, value in schema.items() if key not in OF_LEAVES}
    for key, value in kept.items():
        if key in NAMED and isinstance(value, Mapping):
            kept[key] = {name: bare(one) for name, one in value.items()}
        elif key not in VALUES:
            kept[key] = bare(value)
    return kept
