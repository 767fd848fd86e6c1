"""Exact duplicates: a document or a paragraph that was seen before, white space apart, is dropped.

A model that meets a text many times learns it by heart instead of learning from it, and a held-out text that also stands
in the training data measures memory (Lee et al. 2021, arXiv:2107.06499). Passing the training documents first and the
held-out ones after them through one `Seen` removes both kinds. Texts shorter than `min_characters` always stay.
"""

import hashlib
from collections.abc import Iterable, Iterator

from groundup.data.documents import Document


class Seen:
    """The fingerprints of what was met so far: 16 bytes a text."""

    def __init__(self, min_characters: int = 0):
        self.min_characters = min_characters
        self.fingerprints: set[bytes] = set()

    def again(self, text: str) -> bool:
        """Whether the text was met before; remember it. An empty or short text never counts as met.

        >>> seen = Seen(); [seen.again(text) for text in ("cat", "dog", "cat ", "")]
        [False, False, True, False]
        """
        words = " ".join(text.split())
        if not words or len(words) < self.min_characters:
            return False
        fingerprint = hashlib.blake2b(words.encode(), digest_size=16).digest()
        known = fingerprint in self.fingerprints
        self.fingerprints.add(fingerprint)
        return known


def documents(source: Iterable[Document], seen: Seen | None = None) -> Iterator[Document]:
    """Pass each document on the first time its text comes."""
    seen = seen or Seen()
    return (document for document in source if not seen.again(document.text))


def paragraphs(source: Iterable[Document], seen: Seen | None = None, min_characters: int = 20) -> Iterator[Document]:
    """Drop from each document the paragraphs that came before; a document of which nothing is left is dropped."""
    seen = seen or Seen(min_characters)
    for document in source:
        kept = [part for part in document.text.split("\n\n") if not seen.again(part)]
        text = "\n\n".join(kept).strip("\n")
        if text:
            yield Document(document.id, text + "\n", document.source, document.metadata)
