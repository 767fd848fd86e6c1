"""Tokens to text while they come: what was sent is never taken back.

Two things are held back: the bytes of a character that is not whole yet (an emoji may be four tokens), and text that
may still become a stop string (which may be spread over several tokens). Joined, the pieces are the unstreamed text.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


class TextStream:
    """Turns ids into text pieces. `stopped` becomes true when a stop string came; it and all after it are not sent."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()):
        self.tokenizer, self.stop = tokenizer, tuple(stop)
        self.silent = frozenset(tokenizer.special_tokens.values())  # control tokens are no text
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.held = ""
        self.stopped = False

    def push(self, token_id: int) -> str:
        """Take one token; give the text that is now certain, often empty."""
        if self.stopped or token_id in self.silent:
            return ""
        return self._release(self.decoder.decode(self.tokenizer.token_bytes(token_id)))

    def finish(self) -> str:
        """End the text: what was held back, with one replacement character for a broken tail."""
        if self.stopped:
            return ""
        last = self._release(self.decoder.decode(b"", final=True))
        return last if self.stopped else last + self._empty()

    def _release(self, text: str) -> str:
        self.held += text
        ends = [(self.held.find(stop), stop) for stop in self.stop if stop in self.held]
        if ends:
            self.stopped = True
            certain, self.held = self.held[: min(ends)[0]], ""
            return certain
        keep = longest_beginning(self.held, self.stop)
        certain, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return certain

    def _empty(self) -> str:
        held, self.held = self.held, ""
        return held


def longest_beginning(text: str, stops: Iterable[str]) -> int:
    """How many characters at the end of text may still become a stop string.

    >>> longest_beginning("say DEF", ["DEFGHIJ"])
    3
    """
    longest = max((len(stop) for stop in stops), default=1) - 1
    for size in range(min(longest, len(text)), 0, -1):
        if any(stop.startswith(text[-size:]) for stop in stops):
            return size
    return 0


def adds_a_blank(tokenizer: Any) -> bool:
    """Whether a text's first word brings a blank that the text has not, as SentencePiece's does."""
    ids = tokenizer.encode("a")
    return bool(ids) and tokenizer.decode(ids) == "a" and tokenizer.token_bytes(ids[0]).startswith(b" ")


def as_a_beginning(pieces: Iterator[str], tokenizer: Any) -> Iterator[str]:
    """The pieces of a text that continues nothing: without the blank before its first word, if the tokenizer adds one."""
    blank = adds_a_blank(tokenizer)
    for number, piece in enumerate(pieces):
        yield piece.removeprefix(" ") if blank and number == 0 else piece


def same_tokens(one: Any, other: Any) -> bool:
    """Whether two tokenizers mean the same by every id."""
    count = one.vocab_size
    return count == other.vocab_size and all(one.token_bytes(id) == other.token_bytes(id) for id in range(count))
