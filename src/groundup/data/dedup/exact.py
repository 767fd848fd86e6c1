"""Exact duplicates: a document, a paragraph or a line that was seen before, white space apart, is dropped.

A model that meets a text many times learns it by heart instead of learning from it, and a held-out text that stands in
the training data too measures memory (Lee et al. 2021, arXiv:2107.06499). Passing the training documents first and the
held-out ones after them with the same `Seen` removes both kinds.

Length decides nothing about whole documents: "cat" and "dog" are two documents, and both stay. Of paragraphs, those of
`min_characters` or more can be dropped, because short ones ("Example:") belong to what stands around them.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

from groundup.data.documents import Document


class Seen:
    """The fingerprints of the texts met so far: 16 bytes each."""

    def __init__(self) -> None:
        self.fingerprints: set[bytes] = set()

    def again(self, text: str) -> bool:
        """Whether the text was met before; remember it. A text without a word never counts as met.

        >>> seen = Seen(); [seen.again(text) for text in ("cat", "dog", " cat", "")]
        [False, False, True, False]
        """
        words = " ".join(text.split())
        fingerprint = hashlib.blake2b(words.encode(errors="surrogatepass"), digest_size=16).digest()
        known = fingerprint in self.fingerprints
        self.fingerprints.add(fingerprint)
        return known and bool(words)


def documents(source: Iterable[Document], seen: Seen | None = None) -> Iterator[Document]:
    """Pass each document on the first time its text comes."""
    seen = Seen() if seen is None else seen
    return (document for document in source if not seen.again(document.text))


def paragraphs(source: Iterable[Document], seen: Seen | None = None, min_characters: int = 60) -> Iterator[Document]:
    """Drop from each document the paragraphs that came before; a document of which nothing is left is dropped."""
    return _parts(source, seen, min_characters, "\n\n")


def lines(source: Iterable[Document], seen: Seen | None = None, min_characters: int = 60) -> Iterator[Document]:
    """The same for lines: menus and notices, where paragraphs are not set apart by an empty line."""
    return _parts(source, seen, min_characters, "\n")


def _parts(source: Iterable[Document], seen: Seen | None, min_characters: int, between: str) -> Iterator[Document]:
    seen = Seen() if seen is None else seen
    for document in source:
        text = between.join(new_paragraphs(document.text, seen, min_characters, between))
        if text.strip():
            yield dataclasses.replace(document, text=text)


def new_paragraphs(text: str, seen: Seen, min_characters: int = 60, between: str = "\n\n") -> list[str]:
    """The paragraphs of a text without those that were met before; all are remembered. between: what stands between two.

    >>> new_paragraphs("A long one.\\n\\nshort\\n\\nA long one.\\n\\nshort", Seen(), min_characters=8)
    ['A long one.', 'short', 'short']
    """
    return [part for part in text.split(between) if len(part) < min_characters or not seen.again(part)]
