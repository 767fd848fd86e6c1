"""Decoders: from tokens back to text: `##ing` joins the word before it, `▁` becomes a blank, `<0x0A>` a byte.

The decoders of Hugging Face's tokenizer.json, by their names there, each with one method: `decode` takes the tokens as
texts and gives texts, which joined are the result. Each does what the original does, its oddities included: a first
token `▁▁` loses both signs, and a byte that belongs to no character becomes one U+FFFD, also where two do.
"""

import re
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from typing import Any

from groundup.text.tokenizers.byte_characters import character_bytes
from groundup.text.tokenizers.parts import Part, Pattern, read_part

_CLEANED_UP = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
]  # fmt: skip
_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")


def clean_up(text: str) -> str:
    """Blanks before signs removed, as English is written.

    >>> clean_up(" ,")
    ','
    """
    for with_blank, without in _CLEANED_UP:
        text = text.replace(with_blank, without)
    return text


def byte_of(token: str) -> bytes | None:
    """The byte that a token such as <0x0A> stands for, None for any other."""
    found = _BYTE.fullmatch(token)
    return None if found is None else bytes([int(found[1], 16)])


@dataclass(frozen=True, slots=True)
class ByteLevel(Part):
    """Visible characters to the bytes that they spell; a token with another character stands as it is."""

    add_prefix_space: bool = True
    trim_offsets: bool = True
    use_regex: bool = True

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """One text; bytes that are no UTF-8 become U+FFFD."""
        return [b"".join(map(unspelled, tokens)).decode(errors="replace")]


def unspelled(token: str) -> bytes:
    """The bytes of a token spelled in visible characters, or its own when it is spelled otherwise."""
    known = character_bytes()
    return bytes([known[c] for c in token]) if all(c in known for c in token) else token.encode()


@dataclass(frozen=True, slots=True)
class WordPiece(Part):
    """A blank before each token that does not begin with the prefix."""

    prefix: str = "##"
    cleanup: bool = True

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """The tokens with their blanks."""
        joined = [
            token if i == 0 else token[len(self.prefix) :] if token.startswith(self.prefix) else " " + token
            for i, token in enumerate(tokens)
        ]
        return list(map(clean_up, joined)) if self.cleanup else joined


@dataclass(frozen=True, slots=True)
class Metaspace(Part):
    """The sign that stands for a blank becomes one; in the first token it goes."""

    replacement: str = "▁"
    prepend_scheme: str = "always"
    split: bool = True

    @staticmethod
    def prepared(raw: dict[str, Any]) -> dict[str, Any]:
        """Older files say add_prefix_space."""
        return metaspace_options(raw)

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """The tokens with blanks."""
        first = " " if self.prepend_scheme == "never" else ""
        return [token.replace(self.replacement, first if i == 0 else " ") for i, token in enumerate(tokens)]


def metaspace_options(raw: dict[str, Any]) -> dict[str, Any]:
    """The options of a Metaspace of any age in today's names."""
    raw = {key: value for key, value in raw.items() if key != "str_rep"}
    prefix = raw.pop("add_prefix_space", True)
    if prefix is False:
        raw["prepend_scheme"] = "never"
    if raw.get("prepend_scheme", "always") not in ("always", "first", "never"):
        raise ValueError(f"prepend_scheme {raw['prepend_scheme']!r} is not always, first or never")
    return raw


@dataclass(frozen=True, slots=True)
class BPEDecoder(Part):
    """The suffix that ends a word becomes a blank; at the end of the text it goes."""

    suffix: str = "</w>"

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """The tokens with blanks."""
        last = len(tokens) - 1
        return [token.replace(self.suffix, "" if i == last else " ") for i, token in enumerate(tokens)]


@dataclass(frozen=True, slots=True)
class Replace(Part):
    """Every occurrence of a pattern becomes `content`."""

    pattern: Pattern
    content: str

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """Replace in each token."""
        return [self._replaced(token) for token in tokens]

    def _replaced(self, token: str) -> str:
        parts, last = [], 0
        for start, end in self.pattern.places(token):
            parts += [token[last:start], self.content]
            last = end
        return "".join([*parts, token[last:]])


@dataclass(frozen=True, slots=True)
class ByteFallback(Part):
    """Tokens such as <0x0A> to the characters that their bytes spell."""

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """Runs of bytes to text; a run that is no UTF-8 becomes one U+FFFD a byte."""
        texts: list[str] = []
        run = b""
        for token in [*tokens, ""]:
            byte = byte_of(token)
            if byte is not None:
                run += byte
                continue
            if run:
                texts += _characters(run)
                run = b""
            texts.append(token)
        return texts[:-1]


def _characters(run: bytes) -> list[str]:
    try:
        return [run.decode()]
    except UnicodeDecodeError:
        return ["\ufffd"] * len(run)


@dataclass(frozen=True, slots=True)
class Fuse(Part):
    """All tokens to one, so that what follows sees the whole text."""

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """Join."""
        return ["".join(tokens)]


@dataclass(frozen=True, slots=True)
class Strip(Part):
    """Up to so many of one character are removed at each end of each token."""

    content: str = " "
    start: int = 0
    stop: int = 0

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """Remove."""
        return [self._stripped(token) for token in tokens]

    def _stripped(self, token: str) -> str:
        first, last = 0, len(token)
        while first < min(self.start, len(token)) and token[first] == self.content:
            first += 1
        while len(token) - last < self.stop and last > first and token[last - 1] == self.content:
            last -= 1
        return token[first:last]


@dataclass(frozen=True, slots=True)
class CTC(Part):
    """Speech: a token repeated by the next frame counts once, the pad token separates, a sign stands for a blank."""

    pad_token: str = "<pad>"
    word_delimiter_token: str = "|"
    cleanup: bool = True

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """The tokens that were meant."""
        kept = [token for i, token in enumerate(tokens) if i == 0 or token != tokens[i - 1]]
        texts = [token.replace(self.pad_token, "") for token in kept]
        if self.cleanup:
            texts = [clean_up(text).replace(self.word_delimiter_token, " ") for text in texts]
        return [text for text in texts if text]


@dataclass(frozen=True, slots=True)
class Sequence(Part):
    """Decoders one after the other."""

    decoders: tuple[Part, ...]

    def decode(self, tokens: Tokens[str]) -> list[str]:
        """All of them."""
        texts = list(tokens)
        for decoder in self.decoders:
            texts = decoder.decode(texts)  # type: ignore[attr-defined]
        return texts


DECODERS = {
    part.__name__: part
    for part in (
        ByteLevel, WordPiece, Metaspace, BPEDecoder, Replace, ByteFallback, Fuse, Strip, CTC, Sequence,
    )
}  # fmt: skip


def read_decoder(raw: Any) -> Any:
    """The decoder that a tokenizer.json describes, or None."""
    return read_part(raw, "decoder", DECODERS)
