"""Single values of a JSON schema as parts of a grammar: literals, numbers, texts, keys; what `json_schema.Builder` is built upon.

The conditions on a value are one automaton (`json_texts`), which is put into the grammar as it stands. What many schemas use (any text, any number, one
character) is a rule of its own, made once. Counted characters are as many calls of one rule, not copies of it.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import MatchesNothing, automaton_of
from groundup.inference.decoding.constrained.expression import Part
from groundup.inference.decoding.constrained.grammar import Grammar
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

LONGEST = 5_000  # items or characters that are counted


def within(bound: Decimal, strict: bool) -> tuple[Decimal, bool]:
    """The smallest whole number that a lower bound lets in, as a bound of its own: above -1 means from 0 on, of which -0 is no spelling.

    >>> within(Decimal("-1"), True), within(Decimal("2.5"), False)
    ((Decimal('0'), False), (Decimal('3'), False))
    """
    least = bound.to_integral_value(ROUND_CEILING)
    return least + (strict and least == bound), False


class Values:
    """A grammar that grows. known: rules by name; paths: where in the schema each stands."""

    def __init__(self) -> None:
        self.grammar = Grammar()
        self.known: dict[str, int] = {}
        self.paths: list[str] = []

    def chain(self, *parts: Part) -> Part:
        """One after another."""
        whole = self.grammar.nothing()
        for part in parts:
            whole = self.grammar.then(whole, part)
        return whole

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
        if whole:
            lows, highs = ([within(*one) for one in some] for some in (lows, highs))
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

    def other_key(self, names: list[str]) -> Part:
        """A key that is none of these."""
        if not names:
            return self.shared("string", EVERY + "*")
        taken = string_automaton("|".join(map(quoted, names)))
        return self.grammar.embed(difference(string_automaton(EVERY + "*"), taken))
