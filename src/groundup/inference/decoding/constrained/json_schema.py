"""A JSON schema as a grammar: objects, lists, texts and numbers that call one another, `$ref` as a call of what it names.

    {"type": "object", "properties": {"n": {"type": "integer"}, "ok": {}}, "required": ["n"]}

    object   "{"  key n  ":"  call integer  [","  key ok  ":"  call any]  ...  "}"

Every schema is a rule, equal schemas the same one, so recursion is a rule that calls itself. The JSON has no free blanks: a model that is unsure could
write them without end. Properties come in the order of the schema, those that are only required behind them, further ones last. What a schema does not say
is free: without a type all six are meant, and further properties are allowed. What cannot be followed is refused, and not ignored; so is what no finite text
satisfies, such as a required property that is the object itself.
JSON Schema 2020-12, https://json-schema.org/draft/2020-12. Beside it the llguidance package (`guided.py`), which is faster and knows more.
Left out: not, if, dependent..., contains, uniqueItems, patternProperties, numbers of properties, other files, formats but those of `json_texts.FORMATS`.
"""

from collections.abc import Mapping
from typing import Any

from groundup.errors import InputError
from groundup.inference.decoding.constrained.expression import Part
from groundup.inference.decoding.constrained.grammar import Grammar, finite
from groundup.inference.decoding.constrained.json_merging import NothingFits, merged, parts_of, same
from groundup.inference.decoding.constrained.json_texts import compact
from groundup.inference.decoding.constrained.json_values import Values
from groundup.inference.decoding.constrained.masks import Vocabulary
from groundup.inference.decoding.constrained.pushdown import Pushdown, PushdownConstraint
from groundup.inference.decoding.constrained.trie import Trie

OF_CONTAINERS = {"properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"}
MOST_RULES, LONGEST_RULE = 5_000, 200_000  # characters
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
Schema = Mapping[str, Any] | bool


