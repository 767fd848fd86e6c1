"""What an answer must be: `response_format`, `structured_outputs` and a forced tool, each as a constraint of the engine.

    {"type": "json_object"}                          any JSON object
    {"type": "json_schema", "json_schema": {...}}    JSON that the schema accepts
    structured_outputs: {regex | choice | json | grammar}      fields of ours, under the names that vLLM gave them
    tool_choice "required", or a named function      {"name": one of the tools, "arguments": what its schema accepts}

Constraints are followed by `llguidance` (`inference/decoding/constrained/guided.py`) or, where that is not installed, by our own readable engine, which
knows no grammars. A constraint is looked at (`possible`) and tried on its first token before the request is let in, so that one that cannot be followed is
refused with a sentence, and one that is slow to begin delays its sender alone.
"""

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from groundup.errors import InputError
from groundup.inference.decoding.constrained.guided import Guide
from groundup.inference.decoding.constrained.json_schema import JsonConstraint
from groundup.inference.decoding.constrained.masks import RegexConstraint, Trie, Vocabulary
from groundup.serving.api import possible
from groundup.serving.api.body import Fields
from groundup.serving.api.errors import bad

MOST_SCHEMA = 1 << 16  # characters of a schema, an expression or a grammar
ANY_OBJECT = {"type": "object"}


class JsonSchema(Fields):
    """A named schema, as in `response_format`."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None  # taken; what is written always fits the schema


class ResponseFormat(Fields):
    """text, json_object or json_schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StructuredOutputs(Fields):
    """One of these."""

    json_: Annotated[dict[str, Any] | None, Field(alias="json")] = None
    regex: str | None = None
    choice: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = None
    grammar: str | None = None
    whitespace: SkipJsonSchema[None] = None


Wanted = tuple[Literal["json", "regex", "grammar"], str]
"""A constraint as words: its kind, and the schema (as JSON), the expression or the grammar. Equal words are compiled once."""


def wanted_format(response_format: ResponseFormat | None) -> Wanted | None:
    """The constraint of a response_format."""
    if response_format is None or response_format.type == "text":
        return None
    if response_format.type == "json_object":
        return json_words(ANY_OBJECT)
    named = response_format.json_schema
    if named is None or named.schema_ is None:
        raise bad("response_format of type json_schema needs json_schema: {name, schema}; add them", "response_format")
    return json_words(named.schema_)


def wanted_output(asked: StructuredOutputs | None) -> Wanted | None:
    """The constraint of structured_outputs."""
    if asked is None:
        return None
    given = [name for name in ("json_", "regex", "choice", "grammar") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise bad(
            "structured_outputs wants exactly one of json, regex, choice and grammar; give one", "structured_outputs"
        )
    if asked.json_ is not None:
        return json_words(asked.json_)
    if asked.choice is not None:
        return _bounded("regex", "|".join(map(re.escape, asked.choice)))
    return _bounded("regex", asked.regex) if asked.regex is not None else _bounded("grammar", asked.grammar or "")


def wanted_call(tools: Sequence[Mapping[str, Any]], choice: Any) -> Wanted | None:
    """The constraint of a tool_choice. tools: functions in OpenAI's form; choice: auto, none, required, or a function's name in a dict."""
    if isinstance(choice, dict):
        name = choice["name"]
        tools = [tool for tool in tools if tool["function"]["name"] == name]
        if not tools:
            raise bad(f"tool_choice names {name!r}, which is none of the tools; name one of them", "tool_choice")
    elif choice != "required":
        return None
    if not tools:
        raise bad("tool_choice asks for a call but there are no tools; give tools", "tool_choice")
    roots = [f"#/$defs/tool{number}" for number in range(len(tools))]
    calls = [_call_schema(tool["function"]["name"], root) for tool, root in zip(tools, roots, strict=True)]
    definitions = {
        root.rpartition("/")[2]: _moved(tool["function"].get("parameters") or ANY_OBJECT, root)
        for tool, root in zip(tools, roots, strict=True)
    }
    return json_words((calls[0] if len(calls) == 1 else {"anyOf": calls}) | {"$defs": definitions})


def _call_schema(name: str, parameters: str) -> dict[str, Any]:
    """JSON of a call of one function; parameters: where the schema of its arguments stands."""
    return {
        "type": "object",
        "properties": {"name": {"const": name}, "arguments": {"$ref": parameters}},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _moved(schema: Any, root: str) -> Any:
    """A schema that stands at `root` of another one: what it refers to inside itself is found there.

    >>> _moved({"items": {"$ref": "#"}, "$defs": {"const": {"$ref": "#/items"}}}, "#/a")
    {'items': {'$ref': '#/a'}, '$defs': {'const': {'$ref': '#/a/items'}}}
    """
    if isinstance(schema, list):
        return [_moved(one, root) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str) and (value == "#" or value.startswith("#/")):
            made[key] = root + value[1:]
        elif key in possible.NAMED and isinstance(value, Mapping):
            made[key] = {name: _moved(one, root) for name, one in value.items()}
        elif key not in ("$id", "$schema"):  # of a document of its own, which it is no longer
            made[key] = value if key in possible.VALUES else _moved(value, root)
    return made


def json_words(schema: Mapping[str, Any]) -> Wanted:
    """A schema as a constraint's words."""
    return _bounded("json", json.dumps(schema, ensure_ascii=False))


def _bounded(kind: Literal["json", "regex", "grammar"], words: str) -> Wanted:
    if len(words) > MOST_SCHEMA:
        raise bad(f"the constraint has {len(words):,} characters but at most {MOST_SCHEMA:,} are read; make it smaller")
    return kind, words


class OwnGuide:
    """`guided.Guide` by the project's own automata, for where llguidance is missing."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary, self.trie = vocabulary, Trie(vocabulary.pieces)

    def regex(self, expression: str) -> RegexConstraint:
        """Texts that match a regular expression as a whole."""
        return RegexConstraint(expression, self.vocabulary, self.trie)

    def json_schema(self, schema: Mapping[str, Any]) -> JsonConstraint:
        """JSON that the schema accepts."""
        return JsonConstraint(schema, self.vocabulary, self.trie)

    def grammar(self, lark: str) -> Any:
        """Refused: a grammar needs the package."""
        raise InputError("a grammar needs the package llguidance, which this server has not; send a regex or a schema")


def guide_for(vocabulary: Vocabulary) -> Guide | OwnGuide:
    """The fast engine where it is installed."""
    return OwnGuide(vocabulary) if importlib.util.find_spec("llguidance") is None else Guide(vocabulary)


def compiled(guide: Any, wanted: Wanted) -> Any:
    """The constraint of some words, tried on its first token. Takes milliseconds to seconds: for a thread."""
    kind, words = wanted
    try:
        if kind == "json":
            schema = json.loads(words)
            possible.check_schema(schema)
            made = guide.json_schema(schema)
        elif kind == "regex":
            possible.expanded(words)
            made = guide.regex(words)
        else:
            made = guide.grammar(words)
        if not bool(made.mask(made.start).any()):
            raise InputError("the constraint allows no first token; loosen it")
    except InputError as error:
        raise bad(str(error), code="invalid_constraint") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise bad(f"the constraint cannot be followed: {error}; mend it", code="invalid_constraint") from None
    return made
