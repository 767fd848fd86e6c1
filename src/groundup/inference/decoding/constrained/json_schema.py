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
from decimal import Decimal
from typing import Any

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import MatchesNothing, automaton_of
from groundup.inference.decoding.constrained.expression import Part
from groundup.inference.decoding.constrained.json_merging import merged, parts_of
from groundup.inference.decoding.constrained.json_texts import (
    EVERY,
    EXPONENT,
    FORMATS,
    FRACTION,
    INTEGER,
    character_automaton,
    compact,
    difference,
    multiple_of,
    number_automata,
    quoted,
    string_automaton,
    string_part,
    together,
    whole_pattern,
)
from groundup.inference.decoding.constrained.masks import Trie, Vocabulary
from groundup.inference.decoding.constrained.pushdown import Grammar, Pushdown, PushdownConstraint, finite

OF_CONTAINERS = {"properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"}
MOST_RULES, LONGEST_RULE = 5_000, 200_000  # characters
LONGEST = 5_000  # items or characters that are counted
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
Schema = Mapping[str, Any] | bool


class Builder:
    """Makes the rules of a schema; `queue`: those that are named and not made."""

    def __init__(self, schema: Schema):
        self.root, self.grammar = schema, Grammar()
        self.known: dict[str, int] = {}
        self.paths: list[str] = []
        self.queue: list[tuple[int, Any, str]] = []
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

    def chain(self, *parts: Part) -> Part:
        """One after another."""
        whole = self.grammar.nothing()
        for part in parts:
            whole = self.grammar.then(whole, part)
        return whole

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
        """The values of enum and const that fit the conditions beside them; of a list or an object its type counts."""
        rest = {key: value for key, value in wanted.items() if key != "enum" and key not in OF_CONTAINERS}
        plain = Pushdown(Builder(rest).grammar) if rest else None
        names, found = wanted.get("type", TYPES), []
        for value in wanted["enum"]:
            if isinstance(value, (list, dict)):
                fits = ("array" if isinstance(value, list) else "object") in names
            else:
                fits = plain is None or plain.matches(compact(value))
            found += [self.literal(value)] if fits else []
        return self.grammar.either(found or [self.grammar.never()])

    def literal(self, value: Any) -> Part:
        """One value, its strings in all their spellings."""
        if isinstance(value, str):
            return string_part(self.grammar, quoted(value))
        if isinstance(value, list):
            inside = [part for one in value for part in (self.grammar.literal(b","), self.literal(one))][1:]
            return self.chain(self.grammar.literal(b"["), *inside, self.grammar.literal(b"]"))
        if isinstance(value, Mapping):
            pairs = [
                part
                for key, one in value.items()
                for part in (
                    self.grammar.literal(b","),
                    self.literal(key),
                    self.grammar.literal(b":"),
                    self.literal(one),
                )
            ]
            return self.chain(self.grammar.literal(b"{"), *pairs[1:], self.grammar.literal(b"}"))
        return self.grammar.literal(compact(value).encode())

    def shared(self, name: str, expression: str, make: Any = string_automaton) -> Part:
        """A rule that many schemas use, made once."""
        if name not in self.known:
            self.known[name] = len(self.paths)
            self.paths.append("#")
            self.grammar.rules.append(self.grammar.embed(make(expression)))
        return self.grammar.call(self.known[name])

    def integer(self, wanted: Mapping[str, Any], path: str) -> Part:
        """A whole number, without a point."""
        return self.number(wanted, path, whole=True)

    def number(self, wanted: Mapping[str, Any], path: str, whole: bool = False) -> Part:
        """A number; between bounds, or as a multiple, without an exponent."""
        lows = [
            (Decimal(str(wanted[key])), strict)
            for key, strict in (("minimum", False), ("exclusiveMinimum", True))
            if key in wanted
        ]
        highs = [
            (-Decimal(str(wanted[key])), strict)
            for key, strict in (("maximum", False), ("exclusiveMaximum", True))
            if key in wanted
        ]
        if not lows and not highs and "multipleOf" not in wanted:
            name = "integer" if whole else "number"
            return self.shared(name, INTEGER if whole else INTEGER + FRACTION + EXPONENT, automaton_of)
        (low, open_low), (high, open_high) = (max(some) if some else (None, False) for some in (lows, highs))
        found = number_automata(low, None if high is None else -high, open_low, open_high, whole)
        if "multipleOf" in wanted:
            multiples = multiple_of(Decimal(str(wanted["multipleOf"])))
            found = [both for one in found if (both := together([one, multiples])) is not None]
        return self.grammar.either([self.grammar.embed(one) for one in found] or [self.grammar.never()])

    def string(self, wanted: Mapping[str, Any], path: str) -> Part:
        """A text of some length, or that a pattern or a format describes."""
        least, most = self.counts(wanted, "minLength", "maxLength")
        times = f"{{{least},{'' if most is None else most}}}"
        named = wanted.get("format")
        if named is not None and named not in FORMATS:
            raise InputError(f"format={named!r} is not known; use {', '.join(FORMATS)}, or a pattern")
        asked = [whole_pattern(wanted["pattern"])] if "pattern" in wanted else []
        asked += [FORMATS[named]] if named is not None else []
        if most is not None and most < least:
            return self.grammar.never()
        if not asked and (least, most) == (0, None):
            return self.shared("string", EVERY + "*")
        if not asked:
            return self.counted(least, most)
        if (least, most) != (0, None):
            asked.append(EVERY + times)
        try:
            whole = together([string_automaton(one) for one in asked])
        except MatchesNothing:
            whole = None
        return self.grammar.never() if whole is None else self.grammar.embed(whole)

    def counted(self, least: int, most: int | None) -> Part:
        """So many characters in quotes: as many calls of the rule of one character."""
        graph, quote = self.grammar, b'"'
        whole, last = graph.literal(quote), graph.node()
        for number in range(max(least, 1) if most is None else most):
            if number >= least:
                graph.free[whole[1]].append(last)
            one = self.shared("character", EVERY, character_automaton)
            whole = graph.then(whole, one)
            if most is None and number >= least - 1:
                graph.free[one[1]].append(one[0])
        graph.free[whole[1]].append(last)
        return graph.then((whole[0], last), graph.literal(quote))

    def counts(self, wanted: Mapping[str, Any], low: str, high: str) -> tuple[int, int | None]:
        """Two bounds of a number of things."""
        least, most = wanted.get(low, 0), wanted.get(high)
        for key, count in ((low, least), (high, most)):
            if count is not None and (isinstance(count, bool) or count != int(count) or not 0 <= count <= LONGEST):
                raise InputError(
                    f"{key}={count!r} is not followed; use a whole number up to {LONGEST:,}, or leave it out"
                )
        return int(least), None if most is None else int(most)

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

    def other_key(self, names: list[str]) -> Part:
        """A key that is none of these."""
        if not names:
            return self.shared("string", EVERY + "*")
        taken = string_automaton("|".join(map(quoted, names)))
        return self.grammar.embed(difference(string_automaton(EVERY + "*"), taken))


def grammar_of(schema: Schema) -> Grammar:
    """The grammar of a schema; InputError where it cannot be followed, or no finite text satisfies it."""
    builder = Builder(schema)
    _, done = finite(builder.grammar)
    if not done[0]:
        supposing = finite(Grammar(**{**vars(builder.grammar), "calls": {}, "free": _as_if_done(builder.grammar)}))[1]
        place = next((number for number, fine in enumerate(supposing) if not fine), None)
        if place is None:
            raise InputError(
                "the schema is recursive without end: each value needs another inside it; make a property optional, or give anyOf a way out"
            )
        raise InputError(
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