class Builder(Values):
    """Makes the rules of a schema; `queue`: those that are named and not made."""

    def __init__(self, schema: Schema):
        super().__init__()
        self.root = schema
        self.queue: list[tuple[int, Any, str]] = []
        self.judges: dict[str, Pushdown] = {}  # of conditions on single values
        self.rule(schema, "#")
        while self.queue:
            rule, part, path = self.queue.pop()
            try:
                start, end = self.schema(part, path)
            except InputError as problem:
                said = str(problem)
                raise (
                    problem
                    if said.startswith("the schema")
                    else InputError(f"the schema at {path} cannot be followed: {said}")
                ) from None
            last = self.grammar.node()
            self.grammar.free[end].append(last)
            self.grammar.rules[rule] = (start, last)

    def rule(self, schema: Schema, path: str) -> int:
        """The number of a schema's rule; equal schemas have the same."""
        key = compact(schema)
        if key not in self.known:
            if len(self.paths) > MOST_RULES or len(key) > LONGEST_RULE:
                raise InputError(
                    f"the schema explodes at {path}: it is over {MOST_RULES:,} schemas, or one of over {LONGEST_RULE:,} characters; make it smaller"
                )
            self.known[key] = len(self.paths)
            self.paths.append(path)
            self.grammar.rules.append((-1, -1))
            self.queue.append((self.known[key], schema, path))
        return self.known[key]

    def call(self, schema: Schema, path: str) -> Part:
        """What a schema describes."""
        return self.grammar.never() if schema is False else self.grammar.call(self.rule(schema, path))

    def schema(self, schema: Schema, path: str) -> Part:
        """The graph of one schema."""
        if schema is False:
            return self.grammar.never()
        wanted = merged({} if schema is True else schema, self.root, path)
        if "anyOf" in wanted:
            options = parts_of(wanted)
            return self.grammar.either(
                [self.call(one, f"{path}/anyOf/{place}") for place, one in enumerate(options)] or [self.grammar.never()]
            )
        if "enum" in wanted:
            return self.literals(wanted)
        names = wanted.get("type", [*TYPES])
        makers = {
            "integer": self.integer,
            "number": self.number,
            "string": self.string,
            "array": self.array,
            "object": self.object,
        }
        found = [
            self.grammar.literal(text)
            for name in names
            for text in {"null": [b"null"], "boolean": [b"true", b"false"]}.get(name, [])
        ]
        found += [
            makers[name](wanted, path)
            for name in names
            if name in makers and not (name == "integer" and "number" in names)
        ]
        return self.grammar.either(found or [self.grammar.never()])

    def literals(self, wanted: Mapping[str, Any]) -> Part:
        """The values of enum and const that fit the conditions beside them."""
        rest = {key: value for key, value in wanted.items() if key != "enum"}
        found = [self.literal(value) for value in wanted["enum"] if self.holds(value, rest)]
        return self.grammar.either(found or [self.grammar.never()])

    def holds(self, value: Any, schema: Schema) -> bool:
        """Whether a value is what a schema accepts; whether a number or a text is, its grammar says."""
        wanted = merged(schema, self.root, "#")  # type: ignore[arg-type]
        if "anyOf" in wanted:
            return any(self.holds(value, one) for one in parts_of(wanted))
        if "enum" in wanted and not any(same(value, one) for one in wanted["enum"]):
            return False
        if isinstance(value, list):
            return "array" in wanted.get("type", TYPES) and self._items_hold(value, wanted)
        if isinstance(value, Mapping):
            return "object" in wanted.get("type", TYPES) and self._properties_hold(value, wanted)
        single = {key: one for key, one in wanted.items() if key not in OF_CONTAINERS and key != "enum"}
        if single and (key := compact(single)) not in self.judges:
            self.judges[key] = Pushdown(Builder(single).grammar)
        return not single or self.judges[key].matches(compact(value).replace("\x7f", "\\u007f"))

    def _items_hold(self, value: list[Any], wanted: Mapping[str, Any]) -> bool:
        first, others = wanted.get("prefixItems", []), wanted.get("items", True)
        least, most = self.counts(wanted, "minItems", "maxItems")
        return least <= len(value) <= (len(value) if most is None else most) and all(
            self.holds(one, first[place] if place < len(first) else others) for place, one in enumerate(value)
        )

    def _properties_hold(self, value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
        named, others = wanted.get("properties", {}), wanted.get("additionalProperties", True)
        return all(name in value for name in wanted.get("required", [])) and all(
            self.holds(one, named.get(name, others)) for name, one in value.items()
        )

    def array(self, wanted: Mapping[str, Any], path: str) -> Part:
        """A list: its first items as prefixItems say, the others as items says."""
        first, others = wanted.get("prefixItems", []), wanted.get("items", True)
        least, most = self.counts(wanted, "minItems", "maxItems")
        graph, close = self.grammar, self.grammar.literal(b"]")
        start, here = graph.literal(b"[")
        shown = max(len(first), least, 1) if most is None else most
        for place in range(shown):
            if place >= least:
                graph.free[here].append(close[0])
            schema = first[place] if place < len(first) else others
            item = self.call(schema, f"{path}/prefixItems/{place}" if place < len(first) else f"{path}/items")
            comma = graph.literal(b",") if place else graph.nothing()
            _, here = graph.then((here, here), graph.then(comma, item))
        if shown >= least:
            graph.free[here].append(close[0])
        if most is None:
            again = self.chain(graph.literal(b","), self.call(others, f"{path}/items"))
            graph.free[here].append(again[0])
            graph.free[again[1]].append(here)
        return start, close[1]

    def object(self, wanted: Mapping[str, Any], path: str) -> Part:
        """An object: two chains of nodes, one where nothing was written yet, one where a comma is due."""
        graph, named = self.grammar, dict(wanted.get("properties", {}))
        required, others = wanted.get("required", []), wanted.get("additionalProperties", True)
        named |= {name: others for name in required if name not in named}
        close = graph.literal(b"}")
        start, fresh = graph.literal(b"{")
        later = graph.node()
        for name, schema in named.items():
            key, after, untouched = graph.node(), graph.node(), graph.node()
            value = self.chain(self.literal(name), graph.literal(b":"), self.call(schema, f"{path}/properties/{name}"))
            self._from(key, fresh, later)
            graph.free[key].append(value[0])
            graph.free[value[1]].append(after)
            if name not in required:
                graph.free[fresh].append(untouched)
                graph.free[later].append(after)
            fresh, later = untouched, after
        if others is not False:
            key = graph.node()
            value = self.chain(
                self.other_key([*named]), graph.literal(b":"), self.call(others, f"{path}/additionalProperties")
            )
            self._from(key, fresh, later)
            graph.free[key].append(value[0])
            graph.free[value[1]].append(later)
        for node in (fresh, later):
            graph.free[node].append(close[0])
        return start, close[1]

    def _from(self, key: int, fresh: int, later: int) -> None:
        comma = self.grammar.literal(b",")
        self.grammar.free[fresh].append(key)
        self.grammar.free[later].append(comma[0])
        self.grammar.free[comma[1]].append(key)


def grammar_of(schema: Schema) -> Grammar:
    """The grammar of a schema; InputError where it cannot be followed, or no finite text satisfies it."""
    try:
        builder = Builder(schema)
    except RecursionError:  # of Python's own reader of values, some 900 deep
        raise InputError(
            "the schema is nested too deep to be followed; make it flatter, or give its parts names in $defs"
        ) from None
    _, done = finite(builder.grammar)
    if not done[0]:
        supposing = finite(Grammar(**{**vars(builder.grammar), "calls": {}, "free": _as_if_done(builder.grammar)}))[1]
        place = next((number for number, fine in enumerate(supposing) if not fine), None)
        if place is None:
            raise NothingFits(
                "the schema is recursive without end: each value needs another inside it; make a property optional, or give anyOf a way out"
            )
        raise NothingFits(
            f"the schema is impossible: nothing satisfies {builder.paths[place]}; loosen its conditions, or make it optional"
        )
    return builder.grammar


def _as_if_done(grammar: Grammar) -> list[list[int]]:
    """The free steps, and one across each call."""
    return [
        [*free, grammar.calls[node][1]] if node in grammar.calls else free for node, free in enumerate(grammar.free)
    ]


class JsonConstraint(PushdownConstraint):
    """JSON that a schema accepts, without free blanks; the same interface as `masks.RegexConstraint`."""

    def __init__(self, schema: Schema, vocabulary: Vocabulary, trie: Trie | None = None):
        super().__init__(Pushdown(grammar_of(schema)), vocabulary, trie)
