r"""Regular expressions: read into a graph of bytes (an NFA), by Thompson's construction.

    a  .  \d \w \s \D \W \S  \n \t \r \f \v \0  \x41 \u00e9  [a-z_] [^"]  (a) (?:a)  a|b  a* a+ a?  a{3} a{2,} a{2,5}

The whole text must match, so ^ and $ stand for nothing and are refused; . is any character but a newline; the classes are those of ASCII.
Characters become their UTF-8 bytes, since tokens may end within one: a range of code points is cut into runs whose bytes vary
independently. Thompson 1968, Communications of the ACM 11(6), gives each operator a small graph with one way in and one way out.
Left out: look-around, back-references (no finite automaton has them), lazy repeats (they match the same texts), flags.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from groundup.errors import InputError

LARGEST_GRAPH = 50_000  # nodes; a{1000} has 2,000, .{1000} some 20,000
DEEPEST = 100  # brackets within brackets
LAST = 0x10FFFF  # of Unicode's code points
DIGITS = ((48, 57),)
WORDS = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACES = ((9, 13), (32, 32))
CLASSES = {"d": DIGITS, "w": WORDS, "s": SPACES}
NAMED = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "0": 0}
HEXADECIMAL = {"x": 2, "u": 4}


class TooLarge(InputError):
    """An expression whose repeats, written out, are more than can be followed."""


Ranges = tuple[tuple[int, int], ...]
Part = tuple[int, int]  # the node where it is entered, and the one where it is left


@dataclass
class Graph:
    """Nodes with steps for nothing (`free`) and for a byte from low to high (`byte`)."""

    free: list[list[int]] = field(default_factory=list)
    byte: list[tuple[int, int, int] | None] = field(default_factory=list)
    start: int = 0
    end: int = 0

    def node(self) -> int:
        """A new node; InputError where there are too many."""
        if len(self.free) >= LARGEST_GRAPH:
            raise TooLarge(f"the regular expression is too large: over {LARGEST_GRAPH:,} nodes; use smaller repeats")
        self.free.append([])
        self.byte.append(None)
        return len(self.free) - 1

    def bytes(self, low: int, high: int) -> Part:
        """One byte of a range."""
        first, last = self.node(), self.node()
        self.byte[first] = (low, high, last)
        return first, last

    def nothing(self) -> Part:
        """The empty text."""
        return (self.node(),) * 2

    def then(self, one: Part, other: Part) -> Part:
        """One after the other."""
        self.free[one[1]].append(other[0])
        return one[0], other[1]

    def either(self, parts: list[Part]) -> Part:
        """Any of them."""
        if len(parts) == 1:
            return parts[0]
        first, last = self.node(), self.node()
        for start, end in parts:
            self.free[first].append(start)
            self.free[end].append(last)
        return first, last


def complement(ranges: Ranges) -> Ranges:
    """All code points but these."""
    found, following = [], 0
    for low, high in sorted(ranges):
        if low > following:
            found.append((following, low - 1))
        following = max(following, high + 1)
    return (*found, (following, LAST)) if following <= LAST else tuple(found)


def utf8_runs(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    """Cut a range of code points into runs, each a byte range for every place that together give exactly its characters.

    >>> [run for run in utf8_runs(0x7E, 0x81)]
    [[(126, 127)], [(194, 194), (128, 129)]]
    """
    for edge in (
        0x7F,
        0x7FF,
        0xD7FF,
        0xDFFF,
        0xFFFF,
    ):  # where UTF-8 grows by a byte, and the surrogates, which are no characters
        if low <= edge < high:
            yield from utf8_runs(low, edge)
            yield from utf8_runs(edge + 1, high)
            return
    if 0xD800 <= low <= 0xDFFF:
        return
    for places in (1, 2, 3):  # the last `places` bytes hold 6 bits each: cut so that they run from all-0 to all-1
        tail = (1 << 6 * places) - 1
        if low >= 0x80 and low & ~tail != high & ~tail:
            if low & tail:
                yield from utf8_runs(low, low | tail)
                yield from utf8_runs((low | tail) + 1, high)
                return
            if high & tail != tail:
                yield from utf8_runs(low, (high & ~tail) - 1)
                yield from utf8_runs(high & ~tail, high)
                return
    yield list(zip(chr(low).encode(), chr(high).encode(), strict=True))


class Reader:
    """Reads an expression from left to right; `place` is where it is."""

    def __init__(self, text: str):
        self.text, self.place, self.graph, self.depth = text, 0, Graph(), 0

    def read(self) -> Graph:
        """The graph of the whole expression."""
        self.graph.start, self.graph.end = self.choice()
        if self.place < len(self.text):
            raise self.wrong("a ) closes nothing", r"write \) for the character")
        return self.graph

    def wrong(self, what: str, way_out: str) -> InputError:
        """What is wrong, and where."""
        return InputError(f"the regular expression cannot be read at character {self.place + 1}: {what}; {way_out}")

    def take(self, expected: str = "") -> str:
        """The next character; with `expected` only if it is that."""
        if self.place >= len(self.text) or (expected and self.text[self.place] != expected):
            return ""
        self.place += 1
        return self.text[self.place - 1]

    def choice(self) -> Part:
        """a|b"""
        parts = [self.sequence()]
        while self.take("|"):
            parts.append(self.sequence())
        return self.graph.either(parts)

    def sequence(self) -> Part:
        """ab"""
        whole = self.graph.nothing()
        while self.place < len(self.text) and self.text[self.place] not in "|)":
            whole = self.graph.then(whole, self.repeated())
        return whole

    def repeated(self) -> Part:
        """a, a*, a+, a?, a{2,5}: an atom is read again for each copy."""
        begin = self.place
        part, after = self.atom(), self.place
        least, most = self.times()
        end = self.place
        if least == most == 1:
            return part
        if self.text[end : end + 1] in ("*", "+", "?"):
            raise self.wrong("a repeat of a repeat", "put the inner one in brackets, as in (?:a*)?")
        whole, last = self.graph.nothing(), self.graph.node()
        for number in range(max(least, 1) if most is None else most):
            if number >= least:
                self.graph.free[whole[1]].append(last)  # straight to the end: what is left out costs one step
            if number:
                self.place = begin
                part = self.atom()
                assert self.place == after, f"{self.place} is not {after}"
            whole = self.graph.then(whole, part)
            if most is None and number >= least - 1:
                self.graph.free[part[1]].append(part[0])
        self.graph.free[whole[1]].append(last)
        self.place = end
        return whole[0], last

    def times(self) -> tuple[int, int | None]:
        """How often, least and most (None: no end)."""
        if (sign := self.text[self.place : self.place + 1]) and sign in "*+?":
            self.place += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        if sign != "{":
            return 1, 1
        inside, closed, _ = self.text[self.place + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not closed or not all(one in "0123456789" for one in low + high) or not low:
            raise self.wrong("{ begins no count", r"write {3}, {2,} or {2,5}, or \{ for the character")
        # leading zeros say nothing, and nine digits are too many repeats already
        low, high = (digits and (digits.lstrip("0")[:9] or "0") for digits in (low, high))
        least, most = int(low), int(high) if high else None if comma else int(low)
        if most is not None and most < least:
            raise self.wrong(f"{{{inside}}} ends below its beginning", "give the smaller number first")
        if max(least, most or 0) > LARGEST_GRAPH:
            raise TooLarge(
                f"the regular expression is too large: {{{inside}}} repeats more than {LARGEST_GRAPH:,} times; use fewer"
            )
        self.place += len(inside) + 2
        return least, most

    def atom(self) -> Part:
        """One character, a class, or an expression in brackets."""
        sign = self.take()
        if sign == "(":
            return self.bracket()
        if sign == "[":
            return self.characters(self.class_())
        if sign == ".":
            return self.characters(complement(((10, 10),)))
        if sign == "\\":
            return self.characters(self.escape())
        if sign in "*+?{^$":
            self.place -= 1
            if sign in "^$":
                raise self.wrong(
                    f"{sign} is not needed, as the whole text must match",
                    rf"leave it out, or write \{sign} for the character",
                )
            raise self.wrong(f"{sign} repeats nothing", rf"put something before it, or write \{sign} for the character")
        return self.characters(((ord(sign),) * 2,))

    def bracket(self) -> Part:
        """(a) or (?:a)"""
        if self.take("?") and not self.take(":"):
            raise self.wrong("(? begins something that is not understood here", "use (?:...) or (...)")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"brackets stand more than {DEEPEST} deep", "make them fewer")
        whole = self.choice()
        self.depth -= 1
        if not self.take(")"):
            raise self.wrong("a ( is not closed", r"add the ), or write \( for the character")
        return whole

    def class_(self) -> Ranges:
        """[a-z], after its first bracket."""
        negative, found = bool(self.take("^")), []  # type: bool, list[tuple[int, int]]
        while not self.take("]"):
            if self.place >= len(self.text):
                raise self.wrong("a [ is not closed", r"add the ], or write \[ for the character")
            found.extend(self.span())
        if not found:
            raise self.wrong("a [ ] is empty", r"put characters in it, and write \] for the character ]")
        return complement(tuple(found)) if negative else tuple(found)

    def span(self) -> Ranges:
        """a, a-z or a class such as \\d, within [ ]."""
        low = self.member()
        after = self.text[self.place : self.place + 2]
        if after[:1] != "-" or after[1:] in ("", "]") or low[0][0] != low[-1][1]:
            return low
        self.place += 1
        high = self.member()
        if high[0][0] != high[-1][1] or high[0][0] < low[0][0]:
            raise self.wrong(
                "a range in [ ] runs backwards, or has a class at its end", "give the smaller character first"
            )
        return ((low[0][0], high[0][0]),)

    def member(self) -> Ranges:
        """One character or class within [ ]."""
        sign = self.take()
        return self.escape() if sign == "\\" else ((ord(sign),) * 2,)

    def escape(self) -> Ranges:
        r"""What stands after a \."""
        sign = self.take()
        if sign.lower() in CLASSES and sign:
            return CLASSES[sign] if sign in CLASSES else complement(CLASSES[sign.lower()])
        if sign in HEXADECIMAL:
            digits = self.text[self.place : self.place + HEXADECIMAL[sign]]
            if len(digits) < HEXADECIMAL[sign] or any(one not in "0123456789abcdefABCDEF" for one in digits):
                raise self.wrong(rf"\{sign} needs {HEXADECIMAL[sign]} hexadecimal digits", r"write \x41 or \u00e9")
            self.place += len(digits)
            return ((int(digits, 16),) * 2,)
        if not sign or (sign.isalnum() and sign not in NAMED):
            raise self.wrong(rf"\{sign} means nothing here", r"write \\ for the character \ itself")
        return ((NAMED.get(sign, ord(sign)),) * 2,)

    def characters(self, ranges: Ranges) -> Part:
        """One character of these, as bytes."""
        parts = []
        for low, high in ranges:
            for run in utf8_runs(low, high):
                whole = self.graph.bytes(*run[0])
                for place in run[1:]:
                    whole = self.graph.then(whole, self.graph.bytes(*place))
                parts.append(whole)
        if not parts:
            raise self.wrong("a class allows no character", "change it so that it does")
        return self.graph.either(parts)


def graph_of(expression: str) -> Graph:
    """Read a regular expression; InputError with the place and the way out where it cannot be read."""
    return Reader(expression).read()
