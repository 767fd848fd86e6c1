r"""JSON's strings and numbers as graphs and automata: what a schema may ask of them.

    string    "a", with \" \\ \b \f \n \r \t for what must be escaped, and \u00XX for the other control characters; one way to write each other character
    length    counts characters, not bytes and not escapes
    pattern   matches anywhere in the string, as JSON Schema says, unless it begins with ^ or ends with $
    number    -12.5e-7; between bounds without an exponent, since an automaton compares digit by digit
    multiple  the remainder of the digits so far is the state: r -> (10 r + digit) mod n

Two conditions on one text are one automaton whose states are pairs of states (the product).
RFC 8259, sections 6 and 7; JSON Schema 2020-12, Validation, section 6.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.inference.decoding.constrained.automaton import (
    DEAD,
    Automaton,
    MatchesNothing,
    automaton_of,
    pruned,
    subsets,
)
from groundup.inference.decoding.constrained.expression import Graph, Part, Ranges, Reader, complement

SHORT = {8: b"b", 9: b"t", 10: b"n", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}
CONTROL = (*range(32), 127)
MUST_BE_ESCAPED = ((0, 31), (34, 34), (92, 92), (127, 127))
MOST_PAIRS = 20_000
LARGEST_DIVISOR = 5_000
INTEGER, FRACTION, EXPONENT = r"-?(?:0|[1-9]\d*)", r"(?:\.\d+)?", r"(?:[eE][+-]?\d+)?"
FORMATS = {
    "date": r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))",
    "time": r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    "uuid": r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "ipv4": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    "email": r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
}
FORMATS["date-time"] = f"{FORMATS['date']}T{FORMATS['time']}"
EVERY = r"(?:.|\n)"


class JsonReader(Reader):
    """Reads a regular expression about a string's characters into the bytes with which JSON writes them."""

    def characters(self, ranges: Ranges) -> Part:
        """One character of these, as JSON writes it."""
        parts = []
        inside = complement((*complement(ranges), *MUST_BE_ESCAPED))
        if any(low < 0xD800 or high > 0xDFFF for low, high in inside):
            parts.append(super().characters(inside))
        for code in sorted({*CONTROL, *SHORT}):
            if any(low <= code <= high for low, high in ranges):
                parts += [self._bytes(b"\\" + SHORT[code])] if code in SHORT else []
                parts += [self._code(code)] if code in CONTROL else []
        return self.graph.either(parts) if parts else super().characters(())

    def _bytes(self, text: bytes) -> Part:
        whole = self.graph.nothing()
        for byte in text:
            whole = self.graph.then(whole, self.graph.bytes(byte, byte))
        return whole

    def _code(self, code: int) -> Part:
        """Backslash, u and four hexadecimal digits, small or capital."""
        whole = self._bytes(b"\\u00")
        for digit in f"{code:02x}":
            both = [self.graph.bytes(ord(one), ord(one)) for one in sorted({digit, digit.upper()})]
            whole = self.graph.then(whole, self.graph.either(both))
        return whole


def string_part(graph: Graph, expression: str) -> Part:
    """A string in quotes whose characters match the expression as a whole."""
    reader = JsonReader(expression)
    reader.graph = graph
    read = reader.read()
    whole = (read.start, read.end)
    return graph.then(graph.then(graph.bytes(34, 34), whole), graph.bytes(34, 34))


def character_automaton(expression: str) -> Automaton:
    """The same without quotes."""
    reader = JsonReader(expression)
    return pruned(subsets(reader.read()))


def string_automaton(expression: str) -> Automaton:
    """The same as an automaton of its own."""
    graph = Graph()
    graph.start, graph.end = string_part(graph, expression)
    return pruned(subsets(graph))


def quoted(text: str) -> str:
    """An expression that matches this text."""
    return "".join(one if (one.isalnum() and one.isascii()) or ord(one) > 127 else rf"\u{ord(one):04x}" for one in text)


