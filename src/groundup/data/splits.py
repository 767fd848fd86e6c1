"""A part of the user's own text is held out, so that a model can be measured on what it has not read: even of one file.

The corpus is looked at as units: a document, or, of a long one, blocks cut at blank lines. The units whose text has the
smallest hashes are held out until a share of all characters is reached. Hashes of the text itself make the choice the
same whatever the files are called and in whatever order they come, and put two equal blocks on the same side.
Neighbouring blocks of one side are joined again, so the training text has no more gaps than were cut into it.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

from groundup.data.dedup import exact
from groundup.data.documents import Document
from groundup.errors import InputError

SHARE = 0.04
FEWEST_CHARACTERS = 1_000
BLOCK_CHARACTERS = (200, 4_096)  # a block is the corpus's four-hundredth part within these bounds


def hold_out(
    source: Iterable[Document], share: float = SHARE, most_bytes: int | None = None
) -> tuple[list[Document], list[Document]]:
    """Training documents and held-out ones: about `share` of the characters, at most about `most_bytes` of UTF-8.

    Documents with the same text count once. InputError when there is too little text to hold some of it out.
    """
    documents = list(exact.documents(source))
    characters = sum(len(document.text) for document in documents)
    least, most = BLOCK_CHARACTERS
    units = [unit for document in documents for unit in _units(document, min(most, max(least, characters // 400)))]
    if characters < FEWEST_CHARACTERS or len(units) < 2:
        raise InputError(
            f"the text has {characters:,} characters, too few to train on one part and measure on another; "
            f"pass a longer text ({FEWEST_CHARACTERS:,} characters at least, a million to see a model learn)"
        )
    wanted = share * characters
    if most_bytes is not None:
        size = sum(len(document.text.encode(errors="surrogatepass")) for document in documents)
        wanted = min(wanted, most_bytes * characters / size)
    heldout = _chosen(units, wanted)
    sides = [[unit for unit, out in zip(units, heldout, strict=True) if out == side] for side in (False, True)]
    train, measured = (list(_joined(side)) for side in sides)
    return train, measured


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """A piece of a document that is held out or not as a whole; number: its place in the document."""

    document: Document
    number: int
    text: str


def _units(document: Document, size: int) -> list[_Unit]:
    whole = len(document.text) <= 2 * size
    parts = [document.text] if whole else cut(document.text, size)
    return [_Unit(document, number, part) for number, part in enumerate(parts)]


def cut(text: str, size: int) -> list[str]:
    """Cut a text into blocks of `size` to two times `size` characters: after a blank line, else a line, else a word.

    Joined, the blocks are the text.

    >>> cut("one two\\n\\nthree four five", 6)
    ['one two\\n\\n', 'three ', 'four five']
    """
    blocks, start = [], 0
    while start < len(text):
        end = _place(text, start + size, start + 2 * size)
        blocks.append(text[start:end])
        start = end
    return blocks


def _place(text: str, first: int, last: int) -> int:
    """The best place to cut between two positions; the end of the text when that is near."""
    if last >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", " "):
        found = text.find(mark, first - len(mark), last)
        if found >= 0:
            return found + len(mark)
    return first


def _chosen(units: Sequence[_Unit], characters: float) -> list[bool]:
    """Which units are held out: those of the smallest hashes, until they have so many characters; never all or none.

    Equal units go together; those that are too many for the held-out part are trained.
    """
    groups: dict[bytes, list[int]] = {}
    for place, unit in enumerate(units):
        groups.setdefault(hashlib.sha256(unit.text.encode(errors="surrogatepass")).digest(), []).append(place)
    chosen: list[int] = []
    total = 0
    for _, places in sorted(groups.items())[:-1]:
        if total >= characters:
            break
        size = sum(len(units[place].text) for place in places)
        if len(places) == 1 or size <= characters:
            chosen, total = chosen + places, total + size
    heldout = set(chosen or min(groups.items())[1][:1])
    return [place in heldout for place in range(len(units))]


def _joined(units: Sequence[_Unit]) -> Iterator[Document]:
    """Documents out of units in order: what stood together in one document stands together again."""
    gaps = enumerate(units)
    for _, group in itertools.groupby(gaps, key=lambda pair: (id(pair[1].document), pair[1].number - pair[0])):
        run = [unit for _, unit in group]
        document, first = run[0].document, run[0].number
        text = "".join(unit.text for unit in run)
        name = document.id if len(text) == len(document.text) else f"{document.id}#{first}"
        yield dataclasses.replace(document, id=name, text=text)
