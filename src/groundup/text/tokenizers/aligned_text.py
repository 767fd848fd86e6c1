"""A text that remembers where each of its characters came from, while normalisers and splitters change it.

Lower-casing, `①` to `1`, a `▁` put in front: after a few of these steps nobody knows which part of the user's text a token
stands for. Every step therefore edits an `AlignedText`; whoever needs only ids leaves the places out, and the same step
is then a plain string operation. Left out: places inside a character (they count characters, not bytes).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

Place = tuple[int, int]  # first character and the one after the last, in the text that came in


class AlignedText(NamedTuple):
    """A text or a part of one. places: of each character, or None; first: whether it begins the text that came in.

    A tuple, because a tokenizer makes one for each piece: a frozen dataclass takes three times as long to make.
    """

    text: str
    places: tuple[Place, ...] | None = None
    first: bool = True

    @classmethod
    def of(cls, text: str) -> Self:
        """A text as it came in, with the places of its characters."""
        return cls(text, tuple((i, i + 1) for i in range(len(text))))

    def between(self, start: int, end: int) -> "AlignedText":
        """The part from one character to before another."""
        places = None if self.places is None else self.places[start:end]
        return AlignedText(self.text[start:end], places, self.first and start == 0)

    def edited(self, edits: Iterable[tuple[int, int, str]]) -> "AlignedText":
        """The text with each part (start, end) exchanged for another text. What is new stands for all that it replaces.

        What is inserted (start == end) stands for the character behind it, at the end for the one before.

        >>> AlignedText.of("ﬁne").edited([(0, 1, "fi")]).places
        ((0, 1), (0, 1), (1, 2), (2, 3))
        """
        texts: list[str] = []
        places: list[Place] = []
        last = 0
        for start, end, new in edits:
            texts += [self.text[last:start], new]
            if self.places is not None:
                places += [*self.places[last:start], *[self._place(start, end)] * len(new)]
            last = end
        texts.append(self.text[last:])
        kept = None if self.places is None else (*places, *self.places[last:])
        return AlignedText("".join(texts), kept, self.first)

    def _place(self, start: int, end: int) -> Place:
        assert self.places is not None
        if not self.places:
            return 0, 0
        if start == end:
            return self.places[min(start, len(self.places) - 1)]
        return self.places[start][0], self.places[end - 1][1]

    def spelled(self, table: Mapping[int, str]) -> "AlignedText":
        """Every character exchanged for what stands in the table under its code point; the table knows all of them."""
        if self.places is None:
            return AlignedText(self.text.translate(table), None, self.first)
        changed = ((i, table[ord(character)]) for i, character in enumerate(self.text))
        return self.edited((i, i + 1, new) for i, new in changed if new != self.text[i])

    def whole_place(self, start: int, end: int) -> Place:
        """The part of the text that came in for which the characters from `start` to before `end` stand."""
        assert self.places is not None
        if start >= end:
            edge = self.places[start][0] if start < len(self.places) else self.places[-1][1] if self.places else 0
            return edge, edge
        return self.places[start][0], max(self.places[start][1], self.places[end - 1][1])


class SpellingTable(dict[int, str]):
    """What becomes of each code point, asked once and then kept: for `AlignedText.spelled`."""

    def __init__(self, spelling: Any) -> None:
        """spelling: a function from a character to the text that stands for it."""
        super().__init__()
        self._spelling = spelling

    def __missing__(self, code: int) -> str:
        """Ask and keep."""
        self[code] = new = self._spelling(chr(code))
        return new


def occurrences(text: str, wanted: str) -> Iterator[Place]:
    """Where a string stands in a text, from the left and without overlap.

    >>> list(occurrences("banana", "an"))
    [(1, 3), (3, 5)]
    """
    start = text.find(wanted)
    while wanted and start >= 0:
        yield start, start + len(wanted)
        start = text.find(wanted, start + len(wanted))