def whole_pattern(pattern: str) -> str:
    """An expression for the whole text, of one that is looked for in it: ^ and $ hold it, each alternative for itself."""
    return "|".join(
        f"{'' if one.startswith('^') else EVERY + '*'}(?:{_unheld(one)}){'' if _held_at_end(one) else EVERY + '*'}"
        for one in alternatives(pattern)
    )


def alternatives(pattern: str) -> list[str]:
    """The parts between the | that stand in no bracket.

    >>> alternatives(r"^a|(b|c)|[|]")
    ['^a', '(b|c)', '[|]']
    """
    parts, depth, within, place = [""], 0, False, 0
    while place < len(pattern):
        sign = pattern[place : place + (2 if pattern[place] == "\\" else 1)]
        place += len(sign)
        within = (within or sign == "[") and sign != "]"
        depth += 0 if within else {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and not depth and not within:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _held_at_end(pattern: str) -> bool:
    stripped = pattern.rstrip("$")
    return pattern.endswith("$") and (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 0


def _unheld(pattern: str) -> str:
    return pattern.removeprefix("^").removesuffix("$" if _held_at_end(pattern) else "")


def combined(one: Automaton, other: Automaton, ends: Callable[[bool, bool], bool], both: bool = True) -> Automaton:
    """The product: follow two automata at once. ends: whether a text may end, from whether it may in each; both: both must go on."""
    numbers, waiting, rows = {(0, 0): 0}, [(0, 0)], []
    for first, second in waiting:  # grows as new pairs are met
        left = one.next_state[first]
        right = other.next_state[second] if second != DEAD else np.full(256, DEAD, dtype=np.int32)
        row = np.full(256, DEAD, dtype=np.int32)
        goes = (left != DEAD) & ((right != DEAD) | (not both))
        for byte in np.flatnonzero(goes).tolist():
            pair = (int(left[byte]), int(right[byte]))
            if pair not in numbers:
                numbers[pair] = len(numbers)
                waiting.append(pair)
            row[byte] = numbers[pair]
        rows.append(row)
        if len(numbers) > MOST_PAIRS:
            raise InputError(f"its conditions together need over {MOST_PAIRS:,} states; make one of them smaller")
    final = [ends(bool(one.final[first]), second != DEAD and bool(other.final[second])) for first, second in waiting]
    return pruned(Automaton(np.stack(rows), np.array(final)))


def intersection(one: Automaton, other: Automaton) -> Automaton:
    """The texts of both; InputError where there is none."""
    return combined(one, other, lambda first, second: first and second)


def difference(one: Automaton, other: Automaton) -> Automaton:
    """The texts of the one that are none of the other's."""
    return combined(one, other, lambda first, second: first and not second, both=False)


def _digits(value: Decimal) -> tuple[str, str]:
    """Those before the point, and those behind it without zeros at the end."""
    before, _, behind = format(abs(value), "f").partition(".")
    return before.lstrip("0") or "0", behind.rstrip("0")


def at_least(value: Decimal, strict: bool, fraction: str = FRACTION) -> str:
    """An expression for the numbers without a sign that are at least (strict: above) this one, which is not negative."""
    before, behind = _digits(value)
    size = len(before)
    found = [rf"[1-9]\d{{{size},}}{fraction}"]
    for place, digit in enumerate(before):
        if digit != "9":
            found.append(rf"{before[:place]}[{int(digit) + 1}-9]\d{{{size - place - 1}}}{fraction}")
    if fraction:
        some = r"\d*[1-9]\d*" if strict else r"\d*"
        found += [
            rf"{before}\.{behind[:place]}[{int(digit) + 1}-9]\d*" for place, digit in enumerate(behind) if digit != "9"
        ]
        found.append(rf"{before}\.{behind}{some}" if behind or strict else rf"{before}{fraction}")
    elif not behind and not strict:
        found.append(before)
    return "|".join(found)


def at_most(value: Decimal, strict: bool, fraction: str = FRACTION) -> str:
    """An expression for the numbers without a sign that are at most (strict: below) this one; "" where there is none."""
    before, behind = _digits(value)
    size, found = len(before), []
    if size > 1:
        found.append(rf"(?:0|[1-9]\d{{0,{size - 2}}}){fraction}")
    for place, digit in enumerate(before):
        least = 1 if place == 0 and size > 1 else 0
        if int(digit) > least:
            found.append(rf"{before[:place]}[{least}-{int(digit) - 1}]\d{{{size - place - 1}}}{fraction}")
    if behind or not strict:
        found.append(before)
    if fraction:
        found += [
            rf"{before}\.{behind[:place]}[0-{int(digit) - 1}]\d*" for place, digit in enumerate(behind) if digit != "0"
        ]
        found += [rf"{before}\.{behind[:place]}" for place in range(1, len(behind))]
        found += [] if strict else [rf"{before}\.{behind}0*" if behind else rf"{before}\.0+"]
    return "|".join(found)


def multiple_of(divisor: Decimal) -> Automaton:
    """Numbers without an exponent that are a multiple of this one."""
    places = max(-int(divisor.normalize().as_tuple().exponent), 0)
    unit = int(divisor.scaleb(places))
    if not 0 < unit <= LARGEST_DIVISOR:
        raise InputError(f"multipleOf={divisor} is not followed; use a number above 0 of few digits, such as 5 or 0.01")
    start = ("sign", 0, 0)
    numbers, waiting, rows = {start: 0}, [start], []
    for phase, rest, used in waiting:  # grows as new ones are met
        row = np.full(256, DEAD, dtype=np.int32)
        moves: dict[int, Any] = (
            {45: ("first", 0, 0)} if phase == "sign" else {46: ("point", rest, 0)} if phase == "whole" else {}
        )
        for digit in range(10):
            if phase in ("sign", "first", "whole"):
                moves[48 + digit] = ("whole", (10 * rest + digit) % unit, 0)
            elif used < places:
                moves[48 + digit] = ("fraction", (10 * rest + digit) % unit, used + 1)
            elif digit == 0:
                moves[48] = ("fraction", rest, used)
        for byte, target in moves.items():
            if target not in numbers:
                numbers[target] = len(numbers)
                waiting.append(target)
            row[byte] = numbers[target]
        rows.append(row)
    final = [
        phase in ("whole", "fraction") and rest * 10 ** (places - used) % unit == 0 for phase, rest, used in waiting
    ]
    return pruned(Automaton(np.stack(rows), np.array(final)))


def number_automata(
    low: Decimal | None, high: Decimal | None, open_low: bool, open_high: bool, whole: bool
) -> list[Automaton]:
    """The numbers without an exponent between two bounds (None: free; open: without the bound itself): those without a sign, and those with one."""
    fraction = "" if whole else FRACTION
    plain, signed = [rf"(?:0|[1-9]\d*){fraction}"], [rf"(?:0|[1-9]\d*){fraction}"]
    if low is not None and low >= 0:
        plain.append(at_least(low, open_low, fraction))
    if high is not None and high >= 0:
        plain.append(at_most(high, open_high, fraction))
    if high is not None and (high < 0 or (high == 0 and open_high)):
        signed.append(at_least(-high, open_high, fraction))
    if low is not None and low < 0:
        signed.append(at_most(-low, open_low, fraction))
    found = []
    for sign, conditions, there in (("", plain, high is None or high >= 0), ("-", signed, low is None or low < 0)):
        if there and all(conditions):
            if (made := together([automaton_of(f"{sign}(?:{one})") for one in conditions])) is not None:
                found.append(made)
    return found


def together(automata: list[Automaton]) -> Automaton | None:
    """The texts of all of them; None where there is none."""
    whole = automata[0]
    for one in automata[1:]:
        try:
            whole = intersection(whole, one)
        except MatchesNothing:
            return None
    return whole


def compact(value: Any) -> str:
    """A value as JSON without blanks; InputError where it has no such form."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise InputError(
            f"{value!r} is no value of JSON; use strings, finite numbers, true, false, null, lists and objects"
        ) from None
